"""Phone numbers of the world's countries, drawn from the metadata of libphonenumber."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from number_generator._kernels import streams
from number_generator.errors import SpecError
from number_generator.job.spec import Sequences, Span
from number_generator.numbers.automata import Automaton, Sampler
from number_generator.numbers.digit_sets import DigitSets, list_ways
from number_generator.numbers.sequences import ALPHABET, draw_strings

if TYPE_CHECKING:
    from phonenumbers import NumberFormat, PhoneMetadata, PhoneNumberDesc

__all__ = ["CountryNumbers", "country_codes", "parse_country_option"]


_ALL = "all"
_ALIASES = {"UK": ["GB"], "EL": ["GR"]}  # the codes of the European Union that ISO 3166 does not share
_DIGITS = 10
_FIRST_GROUP = re.compile(r"(\\\d)")
_RULE_PARTS = re.compile(r"\\(\d)|(.)", re.DOTALL)
_TYPES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)
_DRAWN_TYPES = ("fixed_line", "mobile")

_Template = tuple[int, ...]
"""How a number is written: entry >= 0 is digit number `entry` of the number, entry < 0 the code -1 - entry."""


@dataclass(frozen=True, slots=True, init=False)
class CountryNumbers:
    """Fixed-line and mobile numbers of countries, as they are written there: a number source.

    A draw takes a country with equal chance, one of its two types with equal chance, then one of the type's valid
    national numbers, each as likely as any other. A type that a country lacks is left out. What is valid, how it is
    grouped and when a trunk prefix is written comes from the metadata of libphonenumber, in the version of the
    package `phonenumbers` that is installed; another version may draw other numbers.

    `phonenumbers.parse` reads each written number, in its country and with or without separators, as the very number
    that was drawn, and `is_valid_number` holds for it. What would be read as another number is left out: a number that
    begins like an international call, or with what is taken for a trunk prefix or a carrier's code, and one that a
    shared calling code's countries do not call valid. With version 9.0.43 these are one in 240 of Argentina's fixed
    lines (the 15 in "011 15..." marks a mobile number) and a third of Gabon's mobile numbers (seven digits of an older
    plan, written as eight of the new one, which are drawn).

    The numbers of a type are equally likely, so most have the greatest length that the type allows: in Germany, with
    its open plan, up to 15 digits.

    Parameters
    ----------
    regions : sequence of str, or str
        ISO 3166 codes of countries in either case, such as ("JP", "us"), one code, or "all". They are kept as a tuple,
        sorted, each once.
    dashes : bool, default False
        Whether numbers are grouped as their country does, as in "03-1234-5678" and "(555) 123-4567"; otherwise the
        same digits stand alone.

    Raises
    ------
    SpecError
        If `regions` is empty or holds something unknown, or `dashes` is not a bool.

    Examples
    --------
    >>> numbers = CountryNumbers(["JP"], dashes=True)
    >>> len(numbers.draw(3, seed=1))
    3
    """

    regions: tuple[str, ...]
    dashes: bool

    def __init__(self, regions: str | Iterable[str], *, dashes: bool = False) -> None:
        if not isinstance(dashes, (bool, np.bool_)):
            raise SpecError(f"dashes is {dashes!r}: give True or False")
        object.__setattr__(self, "regions", _checked_regions(regions))
        object.__setattr__(self, "dashes", bool(dashes))

    @property
    def longest(self) -> int:
        """The most characters of a written number."""
        return self._sampler.longest

    @property
    def _sampler(self) -> Sampler:
        return _sampler(self.regions, self.dashes)

    def digits_before(self, number: int) -> int:
        """Count the characters of all images before image `number`, at the most."""
        return number * self.longest

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Draw the sequences of the images in `span`."""
        return self._sampler.draw(seed, span, streams.COUNTRY)

    def draw(self, count: int, *, seed: int | None = None, start: int = 0) -> list[str]:
        """Draw numbers as strings.

        Parameters
        ----------
        count : int
            How many, 0 or more.
        seed : int or None
            From 0 to 2**64 - 1; None takes fresh entropy.
        start : int, default 0
            The image number of the first; number `start + k` is the same whatever the rest.

        Returns
        -------
        list of str

        Raises
        ------
        SpecError
            If an argument is out of its range.
        """
        return draw_strings(self, count, seed, start)

    def describe(self) -> dict[str, Any]:
        """Give the arguments and the version of the metadata, as JSON-like values."""
        return {"numbers": "country", "country": list(self.regions), "dashes": self.dashes, "phonenumbers": _version()}


