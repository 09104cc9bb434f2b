"""Contact sheets: many labelled images at a glance."""

from bisect import bisect_right
from collections.abc import Iterable
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from number_generator.errors import SpecError
from number_generator.job.chunk import Images
from number_generator.job.spec import MAX_WIDTH
from number_generator.system.checks import check_integer

_WIDTH = 1200
_WIDEST_ASPECT = 4 / 3  # of the sheet, lying or standing
_MOST_PIXELS = 2**28
_GROUND, _BORDER_GREY, _TEXT_GREY = 176, 96, 0
_BORDER, _GAP, _TEXT_GAP = 1, 10, 3
_BOX_COLOURS = ((220, 30, 30), (30, 80, 220))
_TEXT_SIZE = 13
_MORE_LETTERS = "£¥€"
_DOTS = "..."  # Pillow's older default font has no single character for them


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
        At least one image. They are shown unchanged, framed in grey on a lighter grey background.
    labels : iterable, of length N
        Texts, or objects that `str` turns into texts. Long ones are shortened, and "?" replaces characters that are not
        ASCII.
    columns : int, optional
        Images side by side; None chooses so that the sheet is neither wide nor tall (4:3 to 3:4).
    scale : int, optional
        Width and height in px at which a pixel of an image is shown; None chooses so that the sheet is about 1,200 px
        wide.
    boxes : ndarray, shape (N, L, 4), int, optional
        Boxes to draw on each image: x0, y0, x1, y1 in px of the image, half-open, -1 where there is none. Their lines
        are drawn around what they hold, and no further out than the frame.

    Returns
    -------
    ndarray, shape (h, w), or (h, w, 3) in red, green and blue with boxes, uint8

    Raises
    ------
    SpecError
        If there are no images, the arguments do not match, or the sheet would have more than 2**28 pixels.

    Examples
    --------
    >>> from number_generator import generate_batch
    >>> from number_generator.rendering.sheet import contact_sheet
    >>> numbers = ["0612345678", "42", "7"]
    >>> sheet = contact_sheet(generate_batch(numbers, (5, 10), 100, seed=1), numbers, columns=1, scale=2)
    >>> sheet.dtype, sheet.ndim
    (dtype('uint8'), 2)
    """
    texts = list(labels)
    _check_pages(images, texts)
    if boxes is not None:
        _check_boxes(boxes, images)
    font = _load_font()
    # The height of a text with strokes above and below the line, from the top, where texts are placed.
    line_height = int(font.getbbox("(|gjpqy0123456789)")[3])
    columns, scale = _choose_arrangement(images.shape, line_height, columns, scale)
    tile = _measure_tile(images.shape, scale)
    size = _measure_sheet(len(images), columns, tile, line_height)
    if size[0] * size[1] > _MOST_PIXELS:
        raise SpecError(
            f"the sheet of {len(images)} images would be {size[0]} x {size[1]} px: at most 2**28 pixels are possible; "
            "show fewer or smaller images"
        )
    places = [
        (_GAP + k % columns * (tile[0] + _GAP), _GAP + k // columns * (tile[1] + line_height + _TEXT_GAP + _GAP))
        for k in range(len(images))
    ]

    paper = Image.new("L", size, _GROUND)
    pen = ImageDraw.Draw(paper)
    for (left, top), text in zip(places, texts, strict=True):
        pen.text((left, top + tile[1] + _TEXT_GAP), _shorten(str(text), font, tile[0]), fill=_TEXT_GREY, font=font)
    sheet = np.array(paper)
    # Images last: a font that exceeds its measures must not touch them.
    for (left, top), image in zip(places, images, strict=True):
        framed = sheet[top : top + tile[1], left : left + tile[0]]
        framed[:] = _BORDER_GREY
        framed[_BORDER:-_BORDER, _BORDER:-_BORDER] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return sheet if boxes is None else _draw_boxes(sheet, places, tile, scale, boxes)


def _draw_boxes(
    sheet: Images, places: list[tuple[int, int]], tile: tuple[int, int], scale: int, boxes: npt.NDArray[np.integer]
) -> Images:
    """Return the sheet in colours, with boxes on its images; neighbouring boxes differ in colour."""
    coloured = sheet[:, :, None].repeat(3, axis=2)
    for (left, top), of_image in zip(places, boxes, strict=True):
        framed = coloured[top : top + tile[1], left : left + tile[0]]
        for number, (x0, y0, x1, y1) in enumerate(np.asarray(of_image).tolist()):
            if x0 < 0:
                continue
            # The frame is a pixel wide, so the line of a box at the image's edge is drawn on the frame.
            x, y = _BORDER + x0 * scale - 1, _BORDER + y0 * scale - 1
            right, bottom = _BORDER + x1 * scale, _BORDER + y1 * scale
            colour = _BOX_COLOURS[number % len(_BOX_COLOURS)]
            framed[[y, bottom], x : right + 1] = colour
            framed[y : bottom + 1, [x, right]] = colour
    return coloured


def _check_pages(images: Any, texts: list[object]) -> None:
    if not isinstance(images, np.ndarray) or images.ndim != 3 or images.dtype != np.uint8:
        is_array = isinstance(images, np.ndarray)
        seen = f"an array of shape {images.shape} and type {images.dtype}" if is_array else type(images).__name__
        raise SpecError(f"images is {seen}: give a uint8 array of shape (N, height, width)")
    if not images.size:
        raise SpecError(f"images has shape {images.shape}: a sheet shows at least one image with pixels")
    if len(images) != len(texts):
        raise SpecError(f"there are {len(images)} images and {len(texts)} labels: give one label for each image")


def _check_boxes(boxes: Any, images: Images) -> None:
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
            f"boxes hold {beyond[0].tolist()}, which is not a box of an image of {width} x {height} px: give x0, y0, "
            "x1, y1"
        )


def _choose_arrangement(
    shape: tuple[int, ...], line_height: int, columns: int | None, scale: int | None
) -> tuple[int, int]:
    """Choose columns and scale, unless they are given."""
    count, _, width = shape
    if columns is not None:
        columns = min(check_integer("columns", columns, 1), count)
    if scale is not None:
        scale = check_integer("scale", scale, 1, MAX_WIDTH)

    def rate(choice: tuple[int, int]) -> float:
        sheet_width, sheet_height = _measure_sheet(count, choice[0], _measure_tile(shape, choice[1]), line_height)
        beyond = max(0.0, abs(log(sheet_width / sheet_height)) - log(_WIDEST_ASPECT))
        return abs(log(sheet_width / _WIDTH)) + 3 * beyond

    choices = []
    for across in range(1, count + 1) if columns is None else [columns]:
        fitting = ((_WIDTH - _GAP) // across - _GAP - 2 * _BORDER) // width
        scales = (max(1, fitting), max(1, fitting + 1)) if scale is None else (scale,)
        choices += [(across, tried) for tried in scales]
    return min(choices, key=rate)


def _measure_tile(shape: tuple[int, ...], scale: int) -> tuple[int, int]:
    """Return the width and height of a framed image in px."""
    return shape[2] * scale + 2 * _BORDER, shape[1] * scale + 2 * _BORDER


def _measure_sheet(count: int, columns: int, tile: tuple[int, int], line_height: int) -> tuple[int, int]:
    """Return the width and height of a sheet in px."""
    rows = -(-count // columns)
    return _GAP + columns * (tile[0] + _GAP), _GAP + rows * (tile[1] + _TEXT_GAP + line_height + _GAP)


def _load_font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.load_default(size=_TEXT_SIZE)
    except (TypeError, ImportError):  # Pillow before 10.1, or built without FreeType
        return ImageFont.load_default()


def _shorten(text: str, font: Any, width: int) -> str:
    """Return as much of a text as fits in `width` px, with dots for the rest."""
    # A line break would make two lines, and Pillow's default fonts have few characters besides ASCII.
    more = _MORE_LETTERS if isinstance(font, ImageFont.FreeTypeFont) else ""
    shown = "".join(letter if " " <= letter <= "~" or letter in more else "?" for letter in text[: width + 1])
    if len(text) <= width and font.getlength(shown) <= width:
        return shown
    kept = bisect_right(range(len(shown)), width, key=lambda length: font.getlength(shown[:length] + _DOTS)) - 1
    return shown[:kept] + _DOTS if kept > 0 else ""
