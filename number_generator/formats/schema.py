"""What formats hold beside the images: names and keys, a dataset's description, and ground truth image by image.

Both directions are here, so that what is written is what is read.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import SpecError
from number_generator.formats.paths import MalformedError, read_own_file
from number_generator.job.chunk import DatasetHeader, TruthField
from number_generator.job.labels import count_characters
from number_generator.job.spec import MAX_WIDTH
from number_generator.system.checks import format_value

DESCRIPTION_FILE = "dataset.json"
"""The file of a folder, of PNG files or of WebDataset's shards, that holds the description."""
LMDB_DESCRIPTION_KEY = b"metadata"
"""The key of an LMDB that holds it."""
PARQUET_KEY = b"number_generator"
"""The key of a Parquet file's metadata that holds it."""
COUNT_KEY = b"num-samples"
"""The key of an LMDB that holds the number of images, in decimal digits."""
JSON_ATTRIBUTE = "metadata_json"
"""The HDF5 attribute that holds, as one JSON object, the metadata that HDF5 cannot hold itself."""
SHARD_FILES, SHARD_IMAGES = "shard_files", "shard_images"
"""The arrays of an index of HDF5 shards that hold their names, relative to its folder, and how many images each has."""
WIDTHS, HEIGHTS = "widths", "heights"
"""The arrays of files of arrays that hold the width and height of each image, in px, if the images differ in size.

Where there is no `heights`, all are as high as the array `images`.
"""
PADDING = 255
"""What lies beyond an image in an array that is higher or wider."""
IMAGES_A_FOLDER = 10_000
"""Numbers of images that share a folder of PNG files."""
TEXT = "text"
"""The name in the metadata for what another program says of a dataset in plain words."""
CHARACTER_FIELDS = ("boxes", "glyphs", "forms", "glyph_parameters")
"""The arrays of ground truth that have an entry for each character of the label."""
MOST_LABEL_BYTES = 1 << 16
"""What one label may take: a sequence may hold 10,000 digits."""

TRUTH_NAMES = ("boxes", "glyphs", "forms", "writers", "parameters", "glyph_parameters", "real_lines")
"""All arrays of ground truth that a dataset may have."""
_DTYPES = ("int16", "int32", "int64", "float32", "float64")
_MOST_AXES = 3
_MOST_ENTRIES = 2**22  # of an image: 10,000 characters with 150 parameters are less
_MOST_DESCRIPTION_BYTES = 64 << 20
_SHAPE, _FIELDS, _LAYOUT = "shape", "fields", "image_layout"
_RESERVED = (_SHAPE, _FIELDS, _LAYOUT)
_RAGGED, _CHANNELS = "ragged", "channels"
_SPACING = "spacing_range"
_DECIMALS = (9, 8, 7)  # what tells most float32 that are drawn apart, the fewest last


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """What a dataset says of itself."""

    shape: tuple[int, int, int] | None = None  # number, height and width of the images, if it says so
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    fields: tuple[TruthField, ...] = ()
    is_ragged: bool = False
    channels: int = 1


