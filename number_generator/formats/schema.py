"""What formats of many files hold: names and keys, the description of the dataset, and ground truth image by image.

Both directions stand here, so that what is written is what is read.
"""

import json
import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import SpecError
from number_generator.job.chunk import DatasetHeader, TruthField

__all__ = [
    "CHARACTER_FIELDS",
    "COUNT_KEY",
    "DESCRIPTION_FILE",
    "IMAGES_A_FOLDER",
    "LMDB_DESCRIPTION_KEY",
    "PARQUET_KEY",
    "SHARD_FILES",
    "SHARD_IMAGES",
    "describe",
    "dump_json",
    "format_truth_rows",
    "image_key",
    "image_path",
    "is_described",
    "label_key",
    "leads_inside",
    "pad",
    "parse_metadata",
    "parse_truth_fields",
    "parse_truth_rows",
    "sample_key",
    "truth_key",
]

DESCRIPTION_FILE = "dataset.json"
"""The file of a folder, of PNG files or of WebDataset's shards, that holds the description."""
LMDB_DESCRIPTION_KEY = b"metadata"
"""The key of an LMDB that holds it."""
PARQUET_KEY = b"number_generator"
"""The key of a Parquet file's metadata that holds it."""
COUNT_KEY = b"num-samples"
"""The key of an LMDB that holds the number of images, in decimal digits."""
SHARD_FILES, SHARD_IMAGES = "shard_files", "shard_images"
"""The arrays of an index of HDF5 shards that hold their names, relative to its folder, and how many images each has."""
IMAGES_A_FOLDER = 10_000
"""Numbers of images that share a folder of PNG files."""
CHARACTER_FIELDS = ("boxes", "glyphs", "glyph_parameters")
"""The arrays of ground truth that have an entry for each character of the label."""

_LINE_FIELDS = ("writers", "parameters")
_DTYPES = ("int16", "int32", "int64", "float32", "float64")
_MOST_AXES = 3
_MOST_ENTRIES = 2**22  # of an image: 10,000 characters with 150 parameters are less
_MOST_DESCRIPTION_BYTES = 64 << 20
_SHAPE, _FIELDS = "shape", "fields"
_DECIMALS = (9, 8, 7)  # what tells most float32 that are drawn apart, the fewest last


def describe(header: DatasetHeader) -> dict[str, Any]:
    """Give the description of a dataset: its metadata, `shape`, and what the arrays of its ground truth hold.

    Parameters
    ----------
    header : DatasetHeader

    Returns
    -------
    dict
        JSON-like values alone: tuples have become lists, numbers of NumPy those of Python. `fields` has an entry for
        each array: `shape`, `dtype`, `fill` (None for NaN) and `about`.

    Raises
    ------
    SpecError
        If a metadata value is none that JSON can hold.

    Examples
    --------
    >>> from number_generator.formats.schema import describe
    >>> from number_generator.job.chunk import DatasetHeader
    >>> describe(DatasetHeader((2, 28, 100), 11, {"spacing_range": (5, 10)}))
    {'spacing_range': [5, 10], 'shape': [2, 28, 100], 'fields': {}}
    """
    described: dict[str, Any] = {}
    for name, value in header.metadata.items():
        if not isinstance(name, str) or name in (_SHAPE, _FIELDS):
            raise SpecError(
                f"metadata has the name {name!r}: give a text other than {_SHAPE!r} and {_FIELDS!r}, which the "
                "description of the dataset takes"
            )
        try:
            described[name] = json.loads(json.dumps(value, allow_nan=False, default=_plain))
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
    return described


def parse_metadata(description: dict[str, Any]) -> dict[str, Any]:
    """Give the metadata of a dataset again: the description without what `describe` has added."""
    return {name: value for name, value in description.items() if name not in (_SHAPE, _FIELDS)}


def parse_truth_fields(description: dict[str, Any]) -> tuple[TruthField, ...]:
    """Give the arrays of ground truth that a description tells of, or raise ValueError if they are nonsense."""
    described = description.get(_FIELDS, {})
    if not isinstance(described, dict):
        raise ValueError(f"its fields are {described!r:.100}, not a dictionary")  # noqa: TRY004 - what a file holds
    return tuple(_field(name, entry) for name, entry in described.items())


def format_truth_rows(arrays: dict[str, npt.NDArray[Any]], labels: npt.NDArray[np.bytes_]) -> list[dict[str, Any]]:
    """Give the ground truth of each image of a chunk, JSON-like.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As in `Chunk.truth`.
    labels : ndarray, shape (n,), bytes of fixed length
        What has an entry for each character is cut to the label's length.

    Returns
    -------
    list of dict
        One an image; NaN and infinity, which JSON lacks, have become None.
    """
    lengths = np.char.str_len(labels).tolist()
    rows: list[dict[str, Any]] = [{} for _ in lengths]
    for name, array in arrays.items():
        values = _json_values(array)
        if name in CHARACTER_FIELDS:
            values = [value[:length] for value, length in zip(values, lengths, strict=True)]
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return rows


