"""Resampling weights that all threads share: computed once per natural width, in bounded memory."""

import threading
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from number_generator._kernels import render
from number_generator._kernels import taps as kernels
from number_generator.rendering.fitting import Fitting

TapArrays = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]
"""Column weights, and where those of each natural width begin; row weights, and where those of each height begin."""

_POOL_VALUES = 8 * 2**20  # 32 MiB of int32 an axis, far more than phone numbers need (2 MiB)
_MAX_KEYS = 2**20  # wider lines are rare, and their weights larger than the pool


class SharedTaps:
    """The weights for digits of one height on pages of one size.

    `shape` is that of `render_lines`. Weights that do not fit in the pool are left out: the kernel packs them when it
    meets such a line.
    """

    def __init__(self, shape: Fitting) -> None:
        digits, height, width, _ = shape
        self._shape = shape
        self._widest = width if height == digits else 0  # of the lines that are not resized
        self._columns = _Pool()
        self._rows = _Pool()
        self._lock = threading.Lock()

    def prepare(self, natural: npt.NDArray[np.int64]) -> TapArrays:
        """Return arrays that hold the weights for lines of these natural widths.

        They are safe to read without a lock: a later call writes to other parts of them, or makes new arrays.
        """
        # The usual case runs in compiled code: NumPy would release the GIL some five times, and wait for it each time.
        starts = self._columns.starts
        if kernels.are_packed(natural, self._widest, starts):
            # `values` is read after `starts`: whichever array it is by now, it holds the weights.
            return self._columns.values, starts, self._rows.values, self._rows.starts
        wide = natural[natural > self._widest]
        missing = wide[~self._columns.holds(wide)]
        digits = self._shape[0]
        with self._lock:
            lines = np.unique(missing)
            sizes = np.empty((len(lines), 2), np.int64)
            render.fit_lines(lines, self._shape, sizes)
            for line, (across, down) in zip(lines.tolist(), sizes.tolist(), strict=True):
                if down != digits:
                    self._rows.add(2 * down, digits, down, 0)
                    self._rows.add(2 * down + 1, digits, down, 1)
                # Last: a thread that finds a line's columns without the lock must find its rows as well.
                self._columns.add(line, line, across, 0)
            return self._columns.values, self._columns.starts, self._rows.values, self._rows.starts


class _Pool:
    """Packed weights of many resizes in one growing array."""

    def __init__(self) -> None:
        self.values = np.empty(2**16, np.int32)
        self.starts = np.full(2**10, -1, np.int64)
        self._used = 0

    def holds(self, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell which keys have weights."""
        starts = self.starts
        inside = np.minimum(keys, starts.size - 1)
        return np.asarray((starts[inside] >= 0) & (inside == keys))

    def add(self, key: int, source: int, target: int, odd: int) -> None:
        """Pack the weights of a resize under `key`, unless they are packed already or do not fit."""
        if key >= _MAX_KEYS or (key < self.starts.size and self.starts[key] >= 0):
            return
        end = self._used + kernels.packed_size(source, target)
        if end > _POOL_VALUES:
            return
        # Growing makes new arrays, so that those returned earlier stay valid.
        if end > self.values.size:
            values = np.empty(min(_POOL_VALUES, max(end, 2 * self.values.size)), np.int32)
            values[: self._used] = self.values[: self._used]
            self.values = values
        if key >= self.starts.size:
            starts = np.full(2 * key, -1, np.int64)
            starts[: self.starts.size] = self.starts
            self.starts = starts
        kernels.pack_taps(source, target, odd, self._used, self.values)
        self.starts[key] = self._used
        self._used = end


@lru_cache(maxsize=8)
def find_shared_taps(shape: Fitting) -> SharedTaps:
    """Return the weights for digits and pages as `SharedTaps` takes them, the same object for all callers."""
    return SharedTaps(shape)
