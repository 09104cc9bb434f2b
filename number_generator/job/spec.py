"""What to make: the frozen descriptions that everything takes, and the validation of their arguments."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from number_generator.errors import SpecError
from number_generator.job.defaults import HIGHEST_PAGE, LOWEST_PAGE, SPACING_RANGE, SPAN_BYTES, SPAN_IMAGES
from number_generator.job.handwriting import STYLES, Handwriting, checked_style
from number_generator.job.real_part import RealPart
from number_generator.system.checks import MAX_SEED, check_integer, format_value

SOURCE_DIGITS = "source_digits"
"""The metadata that lists the digits a part of a split was made from; in HDF5 a dataset, as attributes are small."""

RENDER_VERSION = 2
"""Incremented when the pixels or labels of a job change."""

Fit = Literal["contain", "stretch"]
FITS: tuple[Fit, ...] = ("contain", "stretch")
Label = Literal["written", "digits"]
LABELS: tuple[Label, ...] = ("written", "digits")
TRUTHS = ("boxes", "glyphs", "parameters", "masks")
"""The kinds of ground truth."""
MAX_WIDTH = 65_535
_WIDEST_LINE = 32_767
"""The width of the widest image if each is as wide as its line, and no limit is given."""
_AUTO_WIDTH = re.compile(r"auto(?::(\d{1,9}))?", re.ASCII)
_MAX_BOXED = 32_767  # boxes are int16
MIN_HEIGHT = 4
_STYLE_PAGE = 28
"""The height in px of the page that a style's px are those of."""
MAX_LENGTH = 10_000
MAX_SPACING = 65_535
MIN_STYLED_SPACING = -65_535
# Pillow holds the box of a resize in single precision: up to here it is exact, and so are the pixels.
_MAX_NATURAL_WIDTH = 2**24
MAX_IMAGE_NUMBER = 2**63 - 1
PART_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
"""The name of a part of a split, which becomes part of a file name."""
# A task enters the interpreter about ten times, and other threads wait for that: on 16 cores, 16 threads made 2.6 times
# the images of one thread in tasks of 256, 8.5 times in tasks of 1,024, and 10.9 times in tasks of 2,500.
_FEWEST_SPAN_IMAGES = 512


def check_spacing_range(spacing_range: Any, lowest: int = 0) -> tuple[int, int]:
    """Return the smallest and the largest gap in px, or raise SpecError if one is less than `lowest`."""
    try:
        smallest, largest = spacing_range
    except (TypeError, ValueError):
        raise SpecError(f"spacing_range is {spacing_range!r}: give two integers, (minimum, maximum), in px") from None
    smallest = check_integer("spacing_range's minimum", smallest, lowest, MAX_SPACING)
    largest = check_integer("spacing_range's maximum", largest, lowest, MAX_SPACING)
    if smallest > largest:
        raise SpecError(
            f"spacing_range is ({smallest}, {largest}): the minimum exceeds the maximum; give both, the smaller one "
            "first"
        )
    return smallest, largest


def check_truth(truth: Any) -> tuple[str, ...]:
    """Return the requested kinds of ground truth in the order of `TRUTHS`, or raise SpecError."""
    try:
        kinds = [truth] if isinstance(truth, str) else list(truth)
        unknown = [kind for kind in kinds if not isinstance(kind, str) or kind not in TRUTHS]
    except TypeError:
        raise SpecError(f"truth is {truth!r}: give some of {', '.join(map(repr, TRUTHS))}") from None
    if unknown:
        raise SpecError(f"truth holds {format_value(unknown[0])}: give some of {', '.join(map(repr, TRUTHS))}")
    return tuple(kind for kind in TRUTHS if kind in kinds)


def _check_width(width: Any) -> int | str:
    """Return the width of all images, or `auto` or `auto:MAX`; or raise SpecError."""
    if not isinstance(width, str):
        return check_integer("width", width, 1, MAX_WIDTH)
    found = _AUTO_WIDTH.fullmatch(width)
    if found is None:
        raise SpecError(
            f"width is {format_value(width)}: give an integer from 1 to {MAX_WIDTH}, or 'auto' or 'auto:MAX' for "
            "images as wide as their lines"
        )
    if found[1] is None:
        return "auto"
    most = check_integer("width's MAX", int(found[1]), 1, MAX_WIDTH)
    return f"auto:{most}"


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of image numbers."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def split(self, length: int) -> Iterator["Span"]:
        """Divide this span into spans of at most `length` images, in order."""
        for start in range(self.start, self.stop, length):
            yield Span(start, min(start + length, self.stop))


