"""Contact sheets: many labelled images at a glance, of a style or of a dataset.

Nothing heavy is imported at the top: the package loads this module with itself (its `__init__` tells why).
"""

from __future__ import annotations

import os

from number_generator.errors import DatasetError, DatasetNotFoundError, SpecError
from number_generator.job.defaults import SPACING_RANGE

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    from number_generator.digits.resolve import DigitImageDataset
    from number_generator.formats.dataset import GenericDataset, Images
    from number_generator.job.handwriting import Handwriting

__all__ = ["MAX_COUNT", "preview", "style_of"]

MAX_COUNT = 10_000
"""The most images that `preview` shows."""

_SHORTEST, _LONGEST = 2, 7


def preview(
    source: str | os.PathLike[str] | Handwriting | GenericDataset,
    path: str | os.PathLike[str] | None = None,
    *,
    count: int = 60,
    width: int = 128,
    spacing_range: tuple[int, int] | None = None,
    seed: int = 0,
    digits: str | os.PathLike[str] | DigitImageDataset | None = None,
    sequences: Sequence[str] | Sequence[Sequence[int]] | npt.NDArray[np.integer] | None = None,
) -> Images:
    """Draw a contact sheet of a style, or of a dataset.

    Parameters
    ----------
    source : str, path_like, Handwriting or GenericDataset
        What to show. A style is given as for `generate_batch`: its name, a file that ends in `.toml`, or a
        `Handwriting`. Any other path is that of a dataset, as `GenericDataset.load` reads it; a file that is named
        like a style needs its folder, as in ``./clean``.
    path : path_like, optional
        A file name that ends in `.png`, to which the sheet is written as well; an earlier one is replaced.
    count : int
        Number of images, from 1 to 10,000. Those of a dataset are spread evenly over it, from the first to the last;
        one that has fewer is shown whole.
    width : int
        Of a style: width of each image in px.
    spacing_range : (int, int), optional
        Of a style: as for `generate_batch`. None leaves the gaps to the style; those of `clean` are then (5, 10).
    seed : int
        Of a style: from 0 to 2**64 - 1; the same seed gives the same sheet.
    digits : path_like or DigitImageDataset, optional
        Of a style: the digits to compose from; None means the default digit dataset.
    sequences : sequence of str, sequence of sequences of int, or integer ndarray, shape (N, L), optional
        Of a style: what to write, over and over until there are `count` images. None draws numbers of 2 to 7 digits.

    Returns
    -------
    ndarray, shape (h, w), uint8
        Images with their labels below, about 1,200 px wide.

    Raises
    ------
    SpecError
        If an argument breaks a rule above.
    DatasetError, DatasetNotFoundError, DatasetReadError
        If a dataset cannot be used.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> from number_generator import Handwriting, preview
    >>> sheet = preview("clean", count=12, seed=1)
    >>> slanted = preview(Handwriting(slant=(0.2, 0.6)), count=12, seed=1)
    >>> sheet.shape == slanted.shape, sheet.dtype
    (True, dtype('uint8'))
    """
    from number_generator.formats.png.single import checked_png_path, save_png  # noqa: PLC0415
    from number_generator.system.checks import check_integer, check_seed  # noqa: PLC0415

    target = None if path is None else checked_png_path(path)
    count = check_integer("count", count, 1, MAX_COUNT)
    style = style_of(source)
    if style is None:
        for name, value in (("spacing_range", spacing_range), ("digits", digits), ("sequences", sequences)):
            if value is not None:
                raise SpecError(f"{name} is given and the source is a dataset, whose images are there: leave it out")
        images, labels = _spread(source, count)
    else:
        from number_generator.core import generate_batch  # noqa: PLC0415

        if seed is None:
            raise SpecError("seed is None: give an integer from 0 to 2**64 - 1")
        labels = _written(sequences, count, check_seed(seed))
        gaps = SPACING_RANGE if style.is_clean and spacing_range is None else spacing_range
        images = generate_batch(labels, gaps, width, style=style, seed=seed, digits=digits)
    from number_generator.rendering.sheet import contact_sheet  # noqa: PLC0415

    sheet = contact_sheet(images, labels)
    if target is not None:
        save_png(sheet, target)
    return sheet


def style_of(source: Any) -> Handwriting | None:
    """Give the style that a source of `preview` stands for; None if it stands for a dataset."""
    from number_generator.formats.dataset import GenericDataset  # noqa: PLC0415
    from number_generator.job.handwriting import STYLES, Handwriting, checked_style  # noqa: PLC0415

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


def _spread(source: Any, count: int) -> tuple[Images, list[str]]:
    """Give images and labels from all over a dataset, the first and the last among them."""
    import numpy as np  # noqa: PLC0415

    from number_generator.formats.dataset import GenericDataset  # noqa: PLC0415

    if isinstance(source, GenericDataset):
        dataset = source
    else:
        dataset = GenericDataset()
        try:
            dataset.load(source)
        except DatasetNotFoundError as exc:
            if os.path.lexists(source):  # MNIST's labels are what is missing
                raise
            raise DatasetNotFoundError(
                f"source is {os.fspath(source)!r}, which is neither a style nor a file: give 'clean', 'natural' or "
                "'document', a style file that ends in .toml, or a dataset"
            ) from exc
    if not len(dataset):
        raise DatasetError("the dataset holds no image, and so there is nothing to show: give another")
    if len(dataset) <= count:
        return dataset[:]
    # One by one: of a file, what lies between is not read.
    shown = [dataset[k * (len(dataset) - 1) // max(1, count - 1)] for k in range(count)]
    return np.stack([image for image, _ in shown]), [label for _, label in shown]


def _written(sequences: Any, count: int, seed: int) -> list[str]:
    """Give what to write on `count` images: the sequences over and over, or drawn numbers."""
    if sequences is None:
        return _drawn(count, seed)
    from number_generator.numbers.sequences import format_labels, pack_sequences  # noqa: PLC0415

    packed = pack_sequences(sequences)
    if not len(packed):
        raise SpecError("sequences is empty: give at least one, or None to draw numbers")
    texts = [label.decode("ascii") for label in format_labels(packed, packed.longest)]
    return [texts[k % len(texts)] for k in range(count)]


def _drawn(count: int, seed: int) -> list[str]:
    """Draw numbers of `_SHORTEST` to `_LONGEST` digits, number k from the random words of image k."""
    import numpy as np  # noqa: PLC0415

    from number_generator._kernels import rng  # noqa: PLC0415

    length_words, digit_words = np.empty(4, np.uint64), np.empty(8, np.uint64)
    numbers = []
    for k in range(count):
        rng.fill_words(np.uint64(seed), np.uint64(k), rng.LENGTH, 1, length_words)
        rng.fill_words(np.uint64(seed), np.uint64(k), rng.DIGIT, _LONGEST, digit_words)
        length = _SHORTEST + rng.bounded(length_words[0], _LONGEST - _SHORTEST + 1)
        numbers.append("".join(str(rng.bounded(word, 10)) for word in digit_words[:length]))
    return numbers
