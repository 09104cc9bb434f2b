"""What the benchmarks draw: phone numbers, and the obvious loop that the package is measured against."""

import random
from typing import NamedTuple

import numpy as np
from reference import draw_line

from number_generator._kernels import layout
from number_generator.digits.resolve import default_digits
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.phone import PhoneNumbers

SPACING = (5, 10)
WIDTH = 100
HEIGHT = 28
PAGE = HEIGHT * WIDTH


def phone_numbers(count):
    """Return numbers of 10 and 11 digits in turn, as Python strings."""
    rng = random.Random(0)
    return [f"0{rng.randint(1, 9)}{rng.randrange(10**8):08}{'7' * (i % 2)}" for i in range(count)]


def phone_job(count, width=WIDTH, fit="contain"):
    """Return the job that `generate-phone-numbers` runs."""
    return Job(PhoneNumbers(), RenderSpec(SPACING, width, fit), HEIGHT, 1, Span(0, count))


class Layout(NamedTuple):
    """Where the glyphs of some lines stand."""

    ids: np.ndarray
    lefts: np.ndarray
    natural: np.ndarray


def lay_out(sequences):
    """Lay packed sequences out, by the kernel alone."""
    atlas = default_digits().atlas
    lines = Layout(*np.empty((2, len(sequences.codes)), np.int64), np.empty(len(sequences), np.int64))
    seed, numbers = np.uint64(1), np.arange(len(sequences), dtype=np.uint64)
    codes, offsets = sequences.codes, sequences.offsets
    layout.lay_out(seed, numbers, codes, offsets, atlas.class_start, atlas.glyph_column, SPACING, *lines)
    return lines


def obvious_loop(sequences):
    """Return a function that draws sequences one image at a time, with NumPy and Pillow."""
    pixels, labels = default_digits().get_data()
    classes = {digit: list(pixels[np.array(labels) == digit]) for digit in "0123456789"}
    rng = random.Random(1)

    def loop():
        pages = []
        for sequence in sequences:
            digits = [rng.choice(classes[digit]) for digit in sequence]
            gaps = [rng.randint(*SPACING) for _ in digits[1:]]
            pages.append(draw_line(digits, gaps, WIDTH))
        return np.stack(pages)

    return loop


def is_drawn(images):
    """Tell whether every image has ink, and paper at its edges: whether it was drawn at all, and not left as it was."""
    return bool((images.min(axis=(1, 2)) < 128).all() and (images[:, 0, 0] == 255).all())
