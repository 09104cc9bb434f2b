"""The output of `generate-phone-numbers`: its format, its label files, its name, and the names of its parts.

Nothing heavy is imported at the top, as in `generate`.
"""

import argparse
import os
from dataclasses import dataclass

from number_generator.errors import SpecError
from number_generator.formats.ownership import check_option_folder, holds_dataset
from number_generator.formats.registry import (
    FORMATS,
    check_ending,
    check_storage,
    describe_written,
    find_format,
    join_words,
    list_endings,
    list_written,
)
from number_generator.system.home import expand_home

_USUAL = "pickle"
_SLASHES = ("/", os.sep)


@dataclass(frozen=True)
class Output:
    """Where and how the options say to write."""

    target: str  # the file or folder of the whole dataset
    file_format: str
    compression: str
    labels: tuple[str, ...]  # the label files to write besides the usual one

    def of_part(self, name: str) -> str:
        """Return the file or folder of a part of a split."""
        has_ending = find_format(self.target) is not None
        # `pathlib` would drop the "./" that the command has always shown.
        root, ending = os.path.splitext(self.target) if has_ending else (self.target, "")  # noqa: PTH122 - as it is written
        return f"{root}-{name}{ending}"


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for where a dataset goes, and in which format."""
    rows = [FORMATS[name] for name in list_written()]
    files = [row.summary for row in rows if not row.is_folder]
    folders = [row.summary for row in rows if row.is_folder]
    parser.add_argument(
        "--output-path",
        default="./",
        type=expand_home,
        metavar="DIR|FILE",
        help="folder for phonenumbers-handwritten-dataset-N (numbers-... where they are no phone numbers) with the "
        f"ending of the format, {join_words(row.usual_ending for row in rows)}; or the dataset itself: a name that "
        f"ends in {join_words(list_endings())}, which then chooses the format, or a new name where the format makes a "
        "folder; created if missing (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=list_written(),
        help=f"a file: {join_words(files)}; or a folder: {join_words(folders)}; an ending of --output-path that "
        f"stands for a format says the same (default: {_USUAL})",
    )
    add_storage_options(parser)


def add_storage_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only some formats take."""
    rows = [FORMATS[name] for name in list_written()]
    labelled = [row for row in rows if row.label_files]
    kinds = [f"{kind} ({what})" for row in labelled for kind, what in row.label_files.items()]
    parser.add_argument(
        "--labels",
        metavar="LIST",
        help=f"of {join_words(row.name for row in labelled)}: label files to write beside gt.txt: "
        f"{join_words(kinds, 'and')}",
    )
    dividing = [row for row in rows if row.shard_images is not None]
    parser.add_argument(
        "--shard-size",
        type=int,
        metavar="N",
        help=f"of {join_words((row.name for row in dividing), 'and')}: the most images of a file, for a data loader "
        "that gives each of its workers files of its own (default: "
        f"{join_words((f'{row.shard_images:,}' for row in dividing), 'and')})",
    )
    compressing = [row for row in rows if len(row.compressions) > 1]
    ways = dict.fromkeys(way for row in compressing for way in row.compressions)
    parser.add_argument(
        "--compression",
        choices=list(ways),
        help=f"of {join_words(row.name for row in compressing)}: how the images are stored: gzip, which any reader "
        "opens, or none, four times as large (default: gzip; no other format takes it)",
    )


def parse_output(options: argparse.Namespace, name: str) -> Output:
    """Return the output that the options describe, or raise SpecError that names the option.

    The dataset gets the name, without an ending, where the options name a folder to put it in.
    """
    target = _choose_target(options.output_path, name, options.format or _USUAL)
    of_name = find_format(target)
    if options.format is not None and of_name not in (None, options.format):
        raise SpecError(
            f"--format is {options.format} and --output-path is {options.output_path!r}, whose ending stands for "
            f"{of_name}: leave --format out, or give another name"
        )
    file_format = of_name or options.format or _USUAL
    if not options.output_path.endswith(_SLASHES):
        is_itself = target == options.output_path
        written = describe_written(file_format) if is_itself else "a folder for the dataset"
        check_ending(options.output_path, "--output-path", written, file_format)
    labels = [] if options.labels is None else [kind.strip() for kind in options.labels.split(",")]
    compression = check_storage(file_format, options.compression, labels, options.truth or "", prefix="--")
    ordered = tuple(kind for kind in FORMATS[file_format].label_files if kind in labels)
    return Output(target, file_format, compression, ordered)


def _choose_target(output_path: str, name: str, file_format: str) -> str:
    """Return the dataset to write: `output_path` itself, or `name` with an ending in that folder."""
    # Unlike Path.is_dir, this is false where the system reports an error, such as for a name that is too long.
    is_folder = os.path.isdir(output_path)  # noqa: PTH112 - see above
    if is_folder and holds_dataset(output_path):  # a shell completes its name with a slash
        whole = output_path.rstrip("/" + os.sep)
        is_named = os.path.basename(whole) not in ("", os.curdir, os.pardir)  # noqa: PTH119 - as it is written
        if is_named and any(FORMATS[name].is_folder for name in (file_format, find_format(whole)) if name):
            return whole
        check_option_folder(output_path, "--output-path")
    named = find_format(output_path)
    if named is not None and (FORMATS[named].is_folder or not is_folder):
        return output_path
    may_be_itself = FORMATS[file_format].is_folder and output_path and not output_path.endswith(_SLASHES)
    if may_be_itself and not is_folder:
        return output_path
    return os.path.join(output_path, name + FORMATS[file_format].usual_ending)  # noqa: PTH118 - as it is written
