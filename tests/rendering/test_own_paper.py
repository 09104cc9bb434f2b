"""Pictures of own paper as they are read: of any mode and size, within bounds, and only those that were given."""

import pickle

import numpy as np
import pytest
from PIL import Image

from number_generator import Handwriting, generate_batch, generate_chunk
from number_generator.errors import SpecError
from number_generator.job.handwriting import STYLES
from number_generator.job.paper_images import PaperImages
from number_generator.rendering import own_paper
from number_generator.rendering.bound_job import make_job
from number_generator.rendering.own_paper import find_own_paper

LINES = ["0312345678", "42", "06-12"] * 4
WHITE, DARK, TEXTURE = 255, 60, np.random.default_rng(2).integers(90, 250, (90, 400), np.uint8)


def own_style(folder, **changes):
    return STYLES["natural"].replace(paper_images=folder, **changes)


def pages_of(style, color=False):
    """Return the levels of each picture of a style at scale 0, in the order of the files."""
    texels, places, _ = find_own_paper(style, color=color)
    shapes = [(3, *place[1:]) if color else place[1:] for place in places[:, 0]]
    starts = places[:, 0, 0]
    return [texels[at : at + np.prod(shape)].reshape(shape) for at, shape in zip(starts, shapes, strict=True)]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "mine"
    path.mkdir()
    Image.fromarray(TEXTURE).save(path / "a.png")
    return path


def test_pictures_of_every_mode_are_read_upright_and_on_white(tmp_path):
    grey = Image.fromarray(np.repeat(np.arange(20, 220, 10, dtype=np.uint8)[None], 8, axis=0))  # darkest at the left
    rgb, alpha = grey.convert("RGB"), Image.new("L", grey.size, 255)
    alpha.paste(0, (0, 0, 10, 8))  # the dark half is transparent
    rgba, la = rgb.copy(), grey.copy()
    rgba.putalpha(alpha)
    la.putalpha(alpha)
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257 + 0)
    kinds = {
        "1.png": grey.convert("1", dither=0),
        "L.png": grey,
        "LA.png": la,
        "P.png": rgb.quantize(64),
        "RGB.png": rgb,
        "RGBA.png": rgba,
        "I16.png": deep,
        "CMYK.jpg": rgb.convert("CMYK"),
        "L.TIF": grey,
        "CMYK.tiff": rgb.convert("CMYK"),
        "I16.tif": deep,
        "RGB.bmp": rgb,
        "RGBA.webp": rgba,
    }
    for name, image in kinds.items():
        image.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    for ending in ("jpg", "png", "tif"):
        rgb.save(tmp_path / f"turned.{ending}", exif=turned, quality=95)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("nor this")
    style = own_style(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir() if file.name[0] != "." and file.suffix != ".txt")
    for color in (False, True):
        for name, page in zip(names, pages_of(style, color), strict=True):
            level = page.mean(axis=0) if color else page.astype(float)
            expected = np.asarray(grey).astype(float)
            if "A." in name:
                expected[:, :10] = WHITE
            if name.startswith("1."):
                expected = np.where(expected > 127, WHITE, 0)
            if name.startswith("turned"):
                expected = np.rot90(expected, -1)
            assert level.shape == expected.shape, name
            assert np.abs(level - expected).max() < (12 if "jpg" in name or "P." in name else 2), name


def test_image_i_depends_on_seed_and_i_alone_and_ink_darkens_its_paper(folder):
    Image.new("L", (30, 9), DARK).save(folder / "b.png")
    for name in ("natural", "document"):
        style = STYLES[name].replace(paper_images=folder)
        whole = generate_batch(LINES, None, 100, style=style, seed=4)
        part = generate_batch(LINES[5:9], None, 100, style=style, seed=4, start=5, workers=1)
        assert (whole[5:9] == part).all()
        again = pickle.loads(pickle.dumps(make_job(LINES, None, 100, style=style, seed=4)))
        assert (again.make_chunk().images == whole).all()
        blank = generate_batch([""] * len(LINES), None, 100, style=own_style(folder), seed=4)
    inked = generate_batch(LINES, None, 100, style=own_style(folder), seed=4)
    assert (inked <= blank).all()
    assert {int(page.max()) == DARK for page in blank} == {True, False}  # both pictures
    other = generate_batch(LINES, None, 100, style=own_style(folder), seed=5)
    assert (other != inked).any(axis=(1, 2)).all()


