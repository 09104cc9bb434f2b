"""examples/train_reader.py: what it decodes, counts and reads, and a few steps of training."""

import importlib.util
import itertools
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S, slowness
from PIL import Image

from number_generator import GenericDataset, Handwriting, fit_lines
from number_generator.commands import generate as cli
from number_generator.commands.main import main as package_main
from number_generator.digits.resolve import default_digits
from number_generator.digits.splits import split_digits
from number_generator.job.handwriting import with_settings
from number_generator.numbers.patterns import Pattern
from number_generator.numbers.sequences import ALPHABET
from number_generator.system.signals import Interruption

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "train_reader.py"
TUTORIAL = ROOT / "docs" / "training.md"

if not SCRIPT.is_file():
    pytest.skip("the example is in the checkout only", allow_module_level=True)
torch = pytest.importorskip("torch")

TINY = ["--channels=4", "--batch=8", "--held-out=20", "--threads=1", r"--pattern=\d{2,4}", "--width=64"]
numbers = st.text(ALPHABET, max_size=6)


def loaded():
    specification = importlib.util.spec_from_file_location("train_reader", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["train_reader"] = module
    specification.loader.exec_module(module)
    return module


train_reader = loaded()


@pytest.fixture(autouse=True)
def _threads():
    """PyTorch keeps its number of threads, which the script sets."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def own_images(tmp_path):
    """A folder of three images: dark on light, light on dark in colour, and far too wide."""
    folder = tmp_path / "mine"
    folder.mkdir()
    page = np.full((40, 90), 200, np.uint8)
    page[10:30, 20:25] = 30
    Image.fromarray(page).save(folder / "dark.png")
    Image.fromarray(255 - page).convert("RGB").save(folder / "light.png")
    Image.fromarray(np.pad(page, ((0, 0), (0, 500)), constant_values=200)).save(folder / "wide.jpg")
    (folder / "gt.txt").write_text("dark.png\t1\n\nlight.png\t1-2\r\nwide.jpg\t30\n", encoding="utf-8")
    return folder


def recipe_of(digits, *, seed=1, width=64):
    return train_reader.Recipe(Pattern(r"\d{2,4}"), Handwriting.named("natural"), width, digits, seed)


def size_of(path):
    with Image.open(path) as image:
        return image.size


# --- CTC


@given(st.lists(st.integers(0, len(ALPHABET)), max_size=12))
def test_decoding_drops_repeats_and_then_blanks(classes):
    merged = [this for this, _ in itertools.groupby(classes)]

    assert train_reader.decoded(classes) == "".join(ALPHABET[this - 1] for this in merged if this)


@given(numbers, st.integers(1, 3))
def test_a_label_between_blanks_decodes_to_itself(label, repeats):
    classes, lengths = train_reader.encoded([label])

    path = [0, *(step for this in classes.tolist() for step in [this] * repeats + [0])]

    assert train_reader.decoded(path) == label
    assert lengths.tolist() == [len(label)]


def test_labels_are_encoded_one_after_the_other():
    classes, lengths = train_reader.encoded(["10", "", "- "])

    assert classes.tolist() == [2, 1, 11, 18]
    assert lengths.tolist() == [2, 0, 2]


# --- errors


def distance(label, reading):
    """The edit distance by its definition."""

    @cache
    def of(i, j):
        if not i or not j:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (label[i - 1] != reading[j - 1]))

    return of(len(label), len(reading))


@given(st.text("012", max_size=7), st.text("012", max_size=7))
def test_label_and_reading_lie_side_by_side_with_as_few_differences_as_can_be(label, reading):
    pairs = train_reader.aligned(label, reading)

    assert "".join(there for there, _ in pairs) == label
    assert "".join(seen for _, seen in pairs) == reading
    assert ("", "") not in pairs
    assert sum(there != seen for there, seen in pairs) == distance(label, reading)


def test_results_count_lines_characters_and_confusions():
    lines = train_reader.Lines("some", np.zeros((4, 28, 64), np.uint8), ["12", "345", "67", "77"])

    result = train_reader.Result(lines, ["12", "35", "61", "717"])

    assert [number for number, _, _ in result.wrong] == [1, 2, 3]
    assert result.exact == 0.25
    assert result.character_errors == 3 / 9
    assert dict(result.confusions) == {("4", ""): 1, ("7", "1"): 1, ("", "1"): 1}
    assert result.by_length() == [(2, 3, pytest.approx(1 / 3)), (3, 1, 0.0)]
    assert "`4` missed 1 times" in train_reader.errors_text(result)
    assert train_reader.error_sheet(result).dtype == np.uint8


def test_a_result_without_errors_says_so():
    lines = train_reader.Lines("some", np.zeros((1, 28, 64), np.uint8), ["12"])

    assert "errors: none" in train_reader.errors_text(train_reader.Result(lines, ["12"]))


# --- images


def test_batches_count_up_over_the_images_of_the_recipe(make_digit_dataset):
    recipe = recipe_of(make_digit_dataset(28))

    with recipe.batches(5) as batches:
        made = list(itertools.islice(batches, 7))

    images, labels = recipe.make(0, 35)
    assert np.array_equal(np.concatenate([batch for batch, _ in made]), images)
    assert [label for _, batch in made for label in batch] == labels


@pytest.mark.slow
def test_held_out_digits_are_not_trained_with(monkeypatch):
    used = {}

    def watch(name):
        make = getattr(train_reader, name)

        def watched(*args, digits, seed, **options):
            used.setdefault(seed, set()).update(digits.source_numbers.tolist())
            return make(*args, digits=digits, seed=seed, **options)

        monkeypatch.setattr(train_reader, name, watched)

    watch("generate_chunk")
    watch("stream")

    assert train_reader.main([*TINY, "--steps=2", "--seed=4"]) == 0

    assert len(used[4]) == 4500
    assert len(used[5]) == 500
    assert not used[4] & used[5]


def test_held_out_lines_are_of_the_style_and_of_two_to_compare_with():
    digits = split_digits(default_digits(), train_reader.SPLIT)["test"]

    named = train_reader.held_out(recipe_of(digits), digits, "natural", 6)
    bent = train_reader.held_out(recipe_of(digits), digits, "natural slant=0.3", 6)

    assert [lines.name.split(", ")[1] for lines in named] == ["natural", "clean"]
    assert [lines.name.split(", ")[1] for lines in bent] == ["natural slant=0.3", "clean", "natural"]
    assert all(lines.images.shape == (6, 28, 64) and len(lines.labels) == 6 for lines in bent)


# --- images of one's own


def test_a_folder_of_images_is_read_and_fitted_as_the_package_fits_lines(own_images):
    lines = train_reader.own_lines(own_images, 28, 64)

    assert lines.labels == ["1", "1-2", "30"]
    files = [own_images / name for name in ("dark.png", "light.png", "wide.jpg")]
    assert np.array_equal(lines.images, fit_lines(files, 28, 64))
    assert np.array_equal(lines.images[0], lines.images[1])
    assert (lines.images.min(axis=(1, 2)) < 128).all()  # ink, narrow where the line is squeezed
    assert (lines.images.max(axis=(1, 2)) == 255).all()


def test_any_labelled_dataset_can_be_read(tmp_path):
    images, labels = recipe_of(default_digits()).make(0, 5)
    GenericDataset(images, labels).save(tmp_path / "lines.h5")

    lines = train_reader.own_lines(tmp_path / "lines.h5", 28, 64)

    assert lines.labels == labels
    assert lines.images.shape == (5, 28, 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dark.png\t1\nlight.png\t1a\n", r"mine, image 1: the label '1a' holds 'a': .* leave the image out"),
        (b"none.png\t1\n", r"none.png"),
        (b"gt.txt\t1\n", r"gt.txt"),
        (b"\n", r"mine"),
        (None, r"mine"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_in_one_line(own_images, capfd, content, message):
    (own_images / "gt.txt").unlink()
    if content is not None:
        (own_images / "gt.txt").write_bytes(content)

    status = train_reader.main([*TINY, "--steps=1", f"--test={own_images}"])

    said = capfd.readouterr().err
    assert status == 2
    assert len(said.splitlines()) == 1
    assert said.startswith("train_reader.py: error: ")
    assert re.search(message, said), said


# --- the reader and its training


@pytest.mark.parametrize(("height", "width"), [(28, 128), (28, 65), (20, 8), (4, 9), (64, 100)])
def test_the_reader_scores_every_class_in_every_column(height, width):
    images = torch.full((2, height, width), 255, dtype=torch.uint8)

    scores = train_reader.Reader(height, 2).eval()(images)

    assert scores.shape == (-(-width // train_reader.COLUMN), 2, 1 + len(ALPHABET))
    assert torch.allclose(scores.exp().sum(2), torch.ones(()))


def test_the_exposure_of_an_image_does_not_matter(make_digit_dataset):
    images, _ = recipe_of(make_digit_dataset(28)).make(0, 4)
    reader = train_reader.Reader(28, 4).eval()
    darker = (images // 2 + 20).astype(np.uint8)

    scores, again = reader(torch.from_numpy(images)), reader(torch.from_numpy(darker))

    assert torch.allclose(scores, again, atol=0.05)


def test_the_learning_rate_rises_and_falls():
    rates = [train_reader.rate_at(progress) for progress in np.linspace(0, 1, 101)]

    assert rates[0] == 0
    assert max(rates) == train_reader._PEAK_RATE
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0)


@pytest.mark.slow
def test_a_reader_learns_to_read_single_digits():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    recipe = train_reader.Recipe(Pattern(r"\d"), Handwriting.named("clean"), 28, default_digits(), 2)
    reader = train_reader.Reader(28, 32)

    training = train_reader.train(reader, recipe, 32, minutes=PATIENCE_S / 60, steps=300)

    images, labels = recipe.make(300 * 32, 300 * 32 + 300)
    right = np.mean(
        [label == reading for label, reading in zip(labels, train_reader.read(reader, images), strict=True)]
    )
    assert training.images == 300 * 32
    assert right > 0.85


def test_training_ends_when_its_minutes_are_over(make_digit_dataset):
    reader, recipe = train_reader.Reader(28, 2), recipe_of(make_digit_dataset(28))
    recipe.make(0, 1)  # compiled before the clock runs

    training = train_reader.train(reader, recipe, 4, minutes=0.01, steps=None)

    assert training.steps >= 1
    assert 0.6 <= training.elapsed_s < 10 * slowness()


# --- the command


@pytest.mark.slow
def test_a_few_steps_give_a_report_a_reader_and_a_sheet_of_errors(own_images, tmp_path, capfd):
    files = {
        name: tmp_path / "out" / file for name, file in (("save", "r.pt"), ("errors", "e.png"), ("report", "r.md"))
    }
    options = [f"--{name}={path}" for name, path in files.items()]

    status = train_reader.main([*TINY, "--steps=3", f"--test={own_images}", *options])

    out, err = capfd.readouterr()
    assert status == 0, err
    assert files["report"].read_text(encoding="utf-8") == out
    assert out.startswith("    python examples/train_reader.py --channels=4")
    assert re.search(r"\| training \| \d+ s, 3 steps \|", out)
    assert re.search(r"\| images, none of them twice \| 24: [\d,]+ a second \|", out)
    assert re.search(r"\| waiting for them \| \d+\.\d s, \d+\.\d% \|", out)
    assert re.search(r"\| the generator alone, in one thread \| [\d,]+ a second, \d+ times as many \|", out)
    names = [str(own_images), *(f"held-out digits, {style}" for style in ("document", "clean", "natural"))]
    assert re.findall(r"^\| (.*?) \| [\d,]+ \| \d+\.\d% \| \d+\.\d\d% \|$", out, flags=re.MULTILINE) == names
    assert "3 images in " in err
    assert size_of(files["errors"])[0] > 100

    assert train_reader.main([*TINY, "--steps=0", f"--load={files['save']}", f"--test={own_images}"]) == 0
    again = capfd.readouterr().out
    assert again[again.index("| read |") :] == out[out.index("| read |") :]


def test_a_preview_shows_own_images_above_those_for_training_and_nothing_else_is_done(own_images, tmp_path, capfd):
    sheet = tmp_path / "sheet.png"

    assert train_reader.main([*TINY, f"--test={own_images}", f"--preview={sheet}"]) == 0

    assert size_of(sheet)[1] > 200
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--width=32"], "--width is 32, and a number has up to 4 characters: give --width 36 or more"),
        (["--pattern=abc"], "abc"),
        (["--set=slant=9"], "slant"),
        (["--style=none"], "none"),
        (["--sequences=none.txt"], "none.txt"),
        (["--digits=none.h5"], "none.h5"),
        (["--country=QQ"], "QQ"),
        ([f"--seed={2**64}"], "--seed is"),
        ([f"--load={SCRIPT}"], "which is no reader that --save wrote"),
        ([f"--report={ROOT}"], "cannot be written: it is a folder"),
        ([f"--save={SCRIPT}/r.pt"], "cannot be written"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line_before_any_training(arguments, message, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny = [option for option in TINY if not option.startswith("--pattern") or "--width=32" in arguments]

    status = train_reader.main([*tiny, "--width=128", *arguments])

    out, err = capfd.readouterr()
    assert status == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert message in err


@pytest.mark.parametrize(
    "option", ["--minutes=0", "--minutes=nan", "--minutes=x", "--batch=0", "--steps=-1", "--width=x"]
)
def test_a_number_out_of_range_is_told_with_the_usage(option, capfd):
    with pytest.raises(SystemExit) as exit_:
        train_reader.main([option])

    assert exit_.value.code == 2
    assert option.partition("=")[0] in capfd.readouterr().err


def test_without_pytorch_the_script_says_how_to_get_it():
    code = "import runpy, sys; sys.modules['torch'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-c", code, SCRIPT], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert 'pip install ".[examples]"' in done.stderr


# --- the tutorial


@pytest.fixture(scope="module")
def tutorial():
    if not TUTORIAL.is_file():
        pytest.skip("the tutorial is in the checkout only")
    return TUTORIAL.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_tutorial_s_own_images_and_previews_are_made_as_it_says(tutorial, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program in re.findall(r"^```python\n(.*?)^```", tutorial, flags=re.MULTILINE | re.DOTALL):
        exec(compile(program, str(TUTORIAL), "exec"), {"__name__": "__main__"})
    blocks = re.findall(r"^```sh\n(.*?)^```", tutorial, flags=re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.replace("\\\n", " ").splitlines()]

    previews = [command for command in commands if "preview" in " ".join(command)]

    assert len(previews) >= 4
    for command in previews:
        if command[0] == "python" and command[1] == "examples/train_reader.py":
            assert train_reader.main(command[2:]) == 0
        elif command[0] == "python":
            assert package_main(command[3:], Interruption()) == 0
        else:
            assert cli.generate_phone_numbers(command[1:], Interruption()) == 0
        (sheet,) = [word for word in command if word.endswith(".png")]
        assert size_of(sheet)[0] > 200, command
    for command in commands:
        if "examples/train_reader.py" in command:
            train_reader._parser().parse_args(command[2:])


def test_every_option_in_the_tutorial_exists(tutorial, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for command in (cli.generate_phone_numbers, cli.generate_numbers_sequence):
        with pytest.raises(SystemExit):
            command(["--help"], Interruption())
    with pytest.raises(SystemExit):
        package_main(["preview", "--help"], Interruption())
    with pytest.raises(SystemExit):
        train_reader.main(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    known |= set(re.findall(r'"(--[a-z-]+)"', (SCRIPT.parent / "own_lines.py").read_text(encoding="utf-8")))

    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.sub(r"<!--.*?-->", "", tutorial, flags=re.DOTALL)))

    assert mentioned <= known


def test_every_setting_in_the_tutorial_is_one_of_the_style(tutorial):
    settings = re.findall(r"--set ([^\s`]+)", tutorial)

    assert len(settings) > 5
    for setting in settings:
        with_settings(Handwriting.named("document"), [setting])


def test_every_local_link_in_the_tutorial_leads_somewhere(tutorial):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", tutorial)

    assert targets
    for target in targets:
        assert (TUTORIAL.parent / target).exists(), target
