"""Contact sheets, of styles and datasets: the function, and the command that `python -m number_generator` runs."""

import doctest
import inspect
import pickle
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

import number_generator
from number_generator import GenericDataset, Handwriting, generate_batch, preview
from number_generator.commands.main import main
from number_generator.errors import DatasetError, DatasetNotFoundError, OutputError, SpecError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.rendering import sheet
from number_generator.rendering.sheet import contact_sheet
from number_generator.system.signals import Interruption

module = import_module("number_generator.preview")


def noise(count, height=6, width=20, seed=0):
    """Images that are found in no other place than their own."""
    return np.random.default_rng([count, height, width, seed]).integers(0, 256, (count, height, width), np.uint8)


def places(sheet, images, scale):
    """Where each image stands, as (top, left); one that does not stand in exactly one place fails."""
    found = []
    for image in images:
        shown = image.repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = shown.shape
        windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width))
        candidates = np.argwhere(windows[:, :, 0, 0] == shown[0, 0])
        at = [(int(top), int(left)) for top, left in candidates if (windows[top, left] == shown).all()]
        assert len(at) == 1, at
        found += at
    return found


def below(sheet, place, height, width):
    """The strip below an image, as far as the next one may begin."""
    top, left = place
    return sheet[top + height + 1 : top + height + 20, left : left + width]


def ground(sheet):
    return int(sheet[0, 0])


def run(*arguments):
    """Give the exit status, also where the parser ends the process."""
    try:
        return main([str(argument) for argument in arguments], Interruption())
    except SystemExit as exc:
        return exc.code


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["h5", "pickle"])
def dataset_file(request, tmp_path):
    """A file of 100 images, each of one grey that tells its number, labelled with it."""
    images = np.empty((100, 8, 30), np.uint8)
    images[:] = np.arange(100, dtype=np.uint8)[:, None, None]
    path = tmp_path / f"dataset.{request.param}"
    GenericDataset(images, [str(number) for number in range(100)]).save(path)
    return path


@pytest.fixture
def shown(monkeypatch):
    """What `contact_sheet` was called with last: a list of images and labels."""
    seen = []

    def spy(images, labels):
        seen[:] = [images, list(labels)]
        return contact_sheet(images, labels)

    monkeypatch.setattr(sheet, "contact_sheet", spy)
    return seen


# --- contact_sheet


@pytest.mark.parametrize(("columns", "scale"), [(1, 1), (3, 2), (7, 3), (50, 1)])
def test_the_images_stand_in_a_grid_row_by_row_and_unchanged(columns, scale):
    images = noise(7)

    sheet = contact_sheet(images, "abcdefg", columns=columns, scale=scale)

    at = np.array(places(sheet, images, scale))
    across = min(columns, 7)
    rows, lefts = np.divmod(np.arange(7), across)
    assert sheet.dtype == np.uint8
    assert len(set(at[:, 1])) == across
    for axis, number in ((0, rows), (1, lefts)):
        pitch = {int(p) for p in np.diff(np.unique(at[:, axis]))}
        assert len(pitch) <= 1
        assert (at[:, axis] == at[0, axis] + number * max(pitch, default=0)).all()


def test_images_are_framed_and_do_not_touch():
    images = noise(4)

    sheet = contact_sheet(images, ["1"] * 4, columns=2, scale=2)

    for top, left in places(sheet, images, 2):
        frame = sheet[top - 1 : top + 13, left - 1 : left + 41].astype(int)
        frame[1:-1, 1:-1] = frame[0, 0]
        assert len(np.unique(frame)) == 1
        assert frame[0, 0] not in {0, 255, ground(sheet)}
        assert (sheet[top - 2, left - 2 : left + 42] == ground(sheet)).all()
        assert (sheet[top - 2 : top + 14, left - 2] == ground(sheet)).all()


def test_the_ground_is_neither_black_nor_white():
    sheet = contact_sheet(noise(1), [""])

    assert 96 < ground(sheet) < 224


