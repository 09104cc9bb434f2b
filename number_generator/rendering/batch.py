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


def make_whole_chunk(job: Job, atlas: GlyphAtlas, workers: int, *, warns: bool = False) -> Chunk:
    """Make all images of a job at once; one worker starts no thread."""
    images = None if job.spec.ragged else allocate_images(job)
    chunks = make_images(job, atlas, images, workers, warns=warns)
    labels = np.concatenate([chunk.labels for chunk in chunks])
    try:
        truth = join_truth([chunk.truth for chunk in chunks])
        if images is not None:
            return Chunk(job.span, images, labels, truth)
        sizes = np.concatenate([chunk.sizes for chunk in chunks if chunk.sizes is not None])
        return Chunk(job.span, _join_images(chunks), labels, truth, sizes)
    except MemoryError as exc:
        raise MemoryLimitError(_TOO_LARGE) from exc


def _join_images(chunks: list[Chunk]) -> Images:
    """Join the images of chunks, as wide as the widest."""
    if len(chunks) == 1:
        return chunks[0].images
    height, width = chunks[0].images.shape[1], max(chunk.images.shape[2] for chunk in chunks)
    count, channels = sum(len(chunk.images) for chunk in chunks), chunks[0].images.shape[3:]
    images = np.full((count, height, width, *channels), 255, np.uint8)
    first = 0
    for chunk in chunks:
        images[first : first + len(chunk.images), :, : chunk.images.shape[2]] = chunk.images
        first += len(chunk.images)
    return images


def make_images(
    job: Job, atlas: GlyphAtlas, images: Images | None, workers: int, *, warns: bool = False
) -> list[Chunk]:
    """Draw a job into `images`, and return its chunks, of which there is at least one.

    Without `images` each chunk has its own. `warns` is that of `make_chunk`, for the first images.
    """
    first = job.span.start

    def make(span: Span) -> Chunk:
        out = None if images is None else images[span.start - first : span.stop - first]
        return make_chunk(job, atlas, span, out, warns=warns and span.start == first)

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
        return uninitialised_bytes(math.prod(job.array_shape)).reshape(job.array_shape)
    except (MemoryError, ValueError, OverflowError) as exc:
        gigabytes = math.prod(job.array_shape) / 2**30
        raise MemoryLimitError(
            f"{job.shape[0]} images of {job.shape[2]} x {job.shape[1]} px take {gigabytes:.1f} GiB, more than "
            "there is: make them in parts, or write them with generate-phone-numbers --format hdf5"
        ) from exc
