"""The distributions of a parameter's values, uniform or normal, with their plain form and their text form."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from number_generator.errors import SpecError
from number_generator.system.checks import format_value

NORMAL_REACH = 3.5
"""In standard deviations: no draw of `Normal` is farther from the mean."""
_JOB = re.compile(r"job\s*\((.*)\)", re.DOTALL)
_NORMAL = re.compile(r"normal\s*\((.*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every value from `low` to `high` with equal chance, or one value if they are equal.

    Attributes
    ----------
    low, high : float
    per_job : bool
        Whether one value is drawn for the whole job, from the seed alone.

    Raises
    ------
    SpecError
        If `low > high`, or one of them is not a finite number.

    Examples
    --------
    >>> from number_generator import Uniform
    >>> print(Uniform(-0.2, 0.4), Uniform(1, 1.0), Uniform(0, 2, per_job=True))
    -0.2:0.4 1 job(0:2)
    """

    low: float
    high: float
    per_job: bool = False

    def __post_init__(self) -> None:
        low, high = _check_range(self.low, self.high)
        _set(self, low=low, high=high, per_job=_check_per_job(self.per_job))

    def __str__(self) -> str:
        body = format_number(self.low)
        if self.low != self.high:
            body += f":{format_number(self.high)}"
        return f"job({body})" if self.per_job else body

    def bounds(self) -> tuple[float, float]:
        """Return the lowest and the highest value of a draw."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Normal:
    """A bell curve around `mean`, clipped to `low` and `high`.

    A draw is a sum of four uniform draws, which no image can tell from a normal distribution, and which ends 3.46
    standard deviations from the mean.

    Attributes
    ----------
    mean, sd : float
        Mean and standard deviation before clipping.
    low, high : float, optional
        The cut-offs, both or neither.
    per_job : bool
        As for `Uniform`.

    Raises
    ------
    SpecError
        If `sd < 0`, `low > high`, one cut-off is missing, or a value is not a finite number.

    Examples
    --------
    >>> from number_generator import Normal
    >>> print(Normal(0.1, 0.05), Normal(0.1, 0.05, -0.3, 0.5))
    normal(0.1, 0.05) normal(0.1, 0.05, -0.3, 0.5)
    """

    mean: float
    sd: float
    low: float | None = None
    high: float | None = None
    per_job: bool = False

    def __post_init__(self) -> None:
        mean, sd = _check_number("the mean", self.mean), _check_number("the standard deviation", self.sd)
        if sd < 0:
            raise SpecError(f"the standard deviation is {format_number(sd)}: give 0 or more")
        _set(self, mean=mean, sd=sd, per_job=_check_per_job(self.per_job))
        if self.low is None and self.high is None:
            return
        if self.low is None or self.high is None:
            raise SpecError(
                f"low is {format_value(self.low)} and high is {format_value(self.high)}: give both cut-offs or neither"
            )
        low, high = _check_range(self.low, self.high)
        _set(self, low=low, high=high)

    def __str__(self) -> str:
        values = (self.mean, self.sd, self.low, self.high)
        body = f"normal({', '.join(format_number(value) for value in values if value is not None)})"
        return f"job({body})" if self.per_job else body

    def bounds(self) -> tuple[float, float]:
        """Return the cut-offs, or the points 3.5 standard deviations from the mean if there are none."""
        if self.low is None or self.high is None:
            return self.mean - NORMAL_REACH * self.sd, self.mean + NORMAL_REACH * self.sd
        return self.low, self.high


Distribution = Uniform | Normal


def to_distribution(value: Any) -> Distribution:
    """Make a distribution from its plain form, which TOML and JSON can hold, or raise SpecError.

    That is a number; a pair (low, high); a mapping with the keys `low` and `high`; or one with `mean` and `sd`, with
    `low` and `high` if there are cut-offs. A mapping may have `per_job`.
    """
    if isinstance(value, (Uniform, Normal)):
        return value
    if _is_number(value):
        return Uniform(value, value)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return Uniform(*value)
    if isinstance(value, Mapping):
        if {"low", "high"} <= set(value) <= {"low", "high", "per_job"}:
            return Uniform(**value)
        if {"mean", "sd"} <= set(value) <= {"mean", "sd", "low", "high", "per_job"}:
            return Normal(**value)
    raise SpecError(
        f"the value is {format_value(value)}: give a number, a pair (low, high), low and high by name, or mean and sd"
    )


def dump_distribution(distribution: Distribution) -> Any:
    """Return the shortest plain form of a distribution."""
    table: dict[str, Any]
    if isinstance(distribution, Uniform):
        low, high = distribution.low, distribution.high
        if not distribution.per_job:
            return low if low == high else [low, high]
        table = {"low": low, "high": high}
    else:
        table = {"mean": distribution.mean, "sd": distribution.sd}
        if distribution.low is not None:
            table |= {"low": distribution.low, "high": distribution.high}
    return table | {"per_job": True} if distribution.per_job else table


def parse_distribution(text: str) -> Distribution:
    """Parse the text form of a distribution, which `str` returns, or raise SpecError.

    That is a number, `low:high`, `normal(mean, sd)`, `normal(mean, sd, low, high)`, or one of these in `job(...)`.
    """
    job = _JOB.fullmatch(text.strip())
    body = (job[1] if job else text).strip()
    normal = _NORMAL.fullmatch(body)
    match bool(normal), _parse_numbers(normal[1].split(",") if normal else body.split(":")):
        case True, [mean, sd]:
            return Normal(mean, sd, per_job=bool(job))
        case True, [mean, sd, low, high]:
            return Normal(mean, sd, low, high, per_job=bool(job))
        case False, [low]:
            return Uniform(low, low, per_job=bool(job))
        case False, [low, high]:
            return Uniform(low, high, per_job=bool(job))
    raise SpecError(
        f"the value is {format_value(text)}: give a number, low:high, normal(mean, sd), normal(mean, sd, low, "
        "high), or one of these in job(...)"
    )


def format_number(number: float) -> str:
    """Return the shortest text that is exactly this number."""
    return repr(number).removesuffix(".0")


def _set(frozen: Distribution, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(frozen, name, value)


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number, such as NumPy's; true and false are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _check_number(name: str, value: Any) -> float:
    """Return a finite number as a float, so that 1 and 1.0 or -0.0 and 0.0 are the same in every form."""
    if _is_number(value):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number + 0.0
    raise SpecError(f"{name} is {format_value(value)}: give a finite number")


def _check_range(low: Any, high: Any) -> tuple[float, float]:
    low, high = _check_number("the low end", low), _check_number("the high end", high)
    if low > high:
        raise SpecError(
            f"the range is {format_number(low)}:{format_number(high)}: the low end exceeds the high one; swap them"
        )
    return low, high


def _check_per_job(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"per_job is {format_value(value)}: give true or false")
    return value


def _parse_numbers(texts: list[str]) -> list[float]:
    """Return the texts as numbers, or an empty list if one is not a number."""
    try:
        return [float(text) for text in texts]
    except ValueError:
        return []
