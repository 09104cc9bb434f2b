"""Letterforms: how the world's hands form digits, drawn from strokes in many variations each.

A digit dataset shows the forms of one country: MNIST's are North American school forms. `data/letterforms.json`
describes the others by strokes, and `hands` varies them. A pen of constant width teaches as well as real ink does.
"""

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from number_generator._kernels import fields
from number_generator._kernels.letterforms import draw_form_fields
from number_generator.digits.hands import HANDS, Letterform, Written, write_form
from number_generator.digits.kept_fields import Arrays, find_or_make
from number_generator.digits.packaged_files import find_packaged_file
from number_generator.job.letterform_sets import SETS

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Choice = tuple[int, int, int, Integers, Integers, Integers]
"""What kernels choose by: the first glyph, the drawings of each form, the number of regions, and the forms of each
digit in each region: `ids[start[cell] : start[cell + 1]]`, with cumulative weights `stops`; a cell is 10 * region +
digit."""

_DENSITY = 40.0  # texels per digit height: that of MNIST's fields
_PADDING = 0.175  # digit heights
_WEIGHT = 1 << 20  # steps of a weight of 1


@dataclass(frozen=True, slots=True, eq=False)
class LetterformFields:
    """The distance fields of all forms as `HANDS` hands draw them: see `GlyphFields`.

    Lengths in `facts` are in digit heights.
    """

    texels: npt.NDArray[np.uint8]
    offsets: Integers
    sizes: Integers
    facts: Numbers

    def scale_facts(self, digit_height: float) -> Numbers:
        """Return the measurements in px, for digits of this height."""
        facts = self.facts * digit_height
        for column in (fields.SLANT, fields.LEAVE_SLOPE, fields.CAN_LEAVE, fields.CAN_ARRIVE):
            facts[:, column] = self.facts[:, column]
        facts[:, fields.DENSITY] = self.facts[:, fields.DENSITY] / digit_height
        return facts


@lru_cache(maxsize=1)
def load_letterforms() -> tuple[Letterform, ...]:
    """Load the packaged letterforms, sorted by digit."""
    path = find_packaged_file("letterforms.json", "letterforms")
    table = json.loads(path.read_text(encoding="utf-8"))
    forms = [
        Letterform(
            each["digit"], each["name"], each["text"], tuple(each["regions"]), each["weight"], each["exit"],
            each["entry"], tuple(np.array([(*point, 0)[:3] for point in stroke], float) for stroke in each["strokes"]),
        )
        for each in table["forms"]
    ]  # fmt: skip
    return tuple(sorted(forms, key=lambda form: form.digit))


def find_forms(glyph: Integers, first: int) -> Integers:
    """Return the form of each glyph as an index of `load_letterforms`, -1 for those of the digit dataset."""
    return np.where(glyph < first, -1, (glyph - first) // HANDS)


@lru_cache(maxsize=16)
def make_choice(first: int, name: str) -> Choice:
    """Return what kernels choose letterforms of a set by, the glyphs of which begin at `first`."""
    start, ids, stops = [0], [], []
    for region in SETS[name]:
        for digit in range(10):
            total = 0
            for number, form in enumerate(load_letterforms()):
                if form.digit == digit and region in form.regions:
                    total += max(1, round(form.weight * _WEIGHT))
                    ids.append(number)
                    stops.append(total)
            start.append(len(ids))
    tables = (np.array(each, np.int64) for each in (start, ids, stops))
    return (first, HANDS, len(SETS[name]), *tables)  # type: ignore[return-value] # three of them


@lru_cache(maxsize=1)
def draw_letterforms() -> LetterformFields:
    """Return the fields of all forms: drawn, which takes half a second, or kept from before."""
    packaged = find_packaged_file("letterforms.json", "letterforms").read_bytes()
    return LetterformFields(**find_or_make("letterforms", (packaged,), _draw))


def _draw() -> Arrays:
    lows, highs, radii, facts, segments, lengths = [], [], [], [], [], []
    for form in load_letterforms():
        written = write_form(form)
        radius, flat = written.radius, np.concatenate(written.strokes, axis=1)
        low, high = flat.min(axis=1) - radius[:, None], flat.max(axis=1) + radius[:, None]
        facts.append(_measure(form, written, flat - low[:, None], low, high))
        shift = (_PADDING - low)[:, None]
        pieces = [np.concatenate((part[:, :-1], part[:, 1:]), axis=2) for part in written.strokes]
        both = np.concatenate(pieces, axis=1) + np.concatenate((shift, shift), axis=2)
        segments.append((both * _DENSITY - 0.5).reshape(-1, 4))
        lengths += [both.shape[1]] * HANDS
        lows.append(low)
        highs.append(high)
        radii.append(radius)
    sizes = np.ceil((np.concatenate(highs) - np.concatenate(lows) + 2 * _PADDING) * _DENSITY).astype(np.int64)
    areas = sizes.prod(axis=1)
    offsets = (np.cumsum(areas) - areas).astype(np.int64)
    texels = np.zeros(int(areas.sum()) + 4, np.uint8)  # kernels read 4 bytes at once
    draw_form_fields(
        np.concatenate(segments).astype(np.float32),
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        (np.concatenate(radii) * _DENSITY).astype(np.float32),
        offsets,
        sizes,
        texels,
    )
    return {"texels": texels, "offsets": offsets, "sizes": sizes, "facts": np.concatenate(facts)}


def _measure(form: Letterform, written: Written, points: Numbers, low: Numbers, high: Numbers) -> Numbers:
    """Measure the drawings of a form; `points` are from the corner of the ink's box, as all lengths of `facts` are."""
    radius, strokes = written.radius, written.strokes
    facts = np.zeros((len(points), fields.FACTS))
    x, y = points[:, :, 0], points[:, :, 1]
    facts[:, fields.X1], facts[:, fields.Y1] = (high - low).T
    facts[:, fields.STROKE], facts[:, fields.SLANT] = 2.0 * radius, written.tilt
    rows = np.arange(len(points))
    facts[:, fields.TOP_X] = x[rows, y.argmin(axis=1)]
    facts[:, fields.BOTTOM_X] = x[rows, y.argmax(axis=1)]
    facts[:, fields.DENSITY], facts[:, fields.PADDING] = _DENSITY, _PADDING
    facts[:, fields.BASELINE] = 1.0 - low[:, 1]
    end, before, begin = strokes[-1][:, -1] - low, strokes[-1][:, -3] - low, strokes[0][:, 0] - low
    facts[:, fields.LEAVE_X], facts[:, fields.LEAVE_Y] = end.T
    across = np.maximum(end[:, 0] - before[:, 0], 0.02)
    facts[:, fields.LEAVE_SLOPE] = np.clip((end[:, 1] - before[:, 1]) / across, -1.0, 1.0)
    facts[:, fields.ARRIVE_X], facts[:, fields.ARRIVE_Y] = begin.T
    facts[:, fields.CAN_LEAVE], facts[:, fields.CAN_ARRIVE] = form.leaves, form.arrives
    for s in range(fields.SHEARS):
        shear = fields.SHEAR_STEP * (s - fields.SHEARS // 2)
        margin = radius * np.sqrt(1.0 + shear * shear)
        for first, along in ((fields.SUPPORT, x + shear * y), (fields.SUPPORT + 2 * fields.SHEARS, y + shear * x)):
            facts[:, first + s] = along.min(axis=1) - margin
            facts[:, first + fields.SHEARS + s] = along.max(axis=1) + margin
    return facts
