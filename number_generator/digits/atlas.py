"""The atlas: all glyphs of a digit dataset, packed for the kernels."""

import threading
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from number_generator.digits.distance_fields import GlyphFields, Packed
from number_generator.digits.kept_fields import find_or_make
from number_generator.digits.letterforms import Choice, draw_letterforms, make_choice
from number_generator.digits.separators import SEPARATOR_CLASSES, SIGN_CLASSES, DigitMeasures, draw_separators

Groups = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], int]
Shares = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]

_MAKING = threading.Lock()
_BLOCK = 32
"""Rows that the kernels load at once: columns are padded to a multiple of it."""

_WHOLE = 2**40  # steps of all shares of a digit: a share is exact to 1 in 10**6 for a million glyphs


@dataclass(frozen=True, eq=False)
class GlyphAtlas:
    """All glyphs of a digit dataset, grouped by class in the order of the dataset.

    Attributes
    ----------
    height : int
        Height of the digits in px.
    column_size : int
        Bytes of a column: the height, rounded up to a multiple of 32.
    pixels : ndarray, flat uint8
        Ink on background 0, column by column: row r of column c is at `c * column_size + r`. There is a blank
        column before the first glyph and after each, and 32 bytes more at the end: kernels read 32 rows from any row.
    glyph_column : ndarray, shape (glyphs + 1,), int64
        The first column of each glyph: glyph g is `glyph_column[g + 1] - glyph_column[g] - 1` columns wide.
    glyph_rows : ndarray, shape (2 * glyphs,), int64
        The first row with ink of each glyph, and the row after the last one; (height, 0) for a glyph without ink.
    class_start : ndarray, shape (11,), int64
        Glyphs `class_start[d]` to `class_start[d + 1]` - 1 show the digit d. In `marked` it also has the
        separators' codes, shape (19,), and in `signed` those of all signs, shape (29,).
    source : ndarray, shape (digits,), int64
        The number of the digit that each glyph was cropped from, in the dataset that the user gave: see
        `DigitImageDataset.source_numbers`. The glyphs of separators, which come later, have none.
    writers : (members, start, glyph_group, groups), optional
        Who wrote which glyph, see `Writers`; None if all are in one group.
    writer_ids : ndarray, shape (glyphs,), int64, optional
        The writer id or style cluster of each glyph in the digit dataset; None if a line mixes them.
    shares : (stops, each, first), optional
        For digits of several sources with shares, arrays of shape (10, sources), int64: a number below `stops[d, -1]`
        belongs to the first source s with `stops[d, s]` above it, whose glyphs begin at `first[d, s]` and have
        `each[d, s]` numbers each. None if all glyphs of a digit have the same chance.
    letterforms : (first, hands, regions, start, ids, stops), optional
        The letterforms that a style chooses from; see `digits.letterforms`. None if it draws none.
    """

    height: int
    column_size: int
    pixels: npt.NDArray[np.uint8]
    glyph_column: npt.NDArray[np.int64]
    glyph_rows: npt.NDArray[np.int64]
    class_start: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    writers: Groups | None = None
    writer_ids: npt.NDArray[np.int64] | None = None
    shares: Shares | None = None
    letterforms: Choice | None = None

    @property
    def packed(self) -> Packed:
        """What kernels take."""
        return self.pixels, self.column_size, self.glyph_column, self.glyph_rows

    @property
    def groups(self) -> Groups:
        """The `writers` that kernels take: all glyphs in one group if there are none."""
        glyphs = len(self.glyph_column) - 1
        return self.writers or (np.zeros(1, np.int64), np.zeros(11, np.int64), np.zeros(glyphs, np.int64), 1)

    @cached_property
    def ink_width(self) -> float:
        """Median width of the digits' ink, in px."""
        return float(np.median(np.diff(self.glyph_column)[: len(self.source)])) - 1

    @cached_property
    def ink_height(self) -> float:
        """Median height of the digits' ink, in px."""
        rows = self.glyph_rows.reshape(-1, 2)[: len(self.source)]
        heights = rows[:, 1] - rows[:, 0]
        return float(np.median(heights[heights > 0])) if (heights > 0).any() else float(self.height)

    @cached_property
    def fields(self) -> GlyphFields:
        """The distance fields that styles other than `clean` are drawn from; made at first use, or kept from before."""
        made = find_or_make(
            "digits",
            (self.height, *self.packed, self.class_start),
            lambda: GlyphFields.measure(self.height, self.packed, self.class_start).to_arrays(),
        )
        return GlyphFields.from_arrays(made)

    @property
    def marked(self) -> "GlyphAtlas":
        """The same atlas with glyphs of the separators after those of the digits; made at first use.

        Codes 10 to 17 are classes of it as well, see `separators`. Only `clean` uses it.
        """
        return self._make_once("marked", self, SEPARATOR_CLASSES)

    @property
    def signed(self) -> "GlyphAtlas":
        """The same with the other signs after these, codes 18 to 27: drawing them takes several times as long."""
        return self._make_once("signed", self.marked, SIGN_CLASSES)

    def holding(self, code: int) -> "GlyphAtlas":
        """Return the smallest of these atlases that has a code."""
        if code < SEPARATOR_CLASSES.start:
            return self
        return self.marked if code < SIGN_CLASSES.start else self.signed

    def _make_once(self, name: str, smaller: "GlyphAtlas", classes: range) -> "GlyphAtlas":
        with _MAKING:  # many threads may meet the first separator at once
            if name not in self.__dict__:
                measures = DigitMeasures.measure(self.height, self.packed)
                self.__dict__[name] = smaller._append_drawings(measures, classes)
            made: GlyphAtlas = self.__dict__[name]
            return made

    def _append_drawings(self, measures: DigitMeasures, classes: range) -> "GlyphAtlas":
        """Draw separators or signs and append their glyphs."""
        images, codes = draw_separators(measures, classes)
        first, stop = _find_extent(images, axis=1)
        is_blank = stop == 0  # a space
        first, stop = np.where(is_blank, 0, first), np.where(is_blank, measures.space_width, stop)
        pixels, glyph_column, glyph_rows = _pack(images, first, stop, self.column_size)
        starts = np.searchsorted(codes, np.arange(classes.start, classes.stop + 1))
        return replace(
            self,
            # The blank column after the last glyph is also the one before the first of these.
            pixels=np.concatenate((self.pixels[:-_BLOCK], pixels[self.column_size :])),
            glyph_column=np.concatenate((self.glyph_column, self.glyph_column[-1] - 1 + glyph_column[1:])),
            glyph_rows=np.concatenate((self.glyph_rows, glyph_rows)),
            class_start=np.concatenate((self.class_start, self.class_start[-1] + starts[1:])),
        )

    @cached_property
    def all_fields(self) -> GlyphFields:
        """The same, with those of all letterforms after them; made at first use."""
        return self.fields.append(draw_letterforms())

    def for_writers(
        self,
        writers: Groups,
        writer_ids: npt.NDArray[np.int64] | None = None,
        letterform_set: str | None = None,
    ) -> "GlyphAtlas":
        """Return the same atlas, with its fields made, its glyphs grouped by writers, and letterforms of a set."""
        letterforms = None if letterform_set is None else make_choice(len(self.glyph_column) - 1, letterform_set)
        atlas = replace(self, writers=writers, writer_ids=writer_ids, letterforms=letterforms)
        atlas.__dict__["fields"] = self.fields if letterforms is None else self.all_fields
        return atlas

    @property
    def letterform_choice(self) -> Choice:
        """The `letterforms` that kernels take: none of them if there are none."""
        none = np.zeros(11, np.int64)
        return self.letterforms or (len(self.glyph_column) - 1, 1, 1, none, none, none)

    @classmethod
    def from_digits(
        cls,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        source: npt.NDArray[np.int64] | None = None,
        mixture: tuple[npt.NDArray[np.int64], tuple[float, ...]] | None = None,
    ) -> "GlyphAtlas":
        """Crop digits to their ink columns and pack them.

        Parameters
        ----------
        images : ndarray, shape (N, H, H), uint8
            Ink is any value above 0. A digit without ink becomes one blank column.
        labels : ndarray, shape (N,), int
            Digits 0 to 9, every one present.
        source : ndarray, shape (N,), int64, optional
            The number of each digit; None means 0 to N - 1.
        mixture : (ndarray of shape (N,), int64, and sequence of float), optional
            The source of each digit, and the weight of each source: see `shares`.
        """
        order = order_glyphs(labels, None if mixture is None else mixture[0])
        images = images[order]
        size = images.shape[2]
        first, stop = _find_extent(images, axis=1)
        first, stop = np.where(stop > 0, first, 0), np.where(stop > 0, stop, 1)
        column_size = -(-size // _BLOCK) * _BLOCK
        pixels, glyph_column, glyph_rows = _pack(images, first, stop, column_size)
        return cls(
            height=size,
            column_size=column_size,
            pixels=pixels,
            glyph_column=glyph_column,
            glyph_rows=glyph_rows,
            class_start=np.searchsorted(labels[order], np.arange(11)).astype(np.int64),
            source=order if source is None else source[order],
            shares=None if mixture is None else _make_shares(labels, *mixture),
        )


def order_glyphs(labels: npt.NDArray[np.integer], origin: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
    """Return the numbers of a dataset's digits in the order of its atlas: by class, then source, then number."""
    order = np.argsort(labels, kind="stable") if origin is None else np.lexsort((origin, labels))
    return order.astype(np.int64)


def _make_shares(labels: npt.NDArray[np.integer], origin: npt.NDArray[np.int64], weights: tuple[float, ...]) -> Shares:
    """Return the `shares` of an atlas; the share of a source that lacks a digit goes to the others in proportion."""
    sources = len(weights)
    counts = np.bincount(labels.astype(np.int64) * sources + origin, minlength=10 * sources).reshape(10, sources)
    there = np.where(counts > 0, np.asarray(weights, np.float64), 0.0)
    steps = _WHOLE * there / there.sum(axis=1, keepdims=True)
    each = np.where(counts > 0, np.maximum(1, np.rint(steps / np.maximum(counts, 1))), 0).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(counts.reshape(-1))[:-1])).reshape(10, sources).astype(np.int64)
    return np.cumsum(each * counts, axis=1), each, first


