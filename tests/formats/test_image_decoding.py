"""One way of reading a picture, through every door: as a viewer shows it, on white, in 8 bits, without a warning."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps
from tars import write_tar

from number_generator.digits.image_folder import load_folder
from number_generator.errors import DatasetError
from number_generator.formats.image_decoding import decode_page
from number_generator.formats.paths import MalformedError
from number_generator.formats.reader import open_reader

PAGE = np.full((12, 20), 255, np.uint8)
PAGE[3:9, 4:7] = 0
PAGE[2:4, 10:18] = 100
ORIENTATION = 0x0112


def encoded(image, **options):
    stream = io.BytesIO()
    image.save(stream, **{"format": "PNG", **options})
    return stream.getvalue()


def decoded(content):
    return decode_page(content, "a")


def make_exif(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def make_transparent(page, ink=(0, 0, 0)):
    return Image.fromarray(np.dstack([np.full((*page.shape, 3), ink, np.uint8), 255 - page]))


def make_blocks(*blocks):
    """Return a PNG of blocks, each a name and its content."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in blocks
    )


def make_png(rows, depth, colour, *, before=()):
    """Return a PNG of raw rows, with blocks before its pixels."""
    rows = np.asarray(rows, np.uint8)
    width = rows.shape[1] * 8 // (depth * {0: 1, 2: 3}[colour])
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return make_blocks((b"IHDR", header), *before, (b"IDAT", data), (b"IEND", b""))


# --- every door


def write_labelled(folder, content, ending):
    (folder / f"a{ending}").write_bytes(content)
    (folder / "gt.txt").write_text(f"a{ending}\t7\n", encoding="utf-8")
    return folder


def write_shard(folder, content, ending):
    return write_tar(folder / "a.tar", {f"1{ending}": content, "1.txt": b"7"})


def write_parquet(folder, content, ending):
    pq.write_table(pa.table({"image": [{"bytes": content, "path": None}], "text": ["7"]}), folder / "a.parquet")
    return folder / "a.parquet"


