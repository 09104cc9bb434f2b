"""Regular expressions as automata over the characters of numbers.

interegular parses; its own automata have no bound on their size, so they are made here: a nondeterministic one from the
parse tree, a deterministic one from that, each with a limit on its states and on the work.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from number_generator.numbers.automata import Automaton, LanguageError
from number_generator.numbers.sequences import ALPHABET

__all__ = ["parse_language"]

_EVERY = (1 << len(ALPHABET)) - 1
"""A set of characters is a mask: bit k is character k of the alphabet."""

_MAX_WORK = 4_000_000  # some three seconds
_PIECE_WORK = 20
_STATE_WORK = 100
_QUANTIFIER = re.compile(r"\{(\d+(,\d*)?|,\d*)\}")
_ESCAPES = {"d": "0123456789", "w": "0123456789", "s": " "}
_TOO_LARGE = "is too large: give fewer or shorter repeats and alternatives"


def parse_language(regex: str) -> Automaton:
    r"""Give the automaton of all strings that `regex` matches from their first to their last character.

    Parameters
    ----------
    regex : str
        In Python's syntax: characters, classes, groups, alternatives, repeats, and lookaheads outside of groups. What
        matches other characters among those of numbers, such as `.` or `\W`, stands for the latter alone.

    Returns
    -------
    Automaton
        With one start. All its tags are 0.

    Raises
    ------
    LanguageError
        If the expression is none, is not supported, names other characters, matches nothing or without end, or is too
        large.
    """
    tree = _parsed(regex)
    try:
        machine = _machine(tree, _Budget())
    except RecursionError as exc:  # each lookahead is a call within the last one
        raise LanguageError("has too many lookaheads or groups in one another: give fewer") from exc
    return Automaton.built(machine.edges, [0 if is_end else -1 for is_end in machine.ends], [0])


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A `^` or `$` and its place."""

    character: str
    place: int


@dataclass(frozen=True, slots=True)
class _Characters:
    """One character out of a set."""

    mask: int


@dataclass(slots=True)
class _Budget:
    """What may still be done before an expression is too large."""

    work: int = _MAX_WORK

    def spend(self, work: int) -> None:
        self.work -= work
        if self.work < 0:
            raise LanguageError(_TOO_LARGE)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A deterministic automaton, perhaps with cycles, that starts in state 0."""

    edges: list[list[tuple[int, int]]]
    ends: list[bool]


def _parsed(regex: str) -> Any:
    """Give interegular's parse tree, in which a `_Characters` stands for each class and an `_Anchor` for ^ and $."""
    from interegular.patterns import InvalidSyntax, Unsupported  # noqa: PLC0415 - loads when it is used
    from interegular.utils.simple_parser import NoMatch  # noqa: PLC0415

    # Python says what is wrong and where; interegular says neither, but reads no more than Python does.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(regex)
        return _parser()(regex).parse_tree()
    except re.error as exc:
        place = "" if exc.pos is None else f" at position {exc.pos}"
        raise LanguageError(
            f"is no regular expression: {exc.msg}{place}; mend it, or write a backslash before a sign that means itself"
        ) from exc
    except OverflowError as exc:
        raise LanguageError(_TOO_LARGE) from exc
    except RecursionError as exc:
        raise LanguageError("nests its groups too deep: give fewer groups") from exc
    except NoMatch as exc:
        raise _unsupported(f"what stands at position {exc.index}") from exc
    except (InvalidSyntax, Unsupported) as exc:
        raise _unsupported(str(exc)) from exc


def _unsupported(what: str) -> LanguageError:
    return LanguageError(
        f"holds what is not supported ({what}): give characters, classes, groups, alternatives, repeats, and "
        "lookaheads outside of groups"
    )


