"""What lies beneath checksums and compression: taken out of a file, and put back so that the checksums agree."""

import gzip
import io
import struct
import zipfile
import zlib
from typing import NamedTuple

__all__ = ["LAYERS"]

_PNG = b"\x89PNG\r\n\x1a\n"
_BLOCK = 512


class _Layer(NamedTuple):
    """`suits(content)` tells whether a file has it, `changed(content, change, random)` changes a part of it."""

    suits: object
    changed: object


def _in_gzip(content, change, random):
    return gzip.compress(change(gzip.decompress(content)), mtime=0)


def _in_zip(content, change, random):
    """Change one member of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    chosen = random.randrange(len(members))
    file = io.BytesIO()
    packing = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(file, "w", packing) as archive:
        for number, (name, inner) in enumerate(members):
            archive.writestr(zipfile.ZipInfo(name), change(inner) if number == chosen else inner, packing)
    return file.getvalue()


def _in_png(content, change, random):
    """Change one chunk of an image, or its pixels before they are packed."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    chosen = random.randrange(len(chunks))
    parts = [_PNG]
    for number, (name, data) in enumerate(chunks):
        inner = data
        if number == chosen:
            is_unpacked = name == b"IDAT" and random.random() < 0.5
            inner = zlib.compress(change(zlib.decompress(data))) if is_unpacked else change(data)
        parts.append(struct.pack(">I", len(inner)) + name + inner + struct.pack(">I", zlib.crc32(name + inner)))
    return b"".join(parts)


def _in_tar(content, change, random):
    """Change the header of one member, and make its checksum right again."""
    headers = [at for at in range(0, len(content), _BLOCK) if content[at + 257 : at + 262] == b"ustar"]
    at = random.choice(headers)
    header = bytearray(change(content[at : at + _BLOCK]).ljust(_BLOCK, b"\0")[:_BLOCK])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return content[:at] + bytes(header) + content[at + _BLOCK :]


LAYERS = (
    _Layer(lambda content: content.startswith(b"\x1f\x8b"), _in_gzip),
    _Layer(lambda content: content.startswith(b"PK\x03\x04"), _in_zip),
    _Layer(lambda content: content.startswith(_PNG), _in_png),
    _Layer(lambda content: content[257:262] == b"ustar", _in_tar),
)
"""Each is tried on the content of a valid file alone."""
