"""The form in which PyTorch's datasets return images and labels, and batches of images that differ in size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from number_generator.errors import SpecError
from number_generator.formats.ragged import measure_sizes, pad_images
from number_generator.job.chunk import Images
from number_generator.system.checks import format_value
from number_generator.training.ctc import Blank, encode_labels

Ink = Literal["dark", "bright"]
Transform = Callable[[Images], Any]
"""What a user does to images before they are converted: uint8, 255 being paper."""


@dataclass(frozen=True)
class Form:
    """How images and labels are returned; see `NumberStream`."""

    dtype: torch.dtype
    ink: Ink
    mean: float
    std: float
    alphabet: str | None
    blank: Blank
    output_length: int | None
    transform: Transform | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.dtype, torch.dtype) or not (self.dtype == torch.uint8 or self.dtype.is_floating_point):
            raise SpecError(f"dtype is {self.dtype!r}: give torch.uint8 or a floating type, such as torch.float32")
        if not isinstance(self.ink, str) or self.ink not in ("dark", "bright"):
            raise SpecError(f"ink is {format_value(self.ink)}: give 'dark' or 'bright'")
        if self.dtype == torch.uint8 and (self.mean, self.std) != (0.0, 1.0):
            raise SpecError("mean and std are given and dtype is torch.uint8: give a floating type, or leave them out")
        if not self.std > 0:
            raise SpecError(f"std is {self.std!r}: give a number above 0")
        if self.alphabet is not None:
            encode_labels([], self.alphabet, self.blank)
        elif self.output_length is not None:
            raise SpecError("output_length is given without an alphabet, which it belongs to: leave it out")

    def make_batch(
        self, images: torch.Tensor, labels: Any, widths: Any, truth: dict[str, Any] | None, longest: int
    ) -> tuple[Any, ...]:
        """Return a batch: images, shape (n, 1, H, W), and labels, or targets padded to `longest` classes.

        In colour, images have shape (n, 3, H, W). Labels stay an array: `DataLoader` walks through lists, text by text.
        The images' widths follow if there are any, and then the ground truth.
        """
        shown = self._convert(self._transform_batch(images))
        own = () if widths is None else (torch.from_numpy(widths),)
        known = () if truth is None else ({name: torch.from_numpy(array) for name, array in truth.items()},)
        if self.alphabet is None:
            return shown, labels, *own, *known
        targets = encode_labels(labels, self.alphabet, self.blank, length=longest, output_length=self.output_length)
        return shown, torch.from_numpy(targets.padded), torch.from_numpy(targets.lengths), *own, *known

    def make_items(
        self, images: torch.Tensor, labels: Any, widths: Any, truth: dict[str, Any] | None, longest: int
    ) -> list[tuple[Any, ...]]:
        """Return what `make_batch` does as one tuple for each image, which has its own width."""
        own = [images.shape[-1]] * len(images) if widths is None else widths.tolist()
        cut = [image[..., :width] for image, width in zip(images, own, strict=True)]
        shown = [self._convert(self._transform_image(image)) for image in cut]
        if self.alphabet is None:
            rest: list[Any] = [labels.tolist()]
        else:
            targets = encode_labels(labels, self.alphabet, self.blank, length=longest, output_length=self.output_length)
            rest = [torch.from_numpy(targets.padded), torch.from_numpy(targets.lengths)]
        if truth is not None:
            known = {name: torch.from_numpy(array) for name, array in truth.items()}
            rest.append([{name: array[row] for name, array in known.items()} for row in range(len(shown))])
        return list(zip(shown, *rest, strict=True))

    def join_items(self, items: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return what `make_batch` does, of items that `make_items` has made; ground truth stays a list."""
        images, *rest = zip(*items, strict=True)
        widths = torch.tensor([image.shape[-1] for image in images], dtype=torch.int32)
        paper = self._convert(torch.full((1,), 255, dtype=torch.uint8))[0]
        joined = paper.repeat(len(images), *images[0].shape[:-1], int(widths.max()))
        for row, image in zip(joined, images, strict=True):
            row[..., : image.shape[-1]] = image
        if self.alphabet is None:
            return joined, list(rest[0]), widths, *map(list, rest[1:])
        targets, lengths, *known = rest
        return joined, torch.stack(targets), torch.stack(lengths), widths, *map(list, known)

    def _transform_batch(self, images: torch.Tensor) -> torch.Tensor:
        """Return what the user's function makes of a batch, an array of shape (n, H, W) or (n, H, W, 3) to it."""
        if self.transform is None:
            return images
        given = images[:, 0] if images.shape[1] == 1 else images.permute(0, 2, 3, 1)
        made = _check_made(self.transform(given.numpy()), given.ndim)
        if len(made) != len(images):
            raise SpecError(f"transform returned {len(made)} images of {len(images)}: return as many")
        return made.unsqueeze(1) if given.ndim == 3 else made.permute(0, 3, 1, 2)

    def _transform_image(self, image: torch.Tensor) -> torch.Tensor:
        """Return what the user's function makes of one image, an array of shape (H, W) or (H, W, 3) to it."""
        if self.transform is None:
            return image
        given = image[0] if image.shape[0] == 1 else image.permute(1, 2, 0)
        made = _check_made(self.transform(given.numpy()), given.ndim)
        return made.unsqueeze(0) if given.ndim == 2 else made.permute(2, 0, 1)

    def _convert(self, images: torch.Tensor) -> torch.Tensor:
        if self.ink == "bright":
            images.bitwise_not_()
        if self.dtype == torch.uint8:
            return images
        scaled = images.to(self.dtype).div_(255)
        return scaled if (self.mean, self.std) == (0.0, 1.0) else scaled.sub_(self.mean).div_(self.std)


