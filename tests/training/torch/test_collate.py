"""Batches of images that differ in size, and what transforms make of images."""

import numpy as np
import pytest

from number_generator import GenericDataset
from number_generator.errors import SpecError

torch = pytest.importorskip("torch")

from number_generator.torch import NumberImages, NumberStream, pad_batch  # noqa: E402 - needs PyTorch


@pytest.mark.parametrize("channels", [1, 3])
def test_a_loader_of_files_pads_each_batch_to_its_own_largest_image(tmp_path, channels):
    random = np.random.default_rng(0)
    shapes = [(5 + k % 3, 7 * k + 1) if channels == 1 else (5 + k % 3, 7 * k + 1, 3) for k in range(6)]
    pages = [random.integers(0, 256, shape, np.uint8) for shape in shapes]
    GenericDataset(pages, range(6)).save(tmp_path / "lines.npz")
    loader = torch.utils.data.DataLoader(GenericDataset(tmp_path / "lines.npz"), batch_size=3, collate_fn=pad_batch)

    seen = 0
    for images, labels, sizes in loader:
        assert images.dtype == torch.uint8
        assert images.shape == (3, channels, 7, 7 * (seen + 2) + 1)
        for image, label, (height, width) in zip(images.numpy(), labels, sizes.tolist(), strict=True):
            page = pages[seen].reshape(height, width, channels).transpose(2, 0, 1)
            assert label == str(seen)
            np.testing.assert_array_equal(image[:, :height, :width], page)
            assert image.sum(dtype=int) - page.sum(dtype=int) == 255 * (image.size - page.size)
            seen += 1
    assert seen == 6


@pytest.mark.parametrize("color", [False, True])
def test_tensors_with_channels_first_are_padded_like_arrays(color):
    dataset = NumberImages(count=2, seed=1, width="auto", color=color)
    tensors = [dataset[0], dataset[1]]
    arrays = [(image.permute(1, 2, 0).numpy() if color else image[0].numpy(), label) for image, label in tensors]

    images, labels, sizes = pad_batch(tensors)

    assert images.shape == (2, 3 if color else 1, 28, sizes[:, 1].max())
    for found, expected in zip((images, labels, sizes), pad_batch(arrays), strict=True):
        assert np.array_equal(found, expected)


PAGE = np.zeros((28, 20), np.uint8)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "items is empty: give one or more"),
        ([(PAGE, "1"), (PAGE / 255, "2")], r"image 1 is float64 of shape \(28, 20\): give an array of uint8"),
        ([(torch.zeros(1, 28, 20), "1")], r"image 0 is float32 of shape \(1, 28, 20\)"),
        ([(torch.zeros(4, 28, 20, dtype=torch.uint8), "1")], r"image 0 is uint8 of shape \(4, 28, 20\)"),
        ([(PAGE[..., np.newaxis], "1")], r"image 0 is uint8 of shape \(28, 20, 1\)"),
        ([(PAGE[0], "1")], r"image 0 is uint8 of shape \(20,\)"),
        ([([[1], [2, 3]], "1")], r"item 0 is \(\[\[1\], \[2, 3\]\], '1'\): give an image and its label"),
        ([(PAGE, "1", 5)], "item 0 is .*: give an image and its label"),
        ([(PAGE, "1"), (np.stack([PAGE] * 3, 2), "2")], r"image 1 has shape \(28, 20, 3\) .* give all in grey, or all"),
    ],
)
def test_what_cannot_be_padded_is_told_with_its_number(items, message):
    with pytest.raises(SpecError, match=message):
        pad_batch(items)


@pytest.mark.filterwarnings("error")
def test_what_a_transform_returns_is_never_written_to():
    kept = np.full((1, 28, 100), 55, np.uint8)
    kept.flags.writeable = False
    options = {"count": 2, "seed": 1, "ink": "bright"}

    stream = NumberStream(batch_size=1, transform=lambda pages: kept, **options)
    items = NumberImages(transform=lambda page: kept[0], **options)

    assert [int(images.max()) for images, _ in stream] == [200, 200]
    assert int(items[0][0].max()) == 200
    assert (kept == 55).all()


def test_a_transform_of_a_stream_must_keep_the_width_where_images_have_their_own():
    options = {"count": 3, "seed": 1, "width": "auto"}

    with pytest.raises(SpecError, match=r"transform returned images 20 px wide of 262, .* or use NumberImages"):
        next(iter(NumberStream(transform=lambda pages: pages[:, :, :20], **options)))

    dataset = NumberImages(transform=lambda page: page[:, ::2], **options)
    images, _, widths = dataset.collate([dataset[0], dataset[1]])
    assert images.shape[3] == widths.max() < 131


def test_images_that_a_transform_has_made_differ_in_height_are_not_joined():
    dataset = NumberImages(count=2, seed=1, transform=lambda page: page[1:])
    with pytest.raises(SpecError, match=r"the images are \[27, 28\] px high"):
        dataset.collate([dataset[0], (torch.zeros(1, 28, 100, dtype=torch.uint8), "1")])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([[1], [2, 3]], r"transform returned \[\[1\], \[2, 3\]\]: return uint8 with 3 axes"),
        (
            np.zeros((2, 28, 100, 4), np.uint8),
            r"shape \(2, 28, 100, 4\): return uint8 with 4 axes, the last of length 3",
        ),
    ],
    ids=["rows that differ", "transparency"],
)
def test_what_a_transform_may_not_return_is_told(made, message):
    with pytest.raises(SpecError, match=message):
        next(iter(NumberStream(count=2, seed=1, color=isinstance(made, np.ndarray), transform=lambda pages: made)))
