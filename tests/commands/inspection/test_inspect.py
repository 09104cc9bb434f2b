"""What is found of a dataset: its origin, its labels and its pages, and what seems wrong."""

import doctest
import math

import numpy as np
import pytest
from small_dataset import COUNT, FORMATS, HEIGHT, LABELS, WIDTH, write

from number_generator import GenericDataset, generate_batch
from number_generator.commands.inspection import inspect as inspection
from number_generator.commands.inspection.ink import measure_ink
from number_generator.commands.inspection.inspect import Origin, inspect_dataset, sample_spans, spread_numbers
from number_generator.commands.inspection.statistics import Distribution, measure_labels, measure_pages
from number_generator.commands.inspection.text import format_lines
from number_generator.commands.inspection.warnings import find_warnings
from number_generator.formats.ragged import measure_sizes
from number_generator.formats.reader import open_reader

PHONES = [f"0{number:09}" for number in range(123_456_789, 923_456_789, 7_777_777)]


def inspect(path, **options):
    with open_reader(path, mapped=True) as reader:
        return inspect_dataset(reader, path, **options)


def saved(path, images, labels, metadata=None):
    GenericDataset(images, labels, metadata).save(path)
    return path


def plain_pages(count, *, ink=True):
    images = np.full((count, 12, 40), 255, np.uint8)
    if ink:
        images[:, 3:9, 5:8] = 0
        bits = np.arange(count)[:, None] >> np.arange(16) & 1
        images[:, 5, 10:26] -= (255 * bits).astype(np.uint8)  # each page is another
    return images


def of_pages(images, labels, boxes=None):
    hashes = [hash(image.tobytes()) for image in images]
    return measure_pages(measure_ink(images), labels, hashes, boxes, measure_sizes(images))


def warnings(labels, images=None):
    """What is told of labels, on pages that are in order."""
    images = plain_pages(len(labels)) if images is None else images
    return find_warnings(measure_labels(labels, is_all=True), of_pages(images, labels))


def test_the_example_runs():
    assert doctest.testmod(inspection).failed == 0


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_inspected(tmp_path, file_format):
    path = write(tmp_path / "lines", file_format)

    found = inspect(path)

    assert (found.file_format, found.count, found.height, found.width) == (file_format, COUNT, HEIGHT, WIDTH)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    assert found.byte_count == sum(file.stat().st_size for file in files)
    assert found.truth["boxes"] == (3, 4)
    assert found.labels.count == found.pages.count == COUNT
    assert found.labels.empty == 1
    assert found.labels.different == len(set(LABELS))
    assert found.pages.from_boxes
    assert found.origin == Origin(spacing_range=(5, 10))


def test_idx_files_of_others_are_inspected(tmp_path):
    images = 255 - generate_batch(["3", "7", ""], (5, 10), 28, seed=1)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(
        b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes()
    )
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x03\x03\x07\x01")

    found = inspect(tmp_path / "a-images-idx3-ubyte")

    assert found.file_format == "idx"
    assert found.byte_count == 16 + images.size + 11
    assert found.origin == Origin()
    assert found.labels.characters == {"1": 1, "3": 1, "7": 1}
    assert (found.pages.light, found.pages.blank, found.pages.blank_labelled) == (2, 1, 1)
    assert found.warnings == ("33.3 % of the pages have a label but no ink that stands out from the paper",)


def test_a_dataset_without_images_is_inspected(tmp_path):
    path = tmp_path / "none.npz"
    np.savez(path, images=np.zeros((0, 5, 6), np.uint8), labels=np.zeros(0, np.int64))

    found = inspect(path)

    assert (found.count, found.labels.count, found.pages.count) == (0, 0, 0)
    assert found.labels.lengths is None
    assert found.pages.spacing is None
    assert found.warnings == ("the dataset holds no images",)


