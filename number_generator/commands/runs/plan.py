"""Which datasets a run makes, each with its job and the digits for it."""

import argparse
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from number_generator.commands.option_values import parse_shard, parse_shards, parse_split_option, parse_truth
from number_generator.commands.output import Output
from number_generator.commands.runs.request import Request, choose_output, name_shard, parse_request
from number_generator.digits.conventions import STORED_WITH
from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.resolve import (
    default_digits,
    default_digits_path,
    load_digits,
    name_digits,
    packaged_digits,
)
from number_generator.digits.splits import divide_digits
from number_generator.digits.style_clusters import find_clusters
from number_generator.digits.writers import find_writers
from number_generator.errors import SpecError
from number_generator.formats.registry import FORMATS, count_files
from number_generator.job.chunk import DatasetHeader
from number_generator.job.metadata import make_metadata
from number_generator.job.provenance import make_shard_metadata
from number_generator.job.spec import SOURCE_DIGITS, Job, RenderSpec, Span
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.sequences import count_label_bytes
from number_generator.rendering.bound_job import BoundJob, bind_job
from number_generator.rendering.ground_truth import make_truth_fields

_SPLIT_BITS = 56  # a split has up to 100 parts, and image numbers end at 2**63


@dataclass(frozen=True)
class Part:
    """One dataset of a run: a whole one, a part of a split, or a shard of either."""

    name: str  # of the part in the split; empty without a split
    target: str  # the file or folder; the index, if the part is divided into shards
    bound: BoundJob  # its digits have the style clusters of all parts
    header: DatasetHeader
    shards: int | None = None  # how many the part is divided into, if it is
    files: int | None = None  # how many its folder is divided into, if the options say so

    @property
    def job(self) -> Job:
        """The job whose images the dataset holds."""
        return self.bound.job

    def shard_target(self, number: int) -> str:
        """Return the file of one of the shards, counted from 0."""
        return name_shard(self.target, number, self.shards or 0)

    def shard_span(self, number: int) -> Span:
        """Return the image numbers of one of the shards."""
        first, count, shards = self.job.span.start, len(self.job.span), self.shards or 1
        return Span(first + count * number // shards, first + count * (number + 1) // shards)

    def shard(self, number: int) -> "Part":
        """Return one of the shards as a dataset."""
        bound = self.bound.change_job(span=self.shard_span(number))
        metadata = make_shard_metadata(self.header.metadata, number, self.shards or 1, bound.job.span)
        header = dataclasses.replace(self.header, shape=bound.job.shape, metadata=metadata)
        return dataclasses.replace(self, target=self.shard_target(number), bound=bound, header=header, shards=None)

    def list_targets(self) -> Iterator[Path]:
        """Yield all files and folders: the shards, if there are any, and then the part itself."""
        yield from (Path(self.shard_target(number)) for number in range(self.shards or 0))
        yield Path(self.target)


def make_plan(options: argparse.Namespace, request: Request | None = None) -> list[Part]:
    """Plan the datasets that a command makes; nothing is written.

    The request is what `parse_request` made of the options, possibly with another seed; without one, it is parsed here.
    An option that breaks a rule raises SpecError, digits that cannot be used an error of datasets.
    """
    request = parse_request(options) if request is None else request
    output = choose_output(options, request)
    truth, split, shard = parse_truth(options), parse_split_option(options), parse_shard(options)
    shards = parse_shards(options) if shard is None else shard[1]
    is_divided = FORMATS[output.file_format].shard_images is not None and shard is None
    if is_divided:
        shards = None  # which are files in one folder
    _check_shards(options, output, shards)
    division = [f"--shards={options.shards}"] if is_divided and options.shards is not None else []
    division += [] if options.shard_size is None else [f"--shard-size={options.shard_size}"]
    spec, numbers = request.spec, request.numbers
    _check_width(spec, output)
    digits_path = default_digits_path() if options.digits is None else name_digits(options.digits)
    whole = load_chosen_digits(options)
    writers = None if spec.style.is_clean else find_writers(whole, spec.style.writer)
    divided, counts = {"": whole}, {"": request.count}
    if split is not None:
        # Clusters that are computed are those of all digits: the same in all parts.
        clusters = writers.ids if writers is not None and writers.is_computed else find_clusters(whole)
        divided = {
            name: whole.subset(chosen, cluster_ids=clusters) for name, chosen in divide_digits(whole, split).items()
        }
        counts = split.counts(request.count)
    parts: list[Part] = []
    for number, (name, digits) in enumerate(divided.items()):
        # The parts' image numbers lie far apart: a larger job begins with the same images.
        first = number << _SPLIT_BITS
        span = Span(first, first + counts[name])
        if shards is not None and shards > len(span):
            raise SpecError(
                f"--{'shards' if shard is None else 'shard'} divides {len(span)} images into {shards} files: give no "
                "more files than images"
            )
        source = numbers.source
        if isinstance(source, ListedNumbers):
            source = dataclasses.replace(source, first=first - sum(len(part.job.span) for part in parts))
        # Of a split, the first part alone has the real lines: no line is in two of them.
        real = request.real if number == 0 else None
        bound = bind_job(
            digits, source, spec, seed=request.seed, span=span, label=options.label, truth=truth, real=real
        )
        of_part = bound.writers
        metadata = make_metadata(
            bound.job,
            whole.sha256,
            digits_path,
            output.file_format,
            output.compression,
            labels=output.labels,
            total=request.count,
            words=[*numbers.words, *division],
            split=None if split is None else (name, str(split)),
            shards=shards,
            writers=None if of_part is None else (of_part.kind, of_part.sha256),
            digits_stored_with=str(whole.get_metadata().get(STORED_WITH, "")),
        )
        if writers is not None and writers.is_computed:  # k-means is not the same to the bit on every machine
            # One character each, unless several sources of digits have clusters of their own.
            metadata["style_clusters"] = ("" if writers.groups <= 10 else ",").join(map(str, writers.ids.tolist()))
        if split is not None:
            metadata[SOURCE_DIGITS] = digits.source_numbers.tolist()
        longest = bound.job.longest
        fields = make_truth_fields(bound.job, longest)
        label_bytes = None if options.label == "digits" else count_label_bytes(source.alphabet, longest)
        header = DatasetHeader(
            bound.job.shape, longest, metadata, fields, spec.ragged, spec.channels, label_bytes=label_bytes
        )
        target = output.target if split is None else output.of_part(name)
        files = None
        if division:
            files = count_files(output.file_format, len(span), options.shards, options.shard_size, prefix="--")
        parts.append(Part(name, target, bound, header, shards, files))
    return parts if shard is None else [part.shard(shard[0]) for part in parts]


def load_chosen_digits(options: argparse.Namespace) -> DigitImageDataset:
    """Load the digits that `--digits` names; files and folders are read in a process of its own first."""
    if options.digits is None:
        return default_digits(isolated=True)
    return load_digits(options.digits, isolated=True) if options.digits else packaged_digits()


def _check_width(spec: RenderSpec, output: Output) -> None:
    """Raise SpecError if the format holds all images in one array and its width is not known."""
    if spec.ragged and not spec.is_bounded and not FORMATS[output.file_format].is_folder:
        folders = " or ".join(name for name, row in FORMATS.items() if row.is_folder)
        raise SpecError(
            f"--image-width is {spec.width} and the format is {output.file_format}, which holds all images in one "
            f"array: give the widest, as in --image-width auto:512, or a format that holds single images, {folders}"
        )


def _check_shards(options: argparse.Namespace, output: Output, shards: int | None) -> None:
    """Raise SpecError if the format has no shards, or each shard would be made with another seed."""
    if shards is None:
        return
    flag = f"--shards is {options.shards}" if options.shard is None else f"--shard is {options.shard}"
    if output.file_format != "hdf5":
        raise SpecError(
            f"{flag} and the format is {output.file_format}: give --format hdf5, or --shards with webdataset or parquet"
        )
    if options.shard is not None and options.seed is None:
        raise SpecError(f"{flag} without --seed: each shard would draw one of its own; give all of them the same")
