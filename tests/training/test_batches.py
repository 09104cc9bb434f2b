"""Streams: the images of a job, batch by batch, in any framework's hands."""

import copy
import itertools
import pickle
import threading

import numpy as np
import pytest

from number_generator import Pattern, PhoneNumbers, generate_chunk, stream
from number_generator.errors import SpecError
from number_generator.job.spec import MAX_IMAGE_NUMBER, TRUTHS
from number_generator.rendering import batch
from number_generator.system.threads import ordered_map
from number_generator.training import batches as streams


def joined(batches):
    """Put batches together: images, and labels as a list."""
    images, labels = zip(*batches, strict=True)
    return np.concatenate(images), [label for part in labels for label in part.tolist()]


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("batch_size", "count"), [(7, 50), (64, 64), (3000, 4100), (100, 99)])
def test_a_stream_gives_the_images_of_a_chunk(batch_size, count, workers):
    chunk = generate_chunk(PhoneNumbers(), (5, 10), 100, count=count, seed=3, start=11)

    images, labels = joined(stream(batch_size=batch_size, count=count, seed=3, start=11, workers=workers))

    assert np.array_equal(images, chunk.images)
    assert labels == chunk.labels.tolist()


def test_all_batches_but_the_last_are_full():
    batches = list(stream(batch_size=20, count=50, seed=1, workers=1))

    assert [len(images) for images, _ in batches] == [20, 20, 10]
    assert [len(images) for images, _ in stream(batch_size=20, count=50, seed=1, workers=1, drop_last=True)] == [20, 20]


def test_a_stream_without_a_count_has_no_end_and_no_length():
    batches = stream(batch_size=5, seed=1)

    with batches:
        assert len(list(itertools.islice(batches, 30))) == 30
    with pytest.raises(TypeError, match="give count to have one"):
        len(batches)


def test_a_stream_reaches_the_last_image_number():
    images, _ = joined(stream(batch_size=4, seed=1, start=MAX_IMAGE_NUMBER - 11, workers=1))

    assert len(images) == 8  # no whole batch is left after these


def test_the_length_of_a_stream_is_its_number_of_batches():
    batches = stream(batch_size=5, count=51, seed=1)
    next(batches)

    assert len(batches) == 11
    assert len(stream(batch_size=5, count=51, seed=1, drop_last=True)) == 10
    assert list(stream(count=0)) == []


def test_a_list_is_written_over_and_over_and_never_drawn_alike():
    images, labels = joined(stream(["12", "34", "56"], batch_size=4, count=9, seed=1, start=5, workers=1))

    assert labels == ["12", "34", "56"] * 3
    assert not np.array_equal(images[0], images[3])


def test_a_pattern_and_a_style_can_be_streamed_with_ground_truth():
    pattern = Pattern(r"\d{1,3}-\d{2}")
    wanted = {"style": "natural", "seed": 2, "truth": ["boxes", "glyphs"], "label": "digits"}
    chunk = generate_chunk(pattern, None, 128, count=10, **wanted)

    (images, labels, truth), (_, _, rest) = stream(pattern, width=128, batch_size=6, count=10, workers=1, **wanted)

    assert np.array_equal(images, chunk.images[:6])
    assert labels.tolist() == chunk.labels[:6].tolist()
    assert np.array_equal(np.concatenate([truth["boxes"], rest["boxes"]]), chunk.truth["boxes"])
    assert np.array_equal(truth["writers"], chunk.truth["writers"][:6])


def test_a_copy_of_a_stream_that_has_begun_goes_on_by_itself():
    batches = stream(batch_size=2, count=8, seed=1, workers=2)
    next(batches)

    copies = copy.copy(batches), pickle.loads(pickle.dumps(batches))

    expected, _ = joined(batches)
    for each in copies:
        assert np.array_equal(joined(each)[0], expected)


@pytest.mark.parametrize("window", [1, 3])
def test_labels_of_images_as_wide_as_their_lines_may_be_beyond_ascii(window):
    batches = stream(["€5", "£12", "7"], width="auto", batch_size=2, count=6, seed=1, window=window, workers=1)

    assert sorted(label for _, labels, _ in batches for label in labels) == sorted(["€5", "£12", "7"] * 2)


@pytest.mark.parametrize("count", [2, 6])
def test_the_shape_of_truth_does_not_depend_on_what_a_batch_was_made_together_with(count):
    numbers = ["1", "12", "1", "1234", "1", "12345"]
    chunk = generate_chunk(numbers[:2], None, 100, seed=1, style="natural", truth=TRUTHS)

    batches = stream(numbers, batch_size=2, count=count, seed=1, style="natural", truth=TRUTHS, workers=1)

    given = next(batches)[2]
    assert {name: array.shape for name, array in given.items()} == {
        name: array.shape for name, array in chunk.truth.items()
    }


def test_batches_of_one_task_do_not_share_their_pixels():
    first, second = (images for images, _ in stream(batch_size=3, count=6, seed=1, workers=1))
    before = second.copy()

    first[:] = 0

    assert np.array_equal(second, before)


