"""What the process of a peer does: it says what is installed, then draws as many lines as it is asked for, in turn.

It runs in the peer's own environment, and so it needs the standard library and NumPy alone.
"""

import importlib.metadata
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

MARK = "answer: "  # before each: a package may have printed as it was loaded
HEIGHT, WIDTH = 28, 128
SPACING = (5, 10)

Draw = Callable[[list[str], int], Sequence[Any]]
"""Takes numbers and a seed, and returns an image of each: (28, width), uint8."""


def serve(packages: Sequence[str], prepare: Callable[[str], Draw]) -> None:
    """Answer on standard output, one line each: the packages' versions, then the CPU seconds of each request.

    A request is a line with the number of lines to draw, a seed, and perhaps a file to keep the images in. `prepare`
    gets the path of the packaged digits.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # packages print as they draw, too
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    draw = prepare(sys.argv[1])
    _answer(answers, {name: importlib.metadata.version(name) for name in packages})
    for request in sys.stdin:
        count, seed, *path = json.loads(request)
        numbers = make_numbers(count, seed)
        begun = time.process_time()
        images = draw(numbers, seed)
        seconds = time.process_time() - begun
        check(images, count)
        for name in path:
            np.save(name, np.stack(images))
        _answer(answers, seconds)


def _answer(answers: TextIO, what: object) -> None:
    print(f"{MARK}{json.dumps(what)}", file=answers, flush=True)


def make_numbers(count: int, seed: int) -> list[str]:
    """Return numbers of 2 to 7 digits."""
    rng = random.Random(seed)
    return ["".join(rng.choices("0123456789", k=rng.randint(2, 7))) for _ in range(count)]


def check(images: Sequence[Any], count: int) -> None:
    """Refuse images that are no lines of writing: a peer that has drawn nothing would be quick."""
    assert len(images) == count
    for image in images:
        assert image.dtype == np.uint8
        assert image.ndim == 2
        assert image.shape[0] == HEIGHT
        assert np.ptp(image) > 60


def load_digits(path: str) -> tuple[Any, Any]:
    """Return the packaged digits: images (N, 28, 28), uint8, bright ink on 0; and labels (N,)."""
    with np.load(Path(path)) as file:
        return file["images"], file["labels"]
