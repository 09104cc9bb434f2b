"""Images in colour, in PyTorch: channels come first."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402 - once it is known to be there

from number_generator import stream  # noqa: E402 - likewise
from number_generator.torch import NumberImages, NumberStream  # noqa: E402 - likewise

OPTIONS = {"style": "document", "seed": 3, "color": True, "count": 20}


def test_channels_come_first_in_streams_loaders_and_single_images():
    with stream(batch_size=8, **OPTIONS) as batches:
        expected = [images.transpose(0, 3, 1, 2) for images, _ in batches]
    made = [batch[0].numpy() for batch in NumberStream(batch_size=8, **OPTIONS)]
    loaded = DataLoader(NumberStream(batch_size=8, **OPTIONS), batch_size=None, num_workers=1)
    single = NumberImages(**OPTIONS)
    wide = NumberImages(**OPTIONS, width="auto")

    assert expected[0].shape == (8, 3, 28, 100)
    for found in (made, [batch[0].numpy() for batch in loaded]):
        assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    assert np.array_equal(single[9][0].numpy(), expected[1][1])
    bright = NumberStream(batch_size=8, dtype=torch.float32, ink="bright", **OPTIONS)
    assert np.allclose(next(iter(bright))[0].numpy(), 1 - expected[0] / 255, atol=1e-6)
    assert wide.collate([wide[0], wide[1]])[0].shape[:3] == (2, 3, 28)