@cache
def _parser() -> Any:
    """Make the class of the parser: interegular's, with Python's reading of classes and with places in errors."""
    from interegular import patterns  # noqa: PLC0415 - loads when it is used
    from interegular.utils.simple_parser import SimpleParser  # noqa: PLC0415

    base: Any = patterns._ParsePattern  # its functions have no types

    class Parser(base):  # type: ignore[misc]
        """Its methods that begin without an underscore are wrapped by interegular: they reset the place on failure."""

        def parse_tree(self) -> Any:
            return SimpleParser.parse(self)  # the error of `_ParsePattern.parse` knows no place

        def extension_group(self) -> Any:
            if self.peek_static("#"):
                raise _unsupported(f"the comment at position {self.index - 2}")
            return super().extension_group()

        def obj(self) -> Any:
            return self.group() if self.static_b("(") else self.atom()  # repeated once: 1{2}+ means something else

        def atom(self) -> Any:
            place = self.index
            if self.static_b("["):
                return self.repetition(_Characters(self._class()))
            if self.static_b("."):
                return self.repetition(_Characters(_EVERY))
            if self.anyof_b("^", "$"):
                return _Anchor(self.data[place], place)
            if self.static_b("\\"):
                escaped = self._escaped(inner=False)
                mask = escaped if isinstance(escaped, int) else _range_mask(escaped, escaped, place)
                return self.repetition(_Characters(mask))
            character = self.any_but(*self.SPECIAL_CHARS_STANDARD)
            return self.repetition(_Characters(_range_mask(character, character, place)))

        def repetition(self, base: Any) -> Any:
            if self.peek_static("{") and not _QUANTIFIER.match(self.data, self.index):
                raise _unwritable("{", self.index)  # Python takes it for itself
            return super().repetition(base)

        def _class(self) -> int:
            """Read a class after its bracket. interegular's own reading fails for several negated escapes in one."""
            is_negated = self.static_b("^")
            mask = 0
            first = self.index  # a bracket that stands first means itself
            while self.index == first or not self.peek_static("]"):
                place = self.index
                low = self._member()
                if isinstance(low, int):
                    mask |= low
                    continue
                high = low
                if self.peek_static("-") and self.data[self.index + 1] != "]":
                    self.index += 1
                    high = self._member()
                mask |= _range_mask(low, high, place, is_strict=not is_negated)
            self.static("]")
            return _EVERY & ~mask if is_negated else mask

        def _member(self) -> Any:
            """Read a character of a class, or an escape."""
            return self._escaped(inner=True) if self.static_b("\\") else self.any()

        def _escaped(self, *, inner: bool) -> Any:
            r"""Read what follows a backslash: a character, or the mask of an escape such as `\d`."""
            letter = self.data[self.index]
            if letter in "dDwWsS":
                return _escaped_mask(self.any())
            if letter in "ABNUZbu":
                raise _unsupported(f"\\{letter} at position {self.index - 1}")
            (character,) = self.escaped(inner).chars
            return character

    return Parser


def _escaped_mask(letter: str) -> int:
    r"""Give the writable characters of \d, \D, \w, \W, \s or \S."""
    mask = sum(1 << ALPHABET.index(character) for character in _ESCAPES[letter.lower()])
    return mask if letter.islower() else _EVERY & ~mask


def _range_mask(low: str, high: str, place: int, *, is_strict: bool = True) -> int:
    """Give the writable characters of a range; where it is strict, there must not be others."""
    if is_strict:
        for number in range(ord(low), ord(high) + 1):
            if chr(number) not in ALPHABET:
                raise _unwritable(chr(number), place)
    return sum(1 << code for code, character in enumerate(ALPHABET) if low <= character <= high)


def _unwritable(character: str, place: int) -> LanguageError:
    return LanguageError(
        f"holds {character!r} at position {place}: numbers hold digits and the separators - . , / ( ) + and space"
    )


def _machine(tree: Any, budget: _Budget) -> _Machine:
    """Give the automaton of a whole expression."""
    net = _Net(budget)
    start, end = net.state(), net.state()
    for option in tree.options:
        parts = list(option.parts)
        while parts and _is_anchor(parts[0], "^"):
            del parts[0]
        while parts and _is_anchor(parts[-1], "$"):
            del parts[-1]
        net.add_option(parts, start, end)
    return net.determinised(start, end)


def _is_anchor(part: Any, character: str) -> bool:
    return isinstance(part, _Anchor) and part.character == character


