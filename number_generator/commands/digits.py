"""What `python -m number_generator digits` runs: digit datasets listed, downloaded, and built into one file."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from number_generator.commands.terminal import say
from number_generator.errors import MissingExtraError, SpecError
from number_generator.system.signals import Interruption

if TYPE_CHECKING:
    from number_generator.digits.dataset import DigitImageDataset

__all__ = ["add_digits"]

_OTHER_ENDINGS = (".h5", ".hdf5", ".pickle")


def add_digits(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = "List digit datasets that have a name, download one, or build one file from any digits."
    parser = commands.add_parser(
        "digits", help="list, download and build digit datasets", description=text, allow_abbrev=False
    )
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)

    listed = actions.add_parser("list", help="say which digits have a name, and whether they are there")
    listed.set_defaults(work=_list)

    fetched = actions.add_parser("fetch", help="download digits that have a name", allow_abbrev=False)
    fetched.add_argument(
        "names", nargs="+", metavar="NAME", help="mnist, qmnist, emnist-digits: `digits list` says all"
    )
    fetched.set_defaults(work=_fetch)

    built = actions.add_parser(
        "build",
        help="make a digit dataset file",
        description="Make one digit dataset file, with style clusters, of digits from anywhere.",
        allow_abbrev=False,
    )
    built.add_argument(
        "sources",
        nargs="+",
        metavar="SRC",
        help="a name such as mnist, a digit dataset file, or a folder that holds a folder of PNG or JPEG images for "
        "each digit, named 0 to 9",
    )
    built.add_argument(
        "output",
        metavar="DST",
        help="the file to write: .npz, or .h5 or .pickle, which hold no clusters and no writers; its folder is made if "
        "missing",
    )
    built.add_argument(
        "--weights",
        metavar="LIST",
        help="how often each source is drawn, as in 0.7,0.3 (default: every image has the same chance)",
    )
    built.add_argument(
        "--size", type=int, metavar="PX", help="height and width of the digits (default: the source's; of a folder 28)"
    )
    built.add_argument(
        "--ink",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="of folders: whether digits are dark on a light ground or bright on a dark one; auto tells each image by "
        "its border (default: %(default)s)",
    )
    built.add_argument(
        "--clusters",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="find style clusters, for lines that look written by one hand; needs the extra `cluster` unless the "
        "sources have them (default: yes)",
    )
    built.add_argument("--overwrite", action="store_true", help="replace an earlier file of that name")
    built.set_defaults(work=_build)


def _list(options: argparse.Namespace, interruption: Interruption) -> None:
    from number_generator.digits.cache import find_cache_folder  # noqa: PLC0415 - as in `generate`, and so below
    from number_generator.digits.published import SOURCES  # noqa: PLC0415

    width = max(map(len, SOURCES))
    for name, source in SOURCES.items():
        state = (
            "is there" if source.is_there() else f"to download, {sum(file.size for file in source.files) / 1e6:.0f} MB"
        )
        say(f"{name:{width}}  {source.about} ({state})")
    say(f'Downloads are kept in "{find_cache_folder()}"')


def _fetch(options: argparse.Namespace, interruption: Interruption) -> None:
    from number_generator.digits.published import find_source  # noqa: PLC0415

    for source in [find_source(name) for name in options.names]:
        say(f'The digits {source.name} are in "{source.fetch()}"')


def _build(options: argparse.Namespace, interruption: Interruption) -> None:
    from number_generator.digits.mixtures import join_digits, mix_digits  # noqa: PLC0415
    from number_generator.system.temporaries import already_exists  # noqa: PLC0415

    path = _checked_output(options.output)
    if os.path.lexists(path) and not options.overwrite:  # before the digits are read, which may take long
        raise already_exists(path)
    weights = _checked_weights(options.weights, len(options.sources))
    parts = [(name, _digits(name, options)) for name in options.sources]
    if weights:
        digits = mix_digits([(name, part, weight) for (name, part), weight in zip(parts, weights, strict=True)])
    else:
        digits = parts[0][1] if len(parts) == 1 else join_digits(parts)
    is_npz = path.suffix.lower() == ".npz"
    clusters = _clusters(digits) if options.clusters and is_npz else digits.cluster_ids
    if is_npz:
        _save_npz(digits, clusters, path, interruption, overwrite=options.overwrite)
    else:
        digits._save(path, overwrite=options.overwrite)
    _say_counts(parts, digits, clusters if is_npz else None)
    if not is_npz and (digits.writer_ids is not None or clusters is not None):
        say("This format holds no writers and no style clusters: a name that ends in .npz keeps them")
    say(f'Digit dataset of {len(digits)} digits written to "{options.output}"')


def _checked_output(output: str) -> Path:
    path = Path(output)
    if "\0" in output or path.suffix.lower() not in (".npz", *_OTHER_ENDINGS):
        raise SpecError(
            f"DST is {output!r}: give a file name that ends in .npz, {', '.join(_OTHER_ENDINGS[:-1])} or "
            f"{_OTHER_ENDINGS[-1]}"
        )
    return path


def _checked_weights(text: str | None, count: int) -> list[float]:
    """Give a weight for each source; none where none are given."""
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


def _digits(name: str, options: argparse.Namespace) -> "DigitImageDataset":
    """Load a source, of the size that is asked for."""
    from number_generator.digits.dataset import DigitImageDataset  # noqa: PLC0415
    from number_generator.digits.image_folder import MAX_SIZE, is_folder_of_images, load_folder  # noqa: PLC0415
    from number_generator.digits.mixtures import resize_digits  # noqa: PLC0415
    from number_generator.digits.published import SOURCES  # noqa: PLC0415
    from number_generator.digits.resolve import load_digits, packaged_digits  # noqa: PLC0415
    from number_generator.job.spec import MIN_HEIGHT  # noqa: PLC0415
    from number_generator.system.checks import check_integer  # noqa: PLC0415

    size = None if options.size is None else check_integer("--size", options.size, MIN_HEIGHT, MAX_SIZE)
    if name not in SOURCES and is_folder_of_images(name):
        raw = load_folder(name, size=size or 28, ink=options.ink)
        return DigitImageDataset(raw.images, raw.labels)
    digits = load_digits(name) if name else packaged_digits()
    return digits if size in (None, digits.get_example_shape()[1]) else resize_digits(digits, size)


def _clusters(digits: "DigitImageDataset") -> Any:
    from number_generator.digits.writers import find_writers  # noqa: PLC0415

    try:
        return find_writers(digits, "cluster").ids
    except (SpecError, MissingExtraError) as exc:
        raise type(exc)(f"{exc}; --no-clusters builds the file without them") from exc


def _save_npz(
    digits: "DigitImageDataset", clusters: Any, path: Path, interruption: Interruption, *, overwrite: bool
) -> None:
    """Write an archive, wholly or not at all, that says where its digits come from."""
    import numpy as np  # noqa: PLC0415

    from number_generator.system.atomic_file import AtomicFile  # noqa: PLC0415
    from number_generator.system.temporaries import translate_errors  # noqa: PLC0415

    told = np.array(json.dumps(digits.get_metadata(), default=str))
    arrays: dict[str, Any] = {"images": digits.images, "labels": digits.classes, "metadata": told}
    more = {"writer_ids": digits.writer_ids, "cluster_ids": clusters}
    arrays |= {name: ids for name, ids in more.items() if ids is not None}
    with interruption:
        file = AtomicFile(path, overwrite=overwrite)
        interruption.temporaries.append(file.temporary_path)
    try:
        with translate_errors(path):
            np.savez_compressed(file.file, **arrays)
        file.commit()
    finally:
        file.discard()


def _say_counts(parts: "list[tuple[str, DigitImageDataset]]", digits: "DigitImageDataset", clusters: Any) -> None:
    """Say how many digits of each class there are, from where, and from how many hands."""
    import numpy as np  # noqa: PLC0415

    def row(name: str, cells: Any) -> str:
        return f"{name:{width}}" + "".join(f"{cell:>7}" for cell in cells)

    width = max(5, *(len(name) for name, _ in parts))
    say(row("digit", range(10)))
    for name, part in parts:
        say(row(name, np.bincount(part.classes, minlength=10)))
    if len(parts) > 1:
        say(row("all", np.bincount(digits.classes, minlength=10)))
    for what, ids in (("writer", digits.writer_ids), ("style cluster", clusters)):
        if ids is not None:
            number = len(np.unique(ids))
            say(f"{number} {what}{'s' * (number != 1)}")
