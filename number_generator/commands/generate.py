"""The two commands: arguments in, exit status out.

Nothing heavy is imported at the top: `--help` answers at once, and a wrong argument is told before numba loads.
"""

import argparse
import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from number_generator.commands.options import (
    NUM_IMAGES,
    add_number_options,
    add_scale_options,
    add_set_option,
    add_truth_options,
    parse_split_option,
    parse_truth,
)
from number_generator.commands.output import add_output_options
from number_generator.commands.terminal import make_parser, run_guarded, say, say_title, show_progress
from number_generator.errors import SpecError
from number_generator.job.defaults import SPACING_RANGE
from number_generator.system.signals import Interruption

__all__ = ["generate_numbers_sequence", "generate_phone_numbers", "make_dataset_parser", "make_image_parser"]

_LONGEST_FILE_NAME = 255
_SHEET_IMAGES = 60
_LIST = "list"  # what --pattern takes to name the patterns


def generate_numbers_sequence(argv: list[str], interruption: Interruption) -> int:
    """Draw one number sequence into a PNG file.

    Parameters
    ----------
    argv : list of str
        The arguments, without the name of the command.
    interruption : Interruption
        Told of the file while it is unfinished.

    Returns
    -------
    int
        The exit status.
    """
    return run_guarded(make_image_parser(), argv, lambda options: _make_image(options, interruption))


def generate_phone_numbers(argv: list[str], interruption: Interruption) -> int:
    """Make a dataset of images of phone numbers; parameters and result are those of `generate_numbers_sequence`."""
    return run_guarded(make_dataset_parser(), argv, lambda options: _make_dataset(options, interruption))


def make_image_parser() -> argparse.ArgumentParser:
    """Give the arguments of `generate-numbers-sequence`."""
    parser = make_parser(
        "generate-numbers-sequence", "Draw a number in real handwritten digits and save it as a PNG image."
    )
    parser.add_argument(
        "--sequence",
        required=True,
        metavar="DIGITS",
        help="the digits to write, such as 12345678, and the separators - . , / ( ) + and space; one that begins "
        "with - is given as in --sequence=-5,3",
    )
    _add_drawing_options(parser)
    parser.add_argument(
        "--output-path",
        default="./",
        metavar="DIR|FILE.png",
        help="folder for DIGITS.png, or the file itself where it ends in .png; made if missing, and an "
        "earlier image is replaced (default: %(default)s)",
    )
    _add_source_options(parser)
    return parser


def make_dataset_parser() -> argparse.ArgumentParser:
    """Give the arguments of `generate-phone-numbers`."""
    parser = make_parser(
        "generate-phone-numbers",
        "Make a labelled dataset of images of numbers, written in real handwritten digits: phone numbers, or any that "
        "the options below describe. By default they are like Japanese phone numbers: a 0, a digit from 1 to 9, then "
        "any digits, 10 or 11 in all with equal chance.",
    )
    parser.add_argument(
        "--num-images",
        type=int,
        metavar="N",
        help=f"number of images (default: {NUM_IMAGES}; with --sequences, one for each of them)",
    )
    _add_drawing_options(parser)
    add_output_options(parser)
    parser.add_argument(
        "--fit",
        choices=("contain", "stretch"),
        default="contain",
        help="how a line that is too wide meets the width: shrunk on both axes, or on the width alone "
        "(default: %(default)s)",
    )
    _add_source_options(parser)
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of threads; the images do not depend on it (default: one a core)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier dataset of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    add_number_options(parser)
    add_truth_options(parser)
    add_scale_options(parser)
    return parser


