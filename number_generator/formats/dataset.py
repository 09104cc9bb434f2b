"""Datasets of images and labels, in memory or in a file."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from number_generator.errors import DatasetError, DatasetIndexError, SpecError
from number_generator.formats.arrays import RawDataset, decode_text
from number_generator.formats.conversion import check_target, write_dataset
from number_generator.formats.isolated import check_apart
from number_generator.formats.memory_reader import MemoryReader, PagesReader
from number_generator.formats.pickle.reader import check_metadata
from number_generator.formats.ragged import Sizes, cut_images, measure_sizes, pad_images
from number_generator.formats.reader import Reader, open_reader
from number_generator.formats.registry import check_ending, describe_written, find_format
from number_generator.formats.selection import Numbers, parse_numbers, read_numbers, read_slice
from number_generator.job.chunk import Images, TruthField
from number_generator.system.checks import check_integer, check_ordered, format_value

_COLOURS = 3
_ITERATION_BYTES = 4 * 2**20
_LABELS_A_READ = 1000


class GenericDataset:
    """Labelled images, in memory or read from a file or folder as needed.

    Parameters
    ----------
    images : array_like, shape (N, H, W), or (N, H, W, 3) in colour, uint8, or a list of images, or path_like, optional
        255 is paper, 0 is full ink. The images of a list may differ in size. A path loads that file or folder, as
        `load` does; give nothing else then.
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
    >>> crops = GenericDataset([np.zeros((32, 80), np.uint8), np.zeros((48, 300), np.uint8)], ["12", "3456"])
    >>> [image.shape for image, _ in crops]
    [(32, 80), (48, 300)]
    """

    _images: Images | list[Images]  # a list only if they differ in size

    def __init__(
        self,
        images: npt.ArrayLike | Sequence[Images] | os.PathLike[str] | None = None,
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
        memory. The content tells the format, not the name. Images may differ in size. Those that this package wrote in
        colour are read so, and all others in grey.

        Nothing in a file is executed, and what it claims is compared with its size. Yet the libraries that read it are
        trusted with it: HDF5's may crash the process on a damaged file, never come to an end, or take much memory. Give
        `isolated` for files that anybody may have made.

        Parameters
        ----------
        input_filepath : path_like
            HDF5, a pickle, `.npz` with `images` and `labels` or Keras's `x_train` and `y_train`, MNIST's IDX images
            with their labels beside them, Parquet with columns of images and labels, a tar file of WebDataset; or a
            folder of such Parquet or tar files, of an LMDB, or of images with gt.txt, metadata.jsonl or another file
            of labels, a text beside each, or folders 0 to 9.
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
            if reader.is_ragged:
                self._images = cut_images(raw.images, reader.sizes(0, len(reader)))
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

    def get_data(self, *, pad: bool = False) -> tuple[Images | list[Images], list[str]]:
        """Return all images and all labels; a dataset read from a file moves into memory.

        Images are an array of shape (N, H, W), or (N, H, W, 3) in colour. Those that differ in size are a list; with
        `pad`, they are an array as high and wide as the largest, each in its upper left corner and the rest 255, and
        `get_sizes` tells what is theirs.
        """
        self._materialise()
        images = self._images
        return (pad_images(images) if pad and isinstance(images, list) else images), self._labels

    def get_sizes(self, index: slice | Sequence[int] | npt.NDArray[Any] = slice(None)) -> Sizes:
        """Return height and width of a slice or a list of the images, shape (n, 2), int32.

        Where images of another program may differ in size, the header of each is read once.

        Examples
        --------
        >>> import numpy as np
        >>> from number_generator import GenericDataset
        >>> GenericDataset(np.full((2, 28, 100), 255, np.uint8), ["", "7"]).get_sizes().tolist()
        [[28, 100], [28, 100]]
        """
        reader, count = self._reader, len(self)
        numbers = _parse_choice(index, count)
        if reader is not None:
            return np.asarray(_read_chosen(reader.sizes, index, numbers, count))
        sizes = measure_sizes(self._images)
        return sizes[index if numbers is None else numbers]

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
        numbers = _parse_choice(index, count)
        if reader is None:
            chosen = index if numbers is None else numbers
            return {name: array[chosen].copy() for name, array in self._truth.items()}
        reads = {name: partial(reader.truth, name) for name in reader.truth_names}
        return {name: _read_chosen(read, index, numbers, count) for name, read in reads.items()}

    def add_examples(self, images: npt.ArrayLike | Sequence[Images], labels: Sequence[Any] | npt.NDArray[Any]) -> None:
        """Append images and their labels; a dataset read from a file moves into memory first.

        Parameters
        ----------
        images : array_like, shape (n, H, W), or (n, H, W, 3) in colour, uint8, or a list of images
            They may differ in size from those of the dataset, but not in whether they are in colour.
        labels : sequence of str or int

        Raises
        ------
        DatasetError
            If they do not fit; then nothing is appended.
        """
        new_images, new_labels = _parse_examples(images, labels)
        self._materialise()
        self._images, self._labels = _join_images(self._images, new_images), self._labels + new_labels
        if new_labels:
            self._truth, self._fields = {}, ()

    def __len__(self) -> int:
        reader = self._reader
        return len(self._images) if reader is None else len(reader)

    def __repr__(self) -> str:
        reader, count = self._reader, len(self)
        place = "" if reader is None else f", read from {str(reader.path)!r}"
        return f"<{type(self).__name__}: {count} images{place}>"

    @overload
    def __getitem__(self, index: int) -> tuple[Images, str]: ...

    @overload
    def __getitem__(
        self, index: slice | Sequence[int] | npt.NDArray[Any]
    ) -> tuple[Images | list[Images], list[str]]: ...

    def __getitem__(
        self, index: int | slice | Sequence[int] | npt.NDArray[Any]
    ) -> tuple[Images, str] | tuple[Images | list[Images], list[str]]:
        """Return the image and label at an index, or the images and labels of a slice or a list.

        A list or array holds the numbers of images, in any order and more than once, or a truth value for each image.
        Several images are an array, or a list if those of the dataset differ in size. They are copies: changing them
        does not change the dataset.
        """
        reader, count = self._reader, len(self)  # of which another thread may take the reader away, in `get_data`
        numbers = parse_numbers(index, count)
        if reader is not None and (numbers is not None or isinstance(index, slice)):
            read_images: Callable[..., Any] = reader.cut_images if reader.is_ragged else reader.images
            return tuple(_read_chosen(read, index, numbers, count) for read in (read_images, reader.labels))
        if numbers is not None:
            return _copy_images(self._images, numbers), [self._labels[number] for number in numbers]
        if isinstance(index, slice):
            return _copy_images(self._images, index), self._labels[index]
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
        reader = self._reader
        if reader is None:
            yield from (self[number] for number in range(len(self)))
            return
        bounds = range(0, len(reader), _LABELS_A_READ)
        labels = (reader.labels(at, min(at + _LABELS_A_READ, len(reader))) for at in bounds)
        # Many images at a time: reading image by image would inflate each chunk of a file once per image.
        yield from zip(reader.iterate_images(_ITERATION_BYTES), chain.from_iterable(labels), strict=True)

    def _materialise(self) -> None:
        reader = self._reader
        if reader is not None:
            read = reader.cut_images if reader.is_ragged else reader.images
            images, labels = read(0, len(reader)), reader.labels(0, len(reader))
            self._images, self._labels, self._reader = images, labels, None


_NO_IMAGES: Images = np.empty((0, 0, 0), np.uint8)


def save_dataset(
    dataset: GenericDataset, path: Path, metadata: Mapping[str, Any] | None = None, *, overwrite: bool
) -> None:
    """Write a dataset as `GenericDataset.save` does; `overwrite` says whether an earlier file may be replaced."""
    file_format = find_format(path) or "pickle"
    check_ending(path, "the output path", describe_written(file_format), file_format)
    reader, images = dataset._reader, dataset._images
    if reader is None:
        _check_pixels(images)
    written = copy_metadata(dataset._metadata if metadata is None else metadata)
    check_metadata(written)
    if isinstance(images, list):
        reader = PagesReader(images, dataset._labels, dataset._truth, dataset._fields, path)
    elif reader is None:
        raw = RawDataset(images, dataset._labels, truth=dataset._truth, fields=dataset._fields)
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


def _parse_examples(images: Any, labels: Any) -> tuple[Images | list[Images], list[str]]:
    """Return images, and one label per image as text, or raise DatasetError."""
    array = _parse_images(images)
    check_ordered("labels", labels)
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


def _parse_images(images: Any) -> Images | list[Images]:
    """Return images as an array of uint8, or as a list of arrays if they differ in size, or raise DatasetError."""
    if images is None or (isinstance(images, (list, tuple)) and not len(images)):
        return _NO_IMAGES
    try:
        array = np.asarray(images)
    except ValueError:  # they differ in size
        array = np.empty(len(images), object)
    if array.dtype == object and array.ndim:
        return [_parse_page(image, number, images[0]) for number, image in enumerate(images)]
    if not _are_bytes(array, 3):
        raise DatasetError(
            f"the images have shape {array.shape} and type {array.dtype}: give uint8 images of shape (N, height, "
            "width) or (N, height, width, 3), or a list of images"
        )
    return array


def _parse_page(image: Any, number: int, first: Any) -> Images:
    """Return an image of a list as an array of uint8, which must have as many channels as the first."""
    page = image if isinstance(image, np.ndarray) else np.empty((), object)
    if not _are_bytes(page, 2) or page.ndim != first.ndim:
        seen = f"has shape {page.shape} and type {page.dtype}" if page is image else f"is a {type(image).__name__}"
        raise DatasetError(
            f"image {number} {seen}: give uint8 arrays of shape (height, width), or all of shape (height, width, 3)"
        )
    return page


def _are_bytes(array: npt.NDArray[Any], axes: int) -> bool:
    """Tell whether an array is of bytes, with so many axes, or one of colours more."""
    return array.dtype == np.uint8 and array.ndim >= axes and array.shape[axes:] in ((), (_COLOURS,))


def _join_images(images: Images | list[Images], more: Images | list[Images]) -> Images | list[Images]:
    """Return images and others after them, or raise DatasetError if only one of both is in colour."""
    if not len(images) or not len(more):
        return more if len(more) else images
    if images[0].ndim != more[0].ndim:
        named = [f"in {'grey' if image.ndim == 2 else 'colour'}" for image in (more[0], images[0])]
        raise DatasetError(f"the new images are {named[0]} and those of the dataset {named[1]}: give all in one way")
    if isinstance(images, np.ndarray) and isinstance(more, np.ndarray) and images.shape[1:] == more.shape[1:]:
        return np.concatenate([images, more])
    return [*images, *more]


def _copy_images(images: Images | list[Images], chosen: slice | Numbers) -> Images | list[Images]:
    """Return copies of the images of a slice or of some numbers."""
    if isinstance(images, list):
        return [images[number].copy() for number in np.arange(len(images))[chosen]]
    return images[chosen].copy() if isinstance(chosen, slice) else images[chosen]


def _check_pixels(images: Images | list[Images]) -> None:
    """Raise DatasetError if images have no pixels, as those of a dataset that never had any."""
    sizes = measure_sizes(images) if isinstance(images, list) else np.array([images.shape[1:3]])
    blank = sizes[(sizes == 0).any(axis=1)]
    if len(blank):
        raise DatasetError(f"the images are {blank[0, 1]} x {blank[0, 0]} px: add images with pixels before saving")


def copy_metadata(metadata: Any) -> dict[str, Any]:
    """Return metadata as a dict, or raise SpecError."""
    if not isinstance(metadata, Mapping):
        raise SpecError(f"metadata is {metadata!r}: give a dict")
    return dict(metadata)


def format_size(images: Images) -> str:
    """Return the size of images as text."""
    return f"{images.shape[2]} x {images.shape[1]} px"


def _parse_choice(index: Any, count: int) -> Numbers | None:
    """Return the numbers of a list; None for a slice, and SpecError for anything else."""
    numbers = None if isinstance(index, slice) else parse_numbers(index, count)
    if numbers is None and not isinstance(index, slice):
        raise SpecError(f"index is {index!r}: give a slice, such as slice(0, 10), or a list of integers")
    return numbers


def _read_chosen(read: Callable[..., Any], index: Any, numbers: Numbers | None, count: int) -> Any:
    """Read what a slice or, if there are any, numbers choose."""
    return read_slice(read, index, count) if numbers is None else read_numbers(read, numbers)
