"""`--truth`: what is stored with the images."""

import json
import re
import shlex

import h5py
import numpy as np
import pytest
from running import PHONE, content_of, load, read_usage_error, run_phone
from written import arrays_in

from number_generator import GenericDataset, PhoneNumbers, generate_chunk
from number_generator.rendering.ground_truth import parameter_names

ALL_TRUTH = "--truth=boxes,glyphs,parameters"

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("style", ["clean", "natural"])
@pytest.mark.parametrize("label", ["written", "digits"])
def test_the_truth_of_a_file_is_that_of_the_library(style, label, compression):
    count = 700

    status = run_phone(
        f"--num-images={count}", "--dashes", "--seed=9", f"--style={style}", f"--label={label}", ALL_TRUTH,
        f"--compression={compression}", "--output-path=set.h5", "--image-width=90",
    )  # fmt: skip

    gaps = (5, 10) if style == "clean" else None
    chunk = generate_chunk(
        PhoneNumbers(dashes=True), gaps, 90, count=count, style=style, seed=9, label=label,
        truth=["boxes", "glyphs", "parameters"],
    )  # fmt: skip
    content = content_of("set.h5")
    assert status == 0
    assert set(content) == {"images", "labels", *chunk.truth}
    np.testing.assert_array_equal(content["images"], chunk.images)
    np.testing.assert_array_equal(content["labels"].astype(str), chunk.labels)
    for name, values in chunk.truth.items():
        stored = content[name]
        assert stored.dtype == values.dtype
        if name not in ("writers", "parameters"):  # by character: 13 of the longest number that there can be
            assert stored.shape[1] == 13
            assert (stored[:, values.shape[1] :] == -1).all() or np.isnan(stored[:, values.shape[1] :]).all()
            stored = stored[:, : values.shape[1]]
        np.testing.assert_array_equal(stored, values, err_msg=name)


def test_the_arrays_of_truth_tell_what_they_hold():
    run_phone("--num-images=20", ALL_TRUTH, "--style=natural", "--output-path=set.h5")

    names = parameter_names("natural")
    with h5py.File("set.h5") as file:
        assert (file["boxes"].shape, file["boxes"].dtype) == ((20, 11, 4), np.int16)
        assert file["boxes"].attrs["columns"] == "x0,y0,x1,y1"
        assert "half-open" in file["boxes"].attrs["unit"]
        assert (file["glyphs"].shape, file["glyphs"].dtype) == ((20, 11), np.int32)
        assert (file["writers"].shape, file["writers"].dtype) == ((20,), np.int64)
        assert tuple(file["parameters"].attrs["columns"].split(",")) == names.line
        assert tuple(file["glyph_parameters"].attrs["columns"].split(",")) == names.glyph
        assert file["parameters"].shape == (20, len(names.line))
        assert file["glyph_parameters"].shape == (20, 11, len(names.glyph))
        assert all(dataset.compression == "gzip" for dataset in map(file.get, arrays_in(file)))


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("boxes", ["boxes"]),
        (" glyphs , boxes ", ["boxes", "glyphs", "writers"]),
        ("parameters", ["glyph_parameters", "parameters"]),
    ],
)
def test_what_is_asked_for_is_stored_and_recorded(option, names):
    status = run_phone("--num-images=5", f"--truth={option}", "--format=hdf5")

    file_name = "phonenumbers-handwritten-dataset-5.h5"
    kinds = [kind for kind in ("boxes", "glyphs", "parameters") if kind in option]
    metadata = load(file_name)[2]
    assert status == 0
    assert sorted(content_of(file_name)) == sorted(["images", "labels", *names])
    assert f"--truth={','.join(kinds)}" in shlex.split(metadata["command"])
    assert json.loads(metadata["job"])["truth"] == kinds


def test_the_truth_changes_neither_images_nor_labels():
    options = ["--num-images=600", "--seed=2", "--style=document", "--output-path"]

    run_phone(*options, "with.h5", ALL_TRUTH)
    run_phone(*options, "without.h5")

    ours, theirs = content_of("with.h5"), content_of("without.h5")
    assert set(theirs) == {"images", "labels"}
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_a_file_with_truth_is_a_dataset_like_any_other():
    run_phone("--num-images=30", ALL_TRUTH, "--seed=1", "--output-path=with.h5")
    run_phone("--num-images=30", "--seed=1", "--output-path=without.pickle")

    images, labels, _ = load("with.h5")
    others, same_labels, _ = load("without.pickle")
    assert np.array_equal(images, others)
    assert labels == same_labels


@pytest.mark.parametrize("index", [slice(None), slice(3, 9), slice(-1, None, -7), slice(20, 20)], ids=str)
def test_the_truth_of_a_file_is_read_by_slices(index):
    run_phone("--num-images=30", ALL_TRUTH, "--seed=1", "--output-path=with.h5")
    dataset = GenericDataset()
    dataset.load("with.h5")

    truth = dataset.get_truth(index)

    content = content_of("with.h5")
    assert set(truth) == set(content) - {"images", "labels"}
    for name, values in truth.items():
        np.testing.assert_array_equal(values, content[name][index], err_msg=name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--truth=boxes", "--format=png"],
            "--truth is boxes and the format is png, which holds it only in the label file jsonl: add jsonl to",
        ),
        (["--truth=boxes", "--format=png", "--labels=json,csv"], "add jsonl to --labels"),
        (
            ["--truth=masks", "--format=hdf5"],
            "--truth is 'masks', which holds 'masks': give some of boxes, glyphs, par",
        ),
        (["--truth=boxes,glyph", "--format=hdf5"], "which holds 'glyph': give some of boxes, glyphs, parameters"),
        (["--truth=boxes,", "--format=hdf5"], "which holds ''"),
        (["--truth=", "--format=hdf5"], "which holds ''"),
        (
            ["--truth=boxes", "--format=hdf5", "--image-width=32768"],
            "boxes are requested for pages of 32768 x 28 px, but hold coordinates up to 32767: give smaller pages",
        ),
    ],
)
def test_truth_that_cannot_be_stored_is_one_clear_error(folder, capsys, arguments, message):
    assert re.search(message, read_usage_error(folder, capsys, PHONE, arguments))
