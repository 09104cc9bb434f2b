"""Pickled datasets: a dict of `images`, `labels` and, optionally, `metadata` and `truth`."""

from __future__ import annotations

import math
import mmap
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.errors import SpecError
from number_generator.formats.arrays import RawDataset, build_dataset
from number_generator.formats.paths import MalformedError, map_file, reading
from number_generator.formats.pickle.machine import PickleMachine
from number_generator.formats.pickle.values import PickledArray, PickledType
from number_generator.formats.ragged import pad_images
from number_generator.formats.schema import HEIGHTS, TEXT, WIDTHS, parse_truth_fields
from number_generator.job.chunk import TruthField
from number_generator.system.checks import format_value

_VALID = (
    "A valid pickle holds a dict with `images` (uint8 array, shape (n, height, width) or (n, height, width, 3), or a "
    "list of such images), `labels` (n strings or integers) and optionally `metadata` (a dict or a text), `widths` and "
    "`heights` (n integers) and `truth` (a dict of arrays)"
)

_TRUTH_FIELDS = "truth_fields"
_DEEPEST_METADATA = 32
# The memory that one value of the metadata may take once it is copied out of the file.
_VALUE_BYTES = 128


def load(path: Path) -> RawDataset:
    """Read a pickled dataset into memory; raise what `load_arrays` raises."""
    with reading(path, _VALID):
        # The mapping is not closed by hand: arrays that look into it may still live in a traceback.
        return load_bytes(map_file(path))


def load_mapped(path: Path) -> tuple[RawDataset, mmap.mmap]:
    """Read a pickled dataset whose arrays stay in the file, and the mapping that they look into."""
    with reading(path, _VALID):
        content = map_file(path)
        return load_bytes(content, mapped=True), content


def load_bytes(content: bytes | mmap.mmap, *, mapped: bool = False) -> RawDataset:
    """Read a pickled dataset from memory; raise MalformedError or a decoder's error if it is not valid.

    If mapped, images and ground truth look into the content, as far as it holds them as they are.
    """
    machine = PickleMachine(content)
    found = machine.run()
    if type(found) is not dict:
        raise MalformedError(f"the pickle is {format_value(found)}, not a dict")
    missing = [key for key in ("images", "labels") if key not in found]
    if missing:
        keys = ", ".join(format_value(key) for key in list(found)[:5])
        raise MalformedError(f"the dict has no {' and no '.join(missing)} (it has {keys or 'nothing'})")
    images, sizes = _build_images(found["images"], machine, mapped=mapped)
    for name in {WIDTHS, HEIGHTS} & found.keys():
        sizes.setdefault(name, _build_row(found[name]))
    labels = _build_row(found["labels"])
    metadata = _to_plain(found.get("metadata"), machine, _DEEPEST_METADATA)
    if isinstance(metadata, str):
        metadata = {TEXT: metadata}
    if "truth" not in found:
        return build_dataset(images, labels, metadata, **sizes, mapped=mapped)
    truth = found["truth"]
    if type(truth) is not dict or not all(isinstance(array, PickledArray) for array in truth.values()):
        raise MalformedError(f"its `truth` is {format_value(truth)}, not a dict of arrays")
    fields = _parse_fields(metadata)
    # The same array may stand in the dict many times.
    machine.charge(sum(array.byte_count for array in truth.values()))
    arrays = {field.name: _build_array(truth[field.name], mapped=mapped) for field in fields if field.name in truth}
    without = {key: value for key, value in metadata.items() if key != _TRUTH_FIELDS}
    return build_dataset(images, labels, without, truth=arrays, fields=fields, **sizes, mapped=mapped)


def check_metadata(metadata: dict[str, Any]) -> None:
    """Raise SpecError if metadata, once pickled, could not be read back."""
    if not _is_kept(metadata):
        name, value = next(((name, value) for name, value in metadata.items() if not _is_kept({name: value})), ("", ""))
        raise SpecError(
            f"metadata {format_value(name)} is {format_value(value)}, which cannot be saved: give numbers, texts, "
            "arrays, and lists and dicts of these"
        )


