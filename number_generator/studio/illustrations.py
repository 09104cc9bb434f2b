"""The picture of a parameter: three of its values side by side, as docs/handwriting.md and the page show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from number_generator.core import generate_batch
from number_generator.job.chunk import Images
from number_generator.job.defaults import PACKAGED
from number_generator.job.handwriting import COLOUR, OWN_PAPER, Handwriting
from number_generator.job.parameters import Parameter

_WIDTH = 128
_SEED = 11
_LINES = ["270198", "4186", "09537"]

# Three values for each parameter, and what else must be set for it to be seen
_TIGHT = {"crop": "tight", "position": 0.0}
_SHOWN: dict[str, tuple[tuple[Any, Any, Any], dict[str, Any]]] = {
    "crop": (("cell", "tight", "tight"), {}),
    "height": ((0.5, 0.75, 1.0), _TIGHT),
    "size": ((0.6, 0.9, 1.3), {}),
    "gap": ((-0.15, 0.1, 0.5), {}),
    "gap_jitter": ((0.0, (-0.1, 0.1), (-0.3, 0.3)), {"gap": 0.25}),
    "wide_gap": ((0.0, 0.3, 1.0), {"gap": 0.1}),
    "wide_gap_size": ((0.2, 0.6, 1.2), {"gap": 0.1, "wide_gap": 0.4}),
    "squeeze": ((0.6, 1.0, 1.4), {}),
    "fill": ((0.0, 0.5, 1.0), _TIGHT),
    "margin": ((0.0, 0.5, 1.0), {"position": 0.0}),
    "position": ((0.0, 0.5, 1.0), {}),
    "vertical_position": ((0.0, 0.5, 1.0), {"size": 0.8}),
    "loose": ((0.0, 0.5, 1.0), {**_TIGHT, "height": 0.95}),
    "loose_height": ((0.4, 0.6, 0.8), {**_TIGHT, "loose": 1.0}),
    "loose_margin": ((0.0, 0.3, 0.8), {**_TIGHT, "loose": 1.0}),
    "intrusion": ((0.0, 0.5, 1.0), {**_TIGHT, "height": 0.7, "position": 0.5, "intrusion_reach": 0.15}),
    "intrusion_reach": ((0.05, 0.12, 0.2), {**_TIGHT, "height": 0.7, "position": 0.5, "intrusion": 1.0}),
    "slant": ((-0.3, 0.0, 0.5), {}),
    "rotation": ((-5.0, 0.0, 5.0), {}),
    "drift": ((-0.2, 0.0, 0.2), {}),
    "thickness": ((-0.05, 0.0, 0.08), {}),
    "size_drift": ((-0.4, 0.0, 0.4), {"size": 0.8}),
    "slant_drift": ((-0.4, 0.0, 0.4), {}),
    "gap_drift": ((-0.4, 0.0, 0.4), {}),
    "large_start": ((0.0, 0.5, 1.0), {"size": 0.8}),
    "squeezed_end": ((0.0, 0.5, 1.0), {}),
    "consistency": ((0.0, 0.5, 1.0), {}),
    "writer": (("mixed", "cluster", "cluster"), {"consistency": 0.0}),
    "size_jitter": ((1.0, (0.85, 1.15), (0.6, 1.3)), {}),
    "aspect": ((0.7, 1.0, 1.4), {}),
    "baseline_jitter": ((0.0, (-0.1, 0.1), (-0.25, 0.25)), {}),
    "slant_jitter": ((0.0, (-0.15, 0.15), (-0.4, 0.4)), {}),
    "rotation_jitter": ((0.0, (-6.0, 6.0), (-20.0, 20.0)), {}),
    "thickness_jitter": ((0.0, (-0.03, 0.03), (-0.08, 0.08)), {}),
    "warp": ((0.0, 0.04, 0.08), {}),
    "letterforms": ((0.0, 0.5, 1.0), {"letterform_mix": 1.0}),
    "letterform_mix": ((0.2, 0.6, 1.0), {"letterforms": 1.0}),
    "letterform_set": (("north-american", "latin-american", "german"), {"letterforms": 1.0, "letterform_mix": 1.0}),
    "letterform_constancy": ((1.0, 0.9, 0.0), {"letterforms": 1.0, "letterform_mix": 1.0}),
    "links": ((0.0, 0.5, 1.0), {"gap": 0.15, "letterforms": 1.0}),
    "upstroke": ((0.0, 0.5, 1.0), {}),
    "crossbar": ((0.0, 0.5, 1.0), {}),
    "tail": ((0.0, 0.5, 1.0), {}),
    "open_loop": ((0.0, 0.5, 1.0), {}),
    "proportions": ((0.0, 0.5, 1.0), {}),
    "zero_size": ((0.6, 0.8, 1.0), {}),
    "zero_rise": ((0.0, 0.5, 1.0), {"zero_size": 0.6}),
    "zero_shrink": ((0.85, 0.95, 1.0), {}),
    "old_style": ((0.0, 0.5, 1.0), {"size": 0.9}),
    "inner_marks": ((0.0, 0.5, 1.0), {}),
    "end_marks": ((0.0, 0.5, 1.0), {}),
    "ink": ((0.3, 0.6, 1.0), {}),
    "ink_drift": ((0.0, 0.4, 0.9), {}),
    "ink_texture": ((0.0, 0.4, 0.9), {}),
    "softness": ((0.7, 1.5, 3.0), {}),
    "paper": ((0.5, 0.8, 1.0), {}),
    "gradient": ((0.0, 0.2, 0.5), {}),
    "texture": ((0.0, 0.1, 0.3), {}),
    "waves": ((0.0, 0.5, 1.0), {"wave_strength": 0.3}),
    "wave_strength": ((0.1, 0.25, 0.5), {"waves": 1.0}),
    "fibres": ((0.0, 0.5, 1.0), {"fibre_strength": 0.4}),
    "fibre_strength": ((0.1, 0.3, 0.6), {"fibres": 1.0}),
    "ruled": ((0.0, 0.5, 1.0), {}),
    "boxed": ((0.0, 0.5, 1.0), {}),
    "rule_strength": ((0.2, 0.5, 0.9), {"ruled": 1.0, "boxed": 1.0}),
    "padding": ((0.0, 0.5, 1.0), {"paper": 0.7, "texture": 0.2}),
    "own_paper": ((0.0, 0.5, 1.0), {}),
    "own_paper_scale": ((1.0, 0.5, 0.25), {}),
    "own_paper_shading": (("none", "style", "style"), {"gradient": 0.4, "waves": 1.0, "wave_strength": 0.25}),
    "pen_blue": ((0.0, 0.5, 1.0), {"pen_red": 0.0}),
    "pen_red": ((0.0, 0.5, 1.0), {"pen_blue": 0.0}),
    "paper_tint": ((0.0, 0.5, 1.0), {"paper": 0.75}),
    "rule_colour": ((0.0, 0.5, 1.0), {"ruled": 1.0, "boxed": 1.0}),
    "speckle": ((0.0, 3.0, 10.0), {}),
    "blur": ((0.0, 0.6, 1.2), {}),
    "noise": ((0.0, 0.08, 0.25), {}),
    "jpeg": ((0.0, 0.5, 1.0), {"jpeg_quality": 20.0}),
    "jpeg_quality": ((60.0, 25.0, 8.0), {"jpeg": 1.0}),
    "auto_levels": ((0.0, 0.5, 1.0), {"paper": 0.7, "ink": 0.4}),
    "invert": ((0.0, 0.5, 1.0), {}),
}
_LINES_SHOWN = {
    "upstroke": ["110141", "7117", "21013"],
    "crossbar": ["777", "70751", "27497"],
    "letterform_constancy": ["4747447", "7272", "994499"],
    "links": ["2000", "45000", "8800"],
    "zero_size": ["2000", "10060", "900"],
    "zero_rise": ["2000", "10060", "900"],
    "zero_shrink": ["20000", "1000", "90000"],
    "tail": ["0908", "80059", "900"],
    "open_loop": ["0900", "90909", "00"],
    "inner_marks": ["1270198", "24186", "9537"],
    "fill": ["27", "4186", "953"],
}


@dataclass(frozen=True, slots=True)
class Illustration:
    """What a parameter does: the same lines for each of its values.

    Attributes
    ----------
    images : list of ndarray, each of shape (n, height, width), or (n, height, width, 3) in colour, uint8
        One for each value.
    captions : list of str
        The values, as `--set` takes them.
    lines : list of str
        What is written.
    """

    images: list[Images]
    captions: list[str]
    lines: list[str]


def illustrate(parameter: Parameter, *, paper: str | None = None) -> Illustration:
    """Draw what a parameter does; one of own paper does nothing without a folder of it.

    One that has no values of its own here is shown at its lowest, in the middle and at its highest.
    """
    values, others = _SHOWN.get(parameter.name, (_spread(parameter), {}))
    if parameter.group == OWN_PAPER:
        others = {**others, "paper_images": paper}
    lines = _LINES_SHOWN.get(parameter.name, _LINES)
    styles = [
        # Not quite `clean`, whose pixels are drawn in another way.
        Handwriting(**{"softness": 1.1, **others, parameter.name: value})
        for value in values
    ]
    images = [
        generate_batch(
            lines,
            None,
            _WIDTH,
            style=style,
            # Equal words are shown with other draws.
            seed=_SEED + (number if isinstance(value, str) and number == 2 else 0),
            digits=PACKAGED,
            color=parameter.group == COLOUR,
        )
        for number, (value, style) in enumerate(zip(values, styles, strict=True))
    ]
    return Illustration(images, [str(getattr(style, parameter.name)) for style in styles], lines)


def _spread(parameter: Parameter) -> Sequence[Any]:
    """Return values from one end of a parameter's limits to the other."""
    if parameter.scope == "choice":
        return parameter.choices[:3]
    return parameter.low, (parameter.low + parameter.high) / 2, parameter.high
