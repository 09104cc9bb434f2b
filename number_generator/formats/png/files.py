"""The files of a folder of PNG images: which of them tell the labels."""

from pathlib import Path

from number_generator.formats.png.reader import find_label_file
from number_generator.formats.schema import DESCRIPTION_FILE

__all__ = ["list_source_files"]


def list_source_files(path: Path) -> list[Path]:
    """List the file of the labels, and that of the description."""
    labels = find_label_file(path)
    return [file for file in (labels, path / DESCRIPTION_FILE) if file is not None and file.is_file()]
