"""Batches of images that differ in size."""

import numpy as np
import pytest

from number_generator import GenericDataset

torch = pytest.importorskip("torch")

from number_generator.torch import pad_batch  # noqa: E402 - needs PyTorch


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
