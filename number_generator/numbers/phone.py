"""Numbers in the form of Japanese phone numbers."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from number_generator.job.spec import Sequences, Span
from number_generator.numbers.sequences import ALPHABET
from number_generator.system.checks import check_boolean


@dataclass(frozen=True, slots=True)
class PhoneNumbers:
    """Numbers in the form of Japanese phone numbers: a 0, a digit from 1 to 9, then any digits.

    They are 10 or 11 digits long with equal chance; every digit is uniform.

    Attributes
    ----------
    dashes : bool
        Whether dashes separate groups of 3, 3 and 4 digits, or 3, 4 and 4.
    """

    dashes: bool = False

    _SHORTEST: ClassVar[int] = 10
    _DASHES: ClassVar[int] = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "dashes", check_boolean("dashes", self.dashes))

    @property
    def longest(self) -> int:
        """The most characters of a number."""
        return self._SHORTEST + 1 + (self._DASHES if self.dashes else 0)

    @property
    def alphabet(self) -> str:
        """The characters that a number can hold."""
        return ALPHABET[:10] + ("-" if self.dashes else "")

    def digits_before(self, number: int) -> int:
        """Return an upper bound of the digits of all images before image `number`."""
        return number * self.longest

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Draw the sequences of the images in `span`."""
        from number_generator._kernels import layout  # noqa: PLC0415 - compiled code loads when it is used

        offsets = np.zeros(len(span) + 1, np.int64)
        layout.draw_phone_lengths(np.uint64(seed), np.uint64(span.start), self._SHORTEST, offsets[1:])
        np.cumsum(offsets, out=offsets)
        codes = np.empty(offsets[-1], np.uint8)
        layout.draw_phone_digits(np.uint64(seed), np.uint64(span.start), offsets, codes)
        if not self.dashes:
            return Sequences(codes, offsets)
        grouped_offsets = offsets + self._DASHES * np.arange(len(offsets))
        grouped = np.empty(grouped_offsets[-1], np.uint8)
        layout.group_phone_digits(codes, offsets, ALPHABET.index("-"), grouped)
        return Sequences(grouped, grouped_offsets)

    def describe(self) -> dict[str, Any]:
        """Return what makes the same numbers again, for a file's metadata."""
        return {"numbers": "phone", "dashes": self.dashes}
