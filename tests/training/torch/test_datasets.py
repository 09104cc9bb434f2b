"""PyTorch datasets: every image once, for any number of worker processes and ranks, and the same after a resume."""

import copy
import itertools
import os
import pickle

import numpy as np
import pytest

from number_generator import PhoneNumbers, encode_labels, generate_chunk
from number_generator.errors import SpecError

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, DistributedSampler, RandomSampler  # noqa: E402

from number_generator.torch import NumberImages, NumberSampler, NumberStream  # noqa: E402
from number_generator.training.torch import shared_buffers  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than cores are meant
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated"),  # torchdata's own
]
COUNT, SIZE = 150, 16


@pytest.fixture(scope="module")
def chunk():
    return generate_chunk(PhoneNumbers(), (5, 10), 100, count=COUNT, seed=1)


def make_stream(**arguments):
    return NumberStream(**{"batch_size": SIZE, "count": COUNT, "seed": 1} | arguments)


def load(dataset, workers=0, method=None, kind=DataLoader, **arguments):
    context = method if workers else None
    return kind(dataset, batch_size=None, num_workers=workers, multiprocessing_context=context, **arguments)


def joined(batches):
    images, labels = zip(*batches, strict=True)
    return torch.cat(images)[:, 0].numpy(), [label for part in labels for label in part.tolist()]


@pytest.mark.parametrize(
    ("workers", "method"), [(0, None), (1, "fork"), (3, "fork"), pytest.param(2, "spawn", marks=pytest.mark.slow)]
)
def test_a_loader_gives_each_image_once_and_in_order(chunk, workers, method):
    loader = load(make_stream(), workers, method)

    images, labels = joined(list(loader))

    assert np.array_equal(images, chunk.images)
    assert labels == chunk.labels.tolist()
    assert len(loader) == 10


@pytest.mark.parametrize(("world_size", "workers"), [(2, 0), (3, 0), (12, 0), (3, 2)])
def test_ranks_share_the_batches_out(chunk, world_size, workers):
    shares = [
        list(load(make_stream(rank=rank, world_size=world_size), workers, "fork"))
        for rank in range(world_size if workers == 0 else 1)
    ]

    for rank, share in enumerate(shares):
        wanted = [chunk.images[first : first + SIZE] for first in range(rank * SIZE, COUNT, world_size * SIZE)]
        assert len(share) == len(wanted)
        assert all(np.array_equal(images[:, 0], want) for (images, _), want in zip(share, wanted, strict=True))


@pytest.mark.parametrize("world_size", [1, 2, 3, 9, 10])
def test_without_the_last_batches_every_rank_has_the_same_number(world_size):
    ranks = [make_stream(rank=rank, world_size=world_size, drop_last=True) for rank in range(world_size)]

    batches = [list(rank) for rank in ranks]

    assert {len(share) for share in batches} == {9 // world_size}
    assert {len(rank) for rank in ranks} == {9 // world_size}
    assert all(len(images) == SIZE for share in batches for images, _ in share)


def test_rank_and_world_size_are_those_of_the_process_group_also_in_a_spawned_worker(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    dataset = make_stream()
    sent = pickle.dumps(dataset)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: False)

    received = pickle.loads(sent)

    assert len(list(received)) == 5
    assert np.array_equal(next(iter(received))[0], next(iter(make_stream(rank=1, world_size=2)))[0])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda dataset: pickle.loads(pickle.dumps(dataset))])
def test_a_copy_from_before_the_process_group_takes_its_ranks_and_new_epochs(monkeypatch, copied):
    dataset = copied(make_stream())
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    loader = load(dataset, 1, "fork", persistent_workers=True)
    list(loader)

    dataset.set_epoch(1)

    wanted = make_stream(rank=1, world_size=2)
    wanted.set_epoch(1)
    assert np.array_equal(joined(loader)[0], joined(wanted)[0])


def test_ranks_need_a_seed_in_common(monkeypatch):
    with pytest.raises(SpecError, match="seed is None and there are several ranks"):
        make_stream(rank=0, world_size=2, seed=None)


