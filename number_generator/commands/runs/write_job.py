"""A job written into a dataset."""

from collections.abc import Callable
from contextlib import closing

from number_generator.formats.writer import Writer
from number_generator.job.spec import Span
from number_generator.rendering.bound_job import BoundJob
from number_generator.rendering.engine import make_chunk
from number_generator.system.threads import ordered_map


def write_job(
    bound: BoundJob, writer: Writer, *, workers: int, advance: Callable[[int], object] = lambda _: None
) -> None:
    """Make all images of a job and write them, in order, without committing the writer.

    Parameters
    ----------
    bound : BoundJob
    writer : Writer
        Rendering and encoding run in the workers, writing in this thread.
    workers : int
        Number of threads; 1 starts none.
    advance : callable
        Called with the number of images after each write.
    """
    job, atlas = bound.job, bound.atlas

    def task(span: Span) -> tuple[int, object]:
        return len(span), writer.encode(make_chunk(job, atlas, span))

    # Compiled here, not in several threads at once, which would wait for one another.
    make_chunk(job, atlas, Span(job.span.start, job.span.start + 1))
    with closing(ordered_map(task, job.split(writer.span_multiple, workers), workers)) as results:
        for count, encoded in results:
            writer.write(encoded)
            advance(count)