def _pack(
    images: npt.NDArray[np.uint8], first: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], column_size: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pack columns `first` to `stop` - 1 of each image: pixels, glyph_column and glyph_rows of an atlas."""
    size = images.shape[2]
    top, bottom = _find_extent(images, axis=2)
    # One column more than the glyph has: the blank one after it.
    glyph_column = np.concatenate(([1], 1 + np.cumsum(stop - first + 1))).astype(np.int64)
    x = np.arange(size)
    kept = (x >= first[:, None]) & (x < stop[:, None])
    inside = np.ones(glyph_column[-1], np.bool_)
    inside[glyph_column - 1] = False

    pixels = np.zeros(len(inside) * column_size + _BLOCK, np.uint8)
    columns = pixels[: len(inside) * column_size].reshape(-1, column_size)
    columns[inside, :size] = images.transpose(0, 2, 1)[kept]
    return pixels, glyph_column, np.stack((top, bottom), axis=1).astype(np.int64).reshape(-1)


def _find_extent(images: npt.NDArray[np.uint8], axis: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find where ink begins and ends along the remaining axis; (size, 0) for an image without ink."""
    inked: npt.NDArray[np.bool_] = np.asarray(images.max(axis=axis) > 0, np.bool_)
    size = inked.shape[1]
    blank = ~inked.any(axis=1)
    first = np.where(blank, size, inked.argmax(axis=1))
    stop = np.where(blank, 0, size - inked[:, ::-1].argmax(axis=1))
    return first, stop
