"""Single handwritten digits in memory, which number sequences are composed from."""

import hashlib
import logging
import math
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from number_generator._kernels import layout
from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.conventions import MAX_VALUE, STORED_WITH, Conventions, describe_normal, normalise
from number_generator.digits.image_folder import is_folder_of_images, read_digits
from number_generator.errors import DatasetError, SpecError
from number_generator.formats.arrays import RawDataset
from number_generator.formats.dataset import GenericDataset, check_alone, copy_metadata, format_size
from number_generator.formats.detection import detect_format
from number_generator.formats.isolated import check_apart
from number_generator.job.chunk import Images
from number_generator.job.spec import MIN_HEIGHT
from number_generator.system.checks import check_integer, check_seed

T = TypeVar("T")

SOURCES_KEY = "digit_sources"
"""The metadata entry that lists sources in the order of their images: name, number of images, weight."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The sources of a digit dataset's images, if there are several, and how often each source is drawn.

    Attributes
    ----------
    names : tuple of str
        The sources, as the user named them.
    weights : tuple of float
        Above 0. A source's share is its weight divided by their sum, however many images it has.
    origin : ndarray, shape (N,), int64
        The source of each image, as an index into `names`.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    origin: npt.NDArray[np.int64]


class DigitImageDataset(GenericDataset):
    """Single handwritten digits, which number sequences are composed from.

    Parameters
    ----------
    images : array_like, shape (N, H, H), uint8, or path_like, optional
        Square, of any size H >= 4. Ink is any value above 0; the background is 0. A path loads that file or folder, as
        `load` does; give nothing else then.
    labels : sequence of int or one-digit str, or integer ndarray, shape (N,), optional
        Digits 0 to 9, every one present.
    metadata : mapping, optional
    writer_ids : sequence of int, shape (N,), optional
        Who wrote each image: any number for each writer. They are read from MNIST's IDX pairs with QMNIST's extended
        labels beside them, and from `.npz` archives with an array `writer_ids`; `save` does not write them.
    cluster_ids : sequence of int, shape (N,), optional
        The style cluster of each image, likewise; without them, clusters can be computed.

    Raises
    ------
    DatasetError
        If a rule above is broken.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator import DigitImageDataset
    >>> digits = DigitImageDataset(np.full((10, 8, 8), 255, np.uint8), range(10))
    >>> digits.get_example_shape(), digits.get_digit_examples(7).shape
    ((8, 8), (1, 8, 8))
    """

    _images: Images

    def __init__(
        self,
        images: npt.ArrayLike | os.PathLike[str] | None = None,
        labels: Sequence[Any] | npt.NDArray[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        writer_ids: npt.ArrayLike | None = None,
        cluster_ids: npt.ArrayLike | None = None,
    ) -> None:
        if isinstance(images, (str, os.PathLike)):
            check_alone(images, labels=labels, metadata=metadata, writer_ids=writer_ids, cluster_ids=cluster_ids)
            self.load(images)
            return
        super().__init__(images, labels, metadata)
        if not isinstance(self._images, np.ndarray) or self._images.ndim != 3:
            raise DatasetError("the digits differ in size, or are in colour: give square images of one size, in grey")
        # An own read-only copy: the atlas and the SHA-256 are made from it later.
        self._images = self._images.copy()
        self._images.setflags(write=False)
        self._lock = threading.RLock()  # reentrant: making one of these may need another
        self._atlas: GlyphAtlas | None = None
        self._sha256: str | None = None
        self._writers: dict[str, Any] = {}  # by kind, see `writers.find_writers`
        self._digits = _check_digits(self._images, self._labels)
        self._writer_ids = _check_ids("writer", writer_ids, len(self._images))
        self._cluster_ids = _check_ids("cluster", cluster_ids, len(self._images))
        self._source_numbers = _freeze(np.arange(len(self._images), dtype=np.int64))
        self._mixture: Mixture | None = None

    @classmethod
    def from_sources(
        cls,
        images: npt.ArrayLike,
        labels: Sequence[Any] | npt.NDArray[Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        writer_ids: npt.ArrayLike | None = None,
        cluster_ids: npt.ArrayLike | None = None,
        source_numbers: npt.NDArray[np.int64] | None = None,
        mixture: Mixture | None = None,
    ) -> "DigitImageDataset":
        """Make a digit dataset of images from other digit datasets.

        Parameters
        ----------
        images, labels, metadata, writer_ids, cluster_ids
            As for the class.
        source_numbers : ndarray, shape (N,), int64, optional
            See the property; None means 0 to N - 1.
        mixture : Mixture, optional
            The sources of the images, if several have weights.
        """
        made = cls(images, labels, metadata, writer_ids=writer_ids, cluster_ids=cluster_ids)
        made._mixture = mixture
        if source_numbers is not None:
            made._source_numbers = _freeze(source_numbers)
        return made

    def load(
        self,
        input_filepath: str | os.PathLike[str],
        *,
        ink: str = "auto",
        value_range: int | None = None,
        orientation: str = "auto",
        folder_size: int = 28,
        isolated: bool = False,
    ) -> None:
        """Replace the content by that of a file or a folder of images, after reading and checking all of it.

        Errors are those of `GenericDataset.load`; a DatasetError is also raised for images that are not digits, and if
        it is not clear how they are stored. A folder that is not a dataset holds a folder of images for each digit, see
        `image_folder`.

        However digits are stored, they become bright ink of values up to 255. What was changed is logged as a warning,
        and the metadata have it as `stored_with`.

        Parameters
        ----------
        input_filepath : path_like
            As for `GenericDataset.load`, or a folder of images.
        ink : {"auto", "dark", "bright"}
            Whether ink is dark on a light ground, or bright on a dark one; `auto` finds out from all images.
        value_range : int, optional
            The largest value that a pixel can have, 1 to 255. None finds it out: 1, 15, 16 or 255.
        orientation : {"auto", "upright", "transposed"}
            Whether rows and columns are swapped in the file, as in EMNIST. IDX files of EMNIST's names are taken for
            transposed, unless `upright` is given. `auto` and `transposed` refuse what then resembles the packaged
            digits more when it is swapped.
        folder_size : int
            For a folder of images: the height and width of the digits, in px.
        isolated : bool
            As for `GenericDataset.load`.
        """
        given = Conventions(ink, value_range, orientation)
        is_folder = is_folder_of_images(input_filepath)
        folder_options: dict[str, Any] = {"size": folder_size, "ink": ink, "value_range": value_range}
        if isolated:
            check_apart("number_generator.digits.image_folder:read_digits", input_filepath, **folder_options)
        raw = read_digits(input_filepath, **folder_options)
        if is_folder:
            given = Conventions("bright", MAX_VALUE, orientation)
        try:
            _check_sizes(raw)
            loaded = DigitImageDataset(
                raw.images, raw.labels, raw.metadata, writer_ids=raw.writer_ids, cluster_ids=raw.cluster_ids
            )
            loaded._mixture = _read_mixture(raw.metadata, len(loaded))
            loaded._normalise(given, is_turned=not is_folder and _is_turned(input_filepath, raw.metadata))
        except DatasetError as exc:
            raise DatasetError(f"{os.fspath(input_filepath)}: {exc}") from exc
        stored_with = loaded._metadata.get(STORED_WITH)
        if stored_with and (is_folder or stored_with != raw.metadata.get(STORED_WITH)):
            told = "%s: the digits are stored with %s; they are read as bright ink, upright, of values from 0 to 255"
            _logger.warning(told, os.fspath(input_filepath), stored_with)
        self.__dict__.update(loaded.__dict__)

    def save(self, output_filepath: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> None:
        """Write the digits as `GenericDataset.save` does; the metadata say that they are to be taken as they are.

        So `load` finds the same digits, however they look.
        """
        described = describe_normal(self._images, self._metadata if metadata is None else copy_metadata(metadata))
        super().save(output_filepath, described)

    def add_examples(self, images: npt.ArrayLike, labels: Sequence[Any] | npt.NDArray[Any]) -> None:
        """Append square digits of the same size and their labels, as `GenericDataset.add_examples` does.

        Writer and cluster ids are dropped, as those of the new digits are unknown. To keep them, make a new dataset of
        all images, labels and ids. The weights of several sources are dropped as well.
        """
        joined = GenericDataset(self._images, self._labels, _drop_mixture(self._metadata))
        joined.add_examples(images, labels)
        checked = DigitImageDataset(*joined.get_data(), joined.get_metadata())
        self.__dict__.update(checked.__dict__)

    def subset(
        self, numbers: Sequence[int] | npt.NDArray[np.integer], *, cluster_ids: npt.ArrayLike | None = None
    ) -> "DigitImageDataset":
        """Return some of the digits as a new dataset, with their writer and cluster ids and the metadata.

        Sources keep their weights.

        Parameters
        ----------
        numbers : sequence of int, shape (n,)
            Which images, from 0 to N - 1, each once, in the new order.
        cluster_ids : sequence of int, shape (N,), optional
            The style clusters of this dataset's images, if they are known from elsewhere; None means its own, if any.

        Returns
        -------
        DigitImageDataset
            Its `source_numbers` are the numbers of its images in the dataset that it was first taken from.

        Raises
        ------
        SpecError
            If the numbers are not numbers of this dataset's images, each once.
        DatasetError
            If some digit has no image among them (unless there are no numbers), or the dataset is empty.

        Examples
        --------
        >>> from number_generator.digits.resolve import packaged_digits
        >>> half = packaged_digits().subset(range(0, 5000, 2))
        >>> half.subset(range(100, 2500)).source_numbers[:3]
        array([200, 202, 204])
        """
        check_not_empty(self)
        chosen = _check_numbers(numbers, len(self))
        clusters = self._cluster_ids if cluster_ids is None else _check_ids("cluster", cluster_ids, len(self))
        mixture = self._mixture
        return DigitImageDataset.from_sources(
            self._images[chosen],
            self._digits[chosen],
            _drop_mixture(self._metadata),
            writer_ids=None if self._writer_ids is None else self._writer_ids[chosen],
            cluster_ids=None if clusters is None else clusters[chosen],
            source_numbers=self._source_numbers[chosen],
            mixture=None if mixture is None else replace(mixture, origin=_freeze(mixture.origin[chosen])),
        )

    def get_digit_examples(self, digit: int) -> Images:
        """Return all images of a digit, shape (n, H, H)."""
        return self._images[self._digits == check_integer("digit", digit, 0, 9)]

    def random_sample_digit(self, digit: int, *, seed: int | None = None) -> Images:
        """Return one image of a digit, shape (H, H); all have equal chances, whatever the weights of their sources.

        Parameters
        ----------
        digit : int
            From 0 to 9.
        seed : int, optional
            From 0 to 2**64 - 1. The same seed gives the same image; None draws afresh.
        """
        numbers = np.flatnonzero(self._digits == check_integer("digit", digit, 0, 9))
        check_not_empty(self)  # else each digit has images
        drawn = layout.sample_glyph(np.uint64(check_seed(seed)), np.uint64(0), len(numbers))
        return self._images[numbers[drawn]].copy()

    def get_example_shape(self) -> tuple[int, int]:
        """Return the images' (width, height) in px; (0, 0) without images."""
        return self._images.shape[2], self._images.shape[1]

    @property
    def images(self) -> Images:
        """All images, shape (N, H, H), read-only."""
        return self._images

    @property
    def classes(self) -> npt.NDArray[np.uint8]:
        """The digit that each image shows, 0 to 9, shape (N,)."""
        return self._digits

    @property
    def mixture(self) -> Mixture | None:
        """The sources of the images if several have weights, else None."""
        return self._mixture

    @property
    def writer_ids(self) -> npt.NDArray[np.int64] | None:
        """Who wrote each image, shape (N,), read-only; None if unknown."""
        return self._writer_ids

    @property
    def cluster_ids(self) -> npt.NDArray[np.int64] | None:
        """The style cluster that each image came with, shape (N,), read-only; None without clusters."""
        return self._cluster_ids

    @property
    def source_numbers(self) -> npt.NDArray[np.int64]:
        """The number of each image in the dataset that these digits were taken from, shape (N,), read-only.

        It goes back through all subsets to the digits that were given or loaded, which are numbered 0 to N - 1.
        """
        return self._source_numbers

    @property
    def atlas(self) -> GlyphAtlas:
        """All glyphs packed for rendering; made at first use."""
        with self._lock:
            if self._atlas is None:
                check_not_empty(self)
                mixture = None if self._mixture is None else (self._mixture.origin, self._mixture.weights)
                self._atlas = GlyphAtlas.from_digits(self._images, self._digits, self._source_numbers, mixture)
            return self._atlas

    @property
    def sha256(self) -> str:
        """SHA-256, hexadecimal, over shape, labels (a byte each) and pixels, independent of the file format.

        Writer and cluster ids do not count. If several sources have weights, these and the source of each image do.
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

    def _normalise(self, given: Conventions, *, is_turned: bool) -> None:
        """Turn images as they are stored into bright ink, upright, before anything is made of them."""
        if len(self):
            self._images, self._metadata = normalise(
                self._images, self._digits, self._metadata, given, is_turned=is_turned
            )
            self._images.setflags(write=False)

    def make_writers_once(self, kind: str, make: Callable[[], T]) -> T:
        """Return the writers of a kind, made by whichever thread comes first; see `writers.find_writers`."""
        with self._lock:
            if kind not in self._writers:
                self._writers[kind] = make()
            made: T = self._writers[kind]
            return made

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())


def check_not_empty(digits: DigitImageDataset) -> None:
    """Raise DatasetError if there are no digits."""
    if not len(digits):
        raise DatasetError("the digit dataset is empty: load one, or give images and labels")


def _is_turned(path: str | os.PathLike[str], metadata: Mapping[str, Any]) -> bool:
    """Tell whether the reader has turned the images of this file; what was converted was turned earlier."""
    return metadata.get("turned") is True and detect_format(path) == "idx"


def _drop_mixture(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata without the sources, which do not apply to other digits."""
    return {key: value for key, value in metadata.items() if key != SOURCES_KEY}