def _add_drawing_options(parser: argparse.ArgumentParser) -> None:
    gaps = {"--min-spacing": ("smallest", SPACING_RANGE[0]), "--max-spacing": ("largest", SPACING_RANGE[1])}
    for flag, (which, default) in gaps.items():
        parser.add_argument(
            flag,
            type=int,
            metavar="PX",
            help=f"{which} gap between neighbouring digits, in px (default: {default}; a --style has gaps of its own, "
            "and takes negative ones)",
        )
    parser.add_argument(
        "--image-width", type=int, default=100, metavar="PX", help="width of each image, in px (default: %(default)s)"
    )
    parser.add_argument(
        "--style",
        default="clean",
        metavar="NAME|FILE.toml",
        help="how numbers are written: clean is the digits as they are, natural varies the writing, document adds "
        "paper and scan; or a file of parameters (default: %(default)s)",
    )
    add_set_option(parser)
    parser.add_argument(
        "--preview",
        metavar="SHEET.png",
        help="draw a labelled contact sheet of what would be made, and make nothing else",
    )


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digits",
        metavar="NAME|FILE|DIR",
        help="digits to compose from: mnist, qmnist or emnist-digits, downloaded once; a file, pickle, HDF5, .npz or "
        "MNIST's IDX images; a folder of images for each digit, 0 to 9; or several with weights, as in "
        "mnist=0.7,./mine=0.3. An empty name means the packaged ones (default: those that NG_DEFAULT_DIGIT_DATASET "
        "names, else the packaged MNIST digits)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="whole number from 0 to 2**64 - 1; the same seed gives the same images (default: drawn afresh)",
    )


def _target(output_path: str, name: str, endings: tuple[str, ...]) -> str:
    """Give the file to write: `output_path` itself if it ends as such a file does, else `name` in that folder."""
    # Unlike Path.is_dir, this answers no where the system refuses to say, such as for too long a name.
    if output_path.lower().endswith(endings) and not os.path.isdir(output_path):  # noqa: PTH112
        return output_path
    return os.path.join(output_path, name)  # noqa: PTH118 - keeps the "./" that the commands have always shown


def _make_image(options: argparse.Namespace, interruption: Interruption) -> None:
    begun = time.perf_counter()
    from number_generator.commands.runs.request import parse_render_spec  # noqa: PLC0415

    sequence = options.sequence
    target = _target(options.output_path, f"{sequence}.png", (".png",))
    spec = parse_render_spec(options)
    _check_sequence(sequence)
    named = target == options.output_path or options.preview is not None
    if not named and "/" in sequence:
        raise SpecError(f"--sequence is {sequence!r}, which makes no file name: give one with --output-path FILE.png")
    if not sequence and not named:
        raise SpecError("--sequence is empty, which makes no file name: give one with --output-path FILE.png")
    if len(Path(target).name) > _LONGEST_FILE_NAME and not named:
        raise SpecError(
            f"--sequence has {len(sequence)} digits, too many for a file name: give one with --output-path FILE.png"
        )
    from number_generator.system.checks import check_seed  # noqa: PLC0415

    seed = check_seed(options.seed, "--seed")
    if options.preview is not None:
        from number_generator.numbers.sequences import FixedNumbers, pack_sequences  # noqa: PLC0415

        packed = pack_sequences([sequence] * _SHEET_IMAGES)
        _make_sheet(options, interruption, FixedNumbers(packed), spec, seed, _SHEET_IMAGES)
        return
    say_title("Digits sequence generator", 27)
    say(f'Synthesizing image for digits sequence "{sequence}" ...')

    from number_generator.commands.runs.plan import load_chosen_digits  # noqa: PLC0415
    from number_generator.core import generate_batch  # noqa: PLC0415
    from number_generator.formats.png.single import save_png  # noqa: PLC0415

    image = generate_batch(
        [sequence],
        spec.spacing_range,
        spec.width,
        style=spec.style,
        seed=seed,
        digits=load_chosen_digits(options),
        workers=1,
    )[0]
    save_png(image, Path(target), interruption)
    say(
        f'Image of dimensions {image.shape[1]} x {image.shape[0]} generated successfully at "{target}", '
        f"process took {time.perf_counter() - begun:.1f} seconds..."
    )


def _check_sequence(sequence: str) -> None:
    from number_generator.numbers.sequences import ALPHABET  # noqa: PLC0415

    if not set(sequence) <= set(ALPHABET):
        raise SpecError(
            f"--sequence is {sequence!r}: give digits from 0 to 9 and the separators - . , / ( ) + and space"
        )