@cache
def country_codes() -> tuple[str, ...]:
    """Give the ISO 3166 codes of all countries that libphonenumber knows, sorted."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - the metadata loads when it is used

    return tuple(sorted(SUPPORTED_REGIONS))


def parse_country_option(text: str) -> tuple[str, ...]:
    """Read a command's list of countries.

    Parameters
    ----------
    text : str
        Codes in either case with commas between, such as "JP" or "jp,us"; or "all".

    Returns
    -------
    tuple of str
        Codes in capitals, sorted, each once.

    Raises
    ------
    SpecError
        If it holds no code, or an unknown one.
    """
    return _checked_regions([part.strip() for part in text.split(",")] if text.strip() else [])


def _checked_regions(regions: Any) -> tuple[str, ...]:
    """Give codes in capitals, sorted, each once; or raise SpecError."""
    way_out = "give ISO 3166 codes such as 'JP', or 'all'; number_generator.numbers.country_codes() lists them"
    try:
        given = [regions] if isinstance(regions, (str, bytes)) else list(regions)
    except TypeError:
        raise SpecError(f"country is {reprlib.repr(regions)}: {way_out}") from None
    if not given:
        raise SpecError(f"country is {regions!r}, which names none: {way_out}")
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
            raise SpecError(f"country is {reprlib.repr(code)}, which is not known{hint}: {way_out}")
    return tuple(sorted(chosen))


def _version() -> str:
    """Give the version of the metadata."""
    import phonenumbers  # noqa: PLC0415 - the metadata loads when it is used

    return phonenumbers.__version__


# --- Tables ---------------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """The numbers of all regions of one calling code: an automaton whose tags name templates.

    `starts` gives for each region its two types' states; both are the same where it has only one.
    """

    edges: tuple[tuple[tuple[int, int], ...], ...]
    tags: tuple[int, ...]
    templates: tuple[_Template, ...]
    starts: dict[str, tuple[int, int]]


@lru_cache(maxsize=16)
def _sampler(regions: tuple[str, ...], dashes: bool) -> Sampler:
    """Make the tables of some regions out of those of their calling codes."""
    from phonenumbers import country_code_for_valid_region  # noqa: PLC0415 - the metadata loads when it is used

    codes = {region: country_code_for_valid_region(region) for region in regions}
    edges: list[tuple[tuple[int, int], ...]] = []
    tags: list[int] = []
    numbering: dict[_Template, int] = {}
    starts: dict[str, tuple[int, ...]] = {}
    for code in sorted(set(codes.values())):
        try:
            plan = _plan(code)
        except SpecError as exc:
            named = ", ".join(repr(region) for region in regions if codes[region] == code)
            raise SpecError(f"country is {named}: {exc}") from exc
        first = len(edges)
        edges += [tuple((digit, first + target) for digit, target in row) for row in plan.edges]
        written = [entry if dashes else _without_separators(entry) for entry in plan.templates]
        tag_of = [numbering.setdefault(entry, len(numbering)) for entry in written]
        tags += [tag_of[tag] if tag >= 0 else -1 for tag in plan.tags]
        starts.update({region: tuple(first + state for state in pair) for region, pair in plan.starts.items()})
    for region in regions:
        if region not in starts:
            raise SpecError(
                f"country is {region!r}: phonenumbers {_version()} has no fixed-line or mobile number of it that it "
                "reads as itself; leave it out"
            )
    automaton = Automaton.built(edges, tags, [state for region in regions for state in starts[region]])
    return Sampler(automaton, tuple(numbering))


def _without_separators(template: _Template) -> _Template:
    return tuple(entry for entry in template if entry >= -_DIGITS)


@cache
def _plan(calling_code: int) -> _Plan:
    """Make the numbers of all regions of a calling code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata  # noqa: PLC0415 - loads when it is used

    languages = DigitSets()
    regions = COUNTRY_CODE_TO_REGION_CODE[calling_code]
    all_metadata = {region: PhoneMetadata.metadata_for_region(region) for region in regions}
    described = {region: metadata for region, metadata in all_metadata.items() if metadata is not None}
    # One region holds the formats of all.
    formats = [(_fitting(languages, form), form) for form in described[regions[0]].number_format]
    valid = _valid_numbers(languages, described)
    templates: dict[_Template, int] = {}
    starts = {}
    for region, metadata in described.items():
        reader = _Reader(languages, metadata)
        types = []
        for name in _DRAWN_TYPES:
            numbers = languages.meet(_numbers_of(languages, metadata, getattr(metadata, name)), valid)
            types.append(_written(languages, reader, numbers, formats, templates))
        present = [state for state in types if state]
        if present:
            starts[region] = (present[0], present[-1])
    numbering, edges, tags = languages.reached(state for pair in starts.values() for state in pair)
    return _Plan(
        edges,
        tags,
        tuple(templates),
        {region: (numbering[first], numbering[second]) for region, (first, second) in starts.items()},
    )


