"""Datasets of images and labels: what was generated, and the digits that it is generated from."""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from number_generator.errors import (
    DatasetError,
    DatasetIndexError,
    DatasetReadError,
    NumberGeneratorError,
    SpecError,
)
from number_generator.glyphs import GlyphAtlas
from number_generator.loading import detect_format, load_arrays
from number_generator.sinks import format_of, open_sink
from number_generator.spec import (
    MIN_HEIGHT,
    Chunk,
    DatasetHeader,
    Span,
    check_integer,
    check_seed,
)

if TYPE_CHECKING:
    from number_generator.loading.hdf5 import Hdf5Reader

__all__ = ["DigitImageDataset", "GenericDataset", "default_digits", "set_default_dataset_filepath"]

Images = npt.NDArray[np.uint8]

_ENVIRONMENT_VARIABLE = "NG_DEFAULT_DIGIT_DATASET"
_PACKAGED_SHA256 = "246e0c30eeea57c8d0037d3f38c8e00651ec204cc61b8022563e9aeeb9d756f4"
_ITERATION_BYTES = 4 * 2**20


class GenericDataset:
    """Images with a label each, in memory or read from an HDF5 file as needed.

    Parameters
    ----------
    images : array_like, shape (N, H, W), uint8, optional
        255 is paper, 0 is full ink.
    labels : sequence of str or int, optional
        One for each image.
    metadata : mapping, optional
        Anything worth knowing about the images.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator import GenericDataset
    >>> dataset = GenericDataset(np.full((2, 28, 100), 255, np.uint8), ["", "7"])
    >>> image, label = dataset[1]
    >>> image.shape, label, len(dataset)
    ((28, 100), '7', 2)
    """

    def __init__(
        self,
        images: npt.ArrayLike | None = None,
        labels: Sequence[Any] | npt.NDArray[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._reader: Hdf5Reader | None = None
        self._metadata: dict[str, Any] = dict(metadata or {})
        self._images, self._labels = _checked_examples(images, labels)

    def load(self, input_filepath: str | os.PathLike[str]) -> None:
        """Replace the content with that of a file, in any format that the package writes or reads.

        An HDF5 file is opened, not read: images are read from it as they are asked for. The format is told by
        the content of the file, not by its name.

        Parameters
        ----------
        input_filepath : path_like
            HDF5, pickle, `.npz` with `images` and `labels`, or MNIST's IDX images with their labels beside them.

        Raises
        ------
        DatasetNotFoundError, DatasetReadError
            If the file is not there or cannot be read.
        DatasetError
            If it is no valid dataset. What was loaded before stays.
        """
        if detect_format(input_filepath) == "hdf5":
            from number_generator.loading.hdf5 import Hdf5Reader  # noqa: PLC0415 - h5py loads when it is used

            reader = Hdf5Reader(input_filepath)
            metadata = reader.metadata
            self._reader, self._metadata = reader, metadata
            self._images, self._labels = _NO_IMAGES, []
            return
        raw = load_arrays(input_filepath)
        images, labels = _checked_examples(raw.images, raw.labels)
        self._reader, self._metadata = None, raw.metadata
        self._images, self._labels = images, labels

    def save(self, output_filepath: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> None:
        """Write the dataset to a file: HDF5 where its name ends in `.h5` or `.hdf5`, else a pickle.

        An earlier file of that name is replaced once the new one is whole.

        Parameters
        ----------
        output_filepath : path_like
        metadata : mapping, optional
            Written instead of the dataset's own.

        Raises
        ------
        DatasetError
            If the images have no pixels, or a label is not ASCII.
        OutputError
            If the file cannot be written.
        """
        path = Path(output_filepath)
        count = len(self)
        shape = self._reader.shape if self._reader is not None else self._images.shape
        if 0 in shape[1:]:
            raise DatasetError(f"the images are {shape[2]} x {shape[1]} px: add images with pixels before saving")
        labels = self._labels if self._reader is None else self._reader.labels(0, count)
        texts = np.array([_ascii(label) for label in labels] or [b""], np.bytes_)[:count]
        header = DatasetHeader(
            (count, shape[1], shape[2]),
            max(1, texts.dtype.itemsize),
            dict(self._metadata if metadata is None else metadata),
        )
        with open_sink(format_of(path) or "pickle", path, header, overwrite=True) as sink:
            length = max(1, _ITERATION_BYTES // (shape[1] * shape[2] or 1) // sink.span_multiple)
            for span in Span(0, count).split(length * sink.span_multiple):
                images = self._image_slice(slice(span.start, span.stop))
                sink.write(sink.encode(Chunk(span, images, texts[span.start : span.stop])))
            sink.commit()

    def get_metadata(self) -> dict[str, Any]:
        """Give the metadata: for a generated dataset `creation_timestamp`, `spacing_range`, `image_width` and more."""
        return self._metadata

    def get_data(self) -> tuple[Images, list[str]]:
        """Give all images, shape (N, H, W), and all labels; reads a lazily opened file into memory."""
        self._materialise()
        return self._images, self._labels

    def add_examples(self, images: npt.ArrayLike, labels: Sequence[Any] | npt.NDArray[Any]) -> None:
        """Append images of the same size and their labels; reads a lazily opened file into memory first.

        Parameters
        ----------
        images : array_like, shape (n, H, W), uint8
        labels : sequence of str or int

        Raises
        ------
        DatasetError
            If they do not fit; nothing is appended then.
        """
        new_images, new_labels = _checked_examples(images, labels)
        self._materialise()
        if len(self._images) and len(new_images):
            if new_images.shape[1:] != self._images.shape[1:]:
                raise DatasetError(
                    f"the new images are {_size(new_images)} and those of the dataset {_size(self._images)}: "
                    "give images of the same size"
                )
            new_images = np.concatenate([self._images, new_images])
        elif len(self._images):
            new_images = self._images
        self._images, self._labels = new_images, self._labels + new_labels

    def __len__(self) -> int:
        return len(self._images) if self._reader is None else len(self._reader)

    @overload
    def __getitem__(self, index: int) -> tuple[Images, str]: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Images, list[str]]: ...

    def __getitem__(self, index: int | slice) -> tuple[Images, str] | tuple[Images, list[str]]:
        """Give image and label of one number, negative ones from the end, or images and labels of a slice.

        The images are the caller's own: changing them does not change the dataset.
        """
        if isinstance(index, slice):
            return self._image_slice(index), self._label_slice(index)
        count = len(self)
        try:
            number = check_integer("index", index, -count, count - 1)
        except SpecError:
            raise DatasetIndexError(
                f"there is no image {index!r}: the dataset has {count}; give an integer from {-count} to {count - 1}"
            ) from None
        number %= count
        if self._reader is None:
            return self._images[number].copy(), self._labels[number]
        return self._reader.image(number), self._reader.labels(number, number + 1)[0]

    def __iter__(self) -> Iterator[tuple[Images, str]]:
        # Many images at a time: reading a file image by image would inflate each chunk once an image.
        length = max(1, _ITERATION_BYTES // (_image_bytes(self) or 1))
        for start in range(0, len(self), length):
            yield from zip(*self[start : start + length], strict=True)

    def _materialise(self) -> None:
        if self._reader is not None:
            count = len(self._reader)
            images, labels = self._reader.images(0, count), self._reader.labels(0, count)
            self._images, self._labels, self._reader = images, labels, None

    def _image_slice(self, index: slice) -> Images:
        if self._reader is None:
            return self._images[index].copy()
        return _read_slice(self._reader.images, index, len(self))

    def _label_slice(self, index: slice) -> list[str]:
        if self._reader is None:
            return self._labels[index]
        return _read_slice(self._reader.labels, index, len(self))


class DigitImageDataset(GenericDataset):
    """Single handwritten digits: what number sequences are composed from.

    Parameters
    ----------
    images : array_like, shape (N, H, H), uint8, optional
        Square, of any size H >= 4. Ink is any value above 0, on background 0.
    labels : sequence of int or one-digit str, or integer ndarray, shape (N,), optional
        Digits 0 to 9, every one present.
    metadata : mapping, optional

    Raises
    ------
    DatasetError
        If something of this does not hold.
    """

    def __init__(
        self,
        images: npt.ArrayLike | None = None,
        labels: Sequence[Any] | npt.NDArray[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(images, labels, metadata)
        self._lock = threading.Lock()
        self._atlas: GlyphAtlas | None = None
        self._sha256: str | None = None
        self._digits = _checked_digits(self._images, self._labels)

    def load(self, input_filepath: str | os.PathLike[str]) -> None:
        """Replace the content with that of a file, wholly read and checked.

        Parameters
        ----------
        input_filepath : path_like
            HDF5, pickle, `.npz` with `images` and `labels`, or MNIST's IDX images with their labels beside them.

        Raises
        ------
        DatasetNotFoundError, DatasetReadError
            If the file is not there or cannot be read.
        DatasetError
            If it is no valid digit dataset. What was loaded before stays.
        """
        raw = load_arrays(input_filepath)
        try:
            loaded = DigitImageDataset(raw.images, raw.labels, raw.metadata)
        except DatasetError as exc:
            raise DatasetError(f"{os.fspath(input_filepath)}: {exc}") from exc
        self.__dict__.update(loaded.__dict__)

    def add_examples(self, images: npt.ArrayLike, labels: Sequence[Any] | npt.NDArray[Any]) -> None:
        """Append digits of the same size and their labels.

        Parameters
        ----------
        images : array_like, shape (n, H, H), uint8
        labels : sequence of int or one-digit str

        Raises
        ------
        DatasetError
            If they do not fit; nothing is appended then.
        """
        joined = GenericDataset(self._images, self._labels, self._metadata)
        joined.add_examples(images, labels)
        checked = DigitImageDataset(*joined.get_data(), joined.get_metadata())
        self.__dict__.update(checked.__dict__)

    def get_digit_examples(self, digit: int) -> Images:
        """Give all images of a digit, shape (n, H, H)."""
        return self._images[self._digits == check_integer("digit", digit, 0, 9)]

    def random_sample_digit(self, digit: int, *, seed: int | None = None) -> Images:
        """Give one image of a digit, shape (H, H), each with equal chance.

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
    def atlas(self) -> GlyphAtlas:
        """All glyphs packed for rendering; made at first use."""
        with self._lock:
            if self._atlas is None:
                if not len(self):
                    raise DatasetError("the digit dataset is empty: load one, or give images and labels")
                self._atlas = GlyphAtlas.from_digits(self._images, self._digits)
            return self._atlas

    @property
    def sha256(self) -> str:
        """SHA-256, in hexadecimal, over shape, labels (a byte each) and pixels: the same whatever the file format."""
        with self._lock:
            if self._sha256 is None:
                digest = hashlib.sha256(repr(tuple(self._images.shape)).encode("ascii"))
                digest.update(self._digits.tobytes())
                digest.update(np.ascontiguousarray(self._images).data)
                self._sha256 = digest.hexdigest()
            return self._sha256

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())


def set_default_dataset_filepath(filepath: str | os.PathLike[str]) -> DigitImageDataset:
    """Make a file the default digit dataset of this process, before the environment variable and the packaged one.

    Parameters
    ----------
    filepath : path_like
        Any file that `DigitImageDataset.load` reads. It is read and checked at once.

    Returns
    -------
    DigitImageDataset
        The digits.

    Raises
    ------
    DatasetError, DatasetNotFoundError, DatasetReadError
        If it cannot be used; the default stays what it was.
    """
    global _default_path  # noqa: PLW0603 - the one documented default of the package
    path = str(Path(filepath).absolute()) if isinstance(filepath, (str, os.PathLike)) else filepath
    digits = load_digits(path)
    _default_path = path
    return digits


def default_digits() -> DigitImageDataset:
    """Give the digit dataset that is used where none is given.

    It is the one of `set_default_dataset_filepath`, else the file that the environment variable
    NG_DEFAULT_DIGIT_DATASET names, else the packaged 5,000 MNIST digits.
    """
    path = default_digits_path()
    if path is None:
        return _packaged_digits()
    try:
        return load_digits(path)
    except NumberGeneratorError as exc:
        named_by = "set_default_dataset_filepath" if _default_path else _ENVIRONMENT_VARIABLE
        raise type(exc)(f"{exc} (the default digits are those that {named_by} names)") from exc


def default_digits_path() -> str | None:
    """Give the file of the default digits; None for the packaged ones."""
    return _default_path or os.environ.get(_ENVIRONMENT_VARIABLE) or None


def load_digits(path: str | os.PathLike[str]) -> DigitImageDataset:
    """Load a digit dataset, or give the same object again while its file has not changed."""
    try:
        status = Path(path).stat()
    except (OSError, TypeError, ValueError):
        DigitImageDataset().load(path)  # says what is wrong
        raise
    return _loaded_digits(os.fspath(path), status.st_mtime_ns, status.st_size, status.st_ino)


_NO_IMAGES: Images = np.empty((0, 0, 0), np.uint8)
_default_path: str | None = None


@lru_cache(maxsize=4)
def _loaded_digits(path: str, modified_ns: int, size: int, inode: int) -> DigitImageDataset:
    dataset = DigitImageDataset()
    dataset.load(path)
    return dataset


@lru_cache(maxsize=1)
def _packaged_digits() -> DigitImageDataset:
    package = Path(__file__).parent
    # Installed, the data folder lies in the package; in a checkout and an editable install, beside it.
    for folder in (package / "data", package.parent / "data"):
        path = folder / "digits.npz"
        if path.is_file():
            if hashlib.sha256(path.read_bytes()).hexdigest() != _PACKAGED_SHA256:
                raise DatasetError(f"the packaged digits, {path}, are damaged: install the package again")
            dataset = DigitImageDataset()
            dataset.load(path)
            return dataset
    raise DatasetReadError(f"the packaged digits are missing from {package / 'data'}: install the package again")


def _checked_examples(images: Any, labels: Any) -> tuple[Images, list[str]]:
    """Give images as a uint8 array of three axes and as many labels as texts, or raise DatasetError."""
    if images is None or (isinstance(images, (list, tuple)) and not len(images)):
        images = _NO_IMAGES
    try:
        array = np.asarray(images)
    except ValueError:
        raise DatasetError("the images differ in size: give images of one size") from None
    if array.ndim != 3 or array.dtype != np.uint8:
        raise DatasetError(
            f"the images have shape {array.shape} and type {array.dtype}: give uint8 images of shape (N, height, width)"
        )
    values = labels.tolist() if isinstance(labels, np.ndarray) else list(labels if labels is not None else ())
    if len(values) != len(array):
        raise DatasetError(f"there are {len(array)} images and {len(values)} labels: give one label for each image")
    return array, [_label_text(value) for value in values]


def _label_text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return str(int(value))
    raise DatasetError(f"a label is {value!r}: give texts or whole numbers")


def _checked_digits(images: Images, labels: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Give the labels as digits, or raise DatasetError if this is no digit dataset; nothing at all is one."""
    if not len(images):
        return np.empty(0, np.uint8)
    _, height, width = images.shape
    if height != width or height < MIN_HEIGHT:
        raise DatasetError(
            f"the digits are {_size(images)}: give square images of at least {MIN_HEIGHT} x {MIN_HEIGHT} px"
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


def _ascii(label: str) -> bytes:
    if not label.isascii():
        raise DatasetError(f"the label {label!r} cannot be written: labels are ASCII in files")
    if "\0" in label:  # both formats pad labels with NUL, and so would cut it off
        raise DatasetError(f"the label {label!r} cannot be written: labels in files hold no NUL")
    return label.encode("ascii")


def _size(images: Images) -> str:
    return f"{images.shape[2]} x {images.shape[1]} px"


def _image_bytes(dataset: GenericDataset) -> int:
    shape = dataset._images.shape if dataset._reader is None else dataset._reader.shape
    return int(shape[1] * shape[2])


def _read_slice(read: Any, index: slice, count: int) -> Any:
    """Read a slice with a reader that knows forward steps only."""
    start, stop, step = index.indices(count)
    numbers = range(start, stop, step)
    if not numbers:
        return read(0, 0)
    if step > 0:
        return read(start, stop, step)
    return read(numbers[-1], numbers[0] + 1, -step)[::-1]