def write_lmdb(folder, content, ending):
    with lmdb.open(str(folder), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        for key, value in ((b"image-000000001", content), (b"label-000000001", b"7"), (b"num-samples", b"1")):
            transaction.put(key, value)
    return folder


DOORS = [write_labelled, write_shard, write_parquet, write_lmdb]


@pytest.mark.parametrize("write", DOORS)
@pytest.mark.parametrize(
    ("image", "options"),
    [
        (make_transparent(PAGE), {}),
        (make_transparent(PAGE).convert("LA"), {}),
        (ImageOps.flip(Image.fromarray(PAGE)), {"exif": make_exif(4)}),
        (Image.fromarray(PAGE.T.copy()), {"exif": make_exif(5)}),
        (Image.fromarray(PAGE).convert("P"), {}),
        (Image.fromarray(PAGE.astype(np.uint16) * 257), {}),
    ],
    ids=["transparent", "grey and transparent", "upside down", "on its side", "palette", "16 bits"],
)
def test_a_picture_is_the_same_through_every_door(tmp_path, write, image, options):
    path = write(tmp_path, encoded(image, **options), ".png")

    with open_reader(path) as reader:
        assert reader.shape == (1, 12, 20)
        np.testing.assert_array_equal(reader.image(0), PAGE)


@pytest.mark.parametrize("write", DOORS)
def test_a_photo_on_its_side_is_upright_through_every_door(tmp_path, write):
    content = encoded(Image.fromarray(PAGE).rotate(90, expand=True), format="JPEG", exif=make_exif(6), quality=100)

    with open_reader(write(tmp_path, content, ".jpg")) as reader:
        assert reader.shape == (1, 12, 20)
        assert np.abs(reader.image(0).astype(int) - PAGE).max() < 40


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_each_orientation_is_obeyed_as_pillow_obeys_it(file_format, orientation):
    content = encoded(Image.fromarray(PAGE), format=file_format, exif=make_exif(orientation))

    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(decoded(content), expected)


def test_an_orientation_that_follows_the_pixels_is_obeyed():
    content = encoded(Image.fromarray(PAGE))
    end = content.index(b"IDAT") - 4 + 12 + struct.unpack(">I", content[content.index(b"IDAT") - 4 :][:4])[0]
    block = make_blocks((b"eXIf", make_exif(3).tobytes().removeprefix(b"Exif\0\0")))[8:]

    np.testing.assert_array_equal(decoded(content[:end] + block + content[end:]), PAGE[::-1, ::-1])


@pytest.mark.parametrize("is_packed", [False, True])
def test_exif_as_imagemagick_wrote_it_is_obeyed(is_packed):
    text = b"\nexif\n  26\n" + make_exif(2).tobytes().hex().encode()
    kind, value = (b"zTXt", b"\0" + zlib.compress(text)) if is_packed else (b"tEXt", text)
    content = encoded(Image.fromarray(PAGE))
    block = make_blocks((kind, b"Raw profile type exif\0" + value))[8:]

    np.testing.assert_array_equal(decoded(content[:33] + block + content[33:]), PAGE[:, ::-1])


def test_the_orientation_of_xmp_counts_where_exif_gives_none():
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'

    body = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    block = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    plain = encoded(Image.fromarray(PAGE), format="JPEG")
    both = encoded(Image.fromarray(PAGE), format="JPEG", exif=make_exif(1))

    np.testing.assert_array_equal(decoded(plain[:2] + block + plain[2:]), decoded(plain)[::-1, ::-1])
    np.testing.assert_array_equal(decoded(both[:2] + block + both[2:]), decoded(plain))


@pytest.mark.parametrize("text", [b'tiff:Orientation="3"', b"<tiff:Orientation>3</tiff:Orientation>"])
def test_the_xmp_of_a_png_counts_as_well(text):
    content = encoded(Image.fromarray(PAGE))
    block = make_blocks((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text))[8:]

    np.testing.assert_array_equal(decoded(content[:33] + block + content[33:]), PAGE[::-1, ::-1])


# --- transparency and colours


def test_half_transparent_ink_is_grey():
    page = np.full((4, 4), 55, np.uint8)

    np.testing.assert_array_equal(decoded(encoded(make_transparent(page))), page)


def test_white_on_a_transparent_ground_is_refused():
    with pytest.raises(MalformedError, match="is white on a transparent ground, and so blank on white paper: give it"):
        decoded(encoded(make_transparent(PAGE, ink=(255, 255, 255))))


def test_a_page_that_is_transparent_all_over_is_white():
    assert decoded(encoded(Image.new("RGBA", (5, 4)))).tolist() == [[255] * 5] * 4


@pytest.mark.parametrize("is_bytes", [False, True])
def test_a_transparent_colour_of_a_palette_is_white(is_bytes):
    image = Image.fromarray(np.where(PAGE == 255, 1, 0).astype(np.uint8))
    image.putpalette([0, 0, 0, 9, 9, 9])
    key = b"\xff\0" if is_bytes else 1

    np.testing.assert_array_equal(decoded(encoded(image, transparency=key)), np.where(PAGE == 255, 255, 0))


@pytest.mark.parametrize(
    ("rows", "depth", "colour", "key", "expected"),
    [
        ([[0b00110000]], 1, 0, 1, [0, 0, 255, 255, 0, 0, 0, 0]),
        ([[0b00011011]], 2, 0, 1, [0, 255, 170, 255]),
        ([[0x02, 0xF1]], 4, 0, 2, [0, 255, 255, 17]),
        ([[7, 8, 9]], 8, 0, 8, [7, 255, 9]),
        ([[255, 255, 0, 0, 0x80, 0]], 16, 0, 0, [255, 255, 128]),
    ],
)
def test_a_transparent_grey_of_any_depth_is_white(rows, depth, colour, key, expected):
    content = make_png(rows, depth, colour, before=[(b"tRNS", struct.pack(">H", key))])

    assert decoded(content).tolist() == [expected]


def test_a_transparent_colour_of_16_bits_is_white():
    rows = [[0, 0, 0, 0, 0, 0, 200, 1, 100, 2, 50, 3, 255, 255, 255, 255, 255, 255]]
    content = make_png(rows, 16, 2, before=[(b"tRNS", bytes(rows[0][6:12]))])

    assert decoded(content).tolist() == [[0, 255, 255]]


def test_the_paper_of_a_cmyk_photo_is_white_and_its_ink_black():
    page = np.zeros((16, 16, 4), np.uint8)
    page[:8, :, 3] = 255

    found = decoded(encoded(Image.frombytes("CMYK", (16, 16), page.tobytes()), format="JPEG", quality=100))

    assert found[:8].max() < 5
    assert found[8:].min() > 250


# --- 16 bits


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_of_fewer_bits_in_16_has_its_full_range(bits):
    levels = np.rint(PAGE / 255 * ((1 << bits) - 1)).astype(np.uint16)

    np.testing.assert_array_equal(decoded(encoded(Image.fromarray(levels))), PAGE)


def noisy(level, spread, shape=(12, 20)):
    return np.random.default_rng(0).integers(level - spread, level + spread + 1, shape).astype(np.uint16)


def of_bits(bits, share=1.0, page=PAGE):
    return np.rint(page / 255 * share * ((1 << bits) - 1)).astype(np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_bright_ink_of_fewer_bits_in_16_has_its_full_range(bits):
    assert (
        np.abs(decoded(encoded(Image.fromarray(of_bits(bits, 1.0, 255 - PAGE)))).astype(int) - (255 - PAGE)).max() < 2
    )


@pytest.mark.parametrize(
    "levels",
    [
        of_bits(12, 0.75),
        of_bits(10, 0.5),
        noisy(450, 450),
        np.zeros((4, 4), np.uint16),
        np.full((4, 4), 3000, np.uint16),
    ],
    ids=["under-exposed", "of half the range", "noise alone", "black", "flat"],
)
def test_grey_of_16_bits_that_may_be_dark_or_of_fewer_is_refused(levels):
    with pytest.raises(
        MalformedError, match=f"goes up to {levels.max()} of 65535, which may be a dark image of 16 bits"
    ):
        decoded(encoded(Image.fromarray(levels)))


def write_several(folder, *images):
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
    labels = "".join(f"{number}.png\t7\n" for number in range(len(images)))
    (folder / "gt.txt").write_text(labels, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("first", "second", "highest"),
    [(of_bits(16, 1.0, 255 - PAGE), noisy(450, 450), 3), (of_bits(12), of_bits(12, 0.5), 128)],
    ids=["empty", "under-exposed"],
)
def test_all_images_have_the_bits_of_the_first(tmp_path, first, second, highest):
    with open_reader(write_several(tmp_path, first, second)) as reader:
        assert reader.image(1).max() == highest
        np.testing.assert_array_equal(reader.images(0, 2)[1], reader.image(1))


def test_more_bits_than_the_first_image_has_are_refused(tmp_path):
    path = write_several(tmp_path, of_bits(12), of_bits(16))

    with open_reader(path) as reader, pytest.raises(DatasetError, match="to 65535, and the first image has 12 bits in"):
        reader.image(1)


def test_dark_colours_of_16_bits_are_refused():
    """Pillow keeps only the upper half of them: 10 bits would be black."""
    rows = np.full((2, 12), 3, np.uint8)

    with pytest.raises(MalformedError, match="colours of 16 bits that are all dark, or of fewer bits: save"):
        decoded(make_png(rows, 16, 2))


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_digits_of_fewer_bits_in_16_are_the_same_digits(tmp_path, bits):
    digit = np.full((40, 40), 1.0)
    digit[8:32, 18:23] = 0
    for folder, levels in (("of 8", digit * 255), ("of more", digit * ((1 << bits) - 1))):
        for number in range(10):
            (tmp_path / folder / str(number)).mkdir(parents=True)
            kind = np.uint8 if folder == "of 8" else np.uint16
            Image.fromarray(levels.astype(kind)).save(tmp_path / folder / str(number) / "a.png")

    found, expected = (load_folder(tmp_path / folder).images for folder in ("of more", "of 8"))

    np.testing.assert_array_equal(found, expected)


# --- no warnings, and damage


def break_exif(content):
    """Return a JPEG whose EXIF block claims entries that it does not have."""
    at = content.index(b"Exif\0\0") + 6
    return content[: at + 8] + b"\xff\xff" + content[at + 10 :]


@pytest.mark.filterwarnings("error")
def test_a_broken_exif_block_gives_no_warning():
    content = encoded(Image.fromarray(PAGE), format="JPEG", exif=make_exif(1), quality=100)
    broken = break_exif(content)
    with pytest.warns(UserWarning, match="EXIF"):  # it does break Pillow's own reading
        Image.open(io.BytesIO(broken)).getexif()

    np.testing.assert_array_equal(decoded(broken), decoded(content))


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("write", DOORS)
def test_threads_read_images_with_broken_exif_without_a_warning(tmp_path, write, recwarn):
    """Filters of warnings belong to all threads: nothing may depend on them."""
    content = break_exif(encoded(Image.fromarray(PAGE), format="JPEG", exif=make_exif(1)))
    path = write(tmp_path, content, ".jpg")

    def read(_):
        with open_reader(path) as reader:
            return reader.image(0).mean()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, range(40)))) == 1
    assert not recwarn.list


