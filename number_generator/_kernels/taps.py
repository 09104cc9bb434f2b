"""Resampling weights, as Pillow computes them for 8-bit images: LANCZOS with support 3.

The passes take source positions two at a time, so weights are packed by pairs. Pair j of a resize holds the
source positions 2 * j - odd and the next one; `odd` is 0 or 1, so that pairs can begin at any position. A resize is
one int32 array:

    entries   (target, 3)  for each output position: its first pair, its number of pairs, and where its weights begin,
                           in bytes after this entry
    weights   two values per pair, for one output position after the other: the low 15 bits of its two weights, then
              the rest of them, each time two int16 in one int32 (the first position in the lower half)
"""

import math
from typing import Any

import numpy as np

from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.vectors import LOW_BITS, PRECISION_BITS

_ENTRY = 3
ENTRY_SIZE = 4 * _ENTRY
"""Bytes of an entry."""
PAIR_SIZE = 8
"""Bytes of a pair's weights."""

_SUPPORT = 3.0
_ONE = float(1 << PRECISION_BITS)
_LOW = (1 << LOW_BITS) - 1


@kernel
def _most_pairs(source: int, target: int) -> int:
    """Return the most pairs that one output position can take."""
    return np.int64(math.ceil(_SUPPORT * max(1.0, source / target))) + 1


@entry_kernel
def packed_size(source: int, target: int) -> int:
    """Return the most int32 values that a resize from `source` to `target` can take."""
    return target * (_ENTRY + 2 * _most_pairs(source, target))


@kernel
def _lanczos(x: float) -> float:
    """Evaluate the Lanczos window of three lobes.

    `sin` is the platform's: where two platforms differ in the last bit, all but one in a billion 22-bit weights agree.
    """
    if x == 0.0:
        return 1.0
    if not -_SUPPORT <= x < _SUPPORT:
        return 0.0
    # The order of operations is Pillow's: sinc(x) * sinc(x / 3), each as sin(t) / t.
    wide = x * math.pi
    narrow = x / _SUPPORT * math.pi
    return (math.sin(wide) / wide) * (math.sin(narrow) / narrow)


@entry_kernel
def are_packed(natural: Any, width: int, starts: Any) -> bool:
    """Tell whether `starts` has a position for every line that is wider than `width`, which may be 0."""
    for i in range(natural.size):
        line = natural[i]
        if line > width and (line >= starts.size or starts[line] < 0):
            return False
    return True


@entry_kernel
def pack_taps(source: int, target: int, odd: int, position: int, out: Any) -> None:
    """Write the weights of a resize from `source` to `target` pixels into `out[position:]`.

    The arithmetic follows Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` step by step: weights are
    normalised in double precision, then rounded to 22-bit fixed point with halves away from zero.
    """
    scale = source / target
    filter_scale = max(1.0, scale)
    support = _SUPPORT * filter_scale
    inverse = 1.0 / filter_scale
    weights = np.empty(2 * _most_pairs(source, target), np.float64)
    fixed = np.empty(weights.size, np.int64)
    at = position + _ENTRY * target
    for i in range(target):
        center = (i + 0.5) * scale
        first = np.int64(max(0.0, center - support + 0.5))
        count = min(np.int64(center + support + 0.5), source) - first
        total = 0.0
        for k in range(count):
            weights[k] = _lanczos((k + first - center + 0.5) * inverse)
            total += weights[k]
        pairs = ((first + count + odd + 1) >> 1) - ((first + odd) >> 1)
        fixed[: 2 * pairs] = 0
        for k in range(count):
            weight = weights[k] / total if total != 0.0 else weights[k]
            # Truncate after adding a half, as Pillow does: np.rint differs on exact ties.
            fixed[((first + odd) & 1) + k] = np.int64(weight * _ONE + (0.5 if weight >= 0.0 else -0.5))
        out[position + _ENTRY * i] = (first + odd) >> 1
        out[position + _ENTRY * i + 1] = pairs
        out[position + _ENTRY * i + 2] = 4 * (at - position - _ENTRY * i)
        for pair in range(pairs):
            low, high = fixed[2 * pair], fixed[2 * pair + 1]
            out[at] = np.int32((low & _LOW) | ((high & _LOW) << 16))
            out[at + 1] = np.int32(((low >> LOW_BITS) & 0xFFFF) | ((high >> LOW_BITS) << 16))
            at += 2
