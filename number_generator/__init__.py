"""Labelled images of handwritten numbers, for training OCR models.

The names below load when they are used: importing the package reads no file and loads nothing heavy.
"""

from number_generator._version import __version__
from number_generator.errors import NumberGeneratorError

# The one function that is loaded at once: its module has the same name, and would stand here in its place as soon as
# anything loads it. The module is as light as this one.
from number_generator.preview import preview
from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from number_generator.core import (
        DigitSequenceImageGenerator,
        generate_batch,
        generate_chunk,
        generate_number_sequence,
        generate_numbers_sequence,
    )
    from number_generator.digits.dataset import DigitImageDataset
    from number_generator.digits.resolve import fetch_digits, set_default_dataset_filepath
    from number_generator.digits.splits import split_digits
    from number_generator.exports.export import export
    from number_generator.formats.conversion import convert
    from number_generator.formats.dataset import GenericDataset
    from number_generator.job.distributions import Normal, Uniform
    from number_generator.job.handwriting import Handwriting
    from number_generator.job.real_lines import RealLines
    from number_generator.numbers.countries import CountryNumbers
    from number_generator.numbers.patterns import Pattern
    from number_generator.numbers.phone import PhoneNumbers
    from number_generator.scans.fitting import fit_line, fit_lines
    from number_generator.training.batches import stream
    from number_generator.training.ctc import encode_labels

__all__ = [
    "CountryNumbers",
    "DigitImageDataset",
    "DigitSequenceImageGenerator",
    "GenericDataset",
    "Handwriting",
    "Normal",
    "NumberGeneratorError",
    "Pattern",
    "PhoneNumbers",
    "RealLines",
    "Uniform",
    "__version__",
    "convert",
    "encode_labels",
    "export",
    "fetch_digits",
    "fit_line",
    "fit_lines",
    "generate_batch",
    "generate_chunk",
    "generate_number_sequence",
    "generate_numbers_sequence",
    "preview",
    "set_default_dataset_filepath",
    "split_digits",
    "stream",
]


# Reading a dataset, in each worker process of a data loader say, must not load the compiled code, nor must a style.
_HOMES = {
    "CountryNumbers": "numbers.countries",
    "DigitImageDataset": "digits.dataset",
    "DigitSequenceImageGenerator": "core",
    "GenericDataset": "formats.dataset",
    "Handwriting": "job.handwriting",
    "Normal": "job.distributions",
    "Pattern": "numbers.patterns",
    "PhoneNumbers": "numbers.phone",
    "RealLines": "job.real_lines",
    "Uniform": "job.distributions",
    "convert": "formats.conversion",
    "set_default_dataset_filepath": "digits.resolve",
    "encode_labels": "training.ctc",
    "export": "exports.export",
    "generate_batch": "core",
    "generate_chunk": "core",
    "generate_number_sequence": "core",
    "generate_numbers_sequence": "core",
    "fetch_digits": "digits.resolve",
    "fit_line": "scans.fitting",
    "fit_lines": "scans.fitting",
    "split_digits": "digits.splits",
    "stream": "training.batches",
}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
