"""Draws of what a line holds and where: digits, glyph ids, left edges. No pixels."""

from typing import Any

import numpy as np

from number_generator._kernels import rng, streams
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import ONE

_PHONE_LENGTHS = 2  # 10 or 11 digits
_DIGITS = np.uint64(10)


@entry_kernel
def draw_phone_lengths(seed: int, start: int, shortest: int, out: Any) -> None:
    """Write the number of digits, `shortest` or one more with equal chance, of each image, starting at `start`."""
    words = np.empty(4, np.uint64)
    for i in range(out.size):
        rng.fill_words(seed, np.uint64(start) + np.uint64(i), streams.LENGTH, 1, words)
        out[i] = shortest + rng.draw_below(words[0], _PHONE_LENGTHS)


@entry_kernel
def draw_phone_digits(seed: int, start: int, offsets: Any, out: Any) -> None:
    """Write a 0, a digit from 1 to 9, then digits from 0 to 9 into `out[offsets[i] : offsets[i + 1]]`."""
    words = np.empty(12, np.uint64)
    for i in range(offsets.size - 1):
        first = offsets[i]
        count = offsets[i + 1] - first
        rng.fill_words(seed, np.uint64(start) + np.uint64(i), streams.DIGIT, count, words)
        out[first] = 0
        out[first + 1] = 1 + rng.draw_below(words[1], 9)
        for k in range(2, count):
            out[first + k] = rng.draw_below(words[k], 10)


@entry_kernel
def group_phone_digits(codes: Any, offsets: Any, dash: int, out: Any) -> None:
    """Write each number with a dash after its first three digits and before its last four."""
    to = np.int64(0)
    for i in range(offsets.size - 1):
        first, stop = offsets[i], offsets[i + 1]
        for k in range(first, stop):
            if k in (first + 3, stop - 4):
                out[to] = dash
                to += 1
            out[to] = codes[k]
            to += 1


@entry_kernel
def write_labels(codes: Any, offsets: Any, letters: Any, out: Any) -> None:
    """Write the letters of each sequence's codes into its row of `out` (n, longest), padded with NUL.

    A code beyond `letters` is left out.
    """
    for i in range(out.shape[0]):
        count = np.int64(0)
        for k in range(offsets[i], offsets[i + 1]):
            code = codes[k]
            if code < letters.size:
                out[i, count] = letters[code]
                count += 1
        out[i, count:] = 0


@entry_kernel
def draw_listed(seed: int, start: int, stream: int, count: int, out: Any) -> None:
    """Draw one of `count` listed sequences for each image, starting at `start`."""
    words = np.empty(4, np.uint64)
    for i in range(out.size):
        rng.fill_words(seed, np.uint64(start) + np.uint64(i), stream, 1, words)
        out[i] = rng.draw_below(words[0], count)


@entry_kernel
def gather(codes: Any, offsets: Any, chosen: Any, out_offsets: Any, out: Any) -> None:
    """Copy the chosen sequences, one after the other."""
    for i in range(chosen.size):
        first = offsets[chosen[i]]
        to = out_offsets[i]
        for k in range(out_offsets[i + 1] - to):
            out[to + k] = codes[first + k]


@kernel
def pick_glyph(word: int, code: int, shares: Any) -> int:
    """Draw a glyph of a digit whose sources have their own shares: first the source, then one of its glyphs.

    `shares` is that of `GlyphAtlas`. One word draws both.
    """
    stops, each, first = shares
    drawn = rng.draw_below(word, stops[code, stops.shape[1] - 1])
    source, begin = np.int64(0), np.int64(0)
    while drawn >= stops[code, source]:
        begin = stops[code, source]
        source += 1
    return first[code, source] + (drawn - begin) // each[code, source]


@kernel
def draw_gap(word: int, spacing_range: Any) -> int:
    """Turn a uniform 64-bit word into a gap from the smallest to the largest, both included."""
    smallest, largest = spacing_range
    return smallest + rng.draw_below(word, largest - smallest + 1)


@entry_kernel
def lay_out(
    seed: int,
    numbers: Any,
    codes: Any,
    offsets: Any,
    class_start: Any,
    glyph_column: Any,
    spacing_range: Any,
    glyph_ids: Any,
    lefts: Any,
    natural: Any,
    shares: Any = None,
) -> None:
    """Draw glyphs and gaps: `glyph_ids` and `lefts` per digit, `natural` widths per line; `numbers` are the images'.

    `spacing_range` holds the smallest and the largest gap. The line starts at column 0. `shares` is None
    if all glyphs of a digit have the same chance, and then the shares are not compiled in.
    """
    longest = 0
    for i in range(natural.size):
        longest = max(longest, offsets[i + 1] - offsets[i])
    glyph_words = np.empty(longest + 4, np.uint64)
    gap_words = np.empty(longest + 4, np.uint64)
    for i in range(natural.size):
        first = offsets[i]
        count = offsets[i + 1] - first
        image = numbers[i]
        rng.fill_words(seed, image, streams.GLYPH, count, glyph_words)
        rng.fill_words(seed, image, streams.SPACING, count - 1, gap_words)
        left = np.int64(0)
        right = np.int64(0)
        # Indices are unsigned: numba checks signed ones for being negative each time.
        for k in range(np.uint64(count)):
            at = np.uint64(first) + k
            code = np.uint64(codes[at])
            lowest = class_start[code]
            glyph = np.uint64(lowest + rng.draw_below(glyph_words[k], class_start[code + ONE] - lowest))
            if shares is not None and code < _DIGITS:
                glyph = np.uint64(pick_glyph(glyph_words[k], np.int64(code), shares))
            glyph_ids[at] = glyph
            lefts[at] = left
            right = left + glyph_column[glyph + ONE] - glyph_column[glyph] - 1  # less the blank column between them
            left = right + draw_gap(gap_words[k], spacing_range)  # unused after the last digit
        natural[i] = right


@entry_kernel
def sample_glyph(seed: int, image: int, count: int) -> int:
    """Draw one of `count` glyphs, as the first digit of image number `image` would."""
    words = np.empty(4, np.uint64)
    rng.fill_words(seed, image, streams.GLYPH, 1, words)
    return rng.draw_below(words[0], count)
