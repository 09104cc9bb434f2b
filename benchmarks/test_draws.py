"""Random draws and layout: what comes before the first pixel."""

import numpy as np
import pytest
from workload import lay_out, phone_job, phone_numbers

from number_generator._kernels import rng, streams
from number_generator.numbers.sequences import format_labels, pack_sequences

_COUNT = 100_000


@pytest.mark.benchmark(group="random draws")
def test_philox(rate):
    words = np.empty(_COUNT, np.uint64)
    theirs = np.random.Philox(1)
    rate(
        rng.fill_words,
        1,
        0,
        streams.GLYPH,
        _COUNT,
        words,
        unit="64-bit word",
        count=_COUNT,
        size=words.nbytes,
        against={"NumPy's Philox": (lambda: theirs.random_raw(_COUNT), _COUNT)},
    )
    assert len(np.unique(words)) == _COUNT


@pytest.mark.benchmark(group="random draws")
def test_phone_numbers(rate):
    job = phone_job(_COUNT)
    drawn = rate(job.numbers.sequences, 1, job.span, unit="number", count=_COUNT)
    assert len(drawn) == _COUNT
    assert drawn.longest == 11


@pytest.mark.benchmark(group="random draws")
def test_labels(rate):
    sequences = phone_job(_COUNT).numbers.sequences(1, phone_job(_COUNT).span)
    labels = rate(format_labels, sequences, 11, unit="label", count=_COUNT, size=11 * _COUNT)
    assert len(set(labels.tolist())) > _COUNT * 0.99


@pytest.mark.benchmark(group="random draws")
def test_packing_strings(rate):
    numbers = phone_numbers(_COUNT)
    packed = rate(pack_sequences, numbers, unit="string", count=_COUNT, size=sum(map(len, numbers)))
    assert packed.longest == 11


@pytest.mark.benchmark(group="layout")
def test_layout(rate):
    sequences = pack_sequences(phone_numbers(_COUNT))
    lines = rate(lay_out, sequences, count=_COUNT)
    assert 200 < lines.natural.mean() < 300
