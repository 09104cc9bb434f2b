"""Letterforms: how the world's hands form digits, drawn from strokes in many variations each.

A digit dataset shows the forms of one country: MNIST's are North American school forms. `data/letterforms.json`
describes the others by strokes. What a reader learns from is less the form than its variety, so each form is drawn by
many hands: its points are moved, and the plane around it is bent by a few waves, stretched, slanted and turned. A pen
of constant width teaches as well as real ink does.
"""

import json
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from number_generator._kernels import fields
from number_generator._kernels.letterforms import draw_form_fields
from number_generator.digits.packaged_files import find_packaged_file
from number_generator.job.letterform_sets import SETS

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Choice = tuple[int, int, int, Integers, Integers, Integers]
"""What kernels choose by: the first glyph, the drawings of each form, the number of regions, and the forms of each
digit in each region: `ids[start[cell] : start[cell + 1]]`, with cumulative weights `stops`; a cell is 10 * region +
digit."""

HANDS = 16
"""How many hands draw each form."""

_DENSITY = 40.0  # texels per digit height: that of MNIST's fields
_PADDING = 0.175  # digit heights
_STEPS = 4  # of the curve from one point to the next
_WEIGHT = 1 << 20  # steps of a weight of 1

# How hands differ; lengths in digit heights
_POINT_SD = 0.022  # of each point
_WAVES = 4  # for each axis
_WAVE_SD = 0.6366  # turns per digit height
_BEND_SD = 0.04  # amplitude of each wave
_ASPECT = 0.42  # largest logarithm of the factor of the width, about
_TILT_SD = 0.16  # slant
_TURN_SD = 0.09  # radians
_SAG = 0.55  # how unevenly the height is divided
_PENS = (0.06, 0.15)  # width


@dataclass(frozen=True, slots=True, eq=False)
class Letterform:
    """One form of a digit.

    Attributes
    ----------
    digit : int
    name : str
        Unique among the forms of the digit.
    regions : tuple of str
        Where people write so.
    weight : float
        How common it is there; 1 is ordinary.
    leaves, arrives : bool
        Whether a pen runs on from its end to the next digit, and to its beginning from the one before.
    strokes : tuple of ndarray, shape (points, 3)
        x, y, and whether the pen turns sharply there; y is 0 at the top of a digit and 1 on the baseline.
    """

    digit: int
    name: str
    text: str
    regions: tuple[str, ...]
    weight: float
    leaves: bool
    arrives: bool
    strokes: tuple[Numbers, ...]


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
    """Draw all forms; it takes a third of a second."""
    drawn = [_vary(form) for form in load_letterforms()]
    lows, highs, radii, facts, segments, lengths = [], [], [], [], [], []
    for form, (points, radius, tilt) in zip(load_letterforms(), drawn, strict=True):
        flat = np.concatenate(points, axis=1)
        low, high = flat.min(axis=1) - radius[:, None], flat.max(axis=1) + radius[:, None]
        facts.append(_measure(form, points, flat - low[:, None], radius, tilt, low, high))
        shift = (_PADDING - low)[:, None]
        pieces = [np.concatenate((part[:, :-1], part[:, 1:]), axis=2) for part in points]
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
    return LetterformFields(texels, offsets, sizes, np.concatenate(facts))


# --- variation: + - * / and square roots alone, so that each machine draws the same


