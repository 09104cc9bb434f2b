"""Folders of images, as other programs label them and as a hostile hand does."""

import json
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from small_dataset import COUNT, IMAGES, LABELS, write

from number_generator.errors import DatasetError, DatasetReadError
from number_generator.formats import paths
from number_generator.formats.detection import detect_format
from number_generator.formats.ownership import holds_dataset
from number_generator.formats.reader import open_reader

NAMES = [f"line {number}.png" for number in range(COUNT)]


@pytest.fixture
def folder(tmp_path):
    """Images without a file of their labels."""
    for image, name in zip(IMAGES, NAMES, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    return tmp_path


def label(folder, kind, names=NAMES, labels=LABELS):
    """Write the file of the labels."""
    pairs = list(zip(names, labels, strict=True))
    texts = {
        "gt.txt": "".join(f"{name}\t{text}\n" for name, text in pairs),
        "metadata.jsonl": "".join(json.dumps({"file_name": name, "text": text}) + "\n" for name, text in pairs),
        "labels.csv": "filename,words\n" + "".join(f"{name},{text}\n" for name, text in pairs),
        "labels.json": json.dumps(dict(pairs)),
    }
    (folder / kind).write_bytes(texts[kind].encode())


@pytest.mark.parametrize("kind", ["gt.txt", "metadata.jsonl", "labels.csv", "labels.json"])
def test_a_folder_with_one_file_of_labels_is_read(folder, kind):
    label(folder, kind)

    assert detect_format(folder) == "png"
    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS
        assert reader.metadata == {}


@pytest.mark.parametrize("kind", ["gt.txt", "metadata.jsonl", "labels.csv"])
def test_lines_that_were_read_leave_the_memory_and_can_be_read_again(folder, kind, monkeypatch):
    monkeypatch.setattr(paths, "HELD_BYTES", 10)
    label(folder, kind)

    with open_reader(folder) as reader:
        assert [reader.labels(0, COUNT) for _ in range(2)] == [LABELS] * 2


def test_names_of_doctr_lie_in_the_folder_images(folder):
    label(folder, "labels.json")
    (folder / "images").mkdir()
    for name in NAMES:
        (folder / name).rename(folder / "images" / name)

    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


@pytest.mark.parametrize("kept", ["labels.json", "metadata.jsonl", "gt.txt"])
def test_each_file_that_the_package_writes_can_be_read_alone(tmp_path, kept):
    folder = write(tmp_path / "lines", "png", labels=("json", "csv", "jsonl", "tesseract"), fields=())
    for name in {"dataset.json", "labels.json", "metadata.jsonl", "gt.txt"} - {kept}:
        (folder / name).unlink()

    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS


def test_the_labels_of_easyocr_stand_in_each_folder_of_images(tmp_path):
    folder = write(tmp_path / "lines", "png", labels=("csv",), fields=()) / "images" / "0000"

    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS


@pytest.mark.parametrize(
    "text", ["a.png\t12\r\nb.png\t3\r\n", "\ufeffa.png\t12\nb.png\t3", "a.png\t12\nb.png\t3\n\n \n"]
)
def test_lines_may_end_in_other_ways(tmp_path, text):
    for name in "ab":
        Image.fromarray(IMAGES[0]).save(tmp_path / f"{name}.png")
    (tmp_path / "gt.txt").write_bytes(text.encode())

    with open_reader(tmp_path) as reader:
        assert reader.labels(0, 2) == ["12", "3"]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_colours_become_grey(tmp_path, mode):
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert(mode).save(tmp_path / "a.png")
    label(tmp_path, "gt.txt", ["a.png"], ["1"])

    with open_reader(tmp_path) as reader:
        assert reader.image(0).tolist() == [[0, 255], [255, 0]]


def test_jpeg_images_are_read(tmp_path):
    Image.fromarray(np.full((8, 16), 200, np.uint8)).save(tmp_path / "a.jpg")
    label(tmp_path, "gt.txt", ["a.jpg"], ["1"])

    with open_reader(tmp_path) as reader:
        assert reader.shape == (1, 8, 16)
        assert abs(int(reader.image(0).mean()) - 200) <= 1


@pytest.mark.parametrize("options", [{"optimize": True}, {"compress_level": 0}, {"dpi": (72, 72)}])
def test_png_of_other_programs_gives_the_same_pixels(tmp_path, options):
    image = np.add.outer(np.arange(20), np.arange(30)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png", **options)
    label(tmp_path, "gt.txt", ["a.png"], ["1"])

    with open_reader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.image(0), image)


@pytest.mark.parametrize(
    "name", ["../secret.png", "sub/../../secret.png", "/secret.png", "C:/secret.png", "a\\..\\secret.png", "", "sub/"]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, name):
    Image.fromarray(IMAGES[0]).save(tmp_path / "secret.png")
    folder = tmp_path / "lines"
    (folder / "sub").mkdir(parents=True)
    label(folder, "gt.txt", [name], ["1"])

    with pytest.raises(DatasetError, match="in the folder itself"):
        open_reader(folder)


def test_a_null_character_in_a_path_is_refused(folder):
    label(folder, "labels.json", ["a\0b.png", *NAMES[1:]])

    with pytest.raises(DatasetError, match="in the folder itself"):
        open_reader(folder)


@pytest.mark.parametrize("name", ["link.png", "away/secret.png"])
def test_a_link_out_of_the_folder_is_not_followed(tmp_path, name):
    (tmp_path / "secret").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "secret" / "secret.png")
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret" / "secret.png")
    (folder / "away").symlink_to(tmp_path / "secret")
    label(folder, "gt.txt", [name], ["1"])

    with pytest.raises(DatasetError, match="is a link that leads out of the folder"):
        open_reader(folder)


