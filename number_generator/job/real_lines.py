"""How real lines that go along with drawn ones are varied."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from number_generator.errors import SpecError
from number_generator.job.distributions import Distribution
from number_generator.job.parameters import (
    Kind,
    Parameter,
    change_values,
    check_values,
    dump_values,
    list_parameters,
    parse_settings,
)
from number_generator.job.parameters import declare_parameter as _parameter
from number_generator.job.parameters import declare_share as _share
from number_generator.system.checks import format_value
from number_generator.system.home import to_path
from number_generator.system.toml import read_toml

_PAGE = "share of the page's height"
_GREY = "share of the range from black to white"
_KIND = Kind("parameter of real lines", "docs/real-lines.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealLines:
    """How real lines are varied: one distribution per parameter, each drawn anew for each image.

    A parameter takes a number, a pair (low, high), `Uniform` or `Normal`; a share takes one number from 0 to 1. A line
    that is whole is never cut off at a border: it shrinks or moves as far as it must.

    Raises
    ------
    SpecError
        If a value is not valid for its parameter.

    Examples
    --------
    >>> from number_generator import RealLines
    >>> RealLines(slant=(-0.2, 0.2)).slant
    Uniform(low=-0.2, high=0.2, per_job=False)
    """

    # fmt: off
    shift: Distribution = _parameter("Real lines", "line", _PAGE, (-1.0, 1.0), (-0.1, 0.1),
        "how far a line is moved, drawn to the right and downwards")
    scale: Distribution = _parameter("Real lines", "line", "factor", (0.3, 2.0), (0.8, 1.1), "size")
    squeeze: Distribution = _parameter("Real lines", "line", "factor", (0.3, 2.5), (0.85, 1.15),
        "width, at the same height")
    slant: Distribution = _parameter("Real lines", "line", "px to the right per px of height", (-1.0, 1.0),
        (-0.2, 0.2), "added to the slant of the writing")
    rotation: Distribution = _parameter("Real lines", "line", "degrees, counter-clockwise", (-20.0, 20.0),
        (-2.0, 2.0), "added to the rotation of the line")
    warp: Distribution = _parameter("Real lines", "line", _PAGE, (0.0, 0.12), (0.0, 0.03),
        "how far a smooth deformation moves the ink")
    thickness: Distribution = _parameter("Real lines", "line", _PAGE, (-0.1, 0.1), (-0.02, 0.03),
        "added to the width of the strokes")
    ink: Distribution = _parameter("Real lines", "line", _GREY, (0.1, 1.0), (0.5, 1.0),
        "how much darker than the paper the ink is")
    paper: Distribution = _parameter("Real lines", "line", _GREY, (0.2, 1.0), (0.8, 1.0),
        "how bright the paper is")
    blur: Distribution = _parameter("Real lines", "line", "px, standard deviation", (0.0, 1.5), (0.0, 0.6),
        "blur of the whole page")
    noise: Distribution = _parameter("Real lines", "line", _GREY, (0.0, 0.5), (0.0, 0.06),
        "strength of the noise")
    jpeg: Distribution = _share("Real lines", "share of the lines", "that went through JPEG compression", 0.2)
    jpeg_quality: Distribution = _parameter("Real lines", "line", "quality, as libjpeg counts it", (5.0, 100.0),
        (40.0, 90.0), "quality of the JPEG compression")
    # fmt: on

    if TYPE_CHECKING:  # a parameter takes more types than it holds

        def __init__(self, **values: Any) -> None: ...

    def __post_init__(self) -> None:
        check_values(self, real_parameters().values())

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> "RealLines":
        """Make it from plain values, as `to_dict` returns them and TOML and JSON hold them."""
        if not isinstance(table, Mapping):
            raise SpecError(f"the real lines are {format_value(table)}: give a table of parameters by name")
        return change_values(cls(), dict(table), real_parameters(), _KIND)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "RealLines":
        """Read parameters by name from a TOML file; SpecError if it cannot be read, or holds anything else."""
        path = to_path(path, "path")
        return cls.from_dict(read_toml(path, f"the file {path}"))

    def to_dict(self) -> dict[str, Any]:
        """Return all parameters as plain values, for TOML and JSON."""
        return dump_values(self, real_parameters().values())

    def replace(self, **changes: Any) -> "RealLines":
        """Return the same with some parameters changed."""
        return change_values(self, changes, real_parameters(), _KIND)

    def with_settings(self, settings: Sequence[str]) -> "RealLines":
        """Return the same with parameters changed that are each given as `name=value`."""
        return change_values(self, parse_settings(settings, real_parameters(), _KIND), real_parameters(), _KIND)

    def settings(self) -> list[str]:
        """Return the differences from the usual parameters as `with_settings` takes them."""
        usual = RealLines()
        return [
            f"{name}={getattr(self, name)}" for name in real_parameters() if getattr(self, name) != getattr(usual, name)
        ]


_PARAMETERS = list_parameters(RealLines, "real_")


def real_parameters() -> dict[str, Parameter]:
    """Return all parameters of `RealLines` by name, in the order of its documentation."""
    return _PARAMETERS


def checked_real_lines(value: Any) -> RealLines:
    """Return how real lines are varied, given as such, as a table, or as the path of a TOML file; None is as usual."""
    if value is None:
        return RealLines()
    if isinstance(value, RealLines):
        return value
    if isinstance(value, Mapping):
        return RealLines.from_dict(value)
    if isinstance(value, (str, os.PathLike)):
        return RealLines.from_file(value)
    raise SpecError(f"real_lines is {format_value(value)}: give a RealLines, a table of parameters, or a TOML file")
