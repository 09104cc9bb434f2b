"""Writer ids beside IDX images: QMNIST's extended labels, for QMNIST's images and for MNIST's own."""

import gzip

import numpy as np
import pytest

from number_generator import DigitImageDataset, GenericDataset
from number_generator.digits.resolve import load_digits
from number_generator.digits.writers import find_writers
from number_generator.errors import DatasetError, DatasetNotFoundError
from number_generator.formats.detection import detect_format, list_source_files
from number_generator.formats.reader import load_arrays

COUNT = 12
IMAGES = np.pad(np.random.default_rng(1).integers(0, 256, (COUNT, 2, 2), np.uint8), ((0, 0), (1, 1), (1, 1)))
LABELS = np.array([3, 7, 0, 1, 2, 4, 5, 6, 8, 9, 3, 3])
WRITERS = np.array([2100, 5, 5, 2100, 610, 0, 5, 5, 5, 5, 2599, 0])


def idx(array, magic, dtype):
    return magic.to_bytes(4, "big") + np.array(array.shape, ">u4").tobytes() + array.astype(dtype).tobytes()


def extended_rows(labels=LABELS, writer_ids=WRITERS):
    """Rows as QMNIST has them: digit, series, writer, index of the digit, class code, global index, 0, 0."""
    count = len(labels)
    more = np.arange(count)
    return np.stack([labels, more % 2, writer_ids, more, labels + 48, more * 1000, 0 * more, 0 * more], axis=1)


IMAGES_FILE = idx(IMAGES, 0x803, np.uint8)
LABELS_FILE = idx(LABELS, 0x801, np.uint8)
EXTENDED_FILE = idx(extended_rows(), 0xC02, ">i4")


def write(folder, name, content):
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def pair(folder, images_name, extended_name, extended=EXTENDED_FILE, labels_name=None, labels=LABELS_FILE):
    """Write the files and return the path of the images."""
    write(folder, extended_name, extended)
    if labels_name is not None:
        write(folder, labels_name, labels)
    return write(folder, images_name, IMAGES_FILE)


@pytest.mark.parametrize("images_ending", ["", ".gz"])
@pytest.mark.parametrize("extended_ending", ["", ".gz"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_qmnist_images_have_digits_and_writers(tmp_path, part, images_ending, extended_ending):
    path = pair(
        tmp_path, f"qmnist-{part}-images-idx3-ubyte{images_ending}", f"qmnist-{part}-labels-idx2-int{extended_ending}"
    )

    dataset = load_arrays(path)

    np.testing.assert_array_equal(dataset.images, IMAGES)
    np.testing.assert_array_equal(dataset.labels, LABELS)
    np.testing.assert_array_equal(dataset.writer_ids, WRITERS)


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("labels_ending", [None, "", ".gz"])
@pytest.mark.parametrize(("mnist", "qmnist"), [("train", "train"), ("t10k", "test")])
def test_mnist_images_have_writers_by_the_labels_of_qmnist(tmp_path, mnist, qmnist, labels_ending, mark):
    path = pair(
        tmp_path,
        f"{mnist}-images{mark}idx3-ubyte",
        f"qmnist-{qmnist}-labels-idx2-int.gz",
        labels_name=None if labels_ending is None else f"{mnist}-labels-idx1-ubyte{labels_ending}",
    )

    dataset = load_arrays(path)

    np.testing.assert_array_equal(dataset.labels, LABELS)
    np.testing.assert_array_equal(dataset.writer_ids, WRITERS)


def test_the_test_digits_of_mnist_are_the_first_of_qmnist(tmp_path):
    more = idx(np.concatenate([extended_rows(), extended_rows()[::-1]]), 0xC02, ">i4")
    path = pair(tmp_path, "t10k-images-idx3-ubyte", "qmnist-test-labels-idx2-int", more, "t10k-labels-idx1-ubyte")

    np.testing.assert_array_equal(load_arrays(path).writer_ids, WRITERS)


@pytest.mark.parametrize(
    ("images_name", "extended_name", "count"),
    [
        ("train-images-idx3-ubyte", "qmnist-train-labels-idx2-int", COUNT + 1),
        ("train-images-idx3-ubyte", "qmnist-train-labels-idx2-int", COUNT - 1),
        ("t10k-images-idx3-ubyte", "qmnist-test-labels-idx2-int", COUNT - 1),
        ("qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int", COUNT + 1),
    ],
)
def test_another_number_of_rows_is_refused(tmp_path, images_name, extended_name, count):
    rows = np.resize(extended_rows(), (count, 8))
    path = pair(tmp_path, images_name, extended_name, idx(rows, 0xC02, ">i4"))

    with pytest.raises(DatasetError, match=f"{extended_name}: it has {count} rows, but {images_name} beside it 12"):
        load_arrays(path)


@pytest.mark.parametrize("prefix", ["train", "qmnist-train"])
def test_labels_that_differ_are_refused(tmp_path, prefix):
    labels = LABELS.copy()
    labels[[4, 10]] = 9
    path = pair(
        tmp_path,
        f"{prefix}-images-idx3-ubyte",
        "qmnist-train-labels-idx2-int.gz",
        labels_name=f"{prefix}-labels-idx1-ubyte",
        labels=idx(labels, 0x801, np.uint8),
    )

    words = rf"idx2-int\.gz: it says 2 of image 4 where {prefix}-labels-idx1-ubyte says 9 \(they differ in 2 of 12\)"
    with pytest.raises(DatasetError, match=words):
        load_arrays(path)


def test_too_few_plain_labels_are_refused_as_they_always_were(tmp_path):
    labels = idx(LABELS[:-1], 0x801, np.uint8)
    path = pair(
        tmp_path, "train-images-idx3-ubyte", "qmnist-train-labels-idx2-int", EXTENDED_FILE, "train-labels-idx1-ubyte",
        labels,
    )  # fmt: skip

    with pytest.raises(DatasetError, match="12 images but 11 labels"):
        load_arrays(path)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LABELS_FILE, r"starts with b'\\x00\\x00\\x08\\x01' where b'\\x00\\x00\\x0c\\x02' is expected"),
        (b"", "starts with b'' where"),
        (idx(extended_rows(), 0x802, ">i4"), "is expected"),
        (idx(extended_rows()[:, :7], 0xC02, ">i4"), r"its shape is \(12, 7\), not \(n, 8\)"),
        (EXTENDED_FILE[:-1], "ends after 383|more than the file"),
        (EXTENDED_FILE[:9], "damaged or cut short"),
        (EXTENDED_FILE + b"\0", "goes on after the 384 bytes"),
        (b"\0\0\x0c\x02" + b"\xff" * 8, "more than the file can hold"),
    ],
)
def test_damaged_extended_labels_are_refused_by_their_name(tmp_path, ending, content, words):
    path = pair(tmp_path, "qmnist-train-images-idx3-ubyte", f"qmnist-train-labels-idx2-int{ending}", content)

    with pytest.raises(DatasetError, match=words) as caught:
        load_arrays(path)

    assert str(caught.value).startswith(f"{tmp_path / 'qmnist-train-labels-idx2-int'}{ending}: ")
    assert "Valid extended labels are a file such as qmnist-train-labels-idx2-int" in str(caught.value)