def describe(header: DatasetHeader) -> dict[str, Any]:
    """Return the description of a dataset: its metadata, `shape`, and what the arrays of its ground truth hold.

    All values are JSON-like: tuples have become lists, NumPy's numbers Python's. `fields` has an entry for each array:
    `shape`, `dtype`, `fill` (None for NaN) and `about`. `image_layout` is there if the images differ in size or are in
    colour: `ragged`, a bool, and `channels`, 1 or 3.

    Raises
    ------
    SpecError
        If JSON cannot hold a metadata value.

    Examples
    --------
    >>> from number_generator.formats.schema import describe
    >>> from number_generator.job.chunk import DatasetHeader
    >>> describe(DatasetHeader((2, 28, 100), 11, {"spacing_range": (5, 10)}))
    {'spacing_range': [5, 10], 'shape': [2, 28, 100], 'fields': {}}
    """
    described: dict[str, Any] = {}
    for name, value in header.metadata.items():
        if not isinstance(name, str) or name in _RESERVED:
            raise SpecError(
                f"metadata has the name {name!r}: give a text other than {', '.join(map(repr, _RESERVED))}, which the "
                "description of the dataset takes"
            )
        try:
            described[name] = json.loads(json.dumps(value, allow_nan=False, default=_to_python))
        except (TypeError, ValueError, RecursionError) as exc:
            raise SpecError(
                f"metadata {name!r} is {value!r}, which JSON cannot hold: give texts, numbers, lists and dicts of them"
            ) from exc
    described[_SHAPE] = list(header.shape)
    described[_FIELDS] = {
        field.name: {
            "shape": list(field.shape),
            "dtype": field.dtype,
            "fill": None if math.isnan(field.fill) else field.fill,
            "about": field.about,
        }
        for field in header.fields
    }
    if header.is_ragged or header.channels != 1:
        described[_LAYOUT] = {_RAGGED: header.is_ragged, _CHANNELS: header.channels}
    return described


def parse_description(found: Any) -> Description:
    """Return what a JSON object says; one that this package did not write is metadata alone.

    Raises
    ------
    MalformedError
        If it is not an object, or what it says of the images is nonsense.
    """
    if not isinstance(found, dict):
        raise MalformedError(f"its `metadata` is {format_value(found)}, not a dict")
    if not {_SHAPE, _FIELDS} <= found.keys():
        return Description(metadata=restore_pair(found))
    metadata = {name: value for name, value in found.items() if name not in _RESERVED}
    return Description(
        _parse_shape(found[_SHAPE]),
        restore_pair(metadata),
        parse_truth_fields(found[_FIELDS]),
        **_parse_layout(found.get(_LAYOUT, {_RAGGED: False, _CHANNELS: 1})),
    )


def is_plain_text(text: str) -> bool:
    """Tell whether what a dataset says of itself is in plain words; a description that is damaged does not become so.

    Examples
    --------
    >>> is_plain_text("made by me"), is_plain_text('{"shape": [1, ')
    (True, False)
    """
    return not text.lstrip().startswith("{")


def read_description(text: bytes, where: str) -> Description:
    """Return what a JSON text says; `where` names the file or key that holds it."""
    return parse_description(parse_json(text, f"its `{where}`"))


def read_description_file(path: Path) -> Description:
    """Return what the description file of a folder says; nothing if there is none, or `path` is a file."""
    if not path.is_dir() or not os.path.lexists(path / DESCRIPTION_FILE):
        return Description()
    return read_description(_read_description_text(path), DESCRIPTION_FILE)


