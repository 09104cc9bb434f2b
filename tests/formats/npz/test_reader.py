"""NPZ archives: plain arrays alone, and no more memory than the archive can fill."""

import io
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest

from number_generator.errors import DatasetError
from number_generator.formats.reader import load_arrays, open_reader

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array(["3", "78"])


def npy(array, version=None):
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(buffer, np.asanyarray(array), version, allow_pickle=True)
    return buffer.getvalue()


def npy_claiming(header, data=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + data


def load(tmp_path, *, compression=zipfile.ZIP_STORED, **members):
    path = tmp_path / "digits.npz"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content if isinstance(content, bytes) else npy(content))
    return load_arrays(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("labels", [LABELS, LABELS.astype("S"), np.array([3, 78])], ids=["text", "bytes", "int"])
def test_what_numpy_saves_loads(tmp_path, save, labels):
    path = tmp_path / "digits.npz"
    save(path, images=IMAGES, labels=labels, metadata=json.dumps({"seed": 7}))

    dataset = load_arrays(path)

    np.testing.assert_array_equal(dataset.images, IMAGES)
    np.testing.assert_array_equal(dataset.labels, labels)
    assert dataset.metadata == {"seed": 7}


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_array_format_loads(tmp_path, version):
    dataset = load(tmp_path, images=npy(np.asfortranarray(IMAGES), version), labels=npy(LABELS, version))

    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert dataset.images.flags.c_contiguous
    assert dataset.metadata == {}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"images": IMAGES}, r"no `labels` \(it has 'images'\)"),
        ({"labels": LABELS}, "no `images`"),
        ({"images": IMAGES, "labels": LABELS[:1]}, "2 images but 1 labels"),
        ({"images": IMAGES, "labels": np.array(["3", None])}, "could run code"),
        ({"images": IMAGES, "labels": np.zeros(2, [("a", "i4")])}, "could run code"),
        ({"images": IMAGES, "labels": LABELS, "metadata": np.array([1])}, "not a string"),
        ({"images": IMAGES, "labels": LABELS, "metadata": "{"}, "JSON of its `metadata` is not valid"),
        ({"images": IMAGES, "labels": LABELS, "metadata": '{"a":' * 100_000}, "JSON of its `metadata` is not valid"),
        ({"images": b"not an array", "labels": LABELS}, "not an NPY file"),
        ({"images": b"\x93NUMPY\x02\0\xff\xff\xff\x7f", "labels": LABELS}, "header of"),
        ({"images": IMAGES, "labels": np.frombuffer(b"\xff\xff\x11\0" * 2, "<U1")}, "valid text"),
    ],
)
def test_an_archive_of_something_else_is_refused_in_words(tmp_path, members, words):
    with pytest.raises(DatasetError, match=words) as caught:
        load(tmp_path, **members)

    assert "digits.npz" in str(caught.value)
    assert "A valid NPZ dataset holds `images`" in str(caught.value)


@pytest.mark.parametrize(
    "shape", ["(99999999999, 28, 28)", "(2, 3)", "(0, 999999999999, 9)", "(-2, 3, 4)", "(2, 3, 4, 5)", "(2, 3, 4"]
)
def test_a_shape_that_contradicts_the_size_is_refused(tmp_path, shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"

    with pytest.raises(DatasetError):
        load(tmp_path, images=npy_claiming(header, IMAGES.tobytes()), labels=LABELS)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(tmp_path, compression):
    with pytest.raises(DatasetError, match="compressed in a way"):
        load(tmp_path, compression=compression, images=IMAGES, labels=LABELS)


def test_a_flipped_bit_in_the_pixels_is_noticed(tmp_path):
    load(tmp_path, images=IMAGES, labels=LABELS)
    path = tmp_path / "digits.npz"
    path.write_bytes(path.read_bytes().replace(IMAGES.tobytes(), b"\x01" + IMAGES.tobytes()[1:]))

    with pytest.raises(DatasetError, match="CRC"):
        load_arrays(path)


FIELDS = {"boxes": {"shape": [3, 4], "dtype": "int16", "fill": -1, "about": {}}}
BOXES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def described(**changes):
    return json.dumps({"seed": 7, "shape": [2, 3, 4], "fields": FIELDS, **changes})


def test_ground_truth_is_what_the_description_tells_of(tmp_path):
    path = tmp_path / "lines.npz"
    np.savez(path, images=IMAGES, labels=LABELS, metadata=described(), boxes=BOXES, glyphs=BOXES)

    with open_reader(path) as reader:
        assert reader.metadata == {"seed": 7}
        assert reader.truth_names == ("boxes",)
        np.testing.assert_array_equal(reader.truth("boxes", 1, 2), BOXES[1:])


def test_metadata_of_somebody_else_may_have_a_shape(tmp_path):
    dataset = load(tmp_path, images=IMAGES, labels=LABELS, metadata=json.dumps({"shape": "round"}))

    assert dataset.metadata == {"shape": "round"}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "no `boxes`"),
        ({"boxes": BOXES[:1]}, r"`boxes` is an array of int16 with shape \(1, 3, 4\)"),
        ({"boxes": BOXES.astype(np.int32)}, "`boxes` is an array of int32"),
        ({"boxes": BOXES, "metadata": described(fields=3)}, "fields are 3"),
        ({"boxes": BOXES, "metadata": described(fields={"masks": {}})}, "field 'masks'"),
        ({"boxes": BOXES, "metadata": described(shape=[2])}, "`shape`"),
    ],
)
def test_ground_truth_that_is_not_as_described_is_refused(tmp_path, members, words):
    with pytest.raises(DatasetError, match=words):
        load(tmp_path, **{"images": IMAGES, "labels": LABELS, "metadata": described(), **members})


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    "labels", [np.array(["1", "23"], ">U2"), np.array(["1", "23"], "<U2"), np.array([1, 23], ">i2")]
)
def test_labels_of_any_byte_order_are_read(tmp_path, labels, mapped):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), labels=labels)

    with open_reader(tmp_path / "a.npz", mapped=mapped) as reader:
        assert reader.labels(0, 2) == ["1", "23"]


@pytest.mark.parametrize("metadata", ["made by me", b"made by me", "[1, 2]", ""])
def test_metadata_in_plain_words_are_kept_as_text(tmp_path, metadata):
    np.savez(tmp_path / "a.npz", images=np.zeros((1, 4, 4), np.uint8), labels=[1], metadata=metadata)

    assert load_arrays(tmp_path / "a.npz").metadata == {
        "text": metadata.decode() if isinstance(metadata, bytes) else metadata
    }


def test_metadata_that_begin_as_an_object_are_damaged_if_they_are_none(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((1, 4, 4), np.uint8), labels=[1], metadata='{"shape": [1, 4')

    with pytest.raises(DatasetError, match="the JSON of its `metadata` is not valid"):
        load_arrays(tmp_path / "a.npz")