def test_a_folder_in_the_place_of_extended_labels_is_reported(tmp_path):
    path = write(tmp_path, "train-images-idx3-ubyte", IMAGES_FILE)
    (tmp_path / "qmnist-train-labels-idx2-int").mkdir()

    with pytest.raises(OSError, match="idx2-int: this is a folder"):
        load_arrays(path)


def test_the_extended_labels_alone_are_refused_with_advice(tmp_path):
    path = write(tmp_path, "qmnist-train-labels-idx2-int", EXTENDED_FILE)

    assert detect_format(path) == "idx"
    with pytest.raises(DatasetError, match="give the images file"):
        load_arrays(path)


def test_missing_labels_are_named_with_the_extended_ones(tmp_path):
    path = write(tmp_path, "t10k-images-idx3-ubyte", IMAGES_FILE)

    with pytest.raises(DatasetNotFoundError, match=r"t10k-labels-idx1-ubyte, .*qmnist-test-labels-idx2-int"):
        load_arrays(path)


def test_images_with_plain_labels_alone_have_no_writers(tmp_path):
    write(tmp_path, "train-labels-idx1-ubyte", LABELS_FILE)
    write(tmp_path, "qmnist-test-labels-idx2-int", EXTENDED_FILE)
    path = write(tmp_path, "train-images-idx3-ubyte", IMAGES_FILE)

    assert load_arrays(path).writer_ids is None


def test_digits_are_grouped_by_the_writers_of_qmnist(tmp_path):
    path = pair(tmp_path, "train-images-idx3-ubyte.gz", "qmnist-train-labels-idx2-int.gz")
    digits = DigitImageDataset()

    digits.load(path)

    np.testing.assert_array_equal(digits.writer_ids, WRITERS)
    made = find_writers(digits, "auto")
    assert (made.kind, made.groups) == ("dataset", 5)
    np.testing.assert_array_equal(np.unique(WRITERS)[made.ids], WRITERS)


def test_writers_do_not_change_the_sha256_of_digits(tmp_path):
    write(tmp_path, "train-labels-idx1-ubyte", LABELS_FILE)
    path = write(tmp_path, "train-images-idx3-ubyte", IMAGES_FILE)
    without = load_digits(path)

    write(tmp_path, "qmnist-train-labels-idx2-int", EXTENDED_FILE)
    with_writers = load_digits(path)

    assert without.writer_ids is None
    np.testing.assert_array_equal(with_writers.writer_ids, WRITERS)
    assert with_writers.sha256 == without.sha256


def test_every_file_that_digits_are_read_from_is_known(tmp_path):
    path = pair(tmp_path, "train-images-idx3-ubyte", "qmnist-train-labels-idx2-int.gz", EXTENDED_FILE)
    assert [file.name for file in list_source_files(path)] == [path.name, "qmnist-train-labels-idx2-int.gz"]

    write(tmp_path, "train-labels-idx1-ubyte", LABELS_FILE)

    assert [file.name for file in list_source_files(path)][1:] == [
        "train-labels-idx1-ubyte",
        "qmnist-train-labels-idx2-int.gz",
    ]


def test_other_datasets_load_without_the_writers(tmp_path):
    dataset = GenericDataset()

    dataset.load(pair(tmp_path, "qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"))

    assert dataset.get_data()[1] == list(map(str, LABELS))
