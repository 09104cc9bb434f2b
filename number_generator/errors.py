"""The exceptions that the package raises on purpose.

Catch the base class to catch them all; each is also the built-in error that fits best:

    NumberGeneratorError
    ├── SpecError             (ValueError)         an argument breaks a rule
    ├── DatasetError          (ValueError)         a file or array is not a valid dataset
    ├── DatasetNotFoundError  (FileNotFoundError)  there is no such file
    │   └── PartMissingError                       there is one, and a file that belongs to it is missing
    ├── DatasetReadError      (OSError)            the file is there but cannot be read
    ├── DatasetIndexError     (IndexError)         there is no such image in the dataset
    ├── OutputError           (OSError)            the result cannot be written
    │   └── OutputExistsError (FileExistsError)    writing would replace an earlier result
    ├── MissingExtraError     (ImportError)        an optional package is not installed
    ├── ClusterError          (ConnectionError)    a Dask cluster cannot be used
    └── MemoryLimitError      (MemoryError)        the result does not fit in memory
"""

__all__ = [
    "ClusterError",
    "DatasetError",
    "DatasetIndexError",
    "DatasetNotFoundError",
    "DatasetReadError",
    "MemoryLimitError",
    "MissingExtraError",
    "NumberGeneratorError",
    "OutputError",
    "OutputExistsError",
    "PartMissingError",
    "SpecError",
]


_LONGEST_MESSAGE = 10_000


def make_printable(text: str, most: int = 200) -> str:
    """Return a text as a terminal may get it: without control characters, and of at most about `most` characters.

    Files may hold anything: an escape sequence would act on the terminal, and a line break would forge a line of ours.
    """
    shown = text[:most]
    if not shown.isprintable():
        shown = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
            for character in shown
        )
    return shown if len(text) <= most else f"{shown}..."


class NumberGeneratorError(Exception):
    """Base class of everything that the package raises on purpose; its message is one printable line."""

    def __str__(self) -> str:
        # Here, as many messages quote files, and all reach a terminal in the end, if only in a traceback.
        return make_printable(super().__str__(), _LONGEST_MESSAGE)


class SpecError(NumberGeneratorError, ValueError):
    """An argument breaks a rule; the message names the value, the rule and the way out."""


class DatasetError(NumberGeneratorError, ValueError):
    """A file or array is not a valid dataset."""


class DatasetNotFoundError(NumberGeneratorError, FileNotFoundError):
    """A dataset file does not exist."""


class PartMissingError(DatasetNotFoundError):
    """What belongs to a dataset is missing: its labels, a shard, or a file that could not be downloaded."""


class DatasetReadError(NumberGeneratorError, OSError):
    """A dataset file exists but cannot be read."""


class DatasetIndexError(NumberGeneratorError, IndexError):
    """A dataset has no image of that number."""


class OutputError(NumberGeneratorError, OSError):
    """A result cannot be written."""


class OutputExistsError(OutputError, FileExistsError):
    """Writing would replace an earlier result."""


class MissingExtraError(NumberGeneratorError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


class ClusterError(NumberGeneratorError, ConnectionError):
    """A Dask cluster cannot be reached, has another version of the package, or is lost."""


class MemoryLimitError(NumberGeneratorError, MemoryError):
    """A result does not fit in the memory that the process may use."""
