"""The page in a real browser: what one sees, moves, saves and undoes."""

import shlex

import numpy as np
import pytest
from browsers import open_browser
from patience import PATIENCE_S, slowness
from running import load
from serving import serve

from number_generator import GenericDataset, Handwriting
from number_generator.commands.main import main
from number_generator.job.handwriting import parameters
from number_generator.studio.scans import Scans
from number_generator.system.signals import Interruption

pytestmark = pytest.mark.slow

_PIXELS = """k => {
  const canvas = document.querySelectorAll("#lines canvas")[k];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, ...data.filter((_, j) => j % 4 === 0)];
}"""


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def server():
    with serve() as running:
        yield running


@pytest.fixture
def window(browser):
    """A window of the browser; what fails in a page fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(1000 * PATIENCE_S)
    failures = []
    context.on("weberror", lambda error: failures.append(str(error.error)))
    context.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    yield context
    context.close()
    assert [text for text in failures if "status of 4" not in text] == []


@pytest.fixture
def page(window, server):
    return open_page(window, server)


def open_page(window, server):
    page = window.new_page()
    page.goto(server.address)
    page.wait_for_selector("#status[data-elapsed]")
    return page


def settle(page):
    """Wait until the sheet is that of the page's state."""
    page.wait_for_function("() => window.studio.isSettled()")


def pixels(page, number=0):
    settle(page)
    height, width, *grey = page.evaluate(_PIXELS, number)
    return np.array(grey, np.uint8).reshape(height, width)


def open_group(page, name):
    group = page.locator(f"details.group:has([data-name={name}])")
    if group.get_attribute("open") is None:
        group.locator("summary").click()


def move(page, label, value):
    """Move a slider as a hand does: its value changes, and then it is let go."""
    open_group(page, label.partition(",")[0])
    slider = page.get_by_role("slider", name=label, exact=True)
    slider.evaluate(
        """(slider, value) => {
          slider.value = value;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
          slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        value,
    )


def save(page, path):
    page.get_by_role("button", name="Save…").click()
    page.locator("#file-path").fill(str(path))
    page.locator("#file-path").press("Enter")


def style_file(page):
    settle(page)
    return page.locator("#toml").text_content()


def test_every_parameter_is_there_in_its_group_with_help(page):
    shown = page.eval_on_selector_all(".row", "rows => rows.map(row => row.dataset.name)")
    groups = page.eval_on_selector_all(".group > summary > span:first-child", "all => all.map(e => e.textContent)")

    assert shown == [parameter.name for parameter in parameters()]
    assert groups == list(dict.fromkeys(parameter.group for parameter in parameters()))
    for name in ("crop", "height", "wide_gap"):  # a choice, a range and a share
        page.get_by_role("button", name=f"Help for {name}", exact=True).click()
        page.wait_for_selector(f"#help-{name} figure:nth-of-type(3) canvas")
    assert "height of the line's ink" in page.locator("#help-height").inner_text().lower()
    assert "from 0.2 to 1" in page.locator("#help-height").inner_text()


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(page):
    page.eval_on_selector_all("details", "all => all.forEach(each => (each.open = true))")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, canvas:not(button canvas), summary")]
          .filter(each => !each.closest("dialog"))
          .filter(each => !(each.ariaLabel || each.labels?.[0]?.textContent || each.textContent).trim())
          .map(each => each.outerHTML)"""
    )
    assert unnamed == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the sheet"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.id"))
    assert {"start", "save", "numbers", "dashes", "color", "seed", "zoom", "Line 1: 0334330904, enlarge"} <= reached
    page.get_by_role("button", name="Save…").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_slider_that_moves_draws_other_pixels_of_the_same_numbers(page):
    before, labels = pixels(page), page.locator("#lines .label").all_text_contents()

    move(page, "ink, high end", 0.5)

    assert (pixels(page) != before).any()
    assert page.locator("#lines .label").all_text_contents() == labels
    assert "ink = [0.45, 0.5]" in style_file(page)
    move(page, "ink, high end", 0.2)  # below the other end, which goes along
    assert "ink = [0.2, 0.2]" in style_file(page) or "ink = 0.2" in style_file(page)


def test_a_click_on_the_track_brings_the_nearer_end_there(page):
    track = page.locator("[data-name=size] .track")
    box, thumb = track.bounding_box(), 16
    for share, expected in ((0.9, "size = [0.85, 1.83]"), (0.1, "size = [0.47, 1.83]")):  # from 0.3 to 2
        x = box["x"] + thumb / 2 + share * (box["width"] - thumb)

        page.mouse.click(x, box["y"] + box["height"] / 2)

        assert expected in style_file(page)


