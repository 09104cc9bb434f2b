"""TRDG: printed fonts on noisy paper, turned and blurred a little."""

import random

import numpy as np
from trdg.generators import GeneratorFromStrings
from worker import HEIGHT, WIDTH, serve


def prepare(_path):
    def draw(numbers, seed):
        random.seed(seed)  # it draws from the generator of the whole process
        np.random.seed(seed)
        made = GeneratorFromStrings(
            numbers,
            count=len(numbers),
            size=HEIGHT,
            width=WIDTH,
            skewing_angle=3,
            random_skew=True,
            blur=1,
            random_blur=True,
            background_type=0,
            margins=(2, 2, 2, 2),
            image_mode="L",
        )
        return [np.asarray(image) for image, _label in made]

    return draw


if __name__ == "__main__":
    serve(("trdg", "Pillow", "numpy"), prepare)
