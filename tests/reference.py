"""The obvious way to draw a line: one image at a time, with NumPy and Pillow. The oracle of the pixel tests."""

import numpy as np
from PIL import Image


def crop_to_ink(digit):
    """Cut a digit to its ink columns, full height; one blank column where there is no ink."""
    ink = np.flatnonzero((digit > 0).any(axis=0))
    return digit[:, ink[0] : ink[-1] + 1] if len(ink) else digit[:, :1] * 0


def fit_line(line, width, fit):
    """Bring a line (ink on 0) to the page's width, by the rules of version 0.0.1."""
    height, natural = line.shape
    page = np.zeros((height, width), np.uint8)
    if natural <= width:
        left = (width - natural) // 2
        page[:, left : left + natural] = line
        return page
    target = height if fit == "stretch" else max(1, round(height * (width / natural)))
    image = Image.fromarray(line)
    if natural < height:
        # One pass at a time: from Pillow 13 on, the vertical one goes first where a line is much higher than wide.
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    resized = image.resize((width, target), Image.Resampling.LANCZOS)
    top = (height - target) // 2
    page[top : top + target] = np.asarray(resized)
    return page


def draw_line(digits, gaps, width, fit="contain"):
    """Draw digits, each (H, H) with ink on 0, with the gaps between them; black ink on white paper."""
    if not digits:
        raise ValueError("the height of an empty line is not known here")
    parts = [crop_to_ink(digits[0])]
    for digit, gap in zip(digits[1:], gaps, strict=True):
        parts += [np.zeros((digit.shape[0], gap), np.uint8), crop_to_ink(digit)]
    return 255 - fit_line(np.hstack(parts), width, fit)


def philox_words(seed, image, stream, count):
    """Draw words as the package defines them, with NumPy's Philox."""
    words = []
    for block in range(-(-count // 4)):
        # NumPy increments the counter before the first block.
        counter = (block + (image << 64) - 1) % 2**256
        generator = np.random.Philox(counter=counter, key=seed + (stream << 64))
        words += generator.random_raw(4).tolist()
    return words[:count]


def bounded(word, count):
    """Turn a 64-bit word into an integer from 0 to count - 1."""
    return (word * count) >> 64


GLYPH, SPACING = 3, 4


def draw_image(sequence, number, *, images, labels, seed, spacing_range, width, fit="contain"):
    """Draw image `number` of a seed from the digits `images` (N, H, H) with integer `labels`, the slow way."""
    if not len(sequence):
        return np.full((images.shape[1], width), 255, np.uint8)
    glyph_words = philox_words(seed, number, GLYPH, len(sequence))
    gap_words = philox_words(seed, number, SPACING, len(sequence) - 1)
    digits = []
    for character, word in zip(sequence, glyph_words, strict=True):
        examples = images[labels == int(character)]
        digits.append(examples[bounded(word, len(examples))])
    smallest, largest = spacing_range
    gaps = [smallest + bounded(word, largest - smallest + 1) for word in gap_words]
    return draw_line(digits, gaps, width, fit)
