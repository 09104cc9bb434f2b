"""What a dataset may unpack to: readers ask before they make what a file names many times, or packs into a few bytes.

A file of a few kilobytes can ask for gigabytes in many ways: a text that every row refers to, values that lie in one
another, a number that is repeated a billion times. What a sound file holds, beside its pixels, is in proportion to its
size and to the number of its images.
"""

from __future__ import annotations

from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError

FREE_BYTES = 64 << 20
"""What any file may unpack to, however small."""
FREE_IMAGES = 1 << 16
"""How many images any file may have, however small: the same one may be packed many times."""
_BYTES_PER_FILE_BYTE = 16
_BYTES_PER_IMAGE = 1 << 10


class Budget:
    """The memory that one read of a dataset of some size and number of images may take, beside its pixels."""

    def __init__(self, file_bytes: int, images: int = 0) -> None:
        # An image takes at least a byte, whatever the file says.
        self._left = FREE_BYTES + _BYTES_PER_FILE_BYTE * file_bytes + _BYTES_PER_IMAGE * min(images, file_bytes)

    def charge(self, byte_count: int) -> None:
        """Account for what is about to be made, or raise MalformedError."""
        self._left -= byte_count
        if self._left < 0:
            raise MalformedError("it asks for far more memory than its size explains")


def check_claim(file_bytes: int, shape: tuple[int, ...]) -> None:
    """Reject images of a shape that are too many, or of too many pixels, for a file of some size.

    An image takes at least a byte, but for the first thousands, and a pixel a bit, packed as tightly as deflate can.
    """
    count, height, width = shape
    if count > FREE_IMAGES + file_bytes or count * height * width > _count_most_pixels(file_bytes):
        raise MalformedError(
            f"it claims {count} images of {width} x {height} px, more than {file_bytes} bytes can hold"
        )


def check_pixels(file_bytes: int, pixels: int) -> None:
    """Reject as many pixels, of images that differ in size or of an array that they are put into, for such a file."""
    if pixels > _count_most_pixels(file_bytes):
        raise MalformedError(f"its images, put together, have {pixels} pixels, more than {file_bytes} bytes can hold")


def _count_most_pixels(file_bytes: int) -> int:
    return FREE_BYTES + 8 * DEFLATE_EXPANSION * file_bytes
