"""The numbers of a calling code's regions and how they are written, from the metadata of libphonenumber.

Importing this module loads the metadata.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberFormat, PhoneMetadata, PhoneNumberDesc

from number_generator.numbers.digit_sets import DigitSets, list_ways
from number_generator.numbers.sequences import ALPHABET, PLAIN

_DIGITS = 10
_FIRST_GROUP = re.compile(r"(\\\d)")
_RULE_PARTS = re.compile(r"\\(\d)|(.)", re.DOTALL)
_DRAWN = ("fixed_line", "mobile")
_TYPES = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", *_DRAWN)

Template = tuple[int, ...]
"""How a number is written: entry >= 0 is digit `entry` of the number, entry < 0 the code -1 - entry."""


class Plan(NamedTuple):
    """The numbers of all regions of one calling code: an automaton whose tags name templates.

    `starts` has the states of each region's two types; if it has only one type, both are the same.
    """

    edges: tuple[tuple[tuple[int, int], ...], ...]
    tags: tuple[int, ...]
    templates: tuple[Template, ...]
    starts: dict[str, tuple[int, int]]


def strip_separators(template: Template) -> Template:
    """Return the template of the same digits alone."""
    return tuple(entry for entry in template if entry >= -_DIGITS)


@cache
def make_plan(calling_code: int) -> Plan:
    """Make the plan of a calling code."""
    languages = DigitSets()
    regions = COUNTRY_CODE_TO_REGION_CODE[calling_code]
    all_metadata = {region: PhoneMetadata.metadata_for_region(region) for region in regions}
    described = {region: metadata for region, metadata in all_metadata.items() if metadata is not None}
    # The first region has the formats of all.
    formats = [(_find_fitting(languages, form), form) for form in described[regions[0]].number_format]
    valid = _find_valid(languages, described)
    templates: dict[Template, int] = {}
    starts = {}
    for region, metadata in described.items():
        reader = _Reader(languages, metadata)
        types = []
        for name in _DRAWN:
            numbers = languages.meet(_find_numbers(languages, metadata, getattr(metadata, name)), valid)
            types.append(_write(languages, reader, numbers, formats, templates))
        present = [state for state in types if state]
        if present:
            starts[region] = (present[0], present[-1])
    numbering, edges, tags = languages.extract(state for pair in starts.values() for state in pair)
    return Plan(
        edges,
        tags,
        tuple(templates),
        {region: (numbering[first], numbering[second]) for region, (first, second) in starts.items()},
    )


def _find_fitting(languages: DigitSets, form: NumberFormat) -> int:
    """Return the numbers that a format can write."""
    fitting = languages.match_whole(form.pattern or "")
    leading = form.leading_digits_pattern[-1:]  # phonenumbers looks only at the last one, the most detailed
    return languages.meet(fitting, languages.match_beginning(leading[0])) if leading else fitting


def _find_numbers(languages: DigitSets, metadata: PhoneMetadata, desc: PhoneNumberDesc | None) -> int:
    """Return the numbers of one type: in its pattern and the region's general one, and of a possible length."""
    numbers = languages.match_everything()
    for each in (desc, metadata.general_desc):
        if each is None or not each.national_number_pattern:
            return DigitSets.NOTHING
        numbers = languages.meet(languages.match_whole(each.national_number_pattern), numbers)
        if each.possible_length:
            numbers = languages.meet(numbers, languages.match_lengths(each.possible_length))
    return numbers


def _find_valid(languages: DigitSets, described: dict[str, PhoneMetadata]) -> int:
    """Return the numbers that are valid in the region that phonenumbers finds for them.

    That is the first region whose leading digits the number has or, if the region has none, in which it is of some
    type. Leading digits may claim a number that is then not valid.
    """
    everything = languages.match_everything()
    if len(described) == 1:  # all its types are valid
        return everything
    valid, unclaimed = DigitSets.NOTHING, everything
    for metadata in described.values():
        numbers = DigitSets.NOTHING
        for name in _TYPES:
            numbers = languages.join(numbers, _find_numbers(languages, metadata, getattr(metadata, name)))
        leading = metadata.leading_digits
        claimed = numbers if leading is None else languages.match_beginning(leading)
        valid = languages.join(valid, languages.meet(languages.meet(unclaimed, claimed), numbers))
        unclaimed = languages.subtract(unclaimed, claimed)
    return valid


def _write(
    languages: DigitSets,
    reader: "_Reader",
    numbers: int,
    formats: Sequence[tuple[int, NumberFormat]],
    templates: dict[Template, int],
) -> int:
    """Tag each of `numbers` that is read back as itself with its template: that of the first format that fits."""
    tagged = DigitSets.NOTHING
    remaining = numbers
    for fitting, form in [*formats, (languages.match_everything(), None)]:
        chosen = languages.meet(remaining, fitting)
        remaining = languages.subtract(remaining, fitting)
        for length in languages.list_lengths(chosen):
            part = languages.meet(chosen, languages.match_lengths([length]))
            template = _make_template(form, languages.find_sample(part))
            if template is None:
                continue
            part = reader.read_back(part, strip_separators(template), length)
            if part:
                tag = templates.setdefault(template, len(templates))
                tagged = languages.join(tagged, languages.retag(part, tag))
    return tagged


