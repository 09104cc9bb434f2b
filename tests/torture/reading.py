"""One dataset, opened and read through: it is a dataset or rejected with an error, and nothing else happens."""

import math
import re
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

from number_generator import DigitImageDataset
from number_generator.errors import NumberGeneratorError
from number_generator.formats.reader import load_arrays, open_reader
from number_generator.job.handwriting import Handwriting
from number_generator.numbers.lists import ListedNumbers
from torture.seeds import JOURNALED, journaled

__all__ = ["LOADED", "REFUSED", "UNSAFE", "WRONG", "outcome"]

LOADED, REFUSED, WRONG = 1, 2, 3
"""What may come of a file. 0 is that of a process that ended before it told."""
UNSAFE = ("hdf5", "index")
"""The kinds that HDF5 reads, which may crash, hang or take much memory, as it may not where it is isolated."""

_MOST_BYTES = 16 << 20
_MOST_IMAGES = 100
_MOST_MEMORY = 200 << 20  # what a file of some kilobytes may take in all, at its peak
_PEAK = re.compile(r"VmHWM:\s*(\d+) kB")
_STATUS, _CLEAR, _CLEAR_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs"), "5"


def outcome(path, kind, *, wholly):
    """Read a dataset through and tell what comes of it, and why that is wrong where it is.

    Parameters
    ----------
    path : Path
    kind : str
        That of its seed.
    wholly : bool
        Whether it is read into memory as a whole, and not in slices.
    """
    odd = []
    before = _peak(from_here=True)
    hook, sys.unraisablehook = sys.unraisablehook, lambda found: odd.append(repr(found.exc_value))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                _READING.get(kind, _read)(path, wholly=wholly)
                result = LOADED
            except NumberGeneratorError as exc:
                result = REFUSED
                # HDF5 asks for what a length claims, is refused it by the system, and says so: nothing was taken.
                odd.extend(text for text in _causes(exc) if "MemoryError: " in text and kind not in UNSAFE)
                if "\n" in str(exc):
                    odd.append(f"an error of several lines: {exc!r}")
    except Exception as exc:  # whatever it is, it is what is looked for
        odd.append("".join(traceback.format_exception(exc))[-2000:])
    finally:
        sys.unraisablehook = hook
    taken = _peak() - before
    if taken > _MOST_MEMORY and kind not in UNSAFE:
        odd.append(f"it took {taken >> 20} MB")
    return (WRONG, "; ".join(odd)) if odd else (result, "")


def _read(path, *, wholly):
    if wholly:
        dataset = load_arrays(path)
        assert len(dataset.images) == len(dataset.labels)
        return
    with open_reader(path) as reader:
        count, *size = reader.array_shape
        assert len(reader) == count
        assert isinstance(reader.metadata, dict)
        fields = reader.fields
        # Whoever asks for more than there is room for is told so by the machine.
        some = min(count, _MOST_IMAGES, max(1, _MOST_BYTES // max(1, math.prod(size))))
        labels = reader.labels(0, some)
        assert [type(label) for label in labels] == [str] * some
        images, sizes = reader.images(0, some), reader.sizes(0, some)
        assert (len(images), images.shape[3:], images.dtype) == (some, tuple(size[2:]), np.uint8)
        assert reader.is_ragged or images.shape[1:] == tuple(size)
        assert (sizes.shape, sizes.dtype) == ((some, 2), np.int32)
        assert (sizes <= size[:2]).all()
        for field in fields:
            truth = reader.truth(field.name, 0, some)
            assert (truth.shape, truth.dtype) == ((some, *field.shape), np.dtype(field.dtype))
        assert reader.truth_names == tuple(field.name for field in fields)
        if count:
            last = reader.image(count - 1)
            if count <= some:
                height, width = sizes[-1]
                assert np.array_equal(last, images[-1, :height, :width])


def _read_digits(path, *, wholly):
    digits = DigitImageDataset()
    digits.load(path)
    if wholly:
        assert digits.atlas.height == digits.get_example_shape()[0]
        assert len(digits.sha256) == 64


def _read_style(path, *, wholly):
    style = Handwriting.from_file(path)
    assert Handwriting.from_dict(style.to_dict()) == style


def _read_numbers(path, *, wholly):
    numbers = ListedNumbers.from_file(path, column="number" if path.suffix == ".csv" else None)
    assert len(numbers.packed) > 0


def _read_journal(path, *, wholly):
    file_format = path.parent.name.removeprefix("journal-of-")
    with journaled(path, file_format) as writer:
        done = []
        assert writer.replay(0, done.append) == sum(done) <= JOURNALED


_READING = {"digits": _read_digits, "style": _read_style, "numbers": _read_numbers, "journal": _read_journal}


def _causes(exc):
    """Return the texts of an error and of what has led to it."""
    seen = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield f"{type(exc).__name__}: {exc}"
        exc = exc.__cause__ or exc.__context__


def _peak(*, from_here=False):
    """Return the most memory that the process has had, or has, from where on it then counts; 0 where nothing tells."""
    try:
        if from_here:
            _CLEAR.write_text(_CLEAR_PEAK)
        return int(_PEAK.search(_STATUS.read_text())[1]) << 10
    except (OSError, TypeError):
        return 0
