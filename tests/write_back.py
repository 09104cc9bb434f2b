"""A stand-in for the system call that asks for data to be written to disk early."""

import os


class Requests:
    """A stand-in for `os.posix_fadvise` that notes what is asked of it, and how large the file is by then."""

    def __init__(self, error=None):
        self.ranges, self.sizes, self.descriptors, self.advice, self._error = [], [], set(), set(), error

    def __call__(self, descriptor, start, length, advice):
        self.ranges.append((start, start + length))
        self.sizes.append(os.fstat(descriptor).st_size)
        self.descriptors.add(descriptor)
        self.advice.add(advice)
        if self._error is not None:
            raise self._error

    def check(self, least):
        """Assert that the ranges join one another from 0 on, none too short, none beyond the file."""
        assert [start for start, _ in self.ranges] == [0, *(stop for _, stop in self.ranges)][: len(self.ranges)]
        assert all(stop - start >= least for start, stop in self.ranges)
        assert all(stop <= size for (_, stop), size in zip(self.ranges, self.sizes, strict=True))
        assert self.advice <= {os.POSIX_FADV_DONTNEED}
        assert len(self.descriptors) <= 1


def note_requests(monkeypatch, error=None):
    """Put a stand-in in place of `os.posix_fadvise`, and return it."""
    made = Requests(error)
    monkeypatch.setattr(os, "posix_fadvise", made, raising=False)
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    return made
