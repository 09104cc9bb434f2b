"""Regular expressions as automata over the characters of numbers, built from Python's own parse tree.

A nondeterministic automaton is built from the tree, and a deterministic one from that. One budget of work limits both,
so that no expression takes minutes or gigabytes.
"""

import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from number_generator.numbers.automata import Automaton, LanguageError
from number_generator.numbers.sequences import ALPHABET, PLAIN, WRITTEN

if sys.version_info >= (3, 11):
    from re import _parser as python_parser
else:
    import sre_parse as python_parser

Tree = Sequence[tuple[Any, ...]]
"""What an expression matches, one node after the other. The nodes are:

("characters", mask)
    One character out of a set: bit k of the mask is character k of the alphabet.
("either", trees)
    Alternatives, in the order in which Python tries them.
("repeat", tree, least, most, is_lazy)
    `most` is None if there is no limit. A lazy repeat tries fewer first.
("group", tree, number)
    A capturing group; the nodes of other groups stand in the tree without one.
("ahead", tree, is_negated)
    What must follow, or must not.
("anchor", sign)
    A `^` or `$`.
"""

_ALL = (1 << len(ALPHABET)) - 1
_EVERY = (1 << len(PLAIN)) - 1  # what wildcards and negated classes stand for: signs are named one by one
_DIGITS = (1 << 10) - 1
_CATEGORIES = {"DIGIT": _DIGITS, "WORD": _DIGITS, "SPACE": 1 << ALPHABET.index(" ")}
_UNSUPPORTED = {
    "ASSERT": "a look-behind",
    "ASSERT_NOT": "a look-behind",
    "ATOMIC_GROUP": "an atomic group",
    "GROUPREF": "a reference to a group",
    "GROUPREF_EXISTS": "a condition",
    "POSSESSIVE_REPEAT": "a possessive repeat",
    "SUBPATTERN": "the flag x",
}

# Python's parser takes quadratic time for some expressions.
_MAX_CHARACTERS = 100_000
_MAX_NESTING = 5_000_000  # characters times the depth of groups
_MAX_WORK = 4_000_000  # some three seconds
_PIECE_WORK = 20
_STATE_WORK = 100
_TOO_LARGE = "is too large: give fewer or shorter repeats and alternatives"

_UNSUPPORTED_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\[ABNUZbuz])")
_PIECE = re.compile(
    r"\(\?(?:P<[^>]+>|[=!#]|[\w-]*:?)"  # the beginning of a group
    r"|\{(?:\d+(?:,\d*)?|,\d*)\}"
    r"|\[\^\]?(?:\\.|[^\]\\])*\]"  # a negated class may name any character
    r"|[.^$*+?()|]"
    r"|(?P<characters>\[\]?(?:\\.|[^\]\\])*\]|\\(?:x..|[0-7]{1,3}|.)|.)",
    re.DOTALL,
)


def parse_language(regex: str) -> Automaton:
    r"""Return the automaton, of one start and with tags 0, of all strings that the whole of `regex` matches.

    Supported are characters, classes, groups, alternatives, repeats, and lookaheads outside groups. `.`, `\W`, negated
    classes and the like match digits and separators alone. LanguageError as in `parse_tree`, or if the expression
    matches no string or infinitely many, or is too large.
    """
    tree = parse_tree(regex)
    try:
        machine = _build_machine(tree, _Budget(), begins=True)
    except RecursionError as exc:  # each lookahead is a call within the last one
        raise LanguageError("has too many lookaheads or nested groups: use fewer") from exc
    return Automaton.build(machine.edges, [0 if is_end else -1 for is_end in machine.ends], [0])


def parse_tree(regex: str) -> Tree:
    """Parse an expression; LanguageError if it is invalid, unsupported, or names what numbers cannot hold."""
    depth = max(accumulate((sign == "(") - (sign == ")") for sign in regex), default=0)
    if len(regex) > _MAX_CHARACTERS or len(regex) * depth > _MAX_NESTING:
        raise LanguageError(_TOO_LARGE)
    try:
        parsed = _parse(regex)
        escape = _UNSUPPORTED_ESCAPE.search(regex)
        if escape:
            raise _unsupported(f"{escape[1]} at position {escape.start(1)}")
        if parsed.state.flags & re.VERBOSE:
            raise _unsupported("the flag x")
        tree = _convert(parsed)
        _check_characters(regex)
    except re.error as exc:
        place = "" if exc.pos is None else f" at position {exc.pos}"
        raise LanguageError(
            f"is not a valid regular expression: {exc.msg}{place}; fix it, or escape literal signs with a backslash"
        ) from exc
    except OverflowError as exc:
        raise LanguageError(_TOO_LARGE) from exc
    except RecursionError as exc:
        raise LanguageError("nests its groups too deep: use fewer groups") from exc
    return tree


