"""Arguments of Python's functions that break a rule: each gets one error that names the value and the way out."""

import datetime
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from number_generator import (
    CountryNumbers,
    GenericDataset,
    Handwriting,
    Pattern,
    PhoneNumbers,
    RealLines,
    convert,
    export,
    fit_line,
    fit_lines,
    generate_batch,
    generate_numbers_sequence,
    set_default_dataset_filepath,
    stream,
)
from number_generator.errors import SpecError
from number_generator.matching.match import check_minutes

GAPS = (5, 10)
PAGES = np.full((2, 28, 30), 255, np.uint8)


class Table:
    """What a data frame shows of itself."""

    ndim, columns = 2, ["number", "amount"]

    def __iter__(self):
        return iter(self.columns)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: generate_batch({"12"}, GAPS, 60), r"sequences is \{'12'\}, whose order .*: give a list"),
        (lambda: generate_batch(OrderedDict.fromkeys(["12"]), GAPS, 60), "whose order is not part of it: give a list"),
        (lambda: generate_batch(Table(), GAPS, 60), r"a table with columns \['number', 'amount'\]: give one of them"),
        (lambda: generate_numbers_sequence({1, 2}, GAPS, 60), r"digits is \{1, 2\}"),
        (lambda: generate_numbers_sequence(b"12", GAPS, 60), "sequence 0 is b'12'"),
        (lambda: GenericDataset(PAGES, {"1", "2"}), "labels is .*: give a list"),
        (lambda: PhoneNumbers(dashes="no"), "dashes is 'no': give True or False"),
        (lambda: CountryNumbers("JP", dashes=1), "dashes is 1: give True or False"),
        (lambda: stream(drop_last="no"), "drop_last is 'no': give True or False"),
        (lambda: stream(real_share=2), "real_share is 2: give a share from 0 to 1"),
        (lambda: stream(real_balance="x"), "real_balance is 'x': give one of"),
        (lambda: stream(real_lines={"shft": 0}), r"did you mean 'shift'\? docs/real-lines\.md lists them"),
        (lambda: generate_batch(["1"], GAPS, 60, digits=5), "digits is 5: give a path, a name, several with weights"),
        (lambda: generate_batch(["1"], GAPS, 60, digits=""), "path is '': .* that of the current one is '.'"),
        (lambda: GenericDataset().load(""), "path is ''"),
        (lambda: set_default_dataset_filepath({"a.h5": 1.0}), "filepath is .*: give a path, a name, or several as"),
        (lambda: Pattern.named(r"\d{2}"), r"is given as Pattern\(r'\.\.\.'\) in Python"),
        (lambda: RealLines().replace(shft=1), r"did you mean 'shift'\? docs/real-lines\.md lists them"),
        (lambda: Handwriting.named("clean").replace(slnt=1), r"docs/handwriting\.md lists them"),
        (lambda: Handwriting.from_file(None), "path is None: give a path"),
        (lambda: RealLines.from_file(5), "path is 5: give a path"),
        (lambda: fit_lines(None), "images is None: give a list of images"),
        (lambda: fit_lines("a.png"), "images is 'a.png': give a list of images"),
        (lambda: fit_line((PAGES[0], "12")), "the image is .*: give an image, an array or a path"),
        (lambda: export(None, "out", "coco"), "sources is None: give the path of a dataset"),
        (lambda: check_minutes(np.int64(0)), "minutes is .*: give a number of minutes above 0"),
    ],
)
def test_one_error_names_the_value_and_the_way_out(call, message):
    with pytest.raises(SpecError, match=message):
        call()


@pytest.mark.parametrize("minutes", [5, np.int64(5), np.float32(5)])
def test_numbers_of_numpy_are_numbers(minutes):
    assert check_minutes(minutes) == 5.0


def test_the_byte_order_of_an_array_does_not_matter():
    page = np.arange(28 * 60, dtype=np.uint16).reshape(28, 60) * 39

    assert np.array_equal(fit_line(page.astype(">u2")), fit_line(page))


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".pt", ".tgz"])
def test_a_pickle_is_not_named_like_another_kind_of_file(tmp_path, ending):
    with pytest.raises(SpecError, match=f"a pickle is written and not what {ending} stands for"):
        GenericDataset(PAGES, ["1", "2"]).save(tmp_path / f"lines{ending}")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_parquet_files_may_be_named_so(tmp_path):
    pytest.importorskip("pyarrow")
    GenericDataset(PAGES, ["1", "2"]).save(tmp_path / "lines.h5")

    convert(tmp_path / "lines.h5", tmp_path / "lines.parquet", file_format="parquet")

    assert GenericDataset(tmp_path / "lines.parquet").get_data()[1] == ["1", "2"]


def test_label_files_are_a_list(tmp_path):
    GenericDataset(PAGES, ["1", "2"]).save(tmp_path / "lines.h5")

    with pytest.raises(SpecError, match=r"labels is the single text 'json': give a list, \['json'\]"):
        convert(tmp_path / "lines.h5", tmp_path / "lines", file_format="png", labels="json")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"a\0b": 1, "a": 2}, r"a name in the metadata is 'a\\x00b'"),
        ({"": 1}, "a name in the metadata is ''"),
        (
            {"when": datetime.date(2024, 1, 1)},
            r"metadata 'when' is datetime\.date\(2024, 1, 1\), which cannot be saved",
        ),
    ],
)
def test_metadata_that_hdf5_would_lose_is_refused(tmp_path, metadata, message):
    with pytest.raises(SpecError, match=message):
        GenericDataset(PAGES, ["1", "2"], metadata).save(tmp_path / "lines.h5")

    assert list(tmp_path.iterdir()) == []


def test_a_style_shows_its_paper(tmp_path):
    path = tmp_path / "paper"
    path.mkdir()
    from PIL import Image  # noqa: PLC0415 - of this test alone

    Image.new("L", (300, 200), 240).save(path / "blank.png")

    assert f"paper_images={Path(path)}" in repr(Handwriting.named("document").replace(paper_images=path))
