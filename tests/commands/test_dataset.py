"""`generate-phone-numbers`: what it says, and the dataset that it makes."""

import re

import h5py
import numpy as np
import pytest
from PIL import Image
from running import BOTH, PHONE, SEQUENCE, load, run, untimed
from written import names_in

from number_generator import generate_batch
from number_generator.commands.runs import execute
from number_generator.system.threads import count_cores

pytestmark = pytest.mark.usefixtures("folder")


def test_the_dataset_command_says_what_version_0_0_1_said(folder, capsys):
    status = run(
        PHONE, "--num-images=200", "--min-spacing=5", "--max-spacing=10", "--image-width=100", "--output-path=./"
    )

    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    assert untimed(said.out) == (
        "---------------------------------\n"
        "Phone numbers dataset generator\n"
        "---------------------------------\n"
        "Creating phone numbers like database with 200 examples, this might take a few moments ...\n"
        "Dataset with 200 telephone like images generated successfully at "
        '"./phonenumbers-handwritten-dataset-200.pickle", process took 0.1 seconds...\n'
    )
    assert names_in(folder) == ["phonenumbers-handwritten-dataset-200.pickle"]


def test_the_dataset_is_the_one_that_the_library_makes(folder):
    run(PHONE, "--num-images=300", "--min-spacing=1", "--max-spacing=30", "--image-width=90", "--seed=5")

    images, labels, metadata = load("phonenumbers-handwritten-dataset-300.pickle")
    assert np.array_equal(images, generate_batch(labels, (1, 30), 90, seed=5))
    assert (metadata["spacing_range"], metadata["image_width"], metadata["seed"]) == ((1, 30), 90, 5)


def test_the_labels_are_phone_numbers():
    run(PHONE, "--num-images=2000", "--image-width=8")

    labels = load("phonenumbers-handwritten-dataset-2000.pickle")[1]
    assert all(re.fullmatch(r"0[1-9][0-9]{8,9}", label) for label in labels)
    assert {len(label) for label in labels} == {10, 11}


def test_the_dataset_command_has_defaults(folder, monkeypatch):
    seen = {}
    write_job = execute.write_job

    def spy(job, *arguments, workers, **keywords):
        seen["workers"] = workers
        write_job(job, *arguments, workers=workers, **keywords)

    monkeypatch.setattr(execute, "write_job", spy)
    status = run(PHONE)

    images, _, metadata = load("phonenumbers-handwritten-dataset-1000.pickle")
    assert status == 0
    assert names_in(folder) == ["phonenumbers-handwritten-dataset-1000.pickle"]
    assert images.shape == (1000, 28, 100)
    assert (metadata["spacing_range"], metadata["fit"]) == ((5, 10), "contain")
    assert seen["workers"] == count_cores()


@pytest.mark.parametrize(
    ("arguments", "written", "file_format"),
    [
        (["--format=hdf5"], "phonenumbers-handwritten-dataset-3.h5", "hdf5"),
        (
            ["--format", "pickle", "--output-path", "deep/er"],
            "deep/er/phonenumbers-handwritten-dataset-3.pickle",
            "pickle",
        ),
        (["--output-path=set.h5"], "set.h5", "hdf5"),
        (["--output-path=a/set.HDF5"], "a/set.HDF5", "hdf5"),
        (["--output-path=set.pickle", "--format=pickle"], "set.pickle", "pickle"),
        (["--output-path=set.h5", "--format=hdf5"], "set.h5", "hdf5"),
        (["--output-path=set.pkl"], "set.pkl/phonenumbers-handwritten-dataset-3.pickle", "pickle"),
    ],
)
def test_the_dataset_goes_where_the_output_path_says(folder, arguments, written, file_format):
    status = run(PHONE, "--num-images", 3, *arguments)

    assert status == 0
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == [written]
    assert h5py.is_hdf5(written) == (file_format == "hdf5")
    assert len(load(written)[0]) == 3


@BOTH
def test_options_are_written_with_an_equals_sign_or_without(command, needed, folder):
    together = ["--min-spacing=0", "--max-spacing=3", "--image-width=60", "--seed=9", "--output-path=a"]
    apart = [part for option in together[:-1] for part in option.split("=")] + ["--output-path", "b"]

    assert run(command, *needed, *together) == 0
    assert run(command, *needed, *apart) == 0

    (first,), (second,) = ((folder / name).iterdir() for name in "ab")
    if command is SEQUENCE:
        assert first.read_bytes() == second.read_bytes()
    else:
        assert np.array_equal(load(first)[0], load(second)[0])


