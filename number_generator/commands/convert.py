"""`python -m number_generator convert`: its arguments."""

import argparse

__all__ = ["add_convert"]


def add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = "Write a dataset in another format, with its metadata and ground truth; the images stay the same."
    parser = commands.add_parser(
        "convert", help="write a dataset in another format", description=text, allow_abbrev=False
    )
    parser.add_argument(
        "source",
        metavar="SRC",
        help="a dataset: a file (pickle, HDF5, .npz, MNIST's IDX images, Parquet or a WebDataset tar), or a folder (an "
        "LMDB, Parquet files, WebDataset tars, or PNG images with a file of their labels)",
    )
    parser.add_argument(
        "target",
        metavar="DST",
        help="the file or folder to write; the ending .pickle, .h5, .hdf5, .npz or .lmdb chooses the format",
    )
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="pickle, hdf5, npz, png, lmdb, webdataset or parquet (default: chosen by the ending of DST)",
    )
    parser.add_argument(
        "--labels",
        default="",
        metavar="KIND[,KIND...]",
        help="for png: which label files to write beside gt.txt: json for docTR, csv for EasyOCR, tesseract, and jsonl "
        "for Hugging Face, which also holds ground truth",
    )
    parser.add_argument(
        "--compression", choices=("gzip", "none"), help="for hdf5: how the images are stored (default: gzip)"
    )
    parser.add_argument(
        "--part",
        metavar="NAME",
        help="for webdataset and parquet: the part of a split to name the files after (default: that of SRC, else "
        "train)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="number of threads (default: one per core)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing dataset of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    parser.set_defaults(work="number_generator.commands.work.convert:convert_dataset")