def test_a_label_stands_below_its_own_image():
    images = noise(4, width=40)

    sheet = contact_sheet(images, ["12", "", "34567", "12"], columns=4, scale=1)

    strips = [below(sheet, place, 6, 40) for place in places(sheet, images, 1)]
    ink = [int((strip < ground(sheet)).sum()) for strip in strips]
    assert ink[1] == 0
    assert 0 < ink[0] < ink[2]
    assert np.array_equal(strips[0], strips[3])
    assert strips[2].min() == 0


def test_the_last_label_is_whole():
    images = noise(1, width=200)

    sheet = contact_sheet(images, ["(|gjpqy)"], columns=1, scale=1)

    assert (sheet[-3:] == ground(sheet)).all()


@pytest.mark.parametrize("label", ["0123456789" * 2, "1" * 10_000], ids=["20 digits", "10,000 digits"])
def test_a_long_label_is_shortened_and_stays_below_its_image(label):
    images = noise(2, width=60)

    sheet = contact_sheet(images, [label, ""], columns=2, scale=1)
    prefix = contact_sheet(images, [label[:3], ""], columns=2, scale=1)

    (top, left), other = places(sheet, images, 1)
    assert (below(sheet, other, 6, 60) == ground(sheet)).all()
    assert (sheet[top + 7 :, left + 61 :] == ground(sheet)).all()
    assert below(sheet, (top, left), 6, 60).min() == 0
    start = np.s_[top + 7 :, left : left + 10]
    assert np.array_equal(sheet[start], prefix[start])


def test_a_shortened_label_ends_in_dots():
    font = sheet._load_font()

    short = sheet._shorten("0123456789" * 5, font, 80)

    assert short.endswith("...")
    assert "0123456789".startswith(short[:-3][:10])
    assert font.getlength(short) <= 80 < font.getlength(f"{short[:-3]}00...")


@pytest.mark.parametrize("width", range(1, 40))
def test_no_label_is_wider_than_its_place(width):
    font = sheet._load_font()

    for text in ("", "7", "42", "12345678901", "WWWW"):
        assert font.getlength(sheet._shorten(text, font, width)) <= width


def test_a_label_that_fits_is_whole():
    font = sheet._load_font()

    assert sheet._shorten("+81 (90) 12", font, 100) == "+81 (90) 12"


def test_a_label_takes_one_line_and_only_simple_characters():
    images = noise(1, width=100)

    sheet = contact_sheet(images, ["1\n2\0é日"], columns=1, scale=1)

    assert np.array_equal(sheet, contact_sheet(images, ["1?2???"], columns=1, scale=1))


def test_labels_may_be_numbers():
    images = noise(2)

    assert np.array_equal(contact_sheet(images, np.array([3, 7])), contact_sheet(images, ["3", "7"]))


@pytest.mark.parametrize("failure", [TypeError("no such argument: size"), ImportError("no FreeType")])
def test_an_older_pillow_has_a_font_as_well(monkeypatch, failure):
    def older(size=None):
        if size is not None:
            raise failure
        return ImageFont.load_default_imagefont()

    if not hasattr(ImageFont, "load_default_imagefont"):
        pytest.skip("this Pillow has one default font")
    monkeypatch.setattr(ImageFont, "load_default", older)
    images = noise(3, width=60)

    sheet = contact_sheet(images, ["12", "日本", "1234567890" * 3], columns=3, scale=1)

    at = places(sheet, images, 1)
    assert all(below(sheet, place, 6, 60).min() == 0 for place in at)


@pytest.mark.parametrize(
    "shape", [(60, 28, 28), (60, 28, 100), (60, 28, 128), (24, 64, 64), (12, 28, 128), (200, 28, 128)]
)
def test_a_sheet_of_many_images_has_a_handy_size(shape):
    sheet = contact_sheet(noise(*shape), [""] * shape[0])

    height, width = sheet.shape
    assert 1000 <= width <= 1400
    assert 0.72 <= width / height <= 1.38


