"""What every loader returns: images and labels as arrays, checked for shape and type alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.labels import clean_labels
from number_generator.formats.paths import MalformedError, reading
from number_generator.job.chunk import TruthField
from number_generator.system.checks import format_value

_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)


@dataclass(frozen=True, slots=True)
class RawDataset:
    """The content of a dataset file.

    Attributes
    ----------
    images : ndarray, shape (n, height, width), uint8
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
    """

    images: np.ndarray[Any, np.dtype[np.uint8]]
    labels: np.ndarray[Any, Any] | list[Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    writer_ids: np.ndarray[Any, Any] | None = None
    cluster_ids: np.ndarray[Any, Any] | None = None
    truth: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    fields: tuple[TruthField, ...] = ()


def build_dataset(
    images: object,
    labels: object,
    metadata: object,
    *,
    writer_ids: np.ndarray[Any, Any] | None = None,
    cluster_ids: np.ndarray[Any, Any] | None = None,
    truth: dict[str, Any] | None = None,
    fields: tuple[TruthField, ...] = (),
    mapped: bool = False,
) -> RawDataset:
    """Check what a loader found and return it as a dataset; images that are mapped are not copied."""
    if not isinstance(images, np.ndarray):
        raise MalformedError(f"its `images` is {format_value(images)}, not an array")
    check_images(images, "an array")
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
    return RawDataset(images, checked_labels, metadata, writer_ids, cluster_ids, checked_truth, fields)


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
    """Raise MalformedError unless an array, or a `kind` of thing with shape and type, is bytes in three dimensions."""
    if images.shape is None or len(images.shape) != 3 or images.dtype != np.uint8 or images.dtype.metadata:
        raise MalformedError(
            f"its `images` is {kind} of {images.dtype} with shape {images.shape}, "
            "not of uint8 with shape (n, height, width)"
        )
    if 0 in images.shape[1:]:
        raise MalformedError(f"its images are {images.shape[1]} px high and {images.shape[2]} px wide")


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
