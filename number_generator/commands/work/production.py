"""The datasets of a command made and reported: on this machine or on a cluster, from the start or resumed."""

import argparse
import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator

from number_generator.commands.output import Output
from number_generator.commands.runs.execute import Run, Settings, open_run
from number_generator.commands.runs.held_out import find_held_out
from number_generator.commands.runs.plan import Part, make_plan
from number_generator.commands.runs.request import Request, list_places
from number_generator.commands.runs.resume import check_found, find_journal, read_recorded_seed
from number_generator.commands.terminal import report, report_title, show_progress, tell
from number_generator.commands.work.drawing import warn_of_small_print
from number_generator.commands.work.space import SAMPLED_IMAGES, check_space
from number_generator.job.spec import Span
from number_generator.rendering.compilation import compile_kernels
from number_generator.system.signals import Interruption


def produce_datasets(
    options: argparse.Namespace,
    request: Request,
    output: Output,
    workers: int,
    interruption: Interruption,
    *,
    begun: float,
) -> None:
    """Make all datasets of a command, and say what was made; `begun` is the start by `time.perf_counter`."""
    settings = Settings(output, options.overwrite, options.resume, workers, interruption)
    if options.resume:
        interruption.left = "the same command resumes the run"
        places = list_places(options, output)
        check_found(places)
        if options.seed is None:
            drawn = read_recorded_seed(places, overwrite=options.overwrite)
            request = request if drawn is None else dataclasses.replace(request, seed=drawn)
    held_out = find_held_out(request, output, settings, list_places(options, output))
    # A run that is refused or already complete shall not wait for it.
    if options.scheduler is None and (options.overwrite or not _finds_any(list_places(options, output))):
        compile_kernels(request.spec.style, tell, color=request.spec.color, in_processes=True)
    are_phone = request.numbers.are_phone
    with _open_run(options, request, settings) as (parts, run):
        report_title("Phone numbers dataset generator" if are_phone else "Numbers dataset generator", 33)
        kind = "phone numbers like database" if are_phone else "numbers dataset"
        count = sum(len(part.job.span) for part in parts)
        report(f"Creating {kind} with {count} examples, this might take a few moments ...")
        if options.scheduler is None and len(run.found) < len(parts):  # the kernels are compiled here
            warn_of_small_print(parts[0].bound)
        with show_progress(count, quiet=options.quiet) as bar:
            run.run(bar.update)
        if held_out is not None:
            held_out.write()
        run.commit()
    _report(parts, run, "telephone like images" if are_phone else "images of numbers", begun)
    if held_out is not None:
        count, place = len(held_out.numbers), held_out.target
        report(f'{count} real lines held out are at "{place}": read them once a reader is trained')


def _finds_any(places: list[str]) -> bool:
    return any(map(os.path.lexists, places))


def _check_space(parts: list[Part], settings: Settings) -> None:
    """Compare the size that all parts will have with the free space, unless a run is resumed that has made some."""
    targets = [target for part in parts for target in part.list_targets()] if settings.resume else []
    if any(target.exists() or find_journal(target).exists() for target in targets):
        return
    first, output = parts[0], settings.output
    count = sum(len(part.job.span) for part in parts)
    start = first.job.span.start
    sampled = Span(start, start + min(SAMPLED_IMAGES, len(first.job.span)))
    check_space(
        first.target,
        output.file_format,
        output.compression,
        (count, *first.header.array_shape[1:]),
        first.header.fields,
        lambda: first.bound.make_chunk(sampled).images,
        labels=output.labels,
        copies=1 + settings.resume,
    )


def _report(parts: list[Part], run: Run, images: str, begun: float) -> None:
    if run.resumed and len(run.found) < len(parts):
        report(f"Resumed: {run.resumed} images were already done")
    for part in parts:
        what = f"Dataset with {len(part.job.span)} {images}"
        if part.target in run.found:
            report(f'{what} is already complete at "{part.target}": skipped')
            continue
        in_shards = "" if part.shards is None else f" in {part.shards} shards"
        report(
            f'{what}{in_shards} generated successfully at "{part.target}", '
            f"process took {time.perf_counter() - begun:.1f} seconds..."
        )


@contextlib.contextmanager
def _open_run(options: argparse.Namespace, request: Request, settings: Settings) -> Iterator[tuple[list[Part], Run]]:
    """Plan what the options ask for, and open a run of the plan: here or on a cluster."""
    if options.scheduler is None:
        parts = make_plan(options, request)
        _check_space(parts, settings)
        with open_run(parts, settings) as run:
            yield parts, run
        return
    from number_generator.commands.runs.cluster import ClusterShards, check_scheduler, choose_shards, connect  # noqa: PLC0415 - few ask for it

    check_scheduler(options, settings.output)
    with connect(options.scheduler, settings.workers) as client:
        if options.shards is None:
            options.shards = choose_shards(options, request, client)
        parts = make_plan(options, request)
        _check_space(parts, settings)
        with ClusterShards(parts, settings, client) as run:
            yield parts, run
