"""Styles at width 128 with numbers of 2 to 7 digits, and what each parameter costs alone; one thread."""

import random

import numpy as np
import pytest
from PIL import Image
from workload import HEIGHT

from number_generator import Handwriting, generate_batch
from number_generator.job.handwriting import STYLES, parameters

_WIDTH = 128
_PAGE = HEIGHT * _WIDTH
_LINES = 8_000
_FEW = 1_000  # enough to see what a parameter costs
_PLAIN = Handwriting(softness=1.1)  # nothing but the way that styles are drawn
# What must be on for a parameter to do anything
_NEEDED = {
    "height": {"crop": "tight"},
    "fill": {"crop": "tight"},
    "loose": {"crop": "tight"},
    "loose_height": {"crop": "tight", "loose": 0.3},
    "loose_margin": {"crop": "tight", "loose": 0.3},
    "intrusion": {"intrusion_reach": 0.1},
    "intrusion_reach": {"intrusion": 0.12},
    "letterform_mix": {"letterforms": 0.7},
    "letterform_set": {"letterforms": 0.7},
    "letterform_constancy": {"letterforms": 0.7},
    "zero_rise": {"zero_size": 0.8},
    "wide_gap_size": {"wide_gap": 0.06},
    "wave_strength": {"waves": 0.4},
    "fibre_strength": {"fibres": 0.15},
    "rule_strength": {"ruled": 0.25, "boxed": 0.15},
    "jpeg_quality": {"jpeg": 0.2},
}
# What `document` has as `clean` does
_OTHERS = {"letterform_set": "european", "letterform_constancy": 0.8}
_CHANGED = [
    parameter.name
    for parameter in parameters()
    if parameter.name in _OTHERS
    or getattr(STYLES["document"], parameter.name) != getattr(STYLES["clean"], parameter.name)
]


def _numbers(count):
    rng = random.Random(0)
    return ["".join(rng.choices("0123456789", k=rng.randint(2, 7))) for _ in range(count)]


def _draw(sequences, style):
    spacing = (5, 10) if style == "clean" else None
    return generate_batch(sequences, spacing, _WIDTH, style=style, seed=1, workers=1)


@pytest.mark.benchmark(group="styles, 2 to 7 digits at width 128")
@pytest.mark.parametrize("style", list(STYLES))
def test_style(rate, style):
    sequences = _numbers(_LINES)
    images = rate(_draw, sequences, style, count=_LINES, size=_LINES * _PAGE, rounds=5)
    assert np.median(np.ptp(images, axis=(1, 2))) > 128


@pytest.mark.benchmark(group="on pictures of paper, 8 of one megapixel")
@pytest.mark.parametrize("style", ["natural", "document"])
def test_own_paper(rate, style, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(8):
        Image.fromarray(rng.integers(200, 250, (1000, 1000), np.uint8)).save(tmp_path / f"{number}.png")
    sequences, plain = _numbers(_LINES), STYLES[style]
    own = plain.replace(paper_images=tmp_path)
    against = {"without": (lambda: _draw(sequences, plain), _LINES)}
    images = rate(_draw, sequences, own, count=_LINES, size=_LINES * _PAGE, against=against, rounds=5)
    assert 150 < np.median(images) < 255


@pytest.mark.benchmark(group="each parameter alone, as document has it")
@pytest.mark.parametrize("name", _CHANGED)
def test_parameter(rate, name):
    sequences = _numbers(_FEW)
    without = _PLAIN.replace(**_NEEDED.get(name, {}))
    style = without.replace(**{name: _OTHERS.get(name, getattr(STYLES["document"], name))})
    against = {"without it": (lambda: _draw(sequences, without), _FEW)}
    images = rate(_draw, sequences, style, count=_FEW, size=_FEW * _PAGE, against=against, rounds=5)
    assert (images != _draw(sequences, without)).any()