@pytest.mark.parametrize("name", ["gt.txt", "metadata.jsonl", "labels.csv", "labels.json"])
def test_a_linked_label_file_is_followed_within_the_folder_alone(folder, name):
    label(folder, name)
    (folder / name).rename(folder / "labels")
    (folder / name).symlink_to("labels")
    with open_reader(folder) as reader:
        assert len(reader.labels(0, len(reader))) == len(IMAGES)

    (folder / "labels").rename(folder.parent / "secret")
    (folder / name).unlink()
    (folder / name).symlink_to("../secret")
    with pytest.raises(DatasetError, match=f"its {name} is a link that leads out of the folder"):
        open_reader(folder)


def test_a_linked_description_is_not_followed_nor_its_folder_replaced(tmp_path):
    folder = write(tmp_path / "lines", "png")
    (folder / "dataset.json").rename(tmp_path / "secret")
    (folder / "dataset.json").symlink_to(tmp_path / "secret")

    with pytest.raises(DatasetError, match=r"its dataset\.json is a link that leads out of the folder"):
        open_reader(folder)
    assert not holds_dataset(folder)


def test_a_pipe_in_place_of_a_description_is_not_waited_for(tmp_path):
    folder = write(tmp_path / "lines", "png")
    (folder / "dataset.json").unlink()
    os.mkfifo(folder / "dataset.json")

    with pytest.raises(DatasetError, match=r"its dataset\.json is a pipe, not a regular file"):
        open_reader(folder)
    assert not holds_dataset(folder)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    label(tmp_path, "gt.txt", ["a.png"], ["1"])

    with pytest.raises(DatasetError, match="is a pipe, not a regular file"):
        open_reader(tmp_path)


def block(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_claiming(width, height, data=b"", *, depth=8, kind=0):
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", data) + block(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        png_claiming(60_000, 60_000, zlib.compress(bytes(1000))),
        png_claiming(0, 5),
        png_claiming(2**31, 2**31),
        png_claiming(8000, 8000, zlib.compress(b"\0")),
        png_claiming(8000, 8000, zlib.compress(b"\0"), kind=2),
        png_claiming(6, 5, zlib.compress(bytes(34))),
        png_claiming(6, 5, b"\0" * 40),
        png_claiming(6, 5, zlib.compress(b"\x09" * 35)),
        b"\x89PNG\r\n\x1a\n",
        b"",
        b"BM" + bytes(100),
        b"GIF89a" + bytes(100),
    ],
    ids=range(12),
)
def test_bombs_and_broken_images_are_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    label(tmp_path, "gt.txt", ["a.png"], ["1"])

    with pytest.raises(DatasetError, match=r"a\.png"), open_reader(tmp_path) as reader:
        reader.image(0)


def test_images_of_other_sizes_than_the_description_tells_are_refused_before_they_are_decoded(tmp_path):
    folder = write(tmp_path / "lines", "png", labels=())
    path = next(iter(sorted(folder.rglob("*4.png"))))
    path.write_bytes(png_claiming(3000, 3000, zlib.compress(bytes(3001 * 3000))))

    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.images(0, 3), IMAGES[:3])
        with pytest.raises(DatasetError, match=r"4\.png is 3000 x 3000 px, not 6 x 5 px as its description"):
            reader.images(0, COUNT)