@pytest.mark.parametrize(("given", "workers"), [(0, 0), (3, 0), (9, 0), (3, 2)])
def test_a_stateful_loader_resumes_in_the_middle_of_an_epoch(given, workers):
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    loader = load(make_stream(), workers, "fork", stateful)
    batches = iter(loader)
    for _ in range(given):
        next(batches)
    state = loader.state_dict()
    rest = joined(batches)

    other = load(make_stream(), workers, "fork", stateful)
    other.load_state_dict(state)

    resumed = joined(other)
    assert np.array_equal(resumed[0], rest[0])
    assert resumed[1] == rest[1]
    assert len(list(other)) == 10  # the next epoch is whole


@pytest.mark.parametrize("workers", [0, 2])
def test_a_state_of_a_loader_that_has_just_begun_another_epoch_is_of_that_epoch(workers):
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    loader = load(make_stream(), workers, "fork", stateful)
    list(loader)
    batches = iter(loader)
    state = loader.state_dict()
    del batches

    other = load(make_stream(), workers, "fork", stateful)
    other.load_state_dict(state)

    assert len(list(other)) == 10


@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_loader_resumes_after_the_batches_that_were_counted(chunk, workers):
    state = make_stream(seed=1).state_dict(batches=4)
    dataset = make_stream(seed=1)
    dataset.load_state_dict(state)
    loader = load(dataset, workers, "fork")

    images, _ = joined(loader)

    assert np.array_equal(images, chunk.images[4 * SIZE :])


@pytest.mark.parametrize("workers", [0, 2])
def test_the_pass_after_the_one_that_was_resumed_is_whole(chunk, workers):
    dataset = make_stream()
    dataset.load_state_dict(make_stream().state_dict(batches=4))
    loader = load(dataset, workers, "fork")
    first = list(loader)

    second, other = joined(loader)[0], joined(load(dataset, 3, "fork"))[0]

    assert len(first) == 6
    assert np.array_equal(second, chunk.images)
    assert np.array_equal(other, chunk.images)


def test_a_new_epoch_is_at_its_beginning():
    dataset = make_stream()
    list(dataset)
    resumed = make_stream()
    resumed.load_state_dict(dataset.state_dict(batches=4))

    dataset.set_epoch(1)
    resumed.set_epoch(1)

    assert (dataset.state_dict()["batches"], dataset.state_dict()["epoch"]) == (0, 1)
    assert len(list(resumed)) == 10


def test_the_state_of_other_ranks_is_refused():
    dataset = make_stream(rank=0, world_size=2)
    dataset.load_state_dict(make_stream(rank=1, world_size=4).state_dict(batches=2))

    with pytest.raises(SpecError, match="of one of 4 ranks, and there are 2: start as many"):
        next(iter(dataset))


def test_two_passes_at_once_count_their_batches_apart():
    dataset = make_stream()
    first, second = iter(dataset), iter(dataset)
    next(first), next(first), next(first)
    next(second)

    assert dataset.state_dict()["batches"] == 1


def test_the_state_tells_how_many_batches_were_given():
    dataset = make_stream()
    batches = iter(dataset)
    next(batches), next(batches)

    assert dataset.state_dict() == dataset.state_dict(batches=2)
    assert dataset.state_dict()["batches"] == 2


def test_a_state_of_other_workers_or_arguments_is_refused():
    state = make_stream().state_dict() | {"workers": 3}
    dataset = make_stream()

    dataset.load_state_dict(state)
    with pytest.raises(SpecError, match="a loader with 3 worker processes, and this one has 1"):
        next(iter(dataset))
    with pytest.raises(SpecError, match="a stream with other arguments"):
        make_stream(width=64).load_state_dict(state)


def test_epochs_show_other_images_in_worker_processes_that_live_on_as_well():
    later = generate_chunk(PhoneNumbers(), (5, 10), 100, count=COUNT, seed=1, start=2 * COUNT)
    dataset = make_stream()
    loader = load(dataset, 1, "fork", persistent_workers=True)
    first = joined(loader)[0]

    again = joined(loader)[0]
    dataset.set_epoch(2)
    third = joined(loader)[0]

    assert np.array_equal(first, again)
    assert np.array_equal(third, later.images)


