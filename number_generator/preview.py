"""Contact sheets: many labelled images at a glance, of a style or of a dataset.

Nothing heavy is imported at the top: the package loads this module with itself (its `__init__` tells why).
"""

from __future__ import annotations

import os
from bisect import bisect_right
from math import log

from number_generator.errors import DatasetError, DatasetNotFoundError, SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from collections.abc import Iterable, Sequence
    from typing import Any

    import numpy as np
    import numpy.typing as npt
    from PIL import ImageFont

    from number_generator.digits.resolve import DigitImageDataset
    from number_generator.formats.dataset import GenericDataset, Images
    from number_generator.job.handwriting import Handwriting

__all__ = ["MAX_COUNT", "contact_sheet", "preview", "style_of"]

MAX_COUNT = 10_000
"""The most images that `preview` shows."""

_WIDTH = 1200
_WIDEST_ASPECT = 4 / 3  # of the sheet, lying or standing
_MOST_PIXELS = 2**28
_GROUND, _BORDER_GREY, _TEXT_GREY = 176, 96, 0
_BORDER, _GAP, _TEXT_GAP = 1, 10, 3
_BOX_COLOURS = ((220, 30, 30), (30, 80, 220))
_TEXT_SIZE = 13
_DOTS = "..."  # Pillow's older default font has no single character for them
_SHORTEST, _LONGEST = 2, 7
_CLEAN_SPACING = (5, 10)


