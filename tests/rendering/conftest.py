"""Fixtures of the tests of rendering."""

from functools import cache

import numpy as np
import pytest
from truth_lines import extent_of

from number_generator import DigitImageDataset
from number_generator.digits.resolve import packaged_digits


@pytest.fixture(scope="module")
def digits_of(make_digits):
    """Return digits by kind and size: scattered ink, blocks of full ink, or the packaged ones; some are blank."""

    @cache
    def make(kind, size):
        if kind == "packaged":
            return packaged_digits()
        images, labels = make_digits(size)
        random = np.random.default_rng(size)
        for image in images:
            image[: random.integers(0, size)] = 0
            if kind == "blocks" and image.any():
                x0, y0, x1, y1 = extent_of(image)
                image[y0:y1, x0:x1] = 255
        return DigitImageDataset(images, labels)

    return make
