"""Resampling weights, as Pillow computes them for 8-bit images: LANCZOS with support 3.

The weights of one resize are packed into one int32 array: for each output position its first source position and
the number of weights, then `tap_stride` weights for each output position.
"""

import math
from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.simd import PRECISION_BITS

__all__ = ["pack_taps", "packed_size", "tap_stride"]

_SUPPORT = 3.0
_ONE = float(1 << PRECISION_BITS)


@kernel
def tap_stride(source: int, target: int) -> int:
    """Give the most weights that one output position can have."""
    return np.int64(math.ceil(_SUPPORT * max(1.0, source / target))) * 2 + 1


@kernel
def packed_size(source: int, target: int) -> int:
    """Give the int32 values that the weights of a resize from `source` to `target` take."""
    return target * (2 + tap_stride(source, target))


@kernel
def _lanczos(x: float) -> float:
    """Evaluate the Lanczos window of three lobes.

    `sin` is the platform's: where two differ in the last bit, the 22-bit weights agree but for one in a billion.
    """
    if x == 0.0:
        return 1.0
    if not -_SUPPORT <= x < _SUPPORT:
        return 0.0
    # The order of operations is Pillow's: sinc(x) * sinc(x / 3), each as sin(t) / t.
    wide = x * math.pi
    narrow = x / _SUPPORT * math.pi
    return (math.sin(wide) / wide) * (math.sin(narrow) / narrow)


@kernel
def pack_taps(source: int, target: int, position: int, out: Any) -> None:
    """Write the weights of a resize from `source` to `target` pixels to `out[position:]`.

    The arithmetic follows Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` step by step: weights are
    normalised in double precision, then rounded to 22-bit fixed point with halves away from zero.
    """
    scale = source / target
    filter_scale = max(1.0, scale)
    support = _SUPPORT * filter_scale
    inverse = 1.0 / filter_scale
    stride = tap_stride(source, target)
    weights = np.empty(stride, np.float64)
    for i in range(target):
        center = (i + 0.5) * scale
        first = np.int64(max(0.0, center - support + 0.5))
        count = min(np.int64(center + support + 0.5), source) - first
        total = 0.0
        for k in range(count):
            weights[k] = _lanczos((k + first - center + 0.5) * inverse)
            total += weights[k]
        out[position + 2 * i] = first
        out[position + 2 * i + 1] = count
        row = position + 2 * target + i * stride
        for k in range(count):
            weight = weights[k] / total if total != 0.0 else weights[k]
            # Truncate after adding a half, as Pillow does: np.rint differs on exact ties.
            out[row + k] = np.int32(weight * _ONE + (0.5 if weight >= 0.0 else -0.5))
