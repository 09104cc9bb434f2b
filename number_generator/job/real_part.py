"""The real lines of a job: which ones, and how many of its images they are."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from number_generator.job.real_lines import RealLines


class Lines(Protocol):
    """Labelled lines, as `scans.real_lines` loads them."""

    @property
    def sha256(self) -> str:
        """Of the lines and their labels."""

    @property
    def alphabet(self) -> str:
        """The characters of all labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What they say."""

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class RealPart:
    """The real lines of a job: a share of its images, chosen by their numbers.

    `deck` holds the lines of one round by number, and `place` says where the lines are from.
    """

    lines: Any  # a LineSet, which is of a higher room
    share: float
    style: RealLines
    balance: str
    deck: npt.NDArray[np.int64]
    place: str = ""
    holdout: float = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RealPart) and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash((self.lines.sha256, self.share, self.style))

    @cached_property
    def longest(self) -> int:
        """The most characters of a label."""
        return max(map(len, self.lines.labels), default=0)

    def words(self) -> list[str]:
        """Return the options of a command that asks for these lines."""
        words = [f"--real={self.place}", f"--real-share={self.share}"]
        words += [] if self.balance == "lines" else [f"--real-balance={self.balance}"]
        words += [f"--real-holdout={self.holdout}"] if self.holdout else []
        return words + [f"--real-set={setting}" for setting in self.style.settings()]

    def describe(self) -> dict[str, Any]:
        """Return all that images depend on, as JSON-like values."""
        return {
            "real_sha256": self.lines.sha256,
            "real_count": len(self.lines),
            "real_share": self.share,
            "real_balance": self.balance,
            "real_lines": self.style.to_dict(),
        }
