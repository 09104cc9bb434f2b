"""Images as PNG bytes: 8 bits in grey or in colour, one deflate stream, small as Pillow's and several times as fast."""

import zlib

import numpy as np
import numpy.typing as npt
from isal import igzip_lib

from number_generator.formats.image_headers import COLOUR_8_BIT, END, GREY_8_BIT, SIGNATURE
from number_generator.formats.ragged import group_sizes
from number_generator.job.chunk import Chunk

# Measured with 28 x 100 images of the style `clean`, one core: 34,000 images/s of 901 bytes each; Pillow by default,
# 6,600 of 916. igzip's level 0 writes 100,000/s of 1,186 bytes; zlib's level 1, 13,000 of 932; libdeflate's level 1,
# 37,000 of 906. A kernel that only looked for runs and for the row above, with one Huffman code per image, made files
# 3 % smaller and took half as long again: that code takes most of the time.
_LEVEL = 1
_WINDOW_BITS = 9
# Filters make ink on white paper larger: `clean` takes 1,022 bytes with `sub`, 1,072 with `paeth`. The noise of a
# scanned page, which has few equal neighbours, takes 2,334 bytes with `paeth` (17,000 images/s), 2,547 without a
# filter, and 2,318 with Pillow.
_PAETH = 4
_LEAST_EQUAL = 0.5
_FILTERED_BYTES = 2**18  # at a time: intermediate arrays take twelve times as much


def encode_chunk(chunk: Chunk) -> list[bytes]:
    """Return each image of a chunk, at its own size, as the bytes of a PNG file."""
    return encode_png(chunk.images) if chunk.sizes is None else encode_cut(chunk.images, chunk.sizes)


def encode_cut(images: npt.NDArray[np.uint8], sizes: npt.NDArray[np.integer]) -> list[bytes]:
    """Return images, of which each is the upper left corner of its row, at their own sizes, as `encode_png` does."""
    pages = [b""] * len(images)
    for height, width, rows in group_sizes(sizes):
        for row, page in zip(rows.tolist(), encode_png(images[rows, :height, :width]), strict=True):
            pages[row] = page
    return pages


def encode_png(images: npt.NDArray[np.uint8]) -> list[bytes]:
    """Return each image as the bytes of a PNG file.

    Parameters
    ----------
    images : ndarray, shape (n, height, width) or, in red, green and blue, (n, height, width, 3), uint8
        0 is black, 255 is white.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from PIL import Image
    >>> from number_generator.formats.image_encoding import encode_png
    >>> [encoded] = encode_png(np.full((1, 28, 100), 255, np.uint8))
    >>> Image.open(io.BytesIO(encoded)).size
    (100, 28)
    """
    count, height, width = images.shape[:3]
    channels = 1 if images.ndim == 3 else images.shape[3]
    kind = GREY_8_BIT if channels == 1 else COLOUR_8_BIT
    header = SIGNATURE + _make_block(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + kind)
    length = width * channels
    images = images.reshape(count, height, length)
    rows = np.zeros((count, height, length + 1), np.uint8)  # the number of its filter precedes each row
    rows[:, :, 1:] = images
    equal = np.count_nonzero(images[:, :, channels:] == images[:, :, :-channels], axis=(1, 2))
    noisy = np.flatnonzero(equal < _LEAST_EQUAL * height * (length - channels))
    step = max(1, _FILTERED_BYTES // (height * length))
    for first in range(0, len(noisy), step):
        some = noisy[first : first + step]
        rows[some, :, 0] = _PAETH
        rows[some, :, 1:] = _filter_paeth(images[some], channels)
    compress, container, memory = igzip_lib.compress, igzip_lib.COMP_ZLIB, igzip_lib.MEM_LEVEL_DEFAULT
    return [
        b"".join((header, _make_block(b"IDAT", compress(page, _LEVEL, container, memory, _WINDOW_BITS)), END))
        for page in rows.reshape(count, height * (length + 1))
    ]


def _filter_paeth(rows: npt.NDArray[np.uint8], channels: int) -> npt.NDArray[np.uint8]:
    """Return the differences of bytes from the neighbour (left, above, corner) nearest to left + above - corner."""
    framed = np.pad(rows.astype(np.int16), ((0, 0), (1, 0), (channels, 0)))
    left, above, corner = framed[:, 1:, :-channels], framed[:, :-1, channels:], framed[:, :-1, :-channels]
    # The distances of left + above - corner from each neighbour.
    from_left, from_above = np.abs(above - corner), np.abs(left - corner)
    from_corner = np.abs(left + above - 2 * corner)
    nearest = np.where(from_above <= from_corner, above, corner)
    nearest = np.where((from_left <= from_above) & (from_left <= from_corner), left, nearest)
    return (rows - nearest).astype(np.uint8)


def _make_block(name: bytes, content: bytes) -> bytes:
    """Return a block of a PNG file: length, name, content and checksum."""
    named = name + content
    return b"".join((len(content).to_bytes(4, "big"), named, zlib.crc32(named).to_bytes(4, "big")))