def test_keys_alone_change_a_value_enlarge_a_line_and_close_it(page):
    page.get_by_role("slider", name="height, low end", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert "height = [0.705, 1]" in style_file(page)

    page.locator("#lines button").nth(1).focus()
    page.keyboard.press("Enter")
    title = page.locator("#enlarged-title")
    assert title.inner_text().startswith("Line 2: ")
    page.keyboard.press("ArrowRight")
    assert title.inner_text().startswith("Line 3: ")
    page.keyboard.press("Escape")
    page.wait_for_selector("#enlarged", state="hidden")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Line 2: ")


def test_steps_are_undone_and_redone_and_a_parameter_is_reset(page):
    first = style_file(page)
    move(page, "slant", 0.3)
    move(page, "height, low end", 0.5)
    both = style_file(page)
    assert both.count("\n") == 3

    page.keyboard.press("Control+z")
    assert "height" not in style_file(page)
    page.get_by_role("button", name="Redo").click()
    assert style_file(page) == both
    page.get_by_role("button", name="Reset slant", exact=True).click()
    assert style_file(page) == 'base = "document"\nheight = [0.5, 1]\n'
    assert page.evaluate("document.activeElement.ariaLabel") == "Help for slant"
    page.get_by_label("Changed only").check()
    page.get_by_role("button", name="Reset height", exact=True).click()
    assert page.evaluate("document.activeElement.id") == "changed-only"
    assert page.get_by_text("There is no such parameter").is_visible()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Undo").click()
    assert style_file(page) == 'base = "document"\nheight = [0.5, 1]\n'
    page.get_by_role("button", name="Reset all").click()
    assert style_file(page) == first == 'base = "document"\n'
    page.get_by_label("Start from").select_option("natural")
    assert style_file(page) == 'base = "natural"\n'
    page.get_by_role("button", name="Undo").click()
    assert style_file(page) == first


def test_a_wrong_value_is_told_beside_its_control_and_the_sheet_stays(page):
    before = pixels(page)
    box = page.get_by_role("spinbutton", name="height, low end", exact=True)

    box.fill("3")
    settle(page)

    assert page.locator("#wrong-height").inner_text().startswith("height: the range is 3:1: the low end exceeds")
    assert box.get_attribute("aria-invalid") == "true"
    assert (pixels(page) == before).all()
    page.get_by_label("Width, px").fill("wide")
    page.get_by_label("Width, px").press("Enter")
    settle(page)
    assert "width is 'wide': give an integer" in page.locator("#wrong-image_width").inner_text()
    page.get_by_label("Width, px").fill("100")
    page.get_by_label("Width, px").press("Enter")
    box.fill("0.9")
    assert pixels(page).shape == (28, 100)
    assert page.locator("[aria-invalid]").count() == 0
    box.fill("")  # the box stays, and has the focus
    settle(page)
    assert page.locator("#wrong-height").inner_text().startswith("height: the low end is '': give a finite")
    box.press_sequentially("0.8")
    assert "height = [0.8, 1]" in style_file(page)


def test_a_slider_keeps_a_bell_curve_within_the_limits_and_a_box_is_told(page):
    move(page, "gap_jitter", 1)
    assert "gap_jitter = {mean = 1, sd = 0.08, low = -0.5, high = 1}" in style_file(page)
    for end in ("lowest", "highest"):
        page.get_by_role("spinbutton", name=f"gap_jitter, {end}", exact=True).fill("")
    settle(page)
    assert "as in normal(1, 0.08, -0.5, 1)" in page.locator("#wrong-gap_jitter").inner_text()
    assert page.locator("#status").inner_text().endswith("see gap_jitter.")


def test_a_reload_keeps_the_state_and_what_can_be_undone_and_another_tab_has_its_own(window, page, server):
    move(page, "height, low end", 0.5)
    moved = pixels(page)

    other = open_page(window, server)
    assert style_file(other) == 'base = "document"\n'
    move(other, "height, low end", 0.9)
    page.reload()
    page.wait_for_selector("#status[data-elapsed]")

    assert (pixels(page) == moved).all()
    assert style_file(other) == 'base = "document"\nheight = [0.9, 1]\n'
    page.get_by_role("button", name="Undo").click()
    assert style_file(page) == 'base = "document"\n'


def test_a_saved_style_and_the_command_draw_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    move(page, "height, low end", 0.5)
    page.get_by_label("Numbers").select_option("amount")
    page.get_by_label("Seed").fill("77")
    page.get_by_label("Seed").press("Enter")
    settle(page)
    shown = [pixels(page, number) for number in range(3)]

    save(page, tmp_path / "mine.toml")
    page.wait_for_selector("#file", state="hidden")
    save(page, tmp_path / "mine.toml")
    page.wait_for_selector("#file-replace")
    assert "mine.toml exists already. Replace it?" in page.locator("#file-wrong").inner_text()
    page.keyboard.press("Enter")  # the focus is there
    page.wait_for_selector("#file", state="hidden")
    command = shlex.split(page.locator("#command").text_content())

    saved = [word for word in command if not word.startswith(("--style", "--set"))] + ["--style=mine.toml"]
    for name, words in (("by.npz", command), ("from.npz", saved)):
        few = [word.replace("--num-images=1000", "--num-images=3") for word in words[1:]]
        assert main([*few, f"--output-path={name}", "--quiet"], Interruption()) == 0
        images, labels, _ = load(name)
        assert labels == page.locator("#lines .label").all_text_contents()[:3]
        for image, line in zip(images, shown, strict=True):
            np.testing.assert_array_equal(image, line)
    assert Handwriting.from_file("mine.toml") == Handwriting.named("document").replace(height=(0.5, 1))


def test_phone_numbers_of_countries_and_own_lists_are_written(page, tmp_path):
    (tmp_path / "mine.txt").write_text("2024-5\n17\n")
    numbers, own, command = page.get_by_label("Numbers"), page.locator("#numbers-own"), page.locator("#command")
    for choice, text, option, first in (
        ("country …", "SG", "--country=SG --dashes", None),
        ("sequences …", str(tmp_path / "mine.txt"), f"--sequences={tmp_path / 'mine.txt'} --image", "2024-5"),
        ("pattern …", r"7{3}", "'--pattern=7{3}'", "777"),
    ):
        numbers.select_option(choice)
        own.fill(text)
        own.press("Enter")
        if "dashes" in option:
            page.get_by_label("Dashes").check()
        settle(page)
        assert option in command.text_content()
        assert first in (None, page.locator("#lines .label").first.text_content())
        assert page.get_by_label("Dashes").is_visible() == ("dashes" in option)
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert (numbers.input_value(), own.input_value()) == ("sequences …", str(tmp_path / "mine.txt"))
    numbers.select_option("date")
    settle(page)
    assert own.is_hidden()
    assert "--pattern=date --image" in command.text_content()
    numbers.select_option("country …")
    own.fill("XX")
    own.press("Enter")
    settle(page)
    assert "XX" in page.locator("#wrong-numbers").inner_text()


def test_a_style_file_is_loaded_and_kinds_of_values_are_changed(page, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "natural"\nslant = {low = -0.1, high = 0.2, per_job = true}\n')
    page.get_by_role("button", name="Load…").click()
    page.locator("#file-path").fill(str(tmp_path / "none.toml"))
    page.locator("#file-path").press("Enter")
    page.wait_for_selector("#file-wrong:not(:empty)")
    assert "cannot be read" in page.locator("#file-wrong").inner_text()
    page.locator("#file-path").fill(str(path))
    page.locator("#file-path").press("Enter")
    page.wait_for_selector("#file", state="hidden")

    assert style_file(page) == path.read_text()
    open_group(page, "slant")
    kind = page.get_by_label("slant: kind of values")
    assert kind.input_value() == "range job"
    for name, expected in (
        ("bell", "slant = {mean = 0.05, sd = 0.076, low = -0.1, high = 0.2}"),
        ("one", "slant = 0.05"),
        ("range", "slant = [-0.15, 0.25]"),
    ):
        kind.select_option(name)
        assert expected in style_file(page)


def test_scans_stand_beside_the_lines_at_their_size(window, tmp_path):
    images, numbers = np.full((30, 56, 100), 90, np.uint8), list(map(str, range(30)))
    GenericDataset(images, numbers).save(tmp_path / "scans.npz")
    with serve(scans=Scans(str(tmp_path / "scans.npz"))) as server:
        page = open_page(window, server)
        page.wait_for_selector("#scanned canvas")
        labels = page.locator("#scanned .label")
        assert labels.all_text_contents() == numbers[:24]
        page.get_by_label("Width, px").fill("auto")
        page.get_by_label("Width, px").press("Enter")
        settle(page)
        assert page.eval_on_selector("#scanned canvas", "canvas => [canvas.width, canvas.height]") == [50, 28]
        page.get_by_role("button", name="Other scans").click()
        page.wait_for_function("() => document.querySelector('#scanned .label').textContent === '24'")
        assert "0 of them show ink" in page.locator("#near").inner_text()
        page.locator("#scanned button").first.click()
        assert page.locator("#enlarged-title").inner_text() == "Scan 1: 24"


def test_a_sheet_is_there_a_tenth_of_a_second_after_a_slider_moves(page):
    elapsed = []
    for step in range(20):
        move(page, "height, low end", 0.5 + step / 100)
        settle(page)
        elapsed.append(int(page.locator("#status").get_attribute("data-elapsed")))
    assert np.median(elapsed) < 100 * slowness(), elapsed