@pytest.mark.filterwarnings("error")
def test_digits_with_a_broken_exif_block_give_no_warning(tmp_path):
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        content = encoded(Image.fromarray(PAGE), format="JPEG", exif=make_exif(1), quality=100)
        (tmp_path / str(digit) / "a.jpg").write_bytes(break_exif(content))

    assert load_folder(tmp_path).images.max() == 255


@pytest.mark.filterwarnings("error")
def test_a_photo_of_two_frames_gives_its_first_one():
    frames = [Image.fromarray(PAGE), Image.fromarray(255 - PAGE)]
    content = encoded(frames[0], format="MPO", save_all=True, append_images=frames[1:], quality=100)
    damaged = content.replace(b"MPF\0II", b"MPF\0xx")

    for each in (content, damaged):
        assert np.abs(decoded(each).astype(int) - PAGE).max() < 40


@pytest.mark.parametrize(
    ("file_format", "cut"), [("PNG", 30), ("PNG", 60), ("JPEG", 2), ("JPEG", 30), ("JPEG", 300), ("JPEG", 700)]
)
def test_an_image_cut_short_is_refused(file_format, cut):
    content = encoded(Image.fromarray(PAGE), format=file_format, exif=make_exif(6))[:-cut]

    with pytest.raises(MalformedError, match=r"cannot be decoded|is not a PNG or JPEG image"):
        decoded(content)


def test_a_photo_with_stray_bytes_between_its_parts_is_read():
    content = encoded(Image.fromarray(PAGE), format="JPEG")
    at = content.index(b"\xff\xdb")

    np.testing.assert_array_equal(decoded(content[:at] + b"ab\xff\xff\xff" + content[at + 1 :]), decoded(content))
