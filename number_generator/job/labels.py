"""Labels inside: arrays of UTF-8 bytes of fixed length, padded with NUL. A character may take several bytes."""

from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.bytes_]

_FIRST_BEYOND_ASCII = 0x80
_KIND, _CONTINUATION = 0xC0, 0x80  # the upper two bits of a byte, and what they are in all but a character's first byte


def count_characters(labels: Labels) -> npt.NDArray[np.int64]:
    """Count the characters of each label.

    Examples
    --------
    >>> import numpy as np
    >>> count_characters(np.array(["€5".encode(), b"12:30"])).tolist()
    [2, 5]
    """
    held = _view_bytes(labels)
    counts = np.char.str_len(labels)
    if _goes_beyond_ascii(held):
        counts -= np.count_nonzero((held & _KIND) == _CONTINUATION, axis=1)
    return counts


def decode_labels(labels: Labels) -> npt.NDArray[np.str_]:
    """Return labels as text; UnicodeDecodeError if they are not UTF-8.

    Examples
    --------
    >>> import numpy as np
    >>> decode_labels(np.array(["€5".encode(), b"12:30"])).tolist()
    ['€5', '12:30']
    """
    if _goes_beyond_ascii(_view_bytes(labels)):
        return np.char.decode(labels, "utf-8")
    return labels.astype(np.str_)  # a tenth of the time


def _view_bytes(labels: Labels) -> npt.NDArray[np.uint8]:
    """Return labels as bytes, shape (n, length)."""
    array: npt.NDArray[Any] = np.ascontiguousarray(labels)
    return array.view(np.uint8).reshape(len(array), -1) if array.size else np.zeros((len(array), 1), np.uint8)


def _goes_beyond_ascii(held: npt.NDArray[np.uint8]) -> bool:
    return bool(held.max(initial=0) >= _FIRST_BEYOND_ASCII)