def _parse(regex: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return python_parser.parse(regex)


def _unsupported(what: str) -> LanguageError:
    return LanguageError(
        f"has an unsupported part ({what}): use characters, classes, groups, alternatives, repeats, and lookaheads "
        "outside groups"
    )


def _convert(parsed: Any) -> Tree:
    """Convert Python's parse tree, as it is in Python 3.10 to 3.13."""
    tree: list[tuple[Any, ...]] = []
    for operation, argument in parsed:
        match operation.name, argument:
            case (("LITERAL" | "NOT_LITERAL" | "IN" | "ANY"), _):
                mask, _ = _read_class(operation, argument)
                tree.append(("characters", mask))
            case "BRANCH", (_, options) if not any(options):
                pass  # equal alternatives: Python moves what they share in front of them
            case "BRANCH", (_, options):
                tree.append(("either", [_convert(option) for option in options]))
            case ("MAX_REPEAT" | "MIN_REPEAT") as name, (least, most, content):
                limit = None if most == python_parser.MAXREPEAT else most
                tree.append(("repeat", _convert(content), least, limit, name == "MIN_REPEAT"))
            case "SUBPATTERN", (number, flags, _, content) if not flags & re.VERBOSE:
                tree += _convert(content) if number is None else [("group", _convert(content), number)]
            case ("ASSERT" | "ASSERT_NOT") as name, (1, content):
                tree.append(("ahead", _convert(content), name == "ASSERT_NOT"))
            case "FAILURE", _:
                tree.append(("ahead", [], True))  # (?!)
            case "AT", place:
                tree.append(("anchor", "^" if place.name == "AT_BEGINNING" else "$"))
            case name, _:
                raise _unsupported(_UNSUPPORTED.get(name, name))
    return tree


def _read_class(operation: Any, argument: Any) -> tuple[int, str]:
    """Return the mask of a class or character, and what it names that is not in the alphabet."""
    mask, others = 0, ""
    for member, value in argument if operation.name == "IN" else [(operation, argument)]:
        if member.name == "CATEGORY":
            name = value.name.removeprefix("CATEGORY_")
            category = _CATEGORIES[name.removeprefix("NOT_")]
            mask |= _EVERY & ~category if name.startswith("NOT_") else category
        elif value is not None:
            first, last = value if member.name == "RANGE" else (value, value)
            mask |= sum(1 << code for code, character in enumerate(ALPHABET) if first <= ord(character) <= last)
            others += next((chr(code) for code in range(first, last + 1) if chr(code) not in ALPHABET), "")
    is_negated = operation.name in {"NOT_LITERAL", "ANY"} or (operation.name == "IN" and argument[0][1] is None)
    return _EVERY & ~mask if is_negated else mask, others


def _check_characters(regex: str) -> None:
    """Reject comments, and characters outside the alphabet: the parse tree does not tell where they stand."""
    for piece in _PIECE.finditer(regex):
        text, place = piece[0], piece.start()
        if text == "(?#":
            raise _unsupported(f"the comment at position {place}")
        if piece["characters"] and text not in ALPHABET:
            ((operation, argument),) = _parse(text)
            _, others = _read_class(operation, argument)
            if others:
                raise LanguageError(
                    f"holds {others[0]!r} at position {place + max(0, text.find(others[0]))}: numbers hold {WRITTEN}"
                )


# --- Automata -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Budget:
    """The work that may still be done before an expression is too large."""

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


def _build_machine(tree: Tree, budget: _Budget, *, begins: bool) -> _Machine:
    net = _Net(budget)
    start, end = net.add_state(), net.add_state()
    net.add_outermost(tree, start, end, begins=begins)
    return net.determinise(start, end)


class _Net:
    """A nondeterministic automaton that grows: arcs take a character out of a set, jumps take none."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._arcs: list[list[tuple[int, int]]] = []
        self._jumps: list[list[int]] = []

    def add_state(self) -> int:
        self._arcs.append([])
        self._jumps.append([])
        return len(self._arcs) - 1

    def add_outermost(self, tree: Tree, at: int, end: int, *, begins: bool) -> None:
        """Add a way from `at` to `end` for what stands outside all groups: here anchors and lookaheads may stand.

        `begins` says whether the text begins at `at`. A lookahead sees everything behind it.
        """
        first, stop = 0, len(tree)
        while begins and first < stop and tree[first] == ("anchor", "^"):
            first += 1
        while first < stop and _is_end(tree[stop - 1]):
            stop -= 1
        for k in range(first, stop):
            match tree[k]:
                case "ahead", content, is_negated:
                    rest = _build_machine(tree[k + 1 :], self._budget, begins=False)
                    ahead = _build_machine(_open_end(content), self._budget, begins=False)
                    at = self._add_machine(_intersect(rest, ahead, is_negated, self._budget), at)
                    break
                case "either", options if k == stop - 1:
                    for option in options:
                        self.add_outermost(option, self._branch(at), end, begins=begins and k == first)
                    return
                case node:
                    at = self._add_node(node, at)
        self._jumps[at].append(end)

    def _branch(self, at: int) -> int:
        """Add a state that `at` jumps to."""
        state = self.add_state()
        self._jumps[at].append(state)
        return state

    def _add_machine(self, machine: _Machine, at: int) -> int:
        states = [self.add_state() for _ in machine.edges]
        end = self.add_state()
        self._jumps[at].append(states[0])
        for state, edges, is_end in zip(states, machine.edges, machine.ends, strict=True):
            self._budget.spend(_PIECE_WORK)
            self._arcs[state] += [(1 << code, states[target]) for code, target in edges]
            if is_end:
                self._jumps[state].append(end)
        return end

    def _add(self, tree: Tree, at: int) -> int:
        """Add a way from `at` for a sequence. Return the state behind it."""
        self._budget.spend(_PIECE_WORK)
        for node in tree:
            at = self._add_node(node, at)
        return at

    def _add_node(self, node: tuple[Any, ...], at: int) -> int:
        """Add a way from `at` for one node. Return the state behind it."""
        self._budget.spend(_PIECE_WORK)
        match node:
            case "characters", mask:
                behind = self.add_state()
                self._arcs[at].append((mask, behind))
                return behind
            case "group", content, _:
                return self._add(content, at)
            case "either", options:
                behind = self.add_state()
                for option in options:
                    self._jumps[self._add(option, self._branch(at))].append(behind)
                return behind
            case "repeat", content, least, most, _:
                return self._add_repeat(content, least, most, at)
            case "anchor", sign:
                raise _unsupported(f"the {sign!r} inside the expression; the whole number is matched anyway")
        raise _unsupported("a lookahead in a group")

    def _add_repeat(self, content: Tree, least: int, most: int | None, at: int) -> int:
        for _ in range(least):
            at = self._add(content, at)
        behind = self.add_state()
        if most is None:
            self._jumps[at].append(behind)
            self._jumps[self._add(content, behind)].append(behind)
            return behind
        for _ in range(most - least):
            self._jumps[at].append(behind)  # past all repeats at once: jumping one by one takes far more work
            at = self._add(content, at)
        self._jumps[at].append(behind)
        return behind

    def determinise(self, start: int, end: int) -> _Machine:
        """Return the deterministic automaton: its states are the sets of states that a text can lead to."""
        known: dict[int, frozenset[int]] = {}
        first = self._close(start, end, known)
        names = {first: 0}
        waiting = [first]
        machine = _Machine([], [])
        for members in waiting:  # it grows
            by_mask: dict[int, set[int]] = {}
            for member in members:
                for mask, target in self._arcs[member]:
                    by_mask.setdefault(mask, set()).add(target)
            codes_of: dict[tuple[int, ...], list[int]] = {}  # characters of the same masks lead to the same states
            for code in range(len(ALPHABET)):
                codes_of.setdefault(tuple(mask for mask in by_mask if mask >> code & 1), []).append(code)
            codes_of.pop((), None)
            edges: list[tuple[int, int]] = []
            for masks, codes in codes_of.items():
                parts = [self._close(target, end, known) for mask in masks for target in by_mask[mask]]
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

    def _close(self, state: int, end: int, known: dict[int, frozenset[int]]) -> frozenset[int]:
        """Return the states that jumps lead to, as far as they have arcs or are the end."""
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


def _is_end(node: tuple[Any, ...]) -> bool:
    """Tell whether a node is a `$` or has nothing but `$` in it."""
    return node == ("anchor", "$") or (node[0] == "either" and all(_is_end(part) for tree in node[1] for part in tree))


def _open_end(tree: Tree) -> Tree:
    """Return what a text begins with if a lookahead lets it pass: without a `$`, anything may follow."""
    match tree[-1] if tree else ():
        case "anchor", "$":
            return tree
        case "either", options:
            return [*tree[:-1], ("either", [_open_end(option) for option in options])]
    return [*tree, ("repeat", [("characters", _ALL)], 0, None, False)]


def _intersect(machine: _Machine, ahead: _Machine, is_negated: bool, budget: _Budget) -> _Machine:
    """Return the automaton of the texts of `machine` that are texts of `ahead` too, or are not if it is negated."""
    lost = -1  # the state of `ahead` from which no text can end
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
