"""The headers of tar files, checked against Python's own reader, and those that must not be followed."""

import io
import mmap
import tarfile

import pytest

from number_generator.errors import DatasetError
from number_generator.formats.paths import MalformedError
from number_generator.formats.reader import open_reader
from number_generator.formats.webdataset.tar import find_files

BLOCK = 512
KINDS = [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE]
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
END = bytes(2 * BLOCK)


def find(content):
    with mmap.mmap(-1, len(content)) as mapping:
        mapping[:] = content
        return list(find_files(mapping, "a.tar"))


def header(name="a.png", size=b"00000000000\0", kind=b"0"):
    block = bytearray(BLOCK)
    block[: len(name)] = name.encode()
    block[124:136] = size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extended(content, kind=b"x"):
    return header("pax", b"%011o\0" % len(content), kind) + content + bytes(-len(content) % BLOCK)


@pytest.mark.parametrize("tar_format", FORMATS)
def test_the_same_files_are_found_as_by_python(tar_format):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format, pax_headers={"comment": "of all"}) as archive:
        for number, kind in enumerate(KINDS * 2):
            member = tarfile.TarInfo(f"{'folder/' * 20 if number % 2 else ''}{number}.png")
            member.type = kind
            member.size = number * 100 if kind in (tarfile.REGTYPE, tarfile.CONTTYPE) else 0
            member.uname, member.mtime = "\u00e9", 1.5
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        expected = [(member.name, member.offset_data, member.size) for member in archive if member.isreg()]

    assert len(expected) == 6
    assert find(buffer.getvalue()) == expected


def test_a_size_may_be_of_bytes_or_of_a_pax_header():
    content = header(size=b"\x80" + (3).to_bytes(11, "big")) + b"abc".ljust(BLOCK, b"\0")
    content += extended(b"9 size=3\n") + header("b.png", b"00000000777\0") + b"def".ljust(BLOCK, b"\0") + END

    assert find(content) == [("a.png", BLOCK, 3), ("b.png", 5 * BLOCK, 3)]


@pytest.mark.parametrize(
    "size", [b"-0000001000\0", b"+0000001000\0", b"0000_001000\0", b"\xff" * 10 + b"\xfe\0", b"0x000001000\0"]
)
def test_a_size_that_is_no_number_leads_nowhere(size):
    with pytest.raises(MalformedError, match=r"a\.tar has a header with the number "):
        find(header(size=size) + bytes(4 * BLOCK))


@pytest.mark.parametrize(
    "content",
    [
        b"9" * 500_000,  # hours in Python's `tarfile`
        b"0 path=a\n",
        b"-9 path=a\n",
        b"99 path=a\n",
        b"10 path=ab",
        b"7 path\n",
        b"14 size=-1024\n",
        "10 size=\u00b2\n".encode(),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("kind", [b"x", b"g"])
def test_a_pax_header_that_is_damaged_is_refused(content, kind):
    with pytest.raises(MalformedError, match=r"a\.tar has a pax header"):
        find(extended(content, kind) + header() + END)


def test_a_header_may_not_be_far_too_long():
    with pytest.raises(MalformedError, match="has a name or a pax header of 2000000 bytes"):
        find(extended(b"a" * 2_000_000, b"L") + header() + END)


def test_a_wrong_checksum_is_refused():
    damaged = bytearray(header())
    damaged[0] ^= 1

    with pytest.raises(MalformedError, match="checksum"):
        find(bytes(damaged) + END)


def test_names_of_all_sorts_reach_no_terminal_as_they_are(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(header("\x1b[31m.png", b"00000077777\0") + END)
    content = bytearray(path.read_bytes())
    content[257:262] = b"ustar"
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:BLOCK])
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=r"cut short in '\\x1b"):
        open_reader(path)
