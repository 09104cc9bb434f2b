"""The form in which PyTorch's datasets return images and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from number_generator.errors import SpecError
from number_generator.system.checks import format_value
from number_generator.training.ctc import Blank, encode_labels

Ink = Literal["dark", "bright"]


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

    def make_batch(self, images: torch.Tensor, labels: Any, widths: Any, longest: int) -> tuple[Any, ...]:
        """Return a batch: images, shape (n, 1, H, W), and labels, or targets padded to `longest` classes.

        Labels stay an array: `DataLoader` walks through lists, text by text. The images' widths come last, if there are
        any.
        """
        shown = self._convert(images)
        own = () if widths is None else (torch.from_numpy(widths),)
        if self.alphabet is None:
            return shown, labels, *own
        targets = encode_labels(labels, self.alphabet, self.blank, length=longest, output_length=self.output_length)
        return shown, torch.from_numpy(targets.padded), torch.from_numpy(targets.lengths), *own

    def make_items(self, images: torch.Tensor, labels: Any, widths: Any, longest: int) -> list[tuple[Any, ...]]:
        """Return what `make_batch` does as one tuple for each image, which has its own width."""
        shown, *rest = self.make_batch(images, labels, None, longest)
        cut = shown if widths is None else [image[..., :width] for image, width in zip(shown, widths, strict=True)]
        return list(zip(cut, *(rest if self.alphabet is not None else [labels.tolist()]), strict=True))

    def join_items(self, items: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return what `make_batch` does, of items that `make_items` has made."""
        images, *rest = zip(*items, strict=True)
        widths = torch.tensor([image.shape[-1] for image in images], dtype=torch.int32)
        paper = self._convert(torch.full((1,), 255, dtype=torch.uint8))[0]
        joined = paper.repeat(len(images), *images[0].shape[:-1], int(widths.max()))
        for row, image in zip(joined, images, strict=True):
            row[..., : image.shape[-1]] = image
        if self.alphabet is None:
            return joined, list(rest[0]), widths
        targets, lengths = rest
        return joined, torch.stack(targets), torch.stack(lengths), widths

    def _convert(self, images: torch.Tensor) -> torch.Tensor:
        if self.ink == "bright":
            images.bitwise_not_()
        if self.dtype == torch.uint8:
            return images
        scaled = images.to(self.dtype).div_(255)
        return scaled if (self.mean, self.std) == (0.0, 1.0) else scaled.sub_(self.mean).div_(self.std)
