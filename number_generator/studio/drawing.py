"""Sheets for the page: lines of a design, and what a parameter does."""

import shlex
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from number_generator.errors import SpecError
from number_generator.job.defaults import NUM_IMAGES, PACKAGE_PROGRAM
from number_generator.job.handwriting import OWN_PAPER, parameters
from number_generator.job.spec import Span
from number_generator.rendering.bound_job import BoundJob, bind_job
from number_generator.rendering.compilation import compile_kernels
from number_generator.studio.designs import Design, read_design
from number_generator.studio.illustrations import illustrate
from number_generator.studio.sheets import pack_sheet
from number_generator.studio.wrong import WrongValuesError
from number_generator.system.checks import format_value

MOST_PIXELS = 1 << 21
"""The most pixels of a sheet: so many are drawn within a tenth of a second. Of larger pages, fewer lines are drawn."""

_one_at_a_time = threading.Lock()
"""Two sheets at once would each compile the kernels and load the digits that they share."""


def draw_sheet(table: Mapping[str, Any], tell: Callable[[str], object]) -> bytes:
    """Draw what the page asks for, see `read_design`; `tell` takes a line for whoever waits, before it compiles.

    Raises
    ------
    WrongValuesError
        If a value is not valid.
    """
    with _one_at_a_time:
        begun = time.perf_counter()
        design = read_design(table)
        compile_kernels(design.style, tell, color=design.spec.color, in_processes=True)
        chunk = _bind(design).make_chunk()
        elapsed_ms = 1e3 * (time.perf_counter() - begun)
    return pack_sheet(
        chunk.images,
        None if chunk.sizes is None else chunk.sizes[:, 1].tolist(),
        labels=[label.decode() for label in chunk.labels.tolist()],
        command=format_command(design),
        toml=design.style.to_toml(),
        elapsed_ms=round(elapsed_ms, 1),
    )


def format_command(design: Design) -> str:
    """Return the command that makes a dataset like the sheet, whose first images are those of the sheet."""
    spec = design.spec
    base, settings = spec.style.settings()
    words = [f"--num-images={NUM_IMAGES}", *design.words, f"--image-width={spec.width}"]
    words += [] if spec.height is None else [f"--image-height={spec.height}"]
    words += [f"--style={base}", *(f"--set={setting}" for setting in settings)]
    words += [] if spec.style.paper_images is None else [f"--paper={spec.style.paper_images.path}"]
    words += ["--color"] if spec.color else []
    words += ["--format=png"] if spec.ragged and not spec.is_bounded else []  # the usual one holds images of one size
    return shlex.join([PACKAGE_PROGRAM, "generate", *words, f"--seed={design.seed}"])


def draw_parameter(name: object, paper: str) -> bytes:
    """Draw what a parameter does; `paper` is the user's folder of paper, or empty."""
    parameter = next((each for each in parameters() if each.name == name), None)
    if parameter is None:
        raise SpecError(f"there is no handwriting parameter {format_value(name)}")
    if parameter.group == OWN_PAPER and not paper:
        raise SpecError(f"the picture of {parameter.name} is drawn on your own paper: name its folder first")
    with _one_at_a_time:
        shown = illustrate(parameter, paper=paper or None)
    images = np.concatenate(shown.images)
    return pack_sheet(images, labels=shown.lines * len(shown.captions), captions=shown.captions)


def _bind(design: Design) -> BoundJob:
    """Return the job of a design's sheet; WrongValuesError tells the control where the message does."""
    try:
        bound = bind_job(design.digits, design.numbers, design.spec, seed=design.seed, span=Span(0, design.count))
        pixels = bound.job.height * bound.job.usual_width * design.spec.channels
        return bound.change_job(span=Span(0, max(1, min(design.count, MOST_PIXELS // pixels))))
    except SpecError as exc:
        name = str(exc).partition(" is ")[0]
        raise WrongValuesError({name if name == "writer" else "": str(exc)}) from exc