def test_a_missing_image_is_named(folder):
    label(folder, "gt.txt")
    (folder / NAMES[2]).unlink()

    with open_reader(folder) as reader, pytest.raises(DatasetError, match=r"line 2\.png' cannot be read: No such"):
        reader.image(2)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gt.txt", b"no tab\n", "line 1 of its gt.txt is 'no tab'"),
        ("gt.txt", b"", "has no image"),
        ("gt.txt", b"\n\n", "has no image"),
        ("gt.txt", b"line 0.png\t1\n\nline 1.png\n", "line 3 of its gt.txt is 'line 1.png'"),
        ("gt.txt", b"line 0.png\t\xff\n", "not text in UTF-8"),
        ("metadata.jsonl", b"{}\n", "line 1 of its metadata.jsonl"),
        ("metadata.jsonl", b"[" * 100_000 + b"\n", "line 1 of"),
        ("metadata.jsonl", b'{"file_name": "line 0.png", "text": 3.5}\n', "the labels .it has 'file_name', 'text'"),
        ("metadata.jsonl", b'{"file_name": 3, "text": "1"}\n', "line 1 of its metadata.jsonl"),
        (
            "labels.csv",
            b"name,label\nline 0.png,1\n",
            "labels.csv is .* no column is that of the paths",
        ),
        ("labels.csv", b"filename,words\nline 0.png\n", "line 2 of its labels.csv"),
        ("labels.json", b"[]", "not an object of names and labels"),
        ("labels.json", b'{"line 0.png": {"text": "1"}}', "not an object of names and labels"),
        ("labels.json", b"{", "JSON of its labels.json is not valid"),
        ("labels.json", b"[" * 100_000, "JSON of its labels.json is not valid"),
    ],
)
def test_labels_that_are_nonsense_are_refused_in_words(folder, name, content, words):
    (folder / name).write_bytes(content)

    with pytest.raises(DatasetError, match=words), open_reader(folder) as reader:
        reader.images(0, len(reader))
        reader.labels(0, len(reader))


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("{", "JSON of its `dataset.json` is not valid"),
        ("[]", "not a dict"),
        ('{"shape": [7, 5, 6], "fields": 3}', "fields are 3"),
        ('{"shape": [7, 5], "fields": {}}', "`shape`"),
        ('{"shape": [8, 5, 6], "fields": {}}', "claims 8 images and has 7"),
        ('{"shape": [7, 0, 6], "fields": {}}', "7 images of 6 x 0 px"),
        ('{"shape": [7, 65535, 65535], "fields": {}}', "65535 x 65535 px"),
        ('{"shape": [7, 5, true], "fields": {}}', "`shape`"),
        ('{"shape": [7, 5, 6], "fields": {"boxes": {"shape": [99999999, 4]}}}', "field 'boxes'"),
    ],
)
def test_a_description_that_is_nonsense_is_refused_in_words(tmp_path, description, words):
    folder = write(tmp_path / "lines", "png")
    (folder / "dataset.json").write_text(description)

    with pytest.raises(DatasetError, match=words):
        open_reader(folder)


def test_ground_truth_of_other_images_is_refused(tmp_path):
    folder = write(tmp_path / "lines", "png")
    lines = (folder / "metadata.jsonl").read_text().splitlines(keepends=True)

    (folder / "metadata.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(DatasetError, match="6 lines for 7 images"):
        open_reader(folder)

    (folder / "metadata.jsonl").write_text("".join(lines[::-1]))
    with open_reader(folder) as reader, pytest.raises(DatasetError, match=r"line 1 of its metadata\.jsonl is of"):
        reader.truth("boxes", 0, 2)


def test_a_label_file_that_is_a_folder_is_none(folder):
    (folder / "gt.txt").mkdir()

    with pytest.raises(DatasetReadError, match="holds no dataset"):
        open_reader(folder)


@pytest.mark.parametrize("name", ["link.png", "linked/a.png"])
def test_a_link_within_the_folder_is_followed(tmp_path, name):
    (tmp_path / "pages").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "pages" / "a.png")
    (tmp_path / "link.png").symlink_to("pages/a.png")
    (tmp_path / "linked").symlink_to(tmp_path / "pages")
    label(tmp_path, "gt.txt", [name], ["1"])

    with open_reader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.image(0), IMAGES[0])


def test_what_is_no_image_file_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "dangling.png").symlink_to("gone.png")
    (tmp_path / "chain.png").symlink_to("pipe.png")
    kinds = {
        "pipe": "a pipe",
        "folder": "a folder",
        "dangling": "a link to 'gone.png', which is not",
        "chain": "a pipe",
    }

    for name, kind in kinds.items():
        label(tmp_path, "gt.txt", [f"{name}.png"], ["1"])

        with pytest.raises(DatasetError, match=f"its image '{name}.png' .*is {kind}"):
            open_reader(tmp_path)


@pytest.mark.parametrize("name", ["gt.txt", "metadata.jsonl", "labels.csv", "labels.json"])
def test_paths_of_windows_are_read(tmp_path, name):
    (tmp_path / "pages").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "pages" / "a.png")
    label(tmp_path, name, [r"pages\a.png"], ["1"])

    with open_reader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.image(0), IMAGES[0])


@pytest.mark.parametrize("name", [r"..\a.png", r"C:\a.png", r"\a.png", r"\\host\a.png"])
def test_paths_of_windows_that_lead_out_of_the_folder_are_refused(tmp_path, name):
    label(tmp_path, "gt.txt", [name], ["1"])

    with pytest.raises(DatasetError, match="paths must lead to files in the folder itself"):
        open_reader(tmp_path)
