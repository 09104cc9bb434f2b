"""What rendering costs, on one core unless said otherwise, against the obvious loop and against Pillow alone."""

import numpy as np
import pytest
from PIL import Image
from reference import draw_line

from number_generator import generate_batch
from number_generator.digit_datasets import default_digits
from number_generator.engine import make_chunk
from number_generator.numbers import PhoneNumbers
from number_generator.parallel import available_cores
from number_generator.spec import Job, RenderSpec, Span

_SPACING = (5, 10)
_WIDTH = 100


def _phone_numbers(count):
    rng = np.random.default_rng(0)
    return [f"0{rng.integers(1, 10)}{rng.integers(0, 10**8):08}{'7' * (i % 2)}" for i in range(count)]


def _render(sequences, width=_WIDTH, fit="contain", workers=1):
    return generate_batch(sequences, _SPACING, width, seed=1, fit=fit, workers=workers)


@pytest.mark.benchmark(group="generate_batch: batch size")
@pytest.mark.parametrize("count", [1, 64, 4096, 40_000])
def test_batch_size(rate, count):
    sequences = _phone_numbers(count)
    images = rate(_render, sequences, images=count, size=count * 28 * _WIDTH)
    assert images.shape == (count, 28, _WIDTH)
    assert images.min() == 0


@pytest.mark.benchmark(group="generate_batch: batch size")
def test_obvious_loop(rate):
    sequences = _phone_numbers(64)
    pixels, labels = default_digits().get_data()
    classes = {digit: pixels[np.array(labels) == digit] for digit in "0123456789"}
    rng = np.random.default_rng(1)

    def loop():
        pages = []
        for sequence in sequences:
            digits = [classes[digit][rng.integers(len(classes[digit]))] for digit in sequence]
            gaps = rng.integers(_SPACING[0], _SPACING[1] + 1, len(digits) - 1).tolist()
            pages.append(draw_line(digits, gaps, _WIDTH))
        return np.stack(pages)

    images = rate(loop, images=64, size=64 * 28 * _WIDTH)
    assert images.shape == (64, 28, _WIDTH)
    assert images.min() == 0


@pytest.mark.benchmark(group="generate_batch: width")
@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize("width", [64, 100, 256, 800])
def test_width(rate, width, fit):
    images = rate(_render, _phone_numbers(2048), width, fit, images=2048, size=2048 * 28 * width)
    assert images.min() == 0


@pytest.mark.benchmark(group="generate_batch: sequence length")
@pytest.mark.parametrize("length", [1, 5, 11, 30])
def test_sequence_length(rate, length):
    sequences = [f"{i:0{length}}"[-length:] for i in range(2048)]
    images = rate(_render, sequences, images=2048, size=2048 * 28 * _WIDTH)
    assert images.min() == 0


@pytest.mark.benchmark(group="generate_batch: threads")
@pytest.mark.parametrize("workers", range(1, available_cores() + 1))
def test_threads(rate, workers):
    images = rate(_render, _phone_numbers(40_000), _WIDTH, "contain", workers, images=40_000, size=40_000 * 28 * _WIDTH)
    assert images.min() == 0


@pytest.mark.benchmark(group="make_chunk")
def test_phone_numbers(rate):
    job = Job(PhoneNumbers(), RenderSpec(_SPACING, _WIDTH), 28, 1, Span(0, 2048))
    atlas = default_digits().atlas
    chunk = rate(make_chunk, job, atlas, job.span, images=2048, size=2048 * 28 * _WIDTH)
    assert chunk.images.min() == 0
    assert chunk.labels[0].startswith(b"0")


@pytest.mark.benchmark(group="baselines")
def test_pillow_resize_alone(rate):
    line = Image.fromarray(generate_batch(["09012345678"], _SPACING, 295, seed=1)[0])

    def resize():
        return [line.resize((_WIDTH, 10), Image.Resampling.LANCZOS) for _ in range(64)]

    resized = rate(resize, images=64, size=64 * 10 * _WIDTH)
    assert resized[0].size == (_WIDTH, 10)


@pytest.mark.benchmark(group="baselines")
def test_copy_of_the_same_output(rate):
    images = _render(_phone_numbers(40_000))
    copied = rate(images.copy, images=len(images), size=images.nbytes)
    assert copied is not images
