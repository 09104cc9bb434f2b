"""A job bound to the digits that it draws from: all that it takes to make its images, in any process."""

import hashlib
import json
import os
import pickle
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from isal import isal_zlib

from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.resolve import Digits, resolve_digits
from number_generator.digits.writers import Writers, find_writers, prepare_atlas
from number_generator.errors import SpecError
from number_generator.job.chunk import Chunk
from number_generator.job.defaults import REAL_SHARE
from number_generator.job.handwriting import STYLE_VERSION, Handwriting
from number_generator.job.spec import RENDER_VERSION, Fit, Job, Label, NumberSource, RenderSpec, Span, check_truth
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.sequences import FixedNumbers, check_alphabet, pack_sequences
from number_generator.rendering.batch import make_whole_chunk
from number_generator.rendering.own_paper import find_own_paper
from number_generator.scans.mixing import Balance
from number_generator.scans.real_lines import RealRequest, make_request
from number_generator.system.checks import check_integer, check_seed

_Bound = TypeVar("_Bound", bound="BoundJob")
_MAKING = threading.Lock()


@dataclass(frozen=True, eq=False)
class BoundJob:
    """A job and the digits that it draws from, which must be of its height unless the job has one of its own.

    It pickles as the job and the digits, compressed. The atlas can take seconds to make; each process that unpickles it
    does so once for all bound jobs of the same digits. Their style clusters travel with the digits, as another machine
    may compute slightly different ones.
    """

    job: Job
    digits: DigitImageDataset

    def __post_init__(self) -> None:
        self.job.check_digits(self.digits.get_example_shape()[1])

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.job, self._packed)

    @cached_property
    def atlas(self) -> GlyphAtlas:
        """What the images are drawn from."""
        with _MAKING:  # many threads begin at once, and the first one's work serves all
            return prepare_atlas(self.digits, self.job.spec.style)

    @property
    def writers(self) -> Writers | None:
        """Whose digits stand together in a line; None in the style `clean`, which mixes them."""
        style = self.job.spec.style
        return None if style.is_clean else find_writers(self.digits, style.writer)

    def make_chunk(self, span: Span | None = None, *, workers: int = 1, warns: bool = False) -> Chunk:
        """Make the images of a span, or all, with labels and ground truth; one worker starts no thread.

        If it `warns`, it logs a warning if the first lines are too small to read.
        """
        job = self.job if span is None else replace(self.job, span=span)
        return make_whole_chunk(job, self.atlas, workers, warns=warns)

    def change_job(self: _Bound, **changes: Any) -> _Bound:
        """Return the same with some attributes of the job changed, but not the style, as the atlas is kept."""
        changed = type(self)(replace(self.job, **changes), self.digits)
        return changed.keep_atlas(self.__dict__["atlas"]) if "atlas" in self.__dict__ else changed

    def keep_atlas(self: _Bound, atlas: GlyphAtlas) -> _Bound:
        """Take over an atlas of these digits, prepared for this style, and return the bound job."""
        self.__dict__["atlas"] = atlas
        return self

    def compute_fingerprint(self, **about: Any) -> str:
        """Compute the SHA-256 of all that the images and labels depend on but for the seed, and of `about`."""
        job, spec = self.job, self.job.spec
        about |= {
            "numbers": job.numbers.describe(),
            "spacing_range": spec.spacing_range,
            "width": spec.width,
            "fit": spec.fit,
            "style": spec.style.describe(color=spec.color),
            "label": job.label,
            "span": (job.span.start, job.span.stop),
            "digits": self.digits.sha256,
            "versions": (RENDER_VERSION, STYLE_VERSION),
        }
        if spec.style.paper_images is not None:
            about["paper"] = spec.style.paper_images.sha256
        if spec.color:
            about["color"] = True
        if spec.height is not None:
            about["image_height"] = spec.height
        if job.real is not None:
            about |= job.real.describe()
        return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()

    @cached_property
    def _packed(self) -> bytes:
        """The digits, with all that the style must know of them."""
        digits, writers = self.digits, self.writers
        clusters = digits.cluster_ids
        if writers is not None and writers.is_computed:
            clusters = writers.names[writers.ids]
        parts = digits.images, digits.classes, digits.writer_ids, clusters, digits.source_numbers, digits.mixture
        # Four times as fast as the standard library's, and as small.
        return isal_zlib.compress(pickle.dumps(parts), 1)


