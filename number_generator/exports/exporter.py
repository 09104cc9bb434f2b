"""What an export is made of: lines with the boxes of their characters, and what writes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol

from number_generator.system.atomic_folder import AtomicFolder

IMAGES = "images"
"""The folder of the images; in it each part has one of its own."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in px, half-open: the pixels that ink touches."""


@dataclass(frozen=True, slots=True)
class Line:
    """One image with a line of characters.

    Attributes
    ----------
    number : int
        Counted from 0 over all images of the export.
    part : str
        The part of a split that it belongs to.
    name : str
        Its file within the folder of its part, with slashes and without the ending, as in "0000/000000001".
    width, height : int
        Of the image, in px.
    label : str
    boxes : tuple of (Box or None)
        The box of each character of the label; None for one without ink.
    """

    number: int
    part: str
    name: str
    width: int
    height: int
    label: str
    boxes: tuple[Box | None, ...]

    @property
    def characters(self) -> tuple[tuple[str, Box], ...]:
        """The characters that have ink, in order."""
        return _find_inked(self.label, self.boxes)

    @property
    def box(self) -> Box | None:
        """The box around all its ink; None if it has none."""
        boxes = [box for box in self.boxes if box is not None]
        return surround(boxes) if boxes else None

    @property
    def baseline(self) -> int:
        """The last row of ink that its digits stand on, of most of them: their median."""
        bottoms = sorted(box[3] for character, box in self.characters if character.isdigit())
        bottoms = bottoms or sorted(box[3] for _, box in self.characters)
        return bottoms[len(bottoms) // 2] - 1

    def words(self) -> Iterator[tuple[str, tuple[tuple[str, Box], ...]]]:
        """Yield what stands between spaces, and its characters that have ink; words without any are left out."""
        first = 0
        for word in self.label.split(" "):
            inked = _find_inked(word, self.boxes[first : first + len(word)])
            if inked:
                yield word, inked
            first += len(word) + 1


class Exporter(Protocol):
    """Writes the annotations of one kind into a folder, line by line."""

    names: frozenset[str]
    """What it may write at the top of the folder, besides the images."""

    def begin(self, folder: AtomicFolder, parts: tuple[str, ...], characters: str) -> None:
        """Begin, given the parts in order, and all characters that can be annotated, each a category."""

    def add(self, line: Line) -> None:
        """Write the annotations of one line; lines come part by part."""

    def end(self) -> None:
        """Write what comes last, and close all files."""


def surround(boxes: list[Box]) -> Box:
    """Return the box around some boxes, of which there is at least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _find_inked(text: str, boxes: tuple[Box | None, ...]) -> tuple[tuple[str, Box], ...]:
    pairs = zip(text, boxes, strict=True)
    return tuple((character, box) for character, box in pairs if box is not None)


class JsonList:
    """A list in a JSON file, written value by value."""

    def __init__(self, file: IO[bytes], start: bytes = b"") -> None:
        self._file = file
        self._separator = b"\n"
        file.write(start + b"[")

    def append(self, value: bytes) -> None:
        """Add a value, already as JSON."""
        self._file.write(self._separator + value)
        self._separator = b",\n"

    def end(self) -> None:
        """End the list; the file stays open."""
        self._file.write(b"\n]")
