"""The form in which PyTorch's datasets return images and labels, and batches of images that differ in size."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from number_generator.errors import SpecError
from number_generator.formats.ragged import measure_sizes, pad_images
from number_generator.job.chunk import Images
from number_generator.rendering.ground_truth import join_truth, spread_truth
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
        self._check_scale()
        # Without labels it checks how they are to be encoded; any alphabet does where there is none.
        alphabet = "0" if self.alphabet is None else self.alphabet
        encode_labels([], alphabet, self.blank, output_length=self.output_length)
        if self.alphabet is None and self.output_length is not None:
            raise SpecError("output_length is given without an alphabet, which it belongs to: leave it out")
        if self.transform is not None and not callable(self.transform):
            raise SpecError(
                f"transform is {format_value(self.transform)}: give a function of the images, or leave it out"
            )

    def _check_scale(self) -> None:
        rule = "give a finite number above 0"
        mean, std = _check_number("mean", self.mean, "give a finite number"), _check_number("std", self.std, rule)
        if not std > 0:
            raise SpecError(f"std is {self.std!r}: {rule}")
        if self.dtype == torch.uint8 and (mean, std) != (0.0, 1.0):
            raise SpecError("mean and std are given and dtype is torch.uint8: give a floating type, or leave them out")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", std)

    def make_batch(
        self, images: torch.Tensor, labels: Any, widths: Any, truth: dict[str, Any] | None, longest: int
    ) -> tuple[Any, ...]:
        """Return a batch: images, shape (n, 1, H, W), and labels, or targets padded to `longest` classes.

        In colour, images have shape (n, 3, H, W). Labels stay an array: `DataLoader` walks through lists, text by text.
        The images' widths follow if there are any, and then the ground truth.
        """
        shown = self._convert(self._transform_batch(images, widths))
        own = () if widths is None else (torch.from_numpy(widths),)
        known = () if truth is None else ({name: torch.from_numpy(array) for name, array in truth.items()},)
        if self.alphabet is None:
            return shown, labels, *own, *known
        targets = encode_labels(labels, self.alphabet, self.blank, length=longest, output_length=self.output_length)
        return shown, torch.from_numpy(targets.padded), torch.from_numpy(targets.lengths), *own, *known

    def make_items(
        self, images: torch.Tensor, labels: Any, widths: Any, truth: dict[str, Any] | None, longest: int
    ) -> list[tuple[Any, ...]]:
        """Return what `make_batch` does as one tuple for each image, which has its own width.

        Ground truth is padded to `longest` characters, so that it does not depend on the other images.
        """
        own = [images.shape[-1]] * len(images) if widths is None else widths.tolist()
        cut = [image[..., :width] for image, width in zip(images, own, strict=True)]
        shown = [self._convert(self._apply_transform(image)) for image in cut]
        if self.alphabet is None:
            rest: list[Any] = [labels.tolist()]
        else:
            targets = encode_labels(labels, self.alphabet, self.blank, length=longest, output_length=self.output_length)
            rest = [torch.from_numpy(targets.padded), torch.from_numpy(targets.lengths)]
        if truth is not None:
            count, page = len(images), tuple(images.shape[-2:])
            padded = spread_truth(truth, np.arange(count), count, longest, page)
            known = {name: torch.from_numpy(array) for name, array in padded.items()}
            rest.append([_take_truth(known, row, width) for row, width in enumerate(own)])
        return list(zip(shown, *rest, strict=True))

    def join_items(self, items: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return what `make_batch` does, with widths, of items that `make_items` has made."""
        if not items:
            raise SpecError("items is empty: give one or more items of the dataset")
        images, *rest = zip(*items, strict=True)
        joined, widths = self._join_images(images)
        if self.alphabet is None:
            labels, *known = rest
            return joined, np.array(labels), widths, *map(_stack_truth, known)
        targets, lengths, *known = rest
        return joined, torch.stack(targets), torch.stack(lengths), widths, *map(_stack_truth, known)

    def _join_images(self, images: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images with paper at their right, and their widths."""
        heights = sorted({image.shape[1] for image in images})
        if len(heights) > 1:
            raise SpecError(f"the images are {heights} px high: give a transform that returns all equally high")
        widths = torch.tensor([image.shape[-1] for image in images], dtype=torch.int32)
        paper = self._convert(torch.full((1,), 255, dtype=torch.uint8))[0]
        joined = paper.repeat(len(images), *images[0].shape[:-1], int(widths.max()))
        for row, image in zip(joined, images, strict=True):
            row[..., : image.shape[-1]] = image
        return joined, widths

    def _transform_batch(self, images: torch.Tensor, widths: Any) -> torch.Tensor:
        """Return what the user's function makes of a batch."""
        made = self._apply_transform(images)
        if len(made) != len(images):
            raise SpecError(f"transform returned {len(made)} images of {len(images)}: return as many")
        if widths is not None and made.shape[-1] != images.shape[-1]:  # where each image ends is then unknown
            raise SpecError(
                f"transform returned images {made.shape[-1]} px wide of {images.shape[-1]}, and their own widths, "
                "which the batch tells, do not follow: return them as wide, or use NumberImages, which gives each "
                "image alone to transform, and its collate"
            )
        return made

    def _apply_transform(self, images: torch.Tensor) -> torch.Tensor:
        """Return what the user's function makes of a batch or an image.

        It is given an array of shape (..., H, W), or (..., H, W, 3) in colour.
        """
        if self.transform is None:
            return images
        is_grey = images.shape[-3] == 1
        given = images.squeeze(-3) if is_grey else images.movedim(-3, -1)
        made = _check_made(self.transform(given.numpy()), given.ndim, is_grey=is_grey)
        return made.unsqueeze(-3) if is_grey else made.movedim(-1, -3)

    def _convert(self, images: torch.Tensor) -> torch.Tensor:
        if self.ink == "bright":
            images.bitwise_not_()
        if self.dtype == torch.uint8:
            return images
        scaled = images.to(self.dtype).div_(255)
        return scaled if (self.mean, self.std) == (0.0, 1.0) else scaled.sub_(self.mean).div_(self.std)


def _check_number(name: str, value: Any, rule: str) -> float:
    """Return a finite number as a float, or raise SpecError, which tells the rule."""
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:  # an integer beyond the largest float
            number = math.inf
        if math.isfinite(number):
            return number
    raise SpecError(f"{name} is {format_value(value)}: {rule}")


def _check_made(made: Any, ndim: int, *, is_grey: bool) -> torch.Tensor:
    """Return a copy of what a user's function has returned, which may keep it, or raise SpecError."""
    rule = f"return uint8 with {ndim} axes{'' if is_grey else ', the last of length 3'}, as it was given"
    try:
        array = np.asarray(made)
    except (TypeError, ValueError, RuntimeError):  # such as a list of rows that differ, or a tensor on a GPU
        raise SpecError(f"transform returned {format_value(made)}: {rule}") from None
    if array.ndim != ndim or array.dtype != np.uint8 or not (is_grey or array.shape[-1] == 3):
        raise SpecError(f"transform returned an array of {array.dtype} with shape {array.shape}: {rule}")
    return torch.from_numpy(array.copy())


def _take_truth(known: dict[str, torch.Tensor], row: int, width: int) -> dict[str, torch.Tensor]:
    """Return the ground truth of one image, its masks as wide as it is."""
    return {name: array[row, ..., :width] if name == "masks" else array[row] for name, array in known.items()}


def _stack_truth(items: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Join the ground truth of images, padding masks to the widest."""
    parts = [{name: entry.numpy()[np.newaxis] for name, entry in item.items()} for item in items]
    return {name: torch.from_numpy(array) for name, array in join_truth(parts).items()}


def pad_batch(
    items: Sequence[tuple[Images | torch.Tensor, str]],
) -> tuple[torch.Tensor, npt.NDArray[np.str_], torch.Tensor]:
    """Join images that differ in size, and their labels, into a batch: `collate_fn` of a loader of a `GenericDataset`.

    Parameters
    ----------
    items : sequence of (ndarray or tensor, str)
        One or more images, shape (H, W), or (H, W, 3) in colour, uint8, and their labels. Tensors have shape
        (1, H, W), or (3, H, W) in colour.

    Returns
    -------
    images : tensor, shape (n, 1, H, W), or (n, 3, H, W) in colour, uint8
        As high and wide as the largest here. Each image is in its upper left corner, and the rest is 255.
    labels : ndarray, shape (n,), str
    sizes : tensor, shape (n, 2), int64
        Height and width of each image in px.

    Raises
    ------
    SpecError
        If there is no image, one has another type or shape, or some are in colour and others in grey.

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
    if not items:
        raise SpecError("items is empty: give one or more images and their labels")
    pages, labels = zip(*(_parse_item(number, item) for number, item in enumerate(items)), strict=True)
    for number, page in enumerate(pages):
        if page.ndim != pages[0].ndim:
            raise SpecError(
                f"image {number} has shape {page.shape} and image 0 has {pages[0].shape}: give all in grey, or all in "
                "colour"
            )
    padded = torch.from_numpy(pad_images(pages))
    images = padded.unsqueeze(1) if padded.ndim == 3 else padded.permute(0, 3, 1, 2).contiguous()
    return images, np.array(labels), torch.from_numpy(measure_sizes(pages)).long()


def _parse_item(number: int, item: Any) -> tuple[Images, Any]:
    """Return an image as an array of shape (H, W) or (H, W, 3), and its label, or raise SpecError."""
    try:
        image, label = item
        array = page = np.asarray(image)
    except (TypeError, ValueError, RuntimeError):  # such as an item with a target, or a tensor on a GPU
        raise SpecError(f"item {number} is {format_value(item)}: give an image and its label") from None
    if isinstance(image, torch.Tensor) and array.ndim == 3:
        page = array[0] if len(array) == 1 else array.transpose(1, 2, 0)
    if page.dtype != np.uint8 or page.ndim not in (2, 3) or page.shape[2:] not in ((), (3,)):
        raise SpecError(
            f"image {number} is {array.dtype} of shape {array.shape}: give an array of uint8 of shape (H, W) or "
            "(H, W, 3), or a tensor of (1, H, W) or (3, H, W)"
        )
    return page, label
