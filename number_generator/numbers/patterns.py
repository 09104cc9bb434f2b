"""Numbers drawn uniformly from all strings that a regular expression matches, and expressions that have a name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from number_generator._kernels import streams
from number_generator.errors import SpecError
from number_generator.job.spec import MAX_LENGTH, Sequences, Span
from number_generator.numbers.automata import Automaton, LanguageError, Sampler
from number_generator.numbers.regex import parse_language
from number_generator.numbers.sequences import draw_strings
from number_generator.system.checks import format_value

__all__ = ["LENGTHS", "NAMED", "Lengths", "NamedPattern", "Pattern", "parse_pattern_option"]

Lengths = Literal["proportional", "equal"]
LENGTHS: tuple[Lengths, ...] = ("proportional", "equal")

_NAME = re.compile(r"[A-Za-z][\w-]*(:.*)?")
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


@dataclass(frozen=True, slots=True)
class NamedPattern:
    """What a name stands for.

    Attributes
    ----------
    description : str
        One line, with an example.
    regex : str
        The expression.
    lengths : {"proportional", "equal"}
        As of `Pattern`, unless asked for otherwise.
    is_checked : bool
        Whether the last digit is the Luhn check digit (ISO/IEC 7812-1) of the others: separators do not count.
    """

    description: str
    regex: str
    lengths: Lengths = "proportional"
    is_checked: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    r"""Numbers drawn from all strings that a regular expression matches from their first to their last character.

    Parameters
    ----------
    regex : str
        In Python's syntax. It must match finitely many strings, at least one. Lookaheads may stand outside of groups;
        look-behinds and references to groups are not supported. `.`, `\s`, `\D` and the like stand for those
        characters among them that numbers can hold: digits and the separators ``- . , / ( ) +`` and space.
    lengths : {"proportional", "equal"}
        Whether every string has the same chance, or every length that occurs, and then every string of that length.
    name : str, optional
        The named pattern that `regex` is of: `named` gives it.

    Raises
    ------
    SpecError
        If the expression is none, matches nothing, has no end, holds other characters, or is too large; if `lengths`
        is something else.

    Examples
    --------
    >>> Pattern(r"[1-9]\d{2}-\d{4}").draw(3, seed=1)
    ['865-8167', '583-4457', '106-8782']
    >>> Pattern(r"[1-9]\d{2}-\d{4}").count
    9000000
    """

    regex: str
    lengths: Lengths = "proportional"
    name: str | None = None
    _sampler: Sampler = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.lengths, str) or self.lengths not in LENGTHS:
            raise SpecError(f"lengths is {self.lengths!r}: give one of {', '.join(map(repr, LENGTHS))}")
        if not isinstance(self.regex, str):
            raise SpecError(f"pattern is {self.regex!r}: give a regular expression as a string")
        is_checked = self.name is not None and _form(self.name).is_checked
        if self.name is not None and _form(self.name).regex != self.regex:
            raise SpecError(f"pattern {self.name!r} has another expression: give Pattern.named({self.name!r})")
        try:
            sampler = _sampler(self.regex, self.lengths, is_checked)
        except LanguageError as exc:
            raise SpecError(f"pattern {format_value(self.text)} {exc}") from exc
        object.__setattr__(self, "_sampler", sampler)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the tables: they take up to 64 MiB, and whoever unpickles makes them again.
        return Pattern, (self.regex, self.lengths, self.name)

    @classmethod
    def named(cls, name: str, lengths: Lengths | None = None) -> "Pattern":
        """Give the pattern of a name out of `NAMED`; `integer` and `digits` can take lengths, as in `integer:3-8`.

        Parameters
        ----------
        name : str
            The name.
        lengths : {"proportional", "equal"}, optional
            As of the class. None: as is usual for the name.

        Raises
        ------
        SpecError
            If there is no such name.

        Examples
        --------
        >>> Pattern.named("date-ymd").count
        219147
        """
        form = _form(name)
        return cls(form.regex, form.lengths if lengths is None else lengths, name)

    @property
    def text(self) -> str:
        """The name, or the expression where there is none."""
        return self.regex if self.name is None else self.name

    @property
    def count(self) -> int:
        """The number of different strings."""
        return sum(self._sampler.counts)

    @property
    def longest(self) -> int:
        """The most characters of a number."""
        return self._sampler.longest

    def digits_before(self, number: int) -> int:
        """Count the characters of all images before image `number`, at the most."""
        return number * self.longest

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Draw the sequences of the images in `span`."""
        return self._sampler.draw(seed, span, streams.PATTERN)

    def draw(self, count: int, *, seed: int | None = None, start: int = 0) -> list[str]:
        """Draw numbers as strings, without images.

        Parameters
        ----------
        count : int
            How many.
        seed : int, optional
            From 0 to 2**64 - 1; None draws one.
        start : int
            The number of the first image that would show them.

        Returns
        -------
        list of str
            String k is that of image `start + k`.

        Raises
        ------
        SpecError
            If a parameter is out of its range.
        """
        return draw_strings(self, count, seed, start)

    def describe(self) -> dict[str, Any]:
        """Give what the numbers depend on, as JSON-like values."""
        return {"numbers": "pattern", "pattern": self.text, "lengths": self.lengths}