def _read_mixture(metadata: Mapping[str, Any], count: int) -> Mixture | None:
    """Return the sources that `digits build --weights` has recorded, if any, or raise DatasetError."""
    recorded = metadata.get(SOURCES_KEY)
    if recorded is None:
        return None
    try:
        entries = [(str(name), int(number), float(weight)) for name, number, weight in recorded]
    except (TypeError, ValueError, OverflowError):
        entries = []
    names, counts, weights = tuple(zip(*entries, strict=True)) or ((), (), ())
    if sum(counts) != count or min(counts, default=-1) < 0 or not all(0 < weight < math.inf for weight in weights):
        raise DatasetError(
            f"its metadata has {SOURCES_KEY!r}, which does not list the number of images and the weight of each "
            f"source of {count} images: build it again with `python -m number_generator digits build`"
        )
    return Mixture(names, weights, _freeze(np.repeat(np.arange(len(counts)), counts).astype(np.int64)))


def _check_sizes(raw: RawDataset) -> None:
    """Raise DatasetError if images are smaller than the array that holds them: what pads them would be ink."""
    if raw.sizes is not None and (raw.sizes != raw.images.shape[1:3]).any():
        height, width = raw.sizes.min(axis=0)
        raise DatasetError(
            f"the digits differ in size, from {width} x {height} px on: give square images of one size, or a folder of "
            "images, which are resized"
        )


def _check_digits(images: Images, labels: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Return the labels as digits, or raise DatasetError if this is not a digit dataset; an empty one is."""
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


def _check_ids(of: str, ids: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int64] | None:
    """Return the ids as a new read-only array, or raise DatasetError if there is not one for each image."""
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
    return _freeze(checked)


def _check_numbers(numbers: Any, count: int) -> npt.NDArray[np.int64]:
    """Return numbers of images as an array, or raise SpecError if they are not from 0 to `count` - 1, each once."""
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


def _freeze(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    array.setflags(write=False)
    return array
