"""Images without one file of labels: a text beside each, as Tesseract and kraken have it, or a folder a digit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.encoded_reader import decode_label
from number_generator.formats.image_files import IMAGE_ENDINGS
from number_generator.formats.paths import MalformedError, read_own_file
from number_generator.formats.png.label_tables import LabelTable
from number_generator.formats.schema import MOST_LABEL_BYTES
from number_generator.system.checks import format_value

_TEXT_ENDINGS = (".gt.txt", ".txt")
_KINDS = (".bin", ".nrm")  # of the same line, black and white or normalised, by OCRopus's names
_DIGITS = frozenset("0123456789")


class _TextFiles:
    """Images in a folder, each with a text file of its name."""

    folder = ""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._folder = folder
        texts = frozenset(names)
        self._names = sorted(filter(_is_image, texts))
        self._texts = []
        for name in self._names:
            text = _find_text(name, texts)
            if text is None:
                stem = os.path.splitext(name)[0]  # noqa: PTH122 - a name, not a path
                raise MalformedError(
                    f"its image {format_value(name)} has no label: there is no {format_value(stem + _TEXT_ENDINGS[0])} "
                    f"and no {format_value(stem + _TEXT_ENDINGS[1])}"
                )
            self._texts.append(text)

    def __len__(self) -> int:
        return len(self._names)

    def path(self, number: int) -> str:
        """Return the name of an image."""
        return self._names[number]

    def label(self, number: int) -> str:
        """Return the label of an image."""
        name = self._texts[number]
        content = read_own_file(self._folder, name, f"its {format_value(name)}", MOST_LABEL_BYTES)
        return decode_label(content.removeprefix(b"\xef\xbb\xbf"), self._names[number])

    def close(self) -> None:
        """Nothing is open."""


class _DigitFolders:
    """Folders of images that are named by their digit."""

    folder = ""

    def __init__(self, folder: Path, digits: Iterable[str]) -> None:
        self._paths = [f"{digit}/{name}" for digit in digits for name in _list_images(folder / digit)]

    def __len__(self) -> int:
        return len(self._paths)

    def path(self, number: int) -> str:
        """Return the path of an image."""
        return self._paths[number]

    def label(self, number: int) -> str:
        """Return the label of an image."""
        return self._paths[number].partition("/")[0]

    def close(self) -> None:
        """Nothing is open."""


def is_labelled(folder: Path, names: AbstractSet[str]) -> bool:
    """Tell whether the images in a folder have texts beside them, or it has folders 0 to 9 of images."""
    return any(_find_text(name, names) for name in names if _is_image(name)) or bool(_list_digits(folder, names))


def open_loose(folder: Path) -> LabelTable:
    """Return the images of such a folder and their labels, in the order of their names."""
    names = {entry.name for entry in folder.iterdir()}
    if any(_find_text(name, names) for name in names if _is_image(name)):
        return _TextFiles(folder, names)
    return _DigitFolders(folder, _list_digits(folder, names))


def list_label_files(folder: Path) -> list[Path]:
    """List the texts beside images."""
    names = {entry.name for entry in folder.iterdir()}
    texts = {text for name in names if _is_image(name) and (text := _find_text(name, names))}
    return [folder / text for text in sorted(texts)]


def _find_text(image: str, names: AbstractSet[str]) -> str | None:
    """Return the name of the text that belongs to an image, if there is one."""
    stem = os.path.splitext(image)[0]  # noqa: PTH122 - a name, not a path
    stems = [stem, *(stem.removesuffix(kind) for kind in _KINDS if stem.endswith(kind))]
    return next((text for each in stems for ending in _TEXT_ENDINGS if (text := each + ending) in names), None)


def _list_digits(folder: Path, names: AbstractSet[str]) -> list[str]:
    """List the folders named by digits, if any of them holds an image."""
    digits = sorted(name for name in names & _DIGITS if (folder / name).is_dir())
    return digits if any(map(_list_images, (folder / digit for digit in digits))) else []


def _list_images(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if _is_image(entry.name))


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_ENDINGS) and not name.startswith(".")
