"""What formats of many files hold: names, descriptions and ground truth image by image, there and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from number_generator.errors import SpecError
from number_generator.formats.paths import MalformedError
from number_generator.formats.schema import (
    Description,
    describe,
    dump_json,
    format_truth_rows,
    image_key,
    image_path,
    label_key,
    parse_description,
    parse_truth_fields,
    parse_truth_rows,
    sample_key,
    truth_key,
)
from number_generator.job.chunk import DatasetHeader, TruthField

FIELDS = (
    TruthField("boxes", (4, 4), "int16", -1, {"columns": "x0,y0,x1,y1"}),
    TruthField("glyphs", (4,), "int32", -1, {}),
    TruthField("writers", (), "int64", -1, {}),
    TruthField("parameters", (2,), "float32", math.nan, {"columns": "slant,size"}),
    TruthField("glyph_parameters", (4, 2), "float32", math.nan, {}),
)
LABELS = np.array([b"12", b"", b"345"], "S3")


def make_arrays(labels=LABELS, seed=0):
    """Return ground truth of a chunk: as long as its longest label, filled behind the ends of the others."""
    rng = np.random.default_rng(seed)
    lengths = np.char.str_len(labels)
    longest = int(lengths.max(initial=0))
    arrays = {
        "boxes": rng.integers(-5, 99, (len(labels), longest, 4), np.int16),
        "glyphs": rng.integers(0, 60_000, (len(labels), longest), np.int32),
        "writers": rng.integers(-1, 2**40, len(labels)),
        "parameters": rng.normal(size=(len(labels), 2)).astype(np.float32),
        "glyph_parameters": rng.normal(size=(len(labels), longest, 2)).astype(np.float32),
    }
    for name, fill in (("boxes", -1), ("glyphs", -1), ("glyph_parameters", np.nan)):
        for row, length in zip(arrays[name], lengths, strict=True):
            row[length:] = fill
    return arrays


# --- names and keys


def test_numbers_of_images_become_names_counted_from_one():
    assert image_path(0) == "images/0000/000000001.png"
    assert image_path(9_998) == "images/0000/000009999.png"
    assert image_path(9_999) == "images/0001/000010000.png"
    assert image_path(10**9 - 1) == "images/100000/1000000000.png"
    assert sample_key(41) == "000000042"
    assert (image_key(0), label_key(0), truth_key(9)) == (b"image-000000001", b"label-000000001", b"truth-000000010")


# --- descriptions


def test_a_description_tells_sizes_that_differ_and_colour_and_nothing_where_there_are_none():
    plain = describe(DatasetHeader((2, 28, 100), 3, {}))
    assert plain.keys() == {"shape", "fields"}
    described = describe(DatasetHeader((2, 28, 100), 3, {}, is_ragged=True, channels=3))
    assert parse_description(described) == Description((2, 28, 100), {}, (), is_ragged=True, channels=3)
    for wrong in (True, {"ragged": 1, "channels": 3}, {"ragged": True, "channels": 4}, {"ragged": True}):
        with pytest.raises(MalformedError, match="its `image_layout` is"):
            parse_description({**plain, "image_layout": wrong})


def test_a_description_comes_back_as_metadata_and_fields():
    metadata = {"spacing_range": (5, 10), "seed": 2**64 - 1, "nested": {"a": [1, None, "é"]}}

    description = json.loads(dump_json(describe(DatasetHeader((3, 28, 100), 4, metadata, FIELDS))))

    assert description["shape"] == [3, 28, 100]
    parsed = parse_description(description)
    assert (parsed.shape, parsed.metadata) == ((3, 28, 100), metadata)
    found = parsed.fields
    assert [(field.name, field.shape, field.dtype, field.about) for field in found] == [
        (field.name, field.shape, field.dtype, field.about) for field in FIELDS
    ]
    assert [field.fill for field in found[:3]] == [-1, -1, -1]
    assert all(math.isnan(field.fill) for field in found[3:])


def test_what_numpy_holds_is_described_as_plain_values():
    metadata = {"count": np.int64(3), "share": np.float32(0.5), "ids": np.arange(3), "name": np.str_("a")}

    description = describe(DatasetHeader((0, 1, 1), 0, metadata))

    assert description == {"count": 3, "share": 0.5, "ids": [0, 1, 2], "name": "a", "shape": [0, 1, 1], "fields": {}}
    assert type(description["count"]) is int


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, math.nan, [math.inf], np.array([b"a"]), 1j])
def test_metadata_that_json_cannot_hold_is_an_error_that_names_it(value):
    with pytest.raises(SpecError, match=r"metadata 'odd' is .* which JSON cannot hold"):
        describe(DatasetHeader((0, 1, 1), 0, {"odd": value}))


@pytest.mark.parametrize("name", ["shape", "fields", 3])
def test_metadata_of_a_name_that_the_description_takes_is_an_error(name):
    with pytest.raises(SpecError, match=f"metadata has the name {name!r}"):
        describe(DatasetHeader((0, 1, 1), 0, {name: 1}))


def test_a_description_without_fields_tells_of_none():
    assert parse_description({"seed": 1}) == Description(metadata={"seed": 1})


GOOD = {"shape": [4], "dtype": "int32", "fill": -1, "about": {}}


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {"../boxes": GOOD},
        {"masks": GOOD},
        {"glyphs": [4]},
        {"glyphs": {**GOOD, "shape": [-1]}},
        {"glyphs": {**GOOD, "shape": [True]}},
        {"glyphs": {**GOOD, "shape": []}},
        {"glyphs": {**GOOD, "shape": 4}},
        {"glyphs": {**GOOD, "shape": [1, 1, 1, 1]}},
        {"glyphs": {**GOOD, "shape": [2**30, 2**30]}},
        {"glyphs": {**GOOD, "dtype": "object"}},
        {"glyphs": {**GOOD, "dtype": ["int32"]}},
        {"glyphs": {**GOOD, "fill": None}},
        {"glyphs": {**GOOD, "fill": 2**40}},
        {"glyphs": {**GOOD, "fill": 0.5}},
        {"glyphs": {**GOOD, "fill": True}},
        {"glyphs": {**GOOD, "fill": "-1"}},
        {"glyphs": {**GOOD, "about": None}},
        {"glyphs": {}},
    ],
)
def test_nonsense_in_a_description_is_an_error(fields):
    with pytest.raises(MalformedError, match=r"its fields? "):
        parse_truth_fields(fields)


# --- ground truth


def test_rows_hold_what_belongs_to_the_characters_of_the_label():
    arrays = {"glyphs": np.array([[5, 6, -1], [-1, -1, -1], [7, 8, 9]], np.int32), "writers": np.array([3, -1, 4])}

    rows = format_truth_rows(arrays, LABELS)

    assert rows == [
        {"glyphs": [5, 6], "writers": 3},
        {"glyphs": [], "writers": -1},
        {"glyphs": [7, 8, 9], "writers": 4},
    ]


def test_ground_truth_comes_back_exactly_from_json_padded_to_its_fields():
    arrays = make_arrays()

    found = parse_truth_rows([json.loads(dump_json(row)) for row in format_truth_rows(arrays, LABELS)], FIELDS)

    assert list(found) == [field.name for field in FIELDS]
    for field in FIELDS:
        array = found[field.name]
        assert (array.shape, array.dtype) == ((3, *field.shape), np.dtype(field.dtype))
        assert np.array_equal(array[:, :3] if field.shape[:1] == (4,) else array, arrays[field.name], equal_nan=True)
    assert (found["boxes"][:, 3] == -1).all()
    assert np.isnan(found["glyph_parameters"][:, 3]).all()


@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_float32_come_back_exactly(values):
    array = np.array([values], np.float32)
    field = TruthField("parameters", (len(values),), "float32", math.nan, {})

    [text] = map(dump_json, format_truth_rows({"parameters": array}, np.array([b"1"])))
    found = parse_truth_rows([json.loads(text)], (field,))["parameters"]

    assert np.array_equal(found, np.where(np.isfinite(array), array, np.nan), equal_nan=True)


def test_float32_are_written_with_few_digits():
    array = np.array([[0.1, -2.345, 100.5, np.nan]], np.float32)

    assert (
        dump_json(format_truth_rows({"parameters": array}, np.array([b"1"]))[0])
        == b'{"parameters":[0.1,-2.345,100.5,null]}'
    )


def test_no_images_have_no_ground_truth():
    assert format_truth_rows({"glyphs": np.empty((0, 0), np.int32)}, np.array([], "S1")) == []
    arrays = parse_truth_rows([], FIELDS)
    assert [array.shape for array in arrays.values()] == [(0, *field.shape) for field in FIELDS]


def test_what_a_row_holds_besides_its_fields_is_left_out():
    assert list(parse_truth_rows([{"text": "1", "number": 1, "glyphs": [1], "writers": 2}], FIELDS[1:2])) == ["glyphs"]


@pytest.mark.parametrize(
    ("field", "row"),
    [
        (FIELDS[1], {}),
        (FIELDS[1], []),
        (FIELDS[1], {"glyphs": None}),
        (FIELDS[1], {"glyphs": [1, 2, 3, 4, 5]}),
        (FIELDS[1], {"glyphs": [[1]]}),
        (FIELDS[1], {"glyphs": [1.5]}),
        (FIELDS[1], {"glyphs": ["1"]}),
        (FIELDS[1], {"glyphs": [True]}),
        (FIELDS[1], {"glyphs": [2**40]}),
        (FIELDS[1], {"glyphs": [2**70]}),
        (FIELDS[1], {"glyphs": "12"}),
        (FIELDS[0], {"boxes": [[1, 2, 3]]}),
        (FIELDS[0], {"boxes": [[1, 2, 3, 4], [1, 2, 3]]}),
        (FIELDS[2], {"writers": [1]}),
        (FIELDS[2], {"writers": None}),
        (FIELDS[3], {"parameters": [1.0]}),
        (FIELDS[3], {"parameters": ["1.0", "2.0"]}),
        (FIELDS[3], {"parameters": {"a": 1}}),
    ],
)
def test_ground_truth_that_does_not_fit_its_field_is_an_error(field, row):
    with pytest.raises(MalformedError, match=f"{field.name!r}"):
        parse_truth_rows([row], (field,))
