"""The table of formats: a row is all that the commands, the readers and conversion know of a format."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_dataset import COUNT, FORMATS, IMAGES, LABELS, METADATA, assert_whole, need, write

from number_generator import GenericDataset, convert
from number_generator.commands import generate
from number_generator.commands.main import main
from number_generator.errors import DatasetError, SpecError
from number_generator.formats import registry
from number_generator.formats.arrays import RawDataset
from number_generator.formats.detection import detect_format, list_source_files
from number_generator.formats.file_format import FileFormat, Lazy
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.reader import load_arrays, open_reader
from number_generator.system.atomic_file import AtomicFile
from number_generator.system.signals import Interruption

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
SIGNATURE = b"TOY1"
SHOUT, WHISPER = b"shout", b"whisp"


class ToyWriter:
    """Raw pixels between a signature and a line of JSON."""

    span_multiple = 1

    def __init__(self, path, header, *, overwrite, compression, labels, part):
        self._header, self._labels = header, []
        self._file = AtomicFile(path, overwrite=overwrite)
        self._file.file.write(SIGNATURE + {"shout": SHOUT, "whisper": WHISPER}[compression])
        self._about = {"part": part, "kinds": list(labels)}

    @property
    def temporary_path(self):
        return self._file.temporary_path

    def encode(self, chunk):
        return {"images": chunk.images.tobytes(), "labels": [label.decode() for label in chunk.labels.tolist()]}

    def write(self, encoded):
        self._file.file.write(encoded["images"])
        self._labels += encoded["labels"]

    def finish(self):
        about = {**self._about, "shape": self._header.shape, "labels": self._labels, "metadata": self._header.metadata}
        self._file.file.write(b"\n" + json.dumps(about).encode())
        self._file.finish()

    def commit(self):
        self._file.commit()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.discard()


def read_about(path):
    return json.loads(Path(path).read_bytes().rpartition(b"\n")[2])


def open_toy(path):
    about = read_about(path)
    start = len(SIGNATURE + SHOUT)
    pixels = Path(path).read_bytes()[start : start + int(np.prod(about["shape"]))]
    images = np.frombuffer(pixels, np.uint8).reshape(about["shape"])
    return MemoryReader(RawDataset(images, about["labels"], about["metadata"]), about["labels"], Path(path))


TOY = FileFormat(
    name="toy",
    title="toy box",
    summary="toy for this test",
    file_phrase="a toy box",
    endings=(".toy",),
    compressions=("whisper", "shout"),
    label_files={"drum": "a drum for each image"},
    takes_part=True,
    signatures=((0, SIGNATURE),),
    open_reader=open_toy,
    open_writer=ToyWriter,
)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(registry.FORMATS, "toy", TOY)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_generate(*arguments):
    return generate.generate_phone_numbers(["--num-images=5", "--seed=1", "--quiet", *arguments], Interruption())


@pytest.mark.usefixtures("toy")
def test_a_format_of_one_row_is_generated_read_and_inspected(folder, capsys):
    assert run_generate("--format=toy", "--labels=drum", "--split=train=0.6,val=0.4") == 0
    assert run_generate("--format=npz", "--split=train=0.6,val=0.4") == 0

    parts = [f"phonenumbers-handwritten-dataset-5-{part}.toy" for part in ("train", "val")]
    assert sorted(path.name for path in folder.glob("*.toy")) == parts
    assert [(read_about(name)["part"], read_about(name)["kinds"]) for name in parts] == [
        ("train", ["drum"]),
        ("val", ["drum"]),
    ]
    toys, others = GenericDataset(), GenericDataset()
    toys.load(parts[0])
    others.load("phonenumbers-handwritten-dataset-5-train.npz")
    np.testing.assert_array_equal(toys.get_data()[0], others.get_data()[0])
    capsys.readouterr()
    assert main(["inspect", parts[0], "--html=report.html"], Interruption()) == 0
    assert "format      toy box, 3 images of 100 x 28 px" in capsys.readouterr().out
    assert "toy box" in (folder / "report.html").read_text()


@pytest.mark.usefixtures("toy")
def test_a_format_of_one_row_is_converted_from_and_to(folder):
    source = write(folder / "source.pickle", "pickle", fields=())

    convert(source, "box.toy", compression="shout")
    status = main(["convert", "box.toy", "back", "--format=webdataset", "--quiet"], Interruption())

    assert status == 0
    assert Path("box.toy").read_bytes().startswith(SIGNATURE + SHOUT)
    assert detect_format("box.toy") == "toy"
    assert list_source_files("box.toy") == [Path("box.toy")]
    for path in ("box.toy", "back"):
        with open_reader(path) as reader:
            np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
            assert reader.labels(0, COUNT) == LABELS
    np.testing.assert_array_equal(load_arrays("box.toy").images, IMAGES)


@pytest.mark.usefixtures("toy")
def test_options_and_messages_follow_the_table(folder, capsys):
    more = (".toy", "{gzip,none,whisper,shout}", "drum (a drum for each image)")
    for helped, names in (
        (lambda: run_generate("--help"), "parquet,toy}"),
        (lambda: main(["convert", "--help"], Interruption()), "parquet or toy"),
    ):
        with pytest.raises(SystemExit):
            helped()
        shown = " ".join(capsys.readouterr().out.split())
        assert [words for words in (names, *more) if words not in shown] == []

    assert run_generate("--format=pickle", "--compression=shout") == 2
    assert "choose --format toy and a name that ends in .toy, or leave --compression out" in capsys.readouterr().err
    (folder / "nothing").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="a Parquet file, a toy box, or a folder of"):
        open_reader("nothing")
    with pytest.raises(SpecError, match=r"give one of .*parquet, toy$"):
        convert("nothing", "target", file_format="tiff")


def test_without_its_row_the_toy_is_unknown(folder):
    (folder / "box.toy").write_bytes(SIGNATURE)

    assert registry.find_format("box.toy") is None
    with pytest.raises(DatasetError, match="belong to no known format"):
        open_reader("box.toy")


def test_a_format_that_is_only_read_is_not_offered():
    assert "idx" in registry.FORMATS
    assert "idx" not in registry.list_written()


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_row_agrees_with_what_its_writer_writes(tmp_path, file_format):
    row = registry.FORMATS[file_format]
    need(file_format)

    path = write(tmp_path / f"set{row.usual_ending}", file_format)

    assert path.is_dir() == row.is_folder
    assert detect_format(path) == file_format
    assert registry.find_format(path) == (file_format if row.endings else None)
    with open_reader(path) as reader:
        assert_whole(reader)
        assert reader.metadata == METADATA


def test_what_rows_load_when_it_is_called_is_there():
    targets = [
        value.target for row in registry.FORMATS.values() for value in vars(row).values() if isinstance(value, Lazy)
    ]

    for target in targets:
        module, name = target.split(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name)), target


def test_a_folder_is_told_by_its_files_and_not_listed(tmp_path, monkeypatch):
    path = write(tmp_path / "set", "png")
    monkeypatch.setattr(Path, "iterdir", None)

    assert detect_format(path) == "png"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["data.mdb", "gt.txt"], "lmdb"),
        (["labels.csv", "a.tar"], "png"),
        (["a.tar", "a.parquet"], "parquet"),
        (["a.tar", "data/a.parquet"], "parquet"),
        (["a.tar", "data/a.txt"], "webdataset"),
    ],
)
def test_the_order_of_formats_decides_where_a_folder_could_be_of_several(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert detect_format(tmp_path) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [(b"PK\x03\x04", "npz"), (b"PAR1", "parquet"), (b"\x89HDF\r\n\x1a\n", "hdf5"), (b"\x80\x04", "webdataset")],
)
def test_a_signature_at_the_start_of_a_file_counts_before_one_further_in(tmp_path, start, expected):
    (tmp_path / "file").write_bytes(start.ljust(257, b"\0") + b"ustar")

    assert detect_format(tmp_path / "file") == expected


def test_the_table_loads_nothing_heavy():
    code = (
        "import sys, number_generator.formats.registry, number_generator.commands.output; "
        "print(sorted({'numpy', 'numba', 'h5py', 'PIL', 'isal', 'deflate', 'lmdb', 'pyarrow'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"


@pytest.mark.skipif(not PROJECT.is_file(), reason="the contracts stand in the checkout")
def test_every_format_is_in_the_contracts_that_keep_it_apart_and_light():
    text = PROJECT.read_text(encoding="utf-8")
    apart, light = (text.split(name)[1].split("]")[0] for name in ('"independence"', "as_packages"))

    for name in registry.FORMATS:
        assert f'"number_generator.formats.{name}"' in apart, name
        assert f'"number_generator.formats.{name}"' in light, name
