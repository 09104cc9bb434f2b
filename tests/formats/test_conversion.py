"""Conversion: every format into another and back, with metadata and ground truth, whole or not at all."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_dataset import COUNT, FIELDS, FORMATS, IMAGES, LABELS, METADATA, assert_whole, in_memory, need, write

from number_generator import GenericDataset, convert
from number_generator.commands.main import main
from number_generator.errors import (
    DatasetError,
    DatasetNotFoundError,
    MissingExtraError,
    OutputError,
    OutputExistsError,
    SpecError,
)
from number_generator.formats import conversion
from number_generator.formats.arrays import RawDataset
from number_generator.formats.conversion import write_dataset
from number_generator.formats.detection import detect_format
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.reader import open_reader
from number_generator.job.chunk import TruthField
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.signals import Interruption


def files_in(folder):
    """All that is in a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def labels_for(file_format):
    return ("jsonl",) if file_format == "png" else ()


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "source.h5", "hdf5")


def run(*arguments):
    return main(["convert", *map(str, arguments)], Interruption())


# A reader knows nothing of the writer that its content goes to: each format once as a source and once as a target,
# with one hub between them, covers what all 49 pairs do.
HUB = "hdf5"


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_becomes_the_hub_and_the_hub_every_format(tmp_path, file_format):
    source = write(tmp_path / "source", file_format)

    convert(source, tmp_path / "hub", file_format=HUB)
    convert(tmp_path / "hub", tmp_path / "target", file_format=file_format, labels=labels_for(file_format))

    for name, expected in (("source", file_format), ("hub", HUB), ("target", file_format)):
        assert detect_format(tmp_path / name) == expected
        with open_reader(tmp_path / name) as reader:
            assert_whole(reader)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_way_through_all_formats_leads_back_to_the_same_bytes(tmp_path, file_format):
    first = write(tmp_path / "first", file_format)

    convert(first, tmp_path / "between", file_format="pickle")
    convert(tmp_path / "between", tmp_path / "last", file_format=file_format, labels=labels_for(file_format))

    if file_format == "hdf5":  # it notes in a file how much it has
        return
    if first.is_dir():
        assert files_in(first) == files_in(tmp_path / "last")
    else:
        assert first.read_bytes() == (tmp_path / "last").read_bytes()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("span_bytes", [1, 60, 1000])
def test_the_result_does_not_depend_on_threads_and_spans(tmp_path, source, monkeypatch, workers, span_bytes):
    convert(source, tmp_path / "whole", file_format="webdataset")
    monkeypatch.setattr(conversion, "_SPAN_BYTES", span_bytes)

    convert(source, tmp_path / "spans", file_format="webdataset", workers=workers)

    assert files_in(tmp_path / "spans") == files_in(tmp_path / "whole")


def test_idx_files_become_a_dataset(tmp_path):
    shape = np.array(IMAGES.shape, ">u4").tobytes()
    (tmp_path / "a-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + shape + IMAGES.tobytes())
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x07" + bytes(range(7)))

    convert(tmp_path / "a-images-idx3-ubyte", tmp_path / "digits.npz")

    dataset = GenericDataset()
    dataset.load(tmp_path / "digits.npz")
    np.testing.assert_array_equal(dataset.get_data()[0], IMAGES)
    assert dataset.get_data()[1] == list("0123456")


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_empty_dataset_is_converted(tmp_path, file_format):
    source = write(tmp_path / "source", file_format, count=0)

    convert(source, tmp_path / "target.npz")

    with open_reader(tmp_path / "target.npz") as reader:
        assert reader.shape == (0, 5, 6)
        assert reader.metadata == METADATA


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.pickle", "pickle"), ("a.h5", "hdf5"), ("a.HDF5", "hdf5"), ("a.npz", "npz"), ("a.lmdb", "lmdb")],
)
def test_the_ending_of_the_target_chooses_the_format(tmp_path, source, name, expected):
    need(expected)

    convert(source, tmp_path / name)

    assert detect_format(tmp_path / name) == expected


