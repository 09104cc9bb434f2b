"""The recorded command and the metadata: they make the same dataset again."""

import json
import re
import shlex
import shutil

import numpy as np
import pytest
from running import PHONE, content_of, load, run, run_phone, stored
from written import names_in

import number_generator
from number_generator import Handwriting
from number_generator.digits.resolve import default_digits
from number_generator.job.handwriting import STYLE_VERSION

STYLE_FILE = 'base = "document"\nslant = [-0.2, 0.4]\nblur = {mean = 0.4, sd = 0.1, low = 0.1, high = 0.8}\n'
ALL_TRUTH = "--truth=boxes,glyphs,parameters"

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("ending", ["pickle", "h5"])
@pytest.mark.parametrize("fit", ["contain", "stretch"])
def test_the_recorded_command_makes_the_same_images_and_labels_again(ending, fit):
    run(PHONE, "--num-images=70", "--min-spacing=0", "--max-spacing=40", "--image-width=77", f"--fit={fit}",
        f"--output-path=set.{ending}")  # fmt: skip
    images, labels, metadata = load(f"set.{ending}")

    name, *arguments = shlex.split(metadata["command"])
    status = run(PHONE, *arguments, "--output-path=again")

    suffix = "h5" if ending == "h5" else "pickle"
    again = load(f"again/phonenumbers-handwritten-dataset-70.{suffix}")
    assert (name, status) == ("generate-phone-numbers", 0)
    assert np.array_equal(again[0], images)
    assert again[1] == labels


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_the_recorded_command_stores_them_in_the_same_way_again(compression):
    run(PHONE, "--num-images=600", "--image-width=77", f"--compression={compression}", "--output-path=set.h5")
    metadata = load("set.h5")[2]

    name, *arguments = shlex.split(metadata["command"])
    status = run(PHONE, *arguments)

    again = load("phonenumbers-handwritten-dataset-600.h5")[2]
    assert (name, status) == ("generate-phone-numbers", 0)
    assert f"--compression={compression}" in arguments
    assert stored("phonenumbers-handwritten-dataset-600.h5") == stored("set.h5")
    assert {**again, "creation_timestamp": 0} == {**metadata, "creation_timestamp": 0}


def test_the_recorded_command_draws_from_the_packaged_digits_whatever_the_environment_says(digit_files, monkeypatch):
    run(PHONE, "--num-images=20", "--output-path=set.h5")
    images, _, metadata = load("set.h5")
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(digit_files[1][2]))

    status = run(PHONE, *shlex.split(metadata["command"])[1:])

    assert status == 0
    assert np.array_equal(load("phonenumbers-handwritten-dataset-20.h5")[0], images)


def test_the_recorded_command_finds_digits_of_ones_own_from_any_folder(digit_files, folder, monkeypatch):
    shutil.copy(digit_files[1][0], folder / "my digits.pickle")
    run(PHONE, "--num-images=20", "--digits=my digits.pickle", "--output-path=set.h5")
    images, _, metadata = load("set.h5")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    status = run(PHONE, *shlex.split(metadata["command"])[1:])

    assert status == 0
    assert np.array_equal(load("phonenumbers-handwritten-dataset-20.h5")[0], images)


def test_the_recorded_command_names_the_digits_of_the_environment_variable(digit_files, monkeypatch):
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(digit_files[1][2]))
    run(PHONE, "--num-images=20", "--output-path=set.pickle")
    images, _, metadata = load("set.pickle")
    monkeypatch.delenv("NG_DEFAULT_DIGIT_DATASET")

    status = run(PHONE, *shlex.split(metadata["command"])[1:])

    assert status == 0
    assert np.array_equal(load("phonenumbers-handwritten-dataset-20.pickle")[0], images)


