"""The parameters of a style that scans may tell about, and their values as plain numbers to search among."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from number_generator.job.distributions import Distribution, Normal, Uniform
from number_generator.job.handwriting import Handwriting, parameters
from number_generator.scans.looks import Floats

Kind = Literal["range", "bell", "share"]

_ROOT_3 = 3**0.5  # half of a uniform distribution's width, in its standard deviations
_REACH = 2.5  # standard deviations, at which a bell curve is cut off
_LEAST_SPREAD = 0.004  # of a parameter's limits


@dataclass(frozen=True, slots=True)
class Searched:
    """A parameter, and the limits between which it is looked for.

    A `range` has a middle and a spread, a `bell` curve too; a `share` has itself alone.
    """

    name: str
    kind: Kind
    low: float
    high: float
    group: str

    @property
    def width(self) -> float:
        """The limits' distance."""
        return self.high - self.low

    def describe(self, middle: float, spread: float) -> Any:
        """Return a value of the parameter, from a mean and a standard deviation."""
        middle = min(max(middle, self.low), self.high)
        if self.kind == "share":
            return _round(middle)
        spread = max(spread, _LEAST_SPREAD * self.width)
        if self.kind == "bell":
            reach = _REACH * spread
            low, high = max(middle - reach, self.low), min(middle + reach, self.high)
            return Normal(_round(middle), _round(spread), _round(low), _round(high))
        half = _ROOT_3 * spread
        return Uniform(_round(max(middle - half, self.low)), _round(min(middle + half, self.high)))

    def read(self, value: Distribution) -> tuple[float, float]:
        """Return mean and standard deviation of a value."""
        if isinstance(value, Normal):
            return value.mean, value.sd
        return 0.5 * (value.low + value.high), (value.high - value.low) / (2.0 * _ROOT_3)


def _of(name: str, kind: Kind, low: float, high: float) -> Searched:
    group = next((parameter.group for parameter in parameters() if parameter.name == name), "")
    return Searched(name, kind, low, high, group)


LENGTH = "length"
"""The number of digits in a line: no parameter of a style, but what many measures depend on."""

SEARCHED = (
    _of("height", "range", 0.3, 1.0),
    _of("gap", "range", -0.25, 0.9),
    _of("squeeze", "range", 0.4, 2.0),
    _of("margin", "range", 0.0, 0.9),
    _of("position", "range", 0.0, 1.0),
    _of("fill", "share", 0.0, 1.0),
    _of("vertical_position", "range", 0.0, 1.0),
    _of("slant", "bell", -0.6, 0.8),
    _of("rotation", "bell", -6.0, 6.0),
    _of("drift", "bell", -0.3, 0.3),
    _of("thickness", "range", -0.1, 0.14),
    _of("ink", "range", 0.12, 1.0),
    _of("ink_drift", "range", 0.0, 0.7),
    _of("ink_texture", "range", 0.0, 0.6),
    _of("softness", "range", 0.5, 3.0),
    _of("paper", "range", 0.3, 1.0),
    _of("gradient", "range", 0.0, 0.5),
    _of("texture", "range", 0.0, 0.3),
    _of("waves", "share", 0.0, 1.0),
    _of("fibres", "share", 0.0, 1.0),
    _of("ruled", "share", 0.0, 1.0),
    _of("boxed", "share", 0.0, 1.0),
    _of("rule_strength", "range", 0.1, 0.9),
    _of("speckle", "range", 0.0, 5.0),
    _of("blur", "range", 0.0, 1.5),
    _of("noise", "range", 0.0, 0.3),
    _of("jpeg", "share", 0.0, 1.0),
    _of(LENGTH, "range", 1.0, 16.0),
)
"""All of them."""
BY_NAME = {each.name: each for each in SEARCHED}

FIXED_WIDTH = ("position", "fill")
"""Those that do something only on pages of one width."""

AS_SCANNED = {"auto_levels": 0.0, "invert": 0.0, "padding": 0.0}
"""What is done to a page after the scan, for the reader: scans are measured as they are, and so are drawn pages."""

STILL = {**AS_SCANNED, "loose": 0.0}
"""What other parameters are while a style is matched: as scanned, and no cuts but those of `height` and `margin`."""

NOT_KNOWN = 12**-0.5
"""The standard deviation of a middle of which nothing is known, in distances of its limits."""

Guess = dict[str, tuple[float, float]]
"""Mean and standard deviation of parameters, by name."""


def read_guess(style: Handwriting) -> Guess:
    """Return the values of a style; lines have four digits, or one to seven."""
    found = {each.name: each.read(getattr(style, each.name)) for each in SEARCHED if each.name != LENGTH}
    return {**found, LENGTH: (4.0, 1.7)}


def apply_guess(base: Handwriting, guess: Guess, names: tuple[str, ...]) -> Handwriting:
    """Return a style with the values of some parameters."""
    return base.replace(**{name: BY_NAME[name].describe(*guess[name]) for name in names if name != LENGTH})


def to_vector(guess: Guess, names: tuple[str, ...]) -> Floats:
    """Return a guess as numbers from 0 to 1: both ends of ranges, mean and deviation of bell curves, and shares.

    There is a number for each name, and then a second one for each that has two.
    """
    first, second = [], []
    for name in names:
        each, (middle, spread) = BY_NAME[name], guess[name]
        half = _ROOT_3 * spread if each.kind == "range" else 0.0
        first.append((middle - half - each.low) / each.width)
        if each.kind != "share":
            second.append((middle + half - each.low if each.kind == "range" else spread) / each.width)
    return np.clip(np.array([*first, *second]), 0.0, 1.0)


def from_vector(vector: Floats, names: tuple[str, ...]) -> Guess:
    """Return the guess that such numbers mean."""
    found: Guess = {}
    second = dict(zip(spread_names(names), vector[len(names) :].tolist(), strict=True))
    for name, one in zip(names, vector.tolist(), strict=False):
        each, two = BY_NAME[name], second.get(name, 0.0)
        if each.kind == "range":
            found[name] = each.low + 0.5 * (one + two) * each.width, 0.5 * abs(two - one) / _ROOT_3 * each.width
        else:
            found[name] = each.low + one * each.width, two * each.width
    return found


def to_middles(matrix: Floats, names: tuple[str, ...]) -> Floats:
    """Return slopes by such numbers as slopes by middles and spreads, in distances of the limits."""
    changed = matrix.copy()
    for place, name in enumerate(spread_names(names)):
        if BY_NAME[name].kind == "range":
            low, high = matrix[:, names.index(name)], matrix[:, len(names) + place]
            changed[:, names.index(name)] = low + high
            changed[:, len(names) + place] = _ROOT_3 * (high - low)
    return changed


def from_errors(errors: Floats, names: tuple[str, ...]) -> Guess:
    """Return what errors of middles and spreads, in distances of the limits, mean for the parameters."""
    second = dict(zip(spread_names(names), errors[len(names) :].tolist(), strict=True))
    return {
        name: (one * BY_NAME[name].width, second.get(name, 0.0) * BY_NAME[name].width)
        for name, one in zip(names, errors.tolist(), strict=False)
    }


def spread_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of those that have a spread."""
    return tuple(name for name in names if BY_NAME[name].kind != "share")


def _round(value: float) -> float:
    """Return a value with as many decimals as matter."""
    return float(f"{value:.3g}") if abs(value) >= 0.001 else 0.0
