"""What every loader returns: images and labels as arrays, checked for shape and type alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.labels import clean_labels
from number_generator.formats.paths import MalformedError, reading
from number_generator.formats.schema import HEIGHTS, WIDTHS
from number_generator.job.chunk import TruthField
from number_generator.system.checks import format_value

_COLOURS = 3
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)


@dataclass(frozen=True, slots=True)
class RawDataset:
    """The content of a dataset file.

    Attributes
    ----------
    images : ndarray, shape (n, height, width) or, in colour, (n, height, width, 3), uint8
        Owned, writable and C-contiguous, but for a file that is mapped: then a view into it, of any strides, that
        cannot be written to. What the values mean depends on the dataset: ink is bright in MNIST, and dark in what
        this package writes.
    labels : ndarray, shape (n,), or list of length n
        Integers or text, as in the file.
    metadata : dict
        What else the file says; empty if nothing.
    writer_ids, cluster_ids : ndarray or None
        Who wrote each image, and its style cluster, as in the file: `DigitImageDataset` checks them, and other datasets
        do not use them.
    truth : dict of str to ndarray
        Ground truth by name. Each array has an entry for each image.
    fields : tuple of TruthField
        What its arrays hold.
    sizes : ndarray, shape (n, 2), int32, or None
        Height and width of each image, which is in the upper left corner of its row; None if all are of one size.
    """

    images: np.ndarray[Any, np.dtype[np.uint8]]
    labels: np.ndarray[Any, Any] | list[Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    writer_ids: np.ndarray[Any, Any] | None = None
    cluster_ids: np.ndarray[Any, Any] | None = None
    truth: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    fields: tuple[TruthField, ...] = ()
    sizes: np.ndarray[Any, np.dtype[np.int32]] | None = None


def build_dataset(
    images: object,
    labels: object,
    metadata: object,
    *,
    writer_ids: np.ndarray[Any, Any] | None = None,
    cluster_ids: np.ndarray[Any, Any] | None = None,
    truth: dict[str, Any] | None = None,
    fields: tuple[TruthField, ...] = (),
    widths: object = None,
    heights: object = None,
    mapped: bool = False,
) -> RawDataset:
    """Check what a loader found and return it as a dataset; images that are mapped are not copied."""
    if not isinstance(images, np.ndarray):
        raise MalformedError(f"its `images` is {format_value(images)}, not an array")
    check_images(images, "an array")
    images = drop_grey_axis(images)
    if not mapped:
        images = np.require(images, requirements=["C", "O", "W"])  # copied only if they are not
    checked_labels = _check_labels(labels)
    if len(images) != len(checked_labels):
        raise MalformedError(f"it has {len(images)} images but {len(checked_labels)} labels")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise MalformedError(f"its `metadata` is {format_value(metadata)}, not a dict")
    checked_truth = {each.name: _check_truth(each, truth or {}, len(images)) for each in fields}
    sizes = None
    if widths is not None or heights is not None:
        sizes = join_sizes(widths, heights, images.shape)
    return RawDataset(images, checked_labels, metadata, writer_ids, cluster_ids, checked_truth, fields, sizes)


def decode_text(label: Any) -> str:
    """Return a label as text, or raise TypeError."""
    if isinstance(label, str):
        return str(label)
    if isinstance(label, bytes):
        try:
            return label.decode()
        except UnicodeDecodeError:  # as in pickles of Python 2
            return label.decode("latin-1")
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return str(int(label))
    raise TypeError(f"a label is {label!r}: give texts or whole numbers")


def decode_texts(labels: np.ndarray[Any, Any] | list[Any], path: Path) -> list[str]:
    """Return the labels of a file as texts."""
    with reading(path, "Labels are texts or whole numbers"):
        texts = [decode_text(label) for label in (labels.tolist() if isinstance(labels, np.ndarray) else labels)]
        return clean_labels(texts, range(len(texts)))


def check_images(images: Any, kind: str) -> None:
    """Raise MalformedError unless an array, or a `kind` of thing with shape and type, is images in bytes.

    These have three axes, or a fourth one of a grey value or of red, green and blue.
    """
    axes = () if images.shape is None else images.shape[3:]
    is_shaped = images.shape is not None and len(images.shape) >= 3 and axes in ((), (1,), (_COLOURS,))
    if not is_shaped or images.dtype != np.uint8 or images.dtype.metadata:
        raise MalformedError(
            f"its `images` is {kind} of {images.dtype} with shape {images.shape}, "
            f"not of uint8 with shape (n, height, width) or (n, height, width, {_COLOURS})"
        )
    if 0 in images.shape[1:]:
        raise MalformedError(f"its images are {images.shape[1]} px high and {images.shape[2]} px wide")


def count_channels(shape: tuple[int, ...]) -> int:
    """Return 3 for an array of images in colour, and 1 for grey."""
    return shape[3] if len(shape) > 3 else 1


def drop_grey_axis(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return images that `check_images` takes without a last axis of a single grey value."""
    return images[..., 0] if images.ndim > 3 and images.shape[3] == 1 else images


