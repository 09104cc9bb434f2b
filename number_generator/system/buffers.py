"""Memory of large batches: when one is dropped, the next one of about its size is given the same memory.

New pages come from the system filled with zeros, 0.4 us for an image of 28 x 100 px that is drawn in 2.3 us. The C
library keeps what is freed for the next who asks, as allocators do, but only blocks of up to 32 MiB.
"""

import weakref
from collections import deque

import numpy as np
import numpy.typing as npt

__all__ = ["uninitialised_bytes"]

_SMALLEST = 32 * 2**20  # below, the C library does it
_LARGEST = 128 * 2**20  # what a process holds at the most while no batch is alive

# At most one block, and none that is in use. A deque, as giving back may come at any moment, in any thread.
_spare: deque[npt.NDArray[np.uint8]] = deque(maxlen=1)


def uninitialised_bytes(size: int) -> npt.NDArray[np.uint8]:
    """Give an array of `size` bytes of any content, shape (size,), that nothing else refers to.

    Raises
    ------
    MemoryError, ValueError
        If there is no such memory.
    """
    if not _SMALLEST < size <= _LARGEST:
        return np.empty(size, np.uint8)
    block = _taken(size)
    if block is None:
        block = np.empty(size, np.uint8)
    # All views of an array refer to it, and it alone refers to the block's memoryview: when it dies, no view is left.
    array = np.frombuffer(block.data, np.uint8, size)
    weakref.finalize(array, _spare.append, block).atexit = False
    return array


def _taken(size: int) -> npt.NDArray[np.uint8] | None:
    """Take the spare block if it is large enough, and not much larger."""
    try:
        block = _spare.pop()
    except IndexError:
        return None
    return block if size <= len(block) <= 2 * size else None
