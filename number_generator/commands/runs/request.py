"""What the options of `generate-phone-numbers` ask for, as far as it can be known before any digits are loaded.

A wrong option is reported from here, and so no module that loads compiled code is imported at the top.
"""

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from number_generator.commands.option_values import (
    Numbers,
    parse_numbers,
    parse_shard,
    parse_shards,
    parse_split_option,
)
from number_generator.commands.output import Output, parse_output
from number_generator.errors import SpecError
from number_generator.job.defaults import NUM_IMAGES, REAL_SHARE, SPACING_RANGE
from number_generator.job.handwriting import Handwriting, checked_style, with_settings
from number_generator.job.real_lines import RealLines
from number_generator.job.spec import Fit, RenderSpec
from number_generator.system.checks import check_integer, check_seed

if TYPE_CHECKING:
    from number_generator.scans.real_lines import RealRequest

_OF_REAL = ("share", "set", "balance", "holdout")
_OPTIONS = {
    "width": "--image-width",
    "width's MAX": "MAX of --image-width auto:MAX",
    "image_height": "--image-height",
    "spacing_range": "(--min-spacing, --max-spacing)",
    "spacing_range's minimum": "--min-spacing",
    "spacing_range's maximum": "--max-spacing",
}
"""The options for what the messages of RenderSpec name."""


@dataclass(frozen=True)
class Request:
    """What the options request."""

    spec: RenderSpec
    numbers: Numbers
    count: int  # of images in all
    seed: int  # a fresh one if none was given
    real: "RealRequest | None" = None


def parse_request(options: argparse.Namespace) -> Request:
    """Check the options that describe the images; SpecError names the option that breaks a rule."""
    spec = parse_render_spec(options, options.fit)
    numbers = parse_numbers(options)
    usual = NUM_IMAGES if numbers.count is None else numbers.count
    count = usual if options.num_images is None else check_integer("--num-images", options.num_images, 1)
    return Request(spec, numbers, count, check_seed(options.seed, "--seed"), parse_real(options))


def parse_real(options: argparse.Namespace) -> "RealRequest | None":
    """Return the real lines that the options ask for; None if there are none."""
    if options.real is None:
        for name in _OF_REAL:
            if getattr(options, f"real_{name}") not in (None, []):
                raise SpecError(f"--real-{name} is given without --real, which it belongs to: leave it out")
        return None
    from number_generator.scans.real_lines import RealRequest  # noqa: PLC0415 - loads compiled code

    share = REAL_SHARE if options.real_share is None else options.real_share
    try:
        style = RealLines().with_settings(options.real_set or [])
        balance: Any = options.real_balance or "lines"
        return RealRequest(options.real, share, style, balance, options.real_holdout or 0.0, isolated=True)
    except SpecError as exc:
        text = str(exc)
        raise SpecError(f"--real-{text.removeprefix('real_')}" if text.startswith("real_") else text) from exc


def parse_render_spec(options: argparse.Namespace, fit: Fit = "contain") -> RenderSpec:
    """Return the RenderSpec that the options describe; SpecError names the option that breaks a rule."""
    style = choose_style(checked_style(options.style), options)
    given = options.min_spacing, options.max_spacing
    spacing_range = None
    if style.is_clean or given != (None, None):
        smallest, largest = (usual if gap is None else gap for gap, usual in zip(given, SPACING_RANGE, strict=True))
        spacing_range = smallest, largest
    try:
        return RenderSpec(spacing_range, options.image_width, fit, style, options.image_height, options.color)
    except SpecError as exc:
        name, verb, rest = str(exc).partition(" is ")
        raise SpecError(f"{_OPTIONS.get(name, name)}{verb}{rest}") from exc


def choose_style(style: Handwriting, options: argparse.Namespace) -> Handwriting:
    """Return a style as the options change it: by `--set` and `--paper`."""
    changed = with_settings(style, options.settings)
    if options.paper is None:
        return changed
    try:
        return changed.replace(paper_images=options.paper)
    except SpecError as exc:
        name, _, rest = str(exc).partition(" ")
        raise SpecError(f"--paper {rest}" if name == "paper_images" else str(exc)) from exc


def choose_output(options: argparse.Namespace, request: Request) -> Output:
    """Return where the requested dataset goes; SpecError names the option that breaks a rule."""
    kind = "phonenumbers" if request.numbers.are_phone else "numbers"
    return parse_output(options, f"{kind}-handwritten-dataset-{request.count}")


def list_places(options: argparse.Namespace, output: Output) -> list[str]:
    """List the files and folders that a run makes: of each part its shards, then the part itself."""
    split, shard = parse_split_option(options), parse_shard(options)
    shards = (parse_shards(options) or 0) if output.file_format == "hdf5" else 0
    places = []
    for whole in [output.target] if split is None else map(output.of_part, split.names):
        if shard is not None:
            places.append(name_shard(whole, *shard))
        else:
            places += [*(name_shard(whole, number, shards) for number in range(shards)), whole]
    return places


def name_shard(target: str, number: int, shards: int) -> str:
    """Return the file of a shard, from that of the index."""
    root, ending = os.path.splitext(target)  # noqa: PTH122 - keeps the "./" that the commands have always shown
    digits = max(5, len(str(shards)))
    return f"{root}-{number:0{digits}d}-of-{shards:0{digits}d}{ending}"
