"""The hands that letterforms are drawn by: each moves a form's points, and bends the plane around it.

What a reader learns from is less a form than its variety, for which a smooth deformation stands in: four plane waves
for each axis, a bent vertical scale, another width, a slant and a turn. All is computed by + - * / and square roots
alone, so that each machine draws the same.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

HANDS = 16
"""How many hands draw each form."""

_STEPS = 4  # of the curve from one point to the next

# How hands differ; lengths in digit heights
_POINT_SD = 0.015  # of each point
_WAVES = 4  # for each axis
_WAVE_SD = 0.5  # turns per digit height
_SHORTEST = 1.8  # of its wave vectors: shorter waves would fold a stroke
_BEND_SD = 0.042  # amplitude of each wave
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
class Written:
    """A form as each hand writes it; lengths in digit heights, y from 0 at the top of a digit to 1 on the baseline.

    Attributes
    ----------
    strokes : list of ndarray, shape (hands, points, 2)
        The middle of the pen along each stroke.
    radius : ndarray, shape (hands,)
        Half the width of the pen.
    tilt : ndarray, shape (hands,)
        The slant that the hand adds: to the right per height.
    """

    strokes: list[Numbers]
    radius: Numbers
    tilt: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Hands:
    """How each hand differs, one row each: see `_draw_hands`."""

    noise: Numbers
    waves: Numbers
    phases: Numbers
    amplitudes: Numbers
    aspect: Numbers
    sag: Numbers
    tilt: Numbers
    turn: Numbers
    radius: Numbers


def write_form(form: Letterform) -> Written:
    """Write a form as each hand does; the result depends on the form's own name and strokes alone."""
    hands = _draw_hands(form)
    middle = 0.5 * (min(part[:, 0].min() for part in form.strokes) + max(part[:, 0].max() for part in form.strokes))
    scale = 1.0 - 2.0 * hands.radius[:, None]  # the pen's edge, not its middle, reaches the top and the baseline
    strokes, begin = [], 0
    for part in form.strokes:
        moved = part[None, :, :2] + hands.noise[:, begin : begin + len(part)]
        begin += len(part)
        x, y = np.moveaxis(_smooth(moved, part[:, 2] > 0), 2, 0)
        x, y = _bend(x, y, middle, hands)
        strokes.append(np.stack((x * scale, y * scale + hands.radius[:, None]), axis=2))
    return Written(strokes, hands.radius, hands.tilt)


def _draw_hands(form: Letterform) -> _Hands:
    """Draw how each hand differs, from random words that belong to the form's name."""
    count = sum(map(len, form.strokes))
    words = np.random.Philox(key=zlib.crc32(f"{form.digit}/{form.name}".encode()))
    hand = words.random_raw(HANDS * (2 * count + 8 * _WAVES + 5)).reshape(HANDS, -1)
    bells = _bell(hand)
    of_waves = slice(2 * count, 2 * count + 8 * _WAVES)
    waves = bells[:, of_waves].reshape(HANDS, 4, 2, _WAVES)
    even = 2.0 * _unit(hand[:, -5:]) - 1.0
    half = 0.5 * _ASPECT * even[:, 0]
    return _Hands(
        noise=_POINT_SD * bells[:, : 2 * count].reshape(HANDS, count, 2),
        waves=_WAVE_SD * np.clip(waves[:, :2], -_SHORTEST, _SHORTEST),
        phases=_unit(hand[:, of_waves]).reshape(HANDS, 4, 2, _WAVES)[:, 2],
        amplitudes=_BEND_SD * waves[:, 3],
        aspect=(1.0 + half) / (1.0 - half),  # about an exponential
        sag=_SAG * even[:, 1],
        tilt=_TILT_SD * bells[:, -2],
        turn=_TURN_SD * bells[:, -1],
        radius=0.5 * (_PENS[0] + (_PENS[1] - _PENS[0]) * (0.5 + 0.5 * even[:, 2])),
    )


def _bend(x: Numbers, y: Numbers, middle: float, hands: _Hands) -> tuple[Numbers, Numbers]:
    """Return points after all that a hand does to the plane; x is then from the middle of the form."""
    within = np.clip(y, 0.0, 1.0)
    y = y + hands.sag[:, None] * within * (1.0 - within)
    bent = []
    for axis in range(2):
        shift = np.zeros_like(x)
        for k in range(_WAVES):
            turns = hands.waves[:, 0, axis, k, None] * x + hands.waves[:, 1, axis, k, None] * y
            shift = shift + hands.amplitudes[:, axis, k, None] * _sine(turns + hands.phases[:, axis, k, None])
        bent.append(shift)
    x, y = (x - middle + bent[0]) * hands.aspect[:, None], y + bent[1]
    x = x + hands.tilt[:, None] * (1.0 - y)
    return x - hands.turn[:, None] * (y - 0.5), y + hands.turn[:, None] * x  # a small angle


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