def make_job(
    numbers: Any,
    spacing_range: tuple[int, int] | None,
    width: int | str,
    *,
    count: int | None = None,
    label: Label = "written",
    style: str | os.PathLike[str] | Handwriting = "clean",
    seed: int | None = None,
    start: int = 0,
    digits: Digits = None,
    fit: Fit = "contain",
    truth: str | Sequence[str] = (),
    alphabet: str | None = None,
    image_height: int | None = None,
    real: Any = None,
    real_share: float = REAL_SHARE,
    real_lines: Any = None,
    real_balance: Balance = "lines",
    real_holdout: float = 0.0,
    color: bool = False,
) -> BoundJob:
    """Check what `generate_chunk` takes, and bind the job that it describes.

    If `count` is given, a list of numbers is written over and over to make as many images: it is a whole one, which
    tells its alphabet, as number sources do.
    """
    if isinstance(numbers, type):
        raise SpecError(f"numbers is the class {numbers.__name__}: give one of its objects, {numbers.__name__}(...)")
    first = check_integer("start", start, 0)
    spec = RenderSpec(spacing_range, width, fit, style, image_height, color)  # type: ignore[arg-type] # it finds the style
    source: NumberSource
    if isinstance(numbers, NumberSource):
        if alphabet is not None:
            raise SpecError(
                f"alphabet is {alphabet!r} and numbers is a {type(numbers).__name__}, which has its own: leave "
                "alphabet out"
            )
        if count is None:
            raise SpecError(f"count is None and numbers is a {type(numbers).__name__}: give the number of images")
        source = numbers
    else:
        packed = pack_sequences(numbers)
        if count is None:
            source, count = FixedNumbers(packed, first, check_alphabet(alphabet, packed)), len(packed)
        else:
            digest = hashlib.sha256(packed.offsets.tobytes() + packed.codes.tobytes()).hexdigest()
            source = ListedNumbers(packed, first=first, about={"sha256": digest})
    span = Span(first, first + check_integer("count", count, 0))
    chosen = resolve_digits(digits)
    request = make_request(real, real_share, real_lines, real_balance, real_holdout)
    return bind_job(
        chosen, source, spec, seed=check_seed(seed), span=span, label=label, truth=check_truth(truth), real=request
    )


def bind_job(
    digits: DigitImageDataset,
    numbers: NumberSource,
    spec: RenderSpec,
    *,
    seed: int,
    span: Span,
    label: Label = "written",
    truth: tuple[str, ...] = (),
    real: RealRequest | None = None,
) -> BoundJob:
    """Bind a job to digits.

    Atlas, own paper and real lines are loaded at once, so that too few digits, and pictures that cannot be read, fail
    here.
    """
    find_own_paper(spec.style, color=spec.color)
    atlas = prepare_atlas(digits, spec.style)
    height = spec.height or atlas.height
    part = None if real is None else real.load(height, spec.max_width)
    return BoundJob(Job(numbers, spec, height, seed, span, label, truth, part), digits).keep_atlas(atlas)


def _restore(kind: type[_Bound], job: Job, packed: bytes) -> _Bound:
    return kind(job, _unpack(packed))


@lru_cache(maxsize=2)
def _unpack(packed: bytes) -> DigitImageDataset:
    # A bound job travels pickled itself, and is as trusted as what it comes with.
    parts = pickle.loads(isal_zlib.decompress(packed))  # noqa: S301 - see above
    images, labels, writer_ids, cluster_ids, source_numbers, mixture = parts
    return DigitImageDataset.from_sources(
        images, labels, writer_ids=writer_ids, cluster_ids=cluster_ids, source_numbers=source_numbers, mixture=mixture
    )
