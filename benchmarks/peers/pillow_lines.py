"""A plain loop over NumPy and Pillow."""

import random

from lines import Lines
from worker import serve


def prepare(path):
    lines = Lines(path)

    def draw(numbers, seed):
        rng = random.Random(seed)
        return [lines.draw(number, rng) for number in numbers]

    return draw


if __name__ == "__main__":
    serve(("Pillow", "numpy"), prepare)