def test_the_origin_is_told_as_far_as_it_is_recorded():
    metadata = {
        "command": "generate-phone-numbers --seed=7 --digits=",
        "creation_timestamp": 1.5,
        "seed": 7,
        "style": "clean",
        "spacing_range": (5, 10),
        "split": "train",
        "shard": "0/4",
        "shards": 4,
    }

    origin = Origin.from_metadata(metadata)

    assert origin.digits == "packaged"
    assert (origin.seed, origin.created, origin.spacing_range) == (7, 1.5, (5, 10))
    assert (origin.split, origin.shard, origin.shards) == ("train", "0/4", 4)


@pytest.mark.parametrize("value", [None, [], {"a": 1}, math.nan, -1, 10**30, "x y", b"x", (1, 2, 3), True])
def test_values_of_others_under_the_same_names_are_passed_by(value):
    metadata = dict.fromkeys(
        ("command", "creation_timestamp", "seed", "style", "spacing_range", "split", "shard", "shards"), value
    )

    origin = Origin.from_metadata(metadata)

    assert origin.created is None
    assert origin.spacing_range is None
    assert origin.command is None


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("generate-phone-numbers --seed=1 --dashes", "generate-phone-numbers --seed=1 --dashes"),
        ("generate-phone-numbers   --digits=$(reboot)", "generate-phone-numbers '--digits=$(reboot)'"),
        ("generate-phone-numbers '--column=a b'", "generate-phone-numbers '--column=a b'"),
        ("generate-phone-numbers --seed=1; rm -rf /", None),
        ("generate-phone-numbers --seed=1\nrm -rf /", None),
        ("generate-phone-numbers --seed=1 --output-path=/etc/passwd --overwrite", None),
        ("rm -rf /", None),
        ("./generate-phone-numbers --seed=1", None),
    ],
)
def test_only_a_command_of_this_package_is_told_and_quoted(command, shown):
    assert Origin.from_metadata({"command": command}).command == shown


@pytest.mark.parametrize("count", [0, 1, 5, 99, 100, 101, 1000, 12_345])
@pytest.mark.parametrize("sample", [1, 7, 100, 5000])
@pytest.mark.parametrize("chunk_length", [1, 32, 64, 999, 20_000])
def test_a_sample_is_spread_evenly_and_has_the_first_and_the_last(count, sample, chunk_length):
    spans = sample_spans(count, sample, chunk_length)

    numbers = [number for span in spans for number in span]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(count))
    assert len(numbers) <= max(sample, 0)
    if count > sample >= 2:
        assert len(numbers) > sample / 2
    if count:
        assert numbers[0] == 0
    if count > 1 and sample > 1:
        assert numbers[-1] == count - 1


def test_runs_are_of_whole_chunks():
    spans = sample_spans(100_000, 10_000, 32)

    assert {len(span) for span in spans} == {64}
    assert all(span.start % 32 == 0 for span in spans[:-1])


def test_single_numbers_are_spread_evenly():
    assert spread_numbers(5, 9) == [0, 1, 2, 3, 4]
    assert spread_numbers(101, 5) == [0, 25, 50, 75, 100]
    assert spread_numbers(9, 1) == [0]


def test_pages_are_a_sample_and_labels_are_all(tmp_path):
    labels = [str(number) for number in range(500)]
    path = saved(tmp_path / "lines.h5", plain_pages(500), labels)

    found = inspect(path, sample=50)

    assert found.pages.count <= 50
    assert (found.labels.count, found.labels.is_all) == (500, True)
    assert found.labels.different == 500


def test_fewer_images_are_measured_that_are_large(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "_SAMPLE_BYTES", 40 * 12 * 30)
    path = saved(tmp_path / "lines.h5", plain_pages(50), [str(number) for number in range(50)])

    assert inspect(path).pages.count == 30
    assert inspect(path, sample=40).pages.count == 40


def test_labels_are_of_the_sample_where_reading_all_is_costly(tmp_path):
    path = write(tmp_path / "lines", "webdataset")

    found = inspect(path, sample=3)

    assert (found.labels.count, found.labels.is_all) == (3, False)


