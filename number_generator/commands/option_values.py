"""What the options of `generate-phone-numbers` mean: which numbers, which ground truth, which split and shards."""

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from number_generator.errors import SpecError
from number_generator.job.defaults import MAX_SHARDS
from number_generator.job.spec import TRUTHS, NumberSource
from number_generator.numbers.countries import CountryNumbers, parse_country_option
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.patterns import parse_pattern_option
from number_generator.numbers.phone import PhoneNumbers
from number_generator.system.checks import check_integer

if TYPE_CHECKING:
    from number_generator.digits.splits import Split

_BELONGING = (("lengths", "pattern"), ("column", "sequences"), ("delimiter", "column"), ("order", "sequences"))
_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


@dataclass(frozen=True)
class Numbers:
    """The numbers to write, as the options describe them."""

    source: NumberSource
    words: list[str]  # the options themselves, as on the command line
    are_phone: bool  # whether files and messages call them phone numbers
    count: int | None = None  # how many there are, if they are listed


def parse_shards(options: argparse.Namespace) -> int | None:
    """Return the number of files that `--shards` asks for; None if it is left out."""
    if options.shards is None:
        return None
    if options.shard is not None:
        raise SpecError("--shards and --shard are given: leave --shards out to make one shard, or --shard to make all")
    return check_integer("--shards", options.shards, 1, MAX_SHARDS)


def parse_shard(options: argparse.Namespace) -> tuple[int, int] | None:
    """Return the number of the shard that `--shard` asks for, and of how many; None if it is left out."""
    if options.shard is None:
        return None
    parse_shards(options)
    found = _SHARD.fullmatch(options.shard)
    number, shards = (int(found[1]), int(found[2])) if found else (0, 0)
    if not number < shards <= MAX_SHARDS:
        raise SpecError(
            f"--shard is {options.shard!r}: give I/K, where I is from 0 to K - 1 and K at most {MAX_SHARDS}, as in 0/16"
        )
    return number, shards


def parse_numbers(options: argparse.Namespace) -> Numbers:
    """Return the numbers that the options describe, or raise SpecError that names the wrong option."""
    chosen = [name for name in ("pattern", "country", "sequences") if getattr(options, name) is not None]
    if len(chosen) > 1:
        raise SpecError(f"--{chosen[0]} and --{chosen[1]} are given: leave one of them out")
    for name, needed in _BELONGING:
        if getattr(options, name) is not None and getattr(options, needed) is None:
            raise SpecError(f"--{name} is given without --{needed}, which it belongs to: leave it out")
    if options.dashes and (options.pattern is not None or options.sequences is not None):
        raise SpecError(
            f"--dashes groups phone numbers, and --{chosen[0]} is given: write the dashes there, and leave --dashes out"
        )
    if options.pattern is not None:
        return _parse_pattern(options)
    if options.country is not None:
        return _parse_countries(options)
    if options.sequences is not None:
        return _parse_list(options)
    return Numbers(PhoneNumbers(options.dashes), ["--dashes"] if options.dashes else [], are_phone=True)


def parse_truth(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the kinds of ground truth that `--truth` asks for, or raise SpecError."""
    if options.truth is None:
        return ()
    stored = [kind for kind in TRUTHS if kind != "masks"]
    kinds = [kind.strip() for kind in options.truth.split(",")]
    for kind in kinds:
        if kind not in stored:
            raise SpecError(f"--truth is {options.truth!r}, which holds {kind!r}: give some of {', '.join(stored)}")
    return tuple(kind for kind in stored if kind in kinds)


def parse_split_option(options: argparse.Namespace) -> "Split | None":
    """Return the split that `--split` asks for; None if it is left out."""
    if options.split is None:
        return None
    from number_generator.digits.splits import parse_split  # noqa: PLC0415 - loads compiled code

    try:
        return parse_split(options.split)
    except SpecError as exc:
        raise SpecError(f"--split: {exc}") from exc


def _parse_pattern(options: argparse.Namespace) -> Numbers:
    if not options.pattern:
        raise SpecError("--pattern is empty, which only matches blank pages: give a name or an expression")
    pattern = parse_pattern_option(options.pattern, options.lengths)
    words = [f"--pattern={options.pattern}"]
    words += [] if options.lengths is None else [f"--lengths={options.lengths}"]
    return Numbers(pattern, words, are_phone=False)


def _parse_countries(options: argparse.Namespace) -> Numbers:
    numbers = CountryNumbers(parse_country_option(options.country), dashes=options.dashes)
    words = [f"--country={options.country}"] + (["--dashes"] if options.dashes else [])
    return Numbers(numbers, words, are_phone=True)


def _parse_list(options: argparse.Namespace) -> Numbers:
    numbers = ListedNumbers.from_file(
        options.sequences, column=options.column, delimiter=options.delimiter, order=options.order or "given"
    )
    # An absolute path, as the command may be run again in another folder.
    words = [f"--sequences={numbers.about['sequences']}"]
    words += [] if options.column is None else [f"--column={options.column}"]
    words += [] if options.delimiter is None else [f"--delimiter={options.delimiter}"]
    words += [] if options.order is None else [f"--order={options.order}"]
    return Numbers(numbers, words, are_phone=False, count=len(numbers.packed))