def _is_kept(metadata: dict[str, Any]) -> bool:
    content = {"images": np.empty((0, 1, 1), np.uint8), "labels": [], "metadata": metadata}
    try:
        load_bytes(pickle.dumps(content, protocol=4))
    except Exception:  # objects may raise anything when they are pickled
        return False
    return True


def _parse_fields(metadata: Any) -> tuple[TruthField, ...]:
    """Return what the metadata says of the arrays of ground truth."""
    if not isinstance(metadata, dict):
        raise MalformedError(f"its `metadata` is {format_value(metadata)}, which does not describe its `truth`")
    return parse_truth_fields(metadata.get(_TRUTH_FIELDS, {}))


def _build_array(pickled: PickledArray, *, mapped: bool) -> np.ndarray[Any, Any]:
    """Return a pickled array in the machine's own byte order: one of its own, or a view."""
    return pickled.view() if mapped and pickled.dtype.isnative else pickled.copy()


def _build_images(value: Any, machine: PickleMachine, *, mapped: bool) -> tuple[object, dict[str, Any]]:
    """Return one array for a pickled array, or for a list of arrays of one type; with their sizes if they differ."""
    if isinstance(value, PickledArray):
        return _build_array(value, mapped=mapped), {}
    if type(value) not in (list, tuple) or not all(type(image) is PickledArray for image in value):
        raise MalformedError(f"its `images` is {format_value(value)}, not an array or a list of arrays")
    if not value:
        raise MalformedError("its `images` is an empty list: the size of an image is unknown")
    shapes = {(image.shape, image.dtype) for image in value}
    if len(shapes) > 1:
        return _pad_images(value, machine)
    # The same array may stand in the list many times, in a few bytes each.
    machine.charge(len(value) * value[0].byte_count)
    return np.stack([image.view() for image in value]), {}


def _pad_images(images: Sequence[PickledArray], machine: PickleMachine) -> tuple[object, dict[str, Any]]:
    """Return images that differ in size as one array, each in the upper left corner of its row, and their sizes."""
    kinds = {(len(image.shape), image.shape[2:], image.dtype) for image in images}
    axes, colours, dtype = next(iter(kinds))
    if len(kinds) > 1 or axes < 2 or dtype != np.uint8:
        raise MalformedError(f"its `images` is a list of arrays of {len(kinds)} different types or numbers of axes")
    heights, widths = zip(*(image.shape[:2] for image in images), strict=True)
    machine.charge(len(images) * max(heights) * max(widths) * math.prod(colours))  # all become as large as the largest
    padded = pad_images([image.view() for image in images])
    return padded, {HEIGHTS: np.array(heights), WIDTHS: np.array(widths)}


def _build_row(value: Any) -> object:
    """Return labels or sizes as a list, or as an array of its own."""
    if isinstance(value, PickledArray):
        return value.copy()
    return list(value) if type(value) is tuple else value


def _to_plain(value: Any, machine: PickleMachine, depth: int) -> Any:
    """Return a copy of a value of the metadata in which every array is a NumPy array.

    The depth is bounded, as a container may hold itself; the size is, as one may be shared many times.
    """
    machine.charge(_VALUE_BYTES)
    if depth == 0:
        raise MalformedError(f"its `metadata` is nested more than {_DEEPEST_METADATA} deep")
    if isinstance(value, PickledArray):
        machine.charge(value.byte_count)
        return value.copy()
    if isinstance(value, PickledType):
        return value.dtype
    if isinstance(value, memoryview):
        machine.charge(value.nbytes)
        return bytes(value)
    if type(value) is dict:
        return {key: _to_plain(entry, machine, depth - 1) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)([_to_plain(entry, machine, depth - 1) for entry in value])
    if value is None or type(value) in (str, bytes, int, float, bool):
        return value
    raise MalformedError(f"its `metadata` holds {format_value(value)}")
