"""How near a design comes to scans."""

import json

import numpy as np
import pytest

from number_generator import GenericDataset, generate_batch
from number_generator.errors import SpecError
from number_generator.job.handwriting import STYLES
from number_generator.studio.nearness import Nearness
from number_generator.studio.wrong import WrongValuesError

DESIGN = {"base": "document", "changes": {}, "paper_images": "", "digits": ""}
ODD = {"slant": [0.3, 0.5], "paper": [0.55, 0.65], "ink": [0.3, 0.4], "noise": [0.05, 0.08]}


def test_the_style_of_the_scans_is_nearer_than_document_and_what_is_off_is_named(tmp_path):
    numbers = [f"{17 * k:04d}" for k in range(60)]
    style = STYLES["document"].replace(**{name: tuple(value) for name, value in ODD.items()})
    GenericDataset(generate_batch(numbers, None, 128, style=style, seed=1), numbers).save(tmp_path / "scans.npz")
    nearness = Nearness(str(tmp_path / "scans.npz"), lambda _: None)

    usual, same, backwards = (
        json.loads(nearness.measure({**DESIGN, "changes": changes}))
        for changes in ({}, ODD, {**ODD, "slant": [-0.5, -0.3]})
    )

    assert usual["distance"] == usual["document"] == same["document"]
    assert same["distance"] < 0.6 * usual["distance"]
    assert 0 < same["halves"] < usual["distance"]
    assert backwards["worst"][0][0] == "Slant"
    assert same == json.loads(nearness.measure({**DESIGN, "changes": ODD}))
    with pytest.raises(WrongValuesError, match="slant"):
        nearness.measure({**DESIGN, "changes": {"slant": 7}})


def test_scans_without_ink_are_told(tmp_path):
    GenericDataset([np.full((28, 60), 200, np.uint8)] * 8, list("01234567")).save(tmp_path / "blank.npz")

    with pytest.raises(SpecError, match="0 of them show ink"):
        Nearness(str(tmp_path / "blank.npz"), lambda _: None).measure(DESIGN)