def test_numbers_are_counted_in_bins_of_whole_numbers():
    found = Distribution.of(np.array([1, 1, 2, 4]))

    assert (found.least, found.mean, found.median, found.most) == (1, 2, 1.5, 4)
    assert found.edges == (1, 2, 3, 4, 5)
    assert found.counts == (2, 1, 0, 1)


@pytest.mark.parametrize("values", [np.arange(-50, 1000), np.array([7]), np.array([0, 10**6]), np.linspace(0, 1, 99)])
def test_every_number_is_in_a_bin(values):
    found = Distribution.of(values)

    assert sum(found.counts) == found.count == len(values)
    assert len(found.edges) == len(found.counts) + 1
    assert found.edges[0] <= found.least
    assert found.most <= found.edges[-1]


def test_labels_are_counted():
    found = measure_labels(["", "012", "07", "-7", "012", "ü"], is_all=False)

    assert (found.count, found.empty, found.different, found.kinds) == (6, 1, 5, 6)
    assert found.characters == {"-": 1, "0": 3, "1": 2, "2": 2, "7": 2, "ü": 1}
    assert found.first_digits == {"0": 3, "7": 1}
    assert found.lengths.counts == (1, 1, 2, 2)


def test_a_place_that_is_always_the_same_is_left_out_of_the_balance():
    found = measure_labels(["0123", "0456", "0789"] * 10, is_all=True)

    assert found.first_digits == {"0": 30}
    assert "0" not in found.balance
    assert found.balance["1"] == found.balance["9"] == 10


def test_labels_are_counted_the_same_in_pieces(monkeypatch):
    labels = ["", "12", "3", "456", "7,8"] * 7
    whole = measure_labels(labels, is_all=True)

    monkeypatch.setattr("number_generator.commands.inspection.statistics._LABELS_AT_ONCE", 4)

    assert measure_labels(labels, is_all=True) == whole


def test_spacing_is_that_of_boxes_where_there_are_some():
    boxes = np.full((2, 4, 4), -1)
    boxes[0, :3] = [[2, 1, 5, 9], [9, 2, 12, 8], [11, 2, 20, 10]]
    boxes[1, 0], boxes[1, 2] = [0, 3, 4, 9], [30, 2, 40, 12]

    found = of_pages(plain_pages(2), ["123", "1 2"], boxes)

    assert found.from_boxes
    # Not over the space, which has no box.
    assert (found.spacing.count, found.spacing.least, found.spacing.most) == (2, -1, 4)
    assert found.margins["left"].least == 0
    assert found.touching == {"left": 1, "top": 0, "right": 1, "bottom": 1}
    assert found.ink_width.most == 40


def test_spacing_is_measured_from_ink_elsewhere():
    images = np.full((1, 12, 40), 255, np.uint8)
    images[0, 3:9, [5, 6, 10, 11, 20]] = 0

    found = of_pages(images, ["12"])

    assert not found.from_boxes
    assert (found.spacing.count, found.spacing.least, found.spacing.most) == (2, 3, 8)


def test_images_that_are_the_same_are_counted():
    images = plain_pages(5)
    images[3] = images[1]
    images[[0, 4]] = 255

    assert of_pages(images, ["1"] * 5).repeated == 1


def test_a_good_dataset_gives_no_warning():
    assert warnings(PHONES) == ()


def test_blank_pages_with_a_label_are_warned_of():
    images = plain_pages(len(PHONES))
    images[4] = 255

    assert warnings(PHONES, images) == (
        f"{100 / len(PHONES):.1f} % of the pages have a label but no ink that stands out from the paper",
    )


def test_readable_documents_are_not_warned_of(tmp_path):
    labels = PHONES[:100]
    path = saved(tmp_path / "lines.h5", generate_batch(labels, None, 100, style="document", seed=1), labels)

    found = inspect(path)

    assert (found.pages.blank, found.pages.blank_labelled) == (0, 0)
    assert found.pages.inked + found.pages.unclear == 100
    assert found.warnings == ()


