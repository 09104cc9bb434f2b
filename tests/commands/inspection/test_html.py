"""What was found of a dataset as a page: whole, harmless, and shown by a browser without a request or an error."""

import base64
import html
import http.server
import io
import re
import shutil
import subprocess
import threading
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from patience import PATIENCE_S
from PIL import Image

from number_generator import GenericDataset
from number_generator.commands.generate import generate_phone_numbers
from number_generator.commands.inspection.charts import draw_bar_chart, draw_histogram
from number_generator.commands.inspection.html import format_page, save_page
from number_generator.commands.inspection.inspect import inspect_dataset
from number_generator.commands.inspection.statistics import Distribution
from number_generator.commands.inspection.verification import Difference, Verification
from number_generator.errors import OutputError
from number_generator.formats.arrays import RawDataset
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.reader import open_reader
from number_generator.system.signals import Interruption

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
HOSTILE = "</pre></td><script>alert(1)</script><img src=http://127.0.0.1/x onerror=alert(2)>\x1b[31m\u202e"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "lines.h5"
    arguments = ["--num-images=60", "--seed=3", "--truth=boxes", "--workers=1", "--quiet", f"--output-path={path}"]
    assert generate_phone_numbers(arguments, Interruption()) == 0
    return path


def page_of(path, verification=None):
    with open_reader(path, mapped=True) as reader:
        return format_page(inspect_dataset(reader, path), reader, verification)


def hostile_page(tmp_path, address="http://127.0.0.1/x"):
    """A page of a dataset that has nothing but hostile texts."""
    hostile = HOSTILE.replace("http://127.0.0.1/x", address)
    names = ("command", "package_version", "style", "fit", "digits_sha256", "split", "splits", "shard")
    metadata = dict.fromkeys(names, hostile)
    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros((3, 28, 28), np.uint8), labels=np.array([hostile, "<&>", '"']))
    raw = RawDataset(np.zeros((3, 28, 28), np.uint8), [hostile, "<&>", '"'], metadata)
    reader = MemoryReader(raw, raw.labels, path)
    found = inspect_dataset(reader, path)
    return format_page(found, reader, Verification(notes=(hostile,), reason=hostile))


def texts_of(page):
    """What the page shows, without its elements."""
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def loaded_by(page):
    """All addresses that the page names."""
    return re.findall(r"""(?:src|href|xlink:href|action|data|srcset)\s*=\s*["']?([^"'\s>]+)|url\(([^)]*)\)""", page)


