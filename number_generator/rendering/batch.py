"""All images of a job at once, in several threads."""

import math
from contextlib import closing

import numpy as np

from number_generator.digits.atlas import GlyphAtlas
from number_generator.errors import MemoryLimitError
from number_generator.job.chunk import Chunk, Images
from number_generator.job.spec import Job, Span
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.ground_truth import join_truth
from number_generator.system.buffers import uninitialised_bytes
from number_generator.system.threads import ordered_map

_TOO_LARGE = "not enough memory to draw the batch: make it in parts, or with fewer workers"


def make_whole_chunk(job: Job, atlas: GlyphAtlas, workers: int) -> Chunk:
    """Make all images of a job at once; one worker starts no thread."""
    images = allocate_images(job)
    chunks = make_images(job, atlas, images, workers)
    labels = np.concatenate([chunk.labels for chunk in chunks])
    try:
        return Chunk(job.span, images, labels, join_truth([chunk.truth for chunk in chunks]))
    except MemoryError as exc:
        raise MemoryLimitError(_TOO_LARGE) from exc


def make_images(job: Job, atlas: GlyphAtlas, images: Images, workers: int) -> list[Chunk]:
    """Draw a job into `images`, and return its chunks, of which there is at least one."""
    first = job.span.start

    def make(span: Span) -> Chunk:
        return make_chunk(job, atlas, span, images[span.start - first : span.stop - first])

    # A small batch is one task, and so starts no thread.
    spans = list(job.split(workers=workers)) or [job.span]
    try:
        with closing(ordered_map(make, spans, min(workers, len(spans)))) as chunks:
            return list(chunks)
    except MemoryError as exc:
        raise MemoryLimitError(_TOO_LARGE) from exc


def allocate_images(job: Job) -> Images:
    """Allocate memory for all images of a job, or raise MemoryLimitError."""
    try:
        return uninitialised_bytes(math.prod(job.shape)).reshape(job.shape)
    except (MemoryError, ValueError, OverflowError) as exc:
        gigabytes = job.shape[0] * job.shape[1] * job.shape[2] / 2**30
        raise MemoryLimitError(
            f"{job.shape[0]} images of {job.shape[2]} x {job.shape[1]} px take {gigabytes:.1f} GiB, more than "
            "there is: make them in parts, or write them with generate-phone-numbers --format hdf5"
        ) from exc
