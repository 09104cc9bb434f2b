"""The steps of rendering one by one, on lines of phone numbers: small kernels around the package's own."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np
import pytest
from workload import HEIGHT, WIDTH, Layout, lay_out, phone_numbers

from number_generator._kernels import render
from number_generator._kernels.simd import address, keep, zeros_8
from number_generator.digits.resolve import default_digits
from number_generator.job.spec import Sequences
from number_generator.numbers.sequences import pack_sequences
from number_generator.rendering.resampling_weights import TapArrays, find_shared_taps
from number_generator.system.threads import count_cores

_COUNT = 2048
_STRIDE = 4 * 112  # bytes of a row of the sheet: the width in whole vectors of 16, four bytes each
_ROWS = (3, 27)  # the rows with ink in most lines


@numba.njit(nogil=True)
def _place(pixels, column_size, glyph_column, offsets, ids, lefts, natural, canvas):
    for i in range(offsets.size - 1):
        first = 8 * offsets[i]
        render._place_on_canvas(
            address(pixels) + _ROWS[0],
            column_size,
            address(glyph_column),
            address(ids) + first,
            address(lefts) + first,
            offsets[i + 1] - offsets[i],
            natural[i],
            render._align_address(canvas),
            zeros_8(),
        )
    keep(canvas)


@numba.njit(nogil=True)
def _horizontal(canvas, pool, starts, natural, band):
    for line in natural:
        taps = address(pool) + 4 * starts[line]
        render._horizontal_pass(render._align_address(canvas), WIDTH, taps, render._align_address(band), zeros_8())
    keep(canvas)
    keep(band)


@numba.njit(nogil=True)
def _transpose(band, count, sheet):
    for _ in range(count):
        render._transpose_band(render._align_address(band), WIDTH, render._align_address(sheet), _STRIDE, zeros_8())
    keep(band)
    keep(sheet)


@numba.njit(nogil=True)
def _vertical(sheet, pool, starts, natural, out):
    start, top, bottom = address(out), _ROWS[0], _ROWS[1]
    for line in natural:
        target = render.contained_height(HEIGHT, line, WIDTH)
        taps = address(pool) + 4 * starts[2 * target + (top & 1)]
        stop = start + out.size
        aligned = render._align_address(sheet)
        render._vertical_pass(aligned, _STRIDE, top, bottom, target, WIDTH, WIDTH, taps, start, stop, stop)
    keep(sheet)
    keep(out)


class _Lines(NamedTuple):
    sequences: Sequences
    layout: Layout
    taps: TapArrays


@pytest.fixture(scope="module")
def lines():
    sequences = pack_sequences(phone_numbers(_COUNT))
    layout = lay_out(sequences)
    return _Lines(sequences, layout, find_shared_taps((HEIGHT, HEIGHT, WIDTH, False)).prepare(layout.natural))


@pytest.fixture
def canvas():
    """Columns of ink for lines of any natural width here."""
    return np.random.default_rng(0).integers(0, 256, 64 * 1024 // 2, dtype=np.int16).view(np.uint8)


@pytest.mark.benchmark(group="placement")
def test_placement(rate, lines):
    atlas = default_digits().atlas
    canvas = np.zeros(64 * 1024, np.uint8)
    arguments = (atlas.pixels, atlas.column_size, atlas.glyph_column, lines.sequences.offsets, *lines.layout[:2])
    rate(_place, *arguments, lines.layout.natural, canvas, count=_COUNT)
    assert canvas.any()


@pytest.mark.benchmark(group="horizontal pass")
def test_horizontal_pass(rate, lines, canvas):
    band = np.zeros(WIDTH * 32 + 64, np.uint8)
    pool, starts = lines.taps[:2]
    rate(_horizontal, canvas, pool, starts, lines.layout.natural, band, count=_COUNT, size=_COUNT * WIDTH * HEIGHT)
    assert len(np.unique(band)) > 100


@pytest.mark.benchmark(group="generate_batch by threads")
@pytest.mark.parametrize("workers", range(1, count_cores() + 1))
def test_horizontal_pass_in_memory_of_its_own(rate, lines, canvas, workers):
    """What the machine's cores give when nothing is shared between them: no more can be had of threads."""
    pool, starts = lines.taps[:2]
    bands = [np.zeros(WIDTH * 32 + 64, np.uint8) for _ in range(workers)]
    canvases = [canvas.copy() for _ in range(workers)]

    def work(worker):
        for _ in range(10):
            _horizontal(canvases[worker], pool, starts, lines.layout.natural, bands[worker])

    with ThreadPoolExecutor(workers) as threads:

        def together():
            return list(threads.map(work, range(workers)))

        count = 10 * _COUNT
        rate(together, count=workers * count, against={"one thread": (lambda: work(0), count)})
    assert all(len(np.unique(band)) > 100 for band in bands)


@pytest.mark.benchmark(group="transposition")
def test_transposition(rate, canvas):
    sheet = np.zeros(64 * 1024, np.uint8)
    rate(_transpose, canvas, _COUNT, sheet, count=_COUNT, size=_COUNT * WIDTH * HEIGHT)
    assert sheet.any()


@pytest.mark.benchmark(group="vertical pass")
def test_vertical_pass(rate, lines, canvas):
    out = np.zeros(2 * HEIGHT * WIDTH, np.uint8)
    pool, starts = lines.taps[2:]
    rate(_vertical, canvas, pool, starts, lines.layout.natural, out, count=_COUNT, size=_COUNT * WIDTH * HEIGHT)
    assert len(np.unique(out)) > 100
