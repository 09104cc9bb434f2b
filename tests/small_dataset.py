"""A small dataset with every kind of ground truth, for the tests of all readers and of conversion."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from number_generator.formats import registry
from number_generator.formats.arrays import RawDataset
from number_generator.formats.conversion import write_dataset
from number_generator.formats.memory_reader import MemoryReader
from number_generator.job.chunk import TruthField

COUNT, HEIGHT, WIDTH, LONGEST = 7, 5, 6, 3
LABELS = ["", "1", "23", "456", "7,8", '"9"', "+12"]
_RANDOM = np.random.default_rng(0)
IMAGES = _RANDOM.integers(0, 256, (COUNT, HEIGHT, WIDTH), np.uint8)
FIELDS = (
    TruthField("boxes", (LONGEST, 4), "int16", -1, {"columns": "x0,y0,x1,y1"}),
    TruthField("glyphs", (LONGEST,), "int32", -1, {"meaning": "numbers"}),
    TruthField("forms", (LONGEST,), "int16", -1, {"names": "0/round,1/foot,7/crossed"}),
    TruthField("writers", (), "int64", -1, {"meaning": "who wrote it"}),
    TruthField("parameters", (2,), "float32", np.nan, {"columns": "slant,size"}),
    TruthField("glyph_parameters", (LONGEST, 2), "float32", np.nan, {"columns": "x,y"}),
)
METADATA = {"spacing_range": (5, 10), "image_width": WIDTH, "command": "make it", "nested": {"a": [1, None]}}


def _truth():
    truth = {field.name: np.full((COUNT, *field.shape), field.fill, field.dtype) for field in FIELDS}
    for number, label in enumerate(LABELS):
        length = len(label)
        truth["boxes"][number, :length] = _RANDOM.integers(-1, 6, (length, 4))
        truth["glyphs"][number, :length] = _RANDOM.integers(-1, 5000, length)
        truth["forms"][number, :length] = _RANDOM.integers(-1, 3, length)
        truth["glyph_parameters"][number, :length] = _RANDOM.random((length, 2))
    truth["writers"][:] = np.arange(COUNT) - 1
    truth["parameters"][::2] = _RANDOM.random((4, 2))
    return truth


TRUTH = _truth()
FORMATS = registry.list_written()
FOLDER_FORMATS = [name for name in FORMATS if registry.FORMATS[name].is_folder]
# The formats that are one file, each with what it is compressed by.
FILES = pytest.mark.parametrize(
    ("file_format", "compression"), [("pickle", "none"), ("hdf5", "gzip"), ("hdf5", "none"), ("npz", "none")]
)


def need(file_format):
    """Skip the test where the package of a format is missing."""
    package = registry.FORMATS[file_format].package
    if package is not None:
        pytest.importorskip(package)


def is_installed(file_format):
    """Tell whether the package of a format is there, if it needs one."""
    package = registry.FORMATS[file_format].package
    return package is None or find_spec(package) is not None


def in_memory(*, fields=FIELDS, count=COUNT, metadata=METADATA):
    truth = {field.name: TRUTH[field.name][:count] for field in fields}
    raw = RawDataset(IMAGES[:count], LABELS[:count], metadata, truth=truth, fields=fields)
    return MemoryReader(raw, LABELS[:count], Path("memory"))


def write(path, file_format, *, labels=None, **options):
    """Write the dataset, or the beginning of it, in a format."""
    need(file_format)
    if labels is None:
        labels = ("jsonl",) if file_format == "png" else ()
    write_dataset(in_memory(**options), path, file_format, labels=labels, workers=1)
    return path


def assert_whole(reader):
    """Compare all that a reader gives with the dataset."""
    assert reader.shape == (COUNT, HEIGHT, WIDTH)
    assert len(reader) == COUNT
    np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
    assert reader.labels(0, COUNT) == LABELS
    assert reader.metadata == METADATA
    assert set(reader.truth_names) == set(TRUTH)
    assert sorted(map(repr, reader.fields)) == sorted(map(repr, FIELDS))
    for name, array in TRUTH.items():
        found = reader.truth(name, 0, COUNT)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
