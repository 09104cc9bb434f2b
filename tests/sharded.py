"""Shards of a small job, made one by one as `--shard` makes them, and the same images in one file."""

import dataclasses
from itertools import pairwise
from pathlib import Path

from number_generator.formats.hdf5.index_writer import write_index
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import DatasetHeader
from number_generator.job.metadata import make_metadata
from number_generator.job.provenance import make_shard_metadata
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.phone import PhoneNumbers
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.ground_truth import make_truth_fields

COUNT, SHARDS = 42, 4
TRUTH = ("boxes", "glyphs", "parameters")


def job_of(count=COUNT, *, seed=1, start=0, truth=TRUTH, width=30):
    return Job(PhoneNumbers(), RenderSpec((1, 2), width), 12, seed, Span(start, start + count), truth=truth)


def header_of(job, shards=None, **more):
    metadata = make_metadata(job, "0" * 64, "", "hdf5", "gzip", shards=shards) | more
    return DatasetHeader(job.shape, job.numbers.longest, metadata, make_truth_fields(job, job.numbers.longest))


def write(path, job, header, atlas, compression="gzip"):
    with open_writer("hdf5", path, header, overwrite=True, compression=compression) as writer:
        for span in job.split(writer.span_multiple):
            writer.write(writer.encode(make_chunk(job, atlas, span)))
        writer.commit()
    return path


def bounds_of(job, shards):
    return [job.span.start + len(job.span) * number // shards for number in range(shards + 1)]


def name_of(number, shards, stem="set"):
    return f"{stem}-{number:05d}-of-{shards:05d}.h5"


def write_shard(folder, job, number, atlas, shards=SHARDS, *, name=None, compression="gzip", **more):
    """Write one shard of a job."""
    bounds = bounds_of(job, shards)
    span = Span(bounds[number], bounds[number + 1])
    whole = header_of(job, shards, **more)
    header = dataclasses.replace(
        whole,
        shape=(len(span), *whole.shape[1:]),
        metadata=make_shard_metadata(whole.metadata, number, shards, span),
    )
    path = Path(folder) / (name or name_of(number, shards))
    return write(path, dataclasses.replace(job, span=span), header, atlas, compression)


def write_shards(folder, job, atlas, shards=SHARDS, **more):
    """Write all shards of a job."""
    return [write_shard(folder, job, number, atlas, shards, **more) for number in range(shards)]


def write_whole(folder, job, atlas, shards=SHARDS, **more):
    """Write all shards of a job, and their index."""
    paths = write_shards(folder, job, atlas, shards, **more)
    bounds = bounds_of(job, shards)
    counts = [stop - start for start, stop in pairwise(bounds)]
    index = Path(folder) / "set.h5"
    named = list(zip([path.name for path in paths], counts, strict=True))
    write_index(index, header_of(job, shards, **more), named, overwrite=True)
    return index
