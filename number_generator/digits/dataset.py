"""Single handwritten digits in memory: what number sequences are composed from."""

import hashlib
import math
import os
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.image_folder import is_folder_of_images, load_folder
from number_generator.errors import DatasetError, SpecError
from number_generator.formats.dataset import GenericDataset, Images, format_size
from number_generator.formats.reader import load_arrays
from number_generator.job.spec import MIN_HEIGHT
from number_generator.system.checks import check_integer, check_seed

__all__ = ["SOURCES_KEY", "DigitImageDataset", "Mixture"]

SOURCES_KEY = "digit_sources"
"""The entry of a file's metadata that tells sources in the order of their images: name, number of images, weight."""

_TRANSPOSED = re.compile(r"emnist-.*-images[-.]idx3-ubyte(\.gz)?", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Where the images of a digit dataset come from, if from several sources, and how often each source is drawn.

    Attributes
    ----------
    names : tuple of str
        Of the sources, as the user gave them.
    weights : tuple of float
        Above 0; a source's share is its weight's part of their sum, however many images it has.
    origin : ndarray, shape (N,), int64
        The source of each image, by its place in `names`.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    origin: npt.NDArray[np.int64]


class DigitImageDataset(GenericDataset):
    """Single handwritten digits: what number sequences are composed from.

    Parameters
    ----------
    images : array_like, shape (N, H, H), uint8, optional
        Square, of any size H >= 4. Ink is any value above 0, on background 0.
    labels : sequence of int or one-digit str, or integer ndarray, shape (N,), optional
        Digits 0 to 9, every one present.
    metadata : mapping, optional
    writer_ids : sequence of int, shape (N,), optional
        Who wrote each image: any number for each writer. Files that carry them are MNIST's IDX pairs with QMNIST's
        extended labels beside them, and `.npz` archives with an array `writer_ids`; `save` does not write them.
    cluster_ids : sequence of int, shape (N,), optional
        The style cluster of each image, likewise; where there are none they can be computed.

    Raises
    ------
    DatasetError
        If something of this does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator import DigitImageDataset
    >>> digits = DigitImageDataset(np.full((10, 8, 8), 255, np.uint8), range(10))
    >>> digits.get_example_shape(), digits.get_digit_examples(7).shape
    ((8, 8), (1, 8, 8))
    """

    def __init__(
        self,
        images: npt.ArrayLike | None = None,
        labels: Sequence[Any] | npt.NDArray[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        writer_ids: npt.ArrayLike | None = None,
        cluster_ids: npt.ArrayLike | None = None,
    ) -> None:
        super().__init__(images, labels, metadata)
        # A copy of its own that nobody can write to: the atlas and the SHA-256 are made of it later.
        self._images = self._images.copy()
        self._images.setflags(write=False)
        self._lock = threading.RLock()  # whoever makes something may need something else that is made once
        self._atlas: GlyphAtlas | None = None
        self._sha256: str | None = None
        self._writers: dict[str, Any] = {}  # what `writers_of` has made, by kind
        self._digits = _checked_digits(self._images, self._labels)
        self._writer_ids = _checked_ids("writer", writer_ids, len(self._images))
        self._cluster_ids = _checked_ids("cluster", cluster_ids, len(self._images))
        self._source_numbers = _read_only(np.arange(len(self._images), dtype=np.int64))
        self._mixture: Mixture | None = None

    def load(self, input_filepath: str | os.PathLike[str]) -> None:
        """Replace the content with that of a file, or of a folder of images, wholly read and checked.

        Parameters and errors are those of `GenericDataset.load`; a DatasetError also tells what no digits are. A
        folder that is no dataset holds a folder of images for each digit, see `digit_folders`. EMNIST's IDX files,
        which are published with rows for columns, are told by their names, and turned.
        """
        is_folder = is_folder_of_images(input_filepath)
        raw = load_folder(input_filepath) if is_folder else load_arrays(input_filepath)
        is_turned = not is_folder and _TRANSPOSED.fullmatch(os.path.basename(os.fspath(input_filepath)))  # noqa: PTH119
        images = raw.images.transpose(0, 2, 1) if is_turned else raw.images
        try:
            loaded = DigitImageDataset(
                images, raw.labels, raw.metadata, writer_ids=raw.writer_ids, cluster_ids=raw.cluster_ids
            )
            loaded._mixture = _recorded_mixture(raw.metadata, len(loaded))
        except DatasetError as exc:
            raise DatasetError(f"{os.fspath(input_filepath)}: {exc}") from exc
        self.__dict__.update(loaded.__dict__)

    def add_examples(self, images: npt.ArrayLike, labels: Sequence[Any] | npt.NDArray[Any]) -> None:
        """Append square digits of the same size and their labels, as `GenericDataset.add_examples` does.

        Writer and cluster ids are dropped: those of the new digits are not known. To keep them, make a new dataset
        of all images, labels and ids. The weights of several sources are dropped as well.
        """
        joined = GenericDataset(self._images, self._labels, _without_mixture(self._metadata))
        joined.add_examples(images, labels)
        checked = DigitImageDataset(*joined.get_data(), joined.get_metadata())
        self.__dict__.update(checked.__dict__)

    def subset(
        self, numbers: Sequence[int] | npt.NDArray[np.integer], *, cluster_ids: npt.ArrayLike | None = None
    ) -> "DigitImageDataset":
        """Give some of the digits as a dataset of their own, with their writer and cluster ids and the metadata.

        Sources keep their weights.

        Parameters
        ----------
        numbers : sequence of int, shape (n,)
            Which images, from 0 to N - 1, each once, in the order that they are to have.
        cluster_ids : sequence of int, shape (N,), optional
            The style clusters of this dataset's images, where they are known from elsewhere; None means those that
            it carries, if any.

        Returns
        -------
        DigitImageDataset
            Its `source_numbers` tell which images of the dataset it was first taken from it holds.

        Raises
        ------
        SpecError
            If the numbers are not of images of this dataset, each once.
        DatasetError
            If some digit has no image among them, unless none is asked for, or the dataset is empty.

        Examples
        --------
        >>> from number_generator.digits.resolve import packaged_digits
        >>> half = packaged_digits().subset(range(0, 5000, 2))
        >>> half.subset(range(100, 2500)).source_numbers[:3]
        array([200, 202, 204])
        """
        if not len(self):
            raise DatasetError("the digit dataset is empty: load one, or give images and labels")
        chosen = _checked_numbers(numbers, len(self))
        clusters = self._cluster_ids if cluster_ids is None else _checked_ids("cluster", cluster_ids, len(self))
        taken = DigitImageDataset(
            self._images[chosen],
            self._digits[chosen],
            _without_mixture(self._metadata),
            writer_ids=None if self._writer_ids is None else self._writer_ids[chosen],
            cluster_ids=None if clusters is None else clusters[chosen],
        )
        taken._source_numbers = _read_only(self._source_numbers[chosen])
        if self._mixture is not None:
            taken._mixture = replace(self._mixture, origin=_read_only(self._mixture.origin[chosen]))
        return taken

    def get_digit_examples(self, digit: int) -> Images:
        """Give all images of a digit, shape (n, H, H)."""
        return self._images[self._digits == check_integer("digit", digit, 0, 9)]

    def random_sample_digit(self, digit: int, *, seed: int | None = None) -> Images:
        """Give one image of a digit, shape (H, H), each with equal chance, whatever the weight of its source.

        Parameters
        ----------
        digit : int
            From 0 to 9.
        seed : int, optional
            From 0 to 2**64 - 1: the same seed gives the same image. None draws afresh.
        """
        from number_generator._kernels import layout  # noqa: PLC0415 - compiled code loads when it is used

        numbers = np.flatnonzero(self._digits == check_integer("digit", digit, 0, 9))
        if numbers.size == 0:
            raise DatasetError("the digit dataset is empty: load one, or give images and labels")
        drawn = layout.sample_glyph(np.uint64(check_seed(seed)), np.uint64(0), len(numbers))
        return self._images[numbers[drawn]].copy()

    def get_example_shape(self) -> tuple[int, int]:
        """Give the images' (width, height) in px; (0, 0) where there are none."""
        return self._images.shape[2], self._images.shape[1]

    @property
    def writer_ids(self) -> npt.NDArray[np.int64] | None:
        """Who wrote each image, shape (N,), read-only; None if that is not known."""
        return self._writer_ids

    @property
    def cluster_ids(self) -> npt.NDArray[np.int64] | None:
        """The style cluster that each image came with, shape (N,), read-only; None if it came with none."""
        return self._cluster_ids

    @property
    def source_numbers(self) -> npt.NDArray[np.int64]:
        """Which image of the dataset that these digits were taken from each one is, shape (N,), read-only.

        It goes back through all subsets, to the digits as they were given or loaded: those are numbered 0 to N - 1.
        """
        return self._source_numbers

    @property
    def atlas(self) -> GlyphAtlas:
        """All glyphs packed for rendering; made at first use."""
        with self._lock:
            if self._atlas is None:
                if not len(self):
                    raise DatasetError("the digit dataset is empty: load one, or give images and labels")
                mixture = None if self._mixture is None else (self._mixture.origin, self._mixture.weights)
                self._atlas = GlyphAtlas.from_digits(self._images, self._digits, self._source_numbers, mixture)
            return self._atlas

    @property
    def sha256(self) -> str:
        """SHA-256, in hexadecimal, over shape, labels (a byte each) and pixels: the same whatever the file format.

        Writer and cluster ids do not count; where several sources have weights, they and the source of each image do.
        """
        with self._lock:
            if self._sha256 is None:
                digest = hashlib.sha256(repr(tuple(self._images.shape)).encode("ascii"))
                digest.update(self._digits.tobytes())
                digest.update(np.ascontiguousarray(self._images).data)
                if self._mixture is not None:
                    shares = [weight / sum(self._mixture.weights) for weight in self._mixture.weights]
                    digest.update(repr(shares).encode("ascii") + self._mixture.origin.astype("<i8").tobytes())
                self._sha256 = digest.hexdigest()
            return self._sha256

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Objects that an earlier version has pickled know of no sources.
        self.__dict__.update({"_mixture": None, **state}, _lock=threading.RLock())


def _without_mixture(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the metadata of other digits than those whose sources it counts."""
    return {key: value for key, value in metadata.items() if key != SOURCES_KEY}


def _recorded_mixture(metadata: Mapping[str, Any], count: int) -> Mixture | None:
    """Give the sources that `digits build --weights` has written down, or raise DatasetError."""
    recorded = metadata.get(SOURCES_KEY)
    if recorded is None:
        return None
    try:
        told = [(str(name), int(number), float(weight)) for name, number, weight in recorded]
    except (TypeError, ValueError, OverflowError):
        told = []
    names, counts, weights = tuple(zip(*told, strict=True)) or ((), (), ())
    is_valid = (
        sum(counts) == count
        and all(number >= 0 for number in counts)
        and all(0 < weight < math.inf for weight in weights)
    )
    if not told or not is_valid:
        raise DatasetError(
            f"its metadata has {SOURCES_KEY!r}, which does not tell the number of images and the weight of each "
            f"source of {count} images: build it again with `python -m number_generator digits build`"
        )
    return Mixture(names, weights, _read_only(np.repeat(np.arange(len(counts)), counts).astype(np.int64)))


def _checked_digits(images: Images, labels: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Give the labels as digits, or raise DatasetError if this is no digit dataset; nothing at all is one."""
    if not len(images):
        return np.empty(0, np.uint8)
    _, height, width = images.shape
    if height != width or height < MIN_HEIGHT:
        raise DatasetError(
            f"the digits are {format_size(images)}: give square images of at least {MIN_HEIGHT} x {MIN_HEIGHT} px"
        )
    digits = np.empty(len(images), np.uint8)
    for number, label in enumerate(labels):
        if len(label) != 1 or label not in "0123456789":
            raise DatasetError(f"label {number} is {label!r}: give digits from 0 to 9")
        digits[number] = ord(label) - ord("0")
    missing = sorted(set(range(10)) - set(digits.tolist()))
    if missing:
        raise DatasetError(
            f"there is no image of {', '.join(map(str, missing))}: give at least one of each digit 0 to 9"
        )
    return digits


def _checked_ids(of: str, ids: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int64] | None:
    """Give the ids as a read-only array of their own, or raise DatasetError if they are not one for each image."""
    if ids is None:
        return None
    try:
        array = np.asarray(ids)
    except ValueError:
        raise DatasetError(f"the {of} ids differ in length: give one integer for each image") from None
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise DatasetError(
            f"the {of} ids have shape {array.shape} and type {array.dtype}: give one integer for each image, "
            f"shape ({count},)"
        )
    checked = array.astype(np.int64)
    if (checked != array).any():
        raise DatasetError(f"the {of} ids go up to {array.max()}: give integers below 2**63")
    return _read_only(checked)


def _checked_numbers(numbers: Any, count: int) -> npt.NDArray[np.int64]:
    """Give the numbers of some of `count` images as an array, or raise SpecError if they are not, each once."""
    try:
        array = np.asarray(numbers)
    except ValueError:
        array = np.empty((1, 1), object)
    if array.shape == (0,):
        array = array.astype(np.int64)  # an empty list has no type
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise SpecError(
            f"the numbers of a subset have shape {array.shape} and type {array.dtype}: give a list of integers "
            "(np.flatnonzero makes one of truth values)"
        )
    wrong = array[(array < 0) | (array >= count)]
    if wrong.size:
        raise SpecError(f"the subset asks for image {wrong[0]}: give numbers from 0 to {count - 1}")
    values, times = np.unique(array, return_counts=True)
    if len(values) < len(array):
        raise SpecError(
            f"the subset asks {times.max()} times for image {values[times.argmax()]}: give each number once"
        )
    return array.astype(np.int64)


def _read_only(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    array.setflags(write=False)
    return array
