"""HDF5 files in chunks, damage to them, and what HDF5 itself reads of them."""

import os
import subprocess
import sys

import h5py
import numpy as np
from patience import PATIENCE_S

from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader

COUNT, LENGTH = 50, 8
IMAGES = np.random.default_rng(1).integers(0, 256, (COUNT, 3, 4), dtype=np.uint8)
LABELS = np.array([f"{number}" for number in range(COUNT)], "S4")
GZIP = {"chunks": (LENGTH, 3, 4), "compression": "gzip"}


def write(path, images=IMAGES, labels=LABELS, *, libver=None, **options):
    """Write images as the options say, with labels in chunks of 8 under gzip."""
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset("images", data=images, **(options or GZIP))
        labels_options = {"chunks": (LENGTH,), "maxshape": (None,), "compression": "gzip"}
        file.create_dataset("labels", data=labels, **labels_options)
    return path


def replace_chunk(path, data, *, mask=0, name="images", number=1):
    """Put other bytes in the place of a chunk, the second one if nothing else is said."""
    with h5py.File(path, "r+") as file:
        dataset = file[name]
        offset = (number * dataset.chunks[0], *(0 for _ in dataset.shape[1:]))
        # HDF5 forgets to write the mask where the size stays what it was.
        dataset.id.write_direct_chunk(offset, data + b"another size")
        dataset.id.write_direct_chunk(offset, data, mask)
    return path


def is_read_here(reader, name="images"):
    """Tell whether all of a dataset is read without HDF5's help."""
    with reader._lend() as handles:
        fast = (handles.image_rows if name == "images" else handles.label_rows).fast
        return fast is not None and fast.rows(0, len(reader), 1) is not None


def check_every_slice(path, *, is_fast=None):
    """Compare slices and single images with what HDF5 gives."""
    with h5py.File(path) as file, Hdf5Reader(path) as reader:
        images, labels = file["images"][:], [_text(label) for label in file["labels"][:].tolist()]
        count = len(images)
        if is_fast is not None:
            assert is_read_here(reader) == is_fast
        for start in {0, 1, 7, 8, 9, count // 2, count - 1, count} & set(range(count + 1)):
            for stop in {start, start + 1, start + 8, start + 17, count} & set(range(start, count + 1)):
                for step in (1, 2, 3, 7, 8, 9, 100, 10**9):
                    found = reader.images(start, stop, step)
                    assert found.shape == images[start:stop:step].shape
                    assert found.dtype == np.uint8
                    np.testing.assert_array_equal(found, images[start:stop:step])
                    assert reader.labels(start, stop, step) == labels[start:stop:step]
        for number in range(count):
            np.testing.assert_array_equal(reader.image(number), images[number])


def _text(label):
    return label.decode() if isinstance(label, bytes) else str(label)


def check_as_hdf5(path):
    """Check that what is read is refused, or is what HDF5 gives.

    Where HDF5 gives an error, it may be what was written: igzip takes a stream whose header claims too large a window,
    and the checksum at its end is right.
    """
    with h5py.File(path) as file, Hdf5Reader(path) as reader:
        for start in range(0, COUNT, LENGTH):
            stop = min(start + LENGTH, COUNT)
            for number, read in ((stop, reader.images), (start + 1, lambda *range_: reader.image(range_[0])[None])):
                check_rows_as_hdf5(file["images"], IMAGES, slice(start, number), read)
            check_rows_as_hdf5(file["labels"], LABELS, slice(start, stop), reader.labels)


def check_rows_as_hdf5(dataset, written, rows, read):
    try:
        expected = dataset[rows]
    except OSError:
        expected = written[rows]
    try:
        found = read(rows.start, rows.stop)
    except DatasetError:
        return
    if isinstance(found, list):
        assert found == [label.decode() for label in expected.tolist()]
    else:
        assert (found.shape, found.dtype) == (expected.shape, np.uint8)
        np.testing.assert_array_equal(found, expected)


def run_python(code, *arguments):
    """Run a script in a process of its own, which may crash."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