def test_pages_on_which_ink_cannot_be_told_are_warned_of_where_they_are_many():
    rng = np.random.default_rng(1)
    specks = np.full((len(PHONES), 28, 100), 200, np.uint8)
    for page in specks:
        for _ in range(2):
            y, x = rng.integers(2, 24), rng.integers(2, 94)
            page[y : y + 3, x : x + 2] = 150
    specks += rng.integers(0, 8, specks.shape, np.uint8)

    found = warnings(PHONES, specks)

    assert found == ("100.0 % of the pages have a label, and whether they have ink cannot be told from their paper",)


def test_ink_without_a_label_is_warned_of():
    assert "have ink but an empty label" in warnings(["", *PHONES[1:]])[0]


def test_ink_at_the_upper_border_is_warned_of():
    images = plain_pages(100)
    images[:10, 0, 3:5] = 0

    assert "on 10.0 % of the pages, ink touches the upper or lower border" in warnings(PHONES[:100], images)[0]


def test_pages_that_are_all_cut_to_their_ink_are_not_warned_of():
    images = plain_pages(100)
    images[:, 0, 3:5] = 0

    assert warnings(PHONES[:100], images) == ()


def test_labels_that_are_too_long_are_warned_of():
    found = warnings(["1234567890" * 3, "12"])

    assert "1.3 px per character" in found[0]
    assert "PARSeq and PaddleOCR leave out labels of more than 25" in found[1]


def test_digits_that_are_missing_or_far_too_frequent_are_warned_of():
    labels = [f"{number:06}".translate(str.maketrans("89", "00")) for number in range(0, 1_000_000, 4567)]
    labels += ["3333333"] * 200

    found = " ".join(warnings(labels))

    assert "the digits 8, 9 hardly occur" in found
    assert "% of the digits are 3" in found


def test_phone_numbers_that_begin_with_0_are_in_balance():
    labels = [f"0{number:09}" for number in np.random.default_rng(0).integers(10**8, 10**9, 500)]

    assert warnings(labels) == ()


def test_labels_that_repeat_more_than_by_chance_are_warned_of():
    assert "only 50 of 100 labels are different" in warnings(PHONES[:50] * 2)[0]
    assert warnings([str(number % 10) for number in range(300)]) == ()


def test_repeated_images_are_warned_of():
    images = plain_pages(len(PHONES))
    images[5] = images[6]
    one = f"{100 / len(PHONES):.1f} %"

    assert warnings(PHONES, images) == (f"{one} of the images measured repeat an earlier one byte for byte",)


def test_pages_that_differ_in_size_are_measured_each_at_its_own(tmp_path):
    pages = plain_pages(60)
    images = [page[:12, : 30 + k % 11] for k, page in enumerate(pages)]
    path = saved(tmp_path / "lines.h5", images, ["12"] * 20 + ["12345678901"] * 40)

    found = inspect(path)

    assert (found.is_ragged, found.height, found.width, found.channels) == (True, 12, 40, 1)
    assert (found.pages.width.least, found.pages.width.most, found.pages.height.most) == (30, 40, 12)
    assert found.pages.blank == 0  # what pads them is no paper
    assert found.pages.margins["right"].least == 14  # of the own page: 30 px, less 16
    assert any("of the pages have less than 4 px of width for each character" in text for text in found.warnings)
    text = " ".join(" ".join(format_lines(found, bar="#")).split())
    assert "60 images of 30 to 40 x 12 px" in text
    assert "size width 30 to 40 px, mean 34.8; height 12 px" in text


def test_pages_in_colour_are_measured_in_grey(tmp_path):
    grey = plain_pages(30)
    labels = [str(number) for number in range(30)]
    images = np.stack([grey] * 3, axis=-1)

    in_colour = inspect(saved(tmp_path / "colour.h5", images, labels))

    assert in_colour.channels == 3
    assert in_colour.pages == inspect(saved(tmp_path / "grey.h5", grey, labels)).pages
