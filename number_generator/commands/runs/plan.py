"""What the options of `generate-phone-numbers` come to: which files are to be made, each with its job.

Nothing heavy is imported at the top, as in `generate`: a wrong option is told before numba loads.
"""

import argparse
import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from number_generator.commands.options import (
    NUM_IMAGES,
    Numbers,
    parse_numbers,
    parse_shard,
    parse_shards,
    parse_split_option,
    parse_truth,
)
from number_generator.commands.output import Output, parse_output
from number_generator.errors import SpecError
from number_generator.job.defaults import SPACING_RANGE
from number_generator.job.provenance import make_shard_metadata

if TYPE_CHECKING:
    from number_generator.job.chunk import DatasetHeader
    from number_generator.job.spec import Job, RenderSpec
    from number_generator.rendering.bound_job import BoundJob

__all__ = [
    "Part",
    "Plan",
    "Request",
    "choose_output",
    "list_places",
    "load_chosen_digits",
    "make_plan",
    "name_shard",
    "parse_render_spec",
    "parse_request",
]

_SPLIT_BITS = 56  # a split has up to 100 parts, and image numbers end at 2**63


@dataclass(frozen=True)
class Request:
    """What the options ask for, as far as it can be told without a look at the digits.

    Attributes
    ----------
    spec : RenderSpec
    numbers : Numbers
    count : int
        Images in all.
    seed : int
        Drawn, where none was given.
    """

    spec: "RenderSpec"
    numbers: Numbers
    count: int
    seed: int


