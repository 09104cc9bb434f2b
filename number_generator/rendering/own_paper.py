"""The user's own paper in memory: what the kernels cut pages from, at several scales."""

import io
import logging
import math
import threading
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels.own_paper import SCALES, SLACK, STEP
from number_generator.errors import SpecError
from number_generator.formats.image_decoding import Pixels, check_size, decode_colours, to_colours
from number_generator.formats.image_headers import is_png_or_jpeg, read_header
from number_generator.formats.paths import MalformedError
from number_generator.job.handwriting import Handwriting
from number_generator.job.paper_images import FolderHash, PaperImages, check_digest
from number_generator.system.threads import count_cores, ordered_map

OwnPaper = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], bool]
"""The texels of all pictures, where they are, and whether the style's own paper shades them: see the kernels."""

MOST_PICTURES = 128
"""So many pictures are used: of more, some that are spread evenly over the names."""
MOST_BYTES = 1 << 27
"""The memory that the pictures of one folder take in colour; those of two folders are kept."""

_CHANNELS = 3  # pictures are cut as if they were in colour, so that grey images show the same places
_LONG = 2.0  # what is cut out is at most so many times as long as a square: lines are long
_OTHER_FORMATS = ("TIFF", "BMP", "WEBP")
_READERS = 4  # threads: each may hold a large picture
NO_PAPER: OwnPaper = (np.zeros(0, np.uint8), np.zeros((0, SCALES, 3), np.int64), False)
"""No pictures."""

_logger = logging.getLogger(__name__)
_LOADING = threading.Lock()


def find_own_paper(style: Handwriting, *, color: bool = False) -> OwnPaper:
    """Return the pictures that a style cuts pages from, none if it has no paper of its own.

    They are read once a process, for each folder and range of scales.

    Raises
    ------
    SpecError
        If a picture cannot be read, or they are not those that the style was made with.
    """
    if style.paper_images is None:
        return NO_PAPER
    smallest, largest = style.own_paper_scale.bounds()
    with _LOADING:  # many threads begin at once, and the first one's work serves all
        texels, places = _load(style.paper_images, _find_scale(largest), _find_scale(smallest), color)
    return texels, places, style.own_paper_shading == "style"


def _find_scale(value: float) -> int:
    """Return the number of the scale that a kernel takes for a value: the nearest one."""
    scale, edge = 0, math.sqrt(STEP)
    while value < edge and scale < SCALES - 1:
        scale, edge = scale + 1, edge * STEP
    return scale


@lru_cache(maxsize=2)
def _load(
    images: PaperImages, first: int, last: int, color: bool
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Read the pictures of a folder at the scales from `first` to `last`."""
    files = images.list_files()
    count = min(len(files), MOST_PICTURES)
    if count < len(files):
        _logger.info("%d of the %d pictures in %s are used", count, len(files), images.path)
    used = {len(files) * k // count for k in range(count)}
    # Scale k has a share of 2**-k of the pixels.
    share = MOST_BYTES // _CHANNELS / count / sum(0.5**scale for scale in range(first, last + 1))
    hashed = FolderHash()
    scale = partial(_scale_picture, share=share, scales=range(first, last + 1), color=color)
    pictures = list(ordered_map(scale, _read_files(files, used, hashed), min(_READERS, count_cores())))
    check_digest(images.path, images.sha256, hashed.hexdigest())
    places = np.empty((count, SCALES, 3), np.int64)
    texels = np.zeros(sum(level.size for levels in pictures for level in levels) + 2 * SLACK, np.uint8)
    at = SLACK
    for number, levels in enumerate(pictures):
        for level, own in enumerate(levels, start=first):
            texels[at : at + own.size] = own.ravel()
            places[number, level] = at, *own.shape[1:]
            at += own.size
        places[number, :first], places[number, last + 1 :] = places[number, first], places[number, last]
    return texels, places


def _read_files(files: list[Path], used: set[int], hashed: FolderHash) -> Iterator[tuple[Path, bytes]]:
    """Yield those files that are used, with their bytes; all of them count for the digest."""
    for number, file in enumerate(files):
        try:
            content = hashed.add(file)
        except OSError as exc:
            raise SpecError(f"the paper image {file} cannot be read: {exc.strerror or exc}; take it out") from exc
        if number in used:
            yield file, content


def _scale_picture(picture: tuple[Path, bytes], share: float, scales: range, color: bool) -> list[Pixels]:
    """Return a picture at some scales, each of shape (channels, height, width), cut to a share of pixels at scale 0."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    file, content = picture
    try:
        pixels = _decode(content, file.name)
    except MalformedError as exc:
        raise SpecError(f"the paper images hold {file}: {exc}; save it again, or take it out") from exc
    whole = Image.fromarray(_cut_middle(pixels, share))
    whole = whole if color else whole.convert("L")
    levels = []
    for scale in scales:
        width, height = (max(1, round(length * STEP**scale)) for length in whole.size)
        level = np.asarray(whole if scale == 0 else whole.resize((width, height), Image.Resampling.HAMMING))
        levels.append(np.ascontiguousarray(np.moveaxis(level, -1, 0) if color else level[None]))
    return levels


def _cut_middle(pixels: Pixels, share: float) -> Pixels:
    """Return the middle of a picture: at most `share` pixels, and rather wide than high."""
    height, width = pixels.shape[:2]
    if height * width <= share:
        return pixels
    wide = min(width, int(_LONG * math.sqrt(share)))
    high = min(height, int(share / wide))
    wide = min(width, int(share / high))
    top, left = (height - high) // 2, (width - wide) // 2
    return np.ascontiguousarray(pixels[top : top + high, left : left + wide])


def _decode(content: bytes, name: str) -> Pixels:
    """Return a picture in red, green and blue, upright and on white, or raise MalformedError."""
    if is_png_or_jpeg(content):
        header = read_header(content, name)
        check_size(header.size, name)
        return decode_colours(header, name)
    from PIL import Image, ImageOps  # noqa: PLC0415 - loads when it is used

    try:
        with Image.open(io.BytesIO(content), formats=_OTHER_FORMATS) as image:
            check_size((image.height, image.width), name)
            upright = ImageOps.exif_transpose(image)
            return to_colours(_to_8_bits(upright))
    except MalformedError:
        raise
    except Exception as exc:  # as for PNG and JPEG: decoders raise anything
        raise MalformedError(f"its image {name} cannot be decoded ({type(exc).__name__}: {exc})") from exc


def _to_8_bits(image: Any) -> Any:
    """Return a Pillow image with levels up to 255, of one that may have 16 bits, or numbers of any kind."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    if image.mode[0] not in "IF":
        return image
    levels = np.asarray(image).astype(np.float64)
    most = levels.max()
    white = next((white for white in (1.0, 255.0, 65535.0) if most <= white), most)
    return Image.fromarray(np.rint(np.clip(levels / white, 0, 1) * 255).astype(np.uint8))
