"""Contact sheets: many labelled images at a glance."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
_LEAST_TEXT_WIDTH = 120  # of an image's own place, if images differ in size
_LARGEST_SCALE = 8  # that is tried for them
_BOX_COLOURS = ((220, 30, 30), (30, 80, 220))
_TEXT_SIZE = 13
_MORE_LETTERS = "£¥€"
_DOTS = "..."  # Pillow's older default font has no single character for them


@dataclass(frozen=True, slots=True)
class _Arrangement:
    """Where the images are on a sheet."""

    size: tuple[int, int]  # width and height of the sheet in px
    scale: int
    places: list[tuple[int, int]]  # left and top of each framed image
    tiles: list[tuple[int, int]]  # width and height of each


def contact_sheet(
    images: Images | Sequence[Images],
    labels: Iterable[object],
    *,
    columns: int | None = None,
    scale: int | None = None,
    boxes: npt.NDArray[np.integer] | None = None,
) -> Images:
    """Lay images out on one sheet, row by row, each with its label below.

    Parameters
    ----------
    images : ndarray, shape (N, H, W), or (N, H, W, 3) in colour, uint8, or a list of images that differ in size
        At least one image. They are shown unchanged, framed in grey on a lighter grey background.
    labels : iterable, of length N
        Texts, or objects that `str` turns into texts. Long ones are shortened, and "?" replaces characters that are not
        ASCII.
    columns : int, optional
        Images side by side, of those that differ in size at most; None chooses so that the sheet is neither wide nor
        tall (4:3 to 3:4).
    scale : int, optional
        Width and height in px at which a pixel of an image is shown; None chooses so that the sheet is about 1,200 px
        wide.
    boxes : ndarray, shape (N, L, 4), int, optional
        Boxes to draw on each image: x0, y0, x1, y1 in px of the image, half-open, -1 where there is none. Their lines
        are drawn around what they hold, and no further out than the frame.

    Returns
    -------
    ndarray, shape (h, w), or (h, w, 3) in red, green and blue with boxes or images in colour, uint8

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
    if isinstance(images, np.ndarray):
        shown = _arrange_grid(images.shape[:3], line_height, columns, scale)
    else:
        shown = _arrange_rows(
            images, [font.getlength(_clean(text, font)) for text in texts], line_height, columns, scale
        )
    size = shown.size
    if size[0] * size[1] > _MOST_PIXELS:
        raise SpecError(
            f"the sheet of {len(images)} images would be {size[0]} x {size[1]} px: at most 2**28 pixels are possible; "
            "show fewer or smaller images"
        )

    paper = Image.new("L", size, _GROUND)
    pen = ImageDraw.Draw(paper)
    for (left, top), tile, text in zip(shown.places, shown.tiles, texts, strict=True):
        width = tile[0] if isinstance(images, np.ndarray) else max(tile[0], _LEAST_TEXT_WIDTH)
        pen.text((left, top + tile[1] + _TEXT_GAP), _shorten(str(text), font, width), fill=_TEXT_GREY, font=font)
    sheet = np.array(paper)
    is_coloured = images[0].ndim == 3
    if is_coloured or boxes is not None:
        sheet = sheet[:, :, None].repeat(3, axis=2)
    # Images last: a font that exceeds its measures must not touch them.
    for (left, top), tile, image in zip(shown.places, shown.tiles, images, strict=True):
        framed = sheet[top : top + tile[1], left : left + tile[0]]
        framed[:] = _BORDER_GREY
        enlarged = image.repeat(shown.scale, axis=0).repeat(shown.scale, axis=1)
        framed[_BORDER:-_BORDER, _BORDER:-_BORDER] = enlarged if enlarged.ndim == sheet.ndim else enlarged[..., None]
    if boxes is not None:
        _draw_boxes(sheet, shown, boxes)
    return sheet


def _draw_boxes(sheet: Images, shown: _Arrangement, boxes: npt.NDArray[np.integer]) -> None:
    """Draw boxes on the images of a sheet in colours; neighbouring boxes differ in colour."""
    scale = shown.scale
    for (left, top), tile, of_image in zip(shown.places, shown.tiles, boxes, strict=True):
        framed = sheet[top : top + tile[1], left : left + tile[0]]
        for number, (x0, y0, x1, y1) in enumerate(np.asarray(of_image).tolist()):
            if x0 < 0:
                continue
            # The frame is a pixel wide, so the line of a box at the image's edge is drawn on the frame.
            x, y = _BORDER + x0 * scale - 1, _BORDER + y0 * scale - 1
            right, bottom = _BORDER + x1 * scale, _BORDER + y1 * scale
            colour = _BOX_COLOURS[number % len(_BOX_COLOURS)]
            framed[[y, bottom], x : right + 1] = colour
            framed[y : bottom + 1, [x, right]] = colour


