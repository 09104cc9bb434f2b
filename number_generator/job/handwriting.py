"""How handwriting looks: the frozen `Handwriting`, its parameters, and how a style is found."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from number_generator.errors import SpecError
from number_generator.job.distributions import Distribution
from number_generator.job.letterform_sets import SETS
from number_generator.job.paper_images import PaperImages, find_paper_images
from number_generator.job.parameters import (
    Kind,
    Parameter,
    change_values,
    check_values,
    dump_values,
    join_words,
    list_parameters,
    parse_settings,
)
from number_generator.job.parameters import declare_choice as _choice
from number_generator.job.parameters import declare_parameter as _parameter
from number_generator.job.parameters import declare_share as _share
from number_generator.job.presets import DOCUMENT, NATURAL
from number_generator.system.checks import format_value, suggest
from number_generator.system.home import expand_home, to_path
from number_generator.system.toml import format_toml, read_toml

STYLE_VERSION = 2
"""Incremented when the pixels of a style other than `clean` change."""

_KIND = Kind("handwriting parameter", "docs/handwriting.md")
_BASE = "base"  # the key of a style file that names the style it builds on
_PAPER_IMAGES = "paper_images"  # the one field of `Handwriting` that is no parameter
OWN_PAPER = "Own paper"
"""The group of the parameters that draw nothing without `paper_images`."""
COLOUR = "Colour"
"""The group of the parameters that draw nothing in grey."""


_H = "share of the digit height"
_PAGE = "share of the page's height"
_SHARE = "share of the lines"
_STRENGTH = "share of the ink's strength"
_LEAN = "px to the right per px of height"
_DEGREES = "degrees, counter-clockwise"
_GREY = "share of the range from black to white"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handwriting:
    """How lines are written, and on what: one distribution per parameter; without arguments, the style `clean`.

    A parameter takes a number, a pair (low, high), `Uniform` or `Normal`; a share takes one number from 0 to 1. Each is
    drawn from its own random stream, per line or per glyph (see docs/handwriting.md), so that changing one does not
    change the draws of the others.

    Raises
    ------
    SpecError
        If a value is not valid for its parameter.

    Examples
    --------
    >>> from number_generator import Handwriting
    >>> Handwriting(slant=(-0.2, 0.4)).slant
    Uniform(low=-0.2, high=0.4, per_job=False)
    >>> Handwriting.named("natural").replace(rotation=0) == Handwriting.named("natural")
    False
    """

    # fmt: off
    crop: str = _choice("Layout", ("cell", "tight"),
        "`cell` keeps the digits as high as in the digit dataset, in the middle of the page; `tight` cuts the page to "
        "the ink, and `height` says how much of it the ink takes")
    height: Distribution = _parameter("Layout", "line", _PAGE, (0.2, 1.0), 1.0,
        "height of the line's ink (with `crop` tight)")
    size: Distribution = _parameter("Layout", "line", "factor", (0.3, 2.0), 1.0,
        "writing size (with `crop` cell); a line that is too high shrinks")
    gap: Distribution = _parameter("Layout", "line", _H, (-0.5, 3.0), 0.35,
        "gap between neighbouring digits; they touch and overlap if it is negative, but never dots and commas. A "
        "`spacing_range` replaces it")
    gap_jitter: Distribution = _parameter("Layout", "glyph", _H, (-0.5, 1.0), 0.0,
        "added to each gap; a `spacing_range` replaces it")
    wide_gap: Distribution = _share("Layout", "share of the gaps",
        "that are wider by `wide_gap_size`, where no label can hold a space; a `spacing_range` replaces them")
    wide_gap_size: Distribution = _parameter("Layout", "glyph", _H, (0.0, 4.0), 0.5, "added to a wide gap")
    squeeze: Distribution = _parameter("Layout", "line", "factor", (0.3, 2.5), 1.0,
        "horizontal scale of the line; a line that is too wide shrinks")
    fill: Distribution = _share("Layout", _SHARE,
        "stretched or squeezed to the page's width, as by a resize to a fixed size (to half the width at least, and "
        "at most 1.4 times as wide)")
    margin: Distribution = _parameter("Layout", "line", _PAGE, (0.0, 2.0), 0.0,
        "minimum free width at the left, and at the right by another draw; together at most half of the page")
    position: Distribution = _parameter("Layout", "line", "share", (0.0, 1.0), 0.5,
        "place of the line in the free width: 0 left, 1 right")
    vertical_position: Distribution = _parameter("Layout", "line", "share", (0.0, 1.0), 0.5,
        "place of the line in the free height: 0 top, 1 bottom")

    loose: Distribution = _share("Layout", _SHARE,
        "that are cut loosely, as the cells of tables and forms are: `loose_height` and `loose_margin` replace "
        "`height` and `margin` (with `crop` tight)")
    loose_height: Distribution = _parameter("Layout", "line", _PAGE, (0.1, 1.0), 0.6,
        "height of a loosely cut line's ink")
    loose_margin: Distribution = _parameter("Layout", "line", _PAGE, (0.0, 2.0), 0.3,
        "minimum free width beside a loosely cut line, at the left, and at the right by another draw")
    intrusion: Distribution = _share("Layout", _SHARE,
        "with ink of the row above or below, or of the cell beside, at the border of the page")
    intrusion_reach: Distribution = _parameter("Layout", "line", _PAGE, (0.0, 0.3), 0.1,
        "how far ink of neighbouring rows reaches in; that of a cell beside, half as far")

    slant: Distribution = _parameter("Line", "line", _LEAN, (-1.0, 1.0), 0.0, "slant of the writing")
    rotation: Distribution = _parameter("Line", "line", _DEGREES, (-20.0, 20.0), 0.0, "rotation of the line")
    drift: Distribution = _parameter("Line", "line", _H, (-0.5, 0.5), 0.0,
        "how far the baseline bends, upwards in the middle of the line")
    thickness: Distribution = _parameter("Line", "line", _H, (-0.15, 0.2), 0.0,
        "added to the width of the strokes; a stroke never vanishes, and grows by 11 px at most in digits of 50 px or "
        "more")
    consistency: Distribution = _parameter("Line", "line", "share", (0.0, 1.0), 0.0,
        "how closely slant and stroke width of the digits follow those of the line's first digit")
    size_drift: Distribution = _parameter("Line", "line", "factor", (-0.6, 0.6), 0.0,
        "how much larger the last digit is than the first")
    slant_drift: Distribution = _parameter("Line", "line", _LEAN, (-0.6, 0.6), 0.0,
        "how much more the last digit is slanted than the first")
    gap_drift: Distribution = _parameter("Line", "line", _H, (-0.6, 0.6), 0.0,
        "how much wider the last gap is than the first; a `spacing_range` replaces it")
    large_start: Distribution = _share("Line", _SHARE, "whose first digit is too large")
    squeezed_end: Distribution = _share("Line", _SHARE, "whose last digit is squeezed in")
    writer: str = _choice("Line", ("mixed", "cluster", "dataset", "auto"),
        "whose digits a line has: `mixed` anyone's, `cluster` those of one style cluster, `dataset` those of one "
        "writer, `auto` those of a writer if the digit dataset has writers, else of a cluster if it has clusters, else "
        "anyone's")

    size_jitter: Distribution = _parameter("Glyph", "glyph", "factor", (0.3, 2.0), 1.0, "size of each digit")
    aspect: Distribution = _parameter("Glyph", "glyph", "factor", (0.4, 2.5), 1.0,
        "width of each digit, at the same height")
    baseline_jitter: Distribution = _parameter("Glyph", "glyph", _H, (-0.5, 0.5), 0.0,
        "height of each digit above the baseline")
    slant_jitter: Distribution = _parameter("Glyph", "glyph", _LEAN, (-0.6, 0.6), 0.0, "added to each digit's slant")
    rotation_jitter: Distribution = _parameter("Glyph", "glyph", _DEGREES, (-30.0, 30.0), 0.0, "rotation of each digit")
    thickness_jitter: Distribution = _parameter("Glyph", "glyph", _H, (-0.1, 0.1), 0.0,
        "added to the stroke width of each digit")
    warp: Distribution = _parameter("Glyph", "glyph", _H, (0.0, 0.12), 0.0,
        "how far a smooth elastic deformation moves the ink")

    letterforms: Distribution = _share("Forms", _SHARE,
        "that hold letterforms: forms of digits from other parts of the world, drawn from strokes")
    letterform_mix: Distribution = _parameter("Forms", "line", "share", (0.0, 1.0), 0.6,
        "chance of each class of digits in such a line to be drawn by a letterform; the others come from the digit "
        "dataset")
    letterform_set: str = _choice("Forms", tuple(SETS),
        "whose letterforms: each line takes them from one region, of `all`, of the `european` ones, or the one named")
    letterform_constancy: Distribution = _parameter("Forms", "share", "share of the digits", (0.0, 1.0), 0.95,
        "drawn by a letterform that keep to the line's form of that digit; the others have another one")
    links: Distribution = _share("Forms", _SHARE,
        "that are written without lifting the pen where hands do so, from the top of a 0 to the next one, or from the "
        "foot of a 2")
    upstroke: Distribution = _share("Forms", _SHARE,
        "whose 1s from the digit dataset begin with an upstroke, as outside North America")
    crossbar: Distribution = _share("Forms", _SHARE,
        "whose 7s from the digit dataset are crossed, as outside North America")
    tail: Distribution = _share("Forms", "share of the 0s, 8s and 9s", "from the digit dataset that end in a tail")
    open_loop: Distribution = _share("Forms", "share of the 0s and 9s",
        "from the digit dataset whose loop is open at the top")

    proportions: Distribution = _parameter("Proportions", "line", "factor", (0.0, 1.5), 0.0,
        "how unequal the heights of the digits are: 1 as in real numbers, where 1s, 4s, 7s and 9s reach farther")
    zero_size: Distribution = _parameter("Proportions", "line", "factor", (0.4, 1.5), 1.0, "size of zeros")
    zero_rise: Distribution = _parameter("Proportions", "line", "share", (0.0, 1.0), 0.0,
        "how far small zeros are raised: 0 on the baseline, 1 as high as the other digits")
    zero_shrink: Distribution = _parameter("Proportions", "line", "factor", (0.7, 1.2), 1.0,
        "size of each zero of a run against the one before it")
    old_style: Distribution = _share("Proportions", _SHARE,
        "of old-style figures: small 0s, 1s and 2s, and 3s, 4s, 5s, 7s and 9s that hang below the line")

    inner_marks: Distribution = _share("Marks", _SHARE,
        "of plain digits that have dots or commas between thousands, if they have 4 to 9 and do not begin with 0, as "
        "amounts do not; labels leave them out, and a job whose labels can hold one has none")
    end_marks: Distribution = _share("Marks", "share of the lines' ends",
        "of plain digits that have a dash, dots or a stroke; labels leave them out, and a job has none that its labels "
        "can hold")

    ink: Distribution = _parameter("Ink", "line", _GREY, (0.1, 1.0), 1.0, "how much darker than the paper the ink is")
    ink_drift: Distribution = _parameter("Ink", "line", _STRENGTH, (0.0, 1.0), 0.0,
        "how much the ink's strength varies along the line")
    ink_texture: Distribution = _parameter("Ink", "line", _STRENGTH, (0.0, 1.0), 0.0,
        "how grainy the ink is, like a pencil's")
    softness: Distribution = _parameter("Ink", "line", "px", (0.5, 4.0), 1.0, "width of the edges of strokes")

    paper: Distribution = _parameter("Paper", "line", _GREY, (0.2, 1.0), 1.0, "how bright the paper is")
    gradient: Distribution = _parameter("Paper", "line", _GREY, (0.0, 0.8), 0.0,
        "how much the paper darkens towards one side")
    texture: Distribution = _parameter("Paper", "line", _GREY, (0.0, 0.5), 0.0,
        "how strong the paper's smooth blotches are")
    waves: Distribution = _share("Paper", _SHARE, "on paper with fine waves, as in security printing")
    wave_strength: Distribution = _parameter("Paper", "line", _GREY, (0.0, 0.8), 0.15, "how dark the waves are")
    fibres: Distribution = _share("Paper", _SHARE, "on paper with visible fibres")
    fibre_strength: Distribution = _parameter("Paper", "line", _GREY, (0.0, 0.8), 0.15, "how dark the fibres are")
    ruled: Distribution = _share("Paper", _SHARE, "with a ruled line, solid or dotted, near the baseline")
    boxed: Distribution = _share("Paper", _SHARE, "in a box with one to four visible sides")
    rule_strength: Distribution = _parameter("Paper", "line", _GREY, (0.0, 1.0), 0.5,
        "how dark the ruled lines and boxes are")
    padding: Distribution = _share("Paper", _SHARE,
        "whose paper ends at the margins; beyond, three in four have the paper's tone and the others white")

    own_paper: Distribution = _share(OWN_PAPER, _SHARE,
        "on a picture of `paper_images`, if that is given; the others are on the style's paper", 1.0)
    own_paper_scale: Distribution = _parameter(OWN_PAPER, "line", "px of the page per px of the picture", (0.125, 1.0),
        (0.25, 1.0), "how large the picture is drawn; the nearest of seven steps is taken, each 0.71 times the one "
        "before, and a larger one if the picture would not fill the page")
    own_paper_shading: str = _choice(OWN_PAPER, ("none", "style"),
        "`none` leaves the picture as it is, under rules, boxes, ink and scan; `style` shades it by the style's own "
        "paper as well, by `paper`, `gradient`, `texture`, `waves` and `fibres`")

    pen_blue: Distribution = _share(COLOUR, _SHARE, "in blue ink", 0.4)
    pen_red: Distribution = _share(COLOUR, "share of the other lines", "in red ink; the rest are in black ink", 0.08)
    paper_tint: Distribution = _parameter(COLOUR, "line", "factor", (0.0, 1.0), (0.0, 1.0),
        "how strongly the paper is tinted, mostly yellowish: the more, the darker it is, as white has no tint")
    rule_colour: Distribution = _share(COLOUR, _SHARE, "whose rules and boxes are blue, red or green", 0.5)

    speckle: Distribution = _parameter("Scan", "line", "spots per 1,000 px", (0.0, 20.0), 0.0,
        "dark and bright specks; where a label can hold dots or the like, dark ones near the line are small and faint")
    blur: Distribution = _parameter("Scan", "line", "px, standard deviation", (0.0, 1.5), 0.0, "blur of the whole page")
    noise: Distribution = _parameter("Scan", "line", _GREY, (0.0, 0.5), 0.0, "strength of the noise")
    jpeg: Distribution = _share("Scan", _SHARE, "that went through JPEG compression")
    jpeg_quality: Distribution = _parameter("Scan", "line", "quality, as libjpeg counts it", (5.0, 100.0), 60.0,
        "quality of the JPEG compression")
    auto_levels: Distribution = _share("Scan", _SHARE, "stretched to full contrast, as scanners do")
    invert: Distribution = _share("Scan", _SHARE, "with light ink on a dark page")
    # fmt: on
    paper_images: PaperImages | None = None
    """The folder of the user's own paper: see docs/handwriting.md."""

    if TYPE_CHECKING:  # a parameter takes more types than it holds

        def __init__(self, **values: Any) -> None: ...

    def __post_init__(self) -> None:
        check_values(self, parameters())
        object.__setattr__(self, _PAPER_IMAGES, find_paper_images(self.paper_images))

    @classmethod
    def named(cls, name: str) -> "Handwriting":
        """Return the style with this name: clean, natural or document.

        Raises
        ------
        SpecError
            If no style has this name.
        """
        if not isinstance(name, str) or name not in STYLES:
            raise SpecError(f"there is no style {format_value(name)}: give {join_words(STYLES)}")
        return STYLES[name]

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "Handwriting":
        """Read a style from a TOML file: parameters by name, and as `base` the style that it builds on.

        Raises
        ------
        SpecError
            If the file cannot be read, is not TOML, or `from_dict` rejects its content.
        """
        path = to_path(path, "path")
        table = read_toml(path, f"the style {path}")
        if isinstance(own := table.get(_PAPER_IMAGES), str) and own:
            table[_PAPER_IMAGES] = os.path.join(path.parent, expand_home(own))  # noqa: PTH118 - "" has no meaning
        try:
            return cls.from_dict(table)
        except SpecError as exc:
            raise SpecError(f"{path}: {exc}") from exc

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> "Handwriting":
        """Make a style from plain values, as `to_dict` returns them and TOML and JSON hold them.

        Raises
        ------
        SpecError
            If `base` names no style, a parameter does not exist, or a value is not valid for its parameter.
        """
        if not isinstance(table, Mapping):
            raise SpecError(f"the style is {format_value(table)}: give a table of parameters by name")
        values = dict(table)
        return _change_style(cls.named(values.pop(_BASE, "clean")), values)

    def to_dict(self) -> dict[str, Any]:
        """Return all parameters as plain values, for TOML and JSON, and path and digest of `paper_images`, if given."""
        table = dump_values(self, parameters())
        if self.paper_images is not None:
            table[_PAPER_IMAGES] = {"path": self.paper_images.path, "sha256": self.paper_images.sha256}
        return table

    def to_toml(self) -> str:
        """Return the text of a style file, as `from_file` reads it: the nearest named style, and what differs from it.

        Examples
        --------
        >>> from number_generator import Handwriting
        >>> print(Handwriting.named("natural").replace(slant=(-0.2, 0.6), crossbar=1).to_toml(), end="")
        base = "natural"
        slant = [-0.2, 0.6]
        crossbar = 1
        """
        base, settings = self.settings()
        table = self.to_dict()
        names = [setting.partition("=")[0] for setting in settings]
        values = {_BASE: base, **{name: table[name] for name in names}}
        if self.paper_images is not None:
            values[_PAPER_IMAGES] = self.paper_images.path
        return "".join(f"{name} = {format_toml(value)}\n" for name, value in values.items())

    def describe(self, *, color: bool = False) -> dict[str, Any]:
        """Return the parameters that something is drawn from in grey or in colour, as plain values, for a record.

        A record has the digest of `paper_images` beside it, and the parameters of own paper only if there is any.
        """
        table = self.to_dict()
        table.pop(_PAPER_IMAGES, None)
        return {name: value for name, value in table.items() if self.draws(_PARAMETERS[name], color=color)}

    def draws(self, parameter: Parameter, *, color: bool) -> bool:
        """Tell whether the group of a parameter draws anything, in grey or in colour."""
        if parameter.group == OWN_PAPER:
            return self.paper_images is not None
        return color or parameter.group != COLOUR

    def replace(self, **changes: Any) -> "Handwriting":
        """Return the same style with some parameters changed.

        Raises
        ------
        SpecError
            If a parameter does not exist, or a value is not valid for it.
        """
        return _change_style(self, changes)

    def __repr__(self) -> str:
        name, changes = self.settings()
        if self.paper_images is not None:
            changes.append(f"{_PAPER_IMAGES}={self.paper_images.path}")
        if not changes:
            return f"Handwriting.named({name!r})"
        return f"Handwriting.named({name!r}) with {', '.join(changes)}"

    @property
    def is_clean(self) -> bool:
        """Whether this is the style `clean`: the digits unchanged."""
        return self == STYLES["clean"]

    @property
    def has_letterforms(self) -> bool:
        """Whether lines may hold letterforms."""
        return self.letterforms.bounds()[1] > 0.0

    def settings(self) -> tuple[str, list[str]]:
        """Return the nearest named style, and the differences from it as `with_settings` takes them."""
        differing = {
            name: [
                f"{parameter.name}={getattr(self, parameter.name)}"
                for parameter in parameters()
                if getattr(self, parameter.name) != getattr(style, parameter.name)
            ]
            for name, style in STYLES.items()
        }
        nearest = min(differing, key=lambda name: len(differing[name]))
        return nearest, differing[nearest]


