"""An inspection as lines for a terminal of 80 columns, and what a page of HTML shows in the same words."""

from __future__ import annotations

import shlex
import textwrap
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from number_generator.commands.inspection.inspect import Inspection, Origin
from number_generator.commands.inspection.statistics import Distribution, LabelStatistics, PageStatistics
from number_generator.errors import make_printable
from number_generator.formats.registry import FORMATS
from number_generator.scans.looks import LOOKS, PAGE_HEIGHT
from number_generator.system.checks import format_bytes

if TYPE_CHECKING:
    from number_generator.commands.inspection.verification import Verification

_COLUMNS = 80
_NAME_COLUMNS = 12
_BAR_COLUMNS = 40
_LOOK_COLUMNS = 32
_TIE = "\N{NO-BREAK SPACE}"
LONGEST_COMMAND = 10_000


def format_lines(found: Inspection, *, bar: str, verification: Verification | None = None) -> Iterator[str]:
    """Return the lines; `bar` is the character that bars are drawn with."""
    each = f" ({round(found.byte_count / found.count):,} bytes each)" if found.count else ""
    yield make_printable(found.path)
    yield from _format_fact(
        "format",
        f"{FORMATS[found.file_format].title}, {found.count:,} image{'s' * (found.count != 1)} of {format_size(found)} "
        f"px{', in colour' * (found.channels > 1)}, {format_bytes(found.byte_count)}{each}",
    )
    if found.chunk_length > 1:
        yield from _format_fact("chunks", f"{found.chunk_length} images each")
    if found.truth:
        shapes = {name: ", ".join(map(str, shape)) or "1" for name, shape in found.truth.items()}
        yield from _format_fact("truth", ", ".join(f"{name} ({shape})" for name, shape in shapes.items()))
    yield from _format_origin_facts(found.origin)
    if found.labels.count:
        yield ""
        yield from _format_labels(found.labels, found.count, bar)
    if found.pages.count:
        yield ""
        yield from _format_pages(found.pages, found, bar)
    if found.looks:
        yield ""
        yield from _format_looks(found.looks)
    if found.warnings:
        yield ""
        yield "Warnings"
        for warning in found.warnings:
            yield from textwrap.wrap(make_printable(warning), _COLUMNS, initial_indent="  - ", subsequent_indent="    ")
    if verification is not None:
        yield ""
        for sentence in format_verification(verification):
            yield from textwrap.wrap(make_printable(sentence, LONGEST_COMMAND), _COLUMNS)


def quote_words(command: str) -> list[str]:
    """Return the words of a command, each quoted for a shell and without control characters."""
    return [shlex.quote(make_printable(word, LONGEST_COMMAND)) for word in shlex.split(command)]


def name_character(character: str) -> str:
    """Return what a character is called in a list of them."""
    return "space" if character == " " else make_printable(character)


def format_range(found: Distribution | None, unit: str = "") -> str:
    """Return the range of some numbers, and their mean."""
    if found is None:
        return "none"
    end = f" {unit}" if unit else ""
    if found.least == found.most:
        return f"{_format_figure(found.least)}{end}"
    return f"{_format_figure(found.least)} to {_format_figure(found.most)}{end}, mean {_format_figure(found.mean)}"


def format_size(found: Inspection) -> str:
    """Return width and height of the images in px, or their ranges if the images differ in size."""
    ranges = []
    for measured, largest in ((found.pages.width, found.width), (found.pages.height, found.height)):
        is_range = found.is_ragged and measured is not None and measured.least < measured.most
        ranges.append(f"{int(measured.least)} to {int(measured.most)}" if is_range and measured else str(largest))
    return " x ".join(ranges)


def format_origin(origin: Origin) -> str:
    """Return what made a dataset, and when, as far as it records that."""
    parts = []
    if origin.package_version:
        parts.append(f"number_generator {make_printable(origin.package_version)}")
    if origin.created is not None:
        parts.append(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(origin.created)))
    return ", ".join(parts)


def format_style(origin: Origin) -> str:
    """Return the style and the seed that a dataset was drawn with."""
    parts = [make_printable(origin.style)] if origin.style else []
    if origin.seed is not None:
        parts.append(f"seed {origin.seed}")
    return ", ".join(parts)