def _fitting(languages: DigitSets, form: "NumberFormat") -> int:
    """Give the numbers that a format can write."""
    fitting = languages.of(form.pattern or "")
    leading = form.leading_digits_pattern[-1:]  # the last one is the most detailed: phonenumbers looks at no other
    return languages.meet(fitting, languages.beginning(leading[0])) if leading else fitting


def _numbers_of(languages: DigitSets, metadata: "PhoneMetadata", desc: "PhoneNumberDesc | None") -> int:
    """Give the numbers of one type: in its pattern and in the region's general one, and of a possible length."""
    numbers = languages.everything()
    for each in (desc, metadata.general_desc):
        if each is None or not each.national_number_pattern:
            return DigitSets.NOTHING
        numbers = languages.meet(languages.of(each.national_number_pattern), numbers)
        if each.possible_length:
            numbers = languages.meet(numbers, languages.of_lengths(each.possible_length))
    return numbers


def _valid_numbers(languages: DigitSets, described: dict[str, "PhoneMetadata"]) -> int:
    """Give the numbers that a calling code's regions call valid, in phonenumbers' way of finding a number's region.

    The first region decides whose leading digits the number has, or in which it is of some type. Leading digits alone
    may claim a number that is then not valid.
    """
    everything = languages.everything()
    if len(described) == 1:  # each of its types is valid
        return everything
    valid, unclaimed = DigitSets.NOTHING, everything
    for metadata in described.values():
        numbers = DigitSets.NOTHING
        for name in _TYPES:
            numbers = languages.join(numbers, _numbers_of(languages, metadata, getattr(metadata, name)))
        leading = metadata.leading_digits
        claimed = numbers if leading is None else languages.beginning(leading)
        valid = languages.join(valid, languages.meet(languages.meet(unclaimed, claimed), numbers))
        unclaimed = languages.minus(unclaimed, claimed)
    return valid


def _written(
    languages: DigitSets,
    reader: "_Reader",
    numbers: int,
    formats: Sequence[tuple[int, "NumberFormat"]],
    templates: dict[_Template, int],
) -> int:
    """Tag each of `numbers` that can be read back with its template: the first format that fits it writes it."""
    tagged = DigitSets.NOTHING
    remaining = numbers
    for fitting, form in [*formats, (languages.everything(), None)]:
        chosen = languages.meet(remaining, fitting)
        remaining = languages.minus(remaining, fitting)
        for length in languages.lengths(chosen):
            part = languages.meet(chosen, languages.of_lengths([length]))
            template = _template(form, languages.sample(part))
            if template is None:
                continue
            part = reader.read_back(part, _without_separators(template), length)
            if part:
                tag = templates.setdefault(template, len(templates))
                tagged = languages.join(tagged, languages.tagged(part, tag))
    return tagged


def _template(form: "NumberFormat | None", sample: str) -> _Template | None:
    """Give the national form of all numbers of a format and a length, of which `sample` is one.

    The groups of a format are runs of any digits, so where they lie follows from the length. None stands for a form
    that the alphabet cannot write.
    """
    if form is None:
        return tuple(range(len(sample)))
    rule = form.format or ""
    if form.national_prefix_formatting_rule:
        rule = _FIRST_GROUP.sub(form.national_prefix_formatting_rule, rule, count=1)
    groups = re.match(form.pattern or "", sample)
    template: list[int] = []
    for number, literal in _RULE_PARTS.findall(rule):
        if number:
            template += range(*groups.span(int(number))) if groups else ()
        elif literal in ALPHABET:
            template.append(-1 - ALPHABET.index(literal))
        else:
            return None
    return tuple(template)


class _Strip(NamedTuple):
    """What libphonenumber may do to the beginning of a number that it reads.

    The numbers in `language` have their first `end` digits replaced with `head`: of an entry >= 0 digit number
    `entry`, of one < 0 the digit -1 - entry.
    """

    language: int
    head: tuple[int, ...]
    end: int


