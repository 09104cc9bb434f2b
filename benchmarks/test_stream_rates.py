"""Streams into training: ready batches, against `generate_batch` with the same cores and batch size."""

import functools
import importlib.util
import itertools
from contextlib import closing

import numpy as np
import pytest
from workload import PAGE, SPACING, WIDTH, is_drawn, phone_numbers

from number_generator import GenericDataset, encode_labels, generate_batch, stream
from number_generator.system.threads import count_cores

_COUNT = 40_960
_SIZES = [256, 1024, 4096]


def _batches(size, workers):
    sequences = phone_numbers(size)

    def run():
        for start in range(0, _COUNT, size):
            images = generate_batch(sequences, SPACING, WIDTH, seed=1, start=start, workers=workers)
        return images

    return run


def _last(batches, size, count=_COUNT):
    """Take batches as a training loop does: each is dropped when the next comes."""
    for images, *_ in itertools.islice(batches, count // size):
        last = images
    return np.asarray(last).reshape(-1, 28, WIDTH)


@pytest.mark.benchmark(group="streams")
@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("workers", sorted({1, count_cores()}))
def test_stream(rate, workers, size):
    # Already running, as it is after the first batch: what it takes to start is not what a long training waits for.
    with stream(batch_size=size, seed=1, workers=workers) as batches:
        next(batches)
        against = {"generate_batch": (_batches(size, workers), _COUNT)}
        assert is_drawn(rate(_last, batches, size, count=_COUNT, size=_COUNT * PAGE, against=against))


@pytest.mark.benchmark(group="streams")
def test_real_lines(rate):
    labels = phone_numbers(100)
    lines = GenericDataset(generate_batch(labels, None, WIDTH, style="document", seed=2), labels)
    options = {"batch_size": 256, "width": WIDTH, "style": "document", "seed": 1, "workers": 1}
    count = 4096
    with stream(**options, real=lines, real_share=0.125) as mixed, stream(**options) as drawn:
        next(mixed), next(drawn)
        against = {"drawn lines alone": (functools.partial(_last, drawn, 256, count), count)}
        images = rate(_last, mixed, 256, count, count=count, size=count * PAGE, against=against)
    assert np.ptp(images, axis=(1, 2)).min() > 0


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="it needs the extra torch")
@pytest.mark.benchmark(group="streams")
@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("processes", sorted({0, min(2, count_cores())}))
def test_torch_loader(rate, processes, size):
    from torch.utils.data import DataLoader  # noqa: PLC0415 - optional

    from number_generator.torch import NumberStream  # noqa: PLC0415 - optional

    cores = processes or count_cores()
    dataset = NumberStream(batch_size=size, seed=1, workers=cores)
    batches = iter(DataLoader(dataset, batch_size=None, num_workers=processes))
    next(batches)
    against = {"generate_batch": (_batches(size, cores), _COUNT)}
    assert is_drawn(rate(_last, batches, size, count=_COUNT, size=_COUNT * PAGE, against=against))


@pytest.mark.benchmark(group="streams")
def test_encoding_labels(rate):
    with closing(stream(batch_size=4096, seed=1, workers=1)) as batches:
        _, labels = next(batches)
    targets = rate(encode_labels, labels, unit="label", count=len(labels))
    assert targets.flat.min() == 1
