"""Parameters that are drawn: how a dataclass declares them, what values they take, and how they are read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from number_generator._kernels import streams
from number_generator.errors import SpecError
from number_generator.job.distributions import (
    Distribution,
    Normal,
    Uniform,
    dump_distribution,
    format_number,
    parse_distribution,
    to_distribution,
)
from number_generator.system.checks import format_value, suggest

Scope = Literal["line", "glyph", "share", "choice"]
_Declared = TypeVar("_Declared")


@dataclass(frozen=True, slots=True)
class Kind:
    """What errors call parameters of a kind, and the page that lists them."""

    phrase: str
    page: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of `Handwriting` or `RealLines`.

    It is drawn once per line or once per glyph, from `low` to `high`; or it is a share, one number that is a chance; or
    a choice, one of `choices`. The unit of a share says what it is a share of, and its text continues that. `group` is
    the heading in the documentation, `default` the value that it has where none is given, and `stream` the random
    stream of the parameter's name.
    """

    name: str
    group: str
    scope: Scope
    unit: str
    low: float
    high: float
    choices: tuple[str, ...]
    text: str
    default: Distribution | str
    stream: int

    @property
    def limits(self) -> str:
        """The values that it takes, as one writes them."""
        if self.scope == "choice":
            return "|".join(self.choices)
        return f"{format_number(self.low)}:{format_number(self.high)}"

    def check(self, value: Any, read: Callable[[Any], Distribution] = to_distribution) -> Distribution | str:
        """Return a value as its class holds it, or raise SpecError; `read` makes a distribution of its form."""
        if self.scope == "choice":
            if not isinstance(value, str) or value not in self.choices:
                raise SpecError(f"{self.name} is {format_value(value)}: give {join_words(self.choices)}")
            return str(value)  # not a NumPy string
        try:
            return self._check_limits(read(value))
        except SpecError as exc:
            raise SpecError(f"{self.name}: {exc}") from exc

    def _check_limits(self, distribution: Distribution) -> Distribution:
        low, high = distribution.bounds()
        if self.scope == "share" and (isinstance(distribution, Normal) or distribution.per_job or low != high):
            raise SpecError(f"the value is {distribution}: it is a share; give one number from 0 to 1")
        if low < self.low or high > self.high:
            reach, way_out = "", ""
            if isinstance(distribution, Normal):
                reach = f", which reaches from {low:.4g} to {high:.4g}"
                within = replace(distribution, low=self.low, high=self.high)
                way_out = "" if distribution.low == low else f", or cut it off there, as in {within}"
            raise SpecError(
                f"the value is {distribution}{reach}: give values from {format_number(self.low)} to "
                f"{format_number(self.high)} ({self.unit}){way_out}"
            )
        return distribution


def declare_parameter(
    group: str,
    scope: Scope,
    unit: str,
    limits: tuple[float, float],
    default: float | tuple[float, float],
    text: str,
) -> Any:
    """Declare a parameter that is drawn; by default it is a number, or any of a range."""
    about = {"group": group, "scope": scope, "unit": unit, "choices": (), "text": text}
    low, high = default if isinstance(default, tuple) else (default, default)
    return field(default=Uniform(low, high), metadata={**about, "low": limits[0], "high": limits[1]})


def declare_share(group: str, unit: str, text: str, default: float = 0.0) -> Any:
    """Declare a share."""
    return declare_parameter(group, "share", unit, (0.0, 1.0), default, text)


def declare_choice(group: str, choices: tuple[str, ...], text: str) -> Any:
    """Declare a choice, which is the first one by default."""
    about = {"group": group, "scope": "choice", "unit": "", "choices": choices, "text": text}
    return field(default=choices[0], metadata={**about, "low": 0.0, "high": 0.0})


def list_parameters(declaring: type, prefix: str = "") -> dict[str, Parameter]:
    """Return what a dataclass declares, by name; the stream of a parameter has its name, after the prefix if it can."""
    return {
        each.name: Parameter(
            each.name, stream=_find_stream(each.name, prefix), **{**each.metadata, "default": each.default}
        )
        for each in fields(declaring)
        if each.metadata
    }


def _find_stream(name: str, prefix: str) -> int:
    own: int = getattr(streams, f"{prefix}{name}".upper(), -1)
    return own if own >= 0 else getattr(streams, name.upper())


def check_values(declared: Any, parameters: Iterable[Parameter]) -> None:
    """Put checked values in place of those of a frozen dataclass, or raise SpecError."""
    for parameter in parameters:
        object.__setattr__(declared, parameter.name, parameter.check(getattr(declared, parameter.name)))


def dump_values(declared: Any, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return all values as plain ones, for TOML and JSON."""
    values = {parameter.name: getattr(declared, parameter.name) for parameter in parameters}
    return {name: value if isinstance(value, str) else dump_distribution(value) for name, value in values.items()}


def change_values(
    declared: _Declared,
    changes: Mapping[str, Any],
    known: Mapping[str, Parameter],
    kind: Kind,
    *,
    others: Sequence[str] = (),
) -> _Declared:
    """Return the same with some parameters, or `others` beside them, changed.

    SpecError is raised if one is unknown, or its value is not valid.
    """
    for name in changes:
        if name not in others:
            find_parameter(name, known, kind)
    changed: Any = replace(declared, **changes)  # type: ignore[type-var] # a dataclass
    return changed


def parse_settings(settings: Sequence[str], known: Mapping[str, Parameter], kind: Kind) -> dict[str, Any]:
    """Return the values of parameters that are each given as `name=value`; the last one of a name counts."""
    changes = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise SpecError(f"the setting is {format_value(setting)}: give NAME=VALUE, such as slant=-0.2:0.4")
        changes[name] = find_parameter(name, known, kind).check(text, parse_distribution)
    return changes


def find_parameter(name: str, known: Mapping[str, Parameter], kind: Kind) -> Parameter:
    """Return a parameter by its name, or raise SpecError."""
    if name in known:
        return known[name]
    guess = suggest(format_value(name).strip("'"), known)
    raise SpecError(f"there is no {kind.phrase} {format_value(name)}: {guess}{kind.page} lists them")


def join_words(words: Iterable[str]) -> str:
    """Return words as a choice between them."""
    *most, last = map(repr, words)
    return f"{', '.join(most)} or {last}"
