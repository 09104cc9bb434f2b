"""IDX pairs: the labels are found beside the images, and sizes must be exact."""

import gzip

import numpy as np
import pytest

from number_generator.errors import DatasetError, DatasetNotFoundError
from number_generator.formats.reader import load_arrays

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
IMAGES_FILE = b"\0\0\x08\x03" + np.array(IMAGES.shape, ">u4").tobytes() + IMAGES.tobytes()
LABELS_FILE = b"\0\0\x08\x01\0\0\0\x02\x03\x07"


def write(folder, name, content):
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("images_name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
@pytest.mark.parametrize("labels_name", ["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"])
@pytest.mark.parametrize("images_ending", ["", ".gz"])
@pytest.mark.parametrize("labels_ending", ["", ".gz"])
def test_a_pair_loads_from_its_images_file(tmp_path, images_name, labels_name, images_ending, labels_ending):
    path = write(tmp_path, images_name + images_ending, IMAGES_FILE)
    write(tmp_path, labels_name + labels_ending, LABELS_FILE)

    dataset = load_arrays(path)

    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert dataset.labels.tolist() == [3, 7]
    assert dataset.metadata == {}


def test_the_labels_file_alone_is_refused_with_advice(tmp_path):
    path = write(tmp_path, "train-labels-idx1-ubyte", LABELS_FILE)

    with pytest.raises(DatasetError, match="give the images file"):
        load_arrays(path)


def test_a_missing_labels_file_is_named(tmp_path):
    path = write(tmp_path, "train-images-idx3-ubyte.gz", IMAGES_FILE)

    with pytest.raises(DatasetNotFoundError, match=r"looked for train-labels-idx1-ubyte\.gz"):
        load_arrays(path)


def test_a_name_that_tells_no_pair_is_refused(tmp_path):
    path = write(tmp_path, "digits.bin", IMAGES_FILE)

    with pytest.raises(DatasetNotFoundError, match="rename the pair"):
        load_arrays(path)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES_FILE[:-1], LABELS_FILE, "ends after 23|more than the file"),
        (IMAGES_FILE + b"\0", LABELS_FILE, "goes on after the 24 bytes"),
        (IMAGES_FILE[:10], LABELS_FILE, "damaged or cut short"),
        (b"\0\0\x08\x03" + b"\xff" * 12, LABELS_FILE, "more than the file can hold"),
        (IMAGES_FILE, LABELS_FILE[:-1], "ends after 1|more than the file"),
        (IMAGES_FILE, LABELS_FILE + b"\0", "goes on"),
        (IMAGES_FILE, IMAGES_FILE, "where .* is expected"),
        (IMAGES_FILE, b"\0\0\x08\x01\0\0\0\x01\x03", "2 images but 1 labels"),
        (IMAGES_FILE, b"", "where .* is expected"),
        (b"\0\0\x08\x03\0\0\0\x02\0\0\0\0\0\0\0\x04", LABELS_FILE, "0 px high"),
    ],
)
def test_a_pair_with_wrong_sizes_is_refused(tmp_path, ending, images, labels, words):
    path = write(tmp_path, f"a-images-idx3-ubyte{ending}", images)
    write(tmp_path, f"a-labels-idx1-ubyte{ending}", labels)

    with pytest.raises(DatasetError, match=words) as caught:
        load_arrays(path)

    assert "A valid IDX pair is a file such as train-images-idx3-ubyte" in str(caught.value)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: packed + b"x"], ids=["cut", "more"])
def test_a_damaged_gzip_file_is_refused(tmp_path, damage):
    path = tmp_path / "a-images-idx3-ubyte.gz"
    path.write_bytes(damage(gzip.compress(IMAGES_FILE)))
    write(tmp_path, "a-labels-idx1-ubyte", LABELS_FILE)

    with pytest.raises(DatasetError, match="damaged"):
        load_arrays(path)
