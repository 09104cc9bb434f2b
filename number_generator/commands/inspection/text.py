"""What was found of a dataset, as lines for a terminal of 80 columns."""

from __future__ import annotations

import shlex
import textwrap
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from number_generator.commands.inspection.inspect import Inspection, Origin
from number_generator.commands.inspection.statistics import Distribution, LabelStatistics, PageStatistics

if TYPE_CHECKING:
    from number_generator.commands.inspection.verification import Verification

__all__ = [
    "FORMAT_NAMES",
    "UNTOLD",
    "format_lines",
    "format_origin",
    "format_range",
    "format_size",
    "format_spacing",
    "format_style",
    "format_verification",
    "make_printable",
]

_COLUMNS = 80
_NAME_COLUMNS = 12
_BAR_COLUMNS = 40
_TIE = "\N{NO-BREAK SPACE}"
_LONGEST = 200
_LONGEST_COMMAND = 10_000
FORMAT_NAMES = {
    "pickle": "pickle",
    "hdf5": "HDF5",
    "npz": "NPZ archive",
    "idx": "IDX files",
    "png": "folder of PNG images",
    "lmdb": "LMDB",
    "webdataset": "WebDataset",
    "parquet": "Parquet",
}
"""How formats are called in prose."""
UNTOLD = "it does not tell: no command of number_generator is recorded"


def format_lines(found: Inspection, *, bar: str, verification: Verification | None = None) -> Iterator[str]:
    """Give the lines.

    Parameters
    ----------
    found : Inspection
    bar : str
        The character that bars are drawn with.
    verification : Verification, optional
    """
    yield make_printable(found.path)
    yield from _fact(
        "is",
        f"{FORMAT_NAMES[found.file_format]}, {_number(found.count)} image{'s' * (found.count != 1)} of {found.width} x "
        f"{found.height} px, {format_size(found.byte_count)}{_each(found)}",
    )
    if found.chunk_length > 1:
        yield from _fact("stored", f"{found.chunk_length} images together")
    if found.truth:
        yield from _fact("truth", ", ".join(f"{name} {_shape(shape)}" for name, shape in found.truth.items()))
    yield from _made(found.origin)
    if found.labels.count:
        yield ""
        yield from _labels(found.labels, found.count, bar)
    if found.pages.count:
        yield ""
        yield from _pages(found.pages, found, bar)
    if found.warnings:
        yield ""
        yield "Warnings"
        for warning in found.warnings:
            yield from textwrap.wrap(make_printable(warning), _COLUMNS, initial_indent="  - ", subsequent_indent="    ")
    if verification is not None:
        yield ""
        for sentence in format_verification(verification):
            yield from textwrap.wrap(make_printable(sentence, _LONGEST_COMMAND), _COLUMNS)


