"""Pages in colour: the grey kernels, once for each channel, on paper, rules and ink that have a tone.

A tone is a factor for each channel by which something darkens it. The factors' mean, weighted as eyes weigh red, green
and blue, is 1: so a page is as bright as a grey one, except where a channel has reached black. Specks, blur, noise and
compression are those of the grey page in every channel, and green decides on contrast.
"""

from typing import Any

import numpy as np

from number_generator._kernels import inking, own_paper, paper, scan, streams
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import F0, ONE, THREE, WHITE
from number_generator._kernels.draws import block, happens, line_value
from number_generator._kernels.page import clamp, fill, fraction, make_aligned, to_byte

_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114  # the weights of ITU-R BT.601
_SHARE = np.float32(1.0 / 255.0)
_MOST_TINT = 0.75


def make_sheets(height: int, width: int) -> Any:
    """Make scratch memory for `color_pages`: a page of paper, and one of rules."""
    return make_aligned(height * width), make_aligned(height * width)


@entry_kernel
def color_pages(
    seed: int, numbers: Any, table: Any, scale: Any, widths: Any, scratch: Any, page: Any, sheets: Any, lines: Any,
    pointed: Any, own: Any, ink: Any, pages: Any,
) -> None:  # fmt: skip
    """Turn each line's ink into a scanned page in colour.

    Parameters
    ----------
    seed, numbers, table, scale, widths, scratch, page, lines, pointed, own
        As for `styled.scan_pages`; the pictures of own paper have three planes each.
    sheets : tuple
        See `make_sheets`.
    ink : ndarray, shape (n, values), uint8
        From 0 to 255; each holds its `height * width` bytes first.
    pages : ndarray, shape (n, 3 * values), uint8
        Each receives its bytes first, red, green and blue of each pixel.
    """
    blank, rules = sheets
    height, px = scale
    for i in range(pages.shape[0]):
        image, shape = numbers[i], (height, widths[i], px)
        size = np.uint64(height), np.uint64(widths[i])
        count = size[0] * size[1]
        box = (lines[i, 0], lines[i, 1], lines[i, 2], lines[i, 3])
        clear = scan.find_clear(box, pointed[i])
        is_own = own_paper.is_own(seed, image, table, own[1])
        if (not is_own or own[2]) and paper.draw_blank(seed, image, table, shape, blank, scratch) < 0.0:
            paper.clip(count, blank)
        cut = own_paper.choose_cut(seed, image, table, (height, widths[i]), own)
        has_rules = happens(seed, image, table, streams.RULED) or happens(seed, image, table, streams.BOXED)
        if has_rules:
            fill(WHITE, count, rules)
            paper.print_lines(seed, image, table, shape, box, lines[i, 4], -1.0, rules, scratch)
        pen = _choose_pen(seed, image, table)
        tint = _choose_tint(seed, image, table)
        rule = _choose_rule(seed, image, table)
        gain, shift = F0, F0
        for number in range(3):
            channel = (number + 1) % 3  # green first
            if is_own:
                _lay_picture(cut, channel, tint, size, own, blank, page, scratch)
            else:
                _tint_paper(np.float32(tint[channel]), count, blank, page)
            if has_rules:
                _subtract_rules(np.float32(rule[channel]), count, rules, page)
            inking.ink_channel(seed, image, table, shape, box, pen[channel], ink[i], page, scratch)
            scan.degrade_page(seed, image, table, shape, clear, page, scratch)
            if number == 0:
                gain, shift = scan.find_contrast(seed, image, table, size, page, scratch)
            _store(gain, shift, count, page, pages[i], np.uint64(channel))


@kernel
def _lay_picture(cut: Any, channel: int, tint: Any, size: Any, own: Any, blank: Any, page: Any, scratch: Any) -> None:
    """Fill a channel of the page with that of a cut; the style's own paper shades it if it is to."""
    first, rows, columns, top, left = cut
    _, _, _, _, _, levels, _ = scratch
    plane = first + np.uint64(channel) * rows * columns
    own_paper.copy_cut((plane, rows, columns, top, left), size, own[0], levels)
    tone = np.float32(tint[channel])
    for i in range(size[0] * size[1]):
        page[i] = np.float32(levels[i])
    if own[2]:
        for i in range(size[0] * size[1]):
            page[i] *= clamp(WHITE - (WHITE - blank[i]) * tone, F0, WHITE) * _SHARE


