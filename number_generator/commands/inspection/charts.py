"""Bar charts and histograms as SVG; their colours come from the style of the page."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from number_generator.commands.inspection.statistics import Distribution

_WIDTH, _HEIGHT = 440, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 22, 40
_PLOT_WIDTH, _PLOT_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_MOST_LABELLED, _MOST_NAMED = 11, 12
_WIDEST_BAR = 56
_CURVE_BINS = 24
_STEPS = (1, 2, 2.5, 5, 10)


def draw_bar_chart(title: str, counts: Mapping[str, int], axis: str) -> str:
    """Draw a bar for each of one or more counts, as high as its share of the total.

    The title says what the chart shows, for screen readers; the axis, what the names of the bars mean.
    """
    total = sum(counts.values())
    shares = [100 * count / max(1, total) for count in counts.values()]
    top, parts = _draw_frame(title, shares, axis)
    step = _PLOT_WIDTH / len(shares)
    every = math.ceil(len(shares) / _MOST_NAMED) if max(map(len, counts)) > 2 else 1
    for number, ((name, count), share) in enumerate(zip(counts.items(), shares, strict=True)):
        x = _LEFT + number * step
        width = min(0.76 * step, _WIDEST_BAR)
        parts.append(_draw_bar(x + (step - width) / 2, width, share / top, f"{name}: {count:,} ({share:.1f} %)"))
        if number % every == 0:
            parts.append(_draw_text(x + step / 2, _HEIGHT - _BOTTOM + 15, name, "middle"))
        if len(shares) <= _MOST_LABELLED and count:
            y = _HEIGHT - _BOTTOM - _PLOT_HEIGHT * share / top - 4
            parts.append(_draw_text(x + step / 2, y, f"{share:.1f}", "middle", "value"))
    return "".join([*parts, "</svg>"])


def draw_histogram(title: str, found: Distribution, axis: str) -> str:
    """Draw a distribution and its mean; the title and axis are as for `draw_bar_chart`."""
    edges = found.edges
    is_whole = all(edge == int(edge) for edge in edges)
    if is_whole and len(found.counts) <= _MOST_NAMED and edges[-1] - edges[0] == len(found.counts):
        names = [f"{int(edge):,}" for edge in edges[:-1]]
        return draw_bar_chart(title, dict(zip(names, found.counts, strict=True)), axis)
    shares = [100 * count / max(1, found.count) for count in found.counts]
    top, parts = _draw_frame(title, shares, axis)
    scale = _PLOT_WIDTH / (edges[-1] - edges[0])
    for low, high, count, share in zip(edges, edges[1:], found.counts, shares, strict=False):
        last = high - 1 if is_whole else high
        name = f"{low:.4g}" if last <= low else f"{low:.4g} to {last:.4g}"
        x = _LEFT + (low - edges[0]) * scale
        width = max(0.5, (high - low) * scale - 1)
        parts.append(_draw_bar(x, width, share / top, f"{name}: {count:,} ({share:.1f} %)"))
    shift = 0.5 if is_whole else 0.0  # the bar of a whole number reaches to the next
    for value in _choose_ticks(edges[0], edges[-1] - is_whole, 8):
        if not is_whole or value == int(value):
            x = _LEFT + (value + shift - edges[0]) * scale
            parts.append(_draw_text(x, _HEIGHT - _BOTTOM + 15, f"{value:,.6g}", "middle"))
    x = _LEFT + (found.mean + shift - edges[0]) * scale
    parts.append(f'<line class="mean" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
    anchor = "start" if x < _LEFT + 0.7 * _PLOT_WIDTH else "end"
    parts.append(_draw_text(x + (5 if anchor == "start" else -5), _TOP - 6, f"mean {found.mean:,.3g}", anchor, "value"))
    return "".join([*parts, "</svg>"])


def draw_curves(title: str, samples: Mapping[str, Sequence[float]], axis: str) -> str:
    """Draw the distributions of one to three samples over each other, each as a share of itself; see `draw_bar_chart`.

    What is beyond the samples' 1st and 99th hundredths is left out.
    """
    ordered = {name: sorted(values) for name, values in samples.items() if len(values)}
    low = min((values[len(values) // 100] for values in ordered.values()), default=0.0)
    high = max((values[-1 - len(values) // 100] for values in ordered.values()), default=1.0)
    if high <= low:
        low, high = low - 0.5, low + 0.5
    counts = {name: _count(values, low, high) for name, values in ordered.items()}
    top, parts = _draw_frame(title, [share for shares in counts.values() for share in shares] or [0.0], axis)
    scale = _PLOT_WIDTH / (high - low)
    for value in _choose_ticks(low, high, 8):
        if low <= value <= high:
            parts.append(_draw_text(_LEFT + (value - low) * scale, _HEIGHT - _BOTTOM + 15, f"{value:,.6g}", "middle"))
    for kind, (name, shares) in zip(("first", "second", "third"), counts.items(), strict=False):
        corners = []
        for number, share in enumerate(shares):
            y = _HEIGHT - _BOTTOM - _PLOT_HEIGHT * share / top
            corners += [f"{_LEFT + _PLOT_WIDTH * (number + end) / _CURVE_BINS:.1f},{y:.1f}" for end in (0, 1)]
        parts.append(f'<polyline class="{kind}" points="{" ".join(corners)}"><title>{escape(name)}</title></polyline>')
    return "".join([*parts, "</svg>"])


def _count(values: Sequence[float], low: float, high: float) -> list[float]:
    """Return the percentage of sorted values in each bin."""
    edges = [bisect_left(values, low + (high - low) * number / _CURVE_BINS) for number in range(_CURVE_BINS)]
    edges.append(bisect_right(values, high))
    return [100 * (after - first) / len(values) for first, after in pairwise(edges)]


def _draw_frame(title: str, shares: list[float], axis: str) -> tuple[float, list[str]]:
    """Draw the vertical axis, in percent, and lines across; return the percentage at the top as well."""
    ticks = _choose_ticks(0, max(*shares, 0.1), 4)
    top = ticks[-1] if ticks[-1] >= max(shares) else ticks[-1] + ticks[1] - ticks[0]
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    for tick in [*ticks, top] if top > ticks[-1] else ticks:
        y = _HEIGHT - _BOTTOM - _PLOT_HEIGHT * tick / top
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_draw_text(_LEFT - 6, y + 4, f"{tick:.4g} %", "end"))
    parts.append(_draw_text(_LEFT + _PLOT_WIDTH / 2, _HEIGHT - 6, axis, "middle", "axis"))
    return top, parts


def _choose_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from low to high, at least two."""
    if high <= low:
        return [low, low + 1]
    size = 10 ** math.floor(math.log10((high - low) / most))
    step = next(size * factor for factor in _STEPS if (high - low) / (size * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(first + 1, math.floor(high / step + 1e-9)) + 1)]


def _draw_bar(x: float, width: float, share: float, about: str) -> str:
    height = _PLOT_HEIGHT * share
    return (
        f'<rect class="bar" x="{x:.1f}" y="{_HEIGHT - _BOTTOM - height:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"><title>{escape(about)}</title></rect>'
    )


def _draw_text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
