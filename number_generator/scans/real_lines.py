"""Labelled lines that users have scanned, kept as ink that is varied anew for each image of a job."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels.real_lines import FRAME
from number_generator.errors import SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.isolated import check_apart
from number_generator.formats.reader import Reader, open_reader
from number_generator.job.defaults import REAL_SHARE
from number_generator.job.real_lines import RealLines, checked_real_lines
from number_generator.job.real_part import RealPart
from number_generator.job.spec import Sequences
from number_generator.numbers.sequences import ALPHABET, WRITTEN, pack_sequences
from number_generator.scans.fitting import FitSpec, scale_line
from number_generator.scans.mixing import Balance, check_share, make_deck
from number_generator.scans.pictures import Grey, to_grey
from number_generator.system.checks import format_value

Integers = npt.NDArray[np.int64]

MOST_BYTES = 256 << 20
"""Memory that lines take at most; more of them lie in a file without a name, which the system keeps as it sees fit."""
_READ_BYTES = 16 << 20
_DENSE = 2  # texels per px of the page, if there is room: sampling at one would blur strokes
_INKED = 64  # of 255: fainter ink may be the paper's
_SPARE = 4  # bytes that kernels read after the last texel


@dataclass(frozen=True, eq=False)
class LineSet:
    """Lines fitted to a page of one size, as ink, with their labels.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the page in px.
    density : int
        Texels per px.
    texels : ndarray, flat uint8
        The ink of each line, 0 to 255, row by row, with a frame of `FRAME` texels without ink.
    starts : ndarray, shape (n,), int64
        Where each line begins.
    sizes : ndarray, shape (n, 2), int64
        Height and width of each, in texels, with its frame.
    inks : ndarray, shape (n, 4), float64
        The box of its ink: left, top, right, bottom in texels, half-open.
    labels : tuple of str
    digests : tuple of bytes
        SHA-256 of each line as it was given, in grey.
    """

    shape: tuple[int, int]
    density: int
    texels: npt.NDArray[np.uint8]
    starts: Integers
    sizes: Integers
    inks: npt.NDArray[np.float64]
    labels: tuple[str, ...]
    digests: tuple[bytes, ...]
    writers: Integers | None = field(default=None)

    def __len__(self) -> int:
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LineSet) and (self.shape, self.sha256) == (other.shape, other.sha256)

    def __hash__(self) -> int:
        return hash((self.shape, self.sha256))

    @cached_property
    def sequences(self) -> Sequences:
        """What the lines say."""
        return pack_sequences(self.labels)

    @cached_property
    def alphabet(self) -> str:
        """The characters that they hold."""
        held = set("".join(self.labels))
        return "".join(character for character in ALPHABET if character in held)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all lines and labels, in order."""
        digest = hashlib.sha256()
        for each, label in zip(self.digests, self.labels, strict=True):
            digest.update(each + label.encode() + b"\0")
        return digest.hexdigest()

    def take(self, numbers: Sequence[int]) -> "LineSet":
        """Return some of the lines; they share the texels."""
        rows = np.array(numbers, np.int64)
        chosen = rows.tolist()
        return LineSet(
            self.shape,
            self.density,
            self.texels,
            self.starts[rows],
            self.sizes[rows],
            self.inks[rows],
            tuple(self.labels[k] for k in chosen),
            tuple(self.digests[k] for k in chosen),
            None if self.writers is None else self.writers[rows],
        )


def load_lines(source: Any, height: int, width: int) -> LineSet:
    """Load labelled lines, and fit them to a page as `fit_line` does.

    Parameters
    ----------
    source : path_like or GenericDataset
        Any dataset that `GenericDataset.load` reads; its images may differ in size.
    height, width : int
        Size of the page in px.

    Raises
    ------
    SpecError
        If there is no line, or a label holds a character that numbers cannot hold.
    DatasetNotFoundError, DatasetReadError, DatasetError
        If the source cannot be read, or is not a valid dataset.
    """
    if isinstance(source, GenericDataset):
        images: Iterator[Any] = (image for image, _ in source)
        labels = [label for _, label in source]
        return _fit_lines(images, labels, None, height, width, "real")
    if not isinstance(source, (str, os.PathLike)):
        raise SpecError(f"real is {format_value(source)}: give the path of a labelled dataset, or a GenericDataset")
    with open_reader(source) as reader:
        labels = reader.labels(0, len(reader))
        images = reader.iterate_images(_READ_BYTES)
        return _fit_lines(images, labels, _find_writers(reader), height, width, os.fspath(source))


@dataclass(frozen=True)
class RealRequest:
    """Which real lines go along in a job, and how: the arguments of `stream` of these names, checked.

    `holdout` is the share of the lines that are left out, to be read once the reader is trained. If `isolated`, a file
    or folder is read in a process of its own first, as it may be anybody's.
    """

    source: Any
    share: float = REAL_SHARE
    style: RealLines = field(default_factory=RealLines)
    balance: Balance = "lines"
    holdout: float = 0.0
    isolated: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", check_share(self.share))
        object.__setattr__(self, "style", checked_real_lines(self.style))
        object.__setattr__(self, "holdout", check_share(self.holdout, "real_holdout"))
        make_deck((), self.balance)  # which checks it

    def load(self, height: int, width: int) -> RealPart:
        """Load the lines for pages of a size in px, without those that are held out."""
        self.check()
        lines = load_lines(self.source, height, width)
        if self.holdout:
            kept, _ = hold_out(lines, self.holdout)
            if not kept:
                raise SpecError(
                    f"real_holdout is {self.holdout}, which leaves none of {len(lines)} lines: hold fewer out"
                )
            lines = lines.take(kept)
        # An absolute path, as a recorded command may be run again in another folder.
        place = "" if isinstance(self.source, GenericDataset) else os.path.abspath(self.source)  # noqa: PTH100 - as text
        deck = make_deck(lines.labels, self.balance)
        return RealPart(lines, self.share, self.style, self.balance, deck, place, self.holdout)

    def check(self) -> None:
        """Read the lines in a process of their own, if they are isolated; raise what comes of it."""
        if self.isolated and isinstance(self.source, (str, os.PathLike)):
            check_apart("number_generator.formats.isolated:read_through", self.source)


