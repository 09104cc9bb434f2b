import doctest
import inspect

import numpy as np
import pytest

import number_generator
from number_generator import GenericDataset, Handwriting, core, errors, generate_batch, generate_chunk, stream
from number_generator.digits import dataset as digit_images
from number_generator.digits import resolve as digit_datasets
from number_generator.digits import splits
from number_generator.formats import conversion
from number_generator.formats import dataset as datasets
from number_generator.numbers import countries, patterns
from number_generator.training import batches as streams
from number_generator.training import ctc

BASES = {
    "SpecError": ValueError,
    "DatasetError": ValueError,
    "DatasetNotFoundError": FileNotFoundError,
    "PartMissingError": errors.DatasetNotFoundError,
    "DatasetReadError": OSError,
    "DatasetIndexError": IndexError,
    "OutputError": OSError,
    "OutputExistsError": FileExistsError,
    "MemoryLimitError": MemoryError,
    "MissingExtraError": ImportError,
    "ClusterError": ConnectionError,
}


def test_the_public_names_are_these():
    assert sorted(number_generator.__all__) == [
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
    assert dir(number_generator) == sorted(number_generator.__all__)


@pytest.mark.parametrize("name", number_generator.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(number_generator, name)

    if name != "__version__":
        assert inspect.getdoc(value)


def test_a_star_import_gives_the_public_names():
    namespace = {}

    exec("from number_generator import *", namespace)

    assert set(number_generator.__all__) <= set(namespace)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'number_generator' has no attribute 'generate'"):
        _ = number_generator.generate
    with pytest.raises(ImportError, match="generate"):
        from number_generator import generate  # noqa: F401, PLC0415 - that it is not there is what is tested


def test_the_names_of_version_0_0_1_are_in_core():
    for name in ("GenericDataset", "DigitImageDataset", "DigitSequenceImageGenerator", "generate_numbers_sequence"):
        assert getattr(core, name) is getattr(number_generator, name)


def test_both_spellings_are_one_function():
    assert number_generator.generate_number_sequence is number_generator.generate_numbers_sequence


def test_importing_loads_nothing_heavy_and_reads_no_environment_variable(run_python):
    code = """
import os, sys
read = []
class Spy(dict):
    def __getitem__(self, name):
        read.append(name)
        return super().__getitem__(name)
    def get(self, name, default=None):
        read.append(name)
        return super().get(name, default)
    def __contains__(self, name):
        read.append(name)
        return super().__contains__(name)
before = set(sys.modules)
os.environ = Spy(os.environ)
os.getenv = os.environ.get
import number_generator
heavy = ("numpy", "numba", "h5py", "PIL", "tqdm", "isal", "deflate", "typing", "multiprocessing", "concurrent.futures")
for name in heavy:
    assert name not in set(sys.modules) - before, name
assert read == [], read
own = [name for name in set(sys.modules) - before if name.startswith("number_generator")]
assert len(own) <= 8, own  # each takes a fifth of a millisecond, and all may take three
"""

    run_python(code)


def test_loading_the_public_names_reads_no_digits_and_starts_no_thread(run_python, tmp_path):
    code = """
import threading
from number_generator import *
assert threading.active_count() == 1
"""

    run_python(code, NG_DEFAULT_DIGIT_DATASET=str(tmp_path / "is-not-there.pickle"))


@pytest.mark.parametrize(
    "module", [conversion, core, countries, datasets, digit_datasets, digit_images, patterns, splits, streams, ctc]
)
def test_the_examples_of_the_docstrings_run(module):
    result = doctest.testmod(module, raise_on_error=False)

    assert result.attempted > 0
    assert result.failed == 0


def test_the_examples_of_the_pytorch_datasets_run():
    pytest.importorskip("torch")
    from number_generator import torch  # noqa: PLC0415 - optional

    assert doctest.testmod(torch).failed == 0


def test_every_error_is_the_packages_own_and_the_builtin_one_that_fits():
    names = [name for name in errors.__all__ if name != "NumberGeneratorError"]

    assert sorted(names) == sorted(BASES)
    for name in names:
        error = getattr(errors, name)
        assert issubclass(error, errors.NumberGeneratorError)
        assert issubclass(error, BASES[name])
        assert error.__name__ in errors.__doc__
        assert str(error("what is wrong")) == "what is wrong"


def test_an_existing_output_is_an_output_error():
    assert issubclass(errors.OutputExistsError, errors.OutputError)
    assert number_generator.NumberGeneratorError is errors.NumberGeneratorError


def test_the_state_of_numpys_random_numbers_is_left_alone():
    np.random.seed(5)
    before = np.random.get_state()

    number_generator.generate_batch(["123"] * 10, (0, 5), 50, workers=2)
    number_generator.generate_numbers_sequence("123")
    digit_datasets.default_digits().random_sample_digit(3)

    after = np.random.get_state()
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_numpys_seed_plays_no_part():
    np.random.seed(5)
    first = number_generator.generate_numbers_sequence("0123456789")
    np.random.seed(5)

    assert (number_generator.generate_numbers_sequence("0123456789") != first).any()


def test_the_signatures_of_version_0_0_1_still_work(make_digit_dataset):
    digits = make_digit_dataset(28)

    generator = number_generator.DigitSequenceImageGenerator(digits, (4, 10), 100)
    image = generator.generate_from_data([1, 2, 3])
    page = number_generator.generate_numbers_sequence([1, 2, 3], (4, 10), 100)

    assert image.shape == page.shape == (28, 100)
    assert image.dtype == page.dtype == np.uint8


def test_a_command_does_not_load_scipy(run_python):
    code = """
import sys
from number_generator import entry

sys.argv = ["generate-numbers-sequence", "--sequence=7"]
try:
    entry.generate_numbers_sequence()
except SystemExit as exc:
    assert exc.code == 0
assert not any(name.startswith("scipy.") for name in sys.modules)
"""

    run_python(code)


def test_objects_print_what_they_are(tmp_path):
    dataset = GenericDataset(np.zeros((3, 5, 9), np.uint8), ["1", "2", "3"])
    assert repr(dataset) == "<GenericDataset: 3 images>"
    dataset.save(tmp_path / "a.h5")
    path = str(tmp_path / "a.h5")
    assert repr(GenericDataset(path)) == f"<GenericDataset: 3 images, read from {path!r}>"
    assert repr(Handwriting.named("natural")) == "Handwriting.named('natural')"
    assert repr(Handwriting.named("natural").replace(slant=0.5)) == "Handwriting.named('natural') with slant=0.5"
    chunk = generate_chunk(["12", "345"], seed=1, start=7)
    assert repr(chunk) == "<Chunk of images 7 to 8: images (2, 28, 100) uint8, labels (2,) <U3>"
    with stream(batch_size=4, count=8, seed=1) as batches:
        assert repr(batches) == (
            "<NumberBatches: 2 batches of 4 images of 100 x 28 px, Handwriting.named('clean'), seed 1>"
        )


def test_gaps_and_width_have_defaults():
    np.testing.assert_array_equal(generate_batch(["12"], seed=1), generate_batch(["12"], (5, 10), 100, seed=1))
    natural = generate_batch(["12"], seed=1, style="natural")
    np.testing.assert_array_equal(natural, generate_batch(["12"], None, 100, seed=1, style="natural"))