class _Net:
    """A nondeterministic automaton that grows: arcs take a character out of a set, jumps take none."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._arcs: list[list[tuple[int, int]]] = []
        self._jumps: list[list[int]] = []

    def state(self) -> int:
        """Add a state."""
        self._arcs.append([])
        self._jumps.append([])
        return len(self._arcs) - 1

    def add_option(self, parts: Sequence[Any], start: int, end: int) -> None:
        """Add a way from `start` to `end`: the parts of an alternative outside of all groups."""
        first = self.state()
        self._jumps[start].append(first)
        self._jumps[self._add_outermost(parts, first)].append(end)

    def _add_outermost(self, parts: Sequence[Any], at: int) -> int:
        """Add what a way from `at` takes, one after the other; give the state behind. Lookaheads see the rest."""
        from interegular.patterns import _NonCapturing  # noqa: PLC0415 - loads when it is used

        for k, part in enumerate(parts):
            if isinstance(part, _NonCapturing) and not part.backwards:
                rest = _Net(self._budget)
                start, end = rest.state(), rest.state()
                rest.add_option(parts[k + 1 :], start, end)
                ahead = _lookahead(part.inner, self._budget)
                return self._add_machine(_both(rest.determinised(start, end), ahead, part.negate, self._budget), at)
            at = self._add(part, at)
        return at

    def _add_machine(self, machine: _Machine, at: int) -> int:
        states = [self.state() for _ in machine.edges]
        end = self.state()
        self._jumps[at].append(states[0])
        for state, edges, is_end in zip(states, machine.edges, machine.ends, strict=True):
            self._budget.spend(_PIECE_WORK)
            self._arcs[state] += [(1 << code, states[target]) for code, target in edges]
            if is_end:
                self._jumps[state].append(end)
        return end

    def _add(self, tree: Any, at: int) -> int:
        """Add what a way from `at` takes; give the state behind."""
        from interegular.patterns import Pattern, _Concatenation, _NonCapturing, _Repeated  # noqa: PLC0415

        self._budget.spend(_PIECE_WORK)
        if isinstance(tree, _Characters):
            behind = self.state()
            self._arcs[at].append((tree.mask, behind))
            return behind
        if isinstance(tree, _Concatenation):
            for part in tree.parts:
                at = self._add(part, at)
            return at
        if isinstance(tree, Pattern):
            behind = self.state()
            for option in tree.options:
                first = self.state()
                self._jumps[at].append(first)
                self._jumps[self._add(option, first)].append(behind)
            return behind
        if isinstance(tree, _Repeated):
            return self._add_repeated(tree.base, tree.min, tree.max, at)
        if isinstance(tree, _NonCapturing):
            raise _unsupported("a look-behind" if tree.backwards else "a lookahead in a group")
        if isinstance(tree, _Anchor):
            raise _unsupported(f"the {tree.character!r} at position {tree.place}; the whole number is matched anyway")
        return at  # nothing, as of the flags in (?i)

    def _add_repeated(self, base: Any, least: int, most: int | None, at: int) -> int:
        for _ in range(least):
            at = self._add(base, at)
        behind = self.state()
        if most is None:
            self._jumps[at].append(behind)
            self._jumps[self._add(base, behind)].append(behind)
            return behind
        for _ in range(most - least):
            self._jumps[at].append(behind)  # past all that may follow: from one to the next, there were far more ways
            at = self._add(base, at)
        self._jumps[at].append(behind)
        return behind

    def determinised(self, start: int, end: int) -> _Machine:
        """Give the deterministic automaton, whose states are the sets of states that a text can lead to."""
        known: dict[int, frozenset[int]] = {}
        first = self._closure(start, end, known)
        names = {first: 0}
        waiting = [first]
        machine = _Machine([], [])
        for members in waiting:  # it grows
            by_mask: dict[int, set[int]] = {}
            for member in members:
                for mask, target in self._arcs[member]:
                    by_mask.setdefault(mask, set()).add(target)
            codes_of: dict[tuple[int, ...], list[int]] = {}  # those that the same masks hold lead to the same states
            for code in range(len(ALPHABET)):
                codes_of.setdefault(tuple(mask for mask in by_mask if mask >> code & 1), []).append(code)
            codes_of.pop((), None)
            edges: list[tuple[int, int]] = []
            for masks, codes in codes_of.items():
                parts = [self._closure(target, end, known) for mask in masks for target in by_mask[mask]]
                self._budget.spend(sum(map(len, parts)))
                reached = frozenset().union(*parts)
                if reached not in names:
                    names[reached] = len(waiting)
                    waiting.append(reached)
                edges += [(code, names[reached]) for code in codes]
            self._budget.spend(_STATE_WORK + sum(len(self._arcs[member]) for member in members) + len(by_mask))
            machine.edges.append(edges)
            machine.ends.append(end in members)
        return machine

    def _closure(self, state: int, end: int, known: dict[int, frozenset[int]]) -> frozenset[int]:
        """Give the states that jumps lead to, as far as they have arcs or are the end."""
        if state not in known:
            found = {state}
            waiting = [state]
            while waiting:
                for target in self._jumps[waiting.pop()]:
                    if target not in found:
                        found.add(target)
                        waiting.append(target)
            self._budget.spend(len(found))
            known[state] = frozenset(each for each in found if self._arcs[each] or each == end)
        return known[state]


def _lookahead(tree: Any, budget: _Budget) -> _Machine:
    """Give the automaton of all texts that a lookahead lets pass."""
    from interegular import patterns  # noqa: PLC0415 - loads when it is used

    nodes: Any = patterns
    anything = nodes._Repeated(_Characters(_EVERY), 0, None)
    net = _Net(budget)
    start, end = net.state(), net.state()
    for option in tree.options:
        parts = list(option.parts)
        if parts and _is_anchor(parts[-1], "$"):
            net.add_option(parts[:-1], start, end)
        else:
            net.add_option([*parts, anything], start, end)
    return net.determinised(start, end)


def _both(machine: _Machine, ahead: _Machine, is_negated: bool, budget: _Budget) -> _Machine:
    """Give the automaton of the texts of `machine` that are texts of `ahead` as well, or are not."""
    lost = -1  # the state of `ahead` in which no text ends, nor ever will
    names = {(0, 0): 0}
    waiting = [(0, 0)]
    both = _Machine([], [])
    for one, other in waiting:  # it grows
        budget.spend(_STATE_WORK)
        onward = {} if other == lost else dict(ahead.edges[other])
        edges = []
        for code, target in machine.edges[one]:
            pair = target, onward.get(code, lost)
            if pair not in names:
                names[pair] = len(waiting)
                waiting.append(pair)
            edges.append((code, names[pair]))
        both.edges.append(edges)
        both.ends.append(machine.ends[one] and (other != lost and ahead.ends[other]) != is_negated)
    return both