def _check_pages(images: Any, texts: list[object]) -> None:
    if isinstance(images, (list, tuple)):
        is_list = all(isinstance(page, np.ndarray) and page.dtype == np.uint8 for page in images)
        if not images or not is_list or {(page.ndim, *page.shape[2:]) for page in images} not in ({(2,)}, {(3, 3)}):
            raise SpecError(
                "images is a list: give uint8 arrays of shape (height, width), or all of shape (height, width, 3), and "
                "at least one"
            )
        is_blank = not all(page.size for page in images)
    else:
        is_array = isinstance(images, np.ndarray)
        if not is_array or images.dtype != np.uint8 or images.ndim < 3 or images.shape[3:] not in ((), (3,)):
            seen = f"an array of shape {images.shape} and type {images.dtype}" if is_array else type(images).__name__
            raise SpecError(f"images is {seen}: give a uint8 array of shape (N, height, width)")
        is_blank = not images.size
    if is_blank:
        seen = f"has shape {images.shape}" if isinstance(images, np.ndarray) else "is a list with an empty image"
        raise SpecError(f"images {seen}: a sheet shows at least one image with pixels")
    if len(images) != len(texts):
        raise SpecError(f"there are {len(images)} images and {len(texts)} labels: give one label for each image")


def _check_boxes(boxes: Any, images: Images | Sequence[Images]) -> None:
    is_array = isinstance(boxes, np.ndarray)
    count = len(images)
    if not is_array or boxes.ndim != 3 or boxes.dtype.kind not in "iu" or boxes.shape[::2] != (count, 4):
        seen = f"an array of shape {boxes.shape} and type {boxes.dtype}" if is_array else type(boxes).__name__
        raise SpecError(f"boxes is {seen}: give an integer array of shape (N, L, 4), for {count} images")
    limits = np.array([image.shape[1::-1] * 2 for image in images])[:, np.newaxis]
    is_beyond = (boxes[:, :, :2] > boxes[:, :, 2:]).any(axis=2) | (boxes < 0).any(axis=2) | (boxes > limits).any(axis=2)
    wrong = np.argwhere(is_beyond & (boxes[:, :, 0] >= 0))
    if len(wrong):
        number, box = wrong[0].tolist()
        height, width = images[number].shape[:2]
        raise SpecError(
            f"boxes hold {boxes[number, box].tolist()}, which is not a box of an image of {width} x {height} px: give "
            "x0, y0, x1, y1"
        )


def _arrange_grid(shape: tuple[int, ...], line_height: int, columns: int | None, scale: int | None) -> _Arrangement:
    """Arrange images of one size."""
    columns, scale = _choose_arrangement(shape, line_height, columns, scale)
    tile = _measure_tile(shape, scale)
    places = [
        (_GAP + k % columns * (tile[0] + _GAP), _GAP + k // columns * (tile[1] + line_height + _TEXT_GAP + _GAP))
        for k in range(shape[0])
    ]
    return _Arrangement(_measure_sheet(shape[0], columns, tile, line_height), scale, places, [tile] * shape[0])


def _arrange_rows(
    images: Sequence[Images], text_widths: Sequence[float], line_height: int, columns: int | None, scale: int | None
) -> _Arrangement:
    """Arrange images that differ in size: rows are as high as their highest image, and filled one after the other.

    The scale is the largest at which the sheet is no taller than three to four.
    """
    most = len(images) if columns is None else check_integer("columns", columns, 1)
    scales = range(1, _LARGEST_SCALE + 1) if scale is None else [check_integer("scale", scale, 1, MAX_WIDTH)]
    chosen: _Arrangement | None = None
    for tried in scales:
        tiles = [_measure_tile((1, *image.shape[:2]), tried) for image in images]
        found = _fill_rows(tiles, text_widths, line_height, most, tried)
        if chosen is not None and (found.size[0] > _WIDTH or found.size[1] > _WIDEST_ASPECT * _WIDTH):
            break
        chosen = found
    assert chosen is not None  # noqa: S101 - at least one scale is tried
    return chosen


def _fill_rows(
    tiles: list[tuple[int, int]], text_widths: Sequence[float], line_height: int, columns: int, scale: int
) -> _Arrangement:
    places: list[tuple[int, int]] = []
    left, top, row_height, in_row, right = _GAP, _GAP, 0, 0, 0
    for tile, text_width in zip(tiles, text_widths, strict=True):
        width = max(tile[0], min(round(text_width), _LEAST_TEXT_WIDTH))
        if in_row and (in_row == columns or left + width + _GAP > _WIDTH):
            left, top = _GAP, top + row_height + _TEXT_GAP + line_height + _GAP
            row_height = in_row = 0
        places.append((left, top))
        left += width + _GAP
        right, row_height, in_row = max(right, left), max(row_height, tile[1]), in_row + 1
    return _Arrangement((right, top + row_height + _TEXT_GAP + line_height + _GAP), scale, places, tiles)


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


def _clean(text: object, font: Any) -> str:
    """Return a text of one line in characters that the font has."""
    # A line break would make two lines, and Pillow's default fonts have few characters besides ASCII.
    more = _MORE_LETTERS if isinstance(font, ImageFont.FreeTypeFont) else ""
    return "".join(letter if " " <= letter <= "~" or letter in more else "?" for letter in str(text))


def _shorten(text: str, font: Any, width: int) -> str:
    """Return as much of a text as fits in `width` px, with dots for the rest."""
    shown = _clean(text[: width + 1], font)
    if len(text) <= width and font.getlength(shown) <= width:
        return shown
    kept = bisect_right(range(len(shown)), width, key=lambda length: font.getlength(shown[:length] + _DOTS)) - 1
    return shown[:kept] + _DOTS if kept > 0 else ""
