"""The first images that the options ask for, and the contact sheet of them that `--preview` asks for."""

import argparse
from typing import Any

from number_generator.commands.runs.plan import load_chosen_digits
from number_generator.commands.terminal import report, tell
from number_generator.formats.png.single import check_png_path, save_png
from number_generator.job.chunk import Chunk
from number_generator.job.spec import NumberSource, RenderSpec, Span
from number_generator.rendering.bound_job import BoundJob, bind_job
from number_generator.rendering.compilation import compile_kernels
from number_generator.rendering.engine import describe_small_print
from number_generator.rendering.sheet import contact_sheet
from number_generator.system.signals import Interruption


def draw_sheet(
    options: argparse.Namespace,
    numbers: NumberSource,
    spec: RenderSpec,
    seed: int,
    count: int,
    interruption: Interruption,
    **labels: Any,
) -> None:
    """Draw a sheet of the first `count` images, and save it; `labels` are as for `draw_images`."""
    path = check_png_path(options.preview, "--preview")
    chunk = draw_images(options, numbers, spec, seed, count, **labels)
    texts = [label.decode() for label in chunk.labels]
    images = chunk.images if chunk.sizes is None else chunk.cut_images()
    save_png(contact_sheet(images, texts, boxes=chunk.truth.get("boxes")), path, interruption)
    report(f'Contact sheet of {count} images drawn at "{options.preview}" (seed {seed}); no dataset was made')


def draw_images(
    options: argparse.Namespace,
    numbers: NumberSource,
    spec: RenderSpec,
    seed: int,
    count: int,
    **labels: Any,
) -> Chunk:
    """Draw the first `count` images with the digits that the options name; `labels` are keywords of `bind_job`."""
    digits, span = load_chosen_digits(options), Span(0, count)
    compile_kernels(spec.style, tell, color=spec.color, in_processes=True)
    bound = bind_job(digits, numbers, spec, seed=seed, span=span, **labels)
    warn_of_small_print(bound)
    return bound.make_chunk()


def warn_of_small_print(bound: BoundJob) -> None:
    """Tell whoever waits if the first lines are too small to read."""
    text = describe_small_print(bound.job, bound.atlas)
    if text is not None:
        tell(f"warning: {text}")
