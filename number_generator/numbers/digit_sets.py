"""Sets of digit strings: those of the regular expressions in libphonenumber's metadata, joined, met and subtracted."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, NamedTuple

from number_generator.errors import SpecError
from number_generator.numbers.automata import LanguageError
from number_generator.numbers.regex import Tree, parse_tree

_Edges = tuple[tuple[tuple[int, int], ...], ...]

_DIGITS = 10


class DigitSets:
    """Sets of digit strings, each named by a state of one minimal automaton: equal sets have equal states.

    A string in a set has a tag there, 0 or more. `meet` and `subtract` keep the first set's tags, and so does `join` if
    both sets have the string. All sets but `match_everything` are finite, so recursion is never deeper than a number
    is long.
    """

    NOTHING = 0
    LONGEST = 17
    """The most digits of a national number that libphonenumber knows."""

    def __init__(self) -> None:
        # A row has the targets of the ten digits and the tag of the string that ends there.
        self._rows: list[tuple[int, ...]] = []
        self._states: dict[tuple[int, ...], int] = {}
        self._everything: dict[int, int] = {}  # from tag to state
        self._universal: set[int] = set()
        self._combined: dict[tuple[str, int, int], int] = {}  # by the name of the operation
        self._built_patterns: dict[tuple[str, int], int] = {}
        self.add_state([0] * _DIGITS)

    def add_state(self, targets: Sequence[int], tag: int = -1) -> int:
        """Return the state with these targets, by digit, and this tag."""
        row = (*targets, tag)
        state = self._states.setdefault(row, len(self._rows))
        if state == len(self._rows):
            self._rows.append(row)
        return state

    def match_everything(self, tag: int = 0) -> int:
        """Return the set of all strings."""
        if tag not in self._everything:
            state = len(self._rows)
            self._everything[tag] = state
            self._universal.add(state)
            self.add_state([state] * _DIGITS, tag)
        return self._everything[tag]

    def join(self, first: int, second: int) -> int:
        """Return the strings of either set."""
        if not second or first == second or first in self._universal:
            return first
        if not first:
            return second
        return self._combine(self.join, first, second, lambda tag, other: tag if tag >= 0 else other)

    def meet(self, first: int, second: int) -> int:
        """Return the strings of both sets."""
        if not first or not second:
            return 0
        if first == second or second in self._universal:
            return first
        return self._combine(self.meet, first, second, lambda tag, other: tag if other >= 0 else -1)

    def subtract(self, first: int, second: int) -> int:
        """Return the strings of the first set that the second does not have."""
        if not first or not second:
            return first
        if first == second or second in self._universal:
            return 0
        return self._combine(self.subtract, first, second, lambda tag, other: tag if other < 0 else -1)

    def match_whole(self, pattern: str) -> int:
        """Return the strings that a regular expression matches from the first to the last digit."""
        return self._match(pattern, self.add_state([0] * _DIGITS, 0))

    def match_beginning(self, pattern: str) -> int:
        """Return the strings whose beginnings a regular expression matches."""
        return self._match(pattern, self.match_everything())

    def match_lengths(self, lengths: Iterable[int]) -> int:
        """Return all strings of some lengths."""
        allowed = set(lengths)
        found = 0
        for length in range(max(allowed), -1, -1):
            found = self.add_state([found] * _DIGITS, 0 if length in allowed else -1)
        return found

    def match_places(self, places: Sequence[int]) -> int:
        """Return the strings with the digits that `places` demands: entry < 0 demands the digit -1 - entry.

        An entry >= 0 allows any digit, and must be the place's own number. Other equations are not solved: no string
        fulfils them.
        """
        found = self.add_state([0] * _DIGITS, 0)
        for place in range(len(places) - 1, -1, -1):
            entry = places[place]
            if entry not in (place, *range(-_DIGITS, 0)):
                return 0
            found = self.add_state([found if entry >= 0 or digit == -1 - entry else 0 for digit in range(_DIGITS)])
        return found

    def match_first(self, ways: Iterable[tuple[Sequence[frozenset[int]], int]]) -> int:
        """Return what begins in one of some ways, the digits that each place may hold, and continues with its rest.

        A string has the tag that the first way it can take gives it.
        """
        found = 0
        for sets, rest in ways:
            way = rest
            for digits in reversed(sets):
                way = self.add_state([way if digit in digits else 0 for digit in range(_DIGITS)])
            found = self.join(found, way)
        return found

    def select_seen(self, language: int, places: Sequence[int], length: int) -> int:
        """Return the strings of `length` digits for which `language` has the string of their digits at `places`.

        Places ascend. An entry < 0 stands for the digit -1 - entry.
        """
        known: dict[tuple[int, int, int], int] = {}

        def build(state: int, index: int, place: int) -> int:
            if not state:
                return 0
            key = state, index, place
            if key not in known:
                row = self._rows[state]
                entry = places[index] if index < len(places) else length
                if entry < 0:
                    known[key] = build(row[-1 - entry], index + 1, place)
                elif place == length:
                    known[key] = self.add_state([0] * _DIGITS, row[-1])
                elif entry == place:
                    known[key] = self.add_state([build(target, index + 1, place + 1) for target in row[:-1]])
                else:
                    known[key] = self.add_state([build(state, index, place + 1)] * _DIGITS)
            return known[key]

        return build(language, 0, 0)

    def retag(self, language: int, tag: int) -> int:
        """Return a finite set with another tag for all its strings."""
        return self._retag(language, lambda old: tag if old >= 0 else -1, {})

    def select_tag(self, language: int, tag: int) -> int:
        """Return the strings that have a tag, with the tag 0."""
        known = {state: self.match_everything() if old == tag else 0 for old, state in list(self._everything.items())}
        return self._retag(language, lambda old: 0 if old == tag else -1, known)

    def list_lengths(self, language: int) -> list[int]:
        """Return the lengths of the strings of a finite set, in order."""
        lengths = []
        layer = {language}
        for length in range(self.LONGEST + 1):
            if any(self._rows[state][-1] >= 0 for state in layer):
                lengths.append(length)
            layer = {target for state in layer for target in self._rows[state][:-1]} - {0}
        return lengths

    def find_sample(self, language: int) -> str:
        """Return a string of a finite set that is not empty."""
        digits = ""
        while self._rows[language][-1] < 0:
            digit = next(digit for digit in range(_DIGITS) if self._rows[language][digit])
            digits += str(digit)
            language = self._rows[language][digit]
        return digits

    def extract(self, states: Iterable[int]) -> tuple[dict[int, int], _Edges, tuple[int, ...]]:
        """Return the part of the automaton that some states reach: new numbers of its states, their edges and tags."""
        numbering: dict[int, int] = {}
        pending = list(states)
        while pending:
            state = pending.pop()
            if state and state not in numbering:
                numbering[state] = len(numbering)
                pending += self._rows[state][:-1]
        rows = [self._rows[state] for state in numbering]
        edges = tuple(tuple((digit, numbering[row[digit]]) for digit in range(_DIGITS) if row[digit]) for row in rows)
        return numbering, edges, tuple(row[-1] for row in rows)

    def _match(self, pattern: str, rest: int) -> int:
        """Return the strings that begin with what a regular expression matches and go on with what is in `rest`."""
        key = pattern, rest
        if key not in self._built_patterns:
            with _translate_errors(pattern):
                self._built_patterns[key] = self._prepend(parse_tree(pattern), rest)
        return self._built_patterns[key]

    def _combine(
        self, operation: Callable[[int, int], int], first: int, second: int, tag_of: Callable[[int, int], int]
    ) -> int:
        """Combine two sets by an operation on the targets of each digit and one on the tags."""
        key = operation.__name__, first, second
        if key not in self._combined:
            (*targets, tag), (*others, other) = self._rows[first], self._rows[second]
            self._combined[key] = self.add_state(list(map(operation, targets, others)), tag_of(tag, other))
        return self._combined[key]

    def _retag(self, state: int, tag_of: Callable[[int], int], known: dict[int, int]) -> int:
        """Replace the tags of a set. `known` has the states that are done."""
        if not state:
            return 0
        if state not in known:
            row = self._rows[state]
            known[state] = self.add_state([self._retag(target, tag_of, known) for target in row[:-1]], tag_of(row[-1]))
        return known[state]

    def _prepend(self, tree: Tree, rest: int) -> int:
        """Return the strings that begin with what `tree` matches and go on with what is in `rest`."""
        for node in reversed(tree):
            rest = self._prepend_node(node, rest)
        return rest

    def _prepend_node(self, node: tuple[Any, ...], rest: int) -> int:
        match node:
            case "characters", mask:
                digits = _list_digits(mask)
                return self.add_state([rest if digit in digits else 0 for digit in range(_DIGITS)])
            case "group", content, _:
                return self._prepend(content, rest)
            case "either", options:
                return reduce(self.join, [self._prepend(option, rest) for option in options])
            case "repeat", content, least, int(most), _:
                found = rest
                for _ in range(most - least):
                    found = self.join(rest, self._prepend(content, found))
                for _ in range(least):
                    found = self._prepend(content, found)
                return found
            case "ahead", content, is_negated:
                ahead = self._prepend(content, self.match_everything())
                return self.subtract(rest, ahead) if is_negated else self.meet(rest, ahead)
            case "anchor", "$":
                return self.meet(rest, self.add_state([0] * _DIGITS, 0))
        raise LanguageError(f"has an unsupported part ({node[0]})")


class Way(NamedTuple):
    """A way to match: the digits that each place may hold, where the groups lie, and whether the text ends there."""

    sets: tuple[frozenset[int], ...] = ()
    groups: tuple[tuple[int, int] | None, ...] = ()
    is_anchored: bool = False


def list_ways(pattern: str) -> list[Way]:
    """Return the ways in which an expression can match a beginning. Of those that do, Python takes the first."""
    with _translate_errors(pattern):
        return list(_extend(parse_tree(pattern), Way(groups=(None,) * re.compile(pattern).groups)))


def _extend(tree: Tree, way: Way) -> Iterator[Way]:
    """Yield the ways that go on from `way` with what `tree` matches."""
    if not tree:
        yield way
        return
    for longer in _extend_by_node(tree[0], way):
        yield from _extend(tree[1:], longer)


def _extend_by_node(node: tuple[Any, ...], way: Way) -> Iterator[Way]:
    match node:
        case "characters", mask:
            yield way._replace(sets=(*way.sets, _list_digits(mask)))
        case "group", content, number:
            for longer in _extend(content, way):
                groups = list(longer.groups)
                groups[number - 1] = len(way.sets), len(longer.sets)
                yield longer._replace(groups=tuple(groups))
        case "either", options:
            for option in options:
                yield from _extend(option, way)
        case "repeat", content, least, int(most), False:
            if most > 0:
                yield from _extend([*content, ("repeat", content, least - 1, most - 1, False)], way)
            if least <= 0:
                yield way
        case "anchor", "$":
            yield way._replace(is_anchored=True)
        case _:
            raise LanguageError(f"has an unsupported part ({node[0]})")


def _list_digits(mask: int) -> frozenset[int]:
    """Return the digits of a set of characters that has no others."""
    if mask >> _DIGITS:
        raise LanguageError("matches other characters than digits")
    return frozenset(digit for digit in range(_DIGITS) if mask >> digit & 1)


@contextmanager
def _translate_errors(pattern: str) -> Iterator[None]:
    try:
        yield
    except LanguageError as exc:
        raise SpecError(
            f"the metadata of phonenumbers has the pattern {pattern!r}, which {exc}: install another version of the "
            "package, or leave the country out"
        ) from exc