def _make_sheet(
    options: argparse.Namespace, interruption: Interruption, numbers: Any, spec: Any, seed: int, count: int
) -> None:
    """Draw the contact sheet that `--preview` asks for."""
    from number_generator.commands.runs.plan import load_chosen_digits  # noqa: PLC0415
    from number_generator.formats.png.single import checked_png_path, save_png  # noqa: PLC0415
    from number_generator.job.spec import Span  # noqa: PLC0415
    from number_generator.rendering.bound_job import bind_job  # noqa: PLC0415
    from number_generator.rendering.sheet import contact_sheet  # noqa: PLC0415

    path = checked_png_path(options.preview, "--preview")
    # One image is what the other command makes: it has no labels and no ground truth.
    label: Any = getattr(options, "label", "written")
    truth = tuple(kind for kind in parse_truth(options) if kind == "boxes") if hasattr(options, "truth") else ()
    digits, span = load_chosen_digits(options), Span(0, count)
    chunk = bind_job(digits, numbers, spec, seed=seed, span=span, label=label, truth=truth).make_chunk()
    labels = [label.decode("ascii") for label in chunk.labels]
    sheet = contact_sheet(chunk.images, labels, boxes=chunk.truth.get("boxes"))
    save_png(sheet, path, interruption)
    say(f'Contact sheet of {count} images drawn at "{options.preview}" (seed {seed}); no dataset was made')


def _make_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    begun = time.perf_counter()
    if options.pattern == _LIST:
        _say_patterns()
        return
    from number_generator.commands.runs.request import choose_output, list_places, parse_request  # noqa: PLC0415
    from number_generator.system.threads import check_workers  # noqa: PLC0415

    request = parse_request(options)
    workers = check_workers(options.workers, "--workers")
    if options.preview is not None:
        parse_split_option(options)  # of no use here, and a mistake in it is told
        numbers, count = request.numbers.source, min(request.count, _SHEET_IMAGES)
        _make_sheet(options, interruption, numbers, request.spec, request.seed, count)
        return
    output = choose_output(options, request)
    from number_generator.commands.runs.execute import Settings  # noqa: PLC0415
    from number_generator.commands.runs.resume import read_recorded_seed  # noqa: PLC0415

    settings = Settings(output, options.overwrite, options.resume, workers, interruption)
    if options.resume:
        interruption.left = "the same command goes on from what is done"
        if options.seed is None:
            drawn = read_recorded_seed(list_places(options, settings.output), overwrite=options.overwrite)
            request = request if drawn is None else dataclasses.replace(request, seed=drawn)
    are_phone = request.numbers.are_phone
    with _producing(options, request, settings) as (plan, production):
        say_title("Phone numbers dataset generator" if are_phone else "Numbers dataset generator", 33)
        like = "phone numbers like database" if are_phone else "numbers dataset"
        count = sum(len(part.job.span) for part in plan.parts)
        say(f"Creating {like} with {count} examples, this might take a few moments ...")
        with show_progress(count, quiet=options.quiet) as bar:
            production.run(bar.update)
        production.commit()
    images = "telephone like images" if are_phone else "images of numbers"
    if production.gone_on and len(production.found) < len(plan.parts):
        say(f"Went on from an interrupted run: {production.gone_on} images were there already")
    for part in plan.parts:
        what = f"Dataset with {len(part.job.span)} {images}"
        if part.target in production.found:
            say(f'{what} is whole already at "{part.target}": nothing was to be done')
            continue
        in_shards = "" if part.shards is None else f" in {part.shards} shards"
        say(
            f'{what}{in_shards} generated successfully at "{part.target}", '
            f"process took {time.perf_counter() - begun:.1f} seconds..."
        )


@contextlib.contextmanager
def _producing(options: argparse.Namespace, request: Any, settings: Any) -> Iterator[tuple[Any, Any]]:
    """Give the plan of the options, and its production, begun: here or on a cluster."""
    from number_generator.commands.runs.execute import open_run  # noqa: PLC0415
    from number_generator.commands.runs.plan import make_plan  # noqa: PLC0415

    if options.scheduler is None:
        plan = make_plan(options, request)
        with open_run(plan, settings) as production:
            yield plan, production
        return
    from number_generator.commands.runs.cluster import ClusterShards, check_scheduler, choose_shards, connect  # noqa: PLC0415

    check_scheduler(options, settings.output)
    with connect(options.scheduler, settings.workers) as client:
        if options.shards is None:
            options.shards = choose_shards(options, request, client)
        plan = make_plan(options, request)
        with ClusterShards(plan, settings, client) as production:
            yield plan, production


def _say_patterns() -> None:
    from number_generator.numbers.patterns import NAMED  # noqa: PLC0415

    width = max(map(len, NAMED))
    for name, pattern in NAMED.items():
        say(f"{name:{width}}  {pattern.description}")
