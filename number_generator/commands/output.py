"""Where a dataset of `generate-phone-numbers` goes: its format, its label files, its name, and its parts' names.

Nothing heavy is imported at the top, as in `generate`.
"""

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from number_generator.errors import SpecError

if TYPE_CHECKING:
    from number_generator.formats.writer import Compression, Format

__all__ = ["Output", "add_output_options", "parse_output"]


@dataclass(frozen=True)
class Output:
    """What the options say of the place to write to.

    Attributes
    ----------
    target : str
        The file or folder of the whole dataset.
    file_format : str
    compression : str
    labels : tuple of str
        The label files of png.
    """

    target: str
    file_format: "Format"
    compression: "Compression"
    labels: tuple[str, ...]

    def of_part(self, name: str) -> str:
        """Give the file or folder of a part of a split."""
        from number_generator.formats.writer import find_format  # noqa: PLC0415

        has_ending = find_format(self.target) is not None
        root, ending = os.path.splitext(self.target) if has_ending else (self.target, "")  # noqa: PTH122 - see `_target`
        return f"{root}-{name}{ending}"


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell where a dataset goes, and in which format."""
    parser.add_argument(
        "--output-path",
        default="./",
        metavar="DIR|FILE",
        help="folder for phonenumbers-handwritten-dataset-N.pickle, .h5, .npz or .lmdb, or ...-N-png, -webdataset or "
        "-parquet (numbers-... where they are no phone numbers); or the dataset itself, where it ends in .pickle, .h5, "
        ".hdf5, .npz or .lmdb, which then chooses the format, or where it is a new name and the format is one that "
        "makes a folder; made if missing (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=("pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet"),
        default="pickle",
        help="pickle as in version 0.0.1, chunked HDF5 for large datasets, or NumPy's npz, each one file; or a folder: "
        "png images with gt.txt, lmdb as PARSeq and PaddleOCR read it, webdataset shards, or parquet files for Hugging "
        "Face datasets (default: %(default)s)",
    )
    parser.add_argument(
        "--labels",
        metavar="LIST",
        help="label files that png writes beside gt.txt: json (labels.json of docTR), csv (labels.csv of EasyOCR), "
        "tesseract (a .gt.txt for each image) and jsonl (metadata.jsonl of Hugging Face), as in json,csv",
    )
    parser.add_argument(
        "--compression",
        choices=("gzip", "none"),
        help="how HDF5 stores the images: gzip, which any reader opens, or as they are, four times as large "
        "(default: gzip; no other format takes it)",
    )


def parse_output(options: argparse.Namespace, name: str) -> Output:
    """Give the place that the options describe, or raise SpecError that names the option.

    Parameters
    ----------
    options : Namespace
    name : str
        Of the dataset, without an ending, where the options name a folder to put it in.
    """
    from number_generator.formats.writer import COMPRESSIONS, find_format  # noqa: PLC0415

    target = _target(options.output_path, name, options.format)
    file_format: Format = find_format(target) or options.format
    known = COMPRESSIONS[file_format]
    compression: Compression = options.compression or known[0]
    if compression not in known:
        raise SpecError(
            f"--compression is {compression} and the format is {file_format}, which does not take it: give --format "
            "hdf5, or a file name that ends in .h5, or leave it out"
        )
    labels = _labels(options, file_format)
    if options.truth is not None and file_format == "png" and "jsonl" not in labels:
        raise SpecError(
            f"--truth is {options.truth} and the format is png, which has a place for it in metadata.jsonl alone: add "
            "jsonl to --labels"
        )
    return Output(target, file_format, compression, labels)


def _target(output_path: str, name: str, file_format: str) -> str:
    """Give the dataset to write: `output_path` itself, or `name` with an ending in that folder."""
    from number_generator.formats.atomic_folder import is_dataset_folder  # noqa: PLC0415
    from number_generator.formats.writer import ENDINGS, FOLDER_FORMATS, find_format  # noqa: PLC0415

    # Unlike Path.is_dir, this answers no where the system refuses to say, such as for too long a name.
    is_folder = os.path.isdir(output_path)  # noqa: PTH112
    if is_folder and is_dataset_folder(output_path):  # a shell completes its name with a slash
        whole = output_path.rstrip("/" + os.sep)
        is_named = os.path.basename(whole) not in ("", os.curdir, os.pardir)  # noqa: PTH119 - as it is written
        if is_named and (file_format in FOLDER_FORMATS or find_format(whole) in FOLDER_FORMATS):
            return whole
    named = find_format(output_path)
    if named is not None and (named in FOLDER_FORMATS or not is_folder):
        return output_path
    may_be_itself = file_format in FOLDER_FORMATS and output_path and not output_path.endswith(("/", os.sep))
    if may_be_itself and not is_folder:
        return output_path
    endings: dict[str, str] = {of: ending for ending, of in reversed(ENDINGS.items())}
    ending = endings.get(file_format, f"-{file_format}")
    return os.path.join(output_path, name + ending)  # noqa: PTH118 - keeps the "./" that the command has always shown


def _labels(options: argparse.Namespace, file_format: str) -> tuple[str, ...]:
    """Give the label files that `--labels` asks for, or raise SpecError."""
    from number_generator.formats.writer import LABEL_FILES  # noqa: PLC0415

    if options.labels is None:
        return ()
    kinds = [kind.strip() for kind in options.labels.split(",")]
    for kind in kinds:
        if kind not in LABEL_FILES:
            raise SpecError(
                f"--labels is {options.labels!r}, which holds {kind!r}: give some of {', '.join(LABEL_FILES)}"
            )
    if file_format != "png":
        raise SpecError(
            f"--labels is {options.labels} and the format is {file_format}: only png writes label files; give --format "
            "png, or leave it out"
        )
    return tuple(kind for kind in LABEL_FILES if kind in kinds)