@pytest.mark.parametrize("shape", [(1, 28, 100), (3, 4, 4), (1, 1, 1), (2, 1000, 3)])
def test_a_few_small_images_are_enlarged(shape):
    sheet = contact_sheet(noise(*shape), [""] * shape[0])

    assert 1000 <= sheet.shape[1] <= 1400


def test_an_image_wider_than_a_sheet_is_shown_as_large_as_it_is():
    images = noise(3, 28, 2000)

    sheet = contact_sheet(images, ["1", "2", "3"])

    assert len({left for _, left in places(sheet, images, 1)}) == 1


def test_the_images_are_left_alone():
    images = noise(3)
    before = images.copy()
    images.setflags(write=False)

    sheet = contact_sheet(images, "abc")

    assert np.array_equal(images, before)
    assert sheet.flags.writeable


@pytest.mark.parametrize(
    ("images", "labels", "keywords", "message"),
    [
        (noise(0), [], {}, r"shape \(0, 6, 20\): a sheet shows at least one image"),
        (np.zeros((2, 0, 5), np.uint8), ["1", "2"], {}, "at least one image that has pixels"),
        (noise(2), ["1"], {}, "2 images and 1 labels"),
        (noise(2)[0], ["1", "2"], {}, r"shape \(6, 20\) and type uint8: give a uint8 array of shape"),
        (noise(2).astype(float), ["1", "2"], {}, "type float64"),
        ("images", ["1"], {}, "images is str: give a uint8 array"),
        (noise(2), ["1", "2"], {"columns": 0}, "columns is 0"),
        (noise(2), ["1", "2"], {"scale": 1.5}, "scale is 1.5"),
        (noise(2), ["1", "2"], {"scale": 10**400}, "scale is 10"),
        (noise(2), ["1", "2"], {"scale": 60_000}, r"at most 2\*\*28 pixels"),
    ],
)
def test_what_makes_no_sheet_is_refused(images, labels, keywords, message):
    with pytest.raises(SpecError, match=message):
        contact_sheet(images, labels, **keywords)


# --- preview of a style


@pytest.mark.parametrize("style", ["clean", "natural", "document"])
def test_a_style_is_shown_as_generate_batch_draws_it(shown, style):
    preview(style, count=12, width=90, seed=5)

    images, labels = shown
    gaps = (5, 10) if style == "clean" else None
    assert np.array_equal(images, generate_batch(labels, gaps, 90, style=style, seed=5))


def test_the_sheet_is_the_one_of_those_images(shown):
    sheet = preview("clean", count=5)

    assert np.array_equal(sheet, contact_sheet(*shown))


def test_the_drawn_numbers_have_two_to_seven_digits(shown):
    preview("clean", count=300, seed=1)

    labels = shown[1]
    assert {len(label) for label in labels} == {2, 3, 4, 5, 6, 7}
    assert set("".join(labels)) == set("0123456789")
    assert len(set(labels)) > 200


def test_the_seed_makes_the_sheet():
    first = preview("clean", count=20, seed=2**64 - 1)

    assert np.array_equal(first, preview("clean", count=20, seed=2**64 - 1))
    assert not np.array_equal(first, preview("clean", count=20, seed=3))


def test_fewer_images_are_the_first_of_more(shown):
    preview("clean", count=20, seed=4)
    images, labels = shown

    preview("clean", count=7, seed=4)

    assert shown[1] == labels[:7]
    assert np.array_equal(shown[0], images[:7])


