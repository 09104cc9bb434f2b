"""An inspection as one page of HTML that loads nothing and runs nothing."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from number_generator.commands.inspection.charts import draw_bar_chart, draw_histogram
from number_generator.commands.inspection.inspect import Inspection, spread_numbers
from number_generator.commands.inspection.statistics import Distribution, LabelStatistics, PageStatistics
from number_generator.commands.inspection.text import (
    format_origin,
    format_part,
    format_range,
    format_size,
    format_spacing,
    format_style,
    format_unclear,
    format_verification,
    name_character,
    quote_words,
)
from number_generator.errors import SpecError, make_printable
from number_generator.formats.reader import Reader
from number_generator.formats.registry import FORMATS
from number_generator.rendering.sheet import contact_sheet
from number_generator.scans.looks import LOOKS, PAGE_HEIGHT
from number_generator.system.atomic_file import open_atomic
from number_generator.system.checks import format_bytes
from number_generator.system.signals import Interruption

if TYPE_CHECKING:
    from number_generator.commands.inspection.verification import Verification

_SHEET_IMAGES = 40
_SHEET_PIXELS = 4_000_000
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1c2733;--soft:#5b6b7b;--line:#dde3ea;--bar:#3b78c4;
--mean:#c4473b;--warn:#fff4dc;--warn-line:#e0a92e;--good:#e5f5ea;--good-line:#3d9a5f;--bad:#fde8e6;--bad-line:#c4473b}
@media(prefers-color-scheme:dark){:root{--page:#14181d;--card:#1d232a;--text:#e4e9ee;--soft:#9aa8b6;--line:#323b45;
--bar:#6ba3e8;--mean:#f08a7f;--warn:#3a3017;--warn-line:#b98a22;--good:#17301f;--good-line:#3d9a5f;--bad:#3b1e1c;
--bad-line:#d0574b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:24px;margin:0 0 2px;overflow-wrap:anywhere}
h2{font-size:18px;margin:34px 0 10px}
h3{font-size:14px;margin:0 0 6px}
p{margin:0 0 10px}.soft{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:18px}
.card,figure,table,pre{background:var(--card);border:1px solid var(--line);border-radius:8px}
.card{padding:10px 14px}.card b{display:block;font-size:20px;line-height:1.3}
.card span{color:var(--soft);font-size:13px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:14px}
figure{margin:0;padding:14px}figcaption{color:var(--soft);font-size:13px;margin-top:6px}
figure img{display:block;width:100%;height:auto;border-radius:4px}
pre{margin:0;padding:12px 14px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace}
pre span{display:inline-block;max-width:100%}
table{border-collapse:separate;border-spacing:0;width:100%;margin:0 0 14px;overflow:hidden}
th,td{padding:7px 14px;text-align:left;vertical-align:top;border-top:1px solid var(--line);overflow-wrap:anywhere}
tr:first-child>*{border-top:0}th{width:200px;font-weight:600;color:var(--soft)}
.note{border:1px solid;border-radius:8px;padding:10px 14px;margin:14px 0}.note ul{margin:4px 0 0;padding-left:20px}
.warn{background:var(--warn);border-color:var(--warn-line)}.good{background:var(--good);border-color:var(--good-line)}
.bad{background:var(--bad);border-color:var(--bad-line)}
svg{display:block;width:100%;height:auto}.bar{fill:var(--bar)}.grid{stroke:var(--line)}
.first,.second,.third{fill:none;stroke-width:2}.first{stroke:var(--text)}.second{stroke:var(--bar)}
.third{stroke:var(--mean);stroke-dasharray:4 3}.pair{display:grid;grid-template-columns:1fr 1fr;gap:14px}
.mean{stroke:var(--mean);stroke-width:1.5;stroke-dasharray:4 3}
svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg .value{fill:var(--text)}
svg .axis{font-size:12px}
@media print{.charts{grid-template-columns:1fr 1fr}figure,table{break-inside:avoid}}
"""


def format_page(found: Inspection, reader: Reader, verification: Verification | None = None) -> str:
    """Return the page; its sample sheet is read from the dataset, which may turn out to be damaged."""
    name = _escape(Path(found.path).name or found.path)
    body = [
        f"<h1>{name}</h1>",
        f'<p class="soft">{_escape(found.path)}</p>',
        _format_cards(found),
        *_format_warnings(found),
        *_format_verification(verification),
        *_format_origin(found),
        *_draw_sheet(found, reader),
        *_format_labels(found.labels, found.count),
        *_format_pages(found.pages, found),
        *_format_looks(found.looks),
    ]
    return frame_page(f"{name}: inspection", body)