@pytest.fixture
def server():
    """A server of this machine that notes what is asked of it."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", asked
        running.shutdown()
        thread.join()


def show(path, profile):
    """Return the page as a browser has it, and what it has to say."""
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome is installed")
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-logging=stderr", f"--user-data-dir={profile}", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_tells_what_was_found(dataset):
    page = page_of(dataset, Verification(60, ("boxes",)))

    shown = texts_of(page)
    for text in (
        "lines.h5",
        "60  images",
        "100 x 28",
        "HDF5",
        "clean, seed 3",
        "generate-phone-numbers --num-images=60",
        "40 images, with the boxes of their characters",
        "All 60 labels.",
        "between neighbouring boxes",
        "Verified: 60 images, made again, are identical to the byte (labels, boxes too)",
    ):
        assert text in re.sub(r" +", " ", shown) or text in shown, text
    assert page.count("<svg") == 10


def test_differences_are_told(dataset):
    page = page_of(dataset, Verification(60, (), (Difference(7, ("image", "label")),)))

    assert 'class="note bad"' in page
    assert "image 7: image, label" in texts_of(page)


def test_the_sample_sheet_is_a_picture_in_the_page(dataset):
    (address,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page_of(dataset))

    with Image.open(io.BytesIO(base64.b64decode(address))) as sheet:
        assert sheet.format == "PNG"
        assert sheet.size[0] > 1000
        assert sheet.mode == "RGB"


def test_boxes_that_are_none_of_the_page_do_not_hinder(dataset):
    with open_reader(dataset) as reader:
        boxes = reader.truth("boxes", 0, 60)
        boxes[:, 0, 2] = 1000
        raw = RawDataset(
            reader.images(0, 60), reader.labels(0, 60), truth={"boxes": boxes}, fields=reader.fields
        )  # fmt: skip
    changed = MemoryReader(raw, raw.labels, dataset)

    page = format_page(inspect_dataset(changed, dataset), changed)

    assert "40 images, spread evenly" in texts_of(page)


def test_a_page_loads_nothing_and_runs_nothing(dataset, tmp_path):
    for page in (page_of(dataset), hostile_page(tmp_path)):
        assert "default-src 'none'" in page
        assert "<script" not in page
        assert not re.search(r"<[^>]*\son\w+\s*=", page)
        # Only what stands in elements: the texts were made harmless.
        for address in loaded_by("".join(re.findall(r"<[^>]*>", page))):
            assert "".join(address).startswith("data:")


def test_texts_of_the_dataset_are_shown_and_nothing_else(tmp_path):
    page = hostile_page(tmp_path)

    assert "<script>alert(1)</script>" in texts_of(page)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\x1b[31m" in page


def test_a_dataset_without_images_has_a_page(tmp_path):
    np.savez(tmp_path / "none.npz", images=np.zeros((0, 5, 6), np.uint8), labels=np.zeros(0, np.int64))

    assert "the dataset holds no image" in page_of(tmp_path / "none.npz")


def test_huge_images_have_a_page_without_a_sheet(tmp_path):
    np.savez(tmp_path / "huge.npz", images=np.full((1, 2500, 2500), 255, np.uint8), labels=["1"])

    assert "<img" not in page_of(tmp_path / "huge.npz")


def test_images_that_differ_in_size_have_a_page_with_their_sizes(tmp_path):
    images = [np.full((12, 30 + 100 * k), 255, np.uint8) for k in range(5)]
    GenericDataset(images, range(5)).save(tmp_path / "lines.npz")

    page = page_of(tmp_path / "lines.npz")

    assert "<b>30 to 430 x 12</b>" in page
    assert "Width of the pages" in page
    assert "<img" in page


def test_a_browser_shows_the_page_without_an_error(dataset, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of(dataset), encoding="utf-8")

    shown, logged = show(path, tmp_path / "profile")

    assert logged == []
    assert "<h1>lines.h5</h1>" in shown
    assert shown.count('<rect class="bar"') > 50
    assert "between neighbouring boxes" in shown


def test_a_browser_asks_for_nothing_and_runs_nothing(tmp_path, server):
    address, asked = server
    path = tmp_path / "page.html"
    path.write_text(hostile_page(tmp_path, f"{address}hostile"), encoding="utf-8")

    shown, logged = show(path, tmp_path / "profile")

    assert (logged, asked) == ([], [])
    assert f"&lt;img src={address}hostile" in shown
    assert "<script" not in shown


def test_a_page_is_written_whole_and_replaces_an_earlier_one(tmp_path):
    path = tmp_path / "new" / "page.html"
    for text in ("first", "second \udc80"):
        save_page(text, path, Interruption())

    assert path.read_text(encoding="utf-8") == "second \\udc80"
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


def test_an_earlier_page_stays_if_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("earlier")

    def fail(self):
        raise OutputError("the disk is full")

    monkeypatch.setattr("number_generator.system.atomic_file.AtomicFile.commit", fail)
    with pytest.raises(OutputError):
        save_page("later", path, Interruption())

    assert path.read_text() == "earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    "values",
    [
        np.array([7]),
        np.array([-3, 4]),
        np.arange(1000),
        np.linspace(0, 1, 50),
        np.array([0.5]),
        np.array([0, 10**9]),
        np.array([255, 255, 254]),
    ],
    ids=repr,
)
def test_a_histogram_has_a_bar_for_each_bin_within_its_frame(values):
    found = Distribution.of(values)

    drawn = ET.fromstring(draw_histogram("Title & more", found, "px"))

    bars = [element for element in drawn.iter("rect") if element.get("class") == "bar"]
    assert len(bars) == len(found.counts)
    for bar in bars:
        x, y, width, height = (float(bar.get(name)) for name in ("x", "y", "width", "height"))
        assert x >= 50
        assert x + width <= 432
        assert y >= 20
        assert y + height <= 181
    assert drawn.get("aria-label") == "Title & more"


def test_a_bar_chart_names_its_bars_and_their_shares():
    drawn = ET.fromstring(draw_bar_chart("Digits", {"0": 1, "<": 3, "2": 0}, "digit"))

    texts = [element.text for element in drawn.iter("text")]
    assert {"0", "<", "2", "25.0", "75.0", "digit"} <= set(texts)
    assert [title.text for title in drawn.iter("title")] == ["0: 1 (25.0 %)", "<: 3 (75.0 %)", "2: 0 (0.0 %)"]


def test_the_command_is_quoted_for_a_shell(tmp_path):
    metadata = {"command": "generate-phone-numbers --digits=$(reboot) --seed=1"}
    raw = RawDataset(np.zeros((1, 28, 28), np.uint8), ["7"], metadata)
    reader = MemoryReader(raw, raw.labels, tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", images=raw.images, labels=["7"])

    page = format_page(inspect_dataset(reader, tmp_path / "a.npz"), reader)

    shown = html.unescape(re.sub("<[^>]*>", "", page.partition("<pre>")[2].partition("</pre>")[0]))
    assert shown == "generate-phone-numbers '--digits=$(reboot)' --seed=1"
