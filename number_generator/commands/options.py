"""The options of `generate-phone-numbers` that tell what to write, what to record of it, and how to divide it.

Nothing heavy is imported at the top, as in `generate`.
"""

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from number_generator.errors import SpecError

if TYPE_CHECKING:
    from number_generator.digits.splits import Split
    from number_generator.job.spec import NumberSource

__all__ = [
    "NUM_IMAGES",
    "Numbers",
    "add_number_options",
    "add_scale_options",
    "add_set_option",
    "add_truth_options",
    "parse_numbers",
    "parse_shard",
    "parse_shards",
    "parse_split_option",
    "parse_truth",
]

NUM_IMAGES = 1000
"""How many images are made unless it is said."""

_MOST_SHARDS = 10_000
_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


@dataclass(frozen=True)
class Numbers:
    """What the options say of the numbers to write.

    Attributes
    ----------
    source : NumberSource
    words : list of str
        The options, as a command takes them.
    are_phone : bool
        Whether they are phone numbers, and files and messages may say so.
    count : int or None
        How many there are where they are listed.
    """

    source: "NumberSource"
    words: list[str]
    are_phone: bool
    count: int | None = None


def add_set_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that changes parameters of a style."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="change a parameter of the style, as in slant=-0.2:0.4 or crossbar=1; may be given again",
    )


def add_number_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell which numbers to write."""
    group = parser.add_argument_group("what to write (default: numbers like Japanese phone numbers)")
    group.add_argument(
        "--pattern",
        metavar="NAME|REGEX",
        help="numbers that a regular expression matches, each with the same chance, as in '[1-9]\\d{0,2}(,\\d{3})?'; "
        "or those of a name, such as date, amount, card or integer:3-8: `--pattern list` names them all",
    )
    group.add_argument(
        "--lengths",
        choices=("proportional", "equal"),
        help="with --pattern: whether longer numbers are more frequent because there are more of them, or every "
        "length has the same chance (default: proportional; amounts and integers: equal)",
    )
    group.add_argument(
        "--country",
        metavar="CODES",
        help="phone numbers of a country, fixed-line and mobile, such as JP; of several, as in JP,US,DE; or of all",
    )
    group.add_argument(
        "--dashes",
        action="store_true",
        help="group the digits of phone numbers: 03-1234-5678, or as the country writes them, (555) 123-4567",
    )
    group.add_argument(
        "--sequences", metavar="FILE", help="your own numbers: a text file with one a line, or a CSV file with --column"
    )
    group.add_argument(
        "--column",
        metavar="NAME|N",
        help="with --sequences: the column of a CSV file, its name in the first row, or its number from 1 on where no "
        "row holds names",
    )
    group.add_argument(
        "--order",
        choices=("given", "drawn"),
        help="with --sequences: one after the other, and over again, or each drawn with equal chance (default: given)",
    )


def add_truth_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell what is recorded of each image, and how images and digits are divided."""
    group = parser.add_argument_group("labels and splits")
    group.add_argument(
        "--label",
        choices=("written", "digits"),
        default="written",
        help="whether labels hold separators as they are written, or digits alone (default: %(default)s)",
    )
    group.add_argument(
        "--truth",
        metavar="LIST",
        help="ground truth to store with each image: boxes (of each character), glyphs (source digits and writer) and "
        "parameters (all that was drawn), as in boxes,glyphs; png has a place for it in --labels jsonl",
    )
    group.add_argument(
        "--split",
        metavar="NAME=SHARE,...",
        help="write a file or folder for each part, as in train=0.8,val=0.1,test=0.1; no source digit is in two of "
        "them",
    )


