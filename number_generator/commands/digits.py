"""`python -m number_generator digits`: its actions and their arguments."""

import argparse

_WORK = "number_generator.commands.work.digits"


def add_digits(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = "List the digit datasets that have a name, download them, or build one file from any digits."
    parser = commands.add_parser(
        "digits", help="list, download and build digit datasets", description=text, allow_abbrev=False
    )
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)

    listed = actions.add_parser("list", help="list the digits that have a name, and whether they are downloaded")
    listed.set_defaults(work=f"{_WORK}:list_sources")

    fetched = actions.add_parser("fetch", help="download digits that have a name", allow_abbrev=False)
    fetched.add_argument(
        "names", nargs="+", metavar="NAME", help="mnist, qmnist, emnist-digits; `digits list` lists all names"
    )
    fetched.set_defaults(work=f"{_WORK}:fetch_sources")

    built = actions.add_parser(
        "build",
        help="make a digit dataset file",
        description="Make one digit dataset file, with style clusters, from any digits.",
        allow_abbrev=False,
    )
    built.add_argument(
        "sources",
        nargs="+",
        metavar="SRC",
        help="a name such as mnist, a digit dataset file, or a folder with a folder of PNG or JPEG images for each "
        "digit, named 0 to 9",
    )
    built.add_argument(
        "output",
        metavar="DST",
        help="the file to write: .npz, or .h5 or .pickle, which hold no clusters and no writers; its folder is created "
        "if missing",
    )
    built.add_argument(
        "--weights",
        metavar="LIST",
        help="how often each source is drawn, as in 0.7,0.3 (default: all images are equally likely)",
    )
    built.add_argument(
        "--size",
        type=int,
        metavar="PX",
        help="height and width of the digits (default: those of the source; 28 for a folder)",
    )
    built.add_argument(
        "--ink",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="for folders: whether digits are dark on light or bright on dark; auto decides for each image by its "
        "border (default: %(default)s)",
    )
    built.add_argument(
        "--clusters",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="find style clusters, for lines that look written by one hand; needs the extra `cluster` unless the "
        "sources have clusters (default: yes)",
    )
    built.add_argument("--overwrite", action="store_true", help="replace an existing file of that name")
    built.set_defaults(work=f"{_WORK}:build_digits")