def test_the_fit_changes_the_images_and_not_the_labels():
    for fit in ("contain", "stretch"):
        run(PHONE, "--num-images=50", "--image-width=60", "--seed=1", f"--fit={fit}", f"--output-path={fit}.pickle")

    contained, labels, _ = load("contain.pickle")
    stretched, same_labels, metadata = load("stretch.pickle")
    assert labels == same_labels
    assert metadata["fit"] == "stretch"
    assert np.array_equal(stretched, generate_batch(labels, (5, 10), 60, seed=1, fit="stretch"))
    assert not np.array_equal(contained, stretched)


def test_an_image_far_wider_than_its_number_can_be_made():
    assert run(PHONE, "--num-images=2", "--image-width=65535", "--format=hdf5") == 0
    assert load("phonenumbers-handwritten-dataset-2.h5")[0].shape == (2, 28, 65_535)


@BOTH
def test_the_same_seed_makes_the_same_images(command, needed, folder):
    for name, seed in [("a", 2**64 - 1), ("b", 2**64 - 1), ("c", 0)]:
        assert run(command, *needed, f"--seed={seed}", f"--output-path={name}") == 0

    a, b, c = (_pixels(next((folder / name).iterdir())) for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@BOTH
def test_no_seed_makes_other_images_each_time(command, needed, folder):
    for name in "ab":
        run(command, *needed, f"--output-path={name}")

    a, b = (_pixels(next((folder / name).iterdir())) for name in "ab")
    assert not np.array_equal(a, b)


def _pixels(path):
    if path.suffix == ".png":
        with Image.open(path) as image:
            return np.asarray(image)
    return load(path)[0]


def test_images_and_labels_do_not_depend_on_workers_or_format():
    for workers in (1, 2, 5):
        for ending in ("pickle", "h5"):
            run(PHONE, "--num-images=4500", "--seed=4", f"--workers={workers}", f"--output-path={workers}.{ending}")

    images, labels, _ = load("1.pickle")
    for name in ("2.pickle", "5.pickle", "1.h5", "2.h5", "5.h5"):
        assert np.array_equal(load(name)[0], images), name
        assert load(name)[1] == labels, name


def test_fewer_images_of_a_seed_are_the_first_of_more():
    for count in (10, 3000):
        run(PHONE, f"--num-images={count}", "--seed=4", f"--output-path={count}.pickle")

    assert np.array_equal(load("10.pickle")[0], load("3000.pickle")[0][:10])


@pytest.mark.parametrize("number", [0, 1, 2], ids=["pickle", "hdf5", "npz"])
def test_digits_of_ones_own_are_drawn_with(digit_files, number, capsys):
    digits, paths = digit_files

    assert run(PHONE, "--num-images=30", "--seed=2", "--digits", paths[number]) == 0
    assert run(SEQUENCE, "--sequence=123", "--seed=2", f"--digits={paths[number]}") == 0

    images, labels, metadata = load("phonenumbers-handwritten-dataset-30.pickle")
    assert images.shape == (30, 12, 100)
    assert np.array_equal(images, generate_batch(labels, (5, 10), 100, seed=2, digits=digits))
    assert metadata["digits_sha256"] == digits.sha256
    assert np.array_equal(_pixels_of("123.png"), generate_batch(["123"], (5, 10), 100, seed=2, digits=digits)[0])
    assert "Image of dimensions 100 x 12 " in capsys.readouterr().out


def _pixels_of(name):
    with Image.open(name) as image:
        return np.asarray(image)


@BOTH
def test_the_environment_variable_names_the_digits(command, needed, folder, digit_files, monkeypatch):
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(digit_files[1][0]))

    assert run(command, *needed) == 0

    assert _pixels(next(folder.iterdir())).shape[-2] == 12


@pytest.mark.parametrize("name", ["set.pickle", "set.h5", "phonenumbers-handwritten-dataset-5.pickle"])
def test_an_existing_dataset_is_not_touched(folder, capsys, name):
    (folder / name).write_bytes(b"earlier")

    status = run(PHONE, "--num-images=5", f"--output-path={'./' if name.startswith('phone') else name}")

    said = capsys.readouterr()
    assert status == 1
    assert said.out == ""
    assert said.err == (
        f"generate-phone-numbers: error: {name} exists already: allow overwriting (--overwrite) or give another name\n"
    )
    assert (folder / name).read_bytes() == b"earlier"
    assert names_in(folder) == [name]


@pytest.mark.parametrize("name", ["set.pickle", "set.h5"])
def test_an_existing_dataset_is_replaced_on_demand(folder, name):
    (folder / name).write_bytes(b"earlier")

    status = run(PHONE, "--num-images=5", f"--output-path={name}", "--overwrite")

    assert status == 0
    assert len(load(name)[0]) == 5
    assert names_in(folder) == [name]


def test_overwriting_needs_no_earlier_dataset():
    assert run(PHONE, "--num-images=5", "--overwrite") == 0
