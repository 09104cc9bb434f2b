"""`--compression`, of HDF5 and of formats that take none."""

import os
import shlex

import h5py
import numpy as np
import pytest
from running import PHONE, load, run, stored
from written import names_in

from number_generator import generate_batch

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--format=hdf5"], "phonenumbers-handwritten-dataset-1100.h5"),
        (["--output-path=set.h5"], "set.h5"),
        (["--output-path=set.HDF5"], "set.HDF5"),
    ],
)
@pytest.mark.parametrize("compression", [None, "gzip", "none"])
def test_hdf5_is_compressed_unless_the_command_says_no(folder, arguments, name, compression):
    option = [] if compression is None else [f"--compression={compression}"]

    status = run(PHONE, "--num-images=1100", "--seed=6", *option, *arguments)

    images, labels, metadata = load(name)
    with h5py.File(name) as file:
        assert file["images"].compression == file["labels"].compression == (None if compression == "none" else "gzip")
        assert (file["images"].chunks is None) == (file["labels"].chunks is None) == (compression == "none")
        assert np.array_equal(file["images"][:], images)
    assert status == 0
    assert names_in(folder) == [name]
    assert np.array_equal(images, generate_batch(labels, (5, 10), 100, seed=6))
    assert f"--compression={compression or 'gzip'}" in shlex.split(metadata["command"])


def test_the_images_do_not_depend_on_compression_or_workers():
    for workers in (1, 3):
        for compression in ("gzip", "none"):
            name = f"--output-path={compression}{workers}.h5"
            run(PHONE, "--num-images=4500", "--seed=4", f"--workers={workers}", f"--compression={compression}", name)

    images, labels, _ = load("gzip1.h5")
    for name in ("gzip3.h5", "none1.h5", "none3.h5"):
        assert np.array_equal(load(name)[0], images), name
        assert load(name)[1] == labels, name
    assert stored("gzip1.h5") == stored("gzip3.h5")
    assert stored("none1.h5") == stored("none3.h5")
    # As --help says, about four times as large.
    assert 3 < os.path.getsize("none1.h5") / os.path.getsize("gzip1.h5") < 5  # noqa: PTH202


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "phonenumbers-handwritten-dataset-70.pickle"),
        (["--format=pickle"], "phonenumbers-handwritten-dataset-70.pickle"),
        (["--output-path=set.pickle"], "set.pickle"),
    ],
)
def test_a_pickle_is_written_without_compression_said_or_not(folder, arguments, name):
    contents = []
    for option in ([], ["--compression=none"]):
        assert run(PHONE, "--num-images=70", "--seed=6", "--overwrite", *option, *arguments) == 0
        contents.append(load(name))

    (images, labels, metadata), (same_images, same_labels, same_metadata) = contents
    assert names_in(folder) == [name]
    assert np.array_equal(images, same_images)
    assert labels == same_labels
    assert metadata["command"] == same_metadata["command"]
    assert "--compression=none" in shlex.split(metadata["command"])