def make_request(source: Any, share: float, style: Any, balance: Balance, holdout: float) -> RealRequest | None:
    """Return the request that arguments make; None without a source. SpecError for one that breaks a rule."""
    request = RealRequest(source, share, checked_real_lines(style), balance, holdout)
    return None if source is None else request


def hold_out(lines: LineSet, share: float) -> tuple[list[int], list[int]]:
    """Divide lines into those to train on and those held out, always the same for the same lines.

    All lines of a writer, where the dataset tells writers, and all copies of an image stay on one side.

    Returns
    -------
    list of int, list of int
        Numbers of the lines that are kept, and of those held out, in ascending order.
    """
    groups = _find_groups(lines)
    keys = [(hashlib.sha256(min(lines.digests[k] for k in group)).digest(), group) for group in groups]
    held: list[int] = []
    for _, group in sorted(keys):
        if len(held) >= round(share * len(lines)):
            break
        held += group
    out = set(held)
    return [k for k in range(len(lines)) if k not in out], sorted(held)


def _find_groups(lines: LineSet) -> list[list[int]]:
    """Return the lines that belong together: by writer, and by image."""
    parent = list(range(len(lines)))

    def find(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    first: dict[object, int] = {}
    for k, digest in enumerate(lines.digests):
        keys: list[object] = [digest]
        if lines.writers is not None and lines.writers[k] >= 0:
            keys.append(int(lines.writers[k]))
        for key in keys:
            parent[find(k)] = find(first.setdefault(key, k))
    groups: dict[int, list[int]] = {}
    for k in range(len(lines)):
        groups.setdefault(find(k), []).append(k)
    return list(groups.values())


def _find_writers(reader: Reader) -> Integers | None:
    """Return who wrote each line, -1 for nobody known; None if the dataset does not say."""
    if "writers" not in reader.truth_names:
        return None
    return reader.truth("writers", 0, len(reader)).astype(np.int64)


def _fit_lines(
    images: Iterator[Any], labels: list[str], writers: Integers | None, height: int, width: int, name: str
) -> LineSet:
    if not labels:
        raise SpecError(f"{name} holds no line: give at least one")
    _check_labels(labels, name)
    density = _DENSE if _count_bytes(len(labels), height, width, _DENSE) <= MOST_BYTES else 1
    spec = FitSpec(height * density, width * density)
    most = _count_bytes(len(labels), height, width, density)
    store: Any = _Store(most)
    starts, sizes, inks, digests = [], [], [], []
    for image in images:
        grey = to_grey(image)
        digests.append(hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).digest())
        ink = np.pad(255 - scale_line(grey, spec), FRAME)
        starts.append(store.append(ink))
        sizes.append(ink.shape)
        inks.append(_find_ink(ink))
    return LineSet(
        (height, width),
        density,
        store.finish(),
        np.array(starts, np.int64),
        np.array(sizes, np.int64),
        np.array(inks, np.float64),
        tuple(labels),
        tuple(digests),
        writers,
    )


def _check_labels(labels: Sequence[str], name: str) -> None:
    """Raise SpecError if a label holds a character that numbers cannot hold."""
    known = set(ALPHABET)
    for number, label in enumerate(labels):
        unknown = [character for character in label if character not in known]
        if unknown:
            raise SpecError(
                f"{name}: the label of line {number} is {format_value(label)}, which holds {unknown[0]!r}: numbers "
                f"hold {WRITTEN}; leave the line out"
            )


def _count_bytes(count: int, height: int, width: int, density: int) -> int:
    """Return what so many lines take at most."""
    return count * (height * density + 2 * FRAME) * (width * density + 2 * FRAME)


def _find_ink(ink: Grey) -> tuple[float, float, float, float]:
    """Return the box of a line's ink; of a line without any, that of its page."""
    inked = ink >= _INKED
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return float(FRAME), float(FRAME), float(ink.shape[1] - FRAME), float(ink.shape[0] - FRAME)
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


class _Store:
    """Texels in memory, or in a file without a name if there may be too many."""

    def __init__(self, most: int) -> None:
        self._parts: list[npt.NDArray[np.uint8]] = []
        self._file = tempfile.TemporaryFile() if most > MOST_BYTES else None  # noqa: SIM115 - `finish` closes it
        self._size = 0

    def append(self, ink: Grey) -> int:
        """Add a line, and return where it begins."""
        start = self._size
        self._size += ink.size
        if self._file is None:
            self._parts.append(ink.reshape(-1))
        else:
            self._file.write(ink.tobytes())
        return start

    def finish(self) -> npt.NDArray[np.uint8]:
        """Return all texels."""
        spare = np.zeros(_SPARE, np.uint8)
        if self._file is None:
            return np.concatenate([*self._parts, spare])
        with self._file as file:
            file.write(spare.tobytes())
            file.flush()
            return np.memmap(file, np.uint8, "r")  # which keeps the file open for itself
