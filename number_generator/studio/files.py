"""Style files of the user, which the page loads and saves where the user says."""

import os
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.job.handwriting import Handwriting, checked_style
from number_generator.system.atomic_file import open_atomic
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption

_ENDING = ".toml"


def describe_start(style: str) -> dict[str, Any]:
    """Return what the page starts from, of a style by its name or its file.

    Raises
    ------
    SpecError
        If there is no such style, or its file cannot be read or is not valid.
    """
    return _describe(style, checked_style(expand_home(style)))


def load_style(path: object) -> dict[str, Any]:
    """Return what the page starts from, of a style file.

    Raises
    ------
    SpecError
        If it cannot be read, or is not valid.
    """
    return _describe(str(path), Handwriting.from_file(_check_path(path)))


def save_style(path: object, style: Handwriting, *, overwrite: bool) -> Path:
    """Write a style to a file, and return its place from the root.

    Raises
    ------
    SpecError
        If the path does not end in .toml, or what the style names cannot be written as text.
    OutputExistsError
        If there is such a file and `overwrite` is false.
    OutputError
        If it cannot be written.
    """
    target = _check_path(path)
    try:
        content = style.to_toml().encode()
    except UnicodeEncodeError as exc:
        raise SpecError("paper_images has a name that is no text, which no TOML file can hold: rename it") from exc
    with open_atomic(target, Interruption.installed(), overwrite=overwrite) as file:
        file.write(content)
    return target


def _describe(name: str, style: Handwriting) -> dict[str, Any]:
    """Return the nearest named style and the values that differ from it, in their plain form."""
    base, settings = style.settings()
    table = style.to_dict()
    changes = {setting.partition("=")[0]: table[setting.partition("=")[0]] for setting in settings}
    paper = "" if style.paper_images is None else style.paper_images.path
    return {"name": name, "base": base, "changes": changes, "paper_images": paper}


def _check_path(path: object) -> Path:
    """Return the path of a style file, from the root, or raise SpecError."""
    if not isinstance(path, str) or not path.lower().endswith(_ENDING) or not _is_file_name(path):
        raise SpecError(f"the style file is {format_value(path)}: give a file name that ends in {_ENDING}")
    return Path(expand_home(path)).absolute()


def _is_file_name(path: str) -> bool:
    """Tell whether a file can have this name: without a null character, and no half of a pair of UTF-16."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False