def _make_template(form: NumberFormat | None, sample: str) -> Template | None:
    """Return how a format writes all numbers that are as long as `sample`, or None if it holds other signs.

    The groups of a format are runs of any digits, so the length decides where they lie.
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
        elif literal in PLAIN:
            template.append(-1 - ALPHABET.index(literal))
        else:
            return None
    return tuple(template)


class _Strip(NamedTuple):
    """What libphonenumber may do to the beginning of a number that it reads.

    The first `end` digits of the numbers in `language` are replaced by `head`: entry >= 0 is digit `entry` of the
    number, entry < 0 the digit -1 - entry.
    """

    language: int
    head: tuple[int, ...]
    end: int


class _Reader:
    """Tells which written numbers `phonenumbers.parse` reads as themselves in a region.

    That function takes four steps: a number that begins like an international call is one; a number that begins with
    the region's own calling code may lose it; a number that begins with a trunk prefix or a carrier's code may lose it,
    or have it replaced; if the result is not a possible number, the number stays as it was written.
    """

    def __init__(self, languages: DigitSets, metadata: PhoneMetadata) -> None:
        self._languages = languages
        self._international = self._find_international(metadata.international_prefix)
        self._own_calling_code = languages.match_beginning(str(metadata.country_code))
        self._strips = self._list_strips(metadata)
        self._accepted = self._find_possible(metadata.general_desc)

    def read_back(self, numbers: int, places: tuple[int, ...], length: int) -> int:
        """Return those of `numbers`, all `length` digits long, that are read as themselves.

        `places` says which digits are written: entry >= 0 is digit `entry`, entry < 0 the digit -1 - entry. Forms that
        reorder digits are left out, and so are those that are read correctly only by chance, because a digit replaces
        an equal one. No country has such forms.
        """
        languages = self._languages
        taken = [entry for entry in places if entry >= 0]
        if taken != sorted(set(taken)):
            return DigitSets.NOTHING
        numbers = languages.subtract(numbers, languages.select_seen(self._international, places, length))
        is_plain = places == tuple(range(length))
        if not is_plain:
            # A plain number is possible as it stands, and keeps what may look like a calling code.
            numbers = languages.subtract(numbers, languages.select_seen(self._own_calling_code, places, length))
        good = DigitSets.NOTHING
        for language, head, end in self._strips:
            part = languages.meet(numbers, languages.select_seen(language, places, length))
            if not part:
                continue
            rest = (*head, *range(end, len(places)))
            result = tuple(places[entry] if entry >= 0 else entry for entry in rest)
            if is_plain and result != places:  # it must not be read as a number with a prefix
                part = languages.subtract(part, languages.select_seen(self._accepted, result, length))
            elif len(result) == length:
                part = languages.meet(part, languages.match_places(result))
            else:
                part = DigitSets.NOTHING
            good = languages.join(good, part)
        return good

    def _find_possible(self, general: PhoneNumberDesc | None) -> int:
        """Return the numbers whose prefix is taken away. They may even be longer than possible."""
        languages = self._languages
        if general is None or not general.national_number_pattern:
            return DigitSets.NOTHING
        lengths = [*general.possible_length, *range(max(general.possible_length) + 1, DigitSets.LONGEST + 1)]
        return languages.meet(languages.match_whole(general.national_number_pattern), languages.match_lengths(lengths))

    def _find_international(self, prefix: str | None) -> int:
        """Return what begins with an international prefix, followed by anything but 0, as calling codes are."""
        if not prefix:
            return DigitSets.NOTHING
        languages = self._languages
        call, other = languages.match_everything(0), languages.match_everything(1)
        rest = languages.add_state([other] + [call] * (_DIGITS - 1), 0)
        found = languages.match_first([(sets, rest) for sets, _, _ in list_ways(prefix)])
        return languages.select_tag(found, 0)

    def _list_strips(self, metadata: PhoneMetadata) -> list[_Strip]:
        """Return what happens to a number's beginning, for each way in which the trunk prefix's pattern can match."""
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
            ways.append(
                (sets, languages.add_state([0] * _DIGITS, kind) if is_anchored else languages.match_everything(kind))
            )
        unmatched = kinds.setdefault(((), 0), len(kinds))
        ways.append(((), languages.match_everything(unmatched)))
        found = languages.match_first(ways)
        return [_Strip(languages.select_tag(found, kind), *strip) for strip, kind in kinds.items()]
