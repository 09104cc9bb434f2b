"""Datasets of images and labels, in memory or in a file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from number_generator.errors import DatasetError, DatasetIndexError, SpecError
from number_generator.loading import detect_format, load_arrays
from number_generator.loading.pickles import check_metadata
from number_generator.sinks import format_of, open_sink
from number_generator.spec import Chunk, DatasetHeader, Span, check_integer

if TYPE_CHECKING:
    from number_generator.loading.hdf5 import Hdf5Reader

__all__ = ["GenericDataset", "Images", "size_text"]

Images = npt.NDArray[np.uint8]

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
        self._metadata = _checked_metadata({} if metadata is None else metadata)
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

        An earlier file of that name is replaced once the new one is whole. Ground truth is not written.

        Parameters
        ----------
        output_filepath : path_like
        metadata : mapping, optional
            Written instead of the dataset's own.

        Raises
        ------
        DatasetError
            If the images have no pixels, or a label is not ASCII.
        SpecError
            If the name is no file name, or the metadata is not of numbers, texts and plain containers.
        OutputError
            If the file cannot be written.
        """
        path = _checked_output(output_filepath)
        count = len(self)
        shape = self._reader.shape if self._reader is not None else self._images.shape
        if 0 in shape[1:]:
            raise DatasetError(f"the images are {shape[2]} x {shape[1]} px: add images with pixels before saving")
        written = _checked_metadata(self._metadata if metadata is None else metadata)
        check_metadata(written)
        # A slice at a time, twice: a dataset in a file may be larger than the memory.
        spans = list(Span(0, count).split(max(1, _ITERATION_BYTES // (shape[1] * shape[2]))))
        label_length = max(
            (len(_ascii(label)) for span in spans for label in self._label_slice(_slice(span))), default=0
        )
        header = DatasetHeader((count, shape[1], shape[2]), label_length, written)
        with open_sink(format_of(path) or "pickle", path, header, overwrite=True) as sink:
            length = max(1, _ITERATION_BYTES // (shape[1] * shape[2]) // sink.span_multiple) * sink.span_multiple
            for span in Span(0, count).split(length):
                labels = np.array([_ascii(label) for label in self._label_slice(_slice(span))], np.bytes_)
                sink.write(sink.encode(Chunk(span, self._image_slice(_slice(span)), labels)))
            sink.commit()

    def get_metadata(self) -> dict[str, Any]:
        """Give the metadata: for a generated dataset `creation_timestamp`, `spacing_range`, `image_width` and more."""
        return self._metadata

    def get_data(self) -> tuple[Images, list[str]]:
        """Give all images, shape (N, H, W), and all labels; reads a lazily opened file into memory."""
        self._materialise()
        return self._images, self._labels

    def get_truth(self, index: slice = slice(None)) -> dict[str, npt.NDArray[Any]]:
        """Give the ground truth of a slice of the images, by name, as `Chunk` describes it.

        Only HDF5 files hold it: the dictionary is empty for others, and after `add_examples` and `get_data`, which
        keep images and labels alone.

        Examples
        --------
        >>> from number_generator import GenericDataset
        >>> GenericDataset().get_truth()
        {}
        """
        if not isinstance(index, slice):
            raise SpecError(f"index is {index!r}: give a slice, such as slice(0, 10)")
        if self._reader is None:
            return {}
        return {
            name: _read_slice(partial(self._reader.truth, name), index, len(self)) for name in self._reader.truth_names
        }

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
                    f"the new images are {size_text(new_images)} and those of the dataset {size_text(self._images)}: "
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
        if not count:
            raise DatasetIndexError(f"there is no image {index!r}: the dataset is empty")
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


_NO_IMAGES: Images = np.empty((0, 0, 0), np.uint8)


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
    try:
        values = list(labels.tolist() if isinstance(labels, np.ndarray) else labels if labels is not None else ())
    except TypeError:
        raise DatasetError(f"the labels are {labels!r}: give a list with one label for each image") from None
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


def _checked_metadata(metadata: Any) -> dict[str, Any]:
    """Give metadata as a dict, or raise SpecError."""
    if not isinstance(metadata, Mapping):
        raise SpecError(f"metadata is {metadata!r}: give a dict")
    return dict(metadata)


def _checked_output(path: Any) -> Path:
    """Give a file name as a Path, or raise SpecError."""
    try:
        os.fsencode(path)
        checked = Path(path)
    except (TypeError, UnicodeEncodeError):
        raise SpecError(f"the output path is {path!r}: give a file name") from None
    if "\0" in str(checked):
        raise SpecError(f"the output path is {path!r}: a file name cannot hold a null character")
    return checked


def _slice(span: Span) -> slice:
    return slice(span.start, span.stop)


def _ascii(label: str) -> bytes:
    if not label.isascii():
        raise DatasetError(f"the label {label!r} cannot be written: labels are ASCII in files")
    if "\0" in label:  # a chunk pads its labels with NUL, and so would cut it off
        raise DatasetError(f"the label {label!r} cannot be written: labels in files hold no NUL")
    return label.encode("ascii")


def size_text(images: Images) -> str:
    """Say how large images are."""
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
