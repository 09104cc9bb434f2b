"""The pictures of parameters."""

import numpy as np
from PIL import Image

from number_generator.job.handwriting import OWN_PAPER, parameters
from number_generator.studio import illustrations
from number_generator.studio.illustrations import illustrate


def test_each_parameter_shows_what_it_does(tmp_path):
    noise = np.random.default_rng(1).integers(120, 255, (200, 300), np.uint8)
    Image.fromarray(noise).save(tmp_path / "paper.png")
    for parameter in parameters():
        shown = illustrate(parameter, paper=str(tmp_path) if parameter.group == OWN_PAPER else None)

        assert len(shown.images) == len(shown.captions) == 3, parameter.name
        assert len(shown.lines) == len(shown.images[0]), parameter.name
        first, _, last = shown.images
        assert (first != last).any(), parameter.name


def test_one_without_values_of_its_own_is_shown_over_its_limits(monkeypatch):
    for name, captions in (("slant", ["-1", "0", "1"]), ("crop", ["cell", "tight"])):
        monkeypatch.delitem(illustrations._SHOWN, name)
        parameter = next(each for each in parameters() if each.name == name)

        assert illustrate(parameter).captions == captions, name
