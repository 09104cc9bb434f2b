"""EMNIST's images, published with rows and columns swapped: every door turns them, and the metadata say so."""

import gzip

import numpy as np
import pytest

from number_generator import DigitImageDataset, GenericDataset, convert
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.formats.reader import load_arrays, open_reader

IMAGES = packaged_digits().images[::100]
LABELS = packaged_digits().classes[::100]


def idx(array, magic):
    return magic.to_bytes(4, "big") + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def write(path, content, *, packed_name=None):
    """Write a file, gzipped under a name if one is given or its own says so."""
    if packed_name is None and path.suffix != ".gz":
        path.write_bytes(content)
        return
    with path.open("wb") as file, gzip.GzipFile(packed_name or "", "wb", fileobj=file) as packed:
        packed.write(content)


def pair(folder, name, *, packed_name=None):
    """Write EMNIST's digits under a name, and return the path of the images."""
    write(folder / name, idx(IMAGES.transpose(0, 2, 1), 0x803), packed_name=packed_name)
    write(folder / name.replace("images", "labels").replace("idx3", "idx1"), idx(LABELS, 0x801))
    return folder / name


@pytest.mark.parametrize(
    "name",
    [
        "emnist-digits-train-images-idx3-ubyte",
        "emnist-digits-train-images-idx3-ubyte.gz",
        "emnist-mnist-test-images-idx3-ubyte.gz",
        "EMNIST-digits-test-images.idx3-ubyte",
    ],
)
@pytest.mark.parametrize("mapped", [False, True])
def test_files_of_a_published_name_are_turned(tmp_path, name, mapped):
    path = pair(tmp_path, name)

    with open_reader(path, mapped=mapped) as reader:
        np.testing.assert_array_equal(reader.images(0, len(IMAGES)), IMAGES)
        np.testing.assert_array_equal(reader.image(3), IMAGES[3])
        assert reader.metadata == {"turned": True}


def test_a_renamed_file_is_known_by_the_name_that_it_was_packed_under(tmp_path):
    path = pair(tmp_path, "my-images-idx3-ubyte.gz", packed_name="emnist-digits-test-images-idx3-ubyte")

    raw = load_arrays(path)

    np.testing.assert_array_equal(raw.images, IMAGES)
    assert raw.metadata == {"turned": True}


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "qmnist-train-images-idx3-ubyte.gz", "emnist.gz"])
def test_other_files_are_not_turned(tmp_path, name):
    path = pair(tmp_path, "t10k-images-idx3-ubyte.gz", packed_name=name)

    raw = load_arrays(path)

    np.testing.assert_array_equal(raw.images, IMAGES.transpose(0, 2, 1))
    assert raw.metadata == {}


@pytest.mark.parametrize("target", ["e.npz", "e.h5", "e.pickle", "e.lmdb"])
def test_converted_digits_stay_upright(tmp_path, target):
    if target.endswith("lmdb"):
        pytest.importorskip("lmdb")
    path = pair(tmp_path, "emnist-digits-train-images-idx3-ubyte.gz")
    convert(path, tmp_path / target)

    converted = GenericDataset()
    converted.load(tmp_path / target)

    np.testing.assert_array_equal(converted.get_data()[0], IMAGES)
    assert converted.get_metadata()["turned"]
    assert load_digits(tmp_path / target).sha256 == load_digits(path).sha256 == DigitImageDataset(IMAGES, LABELS).sha256


def test_a_dataset_that_is_loaded_is_upright(tmp_path):
    dataset = GenericDataset()
    dataset.load(pair(tmp_path, "emnist-digits-train-images-idx3-ubyte.gz"))

    np.testing.assert_array_equal(dataset[7][0], IMAGES[7])
    assert dataset.get_metadata() == {"turned": True}
