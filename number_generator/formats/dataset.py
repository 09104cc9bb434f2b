"""Datasets of images and labels, in memory or in a file."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from number_generator.errors import DatasetError, DatasetIndexError, SpecError
from number_generator.formats.arrays import RawDataset, decode_text
from number_generator.formats.conversion import check_target, write_dataset
from number_generator.formats.isolated import check_apart
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.pickle.reader import check_metadata
from number_generator.formats.reader import Reader, open_reader
from number_generator.formats.registry import check_ending, describe_written, find_format
from number_generator.formats.selection import Numbers, parse_numbers, read_numbers, read_slice
from number_generator.job.chunk import Images, TruthField
from number_generator.system.checks import check_integer, format_value

_ITERATION_BYTES = 4 * 2**20


class GenericDataset:
    """Labelled images, in memory or read from a file or folder as needed.

    Parameters
    ----------
    images : array_like, shape (N, H, W), uint8, or path_like, optional
        255 is paper, 0 is full ink. A path loads that file or folder, as `load` does; give nothing else then.
    labels : sequence of str or int, optional
        One per image.
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
        images: npt.ArrayLike | os.PathLike[str] | None = None,
        labels: Sequence[Any] | npt.NDArray[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(images, (str, os.PathLike)):
            check_alone(images, labels=labels, metadata=metadata)
            self.load(images)
            return
        self._reader: Reader | None = None
        self._truth: dict[str, npt.NDArray[Any]] = {}
        self._fields: tuple[TruthField, ...] = ()
        self._metadata = copy_metadata({} if metadata is None else metadata)
        self._images, self._labels = _parse_examples(images, labels)

    def load(self, input_filepath: str | os.PathLike[str], *, isolated: bool = False) -> None:
        """Replace the content with that of a file or folder, in any format that the package reads.

        In most formats, images are read from the file when they are needed. Pickles, `.npz` and IDX are read into
        memory. The content tells the format, not the name.

        Nothing in a file is executed, and what it claims is compared with its size. Yet the libraries that read it are
        trusted with it: HDF5's may crash the process on a damaged file, never come to an end, or take much memory. Give
        `isolated` for files that anybody may have made.

        Parameters
        ----------
        input_filepath : path_like
            HDF5, a pickle, `.npz` with `images` and `labels`, MNIST's IDX images with their labels beside them, Parquet
            with `image` and `text`, a tar file of WebDataset; or a folder of such Parquet or tar files, of an LMDB, or
            of PNG images with gt.txt, metadata.jsonl, labels.csv or labels.json.
        isolated : bool
            Whether to read all of it in a process of its own first, with limits of memory and time. It must not change
            afterwards.

        Raises
        ------
        DatasetNotFoundError, DatasetReadError
            If the file does not exist or cannot be read.
        DatasetError
            If it is not a valid dataset, or reading it in a process of its own fails. The earlier content stays.
        """
        if isolated:
            check_apart("number_generator.formats.isolated:read_through", input_filepath)
        reader = open_reader(input_filepath)
        if isinstance(reader, MemoryReader):
            raw = reader.raw
            labels = reader.labels(0, len(reader))
            self._reader, self._metadata, self._truth, self._fields = None, raw.metadata, raw.truth, raw.fields
            self._images, self._labels = raw.images, labels
            return
        metadata = reader.metadata
        self._reader, self._metadata = reader, metadata
        self._images, self._labels, self._truth, self._fields = _NO_IMAGES, [], {}, ()

    def save(self, output_filepath: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> None:
        """Write the dataset to a file: `.h5` or `.hdf5`, `.npz`, `.lmdb` (a folder), or else a pickle.

        An earlier file of that name is replaced once the new one is complete. Ground truth is written as well.
        `convert` writes all formats. Endings that stand for other kinds of files, such as `.zip`, are refused.

        Parameters
        ----------
        output_filepath : path_like
        metadata : mapping, optional
            Written instead of that of the dataset.

        Raises
        ------
        DatasetError
            If the images have no pixels, or a label is not text on one line.
        SpecError
            If the name is not a file name, or the metadata holds anything but numbers, texts and plain containers.
        OutputError
            If the file cannot be written.
        """
        save_dataset(self, check_target(output_filepath, "the output path"), metadata, overwrite=True)

    def get_metadata(self) -> dict[str, Any]:
        """Return the metadata: generated datasets have `creation_timestamp`, `spacing_range`, `image_width`, etc."""
        return self._metadata

    def get_data(self) -> tuple[Images, list[str]]:
        """Return all images, shape (N, H, W), and all labels; a dataset read from a file moves into memory."""
        self._materialise()
        return self._images, self._labels

    def get_truth(self, index: slice | Sequence[int] | npt.NDArray[Any] = slice(None)) -> dict[str, npt.NDArray[Any]]:
        """Return the ground truth of a slice or a list of the images, by name, as `Chunk` describes it.

        The dictionary is empty for datasets without ground truth, after `add_examples`, and after `get_data` of a
        dataset that was read from a file: those keep only images and labels.

        Examples
        --------
        >>> from number_generator import GenericDataset
        >>> GenericDataset().get_truth()
        {}
        """
        reader, count = self._reader, len(self)
        numbers = None if isinstance(index, slice) else parse_numbers(index, count)
        if numbers is None and not isinstance(index, slice):
            raise SpecError(f"index is {index!r}: give a slice, such as slice(0, 10), or a list of integers")
        if reader is None:
            chosen = index if numbers is None else numbers
            return {name: array[chosen].copy() for name, array in self._truth.items()}
        reads = {name: partial(reader.truth, name) for name in reader.truth_names}
        return {name: _read_chosen(read, index, numbers, count) for name, read in reads.items()}

    def add_examples(self, images: npt.ArrayLike, labels: Sequence[Any] | npt.NDArray[Any]) -> None:
        """Append images of the same size and their labels; a dataset read from a file moves into memory first.

        Parameters
        ----------
        images : array_like, shape (n, H, W), uint8
        labels : sequence of str or int

        Raises
        ------
        DatasetError
            If they do not fit; then nothing is appended.
        """
        new_images, new_labels = _parse_examples(images, labels)
        self._materialise()
        if len(self._images) and len(new_images):
            if new_images.shape[1:] != self._images.shape[1:]:
                raise DatasetError(
                    f"the new images are {format_size(new_images)} and those of the dataset "
                    f"{format_size(self._images)}: give images of the same size"
                )
            new_images = np.concatenate([self._images, new_images])
        elif len(self._images):
            new_images = self._images
        self._images, self._labels = new_images, self._labels + new_labels
        if new_labels:
            self._truth, self._fields = {}, ()

    def __len__(self) -> int:
        return self._shape[0]

    @overload
    def __getitem__(self, index: int) -> tuple[Images, str]: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | npt.NDArray[Any]) -> tuple[Images, list[str]]: ...

    def __getitem__(
        self, index: int | slice | Sequence[int] | npt.NDArray[Any]
    ) -> tuple[Images, str] | tuple[Images, list[str]]:
        """Return the image and label at an index, or the images and labels of a slice or a list.

        A list or array holds the numbers of images, in any order and more than once, or a truth value for each image.
        The images are copies: changing them does not change the dataset.
        """
        reader, count = self._reader, len(self)  # of which another thread may take the reader away, in `get_data`
        numbers = parse_numbers(index, count)
        if reader is not None and (numbers is not None or isinstance(index, slice)):
            return tuple(_read_chosen(read, index, numbers, count) for read in (reader.images, reader.labels))
        if numbers is not None:
            return self._images[numbers], [self._labels[number] for number in numbers]
        if isinstance(index, slice):
            return self._images[index].copy(), self._labels[index]
        if isinstance(index, tuple):
            raise DatasetIndexError(
                f"there is no image {index!r}: give an integer, a slice, or a list of integers, as in dataset[[0, 2]]"
            )
        if not count:
            raise DatasetIndexError(f"there is no image {index!r}: the dataset is empty")
        try:
            number = check_integer("index", index, -count, count - 1)
        except SpecError:
            raise DatasetIndexError(
                f"there is no image {index!r}: the dataset has {count}; give an integer from {-count} to {count - 1}"
            ) from None
        number %= count
        if reader is None:
            return self._images[number].copy(), self._labels[number]
        return reader.image(number), reader.labels(number, number + 1)[0]

    def __iter__(self) -> Iterator[tuple[Images, str]]:
        # Many images at a time: reading image by image would inflate each chunk of a file once per image.
        length = max(1, _ITERATION_BYTES // (math.prod(self._shape[1:]) or 1))
        for start in range(0, len(self), length):
            yield from zip(*self[start : start + length], strict=True)

    @property
    def _shape(self) -> tuple[int, ...]:
        reader = self._reader
        return self._images.shape if reader is None else reader.shape

    def _materialise(self) -> None:
        reader = self._reader
        if reader is not None:
            images, labels = reader.images(0, len(reader)), reader.labels(0, len(reader))
            self._images, self._labels, self._reader = images, labels, None


_NO_IMAGES: Images = np.empty((0, 0, 0), np.uint8)


def save_dataset(
    dataset: GenericDataset, path: Path, metadata: Mapping[str, Any] | None = None, *, overwrite: bool
) -> None:
    """Write a dataset as `GenericDataset.save` does; `overwrite` says whether an earlier file may be replaced."""
    file_format = find_format(path) or "pickle"
    check_ending(path, "the output path", describe_written(file_format))
    shape = dataset._shape
    if 0 in shape[1:]:
        raise DatasetError(f"the images are {shape[2]} x {shape[1]} px: add images with pixels before saving")
    written = copy_metadata(dataset._metadata if metadata is None else metadata)
    check_metadata(written)
    reader = dataset._reader
    if reader is None:
        raw = RawDataset(dataset._images, dataset._labels, truth=dataset._truth, fields=dataset._fields)
        reader = MemoryReader(raw, dataset._labels, path)
    write_dataset(reader, path, file_format, metadata=written, overwrite=overwrite)


def check_alone(path: str | os.PathLike[str], **others: object) -> None:
    """Raise SpecError if anything is given together with the path of a dataset, which holds all of it."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise SpecError(
            f"images is the path {format_value(path)}, and {', '.join(given)} are given: leave them out, as the file "
            "has its own, or give the images as an array"
        )


def _parse_examples(images: Any, labels: Any) -> tuple[Images, list[str]]:
    """Return images as a uint8 array of three axes, and one label per image as text, or raise DatasetError."""
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
    try:
        return array, [decode_text(value) for value in values]
    except TypeError as exc:
        raise DatasetError(str(exc)) from None


def copy_metadata(metadata: Any) -> dict[str, Any]:
    """Return metadata as a dict, or raise SpecError."""
    if not isinstance(metadata, Mapping):
        raise SpecError(f"metadata is {metadata!r}: give a dict")
    return dict(metadata)


def format_size(images: Images) -> str:
    """Return the size of images as text."""
    return f"{images.shape[2]} x {images.shape[1]} px"


def _read_chosen(read: Callable[..., Any], index: Any, numbers: Numbers | None, count: int) -> Any:
    """Read what a slice or, if there are any, numbers choose."""
    return read_slice(read, index, count) if numbers is None else read_numbers(read, numbers)
