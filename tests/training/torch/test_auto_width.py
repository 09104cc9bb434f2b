"""Batches and images that are as wide as their lines, in PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402 - once it is known to be there

from number_generator.torch import NumberImages, NumberStream  # noqa: E402 - likewise
from number_generator.training.batches import stream  # noqa: E402 - likewise

OPTIONS = {"width": "auto:400", "image_height": 32, "style": "natural", "seed": 3, "count": 90}


@pytest.mark.parametrize("alphabet", [None, "0123456789"])
@pytest.mark.parametrize("ink", ["dark", "bright"])
def test_batches_end_with_the_widths_of_their_images(alphabet, ink):
    dataset = NumberStream(batch_size=8, window=4, alphabet=alphabet, ink=ink, **OPTIONS)
    with stream(batch_size=8, window=4, **OPTIONS) as expected:
        for loaded, (images, labels, widths) in zip(
            DataLoader(dataset, batch_size=None, num_workers=2), expected, strict=True
        ):
            shown, *rest, own = loaded
            assert shown.shape == (len(labels), 1, 32, widths.max())
            np.testing.assert_array_equal(shown[:, 0].numpy(), images if ink == "dark" else ~images)
            np.testing.assert_array_equal(own.numpy(), widths)
            assert len(rest) == (1 if alphabet is None else 2)


def test_ranks_divide_the_batches_of_windows():
    whole = [batch[1].tolist() for batch in NumberStream(batch_size=8, window=4, **OPTIONS)]
    for rank in range(3):
        part = NumberStream(batch_size=8, window=4, rank=rank, world_size=3, **OPTIONS)
        assert [batch[1].tolist() for batch in part] == whole[rank::3]


@pytest.mark.parametrize("form", [{}, {"dtype": torch.float32, "mean": 0.5, "std": 0.5}, {"ink": "bright"}])
@pytest.mark.parametrize("alphabet", [None, "0123456789"])
def test_single_images_have_their_own_widths_and_are_joined_as_a_stream_pads_them(form, alphabet):
    images = NumberImages(alphabet=alphabet, **form, **OPTIONS)
    assert len({images[k][0].shape[2] for k in range(20)}) > 5
    expected = NumberStream(batch_size=16, alphabet=alphabet, **form, **OPTIONS)

    for found, batch in zip(DataLoader(images, batch_size=16, collate_fn=images.collate), expected, strict=True):
        for one, other in zip(found, batch, strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
            assert getattr(one, "dtype", None) == getattr(other, "dtype", None) or isinstance(one, list)