@pytest.mark.parametrize("split", ["val", "a b", "../up", 3, None])
@pytest.mark.parametrize(("part", "first"), [(None, None), ("extra", "extra")])
def test_files_are_named_after_the_part_of_the_split(tmp_path, split, part, first):
    source = write(tmp_path / "source.pickle", "pickle", metadata={"split": split})
    expected = first or ("val" if split == "val" else "train")

    convert(source, tmp_path / "target", file_format="webdataset", part=part)

    assert sorted(files_in(tmp_path / "target")) == ["dataset.json", f"{expected}-000000.tar"]


def test_ground_truth_without_a_place_is_left_out_and_told(tmp_path, source, caplog):
    with caplog.at_level(logging.WARNING):
        convert(source, tmp_path / "target", file_format="png")

    assert "the ground truth (boxes, glyphs, forms, writers, parameters, glyph_parameters) was left out" in caplog.text
    with open_reader(tmp_path / "target") as reader:
        assert reader.truth_names == ()
        assert reader.labels(0, COUNT) == LABELS


def test_nothing_is_told_where_nothing_is_left_out(tmp_path, source, caplog):
    convert(source, tmp_path / "target", file_format="png", labels=["jsonl"])
    convert(tmp_path / "target", tmp_path / "target.h5")

    assert caplog.text == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "whose ending tells no format"),
        ({"file_format": "tiff"}, "the format is 'tiff': give one of pickle, hdf5"),
        ({"file_format": 3}, "the format is 3"),
        ({"target": "a.h5", "file_format": "png"}, "the format is 'png' and the target .*stands for 'hdf5'"),
        ({"target": 3}, "the target is 3"),
        ({"target": "a\0b.h5"}, "null character"),
        ({"file_format": "webdataset", "part": "../up"}, "part is '../up'"),
        ({"file_format": "webdataset", "part": ""}, "part is ''"),
        ({"file_format": "png", "labels": ["xml"]}, "labels is 'xml', which holds 'xml'"),
        ({"file_format": "lmdb", "labels": ["json"]}, "only png writes label files"),
        ({"file_format": "png", "compression": "gzip"}, "compression is gzip"),
        ({"file_format": "png", "workers": 0}, "workers is 0"),
    ],
)
def test_an_argument_that_breaks_a_rule_is_refused(tmp_path, source, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    target = arguments.pop("target", "target") if "target" in arguments else "target"

    with pytest.raises(SpecError, match=words):
        convert(source, target, **{name: value for name, value in arguments.items() if name != "target"})

    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["source.h5"]


@pytest.mark.parametrize("file_format", ["pickle", "hdf5", "png", "webdataset"])
@pytest.mark.parametrize("name", ["x.jpg", "x.PNG", "x.tar", "x.h5.gz"])
def test_a_target_named_like_another_kind_of_file_is_refused(tmp_path, name, file_format):
    GenericDataset(IMAGES, LABELS).save(tmp_path / "lines.h5")

    with pytest.raises(SpecError, match=r"the target is '.*', but an? .* is written and not what \.\w+ stands for"):
        convert(tmp_path / "lines.h5", tmp_path / name, file_format=file_format)

    assert [path.name for path in tmp_path.iterdir()] == ["lines.h5"]


def test_a_source_that_is_missing_is_named(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="nothing"):
        convert(tmp_path / "nothing", tmp_path / "target.h5")


@pytest.mark.parametrize("label", ["1\ud800", "a\0b"])
def test_labels_that_files_cannot_hold_are_refused_before_anything_is_written(tmp_path, label):
    reader = MemoryReader(RawDataset(IMAGES[:1], [label]), [label], Path("memory"))

    with pytest.raises(DatasetError, match="cannot be written"):
        write_dataset(reader, tmp_path / "target.h5", "hdf5")

    assert list(tmp_path.iterdir()) == []


def test_ground_truth_of_another_program_is_refused(tmp_path):
    field = TruthField("boxes", (2,), "uint8", 0, {})
    raw = RawDataset(IMAGES, LABELS, truth={"boxes": np.zeros((COUNT, 2), np.uint8)}, fields=(field,))

    with pytest.raises(DatasetError, match="ground truth cannot be written"):
        write_dataset(MemoryReader(raw, LABELS, Path("memory")), tmp_path / "target.h5", "hdf5")


def test_metadata_that_the_format_cannot_hold_is_refused(tmp_path):
    source = write(tmp_path / "source.pickle", "pickle", fields=(), metadata={"a": b"bytes"})

    with pytest.raises(SpecError, match="metadata 'a'"):
        convert(source, tmp_path / "target.npz")

    assert [entry.name for entry in tmp_path.iterdir()] == ["source.pickle"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_earlier_dataset_is_replaced_only_when_that_is_asked_for(tmp_path, source, file_format):
    target = write(tmp_path / "target", file_format, count=3)
    before = files_in(target) if target.is_dir() else target.read_bytes()
    options = {"file_format": file_format, "labels": labels_for(file_format)}

    with pytest.raises(OutputExistsError, match="exists already"):
        convert(source, target, **options)
    assert (files_in(target) if target.is_dir() else target.read_bytes()) == before

    convert(source, target, overwrite=True, **options)
    with open_reader(target) as reader:
        assert_whole(reader)


@pytest.mark.parametrize("file_format", ["hdf5", "png", "lmdb"])
def test_a_dataset_may_replace_itself(tmp_path, file_format):
    path = write(tmp_path / "lines", file_format)

    convert(path, path, file_format=file_format, labels=labels_for(file_format), overwrite=True)

    with open_reader(path) as reader:
        assert_whole(reader)


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path, source):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "thesis.txt").write_text("years of work")

    with pytest.raises(OutputError):
        convert(source, tmp_path / "target", file_format="png", overwrite=True)

    assert (tmp_path / "target" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_source_that_turns_out_to_be_damaged_leaves_nothing_behind(tmp_path, file_format, monkeypatch):
    need(file_format)
    monkeypatch.setattr(conversion, "_SPAN_BYTES", 60)
    source = write(tmp_path / "source", "png")
    (source / "images" / "0000" / "000000005.png").unlink()

    with pytest.raises(DatasetError, match=r"000000005\.png"):
        convert(source, tmp_path / "target", file_format=file_format, labels=labels_for(file_format))

    assert [entry.name for entry in tmp_path.iterdir()] == ["source"]


def test_what_is_unfinished_is_told_to_the_interruption(tmp_path):
    interruption = Interruption()

    write_dataset(in_memory(), tmp_path / "target", "webdataset", interruption=interruption)

    [temporary] = interruption.temporaries
    assert Path(temporary).parent == tmp_path
    assert not os.path.lexists(temporary)


def test_an_interruption_waits_while_an_earlier_dataset_is_out_of_its_place(tmp_path, source, monkeypatch):
    ended = []
    monkeypatch.setattr("number_generator.system.signals.os._exit", ended.append)
    interruption = Interruption()
    convert(source, tmp_path / "target", file_format="webdataset")
    replace = AtomicFolder._replace

    def interrupted(folder):
        interruption._handle(2, None)
        assert not ended
        replace(folder)

    monkeypatch.setattr(AtomicFolder, "_replace", interrupted)
    with open_reader(source) as reader:
        write_dataset(reader, tmp_path / "target", "webdataset", overwrite=True, interruption=interruption)

    assert ended == [130]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["source.h5", "target"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are different there")
@pytest.mark.parametrize("file_format", ["hdf5", "webdataset"])
def test_an_interrupted_conversion_leaves_nothing_behind(tmp_path, source, file_format):
    code = """
import os, signal, sys
from number_generator.formats import conversion
from number_generator.commands.main import main
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.signals import Interruption
conversion._SPAN_BYTES = 60
interruption = Interruption()
interruption.install()
ordered_map = conversion.ordered_map
def interrupted(function, items, workers):
    for number, result in enumerate(ordered_map(function, items, workers)):
        yield result
        if number == 0:
            os.kill(os.getpid(), signal.SIGINT)
conversion.ordered_map = interrupted
sys.exit(main(sys.argv[1:], interruption))
"""
    arguments = ["convert", source, tmp_path / "target", "--format", file_format, "--quiet"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )

    assert result.returncode == 130, result.stderr
    assert result.stderr.endswith("stopped; no unfinished file is left\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["source.h5"]


def test_a_missing_package_is_named(tmp_path, source, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)

    with pytest.raises(MissingExtraError, match=r"'\.\[lmdb\]"):
        convert(source, tmp_path / "target.lmdb")

    assert [entry.name for entry in tmp_path.iterdir()] == ["source.h5"]


# The command


def test_the_command_says_what_it_wrote(tmp_path, source, capsys):
    status = run(source, tmp_path / "target", "--format", "png", "--labels", "jsonl,json", "--quiet")

    captured = capsys.readouterr()
    assert status == 0
    assert captured.out == f'Dataset with 7 images written as png at "{tmp_path / "target"}"\n'
    assert captured.err == ""
    assert {"gt.txt", "labels.json", "metadata.jsonl", "dataset.json"} <= set(files_in(tmp_path / "target"))
    with open_reader(tmp_path / "target") as reader:
        assert_whole(reader)


def test_the_command_tells_in_one_line_what_it_left_out(tmp_path, source, capsys):
    status = run(source, tmp_path / "target", "--format", "png", "--quiet")

    captured = capsys.readouterr()
    assert status == 0
    assert captured.err.splitlines() == [
        "the ground truth (boxes, glyphs, forms, writers, parameters, glyph_parameters) was left out: png holds it "
        "only with the labels jsonl"
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["target"], 2, "whose ending tells no format"),
        (["target.h5", "--format", "png"], 2, "stands for 'hdf5'"),
        (["target", "--format", "tiff"], 2, "the format is 'tiff'"),
        (["target.npz", "--workers", "0"], 2, "--workers is 0"),
        (["target.npz", "--labels", "json"], 2, "only png writes label files"),
        (["source.h5"], 1, "exists already"),
    ],
)
def test_the_command_turns_errors_into_a_status_and_a_line(
    tmp_path, source, capsys, monkeypatch, arguments, status, words
):
    monkeypatch.chdir(tmp_path)

    assert run("source.h5", *arguments, "--quiet") == status

    assert words in capsys.readouterr().err.splitlines()[-1]


def test_the_command_passes_its_options_on(tmp_path, source):
    arguments = ["--format", "webdataset", "--part", "extra", "--workers", "2", "--quiet"]
    write(tmp_path / "target", "webdataset", count=2)

    assert run(source, tmp_path / "target", *arguments, "--overwrite") == 0
    assert run(source, tmp_path / "plain.h5", "--compression", "none", "--quiet") == 0

    assert sorted(files_in(tmp_path / "target")) == ["dataset.json", "extra-000000.tar"]
    assert IMAGES.tobytes() in (tmp_path / "plain.h5").read_bytes()


def test_the_help_names_every_format(capsys):
    with pytest.raises(SystemExit):
        run("--help")

    text = " ".join(capsys.readouterr().out.split())
    assert all(file_format in text for file_format in FORMATS)


def test_the_fields_of_the_sample_are_all_that_there_can_be():
    from number_generator.formats.schema import CHARACTER_FIELDS  # noqa: PLC0415

    assert {*CHARACTER_FIELDS, "writers", "parameters"} == {field.name for field in FIELDS}
