"""Labelled images of handwritten numbers, for training OCR models.

The names below load when they are used: importing the package reads no file and loads nothing heavy.
"""

from number_generator._version import __version__
from number_generator.errors import NumberGeneratorError

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from number_generator.core import (
        DigitSequenceImageGenerator,
        generate_batch,
        generate_number_sequence,
        generate_numbers_sequence,
    )
    from number_generator.datasets import GenericDataset
    from number_generator.digit_datasets import DigitImageDataset, set_default_dataset_filepath

__all__ = [
    "DigitImageDataset",
    "DigitSequenceImageGenerator",
    "GenericDataset",
    "NumberGeneratorError",
    "__version__",
    "generate_batch",
    "generate_number_sequence",
    "generate_numbers_sequence",
    "set_default_dataset_filepath",
]


# Reading a dataset, in each worker process of a data loader say, must not load the compiled code.
_HOMES = {
    "DigitImageDataset": "digit_datasets",
    "GenericDataset": "datasets",
    "set_default_dataset_filepath": "digit_datasets",
}


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415 - see the first lines

        return getattr(import_module(f"number_generator.{_HOMES.get(name, 'core')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
