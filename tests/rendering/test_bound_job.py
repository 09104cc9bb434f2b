"""A job bound to its digits: it makes the same images wherever its pickle goes, and that is small."""

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.resolve import packaged_digits, resolve_digits
from number_generator.errors import DatasetError, SpecError
from number_generator.job.handwriting import STYLE_VERSION, Handwriting
from number_generator.job.spec import RENDER_VERSION, Job, RenderSpec, Span
from number_generator.numbers.phone import PhoneNumbers
from number_generator.rendering.bound_job import BoundJob, bind_job

SPECS = {"clean": RenderSpec((5, 10), 100), "natural": RenderSpec(None, 100, style=Handwriting.named("natural"))}


def bound(style="clean", digits=None, count=50, **changes):
    return bind_job(
        packaged_digits() if digits is None else digits,
        PhoneNumbers(),
        SPECS[style],
        seed=3,
        span=Span(0, count),
        **changes,
    )


@pytest.mark.parametrize("style", list(SPECS))
def test_a_span_holds_the_images_of_the_whole(style):
    job = bound(style, truth=("glyphs",))

    whole, part = job.make_chunk(), job.make_chunk(Span(20, 31), workers=2)

    assert np.array_equal(part.images, whole.images[20:31])
    assert np.array_equal(part.labels, whole.labels[20:31])
    assert np.array_equal(part.truth["glyphs"], whole.truth["glyphs"][20:31])
    assert job.change_job(truth=()).make_chunk(Span(0, 1)).truth == {}


def test_a_pickle_takes_sources_and_source_numbers_along(make_digit_dataset, tmp_path):
    for name in ("one", "two"):
        make_digit_dataset(12, seed=len(name), per_class=5).save(tmp_path / f"{name}.pickle")
    mixed = {str(tmp_path / "one.pickle"): 0.9, str(tmp_path / "two.pickle"): 0.1}
    job = bound(digits=resolve_digits(mixed).subset(range(99, 0, -1)), truth=("glyphs",))

    again = pickle.loads(pickle.dumps(job))

    assert np.array_equal(again.make_chunk().images, job.make_chunk().images)
    glyphs = [each.make_chunk().truth["glyphs"] for each in (job, again)]
    assert np.array_equal(*glyphs)
    assert glyphs[0].max() > 50
    assert again.compute_fingerprint() == job.compute_fingerprint()


def test_a_pickle_is_small_and_pickles_of_the_same_digits_share_their_atlas():
    sent = pickle.dumps(bound())

    first, second = pickle.loads(sent), pickle.loads(pickle.dumps(bound(count=7)))

    assert first.digits is second.digits
    assert first.atlas is second.atlas
    assert len(sent) < 1_000_000  # the digits' images alone take 3.9 MB


def test_a_changed_job_keeps_the_atlas():
    job = bound("natural")

    changed = job.change_job(span=Span(5, 9), seed=4)

    assert changed.atlas is job.atlas
    assert changed.digits is job.digits
    assert changed.job == replace(job.job, span=Span(5, 9), seed=4)


def test_digits_of_another_height_are_rejected(make_digit_dataset):
    job = Job(PhoneNumbers(), SPECS["clean"], 28, 1, Span(0, 1))

    with pytest.raises(SpecError, match="the job is for digits 28 px high, and these are 12 px high: give the digits"):
        BoundJob(job, make_digit_dataset(12))


def test_a_job_is_not_bound_to_no_digits():
    with pytest.raises(DatasetError, match="the digit dataset is empty"):
        bound(digits=DigitImageDataset())


def test_the_fingerprint_is_of_all_but_the_seed():
    job = bound("natural")
    about = {
        "numbers": {"numbers": "phone", "dashes": False},
        "spacing_range": None,
        "width": 100,
        "fit": "contain",
        "style": Handwriting.named("natural").describe(),
        "label": "written",
        "span": (0, 50),
        "digits": packaged_digits().sha256,
        "versions": (RENDER_VERSION, STYLE_VERSION),
        "batch_size": 8,
    }

    assert (
        job.compute_fingerprint(batch_size=8) == hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    )
    assert job.compute_fingerprint() == job.change_job(seed=9).compute_fingerprint()
    assert job.compute_fingerprint() != job.change_job(span=Span(0, 51)).compute_fingerprint()