def _vary(form: Letterform) -> tuple[list[Numbers], Numbers, Numbers]:
    """Return a form's strokes as each hand draws it, each (V, points, 2), with the radius and the slant of each."""
    count = sum(map(len, form.strokes))
    key = zlib.crc32(f"{form.digit}/{form.name}".encode())
    words = np.random.Philox(key=key)
    hand = words.random_raw(HANDS * (2 * count + 8 * _WAVES + 5)).reshape(HANDS, -1)
    bells = _bell(hand)
    noise = _POINT_SD * bells[:, : 2 * count]
    waves = bells[:, 2 * count :][:, : 8 * _WAVES].reshape(-1, 4, 2, _WAVES)
    phases = _unit(hand[:, 2 * count :][:, : 8 * _WAVES]).reshape(-1, 4, 2, _WAVES)[:, 2]
    even = 2.0 * _unit(hand[:, -5:]) - 1.0
    tilt = _TILT_SD * bells[:, -2]
    turn = _TURN_SD * bells[:, -1]
    radius = 0.5 * (_PENS[0] + (_PENS[1] - _PENS[0]) * (0.5 + 0.5 * even[:, 2]))
    half = 0.5 * _ASPECT * even[:, 0]
    aspect = (1.0 + half) / (1.0 - half)  # about an exponential
    sag = _SAG * even[:, 1]

    middle = 0.5 * (min(part[:, 0].min() for part in form.strokes) + max(part[:, 0].max() for part in form.strokes))
    strokes, begin = [], 0
    for part in form.strokes:
        moved = part[None, :, :2] + noise[:, 2 * begin : 2 * (begin + len(part))].reshape(-1, len(part), 2)
        begin += len(part)
        x, y = np.moveaxis(_smooth(moved, part[:, 2] > 0), 2, 0)
        within = np.clip(y, 0.0, 1.0)
        y = y + sag[:, None] * within * (1.0 - within)
        bent = []
        for axis in range(2):
            shift = np.zeros_like(x)
            for k in range(_WAVES):
                wave_x, wave_y = _WAVE_SD * waves[:, 0, axis, k, None], _WAVE_SD * waves[:, 1, axis, k, None]
                turns = wave_x * x + wave_y * y + phases[:, axis, k, None]
                shift = shift + _BEND_SD * waves[:, 3, axis, k, None] * _sine(turns)
            bent.append(shift)
        x, y = (x - middle + bent[0]) * aspect[:, None], y + bent[1]
        x = x + tilt[:, None] * (1.0 - y)
        x, y = x - turn[:, None] * (y - 0.5), y + turn[:, None] * x  # small angles
        scale = 1.0 - 2.0 * radius[:, None]
        strokes.append(np.stack((x * scale, y * scale + radius[:, None]), axis=2))
    return strokes, radius, tilt


def _smooth(points: Numbers, sharp: npt.NDArray[np.bool_]) -> Numbers:
    """Return points on a smooth curve (Catmull and Rom) through `points`, (V, n, 2), broken at the sharp ones."""
    a, b = points[:, :-1, None], points[:, 1:, None]
    breaks = sharp.copy()
    breaks[[0, -1]] = True
    before = np.where(breaks[:-1, None, None], a, np.roll(points, 1, axis=1)[:, :-1, None])
    after = np.where(breaks[1:, None, None], b, np.roll(points, -2, axis=1)[:, :-1, None])
    t = (np.arange(1, _STEPS + 1) / _STEPS)[:, None]
    curve = (b - before) * t + (2.0 * before - 5.0 * a + 4.0 * b - after) * (t * t)
    curve = 0.5 * (curve + (3.0 * a - before - 3.0 * b + after) * (t * t * t)) + a
    return np.concatenate((points[:, :1], curve.reshape(len(points), -1, 2)), axis=1)


def _sine(turns: Numbers) -> Numbers:
    """Return the sine of an angle in turns, accurate to 1e-3."""
    turns = turns - np.rint(turns)
    rough = turns * (8.0 - 16.0 * np.abs(turns))
    return rough * (0.775 + 0.225 * np.abs(rough))


def _unit(words: npt.NDArray[np.uint64]) -> Numbers:
    """Turn words into numbers from 0 to below 1."""
    return (words >> np.uint64(11)).astype(np.float64) / 9007199254740992.0


def _bell(words: npt.NDArray[np.uint64]) -> Numbers:
    """Turn words into bell-shaped draws with mean 0 and standard deviation 1: sums of four uniform draws."""
    parts = [((words >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.float64) for k in range(4)]
    return (parts[0] + parts[1] + parts[2] + parts[3] - 131070.0) / 37837.22707


def _measure(
    form: Letterform,
    strokes: list[Numbers],
    points: Numbers,
    radius: Numbers,
    tilt: Numbers,
    low: Numbers,
    high: Numbers,
) -> Numbers:
    """Measure the drawings of a form; `points` are from the corner of the ink's box, as all lengths of `facts` are."""
    facts = np.zeros((len(points), fields.FACTS))
    x, y = points[:, :, 0], points[:, :, 1]
    facts[:, fields.X1], facts[:, fields.Y1] = (high - low).T
    facts[:, fields.STROKE], facts[:, fields.SLANT] = 2.0 * radius, tilt
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