def add_scale_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of jobs that take long, or more than one machine."""
    group = parser.add_argument_group("large jobs")
    group.add_argument(
        "--resume",
        action="store_true",
        help="keep what is done in a journal beside the dataset until it is whole: whatever interrupts the run, the "
        "same command goes on from there; a dataset that is whole already is left as it is",
    )
    group.add_argument(
        "--shards",
        type=int,
        metavar="K",
        help="write K HDF5 files, ...-00000-of-0000K.h5 and so on, and an index that opens as one dataset",
    )
    group.add_argument(
        "--shard",
        metavar="I/K",
        help="write one of K shards alone, numbered from 0, as one task of many on different machines does; needs "
        "--seed, and `python -m number_generator index` joins them",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS|FILE|local",
        help="have the shards made by a Dask cluster: the address of its scheduler, as in tcp://10.0.0.1:8786, the "
        "file that its --scheduler-file names, or local, for --workers processes of this machine; all workers must see "
        "the folder of --output-path (--shards: one for each thread or million images, unless it is given)",
    )


def parse_shards(options: argparse.Namespace) -> int | None:
    """Give how many files `--shards` divides a dataset into, or raise SpecError."""
    if options.shards is None:
        return None
    from number_generator.system.checks import check_integer  # noqa: PLC0415

    if options.shard is not None:
        raise SpecError("--shards and --shard are given: leave --shards out to make one of them, or --shard for all")
    return check_integer("--shards", options.shards, 1, _MOST_SHARDS)


def parse_shard(options: argparse.Namespace) -> tuple[int, int] | None:
    """Give which of how many shards `--shard` asks for, or raise SpecError."""
    if options.shard is None:
        return None
    parse_shards(options)
    found = _SHARD.fullmatch(options.shard)
    number, shards = (int(found[1]), int(found[2])) if found else (0, 0)
    if not number < shards <= _MOST_SHARDS:
        raise SpecError(
            f"--shard is {options.shard!r}: give I/K, where I is a number from 0 to K - 1, as in 0/16, and K at most "
            f"{_MOST_SHARDS}"
        )
    return number, shards


def parse_numbers(options: argparse.Namespace) -> Numbers:
    """Give the numbers that the options describe, or raise SpecError that names the option."""
    chosen = [name for name in ("pattern", "country", "sequences") if getattr(options, name) is not None]
    if len(chosen) > 1:
        raise SpecError(f"--{chosen[0]} and --{chosen[1]} are given: leave one of them out")
    for name, needed in (("lengths", "pattern"), ("column", "sequences"), ("order", "sequences")):
        if getattr(options, name) is not None and getattr(options, needed) is None:
            raise SpecError(f"--{name} is given without --{needed}, which it belongs to: leave it out")
    if options.dashes and (options.pattern is not None or options.sequences is not None):
        raise SpecError(
            f"--dashes groups phone numbers, and --{chosen[0]} is given: write the dashes there, and leave this out"
        )
    if options.pattern is not None:
        return _pattern(options)
    if options.country is not None:
        return _countries(options)
    if options.sequences is not None:
        return _listed(options)
    from number_generator.numbers.sequences import PhoneNumbers  # noqa: PLC0415

    return Numbers(PhoneNumbers(options.dashes), ["--dashes"] if options.dashes else [], are_phone=True)


def parse_truth(options: argparse.Namespace) -> tuple[str, ...]:
    """Give the ground truth that `--truth` asks for, or raise SpecError."""
    from number_generator.job.spec import TRUTHS, check_truth  # noqa: PLC0415

    if options.truth is None:
        return ()
    stored = tuple(kind for kind in TRUTHS if kind != "masks")
    kinds = [kind.strip() for kind in options.truth.split(",")]
    for kind in kinds:
        if kind not in stored:
            raise SpecError(f"--truth is {options.truth!r}, which holds {kind!r}: give some of {', '.join(stored)}")
    return check_truth(kinds, "--truth")


def parse_split_option(options: argparse.Namespace) -> "Split | None":
    """Give the split that `--split` asks for, or raise SpecError."""
    if options.split is None:
        return None
    from number_generator.digits.splits import parse_split  # noqa: PLC0415

    try:
        return parse_split(options.split)
    except SpecError as exc:
        raise SpecError(f"--split: {exc}") from exc


def _pattern(options: argparse.Namespace) -> Numbers:
    from number_generator.numbers.patterns import parse_pattern_option  # noqa: PLC0415

    if not options.pattern:
        raise SpecError("--pattern is empty, which matches nothing but blank pages: give a name or an expression")
    pattern = parse_pattern_option(options.pattern, options.lengths)
    words = [f"--pattern={options.pattern}"]
    words += [] if options.lengths is None else [f"--lengths={options.lengths}"]
    return Numbers(pattern, words, are_phone=False)


def _countries(options: argparse.Namespace) -> Numbers:
    from number_generator.numbers.countries import CountryNumbers, parse_country_option  # noqa: PLC0415

    numbers = CountryNumbers(parse_country_option(options.country), dashes=options.dashes)
    words = [f"--country={options.country}"] + (["--dashes"] if options.dashes else [])
    return Numbers(numbers, words, are_phone=True)


def _listed(options: argparse.Namespace) -> Numbers:
    from number_generator.numbers.lists import ListedNumbers  # noqa: PLC0415

    numbers = ListedNumbers.from_file(options.sequences, column=options.column, order=options.order or "given")
    # Absolute, as the command may be run again in any folder.
    words = [f"--sequences={numbers.about['sequences']}"]
    words += [] if options.column is None else [f"--column={options.column}"]
    words += [] if options.order is None else [f"--order={options.order}"]
    return Numbers(numbers, words, are_phone=False, count=len(numbers.packed))
