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
    return draw_glyphs([crop_to_ink(digit) for digit in digits], gaps, width, fit)


def draw_glyphs(glyphs, gaps, width, fit="contain"):
    """Draw what is cropped already, each (H, its width), as `draw_line` does."""
    if not glyphs:
        raise ValueError("the height of an empty line is not known here")
    parts = [glyphs[0]]
    for glyph, gap in zip(glyphs[1:], gaps, strict=True):
        parts += [np.zeros((glyph.shape[0], gap), np.uint8), glyph]
    return 255 - fit_line(np.hstack(parts), width, fit)


def assert_same_images(found, expected, case):
    """Compare two arrays; where they differ, say where. To compare the bytes first takes a tenth of the time."""
    if found.tobytes() != expected.tobytes() or found.shape != expected.shape:
        np.testing.assert_array_equal(found, expected, err_msg=case)


def philox_words(seed, image, stream, count):
    """Draw words as the package defines them, with NumPy's Philox."""
    # NumPy increments the counter before each block of four words.
    generator = np.random.Philox(counter=((image << 64) - 1) % 2**256, key=seed + (stream << 64))
    return generator.random_raw(count).tolist() if count > 0 else []


def bounded(word, count):
    """Turn a 64-bit word into an integer from 0 to count - 1."""
    return (word * count) >> 64


GLYPH, SPACING = 3, 4


ALPHABET = "0123456789-.,/()+ :$€£¥%#*='"


def draw_image(sequence, number, *, images, labels, seed, spacing_range, width, fit="contain", separators=None):
    """Draw image `number` of a seed from the digits `images` (N, H, H) with integer `labels`, the slow way.

    `separators` are (images, codes, columns of a space), where a sequence holds any.
    """
    if not len(sequence):
        return np.full((images.shape[1], width), 255, np.uint8)
    glyph_words = philox_words(seed, number, GLYPH, len(sequence))
    gap_words = philox_words(seed, number, SPACING, len(sequence) - 1)
    glyphs = []
    for character, word in zip(sequence, glyph_words, strict=True):
        code = ALPHABET.index(character)
        some, codes = (images, labels) if code < 10 else separators[:2]
        examples = np.flatnonzero(codes == code)
        example = some[examples[bounded(word, len(examples))]]
        glyphs.append(example[:, : separators[2]] if character == " " else crop_to_ink(example))
    smallest, largest = spacing_range
    gaps = [smallest + bounded(word, largest - smallest + 1) for word in gap_words]
    return draw_glyphs(glyphs, gaps, width, fit)