def join_sizes(
    widths: object, heights: object, shape: tuple[int, ...], numbers: range | None = None
) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return height and width of each image, shape (n, 2), or raise MalformedError if they are not those of images.

    Parameters
    ----------
    widths, heights : array or None
        None means that all are of the shape's.
    shape : tuple of int
        Number, height and width of the images, which none exceeds.
    numbers : range, optional
        Those of the images, for errors; None means from 0 on.
    """
    count, height, width = shape[:3]
    numbers = range(count) if numbers is None else numbers
    sizes = np.full((count, 2), (height, width), np.int32)
    for name, given, most, column in ((HEIGHTS, heights, height, 0), (WIDTHS, widths, width, 1)):
        if given is None:
            continue
        if not isinstance(given, np.ndarray):
            raise MalformedError(f"its `{name}` is {format_value(given)}, not an array")
        check_size_array(given, name, count)
        wrong = np.flatnonzero((given < 1) | (given > most))
        if len(wrong):
            raise MalformedError(
                f"its `{name}` has {given[wrong[0]]} for image {numbers[wrong[0]]}: it holds the size of "
                f"each image in px, from 1 to {most}; if it means something else, give it another name"
            )
        sizes[:, column] = given
    return sizes


def check_size_array(sizes: Any, name: str, count: int) -> None:
    """Raise MalformedError unless an array, or a thing with shape and type, has an integer for each image."""
    if sizes.shape != (count,) or sizes.dtype.kind not in "iu":
        raise MalformedError(
            f"its `{name}` is an array of {sizes.dtype} with shape {sizes.shape}, not of an integer for each of "
            f"{count} images: it holds their sizes in px; if it means something else, give it another name"
        )


def _check_labels(labels: object) -> np.ndarray[Any, Any] | list[Any]:
    """Return the labels if they are one row of integers or text."""
    if isinstance(labels, np.ndarray):
        if labels.ndim != 1 or labels.dtype.kind not in "iuSU":
            raise MalformedError(
                f"its `labels` is an array of {labels.dtype} with shape {labels.shape}, "
                "not one row of integers or strings"
            )
        labels = _to_native(labels)
        if labels.dtype.kind == "U":
            _check_code_points(labels)
        return labels
    if not isinstance(labels, list):
        raise MalformedError(f"its `labels` is {format_value(labels)}, not a list or an array")
    unknown = set(map(type, labels)) - {str, int, bytes}
    if unknown:
        names = ", ".join(sorted(kind.__name__ for kind in unknown))
        raise MalformedError(f"its `labels` has entries of type {names}, not only strings or integers")
    return labels


def _check_truth(of: TruthField, truth: dict[str, Any], count: int) -> np.ndarray[Any, Any]:
    """Return an array of ground truth if it is as the dataset describes it."""
    array = truth.get(of.name)
    if isinstance(array, np.ndarray):
        array = _to_native(array)
    shape = (count, *of.shape)
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != of.dtype:
        seen = (
            f"an array of {array.dtype} with shape {array.shape}"
            if isinstance(array, np.ndarray)
            else format_value(array)
        )
        raise MalformedError(f"its `{of.name}` is {seen}, not an array of {of.dtype} with shape {shape}")
    return array


def _to_native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array in this machine's byte order; a program of another machine may have written it."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_code_points(labels: np.ndarray[Any, Any]) -> None:
    """Reject numbers that are not characters: they would fail much later, when a label is used."""
    if labels.size == 0:
        return
    code_points = np.ascontiguousarray(labels).view(np.uint32)
    first_surrogate, last_surrogate = _SURROGATES
    is_surrogate = (code_points >= first_surrogate) & (code_points <= last_surrogate)
    if code_points.max() > _LAST_CODE_POINT or is_surrogate.any():
        raise MalformedError("its `labels` has entries that are not valid text")
