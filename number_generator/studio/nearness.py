"""How near a design comes to the user's scans, by what `match` measures."""

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.resolve import default_digits
from number_generator.job.handwriting import STYLES, Handwriting
from number_generator.matching.distance import Yardstick, average, find_floor
from number_generator.matching.drawing import Drawing, choose_width
from number_generator.matching.match import Sample, as_scanned, take_sample
from number_generator.matching.searched import LENGTH, read_guess
from number_generator.rendering.compilation import compile_measures
from number_generator.scans.looks import LOOKS, Floats
from number_generator.scans.unlabelled import read_scans
from number_generator.studio.designs import find_digits, read_style
from number_generator.studio.sheets import pack_json

_IMAGES = 256  # enough for two digits, and drawn and measured in a fifth of a second
_SEED = 0
_WORKERS = 1  # so that a sheet that is asked for meanwhile is there as soon
_WORST = 3


class Nearness:
    """Measures designs against scans, which are read and measured when the first design is.

    Parameters
    ----------
    path : str
        Scans as `read_scans` takes them.
    tell : callable
        Takes a line for whoever waits, before the measures are compiled.
    """

    def __init__(self, path: str, tell: Callable[[str], object]) -> None:
        self._path, self._tell = path, tell
        self._one_at_a_time = threading.Lock()

    def measure(self, table: Mapping[str, Any]) -> bytes:
        """Return how far what the page asks for is from the scans, and by which measures most.

        Raises
        ------
        WrongValuesError
            If a value is not valid.
        SpecError, DatasetError, DatasetReadError, DatasetNotFoundError
            If the scans or the digits cannot be read, or hardly any scan shows ink.
        """
        style, digits = read_style(table), find_digits(str(table.get("digits", "")))
        with self._one_at_a_time:
            compile_measures(self._tell)
            distances = self._yardstick.measure(self._draw(style, digits))
            worst = sorted(range(len(LOOKS)), key=lambda number: -distances[number])[:_WORST]
            return pack_json(
                {
                    "distance": average(distances),
                    "document": average(self._yardstick.measure(self._usual)),
                    "halves": find_floor(self._sample.looks, self._usual, _SEED)[0],
                    "worst": [[LOOKS[number].title, float(distances[number])] for number in worst],
                }
            )

    @cached_property
    def _sample(self) -> Sample:
        scans = read_scans(self._path)
        return take_sample(scans.pages, scans.name)

    @cached_property
    def _usual(self) -> Floats:
        """The measures of `document`, written with the usual digits: what others are compared with."""
        return self._draw(STYLES["document"], default_digits())

    @cached_property
    def _yardstick(self) -> Yardstick:
        return Yardstick.of(self._sample.looks, self._usual)

    def _draw(self, style: Handwriting, digits: DigitImageDataset) -> Floats:
        drawing = Drawing(choose_width(self._sample.pages), digits, _WORKERS)
        return drawing.measure(as_scanned(style), read_guess(style)[LENGTH], _IMAGES, _SEED)
