"""Phone numbers of the world's countries, drawn from the metadata of libphonenumber."""

import difflib
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from number_generator._kernels import streams
from number_generator.errors import SpecError
from number_generator.job.spec import Sequences, Span
from number_generator.numbers.automata import Automaton, Sampler
from number_generator.numbers.sequences import DrawnNumbers
from number_generator.system.checks import check_boolean

_ALL = "all"
_ALIASES = {"UK": ["GB"], "EL": ["GR"]}  # the codes of the European Union that ISO 3166 does not share


@dataclass(frozen=True, slots=True, init=False)
class CountryNumbers(DrawnNumbers):
    """Fixed-line and mobile numbers of countries, as they are written there: a number source.

    A country is drawn with equal chance, then one of its two types with equal chance, then one of the type's valid
    national numbers, all equally likely. A type that a country lacks is left out. The metadata of libphonenumber says
    which numbers are valid, how they are grouped and when a trunk prefix is written. It comes with the installed
    version of the package `phonenumbers`; another version may draw other numbers.

    `phonenumbers.parse` reads each written number, in its country and with or without separators, as the very number
    that was drawn, and `is_valid_number` is true of it. Numbers that would be read as others are left out: those that
    begin like an international call, or with what is taken for a trunk prefix or a carrier's code, and those that the
    countries of a shared calling code do not call valid. With version 9.0.43 these are one in 240 of Argentina's fixed
    lines (the 15 in "011 15..." marks a mobile number) and a third of Gabon's mobile numbers (seven digits of an older
    plan, written as eight of the new one, which are drawn).

    All numbers of a type are equally likely, so most have the greatest length that the type allows: in Germany, with
    its open plan, up to 15 digits.

    Parameters
    ----------
    regions : sequence of str, or str
        ISO 3166 codes of countries in either case, such as ("JP", "us"), one code, or "all". Kept as a sorted tuple
        without duplicates.
    dashes : bool, default False
        Whether numbers are grouped as in their country, as in "03-1234-5678" and "(555) 123-4567"; otherwise the same
        digits stand alone.

    Raises
    ------
    SpecError
        If `regions` is empty or has an unknown code, or if `dashes` is not a bool.

    Examples
    --------
    >>> numbers = CountryNumbers(["JP"], dashes=True)
    >>> len(numbers.draw(3, seed=1))
    3
    """

    regions: tuple[str, ...]
    dashes: bool

    def __init__(self, regions: str | Iterable[str], *, dashes: bool = False) -> None:
        object.__setattr__(self, "regions", _check_regions(regions))
        object.__setattr__(self, "dashes", check_boolean("dashes", dashes))

    @property
    def longest(self) -> int:
        """The most characters of a written number."""
        return self._sampler.longest

    @property
    def alphabet(self) -> str:
        """The characters that a written number can hold."""
        return self._sampler.alphabet

    @property
    def _sampler(self) -> Sampler:
        return _make_sampler(self.regions, self.dashes)

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Draw the sequences of the images in `span`."""
        return self._sampler.draw(seed, span, streams.COUNTRY)

    def describe(self) -> dict[str, Any]:
        """Return the arguments and the version of the metadata, as JSON-like values."""
        return {
            "numbers": "country",
            "country": list(self.regions),
            "dashes": self.dashes,
            "phonenumbers": _read_version(),
        }


@cache
def country_codes() -> tuple[str, ...]:
    """Return the ISO 3166 codes of all countries that libphonenumber knows, sorted."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - the metadata loads when it is used

    return tuple(sorted(SUPPORTED_REGIONS))


def parse_country_option(text: str) -> tuple[str, ...]:
    """Parse a command's list of countries, such as "jp,us" or "all": upper-case codes, sorted and without duplicates.

    SpecError if there is no code, or an unknown one.
    """
    return _check_regions([part.strip() for part in text.split(",")] if text.strip() else [])


def _check_regions(regions: Any) -> tuple[str, ...]:
    """Return the codes in upper case, sorted and without duplicates. Raise SpecError for unknown ones."""
    way_out = "give ISO 3166 codes such as 'JP', or 'all'; number_generator.numbers.country_codes() lists them"
    try:
        given = [regions] if isinstance(regions, (str, bytes)) else list(regions)
    except TypeError:
        raise SpecError(f"country is {reprlib.repr(regions)}: {way_out}") from None
    if not given:
        raise SpecError(f"country is {regions!r}, which is empty: {way_out}")
    known = country_codes()
    chosen: set[str] = set()
    for code in given:
        capitals = code.upper() if isinstance(code, str) else code
        if isinstance(code, str) and code.lower() == _ALL:
            chosen.update(known)
        elif isinstance(code, str) and capitals in known:
            chosen.add(capitals)
        else:
            close = _ALIASES.get(str(capitals)) or difflib.get_close_matches(str(capitals), known, cutoff=0.5)
            hint = f" (closest: {', '.join(close)})" if close else ""
            raise SpecError(f"country is {reprlib.repr(code)}, which is unknown{hint}: {way_out}")
    return tuple(sorted(chosen))


def _read_version() -> str:
    """Return the version of the metadata."""
    import phonenumbers  # noqa: PLC0415 - the metadata loads when it is used

    return phonenumbers.__version__


@lru_cache(maxsize=16)
def _make_sampler(regions: tuple[str, ...], dashes: bool) -> Sampler:
    """Build the tables of some regions from the plans of their calling codes."""
    from phonenumbers import country_code_for_valid_region  # noqa: PLC0415 - the metadata loads when it is used

    from number_generator.numbers.national_plans import Template, make_plan, strip_separators  # noqa: PLC0415 - likewise

    codes = {region: country_code_for_valid_region(region) for region in regions}
    edges: list[tuple[tuple[int, int], ...]] = []
    tags: list[int] = []
    numbering: dict[Template, int] = {}
    starts: dict[str, tuple[int, ...]] = {}
    for code in sorted(set(codes.values())):
        try:
            plan = make_plan(code)
        except SpecError as exc:
            named = ", ".join(repr(region) for region in regions if codes[region] == code)
            raise SpecError(f"country is {named}: {exc}") from exc
        first = len(edges)
        edges += [tuple((digit, first + target) for digit, target in row) for row in plan.edges]
        written = [entry if dashes else strip_separators(entry) for entry in plan.templates]
        tag_of = [numbering.setdefault(entry, len(numbering)) for entry in written]
        tags += [tag_of[tag] if tag >= 0 else -1 for tag in plan.tags]
        starts.update({region: tuple(first + state for state in pair) for region, pair in plan.starts.items()})
    for region in regions:
        if region not in starts:
            raise SpecError(
                f"country is {region!r}: phonenumbers {_read_version()} has no fixed-line or mobile numbers for it "
                "that it reads as themselves; leave it out"
            )
    automaton = Automaton.build(edges, tags, [state for region in regions for state in starts[region]])
    return Sampler(automaton, tuple(numbering))
