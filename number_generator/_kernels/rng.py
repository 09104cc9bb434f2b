"""Counter-based random draws: Philox 4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).

Every draw is a pure function of (seed, image number, stream, slot): the key is (seed, stream), the counter is
(slot // 4, image number, 0, 0), and the slot takes word `slot % 4` of the block. So image i is the same whatever
was drawn before it. Each purpose has its own stream: see `streams`. A draw for the whole job has its own stream too,
at image number 0.
"""

from functools import partial
from typing import Any

import numpy as np

from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import NIL, ONE, THREE, TWO
from number_generator._kernels.vectors import multiply_wide

_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)


@partial(kernel, inline=True)  # a call would take as long as the block itself
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Return the four words of the block with counter (c0, c1, c2, c3) and key (k0, k1), all uint64."""
    for _ in range(10):
        high_0, low_0 = multiply_wide(_MULTIPLIER_0, c0)
        high_1, low_1 = multiply_wide(_MULTIPLIER_1, c2)
        c0 = high_1 ^ c1 ^ k0
        c1 = low_1
        c2 = high_0 ^ c3 ^ k1
        c3 = low_0
        k0 = k0 + _WEYL_0
        k1 = k1 + _WEYL_1
    return c0, c1, c2, c3


@entry_kernel
def fill_words(seed: int, image: int, stream: int, count: int, out: Any) -> None:
    """Write the words of slots 0 to `count` - 1 to `out`, which has room for whole blocks."""
    for block in range((count + 3) >> 2):
        words = philox(np.uint64(block), np.uint64(image), NIL, NIL, np.uint64(seed), np.uint64(stream))
        first = np.uint64(4 * block)  # numba checks a signed index for being negative
        out[first], out[first + ONE], out[first + TWO], out[first + THREE] = words


@entry_kernel
def draw_below(word: int, count: int) -> int:
    """Turn a uniform 64-bit word into a uniform integer from 0 to `count` - 1, with a bias below count / 2**64."""
    return np.int64(multiply_wide(word, np.uint64(count))[0])