def frame_page(title: str, body: Iterable[str]) -> str:
    """Return a whole page of a title, as HTML, and the parts of its body."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def save_page(text: str, path: Path, interruption: Interruption) -> None:
    """Write a page to a file that is complete or absent; an earlier one is replaced."""
    with open_atomic(path, interruption, overwrite=True) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def _escape(text: str, most: int = 300) -> str:
    """Return a text of the dataset as HTML that shows it and does nothing else."""
    return escape(make_printable(text, most))


def _format_cards(found: Inspection) -> str:
    share = found.pages.share
    cards = [
        (f"{found.count:,}", f"image{'s' * (found.count != 1)}"),
        (format_size(found), f"px, width and height{', in colour' * (found.channels > 1)}"),
        (FORMATS[found.file_format].title, format_bytes(found.byte_count)),
        (f"{found.labels.different:,}", f"different labels of {found.labels.count:,}"),
        (f"{found.pages.blank:,}", f"blank pages of {found.pages.count:,}"),
        *([(f"{found.pages.unclear:,}", "pages: cannot tell ink from paper")] if found.pages.unclear else []),
        ("-" if share is None else f"{share.mean:.1f} %", "of a page is ink"),
    ]
    return format_cards(cards)


def format_cards(cards: Iterable[tuple[str, str]]) -> str:
    """Return cards, each of a value and what it is."""
    shown = (f'<div class="card"><b>{escape(value)}</b><span>{escape(about)}</span></div>' for value, about in cards)
    return f'<div class="cards">{"".join(shown)}</div>'


def _format_warnings(found: Inspection) -> Iterator[str]:
    if found.warnings:
        items = "".join(f"<li>{escape(warning)}</li>" for warning in found.warnings)
        yield f'<div class="note warn"><b>Warnings</b><ul>{items}</ul></div>'


def _format_verification(verification: Verification | None) -> Iterator[str]:
    if verification is not None:
        kind = "good" if verification.is_verified else "bad"
        sentences = "".join(f"<p>{_escape(text, 2000)}</p>" for text in format_verification(verification))
        yield f'<div class="note {kind}">{sentences}</div>'


def _format_origin(found: Inspection) -> Iterator[str]:
    origin = found.origin
    yield "<h2>How it was made</h2>"
    yield from format_table(
        [
            ("Made by", format_origin(origin)),
            ("Style", format_style(origin)),
            ("Part", format_part(origin)),
            ("Digits", origin.digits or ""),
            ("SHA-256 of the digits", origin.digits_sha256 or ""),
            ("Chunks", f"{found.chunk_length} images each" if found.chunk_length > 1 else ""),
            ("Ground truth", ", ".join(f"{name} {shape}" for name, shape in found.truth.items())),
        ]
    )
    if origin.command is None:
        yield "<p>No command of number_generator that makes it again is recorded.</p>"
        return
    yield "<p>The command that makes it again:</p>"
    # Each option stays on one line.
    words = " ".join(f"<span>{escape(word)}</span>" for word in quote_words(origin.command))
    yield f"<pre>{words}</pre>"


def _draw_sheet(found: Inspection, reader: Reader) -> Iterator[str]:
    """Return a contact sheet of images from all over the dataset."""
    numbers = _choose_shown(reader)
    if not numbers:
        return
    images: Any = [reader.image(number) for number in numbers]
    if len({image.shape for image in images}) == 1:
        images = np.stack(images)
    labels = [reader.labels(number, number + 1)[0] for number in numbers]
    boxes = np.concatenate([reader.truth("boxes", n, n + 1) for n in numbers]) if found.pages.from_boxes else None
    try:
        sheet = contact_sheet(images, labels, boxes=boxes)
    except SpecError:  # another program's boxes may not fit the pages
        boxes, sheet = None, contact_sheet(images, labels)
    extra = "with the boxes of their characters, " if boxes is not None else ""
    yield "<h2>Sample</h2>"
    yield (
        f'<figure><img alt="{len(numbers)} images with their labels" src="data:image/png;base64,{encode_sheet(sheet)}">'
        f"<figcaption>{len(numbers)} images, {extra}spread evenly over the dataset, from the first to the last"
        "</figcaption></figure>"
    )


def _choose_shown(reader: Reader) -> list[int]:
    """Return numbers of images from all over the dataset, of so few pixels that a page can hold them."""
    numbers = spread_numbers(len(reader), _SHEET_IMAGES)
    while (
        pixels := sum(math.prod(reader.sizes(number, number + 1)[0].tolist()) for number in numbers)
    ) > _SHEET_PIXELS:
        numbers = spread_numbers(len(reader), _SHEET_PIXELS * len(numbers) // pixels)
    return numbers


def encode_sheet(sheet: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    """Return a picture as the text of a data URL's PNG."""
    written = io.BytesIO()
    Image.fromarray(sheet).save(written, "PNG")
    return base64.b64encode(written.getvalue()).decode("ascii")