def contact_sheet(
    images: Images,
    labels: Iterable[object],
    *,
    columns: int | None = None,
    scale: int | None = None,
    boxes: npt.NDArray[np.integer] | None = None,
) -> Images:
    """Lay images out on one sheet, row by row, each with its label below.

    Parameters
    ----------
    images : ndarray, shape (N, H, W), uint8
        At least one. They are shown as they are, framed in grey on a lighter grey ground.
    labels : iterable, of length N
        Texts, or what `str` makes texts of. Too long a one is shortened, and what is not ASCII shows as "?".
    columns : int, optional
        Images side by side; None chooses so that the sheet is neither wide nor tall (4:3 to 3:4).
    scale : int, optional
        How many pixels wide and high a pixel of an image is shown; None chooses so that the sheet is about 1,200 px
        wide.
    boxes : ndarray, shape (N, L, 4), int, optional
        Boxes to draw on each image: x0, y0, x1, y1 in px of the image, half-open, -1 where there is none. Their lines
        lie outside of what they hold, as far as the frame goes.

    Returns
    -------
    ndarray, shape (h, w), or (h, w, 3) in red, green and blue with boxes, uint8

    Raises
    ------
    SpecError
        If there is no image, the arguments do not fit, or the sheet would have more than 2**28 pixels.

    Examples
    --------
    >>> from number_generator import generate_batch
    >>> from number_generator.preview import contact_sheet
    >>> numbers = ["0612345678", "42", "7"]
    >>> sheet = contact_sheet(generate_batch(numbers, (5, 10), 100, seed=1), numbers, columns=1, scale=2)
    >>> sheet.dtype, sheet.ndim
    (dtype('uint8'), 2)
    """
    import numpy as np  # noqa: PLC0415 - see the module's first lines, here and below
    from PIL import Image, ImageDraw  # noqa: PLC0415

    texts = list(labels)
    _check_pages(images, texts)
    if boxes is not None:
        _check_boxes(boxes, images)
    font = _label_font()
    # Of a text with strokes above and below the line; from the top, as texts are placed by it.
    line_height = int(font.getbbox("(|gjpqy0123456789)")[3])
    columns, scale = _arrangement(images.shape, line_height, columns, scale)
    tile = _tile(images.shape, scale)
    size = _size(len(images), columns, tile, line_height)
    if size[0] * size[1] > _MOST_PIXELS:
        raise SpecError(
            f"the sheet of {len(images)} images would be {size[0]} x {size[1]} px: at most 2**28 pixels are possible; "
            "show fewer images, or smaller ones"
        )
    places = [
        (_GAP + k % columns * (tile[0] + _GAP), _GAP + k // columns * (tile[1] + line_height + _TEXT_GAP + _GAP))
        for k in range(len(images))
    ]

    paper = Image.new("L", size, _GROUND)
    pen = ImageDraw.Draw(paper)
    for (left, top), text in zip(places, texts, strict=True):
        pen.text((left, top + tile[1] + _TEXT_GAP), _shortened(str(text), font, tile[0]), fill=_TEXT_GREY, font=font)
    sheet = np.array(paper)
    # Images last: where the font goes beyond its measures it must not touch them.
    for (left, top), image in zip(places, images, strict=True):
        framed = sheet[top : top + tile[1], left : left + tile[0]]
        framed[:] = _BORDER_GREY
        framed[_BORDER:-_BORDER, _BORDER:-_BORDER] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return sheet if boxes is None else _boxed(sheet, places, tile, scale, boxes)


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
        gaps = _CLEAN_SPACING if style.is_clean and spacing_range is None else spacing_range
        images = generate_batch(labels, gaps, width, style=style, seed=seed, digits=digits)
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
    from number_generator.numbers.sequences import labels_of, pack_sequences  # noqa: PLC0415

    packed = pack_sequences(sequences)
    if not len(packed):
        raise SpecError("sequences is empty: give at least one, or None to draw numbers")
    texts = [label.decode("ascii") for label in labels_of(packed, packed.longest)]
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


def _boxed(
    sheet: Images,
    places: list[tuple[int, int]],
    tile: tuple[int, int],
    scale: int,
    boxes: npt.NDArray[np.integer],
) -> Images:
    """Give a sheet in colours, with boxes on its images; neighbours differ in colour."""
    import numpy as np  # noqa: PLC0415

    coloured = sheet[:, :, None].repeat(3, axis=2)
    for (left, top), of_image in zip(places, boxes, strict=True):
        framed = coloured[top : top + tile[1], left : left + tile[0]]
        for number, (x0, y0, x1, y1) in enumerate(np.asarray(of_image).tolist()):
            if x0 < 0:
                continue
            # The frame is a pixel wide, and so a box that begins at the image's edge is drawn on it.
            x, y = _BORDER + x0 * scale - 1, _BORDER + y0 * scale - 1
            right, bottom = _BORDER + x1 * scale, _BORDER + y1 * scale
            colour = _BOX_COLOURS[number % len(_BOX_COLOURS)]
            framed[[y, bottom], x : right + 1] = colour
            framed[y : bottom + 1, [x, right]] = colour
    return coloured


def _check_pages(images: Any, texts: list[object]) -> None:
    import numpy as np  # noqa: PLC0415

    if not isinstance(images, np.ndarray) or images.ndim != 3 or images.dtype != np.uint8:
        is_array = isinstance(images, np.ndarray)
        seen = f"an array of shape {images.shape} and type {images.dtype}" if is_array else type(images).__name__
        raise SpecError(f"images is {seen}: give a uint8 array of shape (N, height, width)")
    if not images.size:
        raise SpecError(f"images has shape {images.shape}: a sheet shows at least one image that has pixels")
    if len(images) != len(texts):
        raise SpecError(f"there are {len(images)} images and {len(texts)} labels: give one label for each image")


def _check_boxes(boxes: Any, images: Images) -> None:
    import numpy as np  # noqa: PLC0415

    count, height, width = images.shape
    is_array = isinstance(boxes, np.ndarray)
    if not is_array or boxes.ndim != 3 or boxes.dtype.kind not in "iu" or boxes.shape[::2] != (count, 4):
        seen = f"an array of shape {boxes.shape} and type {boxes.dtype}" if is_array else type(boxes).__name__
        raise SpecError(f"boxes is {seen}: give an integer array of shape (N, L, 4), for {count} images")
    there = boxes[boxes[:, :, 0] >= 0]
    beyond = there[
        (there[:, :2] > there[:, 2:]).any(axis=1) | (there < 0).any(axis=1) | (there > [width, height] * 2).any(axis=1)
    ]
    if len(beyond):
        raise SpecError(
            f"boxes hold {beyond[0].tolist()}, no box of an image of {width} x {height} px: give x0, y0, x1, y1"
        )


def _arrangement(shape: tuple[int, ...], line_height: int, columns: int | None, scale: int | None) -> tuple[int, int]:
    """Choose columns and scale as far as they are not given."""
    from number_generator.job.spec import MAX_WIDTH  # noqa: PLC0415
    from number_generator.system.checks import check_integer  # noqa: PLC0415

    count, _, width = shape
    if columns is not None:
        columns = min(check_integer("columns", columns, 1), count)
    if scale is not None:
        scale = check_integer("scale", scale, 1, MAX_WIDTH)

    def fault(choice: tuple[int, int]) -> float:
        sheet_width, sheet_height = _size(count, choice[0], _tile(shape, choice[1]), line_height)
        beyond = max(0.0, abs(log(sheet_width / sheet_height)) - log(_WIDEST_ASPECT))
        return abs(log(sheet_width / _WIDTH)) + 3 * beyond

    choices = []
    for across in range(1, count + 1) if columns is None else [columns]:
        fitting = ((_WIDTH - _GAP) // across - _GAP - 2 * _BORDER) // width
        scales = (max(1, fitting), max(1, fitting + 1)) if scale is None else (scale,)
        choices += [(across, tried) for tried in scales]
    return min(choices, key=fault)


def _tile(shape: tuple[int, ...], scale: int) -> tuple[int, int]:
    """Give the width and height of a framed image in px."""
    return shape[2] * scale + 2 * _BORDER, shape[1] * scale + 2 * _BORDER


def _size(count: int, columns: int, tile: tuple[int, int], line_height: int) -> tuple[int, int]:
    """Give the width and height of a sheet in px."""
    rows = -(-count // columns)
    return _GAP + columns * (tile[0] + _GAP), _GAP + rows * (tile[1] + _TEXT_GAP + line_height + _GAP)


def _label_font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont  # noqa: PLC0415

    try:
        return ImageFont.load_default(size=_TEXT_SIZE)
    except (TypeError, ImportError):  # Pillow before 10.1, and one that was built without FreeType
        return ImageFont.load_default()


def _shortened(text: str, font: Any, width: int) -> str:
    """Give as much of a text as is at most `width` px wide, with dots for the rest."""
    # A line break would make two lines, and Pillow's older default font has few other characters.
    shown = "".join(letter if " " <= letter <= "~" else "?" for letter in text[: width + 1])
    if len(text) <= width and font.getlength(shown) <= width:
        return shown
    kept = bisect_right(range(len(shown)), width, key=lambda length: font.getlength(shown[:length] + _DOTS)) - 1
    return shown[:kept] + _DOTS if kept > 0 else ""
