"""Datasets of images of another height, and of images that are each as wide as their line."""

import json

import numpy as np
import pytest
from running import PHONE, SEQUENCE, read_usage_error, run_phone
from running import run as run_command
from small_dataset import need

from number_generator import GenericDataset, generate_chunk
from number_generator.commands.inspection.verification import verify
from number_generator.commands.runs import execute
from number_generator.formats.reader import open_reader
from number_generator.numbers.phone import PhoneNumbers

pytestmark = pytest.mark.usefixtures("folder")

ENDINGS = {"pickle": ".pickle", "hdf5": ".h5", "npz": ".npz", "lmdb": ".lmdb"}


def run(file_format, *options, style="document"):
    place = f"set{ENDINGS.get(file_format, '')}"
    options = "--num-images=30", "--seed=1", f"--style={style}", f"--format={file_format}", "--truth=boxes", *options
    label = ["--labels=jsonl"] if file_format == "png" else []
    assert run_phone("--workers=1", f"--output-path={place}", *options, *label) == 0
    return place


def expected_of(width, height=None, style="document"):
    return generate_chunk(
        PhoneNumbers(), None, width, count=30, style=style, seed=1, image_height=height, truth=["boxes"]
    )


def test_every_format_holds_each_image_at_its_own_width(file_format):
    expected = expected_of("auto:300", 40)

    place = run(file_format, "--image-width=auto:300", "--image-height=40")

    dataset = GenericDataset()
    dataset.load(place)
    for number, image in enumerate(expected.cut_images()):
        found, label = dataset[number]
        np.testing.assert_array_equal(found, image, err_msg=f"image {number}")
        assert label == expected.labels[number]
    np.testing.assert_array_equal(dataset.get_truth()["boxes"], expected.truth["boxes"])
    metadata = dataset.get_metadata()
    assert "--image-width=auto:300 --image-height=40" in metadata["command"]
    with open_reader(place) as reader:
        found = verify(reader)
    assert found.reason is None
    assert found.is_verified
    assert found.compared == 30


def test_folders_need_no_greatest_width_and_arrays_do(folder, folder_format, capsys):
    run(folder_format, "--image-width=auto")
    dataset = GenericDataset()
    dataset.load("set.lmdb" if folder_format == "lmdb" else "set")
    np.testing.assert_array_equal(dataset[7][0], expected_of("auto").cut_images()[7])
    capsys.readouterr()

    for array_format in ("hdf5", "npz", "pickle"):
        options = ["--image-width=auto", f"--format={array_format}", "--num-images=3"]
        text = read_usage_error(folder, capsys, PHONE, options)
        assert f"--image-width is auto and the format is {array_format}" in text
        assert "--image-width auto:512" in text


def test_a_resumed_run_of_images_that_differ_in_width_is_the_same(monkeypatch):
    need("lmdb")
    options = "--image-width=auto:400", "--image-height=32", "--resume"
    made = []

    def stop_after_some(job, atlas, span, *rest, **more):
        if len(made) > 1:
            raise KeyboardInterrupt
        made.append(span)
        return make_chunk(job, atlas, span, *rest, **more)

    make_chunk = execute.make_chunk
    monkeypatch.setattr(execute, "make_chunk", stop_after_some)
    monkeypatch.setattr("number_generator.job.spec._FEWEST_SPAN_IMAGES", 8)
    monkeypatch.setattr("number_generator.job.spec.SPAN_BYTES", 2**16)
    with pytest.raises(KeyboardInterrupt):
        run("npz", *options)
    monkeypatch.setattr(execute, "make_chunk", make_chunk)

    place = run("npz", *options)

    dataset = GenericDataset()
    dataset.load(place)
    for number, image in enumerate(expected_of("auto:400", 32).cut_images()):
        np.testing.assert_array_equal(dataset[number][0], image)


def test_a_higher_page_is_part_of_what_a_dataset_says():
    place = run("npz", "--image-height=64", "--image-width=200", style="natural")

    with np.load(place) as file:
        assert file["images"].shape == (30, 64, 200)
        about = json.loads(file["metadata"].item())
    assert json.loads(about["job"])["height"] == 64
    assert "--image-height=64" in about["command"]


def test_a_wrong_size_is_a_usage_error(folder, capsys):
    for option, text in (
        ("--image-height=15", "--image-height is 15: give an integer, from 16 to 256"),
        ("--image-height=300", "--image-height is 300: give an integer, from 16 to 256"),
        ("--image-width=wide", "--image-width is 'wide': give an integer from 1 to 65535, or 'auto' or 'auto:MAX'"),
        ("--image-width=auto:0", "MAX of --image-width auto:MAX is 0: give an integer, from 1 to 65535"),
    ):
        assert text in read_usage_error(folder, capsys, PHONE, [option])


def test_small_print_is_told_on_stderr_once(capfd):
    run("npz", "--min-spacing=100", "--max-spacing=200", style="clean")
    told = capfd.readouterr().err
    assert told.count("warning: the digits come out") == 1
    assert "px high, where about 7 px are needed" in told

    run("npz", "--image-width=30", "--overwrite", style="document")
    assert capfd.readouterr().err.count("warning: the digits come out") == 1
    run("npz", "--overwrite", style="clean")
    assert "warning" not in capfd.readouterr().err


def test_one_number_and_a_sheet_take_both_sizes(capfd):
    assert run_command(SEQUENCE, "--sequence=0123", "--image-width=auto", "--image-height=64", "--seed=1") == 0
    assert "x 64 generated successfully" in capfd.readouterr().out
    assert run_phone("--image-width=auto", "--image-height=64", "--seed=1", "--preview=sheet.png") == 0