def test_wide_pages_of_a_large_batch_are_made_in_parts(monkeypatch):
    whole, _ = joined(stream(["123"], width=5000, batch_size=200, count=200, seed=1, workers=1))
    spans = []
    make = batch.make_chunk
    monkeypatch.setattr(
        batch,
        "make_chunk",
        lambda job, atlas, span, *rest, **more: spans.append(span) or make(job, atlas, span, *rest, **more),
    )

    again, _ = joined(stream(["123"], width=5000, batch_size=200, count=200, seed=1, workers=1))

    assert len(spans) > 1
    assert np.array_equal(whole, again)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_that_was_interrupted_goes_on(monkeypatch, workers):
    whole = list(stream(batch_size=3000, count=9000, seed=1, workers=1))
    batches = stream(batch_size=3000, count=9000, seed=1, workers=workers)
    given = [next(batches)]

    with monkeypatch.context() as patch:
        patch.setattr(streams.Batches, "_make", interrupted)
        batches.close()
        with pytest.raises(KeyboardInterrupt):
            next(batches)
    given += list(batches)

    assert np.array_equal(joined(given)[0], joined(whole)[0])


def test_one_worker_starts_no_thread():
    before = threading.active_count()

    batches = stream(batch_size=4, seed=1, workers=1)
    next(batches)

    assert threading.active_count() == before


def test_closing_a_stream_ends_its_threads_and_it_goes_on_after_that():
    batches = stream(batch_size=4000, count=12_000, seed=1, workers=2)
    first, _ = next(batches)
    running = threading.active_count()

    batches.close()
    ended = threading.active_count()
    second, _ = next(batches)
    batches.close()

    assert ended < running
    whole, _ = joined(stream(batch_size=4000, count=8000, seed=1))
    assert np.array_equal(np.concatenate([first, second]), whole)


def test_what_is_rendered_ahead_is_bounded(monkeypatch):
    asked = []

    def counted(function, items, workers):
        return ordered_map(function, (asked.append(item) or item for item in items), workers)

    monkeypatch.setattr(streams, "ordered_map", counted)
    with stream(batch_size=4096, seed=1, workers=2) as batches:
        next(batches)

    assert len(asked) <= 2 * 2


@pytest.mark.parametrize("given", [0, 1, 5, 7])
def test_a_stream_goes_on_where_another_stood(given):
    whole = list(stream(batch_size=9, count=61, seed=4, workers=1))
    batches = stream(batch_size=9, count=61, seed=4, workers=2)
    for _ in range(given):
        next(batches)
    state = pickle.loads(pickle.dumps(batches.state_dict()))

    other = stream(batch_size=9, count=61, seed=4, workers=1)
    next(other)
    other.load_state_dict(state)
    rest = list(other)

    assert len(rest) == len(whole) - given
    for (images, labels), (wanted, texts) in zip(rest, whole[given:], strict=True):
        assert np.array_equal(images, wanted)
        assert labels.tolist() == texts.tolist()


def test_a_seed_that_was_drawn_is_part_of_the_state():
    batches = stream(batch_size=3)
    next(batches)
    second = stream(batch_size=3)

    second.load_state_dict(batches.state_dict())

    assert second.seed == batches.seed
    assert np.array_equal(next(second)[0], next(batches)[0])


@pytest.mark.parametrize(
    "other",
    [
        {"batch_size": 8},
        {"width": 101},
        {"start": 1},
        {"count": 10},
        {"fit": "stretch"},
        {"style": "natural"},
        {"numbers": ["12"]},
        {"spacing_range": (5, 11)},
        {"label": "digits"},
    ],
    ids=str,
)
def test_the_state_of_another_stream_is_refused(other):
    state = stream(batch_size=9, seed=1).state_dict()

    with pytest.raises(SpecError, match="of a stream with other arguments"):
        stream(**{"batch_size": 9, "seed": 1} | other).load_state_dict(state)


def test_the_state_of_a_stream_of_other_digits_is_refused(make_digit_dataset):
    state = stream(seed=1, digits=make_digit_dataset(28, seed=1)).state_dict()

    with pytest.raises(SpecError, match="other arguments, digits or version"):
        stream(seed=1, digits=make_digit_dataset(28, seed=2)).load_state_dict(state)


@pytest.mark.parametrize("state", [{}, None, {"batches": 1, "seed": 2}])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(SpecError, match="not one that state_dict gave"):
        stream().load_state_dict(state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0: give an integer, from 1"),
        ({"count": -1}, "count is -1"),
        ({"start": -1}, "start is -1"),
        ({"workers": 0}, "workers is 0"),
        ({"numbers": Pattern}, "numbers is the class Pattern: give one of its objects"),
        ({"numbers": []}, "the list of numbers is empty"),
        ({"numbers": ["1a"]}, "which holds 'a'"),
        ({"truth": ["pixels"]}, "truth holds 'pixels'"),
        ({"width": 0}, "width is 0"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_told_when_the_stream_is_made(arguments, message):
    with pytest.raises(SpecError, match=message):
        stream(**arguments)
