"""What came of matching a style to scans, as one page of HTML that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from number_generator.commands.inspection.charts import draw_curves
from number_generator.commands.inspection.html import (
    encode_sheet,
    format_cards,
    format_charts,
    format_figure,
    format_table,
    frame_page,
)
from number_generator.errors import make_printable
from number_generator.matching.distance import COMPARED
from number_generator.matching.match import Match, Sample
from number_generator.matching.style_file import list_doubts
from number_generator.rendering.sheet import contact_sheet
from number_generator.scans.looks import LOOKS
from number_generator.scans.unlabelled import spread

_SHOWN = 32  # lines of each side
_ABOUT = (
    "Each measure's distance is the Wasserstein distance of both distributions in units of its spread, and the "
    "distance of a style is the mean over all measures: 0 would be the same, and the scans' own halves are as near as "
    "chance lets any images come. Pages are measured at a height of 28 px, before contrast is stretched. The solid "
    "line is of the scans, the blue one of the matched style, the dashed one of the style that it began from."
)


def format_match_page(match: Match) -> str:
    """Return the page."""
    name = escape(make_printable(match.scans.name, 300))
    base = match.base.settings()[0]
    body = [
        f"<h1>Images like {name}</h1>",
        f'<p class="soft">A style matched to {len(match.scanned.pages):,} scans, from {base}, with '
        f"{match.images:,} drawn images (seed {match.seed}, {match.evaluations:,} evaluations)</p>",
        format_cards(
            [
                (f"{match.distance:.2f}", "distance of the matched style from the scans"),
                (f"{match.interval[0]:.2f} - {match.interval[1]:.2f}", "nine in ten sets of as many scans"),
                (f"{match.base_distance:.2f}", f"distance of {base}"),
                (f"{match.floor[0]:.2f}", "distance of the scans' own halves"),
            ]
        ),
        *_format_doubts(match),
        *_draw_sheets(match),
        *_format_changes(match),
        *_draw_measures(match, base),
    ]
    return frame_page(f"{name}: matched style", body)


def _format_doubts(match: Match) -> Iterator[str]:
    doubts = list_doubts(match)
    if doubts:
        items = "".join(f"<li>{escape(make_printable(doubt, 500))}</li>" for doubt in doubts)
        yield f'<div class="note warn"><b>To bear in mind</b><ul>{items}</ul></div>'


def _draw_sheets(match: Match) -> Iterator[str]:
    figures = []
    for title, sample in (("Scans", match.scanned), ("Drawn in the matched style", match.drawn)):
        picture = encode_sheet(_draw_sheet(sample))
        figures.append(f'<figure><h3>{title}</h3><img alt="{title}" src="data:image/png;base64,{picture}"></figure>')
    yield f'<h2>Side by side</h2><div class="pair">{"".join(figures)}</div>'


def _draw_sheet(sample: Sample) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pages = [sample.pages[number] for number in spread(len(sample.pages), _SHOWN)]
    return contact_sheet(pages, [""] * len(pages), scale=3)


def _format_changes(match: Match) -> Iterator[str]:
    yield "<h2>What changed, and why</h2>"
    rows = []
    for change in match.changes:
        told = (
            f"told by: {', '.join(change.measures).lower()}" if change.measures else "height and margin hold all cuts"
        )
        error = f"; middle within {change.error:.2g}" if change.error else ""
        rows.append((change.name, f"{change.before} became {change.after} ({told}{error})"))
    yield from format_table(rows)
    if match.untold:
        yield (
            "<h2>What could not be told</h2><p>Drawn images come as near to these scans whether these parameters are "
            "changed or not. They stay as they were, as all do that are not searched: which forms digits "
            f"have, how much they vary within a line, marks, and colour.</p><p>{', '.join(match.untold)}</p>"
        )


def _draw_measures(match: Match, base: str) -> Iterator[str]:
    yield f'<h2>Each measure</h2><p class="soft">{escape(_ABOUT)}</p>'
    charts = []
    for number in COMPARED:
        look = LOOKS[number]
        samples = {
            name: [value for value in sample.looks[:, number].tolist() if value == value]  # noqa: PLR0124 - not NaN
            for name, sample in (("scans", match.scanned), ("matched", match.drawn), (base, match.drawn_base))
        }
        title = f"{look.title}: {match.distances[number]:.2f} ({base}: {match.base_distances[number]:.2f})"
        charts.append(format_figure(title, draw_curves(look.title, samples, look.unit)))
    yield format_charts(charts)