def restore_pair(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata whose spacing is a pair again, which JSON and HDF5 hold as a list."""
    spacing = metadata.get(_SPACING)
    return {**metadata, _SPACING: tuple(spacing)} if isinstance(spacing, list) else metadata


def parse_truth_fields(described: Any) -> tuple[TruthField, ...]:
    """Return the arrays of ground truth that the `fields` of a description list; raise MalformedError for nonsense."""
    if not isinstance(described, dict):
        raise MalformedError(f"its fields are {described!r:.100}, not a dictionary")
    return tuple(_parse_field(name, entry) for name, entry in described.items())


def format_truth_rows(arrays: dict[str, npt.NDArray[Any]], labels: npt.NDArray[np.bytes_]) -> list[dict[str, Any]]:
    """Return the ground truth of each image of a chunk, JSON-like: NaN and infinity have become None.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As in `Chunk.truth`.
    labels : ndarray, shape (n,), bytes of fixed length
        In UTF-8. Arrays with an entry for each character are cut to the label's length.
    """
    lengths = count_characters(labels).tolist()
    rows: list[dict[str, Any]] = [{} for _ in lengths]
    for name, array in arrays.items():
        values = _to_json(array)
        if name in CHARACTER_FIELDS:
            values = [value[:length] for value, length in zip(values, lengths, strict=True)]
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return rows


def parse_truth_rows(rows: Sequence[dict[str, Any]], fields: Sequence[TruthField]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that `format_truth_rows` was given, padded to the fields' shapes; ignore other entries of rows.

    Raises
    ------
    MalformedError
        If an entry is missing, or does not fit its field.
    """
    arrays = {}
    for field in fields:
        try:
            values = [row[field.name] for row in rows]
        except (KeyError, TypeError):
            raise MalformedError(f"an image has no {field.name!r}") from None
        try:
            arrays[field.name] = _build_array(values, field)
        except (TypeError, ValueError, OverflowError) as exc:
            raise MalformedError(
                f"the {field.name!r} of an image are not {field.dtype} of shape {field.shape}"
            ) from exc
    return arrays


def pad(array: npt.NDArray[Any], field: TruthField) -> npt.NDArray[Any]:
    """Return the array of a chunk, shape (n, ...), in the field's shape: other chunks may have longer labels."""
    shape = (len(array), *field.shape)
    if array.shape == shape:
        return array
    whole = np.full(shape, field.fill, field.dtype)
    whole[tuple(map(slice, array.shape))] = array
    return whole


def leads_inside(path: str) -> bool:
    """Tell whether a path with slashes, by which a file names another, leads to a file below its own folder."""
    parts = path.split("/")
    is_relative = bool(parts[0]) and ":" not in parts[0]
    return is_relative and bool(parts[-1]) and ".." not in parts and "\\" not in path and "\0" not in path


def is_described(folder: Path) -> bool:
    """Tell whether the file of the description in a folder is one that this package wrote."""
    try:
        found = json.loads(_read_description_text(folder))
    except (MalformedError, OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {_SHAPE, _FIELDS} <= found.keys()


def _read_description_text(folder: Path) -> bytes:
    return read_own_file(folder, DESCRIPTION_FILE, f"its {DESCRIPTION_FILE}", _MOST_DESCRIPTION_BYTES)


def image_path(number: int) -> str:
    """Return the path of image `number`, from 0 on, in a folder of PNG files."""
    key = number + 1
    return f"images/{key // IMAGES_A_FOLDER:04d}/{key:09d}.png"


def sample_key(number: int) -> str:
    """Return the key of image `number`, from 0 on, in a shard of WebDataset."""
    return f"{number + 1:09d}"


def image_key(number: int) -> bytes:
    """Return the key of image `number`, from 0 on, in an LMDB."""
    return b"image-%09d" % (number + 1)


def label_key(number: int) -> bytes:
    """Return the key of the label of image `number`, from 0 on, in an LMDB."""
    return b"label-%09d" % (number + 1)


def truth_key(number: int) -> bytes:
    """Return the key of the ground truth of image `number`, from 0 on, in an LMDB."""
    return b"truth-%09d" % (number + 1)


def parse_json(text: bytes | str, name: str) -> Any:
    """Return the value of a JSON text; `name` says where it is from."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"the JSON of {name} is not valid ({exc})") from exc


def dump_json(value: Any) -> bytes:
    """Return a JSON-like value as ASCII text on one line."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _to_python(value: Any) -> Any:
    """Return a value of NumPy as one that JSON has."""
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return value.tolist()
    raise TypeError


def _to_json(array: npt.NDArray[Any]) -> list[Any]:
    """Return an array as lists that JSON can hold, its float32 with as few digits as tell them apart."""
    if array.dtype.kind != "f":
        return array.tolist()
    exact = array.astype(np.float64)
    if array.dtype == np.float32:
        for decimals in _DECIMALS:
            with np.errstate(over="ignore"):
                short = np.round(exact, decimals)
                exact = np.where(short.astype(np.float32) == array, short, exact)
    missing = ~np.isfinite(exact)
    if not missing.any():
        return exact.tolist()
    values = exact.astype(object)
    values[missing] = None
    return values.tolist()


def _parse_shape(value: Any) -> tuple[int, int, int]:
    """Return the shape of the images, or raise MalformedError."""
    if not isinstance(value, list) or len(value) != 3 or not all(type(size) is int for size in value):
        raise MalformedError(f"its `shape` is {format_value(value)}, not number, height and width of its images")
    count, height, width = value
    if count < 0 or not 1 <= height <= MAX_WIDTH or not 1 <= width <= MAX_WIDTH:
        raise MalformedError(f"it claims {count} images of {width} x {height} px")
    return count, height, width


def _parse_layout(value: Any) -> dict[str, Any]:
    """Return `is_ragged` and `channels`, or raise MalformedError."""
    layout = value if isinstance(value, dict) else {}
    is_ragged, channels = layout.get(_RAGGED), layout.get(_CHANNELS)
    if not isinstance(is_ragged, bool) or type(channels) is not int or channels not in (1, 3):
        raise MalformedError(f"its `{_LAYOUT}` is {format_value(value)}, not whether sizes differ and 1 or 3 channels")
    return {"is_ragged": is_ragged, "channels": channels}


def _parse_field(name: Any, entry: Any) -> TruthField:
    """Return one field of a description, or raise MalformedError."""
    wrong = MalformedError(f"its field {name!r:.100} is {entry!r:.200}")
    if name not in TRUTH_NAMES or not isinstance(entry, dict):
        raise wrong
    shape, dtype, fill, about = (entry.get(part) for part in ("shape", "dtype", "fill", "about"))
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise wrong
    if len(shape) > _MOST_AXES or (name in CHARACTER_FIELDS and not shape) or math.prod(shape) > _MOST_ENTRIES:
        raise wrong
    if dtype not in _DTYPES or not isinstance(about, dict):
        raise wrong
    is_float = dtype.startswith("float")
    if is_float and fill is None:
        fill = math.nan
    elif type(fill) is int and _fits(fill, fill, "int64" if is_float else dtype):
        fill = float(fill) if is_float else fill
    elif not is_float or type(fill) is not float:
        raise wrong
    return TruthField(name, tuple(shape), dtype, fill, about)


def _build_array(values: list[Any], field: TruthField) -> npt.NDArray[Any]:
    """Return one array of each image's values, or raise an error that `parse_truth_rows` translates."""
    out = np.full((len(values), *field.shape), field.fill, field.dtype)
    if field.name not in CHARACTER_FIELDS:
        if values:
            out[:] = _build_numbers(values, field, out.shape)
        return out
    lengths = np.array([len(value) for value in values], np.int64)
    if lengths.max(initial=0) > field.shape[0]:
        raise ValueError
    total = int(lengths.sum())
    if total:
        rows = np.repeat(np.arange(len(values)), lengths)
        columns = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        out[rows, columns] = _build_numbers(list(chain.from_iterable(values)), field, (total, *field.shape[1:]))
    return out


def _build_numbers(values: list[Any], field: TruthField, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return nested lists as an array of a shape, or raise ValueError."""
    # Given no type, NumPy finds it: texts and numbers too large for 64 bits do not become numbers.
    numbers = np.array(values)
    is_float = field.dtype.startswith("float")
    if is_float and numbers.dtype == object and all(value is None or type(value) is float for value in numbers.flat):
        numbers = numbers.astype(np.float64)
    if numbers.shape != shape or (numbers.size and numbers.dtype.kind not in ("iuf" if is_float else "iu")):
        raise ValueError
    if not is_float and numbers.size and not _fits(int(numbers.min()), int(numbers.max()), field.dtype):
        raise ValueError
    with np.errstate(over="ignore"):
        return numbers.astype(field.dtype)


def _fits(smallest: int, largest: int, dtype: str) -> bool:
    limits = np.iinfo(dtype)
    return bool(limits.min <= smallest and largest <= limits.max)
