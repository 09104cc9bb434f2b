"""Draws from an acyclic automaton: a uniform rank for each image, and the string of that rank.

A state's strings are ranked: first the empty one if the state ends a string, then those of its arcs in order. Counts of
strings have as many 64-bit limbs as they need, lowest first.
"""

from functools import partial
from typing import Any

import numpy as np

from number_generator._kernels import rng
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import NIL, ONE
from number_generator._kernels.vectors import multiply_wide

ARC = 0
"""The column of a state's first arc."""

COUNT = 1
"""The column of the first limb of a state's number of strings."""

TAG = 2
"""The column of a state's tag: -1 where no string ends."""

NODE_SIZE = 3

CODE_BITS = 5
"""The low bits of an arc hold its code, the others its target."""

_CODE = (1 << CODE_BITS) - 1
# Counts of this many limbs fit in one register, or in two.
_FEW = 1
_SEVERAL = 2
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def scale_fraction(words: Any, counts: Any, first: int, limbs: int, out: Any) -> None:
    """Write floor(fraction * count), where the count is `counts[first : first + limbs]`.

    The fraction's digits are `words[1 : limbs + 2]`, highest first. That is one limb more than the count has, so that
    no result is more likely than another by 2**-64 of its chance.
    """
    for j in range(limbs):
        out[j] = NIL
    # Each round adds a digit times the count and drops the lowest limb: the rest stays below the count.
    for k in range(limbs + 1, 0, -1):
        carry = NIL
        for j in range(limbs):
            high, low = multiply_wide(words[k], counts[first + j])
            low = low + out[j]
            high = high + np.uint64(low < out[j])
            low = low + carry
            high = high + np.uint64(low < carry)
            if j > 0:
                out[j - 1] = low
            carry = high
        out[limbs - 1] = carry


@partial(kernel, inline=True)
def _take_one(rest: Any) -> bool:
    """Subtract one and return True, or return False if all limbs of `rest` are 0."""
    for j in range(rest.size):
        if rest[j] != NIL:
            rest[j] = rest[j] - ONE
            for k in range(j):
                rest[k] = _FULL
            return True
    return False


@partial(kernel, inline=True)  # a call counts references to its arrays
def _take(rest: Any, limbs: int, counts: Any, first: int, size: int) -> bool:
    """Subtract a count of `size` limbs from `rest`, which has `limbs`; or return False if it is less."""
    for j in range(limbs - 1, size - 1, -1):
        if rest[j] != NIL:
            break
    else:
        for j in range(size - 1, -1, -1):
            if rest[j] != counts[first + j]:
                if rest[j] < counts[first + j]:
                    return False
                break
    borrow = NIL
    for j in range(size):
        given = rest[j]
        less = given - counts[first + j]
        rest[j] = less - borrow
        borrow = np.uint64(given < counts[first + j]) | np.uint64(less < borrow)
    j = size
    while borrow != NIL:
        borrow = np.uint64(rest[j] == NIL)
        rest[j] = rest[j] - ONE
        j += 1
    return True


@entry_kernel
def draw_numbers(
    seed: int,
    start: int,
    stream: int,
    starts: Any,
    nodes: Any,
    arcs: Any,
    firsts: Any,
    high_firsts: Any,
    counts: Any,
    templates: Any,
    codes: Any,
    offsets: Any,
) -> None:
    """Write the string of each image, starting at `start`, into `codes`, and where each one ends into `offsets`.

    `firsts` and `high_firsts` hold the two limbs of the rank of each arc's first string, for states whose count has at
    most two. `templates` has a row for each tag and is as wide as the longest string, drawn or written. Without rows,
    strings are written as drawn.
    """
    most = np.int64(0)
    for k in range(starts.size):
        most = max(most, nodes[starts[k] + 1, COUNT] - nodes[starts[k], COUNT])
    words = np.empty((most + 2 + 3) // 4 * 4, np.uint64)
    wide = np.empty(most, np.uint64)
    drawn = np.empty(templates.shape[1], np.uint8)
    at = np.int64(0)
    offsets[0] = at
    for i in range(offsets.size - 1):
        image = np.uint64(start) + np.uint64(i)
        word_0, word_1, word_2, _ = rng.philox(NIL, image, NIL, NIL, np.uint64(seed), np.uint64(stream))
        state = np.int64(starts[rng.draw_below(word_0, starts.size)])
        first = nodes[state, COUNT]
        limbs = nodes[state + 1, COUNT] - first
        length = np.int64(0)
        rest = NIL
        is_whole = False
        if limbs == _FEW:
            high = multiply_wide(word_2, counts[first])[0]
            rest, low = multiply_wide(word_1, counts[first])
            rest = rest + np.uint64(low + high < low)
        else:
            rng.fill_words(seed, image, stream, limbs + 2, words)
            for j in range(limbs, most):
                wide[j] = NIL
            scale_fraction(words, counts, first, limbs, wide)
            while limbs > _SEVERAL:
                if nodes[state, TAG] >= 0 and not _take_one(wide):
                    is_whole = True
                    break
                arc = nodes[state, ARC]
                target = np.int64(arcs[arc] >> CODE_BITS)
                first = nodes[target, COUNT]
                size = nodes[target + 1, COUNT] - first
                while _take(wide, limbs, counts, first, size):
                    arc += 1
                    target = np.int64(arcs[arc] >> CODE_BITS)
                    first = nodes[target, COUNT]
                    size = nodes[target + 1, COUNT] - first
                codes[at + length] = arcs[arc] & _CODE
                length += 1
                state = target
                limbs = size
            rest = wide[0]
            high = wide[1]
            while limbs == _SEVERAL and not is_whole:
                if (rest | high) == NIL and nodes[state, TAG] >= 0:
                    is_whole = True
                    break
                arc = nodes[state, ARC]
                last = nodes[state + 1, ARC]
                # Compare all arcs and count: a search that stops would mispredict a branch at every character.
                for k in range(np.uint64(arc + 1), np.uint64(last)):
                    arc += np.int64((high_firsts[k] < high) | ((high_firsts[k] == high) & (firsts[k] <= rest)))
                high = high - high_firsts[arc] - np.uint64(rest < firsts[arc])
                rest = rest - firsts[arc]
                codes[at + length] = arcs[arc] & _CODE
                length += 1
                state = np.int64(arcs[arc] >> CODE_BITS)
                limbs = nodes[state + 1, COUNT] - nodes[state, COUNT]
        while not is_whole:
            if rest == NIL and nodes[state, TAG] >= 0:
                break
            arc = nodes[state, ARC]
            last = nodes[state + 1, ARC]
            for k in range(np.uint64(arc + 1), np.uint64(last)):
                arc += np.int64(firsts[k] <= rest)
            rest = rest - firsts[arc]
            codes[at + length] = arcs[arc] & _CODE
            length += 1
            state = np.int64(arcs[arc] >> CODE_BITS)
        if templates.shape[0]:
            for k in range(length):
                drawn[k] = codes[at + k]
            tag = nodes[state, TAG]
            length = np.int64(0)
            entry = np.int64(templates[tag, 0])
            while entry != -1 - _CODE:
                codes[at + length] = drawn[entry] if entry >= 0 else np.uint8(-1 - entry)
                length += 1
                entry = np.int64(templates[tag, length])
        at += length
        offsets[i + 1] = at
