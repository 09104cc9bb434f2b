"""Lines and styles for the tests of ground truth."""

from functools import cache

import numpy as np
import reference
from hypothesis import strategies as st

from number_generator import Handwriting
from number_generator.digits.separators import SIGN_CLASSES, DigitMeasures, draw_separators

ALPHABET = reference.ALPHABET
TEXTS = ["03-1234 56", "7", "", "(08),9/1.2+", " ", "98765432109876543210", "-", "1 0", "€12:30%", "$£¥#*='"]
NATURAL = Handwriting.named("natural")
DOCUMENT = Handwriting.named("document")
# A page that is its ink alone
INKED = NATURAL.replace(ink=1, ink_drift=0, writer="mixed", tail=0.5, open_loop=0.5)
TIGHT = INKED.replace(crop="tight", height=(0.5, 1), fill=0.4, margin=(0, 0.4), rotation=(-6, 6), gap=(-0.3, 0.4))
LINES = st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=5)
SEEDS = st.integers(0, 2**64 - 1)
WIDTHS = st.integers(1, 300)


def gaps_of(style):
    return (2, 9) if style == "clean" else None


def extent_of(ink, least=1):
    """The box of the pixels with at least so much ink; -1 if there are none."""
    y, x = np.nonzero(ink >= least)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1] if len(x) else [-1] * 4


@cache
def separators_of(digits):
    """Return what the oracle draws separators from: images, codes, columns of a space."""
    measures = DigitMeasures.measure(digits.atlas.height, digits.atlas.packed)
    return *draw_all_signs(measures), measures.space_width


@cache
def draw_all_signs(measures):
    """Draw the separators and all other signs: images, and the code of each."""
    drawn = [draw_separators(measures), draw_separators(measures, SIGN_CLASSES)]
    return tuple(np.concatenate(arrays) for arrays in zip(*drawn, strict=True))


def glyphs_of_line(text, number, digits, seed, spacing_range):
    """Lay a line of clean out, the slow way: the left edge and the image of each glyph."""
    images, labels = digits.get_data()
    labels = np.array(labels, np.int64)
    separators, codes, space_width = separators_of(digits)
    smallest, largest = spacing_range
    glyph_words = reference.philox_words(seed, number, reference.GLYPH, len(text))
    gap_words = reference.philox_words(seed, number, reference.SPACING, len(text))
    left, placed = 0, []
    for character, glyph_word, gap_word in zip(text, glyph_words, gap_words, strict=True):
        code = ALPHABET.index(character)
        examples = images[labels == code] if code < 10 else separators[codes == code]
        example = examples[reference.bounded(glyph_word, len(examples))]
        glyph = example[:, :space_width] if character == " " else reference.crop_to_ink(example)
        placed.append((left, glyph))
        left += glyph.shape[1] + smallest + reference.bounded(gap_word, largest - smallest + 1)
    return placed
