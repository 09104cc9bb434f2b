"""The loop that people write: digits side by side in NumPy, shrunk by Pillow where they are too wide."""

import random

import numpy as np
from PIL import Image
from worker import HEIGHT, SPACING, WIDTH, load_digits


class Lines:
    """Draws lines of the packaged digits; they are cropped once, before the clock starts."""

    def __init__(self, path: str) -> None:
        images, labels = load_digits(path)
        self._glyphs: list[list[np.ndarray]] = [[] for _ in range(10)]
        for image, label in zip(images, labels, strict=True):
            columns = np.flatnonzero(image.any(axis=0))
            self._glyphs[label].append(image[:, columns[0] : columns[-1] + 1])

    def draw(self, number: str, rng: random.Random) -> np.ndarray:
        """Return the page of a number: (28, 128), black on white."""
        glyphs = [rng.choice(self._glyphs[int(digit)]) for digit in number]
        gaps = [rng.randint(*SPACING) for _ in glyphs[1:]]
        natural = sum(glyph.shape[1] for glyph in glyphs) + sum(gaps)
        line = np.zeros((HEIGHT, max(natural, WIDTH)), np.uint8)
        left = max(0, (WIDTH - natural) // 2)
        for glyph, gap in zip(glyphs, [*gaps, 0], strict=True):
            line[:, left : left + glyph.shape[1]] = glyph
            left += glyph.shape[1] + gap
        if natural > WIDTH:
            height = max(1, round(HEIGHT * WIDTH / natural))
            small = np.asarray(Image.fromarray(line).resize((WIDTH, height), Image.Resampling.LANCZOS))
            line = np.zeros((HEIGHT, WIDTH), np.uint8)
            top = (HEIGHT - height) // 2
            line[top : top + height] = small
        return 255 - line
