"""Random draws and layout: what comes before the first pixel."""

import numpy as np
import pytest
from workload import SPACING, phone_job, phone_numbers

from number_generator._kernels import layout, rng
from number_generator.digit_datasets import default_digits
from number_generator.numbers import labels_of, pack_sequences

_COUNT = 100_000


@pytest.mark.benchmark(group="random draws")
def test_philox(rate):
    words = np.empty(_COUNT, np.uint64)
    theirs = np.random.Philox(1)
    rate(
        rng.fill_words,
        1,
        0,
        rng.GLYPH,
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
    labels = rate(labels_of, sequences, 11, unit="label", count=_COUNT, size=11 * _COUNT)
    assert len(set(labels.tolist())) > _COUNT * 0.99


@pytest.mark.benchmark(group="random draws")
def test_packing_strings(rate):
    numbers = phone_numbers(_COUNT)
    packed = rate(pack_sequences, numbers, unit="string", count=_COUNT, size=sum(map(len, numbers)))
    assert packed.longest == 11


@pytest.mark.benchmark(group="layout")
def test_layout(rate):
    sequences = pack_sequences(phone_numbers(_COUNT))
    atlas = default_digits().atlas
    ids, lefts = np.empty((2, len(sequences.codes)), np.int64)
    natural = np.empty(_COUNT, np.int64)
    gaps = (SPACING[0], SPACING[1] - SPACING[0] + 1)

    def lay_out():
        layout.lay_out(
            np.uint64(1),
            np.uint64(0),
            sequences.codes,
            sequences.offsets,
            atlas.class_start,
            atlas.glyph_column,
            gaps,
            ids,
            lefts,
            natural,
        )

    rate(lay_out, count=_COUNT)
    assert 200 < natural.mean() < 300
