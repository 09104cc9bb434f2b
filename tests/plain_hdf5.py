"""HDF5 files as h5py writes them, with no options unless some are given."""

import h5py
import numpy as np

COUNT = 50
IMAGES = np.random.default_rng(1).integers(0, 256, (COUNT, 3, 4), dtype=np.uint8)
LABELS = [f"{number}" for number in range(COUNT)]


def write(path, images=IMAGES, labels=LABELS, *, attributes=None, **options):
    """Write images as the options of h5py say, labels, and attributes of the file."""
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, **options)
        file["labels"] = labels
        file.attrs.update(attributes or {})
    return path
