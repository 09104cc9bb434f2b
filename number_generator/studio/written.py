"""The numbers that the page writes, and the options of `number-generator generate` for the same."""

import os
from collections.abc import Mapping
from functools import lru_cache

from number_generator.errors import SpecError
from number_generator.job.spec import NumberSource
from number_generator.numbers.countries import CountryNumbers, parse_country_option
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.patterns import parse_pattern_option
from number_generator.numbers.phone import PhoneNumbers
from number_generator.system.home import expand_home


def read_numbers(given: Mapping[str, str], *, dashes: bool) -> tuple[NumberSource, tuple[str, ...]]:
    """Return what is written, and the options that say so.

    Parameters
    ----------
    given : mapping of str to str
        One of `pattern`, `country` and `sequences`, as the option of this name takes it. The others are empty; if all
        are, phone numbers are written.
    dashes : bool
        Whether phone numbers are grouped; other numbers do not heed it.

    Raises
    ------
    SpecError
        If it is not valid, or more than one is given.
    """
    chosen = {name: text for name, text in given.items() if text}
    grouped = ("--dashes",) if dashes else ()
    words = tuple(f"--{name}={text}" for name, text in chosen.items())
    match list(chosen.items()):
        case []:
            return PhoneNumbers(dashes), grouped
        case [("country", codes)]:
            return CountryNumbers(parse_country_option(codes), dashes=dashes), words + grouped
        case [("pattern", pattern)]:
            return parse_pattern_option(pattern), words
        case [("sequences", path)]:
            return _read_list(path, _find_state(path)), words
    raise SpecError(f"{' and '.join(chosen)} are given: give one of them")


@lru_cache(maxsize=2)
def _read_list(path: str, _: object) -> ListedNumbers:
    """Read a list once, as long as its file stays as it is."""
    return ListedNumbers.from_file(path)


def _find_state(path: str) -> object:
    """Return what changes when a file does; None where there is none, which reading it tells."""
    try:
        state = os.stat(expand_home(path))  # noqa: PTH116 - no error for odd names
    except (OSError, ValueError):
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino
