"""Labels beyond ASCII go through every format as they are, and count in characters."""

import pickle
from itertools import cycle, islice

import h5py
import lmdb
import numpy as np
import pytest
from running import run_phone

from number_generator import GenericDataset
from number_generator.commands.inspection.inspect import inspect_dataset
from number_generator.errors import DatasetError
from number_generator.formats.conversion import write_dataset
from number_generator.formats.reader import open_reader
from number_generator.formats.registry import FORMATS, list_written

SIGNED = ["€12.50", "12:30", "50%", "¥1*2=#'", "(3)"]
FOREIGN = ["٣٤٥", "пять", "五百円", "e\u0301 \u200d👍🏽", "5\u00a0€", "", "7"]
TRUTH = ("boxes", "glyphs", "parameters")


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A folder, the current one, with a list of numbers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("\n".join(SIGNED), encoding="utf-8")
    return tmp_path


def make(*options, count=12):
    numbers = ["--sequences=list.txt", f"--num-images={count}", "--image-width=90", "--seed=4", *options]
    assert run_phone(*numbers) == 0
    return list(islice(cycle(SIGNED), count))


def read_all(path):
    with open_reader(path) as reader:
        count = len(reader)
        truth = {field.name: (field.shape, reader.truth(field.name, 0, count)) for field in reader.fields}
        return reader.images(0, count), reader.labels(0, count), truth


def test_labels_and_their_ground_truth_go_through_every_format_and_back(listed):
    labels = make("--truth=boxes,glyphs,parameters", "--output-path=signs.h5")
    GenericDataset(np.full((len(FOREIGN), 8, 9), 255, np.uint8), FOREIGN).save("foreign.h5")

    for first, written in (("signs.h5", labels), ("foreign.h5", FOREIGN)):
        images, read, truth = read_all(first)
        assert read == written
        assert set(truth) >= (set(TRUTH) if written is labels else set())
        source = listed / first
        for number, file_format in enumerate(("hdf5", *list_written(), "pickle")):
            target = listed / f"{first}-{number}{(*FORMATS[file_format].endings, '')[0]}"
            options = {"labels": ["jsonl"]} if file_format == "png" else {}
            options |= {"compression": "none"} if number == 0 else {}
            with open_reader(source) as reader:
                write_dataset(reader, target, file_format, **options)

            again, read, values = read_all(target)

            assert read == written, file_format
            np.testing.assert_array_equal(again, images, err_msg=file_format)
            assert list(values) == list(truth), file_format
            for name, (shape, array) in values.items():
                assert shape == truth[name][0], f"{file_format} {name}"
                np.testing.assert_array_equal(array, truth[name][1], err_msg=f"{file_format} {name}")
            source = target
        with open_reader(source) as reader:
            found = inspect_dataset(reader, source)
        assert found.labels.lengths.most == max(map(len, written))


def test_every_format_is_written_from_numbers_as_well(listed):
    for file_format in list_written():
        more = ["--labels=json,csv,tesseract,jsonl"] if file_format == "png" else []
        target = listed / f"set-{file_format}{(*FORMATS[file_format].endings, '')[0]}"

        labels = make(f"--format={file_format}", "--truth=boxes", *more, f"--output-path={target}")

        _, read, truth = read_all(target)
        assert read == labels, file_format
        assert truth["boxes"][0] == (7, 4), file_format
        assert (truth["boxes"][1][3::5, :7, 2] > 0).all(), file_format  # of seven characters, which take 8 bytes


def test_what_other_programs_read_is_utf_8(listed):
    make("--output-path=a.h5")
    make("--output-path=b.h5", "--shards=2")
    make("--format=lmdb", "--output-path=a.lmdb")
    make("--format=pickle", "--output-path=a.pickle")
    make("--format=npz", "--output-path=a.npz")
    make("--format=png", "--labels=tesseract,csv", "--output-path=folder")

    for name in ("a.h5", "b.h5"):
        with h5py.File(name) as file:
            assert h5py.check_string_dtype(file["labels"].dtype).encoding == "utf-8"
            assert file["labels"].asstr()[:5].tolist() == SIGNED
    assert pickle.loads((listed / "a.pickle").read_bytes())["labels"][:5] == SIGNED
    with np.load("a.npz") as archive:
        assert archive["labels"].dtype == "U7"
        assert archive["labels"][:5].tolist() == SIGNED
    with lmdb.open("a.lmdb", readonly=True) as environment, environment.begin() as transaction:
        assert transaction.get(b"label-000000001").decode() == SIGNED[0]
    lines = (listed / "folder" / "gt.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[1] for line in lines[:5]] == SIGNED
    assert (listed / "folder/images/0000/000000001.gt.txt").read_text(encoding="utf-8") == f"{SIGNED[0]}\n"


def test_labels_in_ascii_stay_ascii_in_hdf5(listed):
    (listed / "list.txt").write_text("12:30\n50%\n", encoding="utf-8")

    assert run_phone("--sequences=list.txt", "--seed=1", "--output-path=a.h5") == 0

    with h5py.File("a.h5") as file:
        assert h5py.check_string_dtype(file["labels"].dtype) == ("ascii", 5)


def test_a_resumed_dataset_has_the_same_bytes(listed):
    for ending in ("h5", "pickle", "lmdb"):
        make(f"--format={'hdf5' if ending == 'h5' else ending}", f"--output-path=a.{ending}")
        make(f"--format={'hdf5' if ending == 'h5' else ending}", f"--output-path=b.{ending}", "--resume")

        assert read_all(f"a.{ending}")[1] == read_all(f"b.{ending}")[1]


def test_bytes_of_other_programs_are_utf_8_and_otherwise_latin_1(tmp_path):
    images = np.full((2, 6, 9), 255, np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array(["5€".encode(), b"caf\xe9"]))

    with open_reader(tmp_path / "a.npz") as reader:
        assert reader.labels(0, 2) == ["5€", "café"]


def test_half_a_character_is_no_label(tmp_path):
    with pytest.raises(DatasetError, match=r"cannot be written: '\\ud83d' is half of a character"):
        GenericDataset(np.zeros((1, 2, 3), np.uint8), ["7\ud83d"]).save(tmp_path / "lines.h5")
