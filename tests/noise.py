"""Images for the tests of contact sheets."""

import numpy as np


def noise(count, height=6, width=20, seed=0):
    """Images that are found in no other place than their own."""
    return np.random.default_rng([count, height, width, seed]).integers(0, 256, (count, height, width), np.uint8)
