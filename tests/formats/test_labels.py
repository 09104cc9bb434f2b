"""No control character gets into a label, through any door; line ends belong to files."""

import json
import pickle

import h5py
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tars import write_tar

from number_generator import GenericDataset
from number_generator.errors import DatasetError
from number_generator.formats.image_encoding import encode_png
from number_generator.formats.png import label_tables
from number_generator.formats.png.label_tables import LineFile
from number_generator.formats.reader import load_arrays, open_reader

IMAGES = np.full((2, 6, 9), 255, np.uint8)
ENCODED = encode_png(IMAGES)


def write_images(folder):
    for name, content in zip("ab", ENCODED, strict=True):
        (folder / f"{name}.png").write_bytes(content)
    return folder


def write_lines(folder, labels):
    rows = [json.dumps({"file_name": f"{name}.png", "text": label}) for name, label in zip("ab", labels, strict=True)]
    (write_images(folder) / "metadata.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


def write_object(folder, labels):
    (write_images(folder) / "labels.json").write_text(json.dumps({"a.png": labels[0], "b.png": labels[1]}))
    return folder


def write_shard(folder, labels):
    members = {}
    for key, image, label in zip("ab", ENCODED, labels, strict=True):
        members |= {f"{key}.png": image, f"{key}.txt": label.encode()}
    return write_tar(folder / "a.tar", members)


def write_table(folder, labels):
    images = [{"bytes": content, "path": None} for content in ENCODED]
    pq.write_table(pa.table({"image": images, "text": labels}), folder / "a.parquet")
    return folder / "a.parquet"


def write_database(folder, labels):
    with lmdb.open(str(folder), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"2")
        for number, (image, label) in enumerate(zip(ENCODED, labels, strict=True), 1):
            transaction.put(b"image-%09d" % number, image)
            transaction.put(b"label-%09d" % number, label.encode())
    return folder


def write_hdf5(folder, labels):
    with h5py.File(folder / "a.h5", "w") as file:
        file["images"], file["labels"] = IMAGES, labels
    return folder / "a.h5"


def write_npz(folder, labels):
    np.savez(folder / "a.npz", images=IMAGES, labels=np.array(labels))
    return folder / "a.npz"


def write_pickle(folder, labels):
    (folder / "a.pickle").write_bytes(pickle.dumps({"images": IMAGES, "labels": labels}))
    return folder / "a.pickle"


DOORS = [write_lines, write_object, write_shard, write_table, write_database, write_hdf5, write_npz, write_pickle]


def read_label(path, number):
    with open_reader(path) as reader:
        return reader.labels(number, number + 1)[0]


@pytest.mark.parametrize("is_mapped", [False, True])
@pytest.mark.parametrize("write", DOORS)
def test_the_line_end_after_a_label_is_not_a_part_of_it(tmp_path, write, is_mapped):
    path = write(tmp_path, ["12\n", "3 4\r\n\n"])

    with open_reader(path, mapped=is_mapped) as reader:
        assert reader.labels(0, 2) == ["12", "3 4"]


@pytest.mark.parametrize("label", ["1\n2", "1\t2", "\x1b[7m", "\x7f1", "1\x852"])
@pytest.mark.parametrize("write", DOORS)
def test_a_label_with_a_control_character_is_refused_and_named(tmp_path, write, label):
    path = write(tmp_path, ["1", label])

    with pytest.raises(DatasetError, match=r"the label of image 1 is .*, which holds the control character"):
        read_label(path, 1)


@pytest.mark.parametrize("name", ["a.h5", "a.npz", "a.pickle", "a.lmdb"])
def test_the_line_end_after_a_label_in_memory_is_not_saved(tmp_path, name):
    GenericDataset(IMAGES, ["12\n", "3 4\r\n\n"]).save(tmp_path / name)

    assert list(GenericDataset(tmp_path / name)[:][1]) == ["12", "3 4"]


@pytest.mark.parametrize("label", ["1\n2", "\n1", "1\t2"])
def test_a_label_in_memory_with_a_control_character_is_not_saved(tmp_path, label):
    dataset = GenericDataset(IMAGES, ["7", label])

    with pytest.raises(DatasetError, match="cannot be written: labels in files hold no"):
        dataset.save(tmp_path / "a.h5")


# --- lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("is_ended", [False, True])
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("gt.txt", ["a.png\t12", "b.png\t3 4"]),
        ("labels.csv", ["filename,words", "a.png,12", "b.png,3 4"]),
        ("metadata.jsonl", ['{"file_name": "a.png", "text": "12"}', '{"file_name": "b.png", "text": "3 4"}']),
    ],
)
def test_lines_end_as_on_any_system(tmp_path, name, lines, end, is_ended):
    text = end.join(lines) + (end if is_ended else "")
    (write_images(tmp_path) / name).write_bytes(text.encode())

    with open_reader(tmp_path) as reader:
        assert reader.labels(0, 2) == ["12", "3 4"]


def test_a_second_tab_is_refused(tmp_path):
    (write_images(tmp_path) / "gt.txt").write_bytes(b"a.png\t12\nb.png\t3\t4\n")

    with open_reader(tmp_path) as reader, pytest.raises(DatasetError, match=r"line 2 of its gt\.txt .* a second tab"):
        reader.labels(0, 2)


@pytest.mark.parametrize("text", [b"a\rb\r\nc\nd\r\r\ne\r", b"\r\n\r\na\r\nb", b"\ra\r\n"])
@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_lines_are_those_of_python_that_are_not_blank_wherever_blocks_end(tmp_path, monkeypatch, text, block):
    monkeypatch.setattr(label_tables, "_BLOCK_BYTES", block)
    (tmp_path / "a.txt").write_bytes(text)

    lines = LineFile(tmp_path / "a.txt")

    expected = [line for line in text.replace(b"\r\r\n", b"\n").splitlines() if line]
    assert [lines.line(number) for number in range(len(lines))] == expected
    lines.close()


def test_arrays_of_labels_stay_as_they_are_in_the_file(tmp_path):
    """Only what reads labels as texts cleans them."""
    assert load_arrays(write_pickle(tmp_path, ["12\n", "3"])).labels == ["12\n", "3"]
