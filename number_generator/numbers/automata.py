"""Finite languages as acyclic automata, and numbers drawn uniformly from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from number_generator.job.spec import MAX_LENGTH, Sequences, Span
from number_generator.numbers.sequences import ALPHABET

Edges = Sequence[tuple[int, int]]
"""The edges out of a state: codes, which index `numbers.ALPHABET`, each with the state that it leads to."""

_MAX_ARCS = 2**23
_MAX_LIMBS = 2**23  # 64 MiB
_MAX_PAIRS = 2**18
_LIMB_BITS = 64


class LanguageError(ValueError):
    """A language cannot be drawn from. The message continues a sentence that begins with the language's name."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """A finite set of strings, or several, as a deterministic automaton without cycles. Make one with `build`.

    Attributes
    ----------
    edges : tuple of tuple of (int, int)
        For each state: its edges, by ascending code. They lead to states with smaller numbers.
    tags : tuple of int
        For each state: -1 if no string ends there, else 0 or more. Tags tell kinds of strings apart.
    starts : tuple of int
        Where strings begin. A state may occur more than once.
    """

    edges: tuple[tuple[tuple[int, int], ...], ...]
    tags: tuple[int, ...]
    starts: tuple[int, ...]

    @classmethod
    def build(cls, edges: Sequence[Edges], tags: Sequence[int], starts: Iterable[int]) -> "Automaton":
        """Build the smallest automaton of the same strings: equal states are merged, useless ones dropped.

        The arguments are as in the class, but for edges in any order and to any state. Starts at which no string begins
        are left out. LanguageError if there are no strings, infinitely many, or one of more than 10,000 characters.
        """
        useful = _find_useful(edges, tags)
        wanted = [start for start in starts if useful[start]]
        if not wanted:
            raise LanguageError("matches no number at all: give an expression that matches some")
        merged: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        renamed: dict[int, int] = {}
        for state in _order_targets_first(edges, useful, wanted):
            arcs = sorted((code, renamed[target]) for code, target in edges[state] if useful[target])
            renamed[state] = merged.setdefault((tags[state], tuple(arcs)), len(merged))
        automaton = cls(
            tuple(arcs for _, arcs in merged),
            tuple(tag for tag, _ in merged),
            tuple(renamed[start] for start in wanted),
        )
        if automaton.longest > MAX_LENGTH:
            raise LanguageError(
                f"matches numbers of {automaton.longest} characters: at most {MAX_LENGTH} are possible; repeat less"
            )
        return automaton

    @property
    def longest(self) -> int:
        """The most characters of a string."""
        lengths: list[int] = []
        for arcs in self.edges:
            lengths.append(max((1 + lengths[target] for _, target in arcs), default=0))
        return max(lengths[start] for start in self.starts)

    def count_completions(self) -> list[int]:
        """Count the strings that each state can be continued to."""
        counts: list[int] = []
        limbs = 0
        for arcs, tag in zip(self.edges, self.tags, strict=True):
            counts.append((tag >= 0) + sum(counts[target] for _, target in arcs))
            limbs += counts[-1].bit_length() // _LIMB_BITS + 1
            if limbs > _MAX_LIMBS:
                raise LanguageError("is too large to count: give fewer or shorter repeats")
        return counts

    def join(self, other: "Automaton") -> "Automaton":
        """Return an automaton of the starts of both, these first."""
        first = len(self.edges)
        moved = [[(code, first + target) for code, target in arcs] for arcs in other.edges]
        return Automaton.build(
            [*self.edges, *moved], [*self.tags, *other.tags], [*self.starts, *(first + start for start in other.starts)]
        )

    def split_by_length(self) -> "Automaton":
        """Return an automaton of one start with a start for each length that occurs, the shortest first."""
        (start,) = self.starts
        # A state with a number of characters to come becomes a state; equal ones are merged.
        merged: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        pairs: list[dict[int, int]] = []
        made = 0
        for arcs, tag in zip(self.edges, self.tags, strict=True):
            lengths = {1 + length for _, target in arcs for length in pairs[target]}
            made += len(lengths)
            if made > _MAX_PAIRS:
                raise LanguageError("is too large to draw with equal lengths: give fewer lengths, or proportional")
            names: dict[int, int] = {}
            if tag >= 0:
                names[0] = merged.setdefault((tag, ()), len(merged))
            for length in sorted(lengths):
                onward = tuple(
                    (code, pairs[target][length - 1]) for code, target in arcs if length - 1 in pairs[target]
                )
                names[length] = merged.setdefault((-1, onward), len(merged))
            pairs.append(names)
        names = pairs[start]
        return Automaton.build(
            [arcs for _, arcs in merged], [tag for tag, _ in merged], [names[length] for length in sorted(names)]
        )


class Sampler:
    """An automaton as tables for the kernel. Threads may share it.

    A start is drawn, each with equal chance, then one of its strings, each with equal chance up to a relative error of
    2**-64.

    Parameters
    ----------
    automaton : Automaton
    templates : sequence of sequences of int
        How a string is written, indexed by its tag: an entry of 0 or more copies that character of the string, a
        negative one writes the code `-1 - entry`. Without any, strings are written as drawn.

    Attributes
    ----------
    longest : int
        The most characters of a written string.
    alphabet : str
        The characters that a written string can hold.
    counts : tuple of int
        How many strings each start has.

    Raises
    ------
    LanguageError
        If the tables would be too large.
    """

    def __init__(self, automaton: Automaton, templates: Sequence[Sequence[int]] = ()) -> None:
        from number_generator._kernels.automata import CODE_BITS, NODE_SIZE  # noqa: PLC0415 - loads when it is used

        completions = automaton.count_completions()
        sizes = [max(1, -(-count.bit_length() // _LIMB_BITS)) for count in completions]
        arcs = np.array([target << CODE_BITS | code for arcs in automaton.edges for code, target in arcs], np.int64)
        if len(arcs) > _MAX_ARCS:
            raise LanguageError("is too large: give fewer or shorter repeats")
        nodes = np.zeros((len(automaton.edges) + 1, NODE_SIZE), np.int64)
        np.cumsum([len(arcs) for arcs in automaton.edges], out=nodes[1:, 0])
        np.cumsum(sizes, out=nodes[1:, 1])
        nodes[:-1, 2] = automaton.tags
        limbs = b"".join(count.to_bytes(8 * size, "little") for count, size in zip(completions, sizes, strict=True))
        counts = np.frombuffer(limbs, "<u8").astype(np.uint64)
        drawn = automaton.longest
        self.longest = max(map(len, templates), default=drawn)
        codes = {code for arcs in automaton.edges for code, _ in arcs}
        for tag in {tag for tag in automaton.tags if tag >= 0} if templates else ():
            codes |= {-1 - entry for entry in templates[tag] if entry < 0}
        self.alphabet = "".join(ALPHABET[code] for code in sorted(codes))
        rows = np.full((len(templates), max(drawn, self.longest) + 1), -1 << CODE_BITS, np.int16)
        for row, entries in zip(rows, templates, strict=True):
            row[: len(entries)] = entries
        starts = np.array(automaton.starts, np.int64)
        ranks = _find_first_ranks(automaton, completions)
        firsts = np.array([rank % 2**_LIMB_BITS for rank in ranks], np.uint64)
        high_firsts = np.array([rank >> _LIMB_BITS for rank in ranks], np.uint64)
        self.counts = tuple(completions[start] for start in automaton.starts)
        self._tables = starts, nodes, arcs, firsts, high_firsts, counts, rows

    def draw(self, seed: int, span: Span, stream: int) -> Sequences:
        """Draw the strings of the images in `span`; slot 0 of `stream` chooses the start, slots 1 and up the string."""
        from number_generator._kernels.automata import draw_numbers  # noqa: PLC0415 - loads when it is used

        width = self._tables[-1].shape[1]
        codes = np.empty(len(span) * self.longest + width, np.uint8)  # holds a string as drawn, then as written
        offsets = np.empty(len(span) + 1, np.int64)
        draw_numbers(np.uint64(seed), np.uint64(span.start), np.uint64(stream), *self._tables, codes, offsets)
        return Sequences(codes[: offsets[-1]].copy(), offsets)


def _find_useful(edges: Sequence[Edges], tags: Sequence[int]) -> list[bool]:
    """Tell for each state whether a string ends there or later."""
    sources: list[list[int]] = [[] for _ in edges]
    for state, arcs in enumerate(edges):
        for _, target in arcs:
            sources[target].append(state)
    useful = [tag >= 0 for tag in tags]
    waiting = [state for state, is_useful in enumerate(useful) if is_useful]
    while waiting:
        for state in sources[waiting.pop()]:
            if not useful[state]:
                useful[state] = True
                waiting.append(state)
    return useful


def _order_targets_first(edges: Sequence[Edges], useful: Sequence[bool], starts: Iterable[int]) -> list[int]:
    """Order the useful states that the starts reach, each after all that it leads to. Reject cycles."""
    order: list[int] = []
    is_open: dict[int, bool] = {}
    waiting = list(dict.fromkeys(starts))
    while waiting:
        state = waiting[-1]
        if state not in is_open:
            is_open[state] = True
            for _, target in edges[state]:
                if useful[target]:
                    if is_open.get(target):
                        raise LanguageError(r"matches infinitely many numbers: give a limit, as in \d{1,12}")
                    if target not in is_open:
                        waiting.append(target)
        else:
            waiting.pop()
            if is_open[state]:
                is_open[state] = False
                order.append(state)
    return order


def _find_first_ranks(automaton: Automaton, completions: Sequence[int]) -> list[int]:
    """Return the rank of each edge's first string in its state; 0 if the state's count takes more than two limbs."""
    ranks = []
    for arcs, tag, count in zip(automaton.edges, automaton.tags, completions, strict=True):
        rank = int(tag >= 0)
        for _, target in arcs:
            ranks.append(rank if count < 1 << 2 * _LIMB_BITS else 0)
            rank += completions[target]
    return ranks
