"""The values of the named styles where they differ from `clean`; `handwriting` makes the styles."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from number_generator.job.distributions import Normal

NATURAL: Mapping[str, Any] = MappingProxyType(
    {
        "size": (0.85, 1.1),
        "gap": (0.0, 0.4),
        "gap_jitter": (-0.08, 0.1),
        "wide_gap": 0.02,
        "wide_gap_size": (0.2, 0.6),
        "squeeze": (0.85, 1.1),
        "position": (0.3, 0.7),
        "vertical_position": (0.3, 0.7),
        "slant": Normal(0.05, 0.15, -0.3, 0.45),
        "rotation": (-2.5, 2.5),
        "drift": (-0.06, 0.06),
        "thickness": (-0.035, 0.05),
        "consistency": (0.5, 1.0),
        "writer": "auto",
        "size_jitter": Normal(1.0, 0.05),
        "aspect": Normal(1.0, 0.06),
        "baseline_jitter": Normal(0.0, 0.025),
        "slant_jitter": Normal(0.0, 0.05),
        "rotation_jitter": Normal(0.0, 2.0),
        "thickness_jitter": Normal(0.0, 0.006),
        "warp": (0.0, 0.04),
        "upstroke": 0.3,
        "crossbar": 0.3,
        "tail": 0.06,
        "open_loop": 0.04,
        "ink": (0.7, 1.0),
        "ink_drift": (0.0, 0.2),
        "softness": (1.0, 1.6),
    }
)
"""Writing that varies, on clean paper."""

DOCUMENT: Mapping[str, Any] = MappingProxyType(
    {
        **NATURAL,
        "crop": "tight",
        "height": (0.7, 1.0),
        "gap": (-0.1, 0.4),
        "gap_jitter": Normal(0.0, 0.08),
        "wide_gap": 0.06,
        "wide_gap_size": (0.2, 0.9),
        "squeeze": (0.6, 1.2),
        "fill": 0.35,
        "margin": (0.0, 0.3),
        "position": (0.0, 1.0),
        "vertical_position": (0.0, 1.0),
        "rotation": Normal(0.0, 1.8, -5.0, 5.0),
        "drift": (-0.12, 0.12),
        "thickness": (-0.05, 0.08),
        "consistency": (0.3, 1.0),
        "size_jitter": Normal(1.0, 0.08),
        "aspect": Normal(1.0, 0.1),
        "baseline_jitter": Normal(0.0, 0.04),
        "slant_jitter": Normal(0.0, 0.07),
        "rotation_jitter": Normal(0.0, 3.0),
        "thickness_jitter": Normal(0.0, 0.01),
        "warp": (0.0, 0.05),
        "upstroke": 0.4,
        "crossbar": 0.35,
        "tail": 0.12,
        "open_loop": 0.08,
        "inner_marks": 0.4,
        "end_marks": 0.3,
        "ink": (0.45, 1.0),
        "ink_drift": (0.0, 0.4),
        "ink_texture": (0.0, 0.35),
        "softness": (0.9, 2.0),
        "paper": (0.6, 1.0),
        "gradient": (0.0, 0.2),
        "texture": (0.0, 0.12),
        "waves": 0.4,
        "wave_strength": (0.04, 0.22),
        "fibres": 0.15,
        "fibre_strength": (0.05, 0.25),
        "ruled": 0.25,
        "boxed": 0.15,
        "rule_strength": (0.15, 0.7),
        "padding": 0.2,
        "speckle": (0.0, 2.0),
        "blur": (0.0, 0.8),
        "noise": (0.0, 0.05),
        "jpeg": 0.2,
        "jpeg_quality": (20.0, 80.0),
        "auto_levels": 0.5,
        "invert": 0.0,
    }
)
"""The same writing on paper, scanned and cut out."""
