"""Images as PNG bytes: what any decoder opens to the same pixels, and as small as Pillow's."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from number_generator import generate_batch
from number_generator.formats.image_encoding import encode_png


def decoded(encoded):
    """Decode an 8-bit grey PNG by its specification, which allows for nothing that is not checked here."""
    assert encoded[:8] == b"\x89PNG\r\n\x1a\n"
    blocks, place = [], 8
    while place < len(encoded):
        length, name = struct.unpack_from(">I4s", encoded, place)
        content = encoded[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", encoded, place + 8 + length)
        assert checksum == zlib.crc32(name + content)
        blocks.append((name, content))
        place += 12 + length
    (first, header), (second, data), (last, nothing) = blocks
    assert (first, second, last, nothing) == (b"IHDR", b"IDAT", b"IEND", b"")
    width, height, *rest = struct.unpack(">IIBBBBB", header)
    assert rest == [8, 0, 0, 0, 0]
    inflater = zlib.decompressobj()
    rows = np.frombuffer(inflater.decompress(data) + inflater.flush(), np.uint8).reshape(height, width + 1)
    assert (inflater.eof, inflater.unused_data) == (True, b"")
    if rows[0, 0] == 0:
        assert (rows[:, 0] == 0).all()  # no filter
        return rows[:, 1:]
    assert (rows[:, 0] == 4).all()  # the filter that Paeth found
    page = np.zeros((height + 1, width + 1), int)
    for y, x in np.ndindex(height, width):
        left, above, corner = page[y + 1, x], page[y, x + 1], page[y, x]
        nearest = min((left, above, corner), key=lambda value: abs(left + above - corner - value))
        page[y + 1, x + 1] = (rows[y, x + 1] + nearest) % 256
    return page[1:, 1:]


@given(st.integers(1, 70), st.integers(1, 300), st.integers(1, 3), st.sampled_from([1, 2, 256]))
def test_images_come_back_exactly(height, width, count, values):
    images = np.random.default_rng(height * width).integers(0, values, (count, height, width), np.uint8)

    for image, encoded in zip(images, encode_png(images), strict=True):
        assert np.array_equal(decoded(encoded), image)
        with Image.open(io.BytesIO(encoded)) as opened:
            assert opened.mode == "L"
            assert np.array_equal(np.asarray(opened), image)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 4, 65_535), (1, 3000, 1)])
@pytest.mark.parametrize("value", [0, 255])
def test_blank_pages_come_back_exactly(shape, value):
    images = np.full(shape, value, np.uint8)

    assert all(np.array_equal(decoded(encoded), images[0]) for encoded in encode_png(images))


def test_no_images_are_no_bytes():
    assert encode_png(np.empty((0, 28, 100), np.uint8)) == []


def test_part_of_a_larger_array_is_encoded_as_it_is():
    whole = np.random.default_rng(0).integers(0, 256, (6, 10, 20), np.uint8)

    assert encode_png(whole[::2, :, ::-1]) == encode_png(np.ascontiguousarray(whole[::2, :, ::-1]))


@pytest.mark.parametrize("style", ["clean", "natural", "document"])
def test_files_are_no_larger_than_pillows_by_more_than_a_few_per_cent(style):
    spacing = (5, 10) if style == "clean" else None
    images = generate_batch(["0312345678"] * 100, spacing, 100, style=style, seed=1)

    ours = sum(map(len, encode_png(images)))
    pillows = 0
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        pillows += file.tell()
    assert ours < 1.05 * pillows
