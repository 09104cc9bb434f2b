"""Finds the digits to compose from: a file, a folder, a published source, several of them, or the default."""

import os
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from number_generator.digits.conventions import NORMAL
from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.image_folder import is_folder_of_images, list_folder_files
from number_generator.digits.mixtures import check_weights, mix_digits, to_mixture
from number_generator.digits.packaged_files import find_packaged_file
from number_generator.digits.published import SOURCES, find_source
from number_generator.errors import DatasetNotFoundError, NumberGeneratorError, SpecError
from number_generator.formats.detection import list_source_files
from number_generator.formats.isolated import check_apart
from number_generator.job.defaults import PACKAGED
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home

_ENVIRONMENT_VARIABLE = "NG_DEFAULT_DIGIT_DATASET"
_default_path: str | None = None

Digits = str | os.PathLike[str] | Mapping[str, float] | DigitImageDataset | None
"""The argument that names the digits to compose from; None means the default digits."""

Stats = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Origin:
    """What digits are loaded from, before they are; equal if they would be the same digits.

    Attributes
    ----------
    name : str
        Of a published source; empty for a file or folder.
    path : str
    stats : tuple
        Of its files, see `_stat_files`.
    parts : tuple of (str, _Origin, weight)
        The sources of a mixture, which has nothing else.
    """

    name: str = ""
    path: str = ""
    stats: Stats = ()
    parts: tuple[tuple[str, "_Origin", Any], ...] = ()


_PACKAGED = _Origin(PACKAGED)


def set_default_dataset_filepath(filepath: str | os.PathLike[str]) -> DigitImageDataset:
    """Make a file the default digit dataset of this process, instead of the environment variable and the packaged one.

    Parameters
    ----------
    filepath : path_like
        Anything that `load_digits` takes, except a mapping. It is read and checked at once.

    Returns
    -------
    DigitImageDataset
        The digits.

    Raises
    ------
    DatasetError, DatasetNotFoundError, DatasetReadError
        If it cannot be used; the default is then unchanged.
    SpecError
        If it is no path.
    """
    global _default_path  # noqa: PLW0603 - the one documented default of the package
    if not isinstance(filepath, (str, os.PathLike)):
        raise SpecError(
            f"filepath is {format_value(filepath)}: give a path, a name, or several as a text, 'mnist=0.7,./mine=0.3'"
        )
    path = name_digits(filepath)
    digits = load_digits(path)
    _default_path = path
    return copy(digits)  # the caller may load other digits into it


def default_digits(*, isolated: bool = False) -> DigitImageDataset:
    """Return the digit dataset that is used if none is given.

    It is the one of `set_default_dataset_filepath`, else the one that the environment variable NG_DEFAULT_DIGIT_DATASET
    names, as for `load_digits`, else the packaged 5,000 MNIST digits. The object is shared: do not change it.

    Parameters
    ----------
    isolated : bool
        As for `load_digits`.
    """
    path = default_digits_path()
    if not path:
        return packaged_digits()
    try:
        return load_digits(path, isolated=isolated)
    except NumberGeneratorError as exc:
        named_by = "set_default_dataset_filepath" if _default_path else _ENVIRONMENT_VARIABLE
        raise type(exc)(f"{exc} (the default digits are those that {named_by} names)") from exc


def resolve_digits(digits: Digits) -> DigitImageDataset:
    """Return the digit dataset that an argument `digits` means."""
    if digits is None:
        return default_digits()
    if isinstance(digits, DigitImageDataset):
        return digits
    if not isinstance(digits, (str, os.PathLike, Mapping)):
        raise SpecError(
            f"digits is {format_value(digits)}: give a path, a name, several with weights, or a DigitImageDataset"
        )
    return load_digits(digits)


def default_digits_path() -> str:
    """Return the name of the default digits, see `name_digits`; an empty name for the packaged ones."""
    return _default_path or name_digits(os.environ.get(_ENVIRONMENT_VARIABLE, ""))


def load_digits(source: str | os.PathLike[str] | Mapping[str, float], *, isolated: bool = False) -> DigitImageDataset:
    """Load a digit dataset, or return the same object again while its files are unchanged.

    The object is shared: do not change it.

    Parameters
    ----------
    source : str, path_like or mapping
        The name of a source, see `fetch_digits`, or "packaged"; any file or folder that `DigitImageDataset.load`
        reads; or several of them with weights, as in "mnist=0.7,./mine=0.3" or {"mnist": 0.7, "./mine": 0.3}. Names
        take precedence over files and folders ("./mnist" is a file), and these over several.
    isolated : bool
        Whether to read files and folders in a process of its own first, as `DigitImageDataset.load` does. Named digits
        are never read so: they are what their checksums say.

    Raises
    ------
    SpecError, DatasetError, DatasetNotFoundError, DatasetReadError
        If it is none of these, or not valid.
    MissingExtraError, OutputError
        If a source cannot be downloaded, see `fetch_digits`.
    """
    if isolated:
        paths = _list_paths(source)
        if paths:
            check_apart("number_generator.digits.image_folder:read_digits", *paths)
    return _load(_find_origin(source))


