"""Contact sheets of styles and datasets: what `preview` draws."""

import os
from itertools import cycle, islice
from typing import Any

import numpy as np

from number_generator.errors import DatasetError, DatasetNotFoundError, SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.png.single import check_png_path, save_png
from number_generator.job.chunk import Images
from number_generator.job.defaults import SPACING_RANGE
from number_generator.job.handwriting import STYLES, Handwriting, checked_style
from number_generator.numbers.sequences import format_labels, pack_sequences
from number_generator.rendering.sheet import contact_sheet
from number_generator.system.checks import check_integer, check_seed
from number_generator.system.home import expand_home

MAX_COUNT = 10_000
"""The most images on a sheet."""

_SHORTEST, _LONGEST = 2, 7


def draw_preview(source: Any, path: Any, count: int, width: int | str, seed: int, **style_only: Any) -> Images:
    """Check the arguments of `preview`, draw the sheet, and save it if there is a path."""
    target = None if path is None else check_png_path(path)
    count = check_integer("count", count, 1, MAX_COUNT)
    style = find_style(source)
    if style is None:
        for name, value in style_only.items():
            if value is not None:
                raise SpecError(f"{name} is given and the source is a dataset, whose images are ready: leave it out")
        sheet = draw_dataset_sheet(source, count)
    else:
        if seed is None:
            raise SpecError("seed is None: give an integer from 0 to 2**64 - 1")
        sheet = draw_style_sheet(style, count, width, check_seed(seed), **style_only)
    if target is not None:
        save_png(sheet, target)
    return sheet


def find_style(source: Any) -> Handwriting | None:
    """Return the style that a source names; None if it names a dataset."""
    if isinstance(source, (str, os.PathLike)):
        is_named = isinstance(source, str) and source in STYLES
        return checked_style(source) if is_named or str(source).lower().endswith(".toml") else None
    if isinstance(source, Handwriting):
        return source
    if isinstance(source, GenericDataset):
        return None
    raise SpecError(
        f"source is a {type(source).__name__}: give the name of a style, the path of a style file or a dataset, a "
        "Handwriting or a GenericDataset"
    )


def draw_style_sheet(
    style: Handwriting,
    count: int,
    width: int | str,
    seed: int,
    *,
    image_height: int | None = None,
    color: bool | None = None,
    spacing_range: Any = None,
    digits: Any = None,
    sequences: Any = None,
) -> Images:
    """Draw a sheet of images in a style; the arguments are those of `preview`, with `count` and `seed` checked."""
    from number_generator.core import generate_chunk  # noqa: PLC0415 - a dataset's sheet needs no compiled code

    if sequences is None:
        labels = _draw_numbers(count, seed)
    else:
        packed = pack_sequences(sequences)
        if not len(packed):
            raise SpecError("sequences is empty: give at least one, or None to draw numbers")
        given = format_labels(packed, packed.longest)
        labels = [label.decode() for label in islice(cycle(given), count)]
    gaps = SPACING_RANGE if style.is_clean and spacing_range is None else spacing_range
    chunk = generate_chunk(
        labels, gaps, width, style=style, seed=seed, digits=digits, image_height=image_height, color=bool(color)
    )
    return contact_sheet(chunk.images if chunk.sizes is None else chunk.cut_images(), labels)


def draw_dataset_sheet(source: str | os.PathLike[str] | GenericDataset, count: int) -> Images:
    """Draw a sheet of at most `count` images, spread evenly over a dataset from the first to the last."""
    dataset = source if isinstance(source, GenericDataset) else _load_dataset(source)
    if not len(dataset):
        raise DatasetError("the dataset holds no images, so there is nothing to show: give another")
    if len(dataset) <= count:
        return contact_sheet(*dataset[:])
    # One by one: the images in between are not read from a file.
    shown = [dataset[k * (len(dataset) - 1) // max(1, count - 1)] for k in range(count)]
    images, texts = [image for image, _ in shown], [label for _, label in shown]
    is_ragged = len({image.shape for image in images}) > 1
    return contact_sheet(images if is_ragged else np.stack(images), texts)


def _load_dataset(path: str | os.PathLike[str]) -> GenericDataset:
    dataset = GenericDataset()
    try:
        dataset.load(path)
    except DatasetNotFoundError as exc:
        if os.path.lexists(expand_home(path)):  # only the labels of MNIST images are missing
            raise
        raise DatasetNotFoundError(
            f"source is {os.fspath(path)!r}, which is neither a style nor a file: give 'clean', 'natural' or "
            "'document', a style file that ends in .toml, or a dataset"
        ) from exc
    return dataset


def _draw_numbers(count: int, seed: int) -> list[str]:
    """Draw numbers of `_SHORTEST` to `_LONGEST` digits, number k from the random words of image k."""
    from number_generator._kernels import rng, streams  # noqa: PLC0415 - as in `draw_style_sheet`

    length_words, digit_words = np.empty(4, np.uint64), np.empty(8, np.uint64)
    numbers = []
    for k in range(count):
        rng.fill_words(np.uint64(seed), np.uint64(k), streams.LENGTH, 1, length_words)
        rng.fill_words(np.uint64(seed), np.uint64(k), streams.DIGIT, _LONGEST, digit_words)
        length = _SHORTEST + rng.draw_below(length_words[0], _LONGEST - _SHORTEST + 1)
        numbers.append("".join(str(rng.draw_below(word, 10)) for word in digit_words[:length]))
    return numbers