@pytest.mark.parametrize(
    ("sequences", "labels"),
    [
        (["12", ""], ["12", "", "12", "", "12"]),
        ([[1, 2], [3]], ["12", "3", "12", "3", "12"]),
        (np.array([[0, 7], [4, 2]]), ["07", "42", "07", "42", "07"]),
        (["1", "2", "3", "4", "5", "6"], ["1", "2", "3", "4", "5"]),
    ],
)
def test_given_sequences_are_written_over_and_over(shown, sequences, labels):
    preview("clean", count=5, sequences=sequences)

    assert shown[1] == labels
    assert np.array_equal(shown[0], generate_batch(labels, (5, 10), 128, seed=0))


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_given_sequences_may_have_separators(shown, style):
    preview(style, count=2, sequences=["+1 (2)"])

    assert shown[1] == ["+1 (2)"] * 2


def test_spacing_and_digits_are_those_given(shown, digits_file):
    preview("clean", count=4, spacing_range=(0, 1), digits=digits_file, width=40)

    images, labels = shown
    assert np.array_equal(images, generate_batch(labels, (0, 1), 40, seed=0, digits=digits_file))


def test_a_style_may_be_a_file_or_a_handwriting(tmp_path):
    path = tmp_path / "Leaning.TOML"
    path.write_text('base = "natural"\nslant = [0.4, 0.5]\n')

    sheets = [
        preview(source, count=4) for source in (path, str(path), Handwriting.named("natural").replace(slant=(0.4, 0.5)))
    ]

    assert np.array_equal(sheets[0], sheets[1])
    assert np.array_equal(sheets[0], sheets[2])
    assert not np.array_equal(sheets[0], preview("natural", count=4))


# --- preview of a dataset


def test_the_images_are_spread_evenly_over_the_dataset(shown, dataset_file):
    preview(dataset_file, count=12)

    images, labels = shown
    numbers = [int(label) for label in labels]
    assert (numbers[0], numbers[-1]) == (0, 99)
    assert set(np.diff(numbers)) == {9}
    assert (images == np.array(numbers)[:, None, None]).all()


@pytest.mark.parametrize("count", [1, 2, 7, 60, 99])
def test_spread_images_are_all_different_and_far_apart(shown, dataset_file, count):
    preview(dataset_file, count=count)

    steps = np.diff([int(label) for label in shown[1]])
    assert len(shown[1]) == count
    assert count == 1 or steps.max() - steps.min() <= 1
    assert steps.min(initial=1) >= 1


@pytest.mark.parametrize("count", [100, 1000])
def test_a_dataset_of_fewer_images_is_shown_whole(shown, dataset_file, count):
    preview(str(dataset_file), count=count)

    assert shown[1] == [str(number) for number in range(100)]


def test_a_dataset_may_be_an_object(shown):
    images = noise(10)

    preview(GenericDataset(images, [str(number) for number in range(10)]), count=4)

    assert shown[1] == ["0", "3", "6", "9"]
    assert np.array_equal(shown[0], images[::3])


def test_a_large_file_is_not_read_whole(monkeypatch, tmp_path):
    path = tmp_path / "large.h5"
    GenericDataset(noise(5000), ["1"] * 5000).save(path)
    read = []
    monkeypatch.setattr(
        Hdf5Reader,
        "images",
        lambda self, start, stop, step=1, original=Hdf5Reader.images: (
            read.append(stop - start) or original(self, start, stop, step)
        ),
    )

    preview(path, count=20)

    assert read == [1] * 20


