"""The two console commands run in this process: what they return, write and report."""

import re

import h5py
import pytest
from written import arrays_in, names_in

from number_generator import GenericDataset
from number_generator.commands.generate import generate_numbers_sequence, generate_phone_numbers
from number_generator.system.signals import Interruption

PHONE, SEQUENCE = generate_phone_numbers, generate_numbers_sequence
# Each command, and the arguments that it needs.
BOTH = pytest.mark.parametrize(("command", "needed"), [(PHONE, []), (SEQUENCE, ["--sequence=1"])], ids=["phone", "one"])
ENTRY = "import sys; from number_generator import entry; getattr(entry, sys.argv.pop(1))()"


def run(command, *arguments, interruption=None):
    """Return the exit status, also where the parser ends the process."""
    try:
        return command([str(argument) for argument in arguments], interruption or Interruption())
    except SystemExit as exc:
        return exc.code


def run_phone(*arguments, interruption=None):
    """Return the exit status of `generate-phone-numbers`."""
    return run(PHONE, *arguments, interruption=interruption)


def run_sequence(*arguments):
    """Return the exit status of `generate-numbers-sequence`."""
    return run(SEQUENCE, *arguments)


def load(path):
    """Return the images, labels and metadata of a dataset."""
    dataset = GenericDataset()
    dataset.load(path)
    images, labels = dataset[:]
    return images, labels, dataset.get_metadata()


def read_usage_error(folder, capsys, command, arguments):
    """Run, see one clear error, exit status 2 and nothing written, and return the message."""
    before = names_in(folder)

    status = run(command, *arguments)

    said = capsys.readouterr()
    name = "generate-numbers-sequence" if command is SEQUENCE else "generate-phone-numbers"
    last = said.err.splitlines()[-1]
    assert status == 2
    assert said.err.count("\n") == 1
    assert last.startswith(f"{name}: error: ")
    assert last.endswith("; try --help")
    assert said.err.count("error") == 1
    assert "Traceback" not in said.err
    assert "generated successfully" not in said.out
    assert names_in(folder) == before
    return last


def untimed(text):
    """The text with its measured times made equal."""
    return re.sub(r"took \d+\.\d seconds", "took 0.1 seconds", text)


def content_of(name):
    """All datasets of an HDF5 file, by name."""
    with h5py.File(name) as file:
        return {key: file[key][()] for key in arrays_in(file)}


def stored(name):
    """What each dataset of an HDF5 file is: its chunks, its filter, and the bytes of its rows as they are stored."""
    found = {}
    with h5py.File(name) as file:
        for key in arrays_in(file):
            dataset = file[key]
            if dataset.chunks is None:
                content = [dataset[:].tobytes()]
            else:
                starts = range(0, len(dataset), dataset.chunks[0])
                rest = [0] * (dataset.ndim - 1)
                content = [dataset.id.read_direct_chunk((start, *rest)) for start in starts]
            found[key] = (dataset.shape, dataset.dtype, dataset.chunks, dataset.compression, content)
    return found