def test_the_writing_is_the_same_on_any_paper(folder):
    chunks = [
        generate_chunk(LINES, None, 100, style=style, seed=4, truth=["boxes", "masks", "parameters"])
        for style in (STYLES["natural"], own_style(folder, own_paper=0.5))
    ]

    assert (chunks[0].truth["masks"] == chunks[1].truth["masks"]).all()
    on_white = (chunks[1].images == chunks[0].images).all(axis=(1, 2))
    assert 0 < on_white.sum() < len(LINES)
    assert chunks[1].truth["parameters"].shape[1] == chunks[0].truth["parameters"].shape[1] + 2  # share and scale
    assert (np.isclose(chunks[1].truth["parameters"], 0).any(axis=1) >= on_white).all()


def test_a_style_knows_its_pictures_by_names_and_bytes(folder, tmp_path):
    style = own_style(folder)
    (tmp_path / "mine.toml").write_text('base = "natural"\npaper_images = "mine"\n')  # beside the file
    assert Handwriting.from_file(tmp_path / "mine.toml") == style == Handwriting.from_dict(style.to_dict())
    assert hash(style) == hash(pickle.loads(pickle.dumps(style)))
    copied = tmp_path / "copy"
    copied.mkdir()
    (copied / "a.png").write_bytes((folder / "a.png").read_bytes())
    assert own_style(copied) == style
    (copied / "a.png").rename(copied / "b.png")
    assert own_style(copied) != style
    fingerprints = {
        make_job(["1"], None, 100, style=each, seed=1).compute_fingerprint()
        for each in (style, own_style(copied), STYLES["natural"])
    }
    assert len(fingerprints) == 3
    find_own_paper.__globals__["_load"].cache_clear()
    Image.fromarray(TEXTURE[::-1]).save(folder / "a.png")
    for changed in (lambda: find_own_paper(style), lambda: Handwriting.from_dict(style.to_dict())):
        with pytest.raises(SpecError, match=r"mine are not those that were given: the SHA-256 .* put the same"):
            changed()


def test_memory_is_bounded_and_more_pictures_are_left_out_evenly(folder, monkeypatch):
    for name in "bcdefgh":
        Image.new("L", (3, 2), 10 * ord(name) % 256).save(folder / f"{name}.png")
    monkeypatch.setattr(own_paper, "MOST_BYTES", 30_000)
    monkeypatch.setattr(own_paper, "MOST_PICTURES", 4)
    own_paper._load.cache_clear()
    for color in (False, True):
        pages = pages_of(own_style(folder), color)
        assert [page.shape[-2:] for page in pages[1:]] == [(2, 3)] * 3
        height, width = pages[0].shape[-2:]
        assert height * width <= 30_000 / 3 / 4 / 1.9375
        assert width / height == pytest.approx(4, rel=0.15)  # rather wide than high
        top, left = (90 - height) // 2, (400 - width) // 2
        assert (pages[0] == TEXTURE[top : top + height, left : left + width]).all()
        assert len(find_own_paper(own_style(folder), color=color)[0]) <= 30_000
    own_paper._load.cache_clear()


def test_mistakes_are_told_in_one_sentence(tmp_path, folder):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("not a picture")
    for value, message in {
        tmp_path / "none": r"there is no such folder; give a folder that holds pictures of paper",
        folder / "a.png": r"there is no such folder",
        empty: r"there are no pictures in this folder; give a folder that holds .* \.png, .* or \.webp",
        "": r"paper_images is ''",
        7: r"paper_images is 7",
        "a\0b": r"there is no such folder",
    }.items():
        with pytest.raises(SpecError, match=message) as caught:
            own_style(value)
        assert "\n" not in str(caught.value)
    for name, content in {"b.jpg": b"\xff\xd8 no", "c.png": b"", "d.tif": b"II*\0rest"}.items():
        (folder / name).write_bytes(content)
        with pytest.raises(SpecError, match=rf"{name}: .*save it again, or take it out"):
            make_job(["1"], None, 100, style=own_style(folder), seed=1)
        (folder / name).unlink()
    assert PaperImages("x", "y") == PaperImages("z", "y")