def parse_pattern_option(text: str, lengths: Lengths | None = None) -> Pattern:
    r"""Give the pattern that is meant by a name or by a regular expression.

    Parameters
    ----------
    text : str
        Names hold letters, which no number does: what is a name is no expression that could be drawn from.
    lengths : {"proportional", "equal"}, optional
        As of `Pattern`. None: as is usual for the name, and proportional for an expression.

    Raises
    ------
    SpecError
        As of `Pattern`.
    """
    if isinstance(text, str) and _NAME.fullmatch(text):
        return Pattern.named(text, lengths)
    return Pattern(text, "proportional" if lengths is None else lengths)


@lru_cache(maxsize=8)
def _sampler(regex: str, lengths: Lengths, is_checked: bool) -> Sampler:
    language = parse_language(regex)
    if is_checked:
        language = _with_check_digit(language)
    return Sampler(language.by_length() if lengths == "equal" else language)


def _with_check_digit(language: Automaton) -> Automaton:
    """Keep the strings whose last digit is the Luhn check digit of the others.

    Every second digit counts twice, from the last but one on, and of 10 or more the digits are added. Which ones these
    are shows at the end alone: so there are two sums, one for each case, that change places with each digit.
    """
    first = (language.starts[0], 0, 0)
    names = {first: 0}
    waiting = [first]
    edges: list[list[tuple[int, int]]] = []
    for state, single, double in waiting:  # it grows
        onward = []
        for code, target in language.edges[state]:
            reached = target, single, double
            if code < 10:
                # `single` is the sum in which the latest digit counts once, `double` that in which it counts twice.
                reached = target, (double + code) % 10, (single + 2 * code - 9 * (code > 4)) % 10
            if reached not in names:
                names[reached] = len(waiting)
                waiting.append(reached)
            onward.append((code, names[reached]))
        edges.append(onward)
    tags = [language.tags[state] if single == 0 else -1 for state, single, _ in waiting]
    return Automaton.built(edges, tags, [0])


def _form(name: str) -> NamedPattern:
    """Give what a name stands for, with the lengths that stand behind a colon."""
    if not isinstance(name, str):
        raise SpecError(f"pattern is {name!r}: give the name of a pattern as a string")
    base, colon, limits = name.partition(":")
    if base not in NAMED:
        close = get_close_matches(base.lower(), NAMED, 3)
        hint = f" (closest: {', '.join(close)})" if close else ""
        raise SpecError(
            f"pattern {format_value(name)} is no name of a pattern{hint}: give one of {', '.join(NAMED)}, or a regular "
            r"expression, such as 0[1-9]\d{8,9}"
        )
    form = NAMED[base]
    if not colon:
        return form
    if base not in _FAMILIES:
        raise SpecError(f"pattern {format_value(name)}: {base} takes no lengths; give {base!r} alone")
    found = _RANGE.fullmatch(limits)
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most <= MAX_LENGTH:
        raise SpecError(
            f"pattern {format_value(name)} has {format_value(limits)} for lengths: give one or two from 1 to "
            f"{MAX_LENGTH}, the "
            f"smaller one first, as in {base}:6 or {base}:3-8"
        )
    return NamedPattern(form.description, _FAMILIES[base](least, most), form.lengths)