def format_part(origin: Origin) -> str:
    """Return which part of a split and which shard a dataset is."""
    parts = []
    if origin.split:
        parts.append(f"{make_printable(origin.split)}{f' of {make_printable(origin.splits)}' if origin.splits else ''}")
    if origin.shard:
        parts.append(f"shard {make_printable(origin.shard)}")
    if origin.shards is not None:
        parts.append(f"index of {origin.shards} shards")
    return ", ".join(parts)


def format_spacing(found: Inspection) -> str:
    """Return the spacing that was measured, and the one that was drawn."""
    what = "between neighbouring boxes" if found.pages.from_boxes else "blank columns between ink"
    drawn = found.origin.spacing_range
    text = f"{what}, {format_range(found.pages.spacing, 'px')}"
    if drawn is None:
        return text
    return f"{text}; drawn from {drawn[0]} to {drawn[1]} px, before lines were fitted to the page"


def format_unclear(pages: PageStatistics) -> str:
    """Return on how many pages it cannot be told whether there is ink."""
    return f"{pages.unclear:,}, {pages.unclear_labelled:,} of them with a label: ink or paper that varies as much"


def format_verification(verification: Verification) -> Iterator[str]:
    """Return the result of a verification, in sentences."""
    for note in verification.notes:
        yield f"Note: {note}"
    if verification.reason is not None:
        yield f"Not verified: {verification.reason}"
        return
    if verification.is_verified:
        others = ", ".join(("labels", *verification.truth))
        yield f"Verified: {verification.compared:,} images, made again, are identical to the byte ({others} too)"
        return
    yield f"Different: {len(verification.different)} of {verification.compared:,} images made again"
    for difference in verification.different[:10]:
        yield f"  image {difference.number}: {', '.join(difference.what)}"
    if len(verification.different) > 10:
        yield f"  and {len(verification.different) - 10} more"


def _format_origin_facts(origin: Origin) -> Iterator[str]:
    sha256 = f"SHA-256 {make_printable(origin.digits_sha256, 16)}" if origin.digits_sha256 else ""
    for name, text in (
        ("made by", format_origin(origin)),
        ("style", format_style(origin)),
        ("part", format_part(origin)),
        ("digits", ", ".join(filter(None, [make_printable(origin.digits or ""), sha256]))),
    ):
        if text:
            yield from _format_fact(name, text)
    if origin.command is None:
        yield from _format_fact("command", "none of number_generator is recorded")
    else:
        yield from _format_command(origin.command)


def _format_command(command: str) -> list[str]:
    """Return a command that can be copied: a line that continues ends in a backslash."""
    first, *words = quote_words(command)
    lines = [f"  {'command':{_NAME_COLUMNS}}{first}"]
    for word in words:
        if len(lines[-1]) + len(word) + len("  \\") > _COLUMNS:
            lines[-1] += " \\"
            lines.append(" " * (2 + _NAME_COLUMNS + 2) + word)
        else:
            lines[-1] += f" {word}"
    return lines


def _format_labels(labels: LabelStatistics, count: int, bar: str) -> Iterator[str]:
    yield f"Labels ({'all' if labels.is_all else f'{labels.count:,} of {count:,}, spread evenly'})"
    yield from _format_fact("different", f"{labels.different:,} of {labels.count:,}")
    if labels.empty:
        yield from _format_fact("empty", f"{labels.empty:,} ({_format_percent(labels.empty, labels.count)})")
    if labels.lengths is not None:
        yield from _format_fact("length", format_range(labels.lengths, f"character{'s' * (labels.lengths.most != 1)}"))
        yield from _draw_histogram(labels.lengths, bar)
    if labels.first_digits:
        first = sum(labels.first_digits.values())
        shares = (f"{digit}{_TIE}{_format_percent(found, first)}" for digit, found in labels.first_digits.items())
        yield from _format_fact("first digit", ", ".join(shares))
    if labels.characters:
        more = f", the {len(labels.characters)} most frequent" if labels.kinds > len(labels.characters) else ""
        yield from _format_fact("characters", f"{labels.kinds} different{more}")
        yield from _draw_bars(labels.characters, bar)