def _format_labels(labels: LabelStatistics, count: int) -> Iterator[str]:
    if not labels.count:
        return
    which = f"All {count:,} labels." if labels.is_all else f"{labels.count:,} of {count:,} labels: those of the sample."
    yield f'<h2>Labels</h2><p class="soft">{which} Shares are in percent.</p>'
    yield from format_table(
        [
            ("Different", f"{labels.different:,} of {labels.count:,}"),
            ("Empty", f"{labels.empty:,}"),
            ("Length", format_range(labels.lengths, "characters")),
            ("Kinds of characters", f"{labels.kinds:,}"),
        ]
    )
    charts = [_draw_chart("Length of labels", labels.lengths, "characters")]
    for title, counts, axis in (
        ("Characters", labels.characters, "character"),
        ("First digits", _fill_digits(labels.first_digits), "digit"),
        ("Digits, without places in which nearly all are the same", _fill_digits(labels.balance), "digit"),
    ):
        if counts:
            named = {name_character(character): found for character, found in counts.items()}
            charts.append(format_figure(title, draw_bar_chart(title, named, axis)))
    yield format_charts(charts)


def _format_pages(pages: PageStatistics, found: Inspection) -> Iterator[str]:
    if not pages.count:
        return
    inked = pages.inked
    is_all = pages.count == found.count
    which = f"All {found.count:,} images" if is_all else f"{pages.count:,} of {found.count:,} images, spread evenly"
    how = "the recorded boxes" if pages.from_boxes else "ink"
    yield (
        f'<h2>Pages</h2><p class="soft">{which}. Paper is the median grey of a page; ink is what stands '
        f"out from it. Margins and spacing are measured from {how}.</p>"
    )
    yield from format_table(
        [
            ("Ink", f"dark on light paper on {inked - pages.light:,} pages, light on dark on {pages.light:,}"),
            ("Blank", f"{pages.blank:,}, {pages.blank_labelled:,} of them with a label"),
            ("Cannot tell", format_unclear(pages) if pages.unclear else ""),
            ("Repeated", f"{pages.repeated:,}"),
            ("Spacing", format_spacing(found)),
            ("Noise of the paper", format_range(pages.noise, "levels of grey")),
            *(
                (f"Margin, {side}", f"{format_range(margin, 'px')}; {pages.touching[side]:,} touch the border")
                for side, margin in pages.margins.items()
            ),
        ]
    )
    yield format_charts(
        [
            *([_draw_chart("Width of the pages", pages.width, "px")] if found.is_ragged else []),
            *([_draw_chart("Height of the pages", pages.height, "px")] if found.is_ragged else []),
            _draw_chart("Spacing", pages.spacing, "px of the page"),
            _draw_chart("Height of the ink", pages.ink_height, "px"),
            _draw_chart("Width of the ink", pages.ink_width, "px"),
            _draw_chart("Ink's share of the page", pages.share, "percent of the page"),
            _draw_chart("How far ink differs from its paper", pages.depth, "levels of grey"),
            _draw_chart("Grey of the paper", pages.paper, "0 is black, 255 is white"),
        ]
    )


def _format_looks(looks: Mapping[str, Distribution]) -> Iterator[str]:
    if looks:
        yield (
            f'<h2>Looks</h2><p class="soft">Measured on pages {PAGE_HEIGHT} px high, as <code>match</code> measures '
            "them to find a style that looks alike.</p>"
        )
        known = ((look, looks[look.name]) for look in LOOKS if look.name in looks)
        yield format_charts(_draw_chart(look.title, distribution, look.unit) for look, distribution in known)


def _fill_digits(counts: dict[str, int]) -> dict[str, int]:
    """Return the counts of all ten digits; none if all are 0."""
    return {digit: counts.get(digit, 0) for digit in "0123456789"} if counts else {}


def _draw_chart(title: str, found: Distribution | None, axis: str) -> str:
    return "" if found is None else format_figure(title, draw_histogram(title, found, axis))


def format_figure(title: str, drawn: str) -> str:
    """Return a figure of a title and a chart."""
    return f"<figure><h3>{escape(title)}</h3>{drawn}</figure>"


def format_charts(charts: Iterable[str]) -> str:
    """Return figures side by side."""
    return f'<div class="charts">{"".join(charts)}</div>'


def format_table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Return a table of names and values, without empty ones."""
    shown = "".join(f"<tr><th>{escape(name)}</th><td>{_escape(value, 1000)}</td></tr>" for name, value in rows if value)
    if shown:
        yield f"<table>{shown}</table>"