def _integers(least: int, most: int) -> str:
    """Give the expression of integers without leading zeros."""
    return rf"{'0|' if least == 1 else ''}[1-9]\d{{{least - 1},{most - 1}}}"


def _digits(least: int, most: int) -> str:
    return rf"\d{{{least},{most}}}"


_FAMILIES = {"integer": _integers, "digits": _digits}

_YEARS = r"(?:19|20)\d\d"
_LEAP_YEARS = "(?:19(?:0[48]|[2468][048]|[13579][26])|20(?:[02468][048]|[13579][26]))"
_SHORT_YEARS = r"\d\d"
_SHORT_LEAP_YEARS = "(?:[02468][048]|[13579][26])"  # 00 is 2000
_DATE_SEPARATORS = ("/", r"\.", "-")


def _dates(order: str, *, separators: tuple[str, ...] = _DATE_SEPARATORS, zero: str = "0", short: bool = False) -> str:
    """Give the expression of all days there are, as "dmy", "mdy" or "ymd"; `zero` fills days and months up."""
    years, leap_years = (_SHORT_YEARS, _SHORT_LEAP_YEARS) if short else (_YEARS, _LEAP_YEARS)
    cases = [
        (rf"(?:{zero}[1-9]|[12]\d|3[01])", f"(?:{zero}[13578]|1[02])", years),
        (rf"(?:{zero}[1-9]|[12]\d|30)", f"(?:{zero}[469]|11)", years),
        (rf"(?:{zero}[1-9]|1\d|2[0-8])", f"{zero}2", years),
        ("29", f"{zero}2", leap_years),
    ]
    return "|".join(
        separator.join({"d": day, "m": month, "y": year}[part] for part in order)
        for separator in separators
        for day, month, year in cases
    )


def _date_patterns() -> dict[str, NamedPattern]:
    forms: dict[str, NamedPattern] = {}
    between = "with / . or - between"
    for order, words in {"dmy": "day month year", "mdy": "month day year", "ymd": "year month day"}.items():
        example = {"dmy": "31/12/2024", "mdy": "12/31/2024", "ymd": "2024-12-31"}[order]
        unpadded = {"dmy": "5.1.2024", "mdy": "1/5/2024", "ymd": "2024-1-5"}[order]
        two = {"dmy": "31.12.24", "mdy": "12/31/24", "ymd": "24-12-31"}[order]
        whole = "".join(part for part in example if part.isdigit())
        forms |= {
            f"date-{order}": NamedPattern(f"{words}, {between}, 1900 to 2099: {example}", _dates(order)),
            f"date-{order}-unpadded": NamedPattern(
                f"{words} without leading zeros, {between}: {unpadded}", _dates(order, zero="")
            ),
            f"date-{order}-short": NamedPattern(
                f"{words} of two digits, 2000 to 2099, {between}: {two}", _dates(order, short=True)
            ),
            f"date-{order}-digits": NamedPattern(f"{words}, digits alone: {whole}", _dates(order, separators=("",))),
        }
    spaced = [form.regex for name, form in forms.items() if not name.endswith("-digits")]
    return {"date": NamedPattern("any of the dates below that have separators", "|".join(spaced)), **forms}


def _amount(thousands: str, decimals: str) -> str:
    return rf"(?:0|[1-9]\d{{0,2}}(?:{thousands}\d{{3}}){{0,2}}){decimals}\d\d"


# The beginnings, as far as the issuers' ranges go, and the rest of the first four digits.
_VISA = r"4\d{3}"
_MASTERCARD = r"(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)"
_AMEX = r"3[47]\d\d"
_DISCOVER = r"(?:6011|64[4-9]\d|65\d\d)"
_JCB = r"35(?:2[89]|[3-8]\d)"
_OF_SIXTEEN = f"(?:{_VISA}|{_MASTERCARD}|{_DISCOVER}|{_JCB})"


