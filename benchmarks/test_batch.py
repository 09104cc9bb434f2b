"""`generate_batch` as a user calls it: Python strings in, a fresh array out; one thread unless said otherwise."""

import importlib.util

import numpy as np
import pytest
from PIL import Image, ImageFont
from workload import PAGE, SPACING, WIDTH, is_drawn, obvious_loop, phone_job, phone_numbers

from number_generator import generate_batch
from number_generator.digits.resolve import default_digits
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.batch import make_images
from number_generator.rendering.engine import make_chunk
from number_generator.system.threads import count_cores

_MAIN = 40_000


def _render(sequences, width=WIDTH, fit="contain", workers=1):
    return generate_batch(sequences, SPACING, width, seed=1, fit=fit, workers=workers)


@pytest.mark.benchmark(group="the main call")
def test_main_call_and_baselines(rate):
    sequences = phone_numbers(_MAIN)
    some = sequences[:64]
    line = Image.fromarray(_render(["09012345678"], 295)[0])
    finished = _render(sequences)

    def resize():
        return [line.resize((WIDTH, 10), Image.Resampling.LANCZOS) for _ in some]

    assert is_drawn(obvious_loop(some)())
    assert resize()[0].size == (WIDTH, 10)
    images = rate(
        _render,
        sequences,
        count=_MAIN,
        size=_MAIN * PAGE,
        against={
            "the obvious loop": (obvious_loop(some), len(some)),
            "Pillow's resize alone": (resize, len(some)),
            "a copy of the same output": (finished.copy, _MAIN),
        },
        rounds=9,
    )
    assert is_drawn(images)


@pytest.mark.benchmark(group="the main call")
def test_obvious_loop(rate):
    assert is_drawn(rate(obvious_loop(phone_numbers(64)), count=64, size=64 * PAGE))


@pytest.mark.benchmark(group="the main call")
def test_copy_of_the_same_output(rate):
    images = _render(phone_numbers(_MAIN))
    copied = rate(images.copy, count=_MAIN, size=images.nbytes)
    assert is_drawn(copied)


@pytest.mark.benchmark(group="the main call")
def test_trdg(rate, monkeypatch):
    if importlib.util.find_spec("trdg") is None:
        pytest.skip("trdg is not installed: it comes with the extra peers")
    # trdg 1.8 calls what Pillow 10 has removed; given back, it runs.
    size = staticmethod(lambda font, text, *_: font.getbbox(text)[2:])
    monkeypatch.setattr(ImageFont.FreeTypeFont, "getsize", lambda font, text, *_: size(font, text), raising=False)
    from trdg.generators import GeneratorFromStrings  # noqa: PLC0415 - an optional peer

    sequences = phone_numbers(16)

    def draw():
        generator = GeneratorFromStrings(sequences, count=16, size=28, width=WIDTH, background_type=1)
        return np.stack([np.asarray(image.convert("L")) for image, _ in generator])

    assert len(rate(draw, count=16, size=16 * PAGE, rounds=3)) == 16


@pytest.mark.benchmark(group="generate_batch by batch size")
@pytest.mark.parametrize("count", [1, 64, 4096])
def test_batch_size(rate, count):
    images = rate(_render, phone_numbers(count), count=count, size=count * PAGE, rounds=25)
    assert images.shape == (count, 28, WIDTH)
    assert is_drawn(images)


@pytest.mark.benchmark(group="generate_batch by width")
@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize("width", [64, 100, 256, 800])
def test_width(rate, width, fit):
    images = rate(_render, phone_numbers(2048), width, fit, count=2048, size=2048 * 28 * width)
    assert is_drawn(images)


@pytest.mark.benchmark(group="generate_batch by sequence length")
@pytest.mark.parametrize("length", [1, 5, 11, 30])
def test_sequence_length(rate, length):
    sequences = [f"{i:0{length}}"[-length:] for i in range(2048)]
    assert is_drawn(rate(_render, sequences, count=2048, size=2048 * PAGE))


@pytest.mark.benchmark(group="make_chunk")
def test_make_chunk(rate):
    job = phone_job(2048)
    chunk = rate(make_chunk, job, default_digits().atlas, job.span, count=2048, size=2048 * PAGE, rounds=25)
    assert is_drawn(chunk.images)
    assert chunk.labels[0].startswith(b"0")


@pytest.mark.benchmark(group="generate_batch by threads")
@pytest.mark.parametrize("workers", range(1, count_cores() + 1))
def test_threads(rate, workers):
    sequences = phone_numbers(_MAIN)
    images = rate(
        _render,
        sequences,
        WIDTH,
        "contain",
        workers,
        count=_MAIN,
        size=_MAIN * PAGE,
        against={"one thread": (lambda: _render(sequences), _MAIN)},
    )
    assert is_drawn(images)


@pytest.mark.benchmark(group="generate_batch by threads")
@pytest.mark.parametrize("workers", range(1, count_cores() + 1))
def test_rendering_alone(rate, workers):
    """Without packing strings, which one thread does, and without asking the system for memory."""
    job = Job(FixedNumbers(pack_sequences(phone_numbers(_MAIN))), RenderSpec(SPACING, WIDTH), 28, 1, Span(0, _MAIN))
    images = np.zeros(job.shape, np.uint8)
    work = make_images, job, default_digits().atlas, images
    against = {"one thread": (lambda: work[0](*work[1:], 1), _MAIN)}
    rate(*work, workers, count=_MAIN, size=_MAIN * PAGE, against=against)
    assert is_drawn(images)
