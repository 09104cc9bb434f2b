"""`python -m number_generator index`: its arguments."""

import argparse


def add_index(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = (
        "Write the index of shards that --shard has made: a small HDF5 file that opens as the whole dataset. Shards of "
        "different jobs are rejected."
    )
    parser = commands.add_parser("index", help="join shards into one dataset", description=text, allow_abbrev=False)
    parser.add_argument(
        "shards",
        nargs="+",
        metavar="SHARD",
        help="all shards of the job, in any order, as in `set-*-of-*.h5`; the index refers to them and holds no images",
    )
    parser.add_argument(
        "--output-path",
        metavar="FILE.h5",
        help="the index; the shards must be in its folder or below (default: X.h5 for shards X-00000-of-00004.h5 and "
        "so on)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file of that name")
    parser.set_defaults(work="number_generator.commands.work.index:write_index")