@dataclass(frozen=True)
class Part:
    """One dataset of a run: a whole one, a part of one that is split, or a shard of either.

    Attributes
    ----------
    name : str
        Of the part of a split; empty where there is none.
    target : str
        The file or folder; that of the index, where the part consists of shards.
    bound : BoundJob
        Its digits' style clusters are those of all parts.
    header : DatasetHeader
    shards : int or None
        How many files the part consists of, if it is divided.
    """

    name: str
    target: str
    bound: "BoundJob"
    header: "DatasetHeader"
    shards: int | None = None

    @property
    def job(self) -> "Job":
        """Which images it holds."""
        return self.bound.job

    def shard_bounds(self) -> list[int]:
        """Give the image numbers at which shards begin, and the one after the last."""
        first, count, shards = self.job.span.start, len(self.job.span), self.shards or 1
        return [first + count * number // shards for number in range(shards + 1)]

    def shard(self, number: int) -> "Part":
        """Give one of the shards that the part is divided into, numbered from 0."""
        from number_generator.job.spec import Span  # noqa: PLC0415

        assert self.shards is not None  # noqa: S101 - whoever asks has looked
        bounds = self.shard_bounds()
        bound = self.bound.change_job(span=Span(bounds[number], bounds[number + 1]))
        metadata = make_shard_metadata(self.header.metadata, number, self.shards, bound.job.span)
        header = dataclasses.replace(self.header, shape=bound.job.shape, metadata=metadata)
        return dataclasses.replace(
            self, target=name_shard(self.target, number, self.shards), bound=bound, header=header, shards=None
        )


@dataclass(frozen=True)
class Plan:
    """A run: what it was asked for, and the datasets that it makes."""

    request: Request
    output: Output
    parts: list[Part]


def name_shard(target: str, number: int, shards: int) -> str:
    """Give the file of a shard, from that of the index."""
    root, ending = os.path.splitext(target)  # noqa: PTH122 - keeps the "./" that the commands have always shown
    digits = max(5, len(str(shards)))
    return f"{root}-{number:0{digits}d}-of-{shards:0{digits}d}{ending}"


def parse_request(options: argparse.Namespace) -> Request:
    """Check the options, in the order in which they are told of, as far as that needs no digits.

    Raises
    ------
    SpecError
        That names the option.
    """
    from number_generator.system.checks import check_integer, check_seed  # noqa: PLC0415

    spec = parse_render_spec(options, options.fit)
    numbers = parse_numbers(options)
    usual = NUM_IMAGES if numbers.count is None else numbers.count
    count = usual if options.num_images is None else check_integer("--num-images", options.num_images, 1)
    return Request(spec, numbers, count, check_seed(options.seed, "--seed"))


def choose_output(options: argparse.Namespace, request: Request) -> Output:
    """Give the place that the options name for what they ask for, or raise SpecError."""
    what = "phonenumbers" if request.numbers.are_phone else "numbers"
    return parse_output(options, f"{what}-handwritten-dataset-{request.count}")


def list_places(options: argparse.Namespace, output: Output) -> list[str]:
    """Give the files and folders that the options name: shards, and then what they make together."""
    split, shard = parse_split_option(options), parse_shard(options)
    shards = parse_shards(options) or 0
    places = []
    for whole in [output.target] if split is None else map(output.of_part, split.names):
        if shard is not None:
            places.append(name_shard(whole, *shard))
        else:
            places += [*(name_shard(whole, number, shards) for number in range(shards)), whole]
    return places


def make_plan(options: argparse.Namespace, request: Request | None = None) -> Plan:
    """Give the datasets that a command makes, each with its job; nothing is written.

    Parameters
    ----------
    options : Namespace
        As the parser of `generate-phone-numbers` gives it.
    request : Request, optional
        What `parse_request` gave for them, or that with another seed.

    Raises
    ------
    SpecError
        If an option breaks a rule.
    DatasetError, DatasetNotFoundError, DatasetReadError
        If the digits cannot be used.
    """
    from number_generator.digits.resolve import default_digits_path, name_digits  # noqa: PLC0415
    from number_generator.digits.splits import divide_digits  # noqa: PLC0415
    from number_generator.digits.writers import find_clusters, find_writers  # noqa: PLC0415
    from number_generator.job.chunk import DatasetHeader  # noqa: PLC0415
    from number_generator.job.metadata import make_metadata  # noqa: PLC0415
    from number_generator.job.spec import SOURCE_DIGITS, Span  # noqa: PLC0415
    from number_generator.numbers.lists import ListedNumbers  # noqa: PLC0415
    from number_generator.rendering.bound_job import bind_job  # noqa: PLC0415
    from number_generator.rendering.ground_truth import make_truth_fields  # noqa: PLC0415

    request = parse_request(options) if request is None else request
    output = choose_output(options, request)
    spec, numbers, count = request.spec, request.numbers, request.count
    truth, split, shard = parse_truth(options), parse_split_option(options), parse_shard(options)
    shards = parse_shards(options) if shard is None else shard[1]
    _check_shards(options, output, shards)
    digits_path = default_digits_path() if options.digits is None else name_digits(options.digits)
    whole = load_chosen_digits(options)
    groups = None if spec.style.is_clean else find_writers(whole, spec.style.writer)
    # Clusters that are computed are those of all digits: the same in all parts.
    clusters = groups.ids if groups is not None and groups.is_computed else find_clusters(whole)
    numbers_of_part = {} if split is None else divide_digits(whole, split)
    divided = {name: whole.subset(of, cluster_ids=clusters) for name, of in numbers_of_part.items()} or {"": whole}
    counts = {"": count} if split is None else split.counts(count)
    parts: list[Part] = []
    for number, (name, digits) in enumerate(divided.items()):
        # The parts' image numbers lie far apart: a larger job begins with the same images.
        first = number << _SPLIT_BITS
        span = Span(first, first + counts[name])
        source = numbers.source
        if isinstance(source, ListedNumbers):
            source = dataclasses.replace(source, first=first - sum(len(part.job.span) for part in parts))
        bound = bind_job(digits, source, spec, seed=request.seed, span=span, label=options.label, truth=truth)
        job, writers = bound.job, bound.writers
        metadata = make_metadata(
            job,
            whole.sha256,
            digits_path,
            output.file_format,
            output.compression,
            labels=output.labels,
            total=count,
            words=numbers.words,
            split=None if split is None else (name, str(split)),
            shards=shards,
            writers=None if writers is None else (writers.kind, writers.sha256),
        )
        if groups is not None and groups.is_computed:  # k-means is not the same to the bit on every machine
            # One character each, unless several sources of digits have clusters of their own.
            metadata["style_clusters"] = ("" if groups.groups <= 10 else ",").join(map(str, groups.ids.tolist()))
        length = source.longest
        if split is not None:
            metadata[SOURCE_DIGITS] = digits.source_numbers.tolist()
        header = DatasetHeader(job.shape, length, metadata, make_truth_fields(job, length))
        target = output.target if split is None else output.of_part(name)
        part = Part(name, target, bound, header, shards)
        if shards is not None and shards > len(span):
            raise SpecError(
                f"--{'shards' if shard is None else 'shard'} divides {len(span)} images into {shards} files: give no "
                "more files than images"
            )
        parts.append(part if shard is None else part.shard(shard[0]))
    return Plan(request, output, parts)


def parse_render_spec(options: argparse.Namespace, fit: Any = "contain") -> Any:
    """Give the RenderSpec that the options describe, or raise SpecError that names the option."""
    from number_generator.job.handwriting import checked_style, with_settings  # noqa: PLC0415
    from number_generator.job.spec import MAX_SPACING, MAX_WIDTH, MIN_STYLED_SPACING, RenderSpec  # noqa: PLC0415
    from number_generator.system.checks import check_integer  # noqa: PLC0415

    style = with_settings(checked_style(options.style), options.settings)
    width = check_integer("--image-width", options.image_width, 1, MAX_WIDTH)
    if not style.is_clean and options.min_spacing is None and options.max_spacing is None:
        return RenderSpec(None, width, fit, style)
    lowest = 0 if style.is_clean else MIN_STYLED_SPACING
    smallest = SPACING_RANGE[0] if options.min_spacing is None else options.min_spacing
    largest = SPACING_RANGE[1] if options.max_spacing is None else options.max_spacing
    smallest = check_integer("--min-spacing", smallest, lowest, MAX_SPACING)
    largest = check_integer("--max-spacing", largest, lowest, MAX_SPACING)
    if smallest > largest:
        raise SpecError(
            f"--min-spacing is {smallest} and --max-spacing is {largest}: the minimum exceeds the maximum; "
            "give both, the smaller one first"
        )
    return RenderSpec((smallest, largest), width, fit, style)


def load_chosen_digits(options: argparse.Namespace) -> Any:
    """Give the digit dataset that `--digits` names."""
    from number_generator.digits.resolve import default_digits, load_digits, packaged_digits  # noqa: PLC0415

    if options.digits is None:
        return default_digits()
    return load_digits(options.digits) if options.digits else packaged_digits()


def _check_shards(options: argparse.Namespace, output: Output, shards: int | None) -> None:
    """Raise SpecError if the format has no place for shards, or each of them would be made with another seed."""
    if shards is None:
        return
    flag = f"--shards is {options.shards}" if options.shard is None else f"--shard is {options.shard}"
    if output.file_format != "hdf5":
        raise SpecError(
            f"{flag} and the format is {output.file_format}: give --format hdf5; webdataset and parquet make files of "
            "10,000 and 100,000 images by themselves"
        )
    if options.shard is not None and options.seed is None:
        raise SpecError(f"{flag} without --seed: each shard would draw one of its own; give all of them the same")
