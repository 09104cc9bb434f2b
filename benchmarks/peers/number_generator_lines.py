"""What number_generator draws; the second argument is the style."""

import sys

from worker import SPACING, WIDTH, serve

from number_generator import generate_batch


def prepare(_path):
    style = sys.argv[2]
    spacing = SPACING if style == "clean" else None

    def draw(numbers, seed):
        return generate_batch(numbers, spacing, WIDTH, style=style, seed=seed, workers=1)

    return draw


if __name__ == "__main__":
    serve(("number-generator", "numpy", "numba"), prepare)