def test_a_state_holds_the_epoch(chunk):
    dataset = make_stream()
    dataset.set_epoch(1)
    other = make_stream()

    other.load_state_dict(dataset.state_dict(batches=9))

    assert np.array_equal(joined(other)[0], joined(dataset)[0][9 * SIZE :])


def test_a_state_that_is_refused_changes_nothing():
    dataset = make_stream()
    before = dataset.state_dict()

    for epoch in (2**70, 2**62, -1, "1"):
        with pytest.raises(SpecError, match="the state's epoch is"):
            dataset.load_state_dict(before | {"seed": 2, "epoch": epoch})

    assert dataset.state_dict() == before
    assert dataset.seed == 1


def test_an_epoch_beyond_the_last_image_number_is_told():
    dataset = NumberStream(batch_size=1, count=4, start=2**63 - 10, seed=1)

    dataset.set_epoch(1)

    with pytest.raises(SpecError, match=r"^epoch is 2: give an integer, from 0 to 1$"):
        dataset.set_epoch(2)


def test_a_stream_without_end_has_no_length_and_no_epochs():
    dataset = NumberStream(batch_size=2, seed=1)

    with pytest.raises(TypeError, match="give count"):
        len(dataset)
    with pytest.raises(SpecError, match="no epochs"):
        dataset.set_epoch(1)
    assert len(list(itertools.islice(load(dataset, 2, "fork"), 20))) == 20


def test_batches_that_are_kept_stay_as_they_are(chunk):
    kept = list(load(make_stream(batch_size=5), 1, "fork"))  # far more than a worker has slots

    assert np.array_equal(joined(kept)[0], chunk.images)


def test_memory_comes_back_to_the_worker_that_lent_it():
    dataset = make_stream(batch_size=64, count=64 * 40)
    places = {images.data_ptr() for images, _ in load(dataset, 1, "fork")}

    assert len(places) < 20


def test_memory_is_not_given_back_by_a_process_that_was_forked_meanwhile():
    flags = torch.ones(1, dtype=torch.uint8)

    shared_buffers._give_back(flags, 0, os.getpid() + 1)
    assert flags[0] == 1

    shared_buffers._give_back(flags, 0, os.getpid())
    assert flags[0] == 0


def test_a_view_keeps_the_memory_of_its_batch(chunk):
    views = [images[3] for images, _ in load(make_stream(batch_size=5), 1, "fork")]

    assert all(np.array_equal(view[0], chunk.images[5 * k + 3]) for k, view in enumerate(views))


def test_epochs_use_the_same_memory_again():
    loader = load(make_stream(), 1, "fork", persistent_workers=True)
    for _ in range(3):
        list(loader)
    before = set(shared_buffers._known)

    for _ in range(5):
        list(loader)

    assert set(shared_buffers._known) == before


class Worked(torch.utils.data.IterableDataset):
    """Batches of 10 images, of which a worker makes something."""

    def __init__(self, made_of):
        self.made_of = made_of

    def __iter__(self):
        for images, _ in make_stream(batch_size=10):
            yield from self.made_of(images)


def test_a_batch_that_a_worker_gives_twice_is_whole_both_times(chunk):
    given = load(Worked(lambda images: [images, images]), 1, "fork")

    for k, images in enumerate(given):
        first = k // 2 * 10
        assert np.array_equal(images[:, 0], chunk.images[first : first + 10])
        del images  # the first is dropped, and its memory free, while the second is still to come


def test_a_batch_that_a_worker_keeps_stays_as_it_is(chunk):
    kept = []

    def with_the_one_before(images):
        kept.append(images)
        yield images, kept[max(0, len(kept) - 4)][:2].clone()

    for k, (images, before) in enumerate(load(Worked(with_the_one_before), 1, "fork")):
        first = max(0, k - 3) * 10
        assert np.array_equal(before[:, 0], chunk.images[first : first + 2])
        del images