@kernel
def _tint_paper(tone: float, count: int, blank: Any, page: Any) -> None:
    for i in range(count):
        page[i] = clamp(WHITE - (WHITE - blank[i]) * tone, F0, WHITE)


@kernel
def _subtract_rules(tone: float, count: int, rules: Any, page: Any) -> None:
    for i in range(count):
        page[i] = clamp(page[i] - (WHITE - rules[i]) * tone, F0, WHITE)


@kernel
def _store(gain: float, shift: float, count: int, page: Any, out: Any, channel: int) -> None:
    for i in range(count):
        out[THREE * i + channel] = to_byte(page[i] * gain + shift)


# Tones


@kernel
def _balance(red: float, green: float, blue: float) -> tuple[float, float, float]:
    """Scale three factors so that their mean as eyes see it is 1."""
    total = _RED * red + _GREEN * green + _BLUE * blue
    return red / total, green / total, blue / total


@kernel
def _choose_pen(seed: int, image: int, table: Any) -> tuple[float, float, float]:
    """Draw a pen, black, blue or red, and the tone of its ink."""
    if happens(seed, image, table, streams.PEN_BLUE):
        a, _, _, _ = block(seed, image, streams.PEN_BLUE, ONE)
        return _balance(1.0 - 0.12 * fraction(a, 0), 0.95 - 0.3 * fraction(a, 1), 0.3 + 0.35 * fraction(a, 2))
    if happens(seed, image, table, streams.PEN_RED):
        a, _, _, _ = block(seed, image, streams.PEN_RED, ONE)
        return _balance(0.1 + 0.25 * fraction(a, 0), 0.95 - 0.15 * fraction(a, 1), 0.95 - 0.3 * fraction(a, 2))
    a, _, _, _ = block(seed, image, streams.PEN_BLUE, ONE)
    return _balance(1.0 - 0.08 * fraction(a, 0), 1.0 - 0.08 * fraction(a, 1), 1.0 - 0.12 * fraction(a, 2))


@kernel
def _choose_tint(seed: int, image: int, table: Any) -> tuple[float, float, float]:
    """Draw the tone of the paper: seven in ten are yellowish, the others of any tint."""
    strength = _MOST_TINT * line_value(seed, image, table, streams.PAPER_TINT)
    a, _, _, _ = block(seed, image, streams.PAPER_TINT, ONE)
    red, green, blue = fraction(a, 0), fraction(a, 1), fraction(a, 2)
    if fraction(a, 3) < 0.7:
        red, green, blue = 0.15 * red, 0.1 + 0.25 * green, 0.7 + 0.3 * blue
    mean = _RED * red + _GREEN * green + _BLUE * blue
    return _balance(
        max(1.0 + strength * (red - mean), 0.1),
        max(1.0 + strength * (green - mean), 0.1),
        max(1.0 + strength * (blue - mean), 0.1),
    )


@kernel
def _choose_rule(seed: int, image: int, table: Any) -> tuple[float, float, float]:
    """Draw the tone of rules and boxes: black, or blue, red or green."""
    if not happens(seed, image, table, streams.RULE_COLOUR):
        return 1.0, 1.0, 1.0
    a, _, _, _ = block(seed, image, streams.RULE_COLOUR, ONE)
    kind, some = fraction(a, 0), fraction(a, 1)
    if kind < 0.6:
        return _balance(1.0, 0.55 + 0.3 * some, 0.15 + 0.3 * fraction(a, 2))
    if kind < 0.8:
        return _balance(0.15 + 0.3 * some, 1.0, 0.9)
    return _balance(1.0, 0.35 + 0.25 * some, 0.9)