@pytest.mark.parametrize("name", ["set.pickle", "set.h5"])
def test_the_metadata_describes_the_whole_job(name):
    run(PHONE, "--num-images=5", "--seed=18446744073709551615", f"--output-path={name}")

    metadata = load(name)[2]
    assert list(metadata)[:3] == ["creation_timestamp", "spacing_range", "image_width"] or name.endswith("h5")
    assert isinstance(metadata["creation_timestamp"], float)
    assert tuple(metadata["spacing_range"]) == (5, 10)
    assert metadata["image_width"] == 100
    assert metadata["seed"] == 2**64 - 1
    assert metadata["fit"] == "contain"
    assert metadata["render_version"] == 2
    assert metadata["package_version"] == number_generator.__version__
    assert metadata["digits_sha256"] == default_digits().sha256
    job = metadata["job"]
    assert '"num_images": 5' in (job if isinstance(job, str) else str(job).replace("'", '"'))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dashes", "--label=digits"],
        [r"--pattern=[1-9]\d{0,2}(,\d{3})? ?", "--lengths=equal"],
        ["--pattern=amount", "--lengths=proportional"],
        ["--country=us,JP", "--dashes"],
        ["--sequences=own lines.txt"],
        ["--sequences=own.csv", "--column=the number", "--order=drawn"],
        ["--sequences=bare.csv", "--column=2", "--order=given", "--num-images=7", "--set=slant=0.3"],
        [ALL_TRUTH, "--style=natural"],
        ["--split=a=2/3,b=1/3", "--truth=glyphs", "--fit=stretch"],
        ["--split=a=2/3,b=1/3", "--sequences=own lines.txt", "--num-images=9"],
        ["--truth=boxes", "--compression=none", "--min-spacing=0"],
    ],
    ids=" ".join,
)
def test_the_recorded_command_makes_the_same_files_again(folder, tmp_path, monkeypatch, arguments):
    (folder / "own lines.txt").write_text("12\n3-4\n5 6\n")
    (folder / "own.csv").write_text("id,the number\n7,12\n8,3-4\n")
    (folder / "bare.csv").write_text("7,12\n8,3-4\n")
    count = [] if any(argument.startswith("--num") for argument in arguments) else ["--num-images=40"]

    status = run_phone(*count, *arguments, "--format=hdf5")

    made = [name for name in names_in(folder) if name.endswith(".h5")]
    assert status == 0
    again = tmp_path / "again"
    again.mkdir()
    for name in made:
        metadata = load(folder / name)[2]
        words = shlex.split(metadata["command"])
        assert words[0] == "generate-phone-numbers"
        monkeypatch.chdir(again)
        assert run_phone(*words[1:], "--overwrite") == 0
        assert names_in(again) == made
        ours, theirs = content_of(folder / name), content_of(again / name)
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
        same = load(again / name)[2]
        assert {**same, "creation_timestamp": 0} == {**metadata, "creation_timestamp": 0}


def test_the_file_tells_where_its_numbers_are_from(folder):
    (folder / "own.txt").write_text("1\n")
    options = {"listed": ["--sequences=own.txt"], "phone": ["--dashes"]}

    jobs = {}
    for name, arguments in options.items():
        run_phone("--num-images=2", *arguments, f"--output-path={name}.h5")
        jobs[name] = json.loads(load(f"{name}.h5")[2]["job"])

    assert jobs["listed"]["numbers"] == "listed"
    assert jobs["listed"]["sequences"] == str(folder / "own.txt")
    assert (jobs["phone"]["numbers"], jobs["phone"]["dashes"]) == ("phone", True)


def test_a_file_of_numbers_may_have_a_name_that_is_no_text(folder):
    name = b"own-\xff.txt".decode("utf-8", "surrogateescape")
    try:
        (folder / name).write_text("12\n34\n")
    except OSError:
        pytest.skip("the file system takes no such name")

    status = run_phone(f"--sequences={name}", "--output-path=set.h5")

    assert status == 0
    assert load("set.h5")[1] == ["12", "34"]


@pytest.mark.parametrize("ending", ["pickle", "h5"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--style=natural", "--set=slant=-0.2:0.4", "--set=thickness=normal(0.01, 0.02, -0.05, 0.05)"],
        ["--style=document", "--set=gap=job(0:0.3)", "--set=writer=mixed"],
        ["--style=natural", "--min-spacing=-6", "--max-spacing=2"],
        ["--style=mine.toml"],
        ["--style=mine.toml", "--set=invert=1"],
        ["--set=gap=0.2"],
    ],
    ids=" ".join,
)
def test_the_recorded_command_makes_the_same_styled_images_again(folder, ending, arguments):
    (folder / "mine.toml").write_text(STYLE_FILE, encoding="utf-8")
    run(PHONE, "--num-images=30", "--image-width=77", *arguments, f"--output-path=set.{ending}")
    images, labels, metadata = load(f"set.{ending}")
    (folder / "mine.toml").unlink()  # what it said is recorded

    name, *recorded = shlex.split(metadata["command"])
    status = run(PHONE, *recorded, "--output-path=again")

    suffix = "h5" if ending == "h5" else "pickle"
    again = load(f"again/phonenumbers-handwritten-dataset-30.{suffix}")
    assert (name, status) == ("generate-phone-numbers", 0)
    assert np.array_equal(again[0], images)
    assert again[1] == labels
    assert again[2]["command"] == metadata["command"]


@pytest.mark.parametrize("name", ["set.pickle", "set.h5"])
def test_the_metadata_holds_the_whole_style(name):
    run(PHONE, "--num-images=5", "--style=natural", "--set=slant=0.25", f"--output-path={name}")

    metadata = load(name)[2]
    job = json.loads(metadata["job"])
    assert metadata["spacing_range"] is None
    assert (metadata["style"], metadata["style_version"], metadata["writer"]) == ("custom", STYLE_VERSION, "cluster")
    assert re.fullmatch("[0-9a-f]{64}", metadata["writers_sha256"])
    assert Handwriting.from_dict(job["handwriting"]) == Handwriting.named("natural").replace(slant=0.25)