class _Reader:
    """Tells which written numbers `phonenumbers.parse` reads as themselves in a region.

    It takes four steps: a written number that begins like an international call is one; one that begins with the
    region's own calling code may lose it; one that begins with a trunk prefix or a carrier's code may lose that, or
    have it replaced; what then is no possible number is left as it was written.
    """

    def __init__(self, languages: DigitSets, metadata: "PhoneMetadata") -> None:
        self._languages = languages
        self._international = self._international_calls(metadata.international_prefix)
        self._own_calling_code = languages.beginning(str(metadata.country_code))
        self._strips = self._all_strips(metadata)
        self._accepted = self._possible(metadata.general_desc)

    def read_back(self, numbers: int, places: tuple[int, ...], length: int) -> int:
        """Give those of `numbers`, all `length` digits long, that are read as themselves.

        `places` says which digits are written: entry >= 0 is digit number `entry`, entry < 0 the digit -1 - entry.
        Forms that turn digits round are not read, nor those that are read well by chance alone, as one digit in place
        of another that happens to be equal; no country has such a form.
        """
        languages = self._languages
        taken = [entry for entry in places if entry >= 0]
        if taken != sorted(set(taken)):
            return DigitSets.NOTHING
        numbers = languages.minus(numbers, languages.seen(self._international, places, length))
        is_plain = places == tuple(range(length))
        if not is_plain:
            # A plain number is a possible one as it stands, and keeps what may look like a calling code.
            numbers = languages.minus(numbers, languages.seen(self._own_calling_code, places, length))
        good = DigitSets.NOTHING
        for language, head, end in self._strips:
            part = languages.meet(numbers, languages.seen(language, places, length))
            if not part:
                continue
            rest = (*head, *range(end, len(places)))
            result = tuple(places[entry] if entry >= 0 else entry for entry in rest)
            if is_plain and result != places:  # it must not be taken for a number with a prefix
                part = languages.minus(part, languages.seen(self._accepted, result, length))
            elif len(result) == length:
                part = languages.meet(part, languages.fixed(result))
            else:
                part = DigitSets.NOTHING
            good = languages.join(good, part)
        return good

    def _possible(self, general: "PhoneNumberDesc | None") -> int:
        """Give what a number must be for its prefix to be taken away: it may even be longer than is possible."""
        languages = self._languages
        if general is None or not general.national_number_pattern:
            return DigitSets.NOTHING
        lengths = [*general.possible_length, *range(max(general.possible_length) + 1, DigitSets.LONGEST + 1)]
        return languages.meet(languages.of(general.national_number_pattern), languages.of_lengths(lengths))

    def _international_calls(self, prefix: str | None) -> int:
        """Give what begins with an international prefix and then not with 0, as no calling code does."""
        if not prefix:
            return DigitSets.NOTHING
        languages = self._languages
        call, other = languages.everything(0), languages.everything(1)
        rest = languages.state([other] + [call] * (_DIGITS - 1), 0)
        found = languages.first_match([(sets, rest) for sets, _, _ in list_ways(prefix)])
        return languages.tagged_with(found, 0)

    def _all_strips(self, metadata: "PhoneMetadata") -> list[_Strip]:
        """Give what happens to a number's beginning, for each way in which the trunk prefix's pattern can match."""
        languages = self._languages
        pattern, rule = metadata.national_prefix_for_parsing, metadata.national_prefix_transform_rule
        kinds: dict[tuple[tuple[int, ...], int], int] = {}
        ways = []
        for sets, groups, is_anchored in list_ways(pattern) if pattern else ():
            head: list[int] = []
            if rule and groups and groups[-1] is not None:
                for number, literal in _RULE_PARTS.findall(rule):
                    span = groups[int(number) - 1] if number else None
                    head += range(*span) if span else [-1 - int(literal)] if literal else []
            kind = kinds.setdefault((tuple(head), len(sets)), len(kinds))
            ways.append((sets, languages.state([0] * _DIGITS, kind) if is_anchored else languages.everything(kind)))
        unmatched = kinds.setdefault(((), 0), len(kinds))
        ways.append(((), languages.everything(unmatched)))
        found = languages.first_match(ways)
        return [_Strip(languages.tagged_with(found, kind), *strip) for strip, kind in kinds.items()]