def test_a_batch_can_be_copied_in_a_worker(chunk):
    def copied(images):
        return [(copy.copy(images), copy.deepcopy(images), pickle.loads(pickle.dumps(images)), images[:], images)]

    for k, (*copies, images) in enumerate(load(Worked(copied), 1, "fork")):
        assert np.array_equal(images[:, 0], chunk.images[10 * k : 10 * k + 10])
        for copy_ in copies:
            assert torch.equal(copy_, images)


def test_what_is_made_of_a_batch_in_a_worker_is_an_ordinary_tensor(chunk):
    given = Worked(lambda images: [(images[:, :, ::2], images)])

    for k, (halved, images) in enumerate(load(given, 1, "fork")):
        assert np.array_equal(images[:, 0], chunk.images[10 * k : 10 * k + 10])
        assert torch.equal(halved, images[:, :, ::2])


@pytest.mark.parametrize("workers", [0, 1])
def test_images_come_as_floats_and_with_bright_ink(chunk, workers):
    first = torch.from_numpy(chunk.images[:SIZE, None])

    def only(**arguments):
        return next(iter(load(make_stream(**arguments), workers, "fork")))[0]

    assert torch.equal(only(ink="bright"), 255 - first)
    assert torch.equal(only(dtype=torch.float32), first / 255)
    normalised = only(dtype=torch.float32, ink="bright", mean=0.1, std=0.3)
    assert torch.equal(normalised, ((255 - first) / 255 - 0.1) / 0.3)
    assert only(dtype=torch.float16).dtype == torch.float16


def test_targets_are_what_a_ctc_loss_takes(chunk):
    dataset = make_stream(alphabet="0123456789", blank="last", output_length=30)
    images, targets, lengths = next(iter(load(dataset)))

    wanted = encode_labels(chunk.labels[:SIZE], blank="last", length=11)
    assert targets.tolist() == wanted.padded.tolist()
    scores = torch.zeros(30, len(images), wanted.classes).log_softmax(2)
    loss = torch.nn.functional.ctc_loss(
        scores, targets, torch.full((len(images),), 30), lengths, blank=wanted.blank, reduction="none"
    )
    assert torch.isfinite(loss).all()


def test_an_item_of_a_map_style_dataset_is_the_image_of_that_number(chunk):
    dataset = NumberImages(count=COUNT, seed=1)

    image, label = dataset[7]

    assert np.array_equal(image[0], chunk.images[7])
    assert label == chunk.labels[7]
    assert np.array_equal(dataset[-1][0][0], chunk.images[-1])
    with pytest.raises(IndexError, match=f"there is no image {COUNT}"):
        dataset[COUNT]
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        dataset[1.5]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_map_style_dataset_is_read_in_any_order(chunk, workers):
    dataset = NumberImages(count=COUNT, seed=1, alphabet="0123456789")
    order = [*np.random.default_rng(0).permutation(COUNT).tolist(), 3, 3, 4, 5]
    context = "fork" if workers else None
    loader = DataLoader(dataset, 10, sampler=order, num_workers=workers, multiprocessing_context=context)

    images, targets, lengths = map(torch.cat, zip(*loader, strict=True))

    assert np.array_equal(images[:, 0], chunk.images[order])
    assert targets.tolist() == encode_labels(chunk.labels[order], length=11).padded.tolist()
    assert lengths.tolist() == [len(label) for label in chunk.labels[order]]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("count", "world_size"), [(0, 1), (1, 1), (2, 1), (5, 2), (150, 7), (10_000, 3), (4097, 1)])
