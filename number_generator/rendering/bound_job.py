"""What another process needs to make any images of a job: the job and its digits, in few bytes."""

import dataclasses
import pickle
import threading
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from isal import isal_zlib

from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.resolve import DigitImageDataset
from number_generator.digits.writers import find_writers, prepare_atlas
from number_generator.errors import SpecError
from number_generator.job.chunk import Chunk
from number_generator.job.handwriting import Handwriting
from number_generator.job.spec import Job, Span
from number_generator.rendering.batch import make_whole_chunk

__all__ = ["Recipe"]

_MAKING = threading.Lock()


@dataclass(frozen=True, eq=False)
class Recipe:
    """A job and the digits that it draws from; pickled, they are the digits' images alone, compressed.

    The atlas, which takes up to seconds, is made anew in each process that a recipe comes to, once for all recipes of
    the same digits.

    Attributes
    ----------
    job : Job
    digits : DigitImageDataset
        Their style clusters travel with them, as another machine may compute slightly different ones.

    Raises
    ------
    SpecError
        If the digits are not of the job's height.
    """

    job: Job
    digits: DigitImageDataset

    def __post_init__(self) -> None:
        height = self.digits.get_example_shape()[1]
        if height != self.job.height:
            raise SpecError(
                f"the job is for digits {self.job.height} px high, and these are {height} px high: give the digits "
                "that it was made for"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.job, self._packed)

    @property
    def atlas(self) -> GlyphAtlas:
        """What the job's images are drawn from."""
        with _MAKING:  # many threads begin at once, and the first one's work serves all
            return prepare_atlas(self.digits, self.job.spec.style)

    def chunk(self, span: Span, *, truth: tuple[str, ...] = ()) -> Chunk:
        """Make the images of a span, with some ground truth, in this thread."""
        return make_whole_chunk(dataclasses.replace(self.job, span=span, truth=truth), self.atlas, 1)

    @cached_property
    def _packed(self) -> bytes:
        return _packed(self.digits, self.job.spec.style)


def _packed(digits: DigitImageDataset, style: Handwriting) -> bytes:
    """Give all that a style needs to know of some digits."""
    clusters = digits.cluster_ids
    if not style.is_clean:
        groups = find_writers(digits, style.writer)
        if groups.is_computed:
            clusters = groups.names[groups.ids]
    parts = digits.images, digits.classes, digits.writer_ids, clusters, digits.source_numbers, digits.mixture
    # Four times as fast as the standard library's, and as small.
    return isal_zlib.compress(pickle.dumps(parts), 1)


def _restored(job: Job, packed: bytes) -> Recipe:
    return Recipe(job, _unpacked(packed))


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> DigitImageDataset:
    # A recipe travels pickled itself, and is as trusted as what it comes with.
    parts = pickle.loads(isal_zlib.decompress(packed))  # noqa: S301
    images, labels, writer_ids, cluster_ids, source_numbers, mixture = parts
    return DigitImageDataset.from_sources(
        images, labels, writer_ids=writer_ids, cluster_ids=cluster_ids, source_numbers=source_numbers, mixture=mixture
    )