def _check_made(made: Any, ndim: int) -> torch.Tensor:
    """Return what a user's function has returned, or raise SpecError."""
    array = np.asarray(made)
    if array.ndim != ndim or array.dtype != np.uint8:
        raise SpecError(
            f"transform returned an array of {array.dtype} with shape {array.shape}: return uint8 with {ndim} axes, as "
            "it was given"
        )
    return torch.from_numpy(np.ascontiguousarray(array))


def pad_batch(items: Sequence[tuple[Images, str]]) -> tuple[torch.Tensor, npt.NDArray[np.str_], torch.Tensor]:
    """Join images that differ in size, and their labels, into a batch: `collate_fn` of a loader of a `GenericDataset`.

    Parameters
    ----------
    items : sequence of (ndarray, str)
        One or more images, shape (H, W), or (H, W, 3) in colour, uint8, and their labels.

    Returns
    -------
    images : tensor, shape (n, 1, H, W), or (n, 3, H, W) in colour, uint8
        As high and wide as the largest here. Each image is in its upper left corner, and the rest is 255.
    labels : ndarray, shape (n,), str
    sizes : tensor, shape (n, 2), int64
        Height and width of each image in px.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator import GenericDataset
    >>> from number_generator.torch import pad_batch
    >>> dataset = GenericDataset([np.zeros((32, 80), np.uint8), np.zeros((30, 200), np.uint8)], ["12", "3456"])
    >>> loader = torch.utils.data.DataLoader(dataset, batch_size=2, collate_fn=pad_batch)
    >>> images, labels, sizes = next(iter(loader))
    >>> images.shape, labels.tolist(), sizes.tolist()
    (torch.Size([2, 1, 32, 200]), ['12', '3456'], [[32, 80], [30, 200]])
    """
    pages = [page for page, _ in items]
    padded = torch.from_numpy(pad_images(pages))
    images = padded.unsqueeze(1) if padded.ndim == 3 else padded.permute(0, 3, 1, 2).contiguous()
    return images, np.array([label for _, label in items]), torch.from_numpy(measure_sizes(pages)).long()
