"""SynthTIGER: its components, put together as its templates do it, in the fonts that come with its dependencies."""

import random
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import synthtiger
from synthtiger import components, layers
from worker import HEIGHT, WIDTH, serve

_BEFORE = (components.Rotate(angle=(0, 3), ccw=0.5), components.Skew(angle=(0, 10), ccw=0.5))
_AFTER = (
    components.GaussianBlur(sigma=(0.1, 0.7)),
    components.AdditiveGaussianNoise(scale=(2, 10), per_channel=0),
    components.JpegCompression(compression=(5, 60)),
)
_MARGIN = 2


def prepare(_path):
    cv2.setNumThreads(0)
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    fonts = [str(path) for path in sorted(folder.glob("DejaVu*.ttf")) if "Display" not in path.name]

    def draw_one(number, rng):
        text = layers.TextLayer(number, rng.choice(fonts), HEIGHT - 2 * _MARGIN, (*[rng.randrange(90)] * 3, 255))
        for component in _BEFORE:
            component.apply([text])
        shrunk = min((HEIGHT - 2 * _MARGIN) / text.height, (WIDTH - 2 * _MARGIN) / text.width)
        text.size = (text.width * shrunk, text.height * shrunk)
        page = layers.RectLayer((WIDTH, HEIGHT), (*[rng.randint(215, 255)] * 3, 255))
        text.center = page.center
        image = (text + page).merge()
        for component in _AFTER:
            component.apply([image])
        return image.output(bbox=[*page.topleft, WIDTH, HEIGHT])[..., 0].astype(np.uint8)

    def draw(numbers, seed):
        synthtiger.set_global_random_seed(seed)
        rng = random.Random(seed)
        return [draw_one(number, rng) for number in numbers]

    return draw


if __name__ == "__main__":
    serve(("synthtiger", "imgaug", "Pillow", "numpy"), prepare)