def test_a_file_named_like_a_style_needs_its_folder(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    GenericDataset(noise(3), ["1", "2", "3"]).save("natural")

    preview("./natural")

    assert shown[1] == ["1", "2", "3"]


# --- errors and files


@pytest.mark.parametrize(
    ("source", "keywords", "error", "message"),
    [
        ("clean", {"count": 0}, SpecError, "count is 0: give an integer, from 1 to 10000"),
        ("clean", {"count": 10_001}, SpecError, "count is 10001"),
        ("clean", {"count": "5"}, SpecError, "count is '5'"),
        ("clean", {"width": 0}, SpecError, "width is 0"),
        ("clean", {"seed": -1}, SpecError, "seed is -1"),
        ("clean", {"seed": None}, SpecError, "seed is None: give an integer"),
        ("clean", {"sequences": []}, SpecError, "sequences is empty"),
        ("clean", {"sequences": "123"}, SpecError, "single text"),
        (
            "clean",
            {"sequences": ["1-2", "1a"]},
            SpecError,
            "which holds 'a': give digits from 0 to 9 and the separators",
        ),
        ("clean", {"spacing_range": (3, 1)}, SpecError, r"spacing_range is \(3, 1\)"),
        ("clean", {"path": "sheet.jpg"}, SpecError, "path is 'sheet.jpg': give a file name that ends in .png"),
        ("clean", {"path": "a\0.png"}, SpecError, r"path is 'a\\x00.png'"),
        ("clean", {"path": 5}, SpecError, "path is 5: give a file name"),
        ("naturel", {}, DatasetNotFoundError, "source is 'naturel', which is neither a style nor a file: give 'clean'"),
        (Path("no.h5"), {}, DatasetNotFoundError, "source is 'no.h5', which is neither"),
        ("no.toml", {}, SpecError, "the style no.toml cannot be read"),
        (5, {}, SpecError, "source is a int: give the name of a style"),
        (GenericDataset(), {}, DatasetError, "the dataset holds no image"),
        (GenericDataset(noise(1), ["1"]), {"sequences": ["1"]}, SpecError, "sequences is given and the source is a da"),
        (GenericDataset(noise(1), ["1"]), {"digits": "d.h5"}, SpecError, "digits is given"),
        (GenericDataset(noise(1), ["1"]), {"spacing_range": (1, 2)}, SpecError, "spacing_range is given"),
    ],
)
def test_what_cannot_be_shown_is_told(tmp_path, monkeypatch, source, keywords, error, message):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(error, match=message):
        preview(source, **{"path": "sheet.png", **keywords})

    assert names_in(tmp_path) == []


def test_a_file_that_is_no_dataset_is_told(tmp_path):
    path = tmp_path / "text"
    path.write_text("neither")

    with pytest.raises(DatasetError, match="belong to no known format"):
        preview(path)


def test_missing_labels_of_a_file_that_is_there_are_what_is_told(tmp_path):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7]))

    with pytest.raises(DatasetNotFoundError, match="label"):
        preview(path)


def test_the_file_holds_the_sheet(tmp_path):
    path = tmp_path / "new" / "Sheet.PNG"

    sheet = preview("clean", path, count=6)

    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(image), sheet)
    assert names_in(path.parent) == ["Sheet.PNG"]


def test_an_earlier_sheet_is_replaced(tmp_path):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"earlier")

    preview("clean", path, count=2)

    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stop"])
def test_a_failed_write_leaves_the_earlier_sheet(tmp_path, monkeypatch, failure):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"earlier")

    def save(self, file, file_format):
        file.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", save)

    with pytest.raises((OutputError, KeyboardInterrupt)):
        preview("clean", path, count=2)

    assert path.read_bytes() == b"earlier"
    assert names_in(tmp_path) == ["sheet.png"]


# --- the public name


def test_the_public_name_is_the_function_whatever_is_loaded():
    import_module("number_generator.preview")

    assert inspect.isfunction(number_generator.preview)
    assert pickle.loads(pickle.dumps(number_generator.preview)) is preview


def test_the_examples_run():
    result = doctest.testmod(module, raise_on_error=False)

    assert result.attempted > 0
    assert result.failed == 0


# --- python -m number_generator


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    path = tmp_path / "folder"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def test_the_command_draws_the_sheet_of_a_style(folder, capsys):
    status = run("preview", "clean", "new/sheet.png", "--count=6", "--width=80", "--seed=9")

    sheet = preview("clean", count=6, width=80, seed=9)
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert said.out == f'Contact sheet of {sheet.shape[1]} x {sheet.shape[0]} px drawn at "new/sheet.png"\n'
    with Image.open(folder / "new" / "sheet.png") as image:
        assert np.array_equal(np.asarray(image), sheet)


