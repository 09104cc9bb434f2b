"""Machine code of kernels, compiled before the first image: in two processes at once, where each can keep its own.

numba compiles in one thread, and most of the time is its own Python code. So commands let a second process compile what
does not depend on the rest, into the cache on disk. The library never starts a process by itself.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from number_generator._kernels import (
    color,
    fields,
    layout,
    letterforms,
    links,
    look_columns,
    looks,
    own_paper,
    page,
    placing,
    render,
    signs,
    styled,
    writing,
)
from number_generator._kernels.compile import EntryKernel, compile_for
from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.distance_fields import GlyphFields
from number_generator.job.handwriting import STYLES, Handwriting
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.own_paper import NO_PAPER
from number_generator.rendering.placement import Placement
from number_generator.rendering.styled import color_pages, finish_pages, make_style_table, write_ink
from number_generator.system.threads import count_cores

_ONCE = "once on this machine"
_EACH_TIME = "at each start, as no folder for them can be written (NUMBA_CACHE_DIR names one)"
_HEIGHT, _WIDTH = 8, 16  # of the pages that are never drawn


@dataclass(frozen=True)
class Stage:
    """Kernels that one process compiles, and about how long that takes: on one core, without the others, in s."""

    kernels: tuple[EntryKernel, ...]
    compile: Callable[[], None]
    seconds: float

    @property
    def is_done(self) -> bool:
        """Whether all of them have machine code."""
        return all(kernel.is_compiled for kernel in self.kernels)


def compile_kernels(
    style: Handwriting, tell: Callable[[str], object], *, color: bool = False, in_processes: bool = False
) -> None:
    """Compile what a style's first image needs, if that is still to be done.

    Parameters
    ----------
    style : Handwriting
    tell : callable
        Takes a line for whoever waits, before the first compilation.
    color : bool
        Whether the images are in colour.
    in_processes : bool
        Whether another process may help.
    """
    _compile_stages(find_missing(style, color=color), tell, in_processes=in_processes)


def compile_measures(tell: Callable[[str], object]) -> None:
    """Compile what measures how pages look, if that is still to be done."""
    if not STAGES["looks"].is_done:
        _compile_stages(["looks"], tell, in_processes=False)


def _compile_stages(missing: list[str], tell: Callable[[str], object], *, in_processes: bool) -> None:
    if not missing:
        return
    is_kept = writing.write_lines.store.find_writable() is not None
    can_help = in_processes and is_kept and count_cores() > 1
    own, helped, seconds = _share(missing) if can_help else (missing, [], _sum_seconds(missing))
    what = "that measure pages" if missing == ["looks"] else "of the style"
    tell(f"compiling the kernels {what} {_ONCE if is_kept else _EACH_TIME}, for about {seconds:.0f} s")
    process = _start_helper(helped) if helped else None
    try:
        for name in own:
            STAGES[name].compile()
    finally:
        if process is not None:
            process.wait()
    for name in helped:  # from the cache, or here if the other process has failed
        STAGES[name].compile()


def _share(missing: list[str]) -> tuple[list[str], list[str], float]:
    """Return the stages for this process and for another one, and how long both take, in s."""
    if len(missing) == 1 or "lines" not in missing:  # too little to share
        return missing, [], _sum_seconds(missing)
    loads = {"own": STAGES["lines"].seconds - _PIECES_SECONDS, "helped": float(_PIECES_SECONDS)}
    shares: dict[str, list[str]] = {"own": ["lines"], "helped": []}
    for name in sorted(set(missing) - {"lines"}, key=lambda name: (-STAGES[name].seconds, name)):
        free = min(loads, key=lambda who: loads[who])
        shares[free].append(name)
        loads[free] += STAGES[name].seconds
    return shares["own"], shares["helped"], max(loads.values())


def _sum_seconds(names: list[str]) -> float:
    return sum(STAGES[name].seconds for name in names)


def find_missing(style: Handwriting, *, color: bool = False) -> list[str]:
    """Return the stages that a style needs and that are not compiled."""
    needed = ("clean",) if style.is_clean else ("lines", "fields", _find_last(style, color))
    return [name for name in needed if not STAGES[name].is_done]


def _find_last(style: Handwriting, color: bool) -> str:
    """Return the stage that turns a style's ink into pages."""
    if color:
        return "color"
    if style.paper_images is not None:
        return "own paper"
    return "scans" if styled.needs_paper(make_style_table(style)) else "plain pages"


def _start_helper(names: list[str]) -> "subprocess.Popen[bytes] | None":
    """Start a process that compiles stages, with the modules of this one; it says nothing."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import help_compiling; "
    code += f"help_compiling({names!r}, {os.getpid()})"
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, and code of ours
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # no room for one: this process compiles all
        return None


def help_compiling(names: list[str], parent: int) -> None:
    """Compile stages, and parts of the others, until all is done or the process with the number `parent` has ended."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    compile_pieces()
    for name in names:
        STAGES[name].compile()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:  # on Windows, always
        time.sleep(0.5)
    os._exit(1)