def _format_pages(pages: PageStatistics, found: Inspection, bar: str) -> Iterator[str]:
    inked = pages.inked
    is_all = pages.count == found.count
    yield f"Pages ({'all' if is_all else f'{pages.count:,} of {found.count:,}, spread evenly'})"
    if found.is_ragged and pages.width is not None:
        width, height = format_range(pages.width, "px"), format_range(pages.height, "px")
        yield from _format_fact("size", f"width {width}; height {height}")
        yield from _draw_histogram(pages.width, bar)
    yield from _format_fact("paper", f"grey {format_range(pages.paper)}; noise {format_range(pages.noise)}")
    if inked:
        ink, paper = ("light", "dark") if pages.light * 2 > inked else ("dark", "light")
        others = min(pages.light, inked - pages.light)
        turned = f"; on {_format_percent(others, inked)} the other way round" if others else ""
        yield from _format_fact("ink", f"{ink} on {paper}{turned}")
        yield from _format_fact("", format_range(pages.share, "% of the page"))
        yield from _format_fact("", format_range(pages.depth, "levels from the paper"))
    labelled = f", {pages.blank_labelled:,} of them with a label" if pages.blank else ""
    yield from _format_fact("blank", f"{pages.blank:,}{labelled}")
    if pages.unclear:
        yield from _format_fact("cannot tell", format_unclear(pages))
    if pages.ink_width is not None:
        width, height = format_range(pages.ink_width, "px"), format_range(pages.ink_height, "px")
        yield from _format_fact("ink's box", f"width {width}; height {height}")
        for side, margin in pages.margins.items():
            touching = _format_percent(pages.touching[side], margin.count if margin else 0)
            name = "margins" if side == "left" else ""
            yield from _format_fact(name, f"{side:6} {format_range(margin, 'px')}; {touching} touch it")
    if pages.spacing is not None:
        yield from _format_fact("spacing", format_spacing(found))
        yield from _draw_histogram(pages.spacing, bar)


def _format_looks(looks: Mapping[str, Distribution]) -> Iterator[str]:
    count = max(found.count for found in looks.values())
    yield f"Looks ({count:,} pages, at a height of {PAGE_HEIGHT} px): least, median, most"
    for look in LOOKS:
        if (found := looks.get(look.name)) is not None:
            values = " ".join(f"{value:8.3g}" for value in (found.least, found.median, found.most))
            yield f"  {look.title:{_LOOK_COLUMNS}} {values}"


def _format_fact(name: str, text: str) -> Iterator[str]:
    """Return the lines of a name and a text; a number and its unit stay together."""
    for unit in ("%", "px"):
        text = text.replace(f" {unit}", f"{_TIE}{unit}")
    first, rest = f"  {name:{_NAME_COLUMNS}}", " " * (2 + _NAME_COLUMNS)
    lines = textwrap.wrap(text, _COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return (line.replace(_TIE, " ") for line in lines)


def _draw_histogram(found: Distribution, bar: str) -> Iterator[str]:
    is_whole = all(edge == int(edge) for edge in found.edges)
    names = []
    for low, high in zip(found.edges, found.edges[1:], strict=False):
        is_one = is_whole and high - low == 1
        last = high - 1 if is_whole else high
        names.append(_format_figure(low) if is_one else f"{_format_figure(low)}-{_format_figure(last)}")
    yield from _draw_bars(dict(zip(names, found.counts, strict=True)), bar)


def _draw_bars(counts: Mapping[str, int], bar: str) -> Iterator[str]:
    """Return a line for each count."""
    total, most = sum(counts.values()), max(counts.values())
    width = max(len(name_character(name)) for name in counts)
    for name, count in counts.items():
        length = round(_BAR_COLUMNS * count / most)
        drawn = bar * (length or bool(count))
        yield f"    {name_character(name):>{width}} {drawn:{_BAR_COLUMNS}} {_format_percent(count, total):>7}"


def _format_figure(value: float) -> str:
    """Return a number with as many decimals as matter."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def _format_percent(count: int, total: int) -> str:
    return f"{100 * count / max(1, total):.1f} %"
