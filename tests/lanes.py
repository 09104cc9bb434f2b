"""Memory around what a vector operation writes: bytes of 77 on either side, at odd addresses."""

import numpy as np

CANARY = 77
MARGIN = 131  # bytes of it on either side: more than the longest vector, and odd


def wrapped(value):
    """Bring an integer into int32's range, as its arithmetic does."""
    return (value + 2**31) % 2**32 - 2**31


def unaligned(values):
    """Return the bytes of an array, at an odd address."""
    content = values.tobytes()
    room = np.zeros(len(content) + 2, np.uint8)
    shifted = room[1 - room.ctypes.data % 2 :][: len(content)]
    shifted[:] = np.frombuffer(content, np.uint8)
    assert len(content) == 0 or shifted.ctypes.data % 2 == 1
    return shifted


def guarded(size):
    """Return canary bytes, and the part of them, at an odd address, of which `size` may be written."""
    room = np.full(2 * MARGIN + size + 1, CANARY, np.uint8)
    room = room[room.ctypes.data % 2 :]
    return room, room[MARGIN : MARGIN + size]


def assert_written(room, expected):
    """Hold canary bytes against what should have been written in their middle."""
    assert room[MARGIN : MARGIN + len(expected)].tolist() == list(expected)
    assert (room[:MARGIN] == CANARY).all()
    assert (room[MARGIN + len(expected) :] == CANARY).all()
