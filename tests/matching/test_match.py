"""A style is found blind: from pictures of an odd style, whose parameters are known here alone."""

import numpy as np
import pytest

from number_generator import Handwriting, Normal, generate_chunk
from number_generator.matching import match, match_style
from number_generator.matching.distance import COMPARED
from number_generator.matching.searched import BY_NAME
from number_generator.matching.style_file import format_style_file
from number_generator.scans.looks import LOOKS
from number_generator.system.toml import read_toml

pytest.importorskip("cmaes")

ODD = {
    "height": (0.45, 0.6),
    "slant": Normal(0.4, 0.08, 0.15, 0.65),
    "ink": (0.45, 0.6),
    "paper": (0.62, 0.75),
    "margin": (0.3, 0.6),
    "vertical_position": (0.6, 0.9),
    "gradient": (0.1, 0.25),
    "noise": (0.015, 0.03),
    "ruled": 0.9,
    "rule_strength": (0.3, 0.5),
    "waves": 0.0,
    "boxed": 0.0,
    "padding": 0.0,
    "loose": 0.0,
    "intrusion": 0.0,
    "auto_levels": 0.0,
}


def draw_scans(count, seed):
    random = np.random.default_rng(seed)
    numbers = ["".join(map(str, random.integers(0, 10, random.integers(3, 7)))) for _ in range(count)]
    return generate_chunk(
        numbers, None, "auto", style=Handwriting.named("document").replace(**ODD), seed=seed
    ).cut_images()


@pytest.mark.slow
def test_an_odd_style_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(match, "IMAGES", 192)
    monkeypatch.setattr(match, "_JUDGED", 800)

    found = match_style(draw_scans(120, 5), evaluations=200, seed=1)

    assert found.distance < 0.45 * found.base_distance
    assert found.distance < 2.5 * found.floor[0]
    assert found.interval[0] < found.interval[1]
    document = Handwriting.named("document")
    for name in ("height", "slant", "paper", "margin", "gradient", "ruled", "waves", "noise"):
        truth, seen = (BY_NAME[name].read(getattr(each, name))[0] for each in (document.replace(**ODD), found.style))
        before = BY_NAME[name].read(getattr(document, name))[0]
        assert abs(seen - truth) < max(0.6 * abs(before - truth), 0.02 * BY_NAME[name].width), name
    # Nor is it narrower than what it was drawn with.
    for name in ("height", "paper", "margin"):
        low, high = getattr(found.style, name).bounds()
        assert low <= ODD[name][0] + 0.06 and high >= ODD[name][1] - 0.06, name
    assert found.style.auto_levels == document.auto_levels

    path = tmp_path / "mine.toml"
    path.write_text(format_style_file(found), encoding="utf-8")
    assert Handwriting.from_file(path) == found.style
    assert read_toml(path, "it")["base"] == "document"


def test_too_few_evaluations_leave_the_style_as_it_is(monkeypatch):
    monkeypatch.setattr(match, "IMAGES", 16)
    monkeypatch.setattr(match, "_JUDGED", 16)
    told = []

    found = match_style(draw_scans(6, 7), evaluations=3, seed=1, workers=1, advance=told.append)

    assert (found.style, found.changes) == (found.base, ())
    assert sum(told) == found.evaluations == 3
    assert found.distances.shape == (len(LOOKS),) and len(COMPARED) == 29
    assert found.distance == found.base_distance > 0