def fetch_digits(name: str, *, folder: str | os.PathLike[str] | None = None) -> DigitImageDataset:
    """Download a published digit dataset, unless that is done already, and load it.

    Parameters
    ----------
    name : str
        mnist, qmnist, emnist-digits, or one of these with -test: `python -m number_generator digits list`
        describes them.
    folder : path_like, optional
        The folder for downloads. None means the folder that the environment variable NG_CACHE_DIR names, else
        `number_generator` in the user's cache folder. You may also put files there by hand.

    Returns
    -------
    DigitImageDataset
        The digits, upright; QMNIST's with their writers.

    Raises
    ------
    SpecError
        If no source has this name.
    PartMissingError
        If a file is missing and cannot be downloaded; the message says how to do that by hand.
    MissingExtraError
        If a file is missing and the extra `fetch` is not installed.
    OutputError
        If the folder cannot be written.

    Examples
    --------
    >>> from number_generator import fetch_digits, generate_batch
    >>> digits = fetch_digits("qmnist")  # doctest: +SKIP
    >>> images = generate_batch(["0312345678"], None, 100, style="natural", digits=digits)  # doctest: +SKIP
    """
    return copy(_load(_find_published(name, folder)))  # the caller may load other digits into it


def name_digits(source: str | os.PathLike[str]) -> str:
    """Return a name for the same digits in any working folder: names stay, and paths become absolute."""
    source = expand_home(source)
    text = os.fspath(source)
    if not text or (isinstance(source, str) and (text in SOURCES or text == PACKAGED)):
        return text
    several = None if _is_there(source) else to_mixture(source)
    if several is None:
        return str(Path(text).absolute())
    return ",".join(f"{name_digits(name)}={weight:.12g}" for name, weight in several.items())


@lru_cache(maxsize=1)
def packaged_digits() -> DigitImageDataset:
    """Return the 5,000 MNIST digits of the package. The object is shared: do not change it."""
    dataset = DigitImageDataset()
    dataset.load(find_packaged_file("digits.npz", "digits"), **asdict(NORMAL))
    return dataset


def _find_origin(source: str | os.PathLike[str] | Mapping[str, float]) -> _Origin:
    """Return what an argument of `load_digits` means; published digits are downloaded."""
    source = expand_home(source)
    if isinstance(source, str) and source in SOURCES:
        return _find_published(source, None)
    if isinstance(source, str) and source == PACKAGED:
        return _PACKAGED
    several = None if _is_there(source) else to_mixture(source)
    if several is not None:
        check_weights(list(several.items()))
        return _Origin(parts=tuple((name, _find_origin(name), weight) for name, weight in several.items()))
    try:
        is_folder = is_folder_of_images(source)
        files = [file for _, file in list_folder_files(source)] if is_folder else list_source_files(source)  # type: ignore[arg-type] # a path by now
    except DatasetNotFoundError as exc:
        if isinstance(source, str) and Path(source).name == source and not Path(source).suffix:
            raise DatasetNotFoundError(f"{exc}. Named digits are {PACKAGED}, {', '.join(SOURCES)}") from exc
        raise
    return _Origin(path=os.fspath(source), stats=_stat_files(files))  # type: ignore[arg-type] # a path by now


def _list_paths(source: str | os.PathLike[str] | Mapping[str, float]) -> list[str]:
    """List the files and folders that an argument of `load_digits` names, but for those that are not there."""
    source = expand_home(source)
    if isinstance(source, str) and (source in SOURCES or source == PACKAGED):
        return []
    if _is_there(source):
        return [os.fspath(source)]  # type: ignore[arg-type] # a path by now
    several = to_mixture(source)
    return [] if several is None else [path for name in several for path in _list_paths(name)]


def _find_published(name: str, folder: str | os.PathLike[str] | None) -> _Origin:
    """Return the origin of a published source, after downloading it."""
    path = find_source(name).fetch(folder)
    return _Origin(name, str(path), _stat_files(list_source_files(path)))


def _load(origin: _Origin) -> DigitImageDataset:
    """Return the digits of an origin, the same object while its files are unchanged."""
    if origin == _PACKAGED:
        return packaged_digits()
    return _mix(origin) if origin.parts else _read(origin)


@lru_cache(maxsize=4)
def _read(origin: _Origin) -> DigitImageDataset:
    if origin.name:
        return find_source(origin.name).load(Path(origin.path))
    dataset = DigitImageDataset()
    dataset.load(origin.path)
    return dataset


# By origins and not by the digits of the parts, which `_read` may have dropped: a mixture of any number of sources is
# one entry.
@lru_cache(maxsize=2)
def _mix(origin: _Origin) -> DigitImageDataset:
    return mix_digits([(name, _load(part), weight) for name, part, weight in origin.parts])


def _stat_files(files: Iterable[Path]) -> Stats:
    """Return values that change when a file does."""
    return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in (file.stat() for file in files))


def _is_there(source: object) -> bool:
    """Tell whether a file or folder of this name exists."""
    return isinstance(source, (str, os.PathLike)) and os.path.exists(source)  # noqa: PTH110 - no error for odd names