_PARAMETERS = list_parameters(Handwriting)


def parameters() -> tuple[Parameter, ...]:
    """Return all parameters of `Handwriting`, in the order of its documentation."""
    return tuple(_PARAMETERS.values())


STYLES = {"clean": Handwriting(), "natural": Handwriting(**NATURAL), "document": Handwriting(**DOCUMENT)}
"""The named styles."""


def checked_style(style: Any) -> Handwriting:
    """Return a style given by name, as the path of a TOML file or as a `Handwriting`; or raise SpecError."""
    if isinstance(style, Handwriting):
        return style
    if isinstance(style, os.PathLike) or (isinstance(style, str) and style.lower().endswith(".toml")):
        return Handwriting.from_file(style)
    if isinstance(style, str) and style in STYLES:
        return STYLES[style]
    guess = suggest(style, STYLES) if isinstance(style, str) else ""
    ways = f"{guess}give {join_words(STYLES)}, a file that ends in .toml, or a Handwriting"
    raise SpecError(f"style is {format_value(style)}: {ways}")


def with_settings(style: Handwriting, settings: Sequence[str]) -> Handwriting:
    """Change single parameters, each given as `name=value`; if one is given twice, the last value counts.

    A value is a number, `low:high`, `normal(mean, sd)`, `normal(mean, sd, low, high)`, one of these in `job(...)`, or
    a word of a choice.

    Raises
    ------
    SpecError
        If a setting is not such a text, or `Handwriting.replace` rejects it.

    Examples
    --------
    >>> from number_generator.job.handwriting import STYLES, with_settings
    >>> with_settings(STYLES["clean"], ["slant=-0.2:0.4", "writer=cluster"]).settings()
    ('clean', ['slant=-0.2:0.4', 'writer=cluster'])
    """
    return _change_style(style, parse_settings(settings, _PARAMETERS, _KIND))


def _change_style(style: Handwriting, changes: Mapping[str, Any]) -> Handwriting:
    return change_values(style, changes, _PARAMETERS, _KIND, others=(_PAPER_IMAGES,))
