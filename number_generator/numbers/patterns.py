"""Numbers drawn uniformly from all strings that a regular expression or a named pattern matches."""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from number_generator._kernels import streams
from number_generator.errors import SpecError
from number_generator.job.spec import MAX_LENGTH, Sequences, Span
from number_generator.numbers.automata import Automaton, LanguageError, Sampler
from number_generator.numbers.named_patterns import FAMILIES, FAVOURED, LENGTHS, NAMED, Lengths, NamedPattern
from number_generator.numbers.regex import parse_language
from number_generator.numbers.sequences import DrawnNumbers
from number_generator.system.checks import format_value

_NAME = re.compile(r"[A-Za-z][\w-]*(:.*)?")
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


@dataclass(frozen=True, slots=True)
class Pattern(DrawnNumbers):
    r"""Numbers drawn from all strings that a regular expression matches from their first to their last character.

    Parameters
    ----------
    regex : str
        In Python's syntax. It must match finitely many strings, at least one. Lookaheads are supported outside groups;
        look-behinds and references to groups are not. `.`, `\s`, `\D`, negated classes and the like match only digits
        and the separators ``- . , / ( ) +`` and space; name the signs ``: $ € £ ¥ % # * = '`` themselves. `$` and `*`
        take a backslash.
    lengths : {"proportional", "equal"}
        Whether every string is equally likely, or every length that occurs, and then every string of that length.
    name : str, optional
        The named pattern that `regex` belongs to, as set by `named`.

    Raises
    ------
    SpecError
        If the expression is not valid, matches no strings or infinitely many, names other characters, or is too large;
        if `lengths` is not valid.

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
    _count: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.lengths, str) or self.lengths not in LENGTHS:
            raise SpecError(f"lengths is {self.lengths!r}: give one of {', '.join(map(repr, LENGTHS))}")
        if not isinstance(self.regex, str):
            raise SpecError(f"pattern is {self.regex!r}: give a regular expression as a string")
        form = NamedPattern("", self.regex) if self.name is None else _find_named(self.name)
        if form.regex != self.regex:
            raise SpecError(f"pattern {self.name!r} has another expression: give Pattern.named({self.name!r})")
        try:
            sampler, count = _make_sampler(self.regex, self.lengths, form.is_checked, form.favoured)
        except LanguageError as exc:
            raise SpecError(f"pattern {format_value(self.text)} {exc}") from exc
        object.__setattr__(self, "_sampler", sampler)
        object.__setattr__(self, "_count", count)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the tables, which take up to 64 MiB: they are rebuilt on unpickling.
        return Pattern, (self.regex, self.lengths, self.name)

    @classmethod
    def named(cls, name: str, lengths: Lengths | None = None) -> "Pattern":
        """Return the pattern with a name in `NAMED`.

        `integer`, `round` and `digits` can take lengths, as in `integer:3-8`.

        Parameters
        ----------
        name : str
            Such as "date" or "integer:3-8".
        lengths : {"proportional", "equal"}, optional
            As in the class. None takes the default of the name.

        Raises
        ------
        SpecError
            If there is no such name, or it does not take these lengths.

        Examples
        --------
        >>> Pattern.named("date-ymd").count
        219147
        """
        form = _find_named(name)
        return cls(form.regex, form.lengths if lengths is None else lengths, name)

    @property
    def text(self) -> str:
        """The name, or the expression if there is none."""
        return self.regex if self.name is None else self.name

    @property
    def count(self) -> int:
        """The number of different strings."""
        return self._count

    @property
    def longest(self) -> int:
        """The most characters of a number."""
        return self._sampler.longest

    @property
    def alphabet(self) -> str:
        """The characters that a number can hold."""
        return self._sampler.alphabet

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Draw the sequences of the images in `span`."""
        return self._sampler.draw(seed, span, streams.PATTERN)

    def describe(self) -> dict[str, Any]:
        """Return what the numbers depend on, as JSON-like values."""
        return {"numbers": "pattern", "pattern": self.text, "lengths": self.lengths}


def parse_pattern_option(text: str, lengths: Lengths | None = None) -> Pattern:
    """Return the pattern for a name or a regular expression; errors are those of `Pattern`.

    Names contain letters, which numbers cannot: no text is both a name and an expression to draw from. `lengths` are as
    in `Pattern`; None takes the default of the name, and proportional for an expression.
    """
    if isinstance(text, str) and _NAME.fullmatch(text):
        return Pattern.named(text, lengths)
    return Pattern(text, "proportional" if lengths is None else lengths)


@lru_cache(maxsize=8)
def _make_sampler(regex: str, lengths: Lengths, is_checked: bool, favoured: str | None) -> tuple[Sampler, int]:
    """Return what draws the numbers, and how many different ones there are."""
    language = parse_language(regex)
    if is_checked:
        language = _keep_checked(language)
    language = language.split_by_length() if lengths == "equal" else language
    starts = len(language.starts)
    if favoured is not None:
        often = parse_language(favoured)
        language = language.join(often.split_by_length() if lengths == "equal" else often)
    sampler = Sampler(language)
    return sampler, sum(sampler.counts[:starts])  # favoured numbers are among the others


def _keep_checked(language: Automaton) -> Automaton:
    """Keep the strings whose last digit is the Luhn check digit of the others.

    Every second digit counts twice, from the last but one backwards, and the digits of 10 or more are added. Only the
    end of a string shows which digits these are, so there are two sums, one for each case, that swap with each digit.
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
    return Automaton.build(edges, tags, [0])


def _find_named(name: str) -> NamedPattern:
    """Return what a name stands for, with the lengths after its colon."""
    if not isinstance(name, str):
        raise SpecError(f"pattern is {name!r}: give the name of a pattern as a string")
    base, colon, limits = name.partition(":")
    if base not in NAMED:
        close = get_close_matches(base.lower(), NAMED, 3)
        hint = f" (closest: {', '.join(close)})" if close else ""
        raise SpecError(
            f"pattern {format_value(name)} is not a named pattern{hint}: give one of {', '.join(NAMED)}; a regular "
            "expression is given as Pattern(r'...') in Python"
        )
    form = NAMED[base]
    if not colon:
        return form
    if base not in FAMILIES:
        raise SpecError(f"pattern {format_value(name)}: {base} takes no lengths; give {base!r} alone")
    found = _RANGE.fullmatch(limits)
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most <= MAX_LENGTH:
        raise SpecError(
            f"pattern {format_value(name)} has {format_value(limits)} for lengths: give one or two from 1 to "
            f"{MAX_LENGTH}, the smaller one first, as in {base}:6 or {base}:3-8"
        )
    favoured = FAVOURED[base](least, most) if base in FAVOURED else None
    return NamedPattern(form.description, FAMILIES[base](least, most), form.lengths, favoured=favoured)