def make_printable(text: str, most: int = _LONGEST) -> str:
    """Give a text without what could steer a terminal, and not too long: files may hold anything."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[:most]
    )
    return shown if len(text) <= most else f"{shown}..."


def format_size(byte_count: int) -> str:
    """Say how large something is."""
    size = float(byte_count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def format_range(found: Distribution | None, unit: str = "") -> str:
    """Say from where to where numbers reach, and their mean."""
    if found is None:
        return "none"
    end = f" {unit}" if unit else ""
    if found.least == found.most:
        return f"{_figure(found.least)}{end}"
    return f"{_figure(found.least)} to {_figure(found.most)}{end}, mean {_figure(found.mean)}"


def format_origin(origin: Origin) -> str:
    """Say by what a dataset was made, as far as it tells."""
    parts = []
    if origin.package_version:
        parts.append(f"number_generator {make_printable(origin.package_version)}")
    if origin.created is not None:
        parts.append(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(origin.created)))
    return ", ".join(parts)


def format_style(origin: Origin) -> str:
    """Say in which style a dataset was drawn, and from which seed."""
    parts = [make_printable(origin.style)] if origin.style else []
    if origin.seed is not None:
        parts.append(f"seed {origin.seed}")
    return ", ".join(parts)


def format_spacing(found: Inspection) -> str:
    """Say what the spacing is that was measured, and which was drawn."""
    what = "between neighbouring boxes" if found.pages.from_boxes else "blank columns between ink"
    drawn = found.origin.spacing_range
    told = "" if drawn is None else f"; drawn were {drawn[0]} to {drawn[1]} px, before lines were fitted to the page"
    return f"{what}, {format_range(found.pages.spacing, 'px')}{told}"


def format_verification(verification: Verification) -> Iterator[str]:
    """Give sentences that tell what came of making images again."""
    for note in verification.notes:
        yield f"Note: {note}"
    if verification.reason is not None:
        yield f"Not verified: {verification.reason}"
        return
    also = ", ".join(("labels", *verification.truth))
    if verification.is_verified:
        count = _number(verification.compared)
        yield f"Verified: {count} images, made again, are the same to the byte ({also} as well)"
        return
    yield f"Different: {len(verification.different)} of {_number(verification.compared)} images, made again"
    for difference in verification.different[:10]:
        yield f"  image {difference.number}: {', '.join(difference.what)}"
    if len(verification.different) > 10:
        yield f"  and {len(verification.different) - 10} more"


def _made(origin: Origin) -> Iterator[str]:
    made = format_origin(origin)
    if made:
        yield from _fact("made by", made)
    if style := format_style(origin):
        yield from _fact("style", style)
    parts = []
    if origin.split:
        parts.append(f"{make_printable(origin.split)}{f' of {make_printable(origin.splits)}' if origin.splits else ''}")
    if origin.shard:
        parts.append(f"shard {make_printable(origin.shard)}")
    if origin.shards is not None:
        parts.append(f"index of {origin.shards} shards")
    if parts:
        yield from _fact("part", ", ".join(parts))
    if origin.digits or origin.digits_sha256:
        short = f"SHA-256 {make_printable(origin.digits_sha256, 16)}" if origin.digits_sha256 else ""
        yield from _fact("digits", ", ".join(filter(None, [make_printable(origin.digits or ""), short])))
    if origin.command is None:
        yield from _fact("made again", UNTOLD)
        return
    yield from _command(origin.command)


def _command(command: str) -> Iterator[str]:
    """Give a command that can be copied: lines that end in a backslash go on in the next."""
    shown = make_printable(command, _LONGEST_COMMAND)
    try:
        words = [shlex.quote(word) for word in shlex.split(shown)]
    except ValueError:
        words = [shown]
    indent = " " * 2 + " " * _NAME_COLUMNS
    line = f"{'  made again':{len(indent)}}"
    is_first = True
    for word in words:
        if not is_first and len(line) + 1 + len(word) + 2 > _COLUMNS:
            yield f"{line} \\"
            line, is_first = f"{indent}  ", True
        line += word if is_first else f" {word}"
        is_first = False
    yield line


def _labels(labels: LabelStatistics, count: int, bar: str) -> Iterator[str]:
    whose = "all" if labels.is_all else f"of the {_number(labels.count)} images that were measured, of {_number(count)}"
    yield f"Labels ({whose})"
    yield from _fact("different", f"{_number(labels.different)} of {_number(labels.count)}")
    if labels.empty:
        yield from _fact("empty", f"{_number(labels.empty)} ({_percent(labels.empty, labels.count)})")
    if labels.lengths is not None:
        yield from _fact("length", format_range(labels.lengths, f"character{'s' * (labels.lengths.most != 1)}"))
        yield from _histogram(labels.lengths, bar)
    if labels.first_digits:
        first = sum(labels.first_digits.values())
        shares = (f"{digit}{_TIE}{_percent(found, first)}" for digit, found in labels.first_digits.items())
        yield from _fact("first digit", ", ".join(shares))
    if labels.characters:
        more = f", the {len(labels.characters)} most frequent ones" if labels.kinds > len(labels.characters) else ""
        yield from _fact("characters", f"{labels.kinds} different{more}")
        yield from _bars(labels.characters, bar)


def _pages(pages: PageStatistics, found: Inspection, bar: str) -> Iterator[str]:
    whose = "all" if pages.count == found.count else f"{_number(pages.count)} of {_number(found.count)}, spread evenly"
    inked = pages.count - pages.blank
    yield f"Pages ({whose})"
    ink = "light" if pages.light * 2 > inked else "dark"
    other = min(pages.light, inked - pages.light)
    turned = f"; on {_percent(other, inked)} the other way round" if other else ""
    yield from _fact("paper", f"grey {format_range(pages.paper)}; noise {format_range(pages.noise)}")
    if inked:
        yield from _fact("ink", f"{ink} on {'dark' if ink == 'light' else 'light'}{turned}")
        yield from _fact("", f"{format_range(pages.share, '% of the page')}")
        yield from _fact("", f"{format_range(pages.depth, 'levels from the paper')}")
    labelled = f", {_number(pages.blank_labelled)} of them with a label" if pages.blank else ""
    yield from _fact("blank", f"{_number(pages.blank)}{labelled}")
    if pages.ink_width is not None:
        yield from _fact(
            "ink's box", f"width {format_range(pages.ink_width, 'px')}; height {format_range(pages.ink_height, 'px')}"
        )
        for side, margin in pages.margins.items():
            yield from _fact(
                "margins" if side == "left" else "",
                f"{side:6} {format_range(margin, 'px')}; "
                f"{_percent(pages.touching[side], margin.count if margin else 0)} "
                "touch it",
            )
    if pages.spacing is not None:
        yield from _fact("spacing", format_spacing(found))
        yield from _histogram(pages.spacing, bar)


def _fact(name: str, text: str) -> Iterator[str]:
    """Give the lines of a name and what there is to say; a number and its unit stay together."""
    for unit in ("%", "px"):
        text = text.replace(f" {unit}", f"{_TIE}{unit}")
    first, rest = f"  {name:{_NAME_COLUMNS}}", " " * (2 + _NAME_COLUMNS)
    lines = textwrap.wrap(text, _COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return (line.replace(_TIE, " ") for line in lines)


def _histogram(found: Distribution, bar: str) -> Iterator[str]:
    is_whole = all(edge == int(edge) for edge in found.edges)
    names = []
    for low, high in zip(found.edges, found.edges[1:], strict=False):
        is_one = is_whole and high - low == 1
        names.append(_figure(low) if is_one else f"{_figure(low)}-{_figure(high - 1 if is_whole else high)}")
    yield from _bars(dict(zip(names, found.counts, strict=True)), bar)


def _bars(counts: Mapping[str, int], bar: str) -> Iterator[str]:
    """Give a line for each count; those that would show nothing, at both ends, are left out."""
    total, most = sum(counts.values()), max(counts.values())
    width = max(len(_character(name)) for name in counts)
    for name, count in counts.items():
        length = round(_BAR_COLUMNS * count / most)
        drawn = bar * (length or bool(count))
        yield f"    {_character(name):>{width}} {drawn:{_BAR_COLUMNS}} {_percent(count, total):>7}"


def _character(name: str) -> str:
    return "space" if name == " " else make_printable(name)


def _each(found: Inspection) -> str:
    return f" ({_number(round(found.byte_count / found.count))} bytes each)" if found.count else ""


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})" if shape else "(1)"


def _number(value: int) -> str:
    return f"{value:,}"


def _figure(value: float) -> str:
    """Give a number with as many decimals as tell something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def _percent(count: int, total: int) -> str:
    return f"{100 * count / max(1, total):.1f} %"