def compile_pieces() -> None:
    """Compile parts of `write_lines` alone, in the order in which it comes to them, so that it finds them in the cache.

    It compiles a part itself if it is there first, and the others, so that it and a page take about equally long.
    """
    scratch, count = writing.make_scratch(1, _HEIGHT, _WIDTH), 0
    key = np.uint64(0), np.uint64(0), make_style_table(STYLES["document"])
    glyphs = _make_atlas().fields.packed
    compile_for(signs.write_points, count, (np.uint64(0),) * 4, scratch[1][0])
    compile_for(placing.place_items, *key, writing.NO_SPACING, True, count, glyphs, scratch, count)
    compile_for(links.link_digits, *key, glyphs, scratch, count)


def _make_atlas() -> GlyphAtlas:
    """Return an atlas of one digit without ink, with its fields."""
    none = np.zeros(11, np.int64)
    atlas = GlyphAtlas(_HEIGHT, _HEIGHT, np.zeros(_HEIGHT, np.uint8), none[:2], none[:2], none, none[:1])
    atlas.__dict__["fields"] = GlyphFields(
        np.zeros(4, np.uint8), none[:1].copy(), np.zeros((1, 2), np.int64), np.zeros((1, fields.FACTS)), 1.0, 1.0
    )
    return atlas


def _make_job(style: str) -> Job:
    """Return a job without images."""
    spec = RenderSpec((0, 0) if style == "clean" else None, _WIDTH, "contain", STYLES[style])
    return Job(FixedNumbers(pack_sequences([])), spec, _HEIGHT, 0, Span(0, 0), "written", ())


def _compile_lines() -> None:
    pages = np.empty((0, _HEIGHT * _WIDTH), np.uint8)
    placed = Placement.of_sizes(np.empty(0, np.int64), lines=np.empty((0, writing.LINE_COLUMNS)))
    write_ink(_make_job("document"), _make_atlas(), np.empty(0, np.uint64), pack_sequences([]), pages, placed)


def _compile_fields() -> None:
    none = np.zeros(0, np.int64)
    texels, facts = np.zeros(4, np.uint8), np.zeros((0, fields.FACTS))
    sizes = np.zeros((0, 2), np.int64)
    fields.measure_fields((texels, _HEIGHT, np.zeros(1, np.int64), none), 3, 2, none, sizes, texels, facts)
    segments, radii = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    letterforms.draw_form_fields(segments, np.zeros(1, np.int64), radii, none, sizes, texels)


def _compile_pages(style: str) -> None:
    pages = np.empty((0, _HEIGHT * _WIDTH), np.uint8)
    lines = np.empty((0, writing.LINE_COLUMNS))
    finish_pages(_make_job(style), np.empty(0, np.uint64), np.empty(0, np.int64), lines, np.empty(0, np.bool_), pages)


def _compile_clean() -> None:
    make_chunk(_make_job("clean"), _make_atlas(), Span(0, 0))


def _compile_own_paper() -> None:
    seed, numbers, widths = np.uint64(0), np.empty(0, np.uint64), np.empty(0, np.int64)
    scratch, sheet, cover = page.make_scratch(_HEIGHT, _WIDTH), page.make_aligned(1), np.empty(1, np.uint8)
    key = seed, numbers, make_style_table(STYLES["document"]), (_HEIGHT, 1.0), widths
    lines, pointed = np.empty((0, writing.LINE_COLUMNS)), np.empty(0, np.bool_)
    pages = np.empty((0, _HEIGHT * _WIDTH), np.uint8)
    own_paper.own_pages(*key, scratch, sheet, cover, lines, pointed, NO_PAPER, False, pages)


def _compile_color() -> None:
    none = np.empty((0, _HEIGHT * _WIDTH), np.uint8)
    lines = np.empty((0, writing.LINE_COLUMNS))
    pointed, numbers, widths = np.empty(0, np.bool_), np.empty(0, np.uint64), np.empty(0, np.int64)
    color_pages(
        _make_job("document"), numbers, widths, lines, pointed, none, np.empty((0, 3 * none.shape[1]), np.uint8)
    )


def _compile_looks() -> None:
    none, out = np.empty(0, np.int64), np.empty((0, len(look_columns.LOOKS)))
    looks.measure_looks(np.empty(0, np.uint8), none, none, _HEIGHT, looks.make_scratch(_HEIGHT, _WIDTH), out)


STAGES = {
    "clean": Stage((layout.lay_out, render.render_lines), _compile_clean, 6),
    "lines": Stage((writing.write_lines,), _compile_lines, 17),
    "fields": Stage((fields.measure_fields, letterforms.draw_form_fields), _compile_fields, 5),
    "own paper": Stage((own_paper.own_pages,), _compile_own_paper, 14),
    "color": Stage((color.color_pages,), _compile_color, 14),
    "looks": Stage((looks.measure_looks,), _compile_looks, 12),
    "plain pages": Stage((styled.ink_pages,), lambda: _compile_pages("natural"), 4),
    "scans": Stage((styled.scan_pages,), lambda: _compile_pages("document"), 14),
}
_PIECES_SECONDS = 5  # for what `compile_pieces` takes from "lines"
