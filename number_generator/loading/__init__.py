"""Digit datasets and written datasets from any file or folder, safely: nothing in them is ever run."""

from number_generator.loading.detection import Format, detect_format, source_files
from number_generator.loading.hdf5 import Hdf5Reader
from number_generator.loading.memory import MemoryReader
from number_generator.loading.raw import RawDataset
from number_generator.loading.readers import Reader, load_arrays, open_reader

__all__ = [
    "Format",
    "Hdf5Reader",
    "MemoryReader",
    "RawDataset",
    "Reader",
    "detect_format",
    "load_arrays",
    "open_reader",
    "source_files",
]
