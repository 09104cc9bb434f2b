"""The dimensions of HDF5's arrays have names, by which other tools tell which arrays go together."""

import h5py
import numpy as np
import pytest
from written import FIELDS, make_content

from number_generator.formats.hdf5.index_writer import write_index
from number_generator.formats.reader import open_reader
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.spec import SOURCE_DIGITS, Span

COUNT = 8
METADATA = {SOURCE_DIGITS: [5, 6, 7]}
EXPECTED = {
    "images": {"image": COUNT, "height": 6, "width": 9},
    "labels": {"image": COUNT},
    "boxes": {"image": COUNT, "character": 4, "box_side": 4},
    "glyphs": {"image": COUNT, "character": 4},
    "writers": {"image": COUNT},
    "parameters": {"image": COUNT, "parameter": 2},
    "glyph_parameters": {"image": COUNT, "character": 4, "glyph_parameter": 3},
    SOURCE_DIGITS: {"source_digit": 3},
}


def write_file(path, metadata=METADATA, **options):
    images, labels, truth = make_content(COUNT)
    header = DatasetHeader((COUNT, 6, 9), 4, metadata, FIELDS)
    with open_writer("hdf5", path, header, overwrite=False, **options) as writer:
        writer.write(writer.encode(Chunk(Span(0, COUNT), images, labels, truth)))
        writer.commit()


def write_parts(path):
    write_file(path.with_name("part.h5"), {**METADATA, "shard": "0/1"})
    header = DatasetHeader((COUNT, 6, 9), 4, {**METADATA, "shards": 1}, FIELDS)
    write_index(path, header, [("part.h5", COUNT)], overwrite=False)


@pytest.fixture(params=["gzip", "none", "index"])
def path(tmp_path, request):
    """A file with all ground truth and the digits of a part of a split, or an index of one."""
    path = tmp_path / "lines.h5"
    if request.param == "index":
        write_parts(path)
    else:
        write_file(path, compression=request.param)
    return path


def test_each_dimension_has_a_name_and_takes_no_place(path):
    with h5py.File(path) as file:
        found = {name: [[one.name.strip("/") for one in dim.values()] for dim in file[name].dims] for name in EXPECTED}
        assert found == {name: [[dimension] for dimension in dims] for name, dims in EXPECTED.items()}
        scales = [file[name] for name in file if file[name].is_scale]
        assert {(scale.name.strip("/"), *scale.shape) for scale in scales if scale.name != "/shard"} == {
            pair for dims in EXPECTED.values() for pair in dims.items()
        }
        assert sum(scale.id.get_storage_size() for scale in scales) == 0
    with open_reader(path) as reader:
        assert [field.about for field in reader.fields] == [
            next(field.about for field in FIELDS if field.name == found.name) for found in reader.fields
        ]


def test_xarray_reads_a_file_by_these_names(path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")

    with xarray.open_dataset(path, engine="h5netcdf") as dataset, open_reader(path) as reader:
        assert {name: dict(dataset[name].sizes) for name in EXPECTED} == EXPECTED
        assert not dataset.coords
        np.testing.assert_array_equal(dataset["images"].isel(image=3), reader.image(3))
        np.testing.assert_array_equal(dataset["boxes"], reader.truth("boxes", 0, COUNT))


def test_ground_truth_of_another_length_has_a_dimension_of_its_own(tmp_path):
    fields = (FIELDS[0], TruthField("glyphs", (2,), "int32", -1, {}))
    header = DatasetHeader((COUNT, 6, 9), 4, {}, fields)
    images, labels, truth = make_content(COUNT)
    with open_writer("hdf5", tmp_path / "a.h5", header, overwrite=False) as writer:
        chosen = {"boxes": truth["boxes"], "glyphs": truth["glyphs"][:, :2]}
        writer.write(writer.encode(Chunk(Span(0, COUNT), images, labels, chosen)))
        writer.commit()

    with h5py.File(tmp_path / "a.h5") as file:
        assert [dim[0].name for dim in file["glyphs"].dims] == ["/image", "/glyphs_character"]
