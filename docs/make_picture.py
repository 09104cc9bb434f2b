"""Draw `numbers.png`, the picture in the README, with the package itself: `python docs/make_picture.py`."""

from pathlib import Path

import numpy as np
from PIL import Image

from number_generator import generate_batch

_ROWS, _COLUMNS, _MARGIN = 8, 3, 6
_SEQUENCES = [
    *("0312345678", "09012345678", "0452910064", "0668843217", "08055501234", "0726093385"),
    *("2026-11-22".replace("-", ""), "149900", "31415926535", "27182818284", "1618033988", "4"),
    *("00000000000", "1111111111", "2222222222", "33333333333", "4444444444", "5555555555"),
    *("6666666666", "77777777777", "8888888888", "9999999999", "0123456789", "9876543210"),
]


def draw(path: Path) -> None:
    """Write a sheet of lines, each at its natural size."""
    images = generate_batch(_SEQUENCES, (3, 9), 290, seed=2026)
    framed = np.pad(images, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)), constant_values=255)
    _, height, width = framed.shape
    sheet = framed.reshape(_ROWS, _COLUMNS, height, width).swapaxes(1, 2).reshape(_ROWS * height, -1)
    Image.fromarray(sheet).save(path, optimize=True)


if __name__ == "__main__":
    draw(Path(__file__).parent / "numbers.png")
