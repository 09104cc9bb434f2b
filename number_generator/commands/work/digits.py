"""Digit datasets: listed, downloaded, and built into one file."""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.commands.terminal import report, say
from number_generator.digits.cache import find_cache_folder
from number_generator.digits.conventions import MAX_VALUE, Conventions, describe_normal
from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.image_folder import MAX_SIZE
from number_generator.digits.mixtures import join_digits, mix_digits, resize_digits, to_mixture
from number_generator.digits.published import SOURCES, find_source
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.digits.writers import find_writers
from number_generator.errors import MissingExtraError, SpecError
from number_generator.formats.dataset import save_dataset
from number_generator.formats.ownership import check_folder
from number_generator.job.defaults import PACKAGED
from number_generator.job.spec import MIN_HEIGHT
from number_generator.system.atomic_file import open_atomic
from number_generator.system.checks import check_integer
from number_generator.system.signals import Interruption
from number_generator.system.temporaries import already_exists

_OTHER_ENDINGS = (".h5", ".hdf5", ".pickle")


def list_sources(options: argparse.Namespace, interruption: Interruption) -> None:
    """Print the digits that have a name."""
    width = max(map(len, SOURCES))
    for name, source in SOURCES.items():
        size = sum(file.size for file in source.files)
        state = "downloaded" if source.is_there() else f"to download, {size / 1e6:.0f} MB"
        say(f"{name:{width}}  {source.about} ({state})")
    say(f'Downloads are kept in "{find_cache_folder()}"')


def fetch_sources(options: argparse.Namespace, interruption: Interruption) -> None:
    """Download digits by their names."""
    for source in [find_source(name) for name in options.names]:
        report(f'The digits {source.name} are in "{source.fetch()}"')


def build_digits(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write one digit dataset file, and say what is in it."""
    path = _parse_output(options.output)
    if os.path.lexists(path) and not options.overwrite:  # before the digits are read, which may take long
        raise already_exists(path)
    check_folder(path.parent)
    weights = _parse_weights(options.weights, len(options.sources))
    size = None if options.size is None else check_integer("--size", options.size, MIN_HEIGHT, MAX_SIZE)
    if options.range is not None:
        check_integer("--range", options.range, 1, MAX_VALUE)
    stored = Conventions(options.ink, options.range, options.orientation)
    if stored != Conventions():
        _check_files(options.sources)
    parts = [(name, _load_source(name, size, stored)) for name in options.sources]
    if weights:
        digits = mix_digits([(name, part, weight) for (name, part), weight in zip(parts, weights, strict=True)])
    else:
        digits = parts[0][1] if len(parts) == 1 else join_digits(parts)
    is_npz = path.suffix.lower() == ".npz"
    clusters = None
    if options.clusters:
        clusters = _find_clusters(digits) if is_npz else digits.cluster_ids
    if is_npz:
        _save_npz(digits, clusters, path, interruption, overwrite=options.overwrite)
    else:
        save_dataset(digits, path, describe_normal(digits.images, digits.get_metadata()), overwrite=options.overwrite)
    _say_counts(parts, digits, clusters if is_npz else None)
    if not is_npz and (digits.writer_ids is not None or clusters is not None):
        report("This format holds no writers and no style clusters: give a name that ends in .npz to keep them")
    report(f'Digit dataset of {len(digits)} digits written to "{options.output}"')


def _parse_output(output: str) -> Path:
    path = Path(output)
    if "\0" in output or path.suffix.lower() not in (".npz", *_OTHER_ENDINGS):
        raise SpecError(
            f"DST is {output!r}: give a file name that ends in .npz, {', '.join(_OTHER_ENDINGS[:-1])} or "
            f"{_OTHER_ENDINGS[-1]}"
        )
    return path


def _parse_weights(text: str | None, count: int) -> list[float]:
    """Return a weight for each source; none if `--weights` is left out."""
    if text is None:
        return []
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if len(weights) != count or not all(0 < weight < float("inf") for weight in weights) or count < 2:
        raise SpecError(
            f"--weights is {text!r} for {count} source{'s' * (count != 1)}: give two sources or more, and a number "
            "above 0 for each, as in 0.7,0.3"
        )
    return weights


def _load_source(name: str, size: int | None, stored: Conventions) -> DigitImageDataset:
    """Load a source, resized to `size` px if that is given; `stored` tells of files and folders how they are."""
    if _is_named(name) or _is_several(name) or (stored == Conventions() and size is None):
        digits = load_digits(name) if name else packaged_digits()
    else:
        digits = DigitImageDataset()
        digits.load(name, **asdict(stored), folder_size=size or 28)
    return digits if size in (None, digits.get_example_shape()[1]) else resize_digits(digits, size)


def _is_named(name: str) -> bool:
    return name in SOURCES or name in ("", PACKAGED)


def _is_several(name: str) -> bool:
    return not _is_named(name) and not os.path.lexists(name) and to_mixture(name) is not None


def _check_files(names: Sequence[str]) -> None:
    """Raise SpecError unless all sources are files and folders, which alone are spoken of by `--ink` and its like."""
    for name in names:
        if not (_is_named(name) or _is_several(name)):
            continue
        way_out = (
            "give each source by itself, with --weights"
            if _is_several(name)
            else "leave them out, or first build a file of each file that they speak of"
        )
        raise SpecError(f"SRC is {name!r}, and --ink, --range and --orientation are for files and folders: {way_out}")


def _find_clusters(digits: DigitImageDataset) -> Any:
    try:
        return find_writers(digits, "cluster").ids
    except (SpecError, MissingExtraError) as exc:
        reason = exc.__cause__ if isinstance(exc.__cause__, SpecError) else exc  # without the styles' way out
        raise type(exc)(f"{reason}; or --no-clusters builds the file without them") from exc


def _save_npz(
    digits: DigitImageDataset, clusters: Any, path: Path, interruption: Interruption, *, overwrite: bool
) -> None:
    """Write an archive that says where its digits come from, to a file that is complete or absent."""
    metadata = np.array(json.dumps(describe_normal(digits.images, digits.get_metadata()), default=str))
    arrays: dict[str, Any] = {"images": digits.images, "labels": digits.classes, "metadata": metadata}
    groups = {"writer_ids": digits.writer_ids, "cluster_ids": clusters}
    arrays |= {name: ids for name, ids in groups.items() if ids is not None}
    with open_atomic(path, interruption, overwrite=overwrite) as file:
        np.savez_compressed(file, **arrays)


def _say_counts(parts: list[tuple[str, DigitImageDataset]], digits: DigitImageDataset, clusters: Any) -> None:
    """Print how many digits of each class each source has, and how many writers and clusters there are."""

    def format_row(name: str, cells: Any) -> str:
        return f"{name:{width}}" + "".join(f"{cell:>7}" for cell in cells)

    width = max(5, *(len(name) for name, _ in parts))
    report(format_row("digit", range(10)))
    for name, part in parts:
        report(format_row(name, np.bincount(part.classes, minlength=10)))
    if len(parts) > 1:
        report(format_row("all", np.bincount(digits.classes, minlength=10)))
    for what, ids in (("writer", digits.writer_ids), ("style cluster", clusters)):
        if ids is not None:
            number = len(np.unique(ids))
            report(f"{number} {what}{'s' * (number != 1)}")