def test_the_command_draws_the_sheet_of_a_dataset(folder, dataset_file):
    status = run("preview", dataset_file, "sheet.png")

    assert status == 0
    with Image.open("sheet.png") as image:
        assert np.array_equal(np.asarray(image), preview(dataset_file))


def test_settings_change_the_style(folder):
    status = run("preview", "natural", "sheet.png", "--count=4", "--set", "slant=0.4:0.5", "--set=crossbar=1")

    style = Handwriting.named("natural").replace(slant=(0.4, 0.5), crossbar=1)
    assert status == 0
    with Image.open("sheet.png") as image:
        assert np.array_equal(np.asarray(image), preview(style, count=4))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["preview"], 2, "required: SOURCE, SHEET.png"),
        (["preview", "clean"], 2, "required: SHEET.png"),
        (["preview", "clean", "sheet.png", "--cou=3"], 2, "unrecognized arguments"),
        (["preview", "clean", "sheet.png", "--count=x"], 2, "--count: invalid int value"),
        (["preview", "clean", "sheet.png", "--count=0"], 2, "--count is 0"),
        (["preview", "clean", "sheet.png", "--width=0"], 2, "--width is 0"),
        (["preview", "clean", "sheet.png", "--seed=-1"], 2, "--seed is -1"),
        (["preview", "clean", "sheet.png", "--set=slnt=1"], 2, "did you mean 'slant'"),
        (["preview", "clean", "data.h5"], 2, "SHEET.png is 'data.h5': give a file name that ends in .png"),
        (["preview", "data.h5", "sheet.png", "--set=slant=1"], 2, "leave --set out"),
        (["preview", "no.toml", "sheet.png"], 2, "the style no.toml cannot be read"),
        (["preview", "naturel", "sheet.png"], 1, "neither a style nor a file"),
        (["preview", ".", "sheet.png"], 1, "folder"),
        (["preview", "clean", "file/sheet.png"], 1, "file is a file"),
        (["no-such-command"], 2, "invalid choice: 'no-such-command'"),
        (["--", "preview"], 2, ""),
    ],
)
def test_what_goes_wrong_is_told_by_the_exit_status_and_one_line(folder, capsys, arguments, status, message):
    (folder / "file").touch()

    returned = run(*arguments)

    said = capsys.readouterr()
    name = "python -m number_generator preview" if arguments[0] == "preview" else "python -m number_generator"
    assert returned == status
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith(f"{name}: error: ")
    assert message in said.err.splitlines()[-1]
    assert names_in(folder) == ["file"]


def test_without_a_command_the_help_is_shown(capsys):
    status = run()

    said = capsys.readouterr()
    assert status == 2
    assert said.out == ""
    assert said.err.startswith("usage: python -m number_generator ")
    assert "preview" in said.err


@pytest.mark.parametrize("arguments", [["--help"], ["preview", "--help"], ["--version"]])
def test_help_and_version_are_answers(capsys, arguments):
    status = run(*arguments)

    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert said.out


def test_the_module_runs_as_a_process_that_answers_signals(run_python, tmp_path):
    path = tmp_path / "sheet.png"
    code = """
import runpy, signal
try:
    runpy.run_module("number_generator", run_name="__main__", alter_sys=True)
except SystemExit as exc:
    assert exc.code == 0, exc.code
assert signal.getsignal(signal.SIGTERM).__self__.temporaries[0].name.startswith(".sheet.png.")
"""

    said = run_python(code, "preview", "clean", path, "--count=3")

    assert said.startswith("Contact sheet of ")
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), preview("clean", count=3))


def test_a_wrong_argument_is_told_before_anything_heavy_is_loaded(run_python):
    code = """
import sys
from number_generator.commands.main import main
from number_generator.system.signals import Interruption
try:
    main(["preview", "clean"], Interruption())
except SystemExit as exc:
    assert exc.code == 2
assert not {"numpy", "numba", "PIL", "h5py"} & set(sys.modules)
"""

    run_python(code)
