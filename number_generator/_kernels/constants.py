"""Numbers of the types that kernels calculate with.

To numba a literal has a type of its own, for which kernels would be compiled again, and a literal beside an unsigned
integer makes a float.
"""

import numpy as np

NIL = np.uint64(0)
ONE = np.uint64(1)
TWO = np.uint64(2)
THREE = np.uint64(3)
FOUR = np.uint64(4)
FIVE = np.uint64(5)
LOW_16 = np.uint64(0xFFFF)
F0 = np.float32(0.0)
HALF = np.float32(0.5)
F1 = np.float32(1.0)
WHITE = np.float32(255.0)
# 1.5 * 2**23: added and subtracted again, it rounds a float32 below 2**22 to an integer, half to even, in any
# instruction set.
ROUNDER = np.float32(12582912.0)
CACHE_LINE = 64
"""Bytes that are fetched from memory at once."""