def test_a_sampler_gives_each_number_to_one_rank(count, world_size, shuffle):
    shares = [
        list(NumberSampler(range(count), shuffle=shuffle, seed=3, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]

    assert sorted(itertools.chain(*shares)) == list(range(count))
    if not shuffle:
        assert shares == [list(range(rank, count, world_size)) for rank in range(world_size)]


def test_a_sampler_shuffles_in_an_order_of_each_seed_and_epoch():
    def order(seed=1, epoch=0):
        sampler = NumberSampler(range(1000), shuffle=True, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order() == order()
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4
    # Of a thousand numbers that are shuffled, one on average stays where it was.
    assert sum(number == place for place, number in enumerate(order())) < 10
    assert abs(np.corrcoef(order(), range(1000))[0, 1]) < 0.1


def test_every_rank_has_as_many_numbers_where_the_last_are_dropped():
    shares = [
        list(NumberSampler(range(COUNT), shuffle=True, rank=rank, world_size=4, drop_last=True)) for rank in range(4)
    ]

    assert set(map(len, shares)) == {COUNT // 4}
    assert len(set(itertools.chain(*shares))) == COUNT // 4 * 4


def test_ranks_read_each_image_of_a_map_style_dataset_once(chunk):
    dataset = NumberImages(count=COUNT, seed=1)
    read = []
    for rank in range(4):
        sampler = NumberSampler(dataset, shuffle=True, rank=rank, world_size=4)
        loader = DataLoader(
            dataset,
            10,
            sampler=sampler,
            num_workers=2 * (rank == 0),
            multiprocessing_context="fork" if rank == 0 else None,
        )
        read += [label for _, labels in loader for label in labels]

    assert sorted(read) == sorted(chunk.labels.tolist())


def test_a_sampler_of_more_images_than_any_list_holds_is_as_quick():
    sampler = NumberSampler(NumberImages(count=2**62, seed=1), shuffle=True, rank=2, world_size=3)

    first = list(itertools.islice(sampler, 5000))

    assert len(set(first)) == 5000
    assert all(0 <= number < 2**62 for number in first)
    assert len(sampler) == 2**62 // 3


def test_a_distributed_sampler_gives_each_rank_its_images(chunk):
    dataset = NumberImages(count=COUNT, seed=1)
    shares = []
    for rank in range(3):
        sampler = DistributedSampler(dataset, num_replicas=3, rank=rank, shuffle=True, seed=5)
        shares += [label for _, labels in DataLoader(dataset, 10, sampler=sampler) for label in labels]

    assert sorted(shares) == sorted(chunk.labels.tolist())


def test_a_dataset_of_more_images_than_any_disk_holds_is_as_quick():
    dataset = NumberImages(count=2**62, seed=1)
    sampler = RandomSampler(dataset, replacement=True, num_samples=6)

    images, labels = next(iter(DataLoader(dataset, 6, sampler=sampler)))

    assert images.shape == (6, 1, 28, 100)
    assert len(set(labels)) == 6
    assert len(dataset) == 2**62


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": torch.int64}, "dtype is torch.int64: give torch.uint8 or a floating type"),
        ({"ink": "blue"}, "ink is 'blue': give 'dark' or 'bright'"),
        ({"mean": 0.5}, "mean and std are given and dtype is torch.uint8"),
        ({"dtype": torch.float32, "std": 0.0}, "std is 0.0"),
        ({"dtype": torch.float32, "std": None}, "std is None: give a finite number above 0"),
        ({"dtype": torch.float32, "std": (0.5, 0.5)}, r"std is \(0.5, 0.5\): give a finite number above 0"),
        ({"dtype": torch.float32, "std": float("inf")}, "std is inf: give a finite number above 0"),
        ({"dtype": torch.float32, "mean": "x"}, "mean is 'x': give a finite number"),
        ({"dtype": torch.float32, "mean": float("nan")}, "mean is nan: give a finite number"),
        ({"dtype": torch.float32, "mean": 10**400}, "mean is .*: give a finite number"),
        ({"output_length": 4}, "output_length is given without an alphabet"),
        ({"alphabet": "0123456789", "output_length": 0}, "output_length is 0: give an integer, 1 or more"),
        ({"alphabet": "0123456789", "output_length": "x"}, "output_length is 'x': give an integer, 1 or more"),
        ({"alphabet": ""}, "alphabet is ''"),
        ({"blank": "x"}, "blank is 'x': give 'first' or 'last'"),
        ({"transform": 5}, "transform is 5: give a function"),
        ({"drop_last": "no"}, "drop_last is 'no': give True or False"),
        ({"alphabet": "11"}, "each once"),
        ({"rank": 1}, "give both, or neither"),
        ({"rank": 2, "world_size": 2}, "rank is 2"),
        ({"workers": 0}, "workers is 0"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_told_when_the_dataset_is_made(arguments, message):
    with pytest.raises(SpecError, match=message):
        make_stream(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shuffle": "no"}, "shuffle is 'no': give True or False"),
        ({"drop_last": "no"}, "drop_last is 'no': give True or False"),
        ({"dataset": 5}, "dataset is 5, which has no length: give a NumberImages"),
    ],
    ids=str,
)
def test_a_wrong_argument_of_a_sampler_is_told(arguments, message):
    with pytest.raises(SpecError, match=message):
        NumberSampler(**{"dataset": range(5)} | arguments)


def test_a_map_style_dataset_has_at_most_2_to_the_62_images():
    with pytest.raises(SpecError, match="count is"):
        NumberImages(count=2**62 + 1)


def test_truth_ends_a_batch_and_a_transform_changes_images_before_they_are_converted():
    options = {"style": "natural", "count": 8, "seed": 1, "truth": "boxes"}
    plain, labels, truth = next(iter(NumberStream(batch_size=8, **options)))
    changed, _, _ = next(iter(NumberStream(batch_size=8, transform=lambda pages: pages // 2, ink="bright", **options)))
    assert torch.equal(changed, 255 - plain // 2)
    chunk = generate_chunk(PhoneNumbers(), None, 100, count=8, seed=1, style="natural", truth="boxes")
    assert torch.equal(truth["boxes"], torch.from_numpy(chunk.truth["boxes"]))
    dataset = NumberImages(transform=lambda page: page[::-1], **options)
    image, label, known = dataset[3]
    assert torch.equal(image[0], plain[3, 0].flip(0))
    assert label == labels[3]
    assert torch.equal(known["boxes"], truth["boxes"][3])
    for wrong in (lambda page: page[0], lambda page: page / 255):
        with pytest.raises(SpecError, match="transform returned an array"):
            NumberImages(transform=wrong, **options)[0]


TRUTH = ("boxes", "glyphs", "parameters", "masks")


@pytest.mark.parametrize("width", [100, "auto"])
def test_an_item_does_not_depend_on_the_others_that_are_made_with_it(width):
    dataset = NumberImages(count=40, seed=1, width=width, style="natural", truth=TRUTH)
    together = dataset.__getitems__(range(8))

    for number, (image, _, known) in enumerate(together):
        _, _, alone = dataset[number]
        assert known["masks"].shape == (11, 28, image.shape[2])
        for name, array in known.items():
            np.testing.assert_array_equal(array, alone[name])


def test_shuffled_items_with_truth_are_joined_to_batches():
    dataset = NumberImages(count=40, seed=1, truth="boxes")

    images, labels, truth = next(iter(DataLoader(dataset, batch_size=8, shuffle=True)))

    assert (len(images), len(labels)) == (8, 8)
    assert truth["boxes"].shape == (8, 11, 4)


@pytest.mark.parametrize("alphabet", [None, "0123456789"])
def test_items_are_joined_to_what_a_stream_yields_with_truth_for_the_longest_label(alphabet):
    options = {"count": 16, "seed": 1, "width": "auto", "style": "natural", "truth": TRUTH, "alphabet": alphabet}
    dataset = NumberImages(**options)

    *found, truth = dataset.collate([dataset[number] for number in range(16)])
    *expected, known = next(iter(NumberStream(**options)))

    assert [type(part) for part in found] == [type(part) for part in expected]
    assert all(map(np.array_equal, found, expected))
    assert truth.keys() == known.keys()
    for name, array in truth.items():
        np.testing.assert_array_equal(array, known[name])
    with pytest.raises(SpecError, match="items is empty"):
        dataset.collate([])