@dataclass(frozen=True, slots=True)
class Sequences:
    """The sequences of consecutive images, one after the other: sequence k is `codes[offsets[k]:offsets[k + 1]]`.

    Codes are digits 0 to 9 and separators from 10 on: indices in `numbers.ALPHABET`. There are n + 1 offsets.
    """

    codes: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def longest(self) -> int:
        """Length of the longest sequence."""
        return int(np.diff(self.offsets).max(initial=0))


@runtime_checkable
class NumberSource(Protocol):
    """The source of a job's sequences."""

    @property
    def longest(self) -> int:
        """The greatest possible length of a sequence."""
        ...

    @property
    def alphabet(self) -> str | None:
        """The characters that a sequence can hold; None if that is not known of the whole job.

        A style draws no sign unlabelled that is among them; without them, none that the line itself holds.
        """
        ...

    def digits_before(self, number: int) -> int:
        """Return the most characters that all images before image `number` can have; it may lie beyond the last one."""
        ...

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Return the sequences of the images in `span`."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return JSON-like values from which the same sequences can be made."""
        ...


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """How a line is laid out and fitted to its page: the arguments of `generate_batch`; `height` is `image_height`.

    Without a `spacing_range` the gaps are the style's own; in the style `clean` they are 5 to 10 px.
    """

    spacing_range: tuple[int, int] | None
    width: int | str
    fit: Fit = "contain"
    style: Handwriting = STYLES["clean"]
    height: int | None = None
    color: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "style", checked_style(self.style))
        if self.spacing_range is not None:
            lowest = 0 if self.style.is_clean else MIN_STYLED_SPACING
            object.__setattr__(self, "spacing_range", check_spacing_range(self.spacing_range, lowest))
        elif self.style.is_clean:  # which has no gaps of its own
            object.__setattr__(self, "spacing_range", SPACING_RANGE)
        object.__setattr__(self, "width", _check_width(self.width))
        if not isinstance(self.fit, str) or self.fit not in FITS:
            raise SpecError(f"fit is {self.fit!r}: give one of {', '.join(map(repr, FITS))}")
        if self.fit != "contain" and self.style.crop == "tight":
            raise SpecError(
                f"fit is {self.fit!r} and the style cuts the page to the ink (crop='tight'), which already fits "
                "lines: leave fit out"
            )
        if self.height is not None:
            height = check_integer("image_height", self.height, LOWEST_PAGE, HIGHEST_PAGE)
            object.__setattr__(self, "height", height)
        if not isinstance(self.color, bool):
            raise SpecError(f"color is {format_value(self.color)}: give True for images in colour, or False")

    @property
    def ragged(self) -> bool:
        """Whether each image is as wide as its line."""
        return isinstance(self.width, str)

    @property
    def is_bounded(self) -> bool:
        """Whether the width of the widest image was given."""
        return self.width != "auto"

    @property
    def max_width(self) -> int:
        """The width of all images, or the most that any can have."""
        if not isinstance(self.width, str):
            return self.width
        return int(self.width.removeprefix("auto:")) if self.is_bounded else _WIDEST_LINE

    @property
    def channels(self) -> int:
        """1 for images in grey, 3 for colour."""
        return 3 if self.color else 1

    @property
    def px(self) -> float:
        """How many px of the page are one px of the style."""
        return 1.0 if self.height is None else self.height / _STYLE_PAGE


