"""What ground truth costs: images at width 128 with numbers of 10 and 11 digits, one thread; and in a file."""

import numpy as np
import pytest
from workload import HEIGHT, phone_numbers

from number_generator import PhoneNumbers, generate_chunk
from number_generator.commands.runs.execute import write_job
from number_generator.digits.resolve import packaged_digits
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import DatasetHeader
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.rendering.bound_job import BoundJob
from number_generator.rendering.ground_truth import make_truth_fields
from number_generator.system.threads import count_cores

_WIDTH = 128
_PAGE = HEIGHT * _WIDTH
_LINES = {"clean": 20_000, "natural": 4_000}
_STORED = ("boxes", "glyphs", "parameters")
_KINDS = {"none": (), **{kind: (kind,) for kind in _STORED}, "all three": _STORED, "masks": ("masks",)}
_FEW = 500  # masks take as much memory as a page for each character


def _spacing(style):
    return (5, 10) if style == "clean" else None


def _draw(sequences, style, truth):
    return generate_chunk(sequences, _spacing(style), _WIDTH, truth=truth, style=style, seed=1, workers=1)


@pytest.mark.benchmark(group="ground truth, phone numbers at width 128")
@pytest.mark.parametrize("kinds", list(_KINDS))
@pytest.mark.parametrize("style", list(_LINES))
def test_truth(rate, is_smoke, style, kinds):
    truth = _KINDS[kinds]
    count = _FEW if is_smoke or kinds == "masks" else _LINES[style]
    sequences = phone_numbers(count)
    against = {"none": (lambda: _draw(sequences, style, ()), count)} if truth else None
    chunk = rate(_draw, sequences, style, truth, count=count, size=count * _PAGE, against=against)
    assert chunk.images.min() < 64
    if "boxes" in truth:
        assert (chunk.truth["boxes"][:, :10, 2] > chunk.truth["boxes"][:, :10, 0]).all()
    if "glyphs" in truth:
        glyphs = chunk.truth["glyphs"][:, :10]
        forms = chunk.truth["forms"][:, :10] if "forms" in chunk.truth else np.full_like(glyphs, -1)
        assert ((glyphs >= 0) != (forms >= 0)).all()
    if "masks" in truth:
        assert chunk.truth["masks"].max() == 255


@pytest.mark.benchmark(group="ground truth in HDF5, phone numbers at width 128")
@pytest.mark.parametrize("kinds", ["none", "boxes", "all three"])
@pytest.mark.parametrize("style", list(_LINES))
def test_truth_in_a_file(rate, benchmark, is_smoke, tmp_path, style, kinds):
    count = _FEW if is_smoke else _LINES[style]
    path = tmp_path / "dataset.h5"

    def write(truth):
        spec = RenderSpec(_spacing(style), _WIDTH, style=style)
        job = Job(PhoneNumbers(), spec, HEIGHT, 1, Span(0, count), truth=truth)
        header = DatasetHeader(job.shape, 11, {}, make_truth_fields(job, 11))
        with open_writer("hdf5", path, header, overwrite=True) as writer:
            write_job(BoundJob(job, packaged_digits()), writer, workers=count_cores())
            writer.commit()

    truth = _KINDS[kinds]
    against = {"none": (lambda: write(()), count)} if truth else None
    rate(write, truth, count=count, size=count * _PAGE, against=against)
    benchmark.extra_info["bytes_per_image"] = round(path.stat().st_size / count)
    assert path.stat().st_size > 300 * count
