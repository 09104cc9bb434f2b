"""What PNG and JPEG files say before their pixels: size, orientation and depth, found without Pillow.

Pillow warns of metadata that it cannot read, once an image, and Python's filters of warnings belong to all threads. So
it is given the pixels, and what they mean, but no metadata.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from number_generator.formats.paths import MalformedError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_START = SIGNATURE + b"\0\0\0\x0dIHDR"
GREY_8_BIT = bytes((8, 0, 0, 0, 0))  # depth, colour type, compression, filters, no interlacing
COLOUR_8_BIT = bytes((8, 2, 0, 0, 0))
END = b"\0\0\0\0IEND\xaeB`\x82"
DATA_AT = 41  # after the signature, the header's 25 bytes, and length and name of the block of pixels

_JPEG_START = b"\xff\xd8"
_SCAN, _ADOBE, _COMMENT = 0xDA, 0xEE, 0xFE
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the segments that begin with depth, height and width
_BARE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers that no length follows
_METADATA = frozenset((*range(0xE1, 0xF0), _COMMENT)) - {_ADOBE}  # Adobe's says what the colours mean
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_ORIENTATION_TAG = 0x0112
_INTEGERS = {1: 1, 3: 2, 4: 4}  # the bytes of each kind of integer in EXIF
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:\s*=\s*["\']|>)\s*([1-8])')
_PNG_XMP, _PNG_PROFILE = b"XML:com.adobe.xmp\0", b"Raw profile type exif\0"
_MOST_PROFILE_BYTES = 1 << 20


class DamagedImageError(MalformedError):
    """An image is not what its name says, or not whole."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image says of itself."""

    stored_size: tuple[int, int]  # height and width, as the file has them
    depth: int  # bits of a channel
    orientation: int  # EXIF's, from 1 to 8: how a viewer turns and mirrors the image
    content: bytes  # the file without metadata
    scans: int = 1  # how often a decoder goes over the pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as a viewer shows them."""
        height, width = self.stored_size
        return (width, height) if self.orientation > 4 else (height, width)


def read_header(content: bytes, name: str) -> ImageHeader:
    """Return the header of a PNG or JPEG file, or raise DamagedImageError."""
    header = None
    if content.startswith(PNG_START) and len(content) >= DATA_AT:
        header = _read_png(content)
    elif content.startswith(_JPEG_START):
        header = _read_jpeg(content)
    if header is None:
        raise DamagedImageError(f"its image {name} is not a PNG or JPEG image")
    return header


def is_png_or_jpeg(content: bytes) -> bool:
    """Tell whether a file begins as PNG or JPEG files do."""
    return content.startswith((SIGNATURE, _JPEG_START))


def is_plain_png(content: bytes, kind: bytes = GREY_8_BIT) -> bool:
    """Tell whether a file is an 8-bit PNG of a kind, not interlaced, of one block of pixels and nothing else."""
    if not content.startswith(PNG_START) or content[24:29] != kind or content[37:DATA_AT] != b"IDAT":
        return False
    return content[plain_data_end(content) + 4 :] == END


def plain_data_end(content: bytes) -> int:
    """Return where the only block of pixels ends in a PNG."""
    return DATA_AT + int.from_bytes(content[33:37], "big")


def _read_png(content: bytes) -> ImageHeader:
    kept, orientation, other = [SIGNATURE], None, None
    for kind, block, body in _list_blocks(content):
        if kind == b"eXIf":
            orientation = _parse_exif(body) if orientation is None else orientation
        elif kind in (b"iTXt", b"zTXt", b"tEXt"):
            other = other or _parse_text(kind, body)
        elif kind[:1].isupper() or kind == b"tRNS":  # without the others, the image is the same
            kept.append(block)
    size = int.from_bytes(content[20:24], "big"), int.from_bytes(content[16:20], "big")
    return ImageHeader(size, content[24], _choose_orientation(orientation, other), b"".join(kept))


def _list_blocks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield name, whole block and content of the blocks of a PNG; the last may be cut short, as Pillow finds out."""
    at = len(SIGNATURE)
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        kind = content[at + 4 : at + 8]
        yield kind, content[at:end], content[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end


def _read_jpeg(content: bytes) -> ImageHeader | None:
    kept, orientation, other = [_JPEG_START], None, None
    size, depth, scans = None, 8, 1
    at = len(_JPEG_START)
    while (at := content.find(b"\xff", at)) >= 0 and at + 1 < len(content):
        marker = content[at + 1]
        if marker in (0x00, 0xFF) or marker in _BARE:  # stray bytes, filling, or nothing that has a length
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        body = content[at + 4 : end]
        if marker in _SIZES:  # the last one counts, as for Pillow
            depth, size = body[0] if body else 8, (int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"))
        if body.startswith(_EXIF):
            orientation = _parse_exif(body[len(_EXIF) :]) if orientation is None else orientation
        elif body.startswith(_XMP):
            other = other or _search_xmp(body)
        if marker == _SCAN:
            kept.append(content[at:])
            # No compressed data has these bytes: in them, a zero follows the first.
            scans = content.count(bytes((0xFF, _SCAN)), at)
            break
        if marker not in _METADATA:
            kept.append(content[at:end])
        at = max(end, at + 2)
    return size and ImageHeader(size, depth, _choose_orientation(orientation, other), b"".join(kept), scans)


def _choose_orientation(of_exif: int | None, other: int | None) -> int:
    """Return the orientation to obey: that of EXIF goes first."""
    found = other if of_exif is None else of_exif
    return found if found is not None and 1 <= found <= 8 else 1


def _parse_exif(tiff: bytes) -> int | None:
    """Return the orientation that an EXIF block gives; None if it gives none, or is broken."""
    if tiff[:2] not in (b"II", b"MM"):
        return None

    def read(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if tiff[:2] == b"II" else "big")

    first = read(4, 4)
    for entry in range(first + 2, min(first + 2 + 12 * read(first, 2), len(tiff)), 12):
        if read(entry, 2) == _ORIENTATION_TAG:
            return read(entry + 8, _INTEGERS.get(read(entry + 2, 2), 2))
    return None


def _parse_text(kind: bytes, body: bytes) -> int | None:
    """Return the orientation that a text block of a PNG gives: XMP, or EXIF as ImageMagick used to write it."""
    if kind == b"iTXt" and body.startswith(_PNG_XMP):
        return _search_xmp(body)
    if not body.startswith(_PNG_PROFILE):
        return None
    text = body[len(_PNG_PROFILE) :]
    try:
        if kind == b"zTXt":
            text = zlib.decompressobj().decompress(text[1:], _MOST_PROFILE_BYTES)
        # Two lines, of a name and a length, precede the bytes in hexadecimal digits.
        profile = bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except (zlib.error, ValueError):
        return None
    return _parse_exif(profile.removeprefix(_EXIF))


def _search_xmp(text: bytes) -> int | None:
    """Return the orientation in a text of XMP."""
    match = _XMP_ORIENTATION.search(text)
    return int(match[1]) if match else None
