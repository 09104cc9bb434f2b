"""Pages as single kernels draw them, for the tests of paper, ink and scan."""

import hashlib
import math

import numpy as np
import pytest

from number_generator._kernels import draws, inking, paper, scan
from number_generator._kernels.page import make_aligned, make_scratch
from number_generator.job.distributions import Normal
from number_generator.job.handwriting import STYLES, parameters

SHAPE = (28, 128)
BOX = (10.0, 4.0, 118.0, 24.0)
BASELINE = 23.0
CLEAN = STYLES["clean"]
SEED = np.uint64(7)
GUARD = 77

# Each feature at a strength at which it must show, on paper that leaves room on either side.
PAPER_FEATURES = {
    "gradient": {"gradient": 0.4},
    "texture": {"texture": 0.2},
    "waves": {"waves": 1.0, "wave_strength": 0.3},
    "fibres": {"fibres": 1.0, "fibre_strength": 0.3},
    "ruled": {"ruled": 1.0, "rule_strength": 0.6},
    "boxed": {"boxed": 1.0, "rule_strength": 0.6},
}
SCAN_FEATURES = {
    "speckle": {"speckle": 5.0},
    "blur": {"blur": 0.7},
    "noise": {"noise": 0.05},
    "jpeg": {"jpeg": 1.0, "jpeg_quality": 30.0},
    "auto_levels": {"auto_levels": 1.0},
    "invert": {"invert": 1.0},
}
INK_FEATURES = {
    "ink": {"ink": 0.5},
    "ink_drift": {"ink_drift": 0.5},
    "ink_texture": {"ink_texture": 0.5},
    "padding": {"padding": 1.0},
}


def table_of(style):
    """Return a style as the kernels read it."""
    table = np.zeros((draws.TABLE_ROWS, draws.ROW_SIZE))
    for parameter in parameters():
        value = getattr(style, parameter.name)
        if isinstance(value, str):
            continue
        job = float(value.per_job)
        if isinstance(value, Normal):
            table[parameter.stream] = (draws.NORMAL, value.mean, value.sd, value.low, value.high, job)
        elif value.low == value.high:
            table[parameter.stream] = (draws.CONSTANT, value.low, 0, value.low, value.high, 0)
        else:
            table[parameter.stream] = (draws.UNIFORM, 0, 0, value.low, value.high, job)
    return table


def draw_paper(style, image=0, shape=SHAPE, box=BOX, baseline=BASELINE, px=1.0):
    """Return the page that `draw_paper` fills, whatever it held before."""
    page = make_aligned(math.prod(shape))
    page[:] = 123
    paper.draw_paper(SEED, np.uint64(image), table_of(style), (*shape, px), box, baseline, page, make_scratch(*shape))
    return page.reshape(shape)


def ink_page(style, cover, page, image=0, box=BOX, px=1.0):
    """Return a page with ink on it."""
    out = make_aligned(cover.size)
    out[:] = np.ravel(page)
    inking.ink_page(
        SEED, np.uint64(image), table_of(style), (*cover.shape, px), box, np.ravel(cover), out,
        make_scratch(*cover.shape),
    )  # fmt: skip
    return out.reshape(cover.shape)


def scan_page(style, page, image=0, px=1.0):
    """Return a page as bytes."""
    page = np.asarray(page)
    copy = make_aligned(page.size)
    copy[:] = page.ravel()
    out = np.full(page.size + 8, GUARD, np.uint8)
    shape = *page.shape, px
    scan.scan_page(
        SEED, np.uint64(image), table_of(style), shape, scan.NOWHERE, copy, out, 3, make_scratch(*page.shape)
    )
    assert (out[:3] == GUARD).all()
    assert (out[-5:] == GUARD).all()
    return out[3:-5].reshape(page.shape)


def ink_plain(style, cover, image=0, px=1.0):
    out = np.full(cover.size + 8, GUARD, np.uint8)
    inking.ink_plain(
        SEED, np.uint64(image), table_of(style), (*cover.shape, px), np.ravel(cover), out, 3,
        make_scratch(*cover.shape),
    )  # fmt: skip
    assert (out[:3] == GUARD).all()
    assert (out[-5:] == GUARD).all()
    return out[3:-5].reshape(cover.shape)


def draw(style, cover, image=0):
    """Return all three steps of one line."""
    page = draw_paper(style, image, cover.shape)
    return scan_page(style, ink_page(style, cover, page, image), image)


def every_ink():
    """Ink of every strength: soft ovals, all within BOX, and every byte once."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rings = np.abs(np.hypot((rows - 14) / 9, (columns % 20 - 10) / 6) - 0.8)
    ink = np.clip(1.5 - 5 * rings, 0, 1) * ((columns >= 12) & (columns < 116) & (rows >= 5) & (rows < 23))
    cover = np.rint(255 * ink).astype(np.uint8)
    cover[14, 20:84] = np.arange(64)
    cover[15, 20:84] = np.arange(64, 128)
    cover[16, 20:84] = np.arange(128, 192)
    cover[17, 20:84] = np.arange(192, 256)
    return cover


def digest_of_pages(*, bounds_checked):
    """Draw pages of all kinds, small, odd and wide ones too, and give a hash of all of them."""
    document = STYLES["document"]
    everything = document.replace(
        gradient=(0.05, 0.3), texture=(0.02, 0.2), waves=1, fibres=1, ruled=1, boxed=1, padding=0.5, speckle=(1, 4),
        blur=(0.0, 1.5), noise=(0.01, 0.1), jpeg=0.5, jpeg_quality=(5, 100), auto_levels=0.5, invert=0.5,
    )  # fmt: skip
    digest = hashlib.sha256()
    random = np.random.default_rng(1)
    for shape in [SHAPE, (4, 1), (5, 3), (28, 1), (100, 7), (4, 1000), (33, 65), (28, 100), (4, 65535)]:
        height, width = shape
        scratch, page = make_scratch(*shape), make_aligned(math.prod(shape))
        out = np.zeros(height * width + 8, np.uint8)
        cover = random.integers(0, 256, height * width, np.uint8)
        boxes = [(0.1 * width, 1.0, 0.9 * width, height - 1.0), (-3.0, -2.0, width + 4.0, height + 3.0)]
        boxes += [(float(width), float(height), float(width), float(height))]
        for table in map(table_of, (document, everything)):
            for number in range(30 if width < 1000 else 6):
                image, box = np.uint64(number), boxes[number % 3]
                of_px = *shape, (1.0, 16 / 28, 64 / 28, 256 / 28)[number % 4]
                paper.draw_paper(SEED, image, table, of_px, box, box[3] - 1.0, page, scratch)
                assert ((page >= 0) & (page <= 255.001)).all()
                inking.ink_page(SEED, image, table, of_px, box, cover, page, scratch)
                digest.update(page.tobytes())
                scan.scan_page(SEED, image, table, of_px, scan.NOWHERE, page, out, 5, scratch)
                digest.update(out.tobytes())
                inking.ink_plain(SEED, image, table, of_px, cover, out, 5, scratch)
                digest.update(out.tobytes())
                assert not out[:5].any()
                assert not out[-3:].any()
    if bounds_checked:
        with pytest.raises(IndexError):
            inking.ink_plain(SEED, image, table, of_px, cover, out[:-4], 5, scratch)
    return digest.hexdigest()