def _card(description: str, regex: str) -> NamedPattern:
    return NamedPattern(f"{description}, with a right check digit", regex, is_checked=True)


NAMED: Mapping[str, NamedPattern] = MappingProxyType(
    {
        **_date_patterns(),
        "amount": NamedPattern("amounts to 999,999,999.99: 1,234.56", _amount(",", r"\."), "equal"),
        "amount-eu": NamedPattern("amounts to 999.999.999,99: 1.234,56", _amount(r"\.", ","), "equal"),
        "amount-space": NamedPattern("amounts to 999 999 999,99: 1 234,56", _amount(" ", ","), "equal"),
        "amount-plain": NamedPattern("amounts to 999999999.99: 1234.56", r"(?:0|[1-9]\d{0,8})\.\d\d", "equal"),
        "integer": NamedPattern("integers of 1 to 8 digits, or integer:3-8: 4096", _integers(1, 8), "equal"),
        "digits": NamedPattern("1 to 8 digits, or digits:6, zeros first as well: 007", _digits(1, 8), "equal"),
        "postcode-at": NamedPattern("Austria: 1010", r"[1-9]\d{3}"),
        "postcode-au": NamedPattern("Australia: 3000", r"(?:0[289]|[1-9]\d)\d\d"),
        "postcode-be": NamedPattern("Belgium: 1000", r"[1-9]\d{3}"),
        "postcode-br": NamedPattern("Brazil: 01310-100", r"(?:0[1-9]|[1-9]\d)\d{3}-\d{3}"),
        "postcode-ch": NamedPattern("Switzerland: 8001", r"[1-9]\d{3}"),
        "postcode-cn": NamedPattern("China: 100000", r"(?:0[1-9]|[1-8]\d)\d{4}"),
        "postcode-cz": NamedPattern("Czechia: 110 00", r"[1-7]\d\d \d\d"),
        "postcode-de": NamedPattern("Germany: 10115", r"(?:0[1-9]|[1-9]\d)\d{3}"),
        "postcode-es": NamedPattern("Spain: 28013", r"(?:0[1-9]|[1-4]\d|5[0-2])\d{3}"),
        "postcode-fr": NamedPattern("France: 75001", r"(?:0[1-9]|[1-8]\d|9[0-578])\d{3}"),
        "postcode-in": NamedPattern("India: 110001", r"[1-9]\d{5}"),
        "postcode-it": NamedPattern("Italy: 00184", r"\d{5}"),
        "postcode-jp": NamedPattern("Japan: 100-0001", r"\d{3}-\d{4}"),
        "postcode-kr": NamedPattern("South Korea: 04524", r"(?:0[1-9]|[1-5]\d|6[0-3])\d{3}"),
        "postcode-pl": NamedPattern("Poland: 00-950", r"\d\d-\d{3}"),
        "postcode-pt": NamedPattern("Portugal: 1000-001", r"[1-9]\d{3}-\d{3}"),
        "postcode-se": NamedPattern("Sweden: 111 22", r"[1-9]\d\d \d\d"),
        "postcode-us": NamedPattern("United States: 12345 and 12345-6789", r"\d{5}(?:-\d{4})?", "equal"),
        "card": _card("Visa, Mastercard, American Express, Discover, JCB", rf"{_OF_SIXTEEN}\d{{12}}|{_AMEX}\d{{11}}"),
        "card-grouped": _card(
            "the same in groups: 4111 1111 1111 1111", rf"{_OF_SIXTEEN}(?: \d{{4}}){{3}}|{_AMEX} \d{{6}} \d{{5}}"
        ),
        "card-visa": _card("Visa", rf"{_VISA}\d{{12}}"),
        "card-mastercard": _card("Mastercard", rf"{_MASTERCARD}\d{{12}}"),
        "card-amex": _card("American Express", rf"{_AMEX}\d{{11}}"),
        "card-discover": _card("Discover", rf"{_DISCOVER}\d{{12}}"),
        "card-jcb": _card("JCB", rf"{_JCB}\d{{12}}"),
    }
)
"""The named patterns, in the order in which they are shown."""
