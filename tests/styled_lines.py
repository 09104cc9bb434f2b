"""Styled lines as the tests draw, describe and measure them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from number_generator import Handwriting, generate_batch
from number_generator._kernels import line_items, links, placing, rng, shaping, streams, writing
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import prepare_atlas
from number_generator.job.handwriting import parameters
from number_generator.numbers.sequences import pack_sequences
from number_generator.rendering.styled import make_style_table

PARAMETERS = {parameter.name: parameter for parameter in parameters()}
DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}
NAMED = ["natural", "document"]
PLAIN = Handwriting(gap=0.3)  # as near to `clean` as a style that is drawn from fields can be


def names_of(*groups):
    return [name for name, parameter in PARAMETERS.items() if parameter.group in groups]


def without(style, *groups):
    """Return a style with some groups of parameters as they are in `clean`."""
    return style.replace(**{name: DEFAULTS[name] for name in names_of(*groups)})


def draw(sequences, style, width=100, seed=1, spacing_range=None, **options):
    return generate_batch(sequences, spacing_range, width, style=style, seed=seed, **options)


def ink_of(images):
    """Return the ink of pages, 0 to 1."""
    return (255 - images.astype(float)) / 255


@dataclass
class Line:
    """What the kernels made of a line, before anything is drawn."""

    items: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    transform: tuple[float, ...]
    softness: float
    glyphs: tuple

    @property
    def digits(self):
        """The items that are digits, in order."""
        return self.items[self.items[:, line_items.GLYPH] >= 0]

    def of_code(self, code):
        """Return the points of each item of a code."""
        chosen = self.items[:, line_items.CODE] == code
        counts = self.items[chosen, line_items.POINTS].astype(int)
        return [points[:count] for points, count in zip(self.points[chosen], counts, strict=True)]


def lay_out(text, style, image=0, seed=1, width=100, spacing_range=None, digits=None, signs=0):
    """Do what `write_lines` does before the first pixel."""
    atlas = prepare_atlas(digits or packaged_digits(), style)
    codes, table, glyphs = pack_sequences([text]).codes, make_style_table(style), atlas.fields.packed
    key = np.uint64(seed), np.uint64(image), table
    scratch = writing.make_scratch(max(len(codes), 1), atlas.height, width)
    items, points, _, words, _, _ = scratch
    signs = np.int64(signs)
    count = line_items.list_items(*key, codes, signs, items)
    rng.fill_words(*key[:2], streams.GLYPH, len(codes), words)
    members, start, glyph_group, groups = atlas.groups
    first = line_items.choose_glyphs(words, (members, start, glyph_group, groups), atlas.class_start, items, count)
    line_items.choose_letterforms(*key, atlas.letterform_choice, items, count)
    shaping.shape_items(*key, len(codes), glyphs, scratch, count, first, atlas.letterform_choice[0])
    spaced = line_items.may_hold_spaces(codes, signs)
    placing.place_items(*key, spacing_range or writing.NO_SPACING, spaced, len(codes), glyphs, scratch, count)
    links.link_digits(*key, glyphs, scratch, count)
    softness = writing.line_value(*key, streams.SOFTNESS)
    fit = (style.crop == "tight", False, False, 1.0)
    place = (*key, (atlas.height, width), fit, softness, glyphs, scratch, count)
    transform, *_ = placing.fit_line(*place)
    if placing.clear_points(items, count, transform, softness):
        transform, *_ = placing.fit_line(*place)
    return Line(items[:count].copy(), points[:count].copy(), transform, softness, glyphs)


def extent(mask):
    """Return the first place and the one after the last."""
    places = np.flatnonzero(mask)
    return int(places[0]), int(places[-1]) + 1


def columns_of(image):
    return extent((image < 128).any(axis=0))


def rows_of(image):
    return extent((image < 128).any(axis=1))


def moments(image):
    """Return mean x, mean y, and the variances and covariance of a page's ink; y counts upwards."""
    ink = ink_of(image)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    total = ink.sum()
    mean_x, mean_y = (ink * x).sum() / total, (ink * -y).sum() / total
    x, y = x - mean_x, -y - mean_y
    return mean_x, mean_y, (ink * x * x).sum() / total, (ink * x * y).sum() / total, (ink * y * y).sum() / total


def slant_of(image):
    _, _, _, xy, yy = moments(image)
    return xy / yy


def stroke_of(image):
    """Estimate the width of strokes: twice the area over the length of the outline."""
    ink = np.pad(ink_of(image), 1)
    across, down = np.gradient(ink, axis=1), np.gradient(ink, axis=0)
    return 2 * ink.sum() / np.hypot(across, down).sum()


def pieces(image):
    """Cut a page at its blank columns into its digits."""
    inked = (image < 200).any(axis=0).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inked, [0]])))
    return [image[:, start:stop] for start, stop in edges.reshape(-1, 2)]


TIGHT = PLAIN.replace(crop="tight")


def stick(slant):
    """Draw a straight 1 that leans."""
    y, x = np.mgrid[:28, :28] + 0.5
    away = np.abs(x - 14 - slant * (14 - y)) / np.hypot(1, slant)
    return np.uint8(255 * np.clip(1.75 - away, 0, 1) * (np.abs(y - 14) < 10))