def parse_truth_rows(rows: Sequence[dict[str, Any]], fields: Sequence[TruthField]) -> dict[str, npt.NDArray[Any]]:
    """Give what `format_truth_rows` was given again, padded to the fields' shapes.

    Parameters
    ----------
    rows : sequence of dict
        Other entries than those of the fields are ignored.
    fields : sequence of Field

    Raises
    ------
    ValueError
        If an entry is missing, or does not fit its field.
    """
    arrays = {}
    for field in fields:
        try:
            values = [row[field.name] for row in rows]
        except (KeyError, TypeError):
            raise ValueError(f"an image has no {field.name!r}") from None
        try:
            arrays[field.name] = _array(values, field)
        except (TypeError, ValueError, OverflowError) as exc:
            raise ValueError(f"the {field.name!r} of an image are no {field.dtype} of shape {field.shape}") from exc
    return arrays


def pad(array: npt.NDArray[Any], field: TruthField) -> npt.NDArray[Any]:
    """Give the array of a chunk in the field's shape: the labels there may be shorter than others.

    Parameters
    ----------
    array : ndarray, shape (n, ...)
    field : Field
    """
    shape = (len(array), *field.shape)
    if array.shape == shape:
        return array
    whole = np.full(shape, field.fill, field.dtype)
    whole[tuple(map(slice, array.shape))] = array
    return whole


def leads_inside(path: str) -> bool:
    """Tell whether a path with slashes, as a file names another, leads to a file below the folder that it starts in."""
    parts = path.split("/")
    is_relative = bool(parts[0]) and ":" not in parts[0]
    return is_relative and bool(parts[-1]) and ".." not in parts and "\\" not in path and "\0" not in path


def is_described(folder: Path) -> bool:
    """Tell whether the file of the description in a folder is one that this package wrote."""
    file = folder / DESCRIPTION_FILE
    try:
        if file.stat().st_size > _MOST_DESCRIPTION_BYTES:
            return False
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {_SHAPE, _FIELDS} <= found.keys()


def image_path(number: int) -> str:
    """Give the path of image `number`, from 0 on, in a folder of PNG files."""
    key = number + 1
    return f"images/{key // IMAGES_A_FOLDER:04d}/{key:09d}.png"


def sample_key(number: int) -> str:
    """Give the key of image `number`, from 0 on, in a shard of WebDataset."""
    return f"{number + 1:09d}"


def image_key(number: int) -> bytes:
    """Give the key of image `number`, from 0 on, in an LMDB."""
    return b"image-%09d" % (number + 1)


def label_key(number: int) -> bytes:
    """Give the key of the label of image `number`, from 0 on, in an LMDB."""
    return b"label-%09d" % (number + 1)


def truth_key(number: int) -> bytes:
    """Give the key of the ground truth of image `number`, from 0 on, in an LMDB."""
    return b"truth-%09d" % (number + 1)


def dump_json(value: Any) -> bytes:
    """Give a JSON-like value as text in ASCII, on one line."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _plain(value: Any) -> Any:
    """Turn what NumPy has into what JSON has."""
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return value.tolist()
    raise TypeError


def _json_values(array: npt.NDArray[Any]) -> list[Any]:
    """Give an array as lists that JSON can hold, its float32 with as few digits as tell them apart."""
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


def _field(name: Any, entry: Any) -> TruthField:
    """Give one field of a description, or raise ValueError."""
    wrong = f"its field {name!r:.100} is {entry!r:.200}"
    if name not in (*CHARACTER_FIELDS, *_LINE_FIELDS) or not isinstance(entry, dict):
        raise ValueError(wrong)
    shape, dtype, fill, about = (entry.get(part) for part in ("shape", "dtype", "fill", "about"))
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(wrong)
    if len(shape) > _MOST_AXES or (name in CHARACTER_FIELDS and not shape) or math.prod(shape) > _MOST_ENTRIES:
        raise ValueError(wrong)
    if dtype not in _DTYPES or not isinstance(about, dict):
        raise ValueError(wrong)
    return TruthField(name, tuple(shape), dtype, _fill(fill, dtype, wrong), about)


def _fill(value: Any, dtype: str, wrong: str) -> float:
    """Give what stands where there is nothing; None is NaN."""
    if dtype.startswith("int"):
        if type(value) is int and _fits(value, value, dtype):
            return value
    elif value is None:
        return math.nan
    elif type(value) is float or (type(value) is int and _fits(value, value, "int64")):
        return float(value)
    raise ValueError(wrong)


def _array(values: list[Any], field: TruthField) -> npt.NDArray[Any]:
    """Give one array of a list of each image's values, or raise what `parse_truth_rows` translates."""
    out = np.full((len(values), *field.shape), field.fill, field.dtype)
    if field.name not in CHARACTER_FIELDS:
        if values:
            out[:] = _numbers(values, field, out.shape)
        return out
    lengths = np.array([len(value) for value in values], np.int64)
    if lengths.max(initial=0) > field.shape[0]:
        raise ValueError
    total = int(lengths.sum())
    if total:
        rows = np.repeat(np.arange(len(values)), lengths)
        columns = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        out[rows, columns] = _numbers(list(chain.from_iterable(values)), field, (total, *field.shape[1:]))
    return out


def _numbers(values: list[Any], field: TruthField, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Give nested lists as an array of a shape, or raise ValueError."""
    # Without a type given, NumPy tells what stands there: texts and numbers too large for 64 bits are no numbers.
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
