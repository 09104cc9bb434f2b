"""YOLO's detection: a text file of boxes for each image under `labels`, and `data.yaml`.

The format is described at https://docs.ultralytics.com/datasets/detect/. A line of a text file holds a class, from 0
on, and centre and size of a box as shares of the image.
"""

import json

from number_generator.exports.exporter import IMAGES, Line
from number_generator.system.atomic_folder import AtomicFolder

_LABELS, _DATA = "labels", "data.yaml"


class YoloExporter:
    """Write a text file an image."""

    names = frozenset((_LABELS, _DATA))

    def begin(self, folder: AtomicFolder, parts: tuple[str, ...], characters: str) -> None:
        """Write `data.yaml`: where the parts are, and the name of each class."""
        self._root = folder.temporary_path / _LABELS
        self._root.mkdir()
        self._classes = {character: number for number, character in enumerate(characters)}
        self._folder = ""
        # YOLO asks for `train` and `val`; a dataset without a part of that name is used for both.
        named = {name: name if name in parts else parts[0] for name in ("train", "val")}
        named |= {part: part for part in parts}
        lines = ["path: .", *(f"{name}: {IMAGES}/{part}" for name, part in named.items()), "names:"]
        # JSON's texts are YAML's as well, and a digit must not be read as a number.
        lines += [f"  {number}: {json.dumps(character)}" for character, number in self._classes.items()]
        with folder.create(_DATA) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def add(self, line: Line) -> None:
        """Write the boxes of an image."""
        rows = []
        for character, (left, top, right, bottom) in line.characters:
            middle_x, middle_y = (left + right) / 2 / line.width, (top + bottom) / 2 / line.height
            width, height = (right - left) / line.width, (bottom - top) / line.height
            rows.append(f"{self._classes[character]} {middle_x:.6f} {middle_y:.6f} {width:.6f} {height:.6f}\n")
        inner, _, name = f"{line.part}/{line.name}".rpartition("/")
        if inner != self._folder:
            self._folder = inner
            place = self._root
            for step in inner.split("/"):
                place /= step
                place.mkdir(exist_ok=True)
        (self._root / inner / f"{name}.txt").write_bytes("".join(rows).encode())

    def end(self) -> None:
        """Do nothing: each file is complete."""