@dataclass(frozen=True, slots=True)
class Job:
    """A whole run: which images to make, of which numbers, and how. Equal jobs make equal bytes.

    The height of a page, in px, is the spec's, or that of the digit dataset's images. Image numbers may go up to
    2**63 - 1. `seed`, `label` and `truth` are those of `generate_chunk`, checked. `real` are
    lines that take the place of some drawn ones.
    """

    numbers: NumberSource
    spec: RenderSpec
    height: int
    seed: int
    span: Span
    label: Label = "written"
    truth: tuple[str, ...] = ()
    real: RealPart | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "truth", check_truth(self.truth))
        width = self.spec.max_width
        if "boxes" in self.truth and max(self.height, width) > _MAX_BOXED:
            raise SpecError(
                f"boxes are requested for pages of {width} x {self.height} px, but hold coordinates up to "
                f"{_MAX_BOXED}: give smaller pages, or leave the boxes out"
            )
        if not isinstance(self.label, str) or self.label not in LABELS:
            raise SpecError(f"label is {format_value(self.label)}: give one of {', '.join(map(repr, LABELS))}")
        check_integer("height", self.height, MIN_HEIGHT)
        check_integer("seed", self.seed, 0, MAX_SEED)
        check_integer("start", self.span.start, 0, MAX_IMAGE_NUMBER)
        if self.span.stop > MAX_IMAGE_NUMBER:
            raise SpecError(
                f"images {self.span.start} to {self.span.stop} are requested: start plus their number may be "
                f"at most 2**63 - 1 = {MAX_IMAGE_NUMBER}"
            )
        if self.spec.height is None:
            self.check_digits(self.height)
        if self.real is not None and self.label == "written":
            self._check_signs(self.real)

    def _check_signs(self, real: RealPart) -> None:
        """Raise SpecError if the label of a real line holds a sign that no number of the job can hold."""
        held = self.numbers.alphabet
        strange = (
            "" if held is None else "".join(sign for sign in real.lines.alphabet if sign not in held + "0123456789")
        )
        if not strange:
            return
        number = next(k for k, label in enumerate(real.lines.labels) if strange[0] in label)
        raise SpecError(
            f"the label of real line {number} is {format_value(real.lines.labels[number])}, and no number of the job "
            f"holds {strange[0]!r}: leave the line out, write numbers that hold it, or give label='digits'"
        )

    @property
    def longest(self) -> int:
        """The greatest possible length of a label."""
        return max(self.numbers.longest, 0 if self.real is None else self.real.longest)

    def check_digits(self, height: int) -> None:
        """Raise SpecError if the job cannot be made with digits of a height in px."""
        if self.spec.height is None and height != self.height:
            raise SpecError(
                f"the job is for digits {self.height} px high, and these are {height} px high: give the digits that it "
                "was made for"
            )
        longest, spacing = self.numbers.longest, self.spec.spacing_range
        gap = max(0, spacing[1]) if spacing else 0
        widest = longest * height + max(0, longest - 1) * gap
        if widest > _MAX_NATURAL_WIDTH:
            raise SpecError(
                f"{longest} digits, each up to {height} px wide, with gaps up to {gap} px can take "
                f"{widest} px before fitting: at most {_MAX_NATURAL_WIDTH} px are possible; give shorter "
                "sequences, smaller gaps or smaller digits"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The images' shape (N, H, W); if each is as wide as its line, W is the most that one can have."""
        return len(self.span), self.height, self.spec.max_width

    @property
    def array_shape(self) -> tuple[int, ...]:
        """The shape of an array of all images: (N, H, W), or (N, H, W, 3) in colour."""
        return (*self.shape, self.spec.channels) if self.spec.color else self.shape

    @property
    def usual_width(self) -> int:
        """The images' width, or about that of the longest line, if each is as wide as its own: for estimates."""
        most = self.spec.max_width
        return min(most, max(1, self.numbers.longest) * self.height) if self.spec.ragged else most

    def split(self, multiple: int = 1, workers: int = 1) -> Iterator[Span]:
        """Divide the span into tasks of good size, in order; all but the last have a multiple of `multiple` images.

        With several workers, each task is one worker's share of the rest. So tasks shrink towards the end, and all
        workers finish at about the same time ("guided self-scheduling": Polychronopoulos and Kuck, IEEE Transactions on
        Computers C-36, 1987).
        """
        start, image_bytes = self.span.start, self.height * self.usual_width * self.spec.channels
        while start < self.span.stop:
            share = -(-(self.span.stop - start) // workers) if workers > 1 else SPAN_IMAGES
            most = min(max(share, _FEWEST_SPAN_IMAGES), SPAN_IMAGES)
            is_last = self.span.stop - start <= most  # of a small batch the only one, found without a search
            if is_last and self._estimate_bytes(start, self.span.stop, image_bytes) <= SPAN_BYTES:
                yield Span(start, self.span.stop)
                return
            sizes = range(multiple, max(multiple, most) + 1, multiple)
            fitting = bisect_right(
                sizes, SPAN_BYTES, key=lambda size: self._estimate_bytes(start, start + size, image_bytes)
            )
            stop = min(start + sizes[max(0, fitting - 1)], self.span.stop)
            yield Span(start, stop)
            start = stop

    def _estimate_bytes(self, start: int, stop: int, image_bytes: int) -> int:
        """Estimate the memory of images in the making: a digit takes about as much as eight columns."""
        digits = self.numbers.digits_before(stop) - self.numbers.digits_before(start)
        return (stop - start) * image_bytes + 8 * self.height * digits
