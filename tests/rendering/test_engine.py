"""What images depend on, and what they do not; the forms that arguments may take, and the refused ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from number_generator import DigitImageDataset, DigitSequenceImageGenerator, generate_batch, generate_numbers_sequence
from number_generator.errors import DatasetError, DatasetNotFoundError, MemoryLimitError, SpecError
from number_generator.job import spec
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.phone import PhoneNumbers
from number_generator.numbers.sequences import FixedNumbers, format_labels, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.system.threads import ordered_map

LARGEST_NUMBER = 2**63 - 1
SEEDS = st.integers(0, 2**64 - 1)
LISTS = st.lists(st.text("0123456789", max_size=12), max_size=12)
SPECS = st.fixed_dictionaries(
    {
        "spacing_range": st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: tuple(sorted(pair))),
        "width": st.integers(1, 150),
        "fit": st.sampled_from(["contain", "stretch"]),
    }
)


@pytest.fixture(scope="module", params=[8, 33])
def dataset(request, make_digit_dataset):
    return make_digit_dataset(request.param)


@pytest.fixture(scope="module")
def small(make_digit_dataset):
    return make_digit_dataset(8)


def draw(sequences, dataset, seed=1, spacing_range=(0, 10), width=60, **options):
    return generate_batch(sequences, spacing_range, width, seed=seed, digits=dataset, **options)


@given(LISTS, SPECS, SEEDS, st.integers(0, LARGEST_NUMBER - 12), st.data())
def test_a_slice_of_a_batch_equals_the_batch_of_the_slice(dataset, sequences, spec, seed, start, data):
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(sequences))] * 2)))

    whole = draw(sequences, dataset, seed, start=start, **spec)
    part = draw(sequences[first:last], dataset, seed, start=start + first, **spec)

    np.testing.assert_array_equal(whole[first:last], part)


@given(LISTS, LISTS, SPECS, SEEDS)
def test_more_sequences_after_it_do_not_change_a_batch(dataset, sequences, more, spec, seed):
    longer = draw(sequences + more, dataset, seed, **spec)

    np.testing.assert_array_equal(longer[: len(sequences)], draw(sequences, dataset, seed, **spec))


@given(LISTS, SPECS, SEEDS, st.randoms(use_true_random=False))
def test_images_may_be_made_one_by_one_in_any_order(dataset, sequences, spec, seed, random):
    numbers = list(range(len(sequences)))
    random.shuffle(numbers)
    singles = {number: draw([sequences[number]], dataset, seed, start=number, **spec)[0] for number in numbers}

    whole = draw(sequences, dataset, seed, **spec)

    for number, image in enumerate(whole):
        np.testing.assert_array_equal(image, singles[number], err_msg=f"image {number}")


@given(LISTS, SPECS, SEEDS, st.integers(1, 5), st.sampled_from([1, 2, 3]))
def test_images_do_not_depend_on_the_chunk_size_or_the_workers(dataset, sequences, options, seed, chunk, workers):
    whole = draw(sequences, dataset, seed, workers=1, **options)
    image_bytes = dataset.atlas.height * options["width"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spec, "SPAN_BYTES", chunk * image_bytes)
        parted = draw(sequences, dataset, seed, workers=workers, **options)

    np.testing.assert_array_equal(parted, whole)


@pytest.mark.parametrize("workers", [1, 2, 3, None])
def test_a_batch_of_many_chunks_does_not_depend_on_the_workers(small, workers):
    sequences = ["0123456789"] * 5000

    np.testing.assert_array_equal(draw(sequences, small, workers=workers), draw(sequences, small, workers=1))


@given(SEEDS, st.integers(0, 10**6), st.integers(0, 60), st.data())
def test_a_chunk_of_phone_numbers_does_not_depend_on_its_neighbours(small, seed, start, count, data):
    middle = data.draw(st.integers(0, count))
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 40), 8, seed, Span(start, start + count))

    whole = make_chunk(job, small.atlas, job.span)
    parts = [
        make_chunk(job, small.atlas, Span(*ends)) for ends in ((start, start + middle), (start + middle, start + count))
    ]

    np.testing.assert_array_equal(whole.images, np.concatenate([part.images for part in parts]))
    np.testing.assert_array_equal(whole.labels, np.concatenate([part.labels for part in parts]))


@given(SEEDS, st.integers(0, 1000))
def test_a_chunks_images_are_those_of_its_labels(small, seed, start):
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 40), 8, seed, Span(start, start + 20))

    chunk = make_chunk(job, small.atlas, job.span)

    labels = [label.decode() for label in chunk.labels]
    assert chunk.labels.dtype == "S11"
    assert all(len(label) in (10, 11) and label[0] == "0" and label[1] != "0" for label in labels)
    np.testing.assert_array_equal(chunk.images, draw(labels, small, seed, (5, 10), 40, start=start))


def test_another_seed_gives_other_images(dataset):
    sequences = ["0123456789"] * 50

    first, second = (draw(sequences, dataset, seed, width=200) for seed in (1, 2))

    assert (first != second).any(axis=(1, 2)).all()


def test_images_of_one_batch_differ(dataset):
    batch = draw(["0123456789"] * 50, dataset, width=200)

    assert len({image.tobytes() for image in batch}) == 50


def test_no_seed_draws_afresh(small):
    assert (draw(["0123456789"] * 5, small, None) != draw(["0123456789"] * 5, small, None)).any()


@given(LISTS, SPECS, SEEDS)
def test_out_is_filled_and_returned(dataset, sequences, spec, seed):
    expected = draw(sequences, dataset, seed, **spec)
    out = np.full(expected.shape, 77, np.uint8)

    returned = draw(sequences, dataset, seed, out=out, **spec)

    assert returned is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize("width", [1, 7, 15, 16, 17, 31, 33, 60, 64, 100])
@pytest.mark.parametrize("length", [1, 2, 5, 12])
def test_out_may_be_a_part_of_a_larger_array(small, length, width, fit):
    # Rows are written in whole vectors: what follows the last page must not feel them.
    whole = np.full((9, 8, width), 77, np.uint8)
    sequences = ["8" * length, "20345678901"[:length]]
    options = {"width": width, "fit": fit}

    draw(sequences, small, out=whole[3:5], **options)

    np.testing.assert_array_equal(whole[3:5], draw(sequences, small, **options))
    assert (whole[:3] == 77).all()
    assert (whole[5:] == 77).all()


def test_out_may_be_a_memory_map(small, tmp_path):
    out = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(2, 8, 60))

    returned = draw(["12", "345"], small, out=out)

    assert returned is out
    np.testing.assert_array_equal(np.fromfile(tmp_path / "images", np.uint8), draw(["12", "345"], small).reshape(-1))


@given(st.lists(st.text("0123456789", max_size=12), min_size=1, max_size=8), SEEDS)
def test_all_forms_of_sequences_give_the_same_images(small, texts, seed):
    digits = [[int(character) for character in text] for text in texts]
    expected = draw(texts, small, seed)

    forms = {
        "tuple": tuple(texts),
        "generator": (text for text in texts),
        "array of str": np.array(texts),
        "array of objects": np.array(texts, object),
        "lists": digits,
        "tuples": tuple(map(tuple, digits)),
        "arrays": [np.array(sequence, np.int16) for sequence in digits],
        "unsigned arrays": [np.array(sequence, np.uint64) for sequence in digits],
        "NumPy integers": [list(map(np.int32, sequence)) for sequence in digits],
        "ranges and others": [iter(sequence) for sequence in digits],
        "a mixture": [text if number % 2 else digits[number] for number, text in enumerate(texts)],
    }
    for name, form in forms.items():
        np.testing.assert_array_equal(draw(form, small, seed), expected, err_msg=name)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64, ">i4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_integer_array_gives_the_same_images_as_its_rows(small, dtype, order):
    array = np.random.default_rng(1).integers(0, 10, (7, 11))
    texts = ["".join(map(str, row)) for row in array]

    np.testing.assert_array_equal(draw(np.asarray(array, dtype, order=order), small), draw(texts, small))


def test_an_array_may_be_a_strided_view(small):
    array = np.random.default_rng(1).integers(0, 10, (6, 8))

    np.testing.assert_array_equal(draw(array[::-2, 1::3], small), draw(array[::-2, 1::3].tolist(), small))


@pytest.mark.parametrize("sequences", [[], (), np.empty((0, 5), int), np.empty(0, str)])
def test_no_sequences_are_no_images(small, sequences):
    assert draw(sequences, small).shape == (0, 8, 60)


@pytest.mark.parametrize("sequences", [["", ""], [[], []], np.empty((2, 0), int), np.array(["", ""])])
def test_empty_sequences_are_blank_pages(small, sequences):
    assert draw(sequences, small).tolist() == [[[255] * 60] * 8] * 2


def test_arguments_may_be_numpy_integers_and_lists(small):
    expected = draw(["123"], small, 5, (2, 4), 30, start=3)

    given = draw(["123"], small, np.uint64(5), [np.int8(2), np.uint16(4)], np.int32(30), start=np.int64(3))

    np.testing.assert_array_equal(given, expected)


def test_labels_are_ascii_digits_padded_to_the_longest():
    packed = pack_sequences(["007", "", "42"])

    assert format_labels(packed, packed.longest).tolist() == [b"007", b"", b"42"]
    assert format_labels(packed, 5).dtype == "S5"
    assert format_labels(pack_sequences([""]), 0).tolist() == [b""]


def test_one_sequence_is_drawn_as_image_0(small):
    expected = draw(["90210"], small, 7, (4, 10), 100)[0]
    generator = DigitSequenceImageGenerator(small, (4, 10), 100)

    for digits in ("90210", [9, 0, 2, 1, 0], (9, 0, 2, 1, 0), np.array([9, 0, 2, 1, 0]), iter([9, 0, 2, 1, 0])):
        np.testing.assert_array_equal(generator.generate_from_data(digits, seed=7), expected)


def test_one_sequence_takes_the_default_digits_spacing_and_width():
    expected = generate_batch(["123"], (4, 10), 100, seed=7)[0]

    np.testing.assert_array_equal(generate_numbers_sequence([1, 2, 3], seed=7), expected)
    np.testing.assert_array_equal(generate_numbers_sequence("123", (4, 10), image_width=100, seed=7), expected)


def test_nothing_is_one_blank_page(small):
    assert (DigitSequenceImageGenerator(small, (4, 10), 33).generate_from_data([]) == 255).all()
    assert generate_numbers_sequence("").shape == (28, 100)


def test_digits_may_be_a_file(digits_file, make_digit_dataset):
    expected = draw(["123"], make_digit_dataset(12))

    np.testing.assert_array_equal(draw(["123"], digits_file), expected)
    np.testing.assert_array_equal(draw(["123"], str(digits_file)), expected)


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ("123", r"sequences is the single text '123': give a list of them, \['123'\]"),
        (b"123", "sequences is the single text b'123'"),
        (5, "sequences is 5: give a list of strings"),
        (None, "sequences is None"),
        (["12", "1a3"], "sequence 1 is '1a3', which holds 'a': give digits from 0 to 9"),
        (["12_3"], "holds '_'"),
        (["1\t2"], r"holds '\\t'"),
        (["1\0"], r"holds '\\x00'"),
        (["12\n"], r"holds '\\n'"),
        (["٣"], "holds '٣'"),
        (["", "", "12", "4５"], "sequence 3 is '4５', which holds '５'"),
        (["\ud800"], "sequence 0 is"),
        ([";"], "holds ';'"),
        (["x" * 200], r"sequence 0 is 'x{76}\.\.\., which holds 'x'"),
        ([[1, 2], [1, 10]], "sequence 1 holds 10"),
        ([[-1]], "sequence 0 holds -1"),
        ([[256]], "sequence 0 holds 256"),
        ([[2**70]], "sequence 0"),
        ([[1.0]], r"sequence 0 is \[1.0\]: give a string of digits or a list of integers"),
        ([[1, 2.5]], "sequence 0"),
        ([[True, False]], "sequence 0"),
        ([[1, True]], r"sequence 0 is \[1, True\]"),
        ([np.array([True])], "sequence 0"),
        ([["1", "2"]], "sequence 0"),
        ([[None]], "sequence 0"),
        ([[[1, 2], [3, 4]]], "sequence 0"),
        ([[1, [2]]], "sequence 0"),
        ([np.array(5)], "sequence 0"),
        ([1, 2, 3], "sequence 0 is 1: give a string of digits or a list of integers"),
        ([b"12"], "sequence 0"),
        ([b"\x01\x02"], "sequence 0"),
        ([bytearray(b"\x01")], "sequence 0"),
        ([None], "sequence 0 is None"),
        (np.array(["1", "x"]), "sequence 1 is .*'x'"),
        (np.array([b"12"]), "sequence 0"),
        (np.array([1, 2, 3]), r"array of shape \(3,\) and type int64"),
        (np.zeros((1, 2, 3), int), r"array of shape \(1, 2, 3\)"),
        (np.zeros((2, 2)), "type float64"),
        (np.zeros((2, 2), bool), "type bool"),
        (np.zeros((2, 2), complex), "type complex128"),
        (np.array([[1, 2], [3, 10]]), "sequence 1 holds 10"),
        (np.array([[1, -1]]), "sequence 0 holds -1"),
        (np.array([[2**63 + 5]], np.uint64), "sequence 0 holds 9223372036854775813"),
        (np.array(5), r"array of shape \(\)"),
        (["1", "2" * 10_001], "sequence 1 has 10001 digits: at most 10000 are possible"),
        ([[0] * 10_001], "sequence 0 has 10001 digits"),
        (np.zeros((1, 10_001), int), "sequences have 10001 digits"),
    ],
)
def test_what_is_no_list_of_digit_sequences_is_refused(small, sequences, message):
    with pytest.raises(SpecError, match=message):
        draw(sequences, small)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": 0}, "width is 0: give an integer, from 1 to 65535"),
        ({"width": -5}, "width is -5"),
        ({"width": 65536}, "width is 65536"),
        ({"width": 100.0}, "width is 100.0"),
        ({"width": True}, "width is True"),
        ({"width": "100"}, "width is '100'"),
        ({"width": None}, "width is None"),
        ({"spacing_range": (9, 4)}, r"spacing_range is \(9, 4\): the minimum exceeds the maximum"),
        ({"spacing_range": (-1, 4)}, "spacing_range's minimum is -1"),
        ({"spacing_range": (0, 65536)}, "spacing_range's maximum is 65536"),
        ({"spacing_range": (1.5, 4)}, "spacing_range's minimum is 1.5"),
        ({"spacing_range": (1, 4.0)}, "spacing_range's maximum is 4.0"),
        ({"spacing_range": (False, True)}, "spacing_range's minimum is False"),
        ({"spacing_range": 5}, "spacing_range is 5: give two integers"),
        ({"spacing_range": (5,)}, r"spacing_range is \(5,\)"),
        ({"spacing_range": (1, 2, 3)}, r"spacing_range is \(1, 2, 3\)"),
        ({"spacing_range": "ab"}, "spacing_range's minimum is 'a'"),
        ({"seed": -1}, "seed is -1: give an integer, from 0 to 18446744073709551615"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"seed": 1.0}, "seed is 1.0"),
        ({"seed": True}, "seed is True"),
        ({"seed": "1"}, "seed is '1'"),
        ({"start": -1}, "start is -1"),
        ({"start": 2**63}, "start is 9223372036854775808"),
        ({"start": 2**63 - 2}, r"images 9223372036854775806 to 9223372036854775808 .* at most 2\*\*63 - 1"),
        ({"start": 0.5}, "start is 0.5"),
        ({"start": None}, "start is None"),
        ({"fit": "fill"}, "fit is 'fill': give one of 'contain', 'stretch'"),
        ({"fit": None}, "fit is None"),
        ({"workers": 0}, "workers is 0"),
        ({"workers": -1}, "workers is -1"),
        ({"workers": 1025}, "workers is 1025"),
        ({"workers": 1.5}, "workers is 1.5"),
        ({"out": np.empty((2, 8, 61), np.uint8)}, r"out is an array of shape \(2, 8, 61\) and type uint8"),
        ({"out": np.empty((1, 8, 60), np.uint8)}, r"give a uint8 array of shape \(2, 8, 60\)"),
        ({"out": np.empty((2, 8, 60), np.int8)}, "type int8"),
        ({"out": np.empty((2, 8, 60))}, "type float64"),
        ({"out": np.empty((2, 8, 120), np.uint8)[:, :, ::2]}, "out is not a writeable C-contiguous array"),
        ({"out": np.empty((2, 8, 60), np.uint8, order="F")}, "out is not a writeable C-contiguous array"),
        ({"out": np.frombuffer(bytes(960), np.uint8).reshape(2, 8, 60)}, "out is not a writeable C-contiguous array"),
        ({"out": [[0]]}, r"out is \[\[0\]\]"),
    ],
)
def test_an_argument_that_breaks_a_rule_is_refused(small, changed, message):
    with pytest.raises(SpecError, match=message):
        draw(["12", "3"], small, **changed)


def test_a_masked_array_for_out_is_filled(small):
    out = np.ma.masked_array(np.zeros((1, 8, 60), np.uint8))

    draw(["12"], small, out=out)

    np.testing.assert_array_equal(out.data, draw(["12"], small))


def test_a_line_wider_than_exact_arithmetic_allows_is_refused(make_digit_dataset):
    message = "257 digits, each up to 28 px wide, with gaps up to 65535 px can take 16784156 px .* at most 16777216 px"

    with pytest.raises(SpecError, match=message):
        generate_batch(["1" * 257, "2"], (0, 65535), 100, digits=make_digit_dataset(28))


def test_the_limit_of_a_lines_width_is_2_to_the_24():
    # 257 digits of 64 px and 256 gaps of 65,471.75 px are 2**24 px.
    numbers = FixedNumbers(pack_sequences(["1" * 257]))

    Job(numbers, RenderSpec((0, 65471), 100), 64, 0, Span(0, 1))
    with pytest.raises(SpecError, match="257 digits"):
        Job(numbers, RenderSpec((0, 65472), 100), 64, 0, Span(0, 1))


def test_a_digit_dataset_of_another_kind_is_refused():
    with pytest.raises(SpecError, match="dataset is a str: give a DigitImageDataset"):
        DigitSequenceImageGenerator("digits.pickle", (0, 1), 100)


def test_a_generators_arguments_are_checked_at_once(small):
    with pytest.raises(SpecError, match="width is 0"):
        DigitSequenceImageGenerator(small, (0, 1), 0)
    with pytest.raises(SpecError, match="the minimum exceeds the maximum"):
        DigitSequenceImageGenerator(small, (2, 1), 100)


@pytest.mark.parametrize(
    ("digits", "message"),
    [
        (5, "sequence 0 is 5"),
        (None, "sequence 0 is None"),
        ("12x", "holds 'x'"),
        ([1, "2"], "sequence 0"),
        ([1.0], "sequence 0"),
        (b"12", "sequence 0"),
        ([[1, 2]], "sequence 0"),
        (np.zeros((2, 2), int), "sequence 0"),
    ],
)
def test_what_is_no_digit_sequence_is_refused(digits, message):
    with pytest.raises(SpecError, match=message):
        generate_numbers_sequence(digits)


def test_a_missing_digit_dataset_file_is_reported(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"none\.pickle"):
        draw(["1"], tmp_path / "none.pickle")


@pytest.mark.parametrize("digits", [5, True, 1.5, b"\0", [1, 2], "a\0b"])
def test_digits_that_are_no_path_are_refused(digits):
    with pytest.raises((SpecError, DatasetError, DatasetNotFoundError)):
        draw(["1"], digits)


def test_an_empty_digit_dataset_is_refused():
    with pytest.raises(DatasetError, match="the digit dataset is empty"):
        draw(["1"], DigitImageDataset())


def test_a_batch_that_no_machine_can_hold_is_refused(make_digit_dataset):
    # More than 2**47 bytes, the addresses of a process.
    with pytest.raises(MemoryLimitError, match=r"2200000 images of 65535 x 1000 px take \d+\.\d GiB"):
        generate_batch(np.empty((2_200_000, 0), int), (0, 0), 65535, digits=make_digit_dataset(1000, per_class=1))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_tasks_are_done_in_order(workers):
    assert list(ordered_map(lambda number: number * 2, range(50), workers)) == list(range(0, 100, 2))


@pytest.mark.parametrize("workers", [2, 5])
def test_few_tasks_are_in_flight(workers):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    for done, _ in enumerate(ordered_map(lambda number: number, items(), workers), 1):
        assert len(taken) - done < 2 * workers


@pytest.mark.parametrize("workers", [1, 3])
def test_the_exception_of_a_task_is_raised_in_its_place(workers):
    def halve(number):
        if number == 4:
            raise ArithmeticError("four")
        return number / 2

    results = ordered_map(halve, range(10), workers)

    assert [next(results) for _ in range(4)] == [0, 0.5, 1, 1.5]
    with pytest.raises(ArithmeticError, match="four"):
        next(results)


def test_a_span_splits_into_consecutive_spans():
    assert list(Span(3, 10).split(3)) == [Span(3, 6), Span(6, 9), Span(9, 10)]
    assert list(Span(3, 3).split(3)) == []
    assert len(Span(3, 10)) == 7


def spans_of(sequences, width=100):
    job = Job(FixedNumbers(pack_sequences(sequences)), RenderSpec((0, 0), width), 28, 1, Span(0, len(sequences)))
    return list(job.split())


def test_the_spans_of_a_job_cover_it_once_and_in_order():
    spans = spans_of(["1" * (index % 50) for index in range(10_000)])

    assert (spans[0].start, spans[-1].stop) == (0, 10_000)
    assert all(before.stop == after.start for before, after in itertools.pairwise(spans))


def test_long_sequences_make_short_spans_and_leave_those_of_short_ones_long():
    spans = spans_of(["1" * 10_000] * 50 + ["2"] * 5000)

    assert max(len(span) for span in spans if span.stop <= 50) < 10
    assert max(map(len, spans)) > 1000


def test_wide_pages_make_short_spans():
    assert max(map(len, spans_of(["1"] * 1000, width=65_535))) < 10


def test_a_span_for_a_writer_holds_a_multiple_of_its_blocks():
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 100), 28, 1, Span(0, 5000))

    spans = list(job.split(480))

    assert all(len(span) % 480 == 0 for span in spans[:-1])
    assert spans[-1].stop == 5000


def test_workers_are_given_shares_of_what_is_left():
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 100), 28, 1, Span(0, 40_000))

    lengths = list(map(len, job.split(workers=16)))

    assert (lengths[0], lengths[-2]) == (2048, 512)
    assert lengths[:-1] == sorted(lengths[:-1], reverse=True)
    assert sum(lengths) == 40_000


def test_one_worker_is_given_spans_of_one_size():
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 100), 28, 1, Span(0, 40_000))

    assert set(map(len, list(job.split())[:-1])) == {2048}


def test_a_small_batch_makes_fewer_spans_than_there_are_workers():
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 100), 28, 1, Span(0, 1024))

    assert list(map(len, job.split(workers=16))) == [512, 512]


def test_an_atlas_of_another_height_is_refused(make_digit_dataset):
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 100), 28, 1, Span(0, 1))

    with pytest.raises(SpecError, match="digits 28 px high, and these are 12 px high"):
        make_chunk(job, make_digit_dataset(12).atlas, job.span)


def test_a_batch_fills_an_array_that_is_mapped_to_a_file(tmp_path):
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=(2, 28, 100))

    given = generate_batch(["1", "2"], (5, 10), 100, seed=1, out=mapped)

    assert given is mapped
    assert np.array_equal(mapped, generate_batch(["1", "2"], (5, 10), 100, seed=1))
