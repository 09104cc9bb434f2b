"""The two commands, run in this process: what they print, write, refuse and record."""

import io
import json
import os
import pickle
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from patience import PATIENCE_S
from PIL import Image

import number_generator
from number_generator import DigitImageDataset, GenericDataset, Handwriting, entry, generate_batch
from number_generator.commands import generate as cli
from number_generator.commands.runs import execute
from number_generator.digits import resolve as digit_datasets
from number_generator.rendering.sheet import contact_sheet
from number_generator.system.signals import Interruption
from number_generator.system.threads import count_cores

PHONE, SEQUENCE = cli.generate_phone_numbers, cli.generate_numbers_sequence
BOTH = pytest.mark.parametrize(("command", "needed"), [(PHONE, []), (SEQUENCE, ["--sequence=1"])], ids=["phone", "one"])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    path = tmp_path / "folder"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def run(command, *arguments):
    """Give the exit status, also where the parser ends the process."""
    try:
        return command([str(argument) for argument in arguments], Interruption())
    except SystemExit as exc:
        return exc.code


def load(path):
    dataset = GenericDataset()
    dataset.load(path)
    images, labels = dataset.get_data()
    return images, labels, dataset.get_metadata()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def untimed(text):
    """The text with its measured times made equal."""
    return re.sub(r"took \d+\.\d seconds", "took 0.1 seconds", text)


# --- generate-numbers-sequence


def test_the_image_command_says_what_version_0_0_1_said(folder, capsys):
    status = run(SEQUENCE, "--sequence=12345678", "--min-spacing=5", "--max-spacing=8", "--image-width=200")

    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    assert untimed(said.out) == (
        "---------------------------\n"
        "Digits sequence generator\n"
        "---------------------------\n"
        'Synthesizing image for digits sequence "12345678" ...\n'
        'Image of dimensions 200 x 28 generated successfully at "./12345678.png", process took 0.1 seconds...\n'
    )
    assert names_in(folder) == ["12345678.png"]


def test_the_image_is_the_one_that_the_library_makes(folder):
    run(SEQUENCE, "--sequence=0123456789", "--min-spacing=2", "--max-spacing=9", "--image-width=120", "--seed=7")

    with Image.open("0123456789.png") as image:
        assert (image.mode, image.size, image.format) == ("L", (120, 28), "PNG")
        assert np.array_equal(np.asarray(image), generate_batch(["0123456789"], (2, 9), 120, seed=7)[0])


def test_the_image_command_has_defaults(folder):
    run(SEQUENCE, "--sequence", "42", "--seed", "3")

    with Image.open("42.png") as image:
        assert np.array_equal(np.asarray(image), generate_batch(["42"], (5, 10), 100, seed=3)[0])


@pytest.mark.parametrize(
    ("output_path", "written", "shown"),
    [
        ("./", "7.png", "./7.png"),
        (".", "7.png", "./7.png"),
        ("", "7.png", "7.png"),
        ("deep/er", "deep/er/7.png", "deep/er/7.png"),
        ("deep/er/", "deep/er/7.png", "deep/er/7.png"),
        ("image.png", "image.png", "image.png"),
        ("deep/er/Image.PNG", "deep/er/Image.PNG", "deep/er/Image.PNG"),
        ("folder.png/", "folder.png/7.png", "folder.png/7.png"),
        (".png", ".png", ".png"),
    ],
)
def test_the_image_goes_where_the_output_path_says(folder, capsys, output_path, written, shown):
    status = run(SEQUENCE, "--sequence=7", f"--output-path={output_path}")

    assert status == 0
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == [written]
    assert f'generated successfully at "{shown}"' in capsys.readouterr().out


def test_an_existing_folder_is_one_even_if_it_is_named_like_a_file(folder):
    (folder / "a.png").mkdir()
    (folder / "b.h5").mkdir()

    run(SEQUENCE, "--sequence=7", "--output-path=a.png")
    run(PHONE, "--num-images=2", "--output-path=b.h5")

    assert names_in(folder / "a.png") == ["7.png"]
    assert names_in(folder / "b.h5") == ["phonenumbers-handwritten-dataset-2.pickle"]


def test_an_absolute_output_path_is_written_to(tmp_path):
    run(SEQUENCE, "--sequence=7", f"--output-path={tmp_path}/else/where")

    assert (tmp_path / "else" / "where" / "7.png").is_file()


def test_an_earlier_image_is_replaced(folder):
    (folder / "7.png").write_bytes(b"earlier")

    status = run(SEQUENCE, "--sequence=7")

    assert status == 0
    assert (folder / "7.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("sequence", ["", "7" * 252, "1" * 10_000], ids=["empty", "252 digits", "10,000 digits"])
def test_a_sequence_that_makes_no_file_name_is_drawn_into_a_named_file(folder, sequence):
    status = run(SEQUENCE, f"--sequence={sequence}", "--output-path=image.png", "--image-width=50")

    assert status == 0
    with Image.open("image.png") as image:
        assert image.size == (50, 28)
        assert (np.asarray(image) == 255).all() == (sequence == "")


def test_the_longest_file_name_is_possible(folder):
    status = run(SEQUENCE, f"--sequence={'7' * 251}")

    assert status == 0
    assert names_in(folder) == ["7" * 251 + ".png"]


# --- generate-phone-numbers


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
    run_job = execute.run_job

    def spy(job, *arguments, workers, **keywords):
        seen["workers"] = workers
        run_job(job, *arguments, workers=workers, **keywords)

    monkeypatch.setattr(execute, "run_job", spy)
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
        (["--output-path=set.pickle", "--format=hdf5"], "set.pickle", "pickle"),
        (["--output-path=set.h5", "--format=pickle"], "set.h5", "hdf5"),
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


# --- compression


def stored(name):
    """What each dataset of an HDF5 file is: its chunks, its filter, and the bytes of its rows as they are stored."""
    found = {}
    with h5py.File(name) as file:
        for key, dataset in file.items():
            if dataset.chunks is None:
                content = [dataset[:].tobytes()]
            else:
                starts = range(0, len(dataset), dataset.chunks[0])
                rest = [0] * (dataset.ndim - 1)
                content = [dataset.id.read_direct_chunk((start, *rest)) for start in starts]
            found[key] = (dataset.shape, dataset.dtype, dataset.chunks, dataset.compression, content)
    return found


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--format=hdf5"], "phonenumbers-handwritten-dataset-1100.h5"),
        (["--output-path=set.h5"], "set.h5"),
        (["--output-path=set.HDF5", "--format=pickle"], "set.HDF5"),
    ],
)
@pytest.mark.parametrize("compression", [None, "gzip", "none"])
def test_hdf5_is_compressed_unless_the_command_says_no(folder, arguments, name, compression):
    option = [] if compression is None else [f"--compression={compression}"]

    status = run(PHONE, "--num-images=1100", "--seed=6", *option, *arguments)

    images, labels, metadata = load(name)
    with h5py.File(name) as file:
        assert file["images"].compression == file["labels"].compression == (None if compression == "none" else "gzip")
        assert (file["images"].chunks is None) == (file["labels"].chunks is None) == (compression == "none")
        assert np.array_equal(file["images"][:], images)
    assert status == 0
    assert names_in(folder) == [name]
    assert np.array_equal(images, generate_batch(labels, (5, 10), 100, seed=6))
    assert f"--compression={compression or 'gzip'}" in shlex.split(metadata["command"])


def test_the_images_do_not_depend_on_compression_or_workers():
    for workers in (1, 3):
        for compression in ("gzip", "none"):
            name = f"--output-path={compression}{workers}.h5"
            run(PHONE, "--num-images=4500", "--seed=4", f"--workers={workers}", f"--compression={compression}", name)

    images, labels, _ = load("gzip1.h5")
    for name in ("gzip3.h5", "none1.h5", "none3.h5"):
        assert np.array_equal(load(name)[0], images), name
        assert load(name)[1] == labels, name
    assert stored("gzip1.h5") == stored("gzip3.h5")
    assert stored("none1.h5") == stored("none3.h5")
    # As --help says, about four times as large.
    assert 3 < os.path.getsize("none1.h5") / os.path.getsize("gzip1.h5") < 5  # noqa: PTH202


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "phonenumbers-handwritten-dataset-70.pickle"),
        (["--format=pickle"], "phonenumbers-handwritten-dataset-70.pickle"),
        (["--output-path=set.pickle", "--format=hdf5"], "set.pickle"),
    ],
)
def test_a_pickle_is_written_without_compression_said_or_not(folder, arguments, name):
    contents = []
    for option in ([], ["--compression=none"]):
        assert run(PHONE, "--num-images=70", "--seed=6", "--overwrite", *option, *arguments) == 0
        contents.append(load(name))

    (images, labels, metadata), (same_images, same_labels, same_metadata) = contents
    assert names_in(folder) == [name]
    assert np.array_equal(images, same_images)
    assert labels == same_labels
    assert metadata["command"] == same_metadata["command"]
    assert "--compression=none" in shlex.split(metadata["command"])


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals are needed")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_images_are_written_as_they_are_leaves_nothing(folder, number, status):
    arguments = ["--num-images=2000000", "--output-path=set.h5", "--compression=none", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-c", ENTRY, "generate_phone_numbers", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not any(path.stat().st_blocks > 2000 for path in folder.iterdir()):
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        process.send_signal(number)
        error = process.communicate(timeout=PATIENCE_S)[1]
    finally:
        process.kill()

    assert process.returncode == status
    assert error.strip().startswith("stopped")
    assert "Traceback" not in error
    assert names_in(folder) == []


# --- seeds, workers, formats


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


# --- digits


@pytest.fixture
def digit_files(make_digits, tmp_path):
    """The same digits, 12 px high, in each format."""
    images, labels = make_digits(12)
    dataset = DigitImageDataset(images, labels)
    for name in ("digits.pickle", "digits.h5"):
        dataset.save(tmp_path / name)
    np.savez(tmp_path / "digits.npz", images=images, labels=labels)
    return dataset, [tmp_path / f"digits.{ending}" for ending in ("pickle", "h5", "npz")]


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


# --- overwriting


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


# --- the progress bar


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("quiet", "shown"), [([], True), (["--quiet"], False)])
def test_a_progress_bar_is_shown_on_a_terminal_unless_quiet(monkeypatch, quiet, shown):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    status = run(PHONE, "--num-images=5000", *quiet)

    assert status == 0
    assert bool(terminal.getvalue()) == shown
    assert ("5.00k/5.00k" in terminal.getvalue()) == shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_real_terminal_shows_images_a_second_and_the_time_left(folder):
    import fcntl  # noqa: PLC0415 - Windows has none of these
    import pty  # noqa: PLC0415
    import termios  # noqa: PLC0415

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from number_generator import entry; entry.generate_phone_numbers()",
            "--num-images=9000",
        ],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0
    assert out.endswith("seconds...\n")
    assert re.search(rb"9\.00k/9\.00k \[\d\d:\d\d<\d\d:\d\d, +[\d.]+k? images/s\]", shown), shown


# --- help and version


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (SEQUENCE, ["--sequence DIGITS", "--output-path DIR|FILE.png"]),
        (
            PHONE,
            ["--num-images N", "--output-path DIR|FILE", "--format {pickle,hdf5,npz,png,lmdb,webdataset,parquet}",
             "--labels LIST", "--compression {gzip,none}", "--fit {contain,stretch}", "--workers N", "--overwrite",
             "--quiet", "--pattern NAME|REGEX", "--lengths {proportional,equal}",
             "--country CODES", "--dashes", "--sequences FILE", "--column NAME|N",
             "--order {given,drawn}", "--label {written,digits}", "--truth LIST", "--split NAME=SHARE,...",
                 "--resume", "--shards K", "--shard I/K", "--scheduler ADDRESS|FILE|local"],
        ),
    ],
    ids=["one", "phone"],
)  # fmt: skip
def test_help_lists_every_option(capsys, monkeypatch, command, options):
    monkeypatch.setenv("COLUMNS", "1000")

    status = run(command, "--help")

    shown = capsys.readouterr().out
    common = ["--min-spacing PX", "--max-spacing PX", "--image-width PX", "--digits NAME|FILE|DIR", "--seed N"]
    common += ["--style NAME|FILE.toml", "--set NAME=VALUE", "--preview SHEET.png"]
    listed = [line.strip().split("  ")[0] for line in shown.splitlines() if line.startswith("  -")]
    assert status == 0
    assert sorted(listed) == sorted(["-h, --help", "--version", *common, *options])


@pytest.mark.parametrize(
    ("command", "defaults"),
    [
        (SEQUENCE, {"--output-path": "./"}),
        (
            PHONE,
            {"--num-images": "1000; with --sequences, one for each of them", "--output-path": "./",
             "--format": "pickle", "--fit": "contain",
             "--compression": "gzip; no other format takes it", "--workers": "one a core",
             "--quiet": "on a terminal, on stderr", "--label": "written", "--order": "given",
             "--lengths": "proportional; amounts and integers: equal"},
        ),
    ],
    ids=["one", "phone"],
)  # fmt: skip
def test_help_states_units_and_defaults(capsys, monkeypatch, command, defaults):
    monkeypatch.setenv("COLUMNS", "1000")

    run(command, "--help")

    entries = re.split(r"\n  (?=--)", capsys.readouterr().out)[1:]
    lines = {text.split()[0]: " ".join(text.split()) for text in entries}
    gaps = "a --style has gaps of its own, and takes negative ones"
    defaults = {"--min-spacing": f"5; {gaps}", "--max-spacing": f"10; {gaps}", "--image-width": "100",
                "--seed": "drawn afresh", "--style": "clean",
                "--digits": "those that NG_DEFAULT_DIGIT_DATASET names, else the packaged MNIST digits",
                **defaults}  # fmt: skip
    for option, default in defaults.items():
        assert f"(default: {default})" in lines[option]
    for option in ("--min-spacing", "--max-spacing", "--image-width"):
        assert "in px (default" in lines[option]
    without = set(lines) - set(defaults)
    assert without <= {"--sequence", "--set", "--preview", "--overwrite", "--version", "--pattern", "--country",
                       "--dashes", "--sequences", "--column", "--truth", "--split", "--labels", "--resume", "--shards",
                       "--shard", "--scheduler"}  # fmt: skip


@BOTH
def test_the_version_is_shown(capsys, command, needed):
    status = run(command, "--version")

    assert status == 0
    assert capsys.readouterr().out.split() == [
        "generate-numbers-sequence" if needed else "generate-phone-numbers",
        number_generator.__version__,
    ]


# --- wrong usage

COMMON_MISTAKES = [
    (
        ["--min-spacing=9", "--max-spacing=4"],
        "--min-spacing is 9 and --max-spacing is 4: the minimum exceeds the maximum",
    ),
    (["--min-spacing=11"], "--min-spacing is 11 and --max-spacing is 10: the minimum exceeds the maximum"),
    (["--min-spacing=-1"], "--min-spacing is -1: give an integer, from 0 to 65535"),
    (["--max-spacing=65536"], "--max-spacing is 65536: give an integer, from 0 to 65535"),
    (["--min-spacing=2.5"], "argument --min-spacing: invalid int value: '2.5'"),
    (["--image-width=0"], "width is 0: give an integer, from 1 to 65535"),
    (["--image-width=65536"], "width is 65536: give an integer, from 1 to 65535"),
    (["--image-width=wide"], "argument --image-width: invalid int value: 'wide'"),
    (["--seed=-1"], "seed is -1: give an integer, from 0 to 18446744073709551615"),
    ([f"--seed={2**64}"], "seed is 18446744073709551616: give an integer, from 0 to"),
    (["--seed=abc"], "argument --seed: invalid int value: 'abc'"),
    (["--seed"], "argument --seed: expected one argument"),
    (["--colour=red"], "unrecognized arguments: --colour=red"),
    (["--image=5"], "unrecognized arguments: --image=5"),
    (["stray"], "unrecognized arguments: stray"),
]


@BOTH
@pytest.mark.parametrize(("arguments", "message"), COMMON_MISTAKES)
def test_a_mistake_is_told_in_one_message(folder, capsys, command, needed, arguments, message):
    check_usage_error(folder, capsys, command, [*needed, *arguments], message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --sequence"),
        (["--sequence=12a4"], "--sequence is '12a4': give digits from 0 to 9"),
        (["--sequence=-5_"], "--sequence is '-5_': give digits from 0 to 9 and the separators - . , / ( ) + and space"),
        (["--sequence=../../7"], "--sequence is '../../7', which makes no file name: give one with --output-path"),
        (["--sequence=٣"], "--sequence is '٣': give digits from 0 to 9"),
        (["--sequence=²", "--output-path=a.png"], "--sequence is '²': give digits from 0 to 9"),
        (["--sequence="], "--sequence is empty, which makes no file name: give one with --output-path FILE.png"),
        (["--sequence=", "--output-path=a"], "--sequence is empty, which makes no file name"),
        ([f"--sequence={'7' * 252}"], "--sequence has 252 digits, too many for a file name: give one with"),
        ([f"--sequence={'7' * 10_001}", "--output-path=a.png"], "10001 digits: at most 10000 are possible"),
        (["--sequence=7", "--num-images=5"], "unrecognized arguments: --num-images=5"),
    ],
)
def test_a_mistake_in_the_image_command_is_told_in_one_message(folder, capsys, arguments, message):
    check_usage_error(folder, capsys, SEQUENCE, arguments, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-images=0"], "--num-images is 0: give an integer, 1 or more"),
        (["--num-images=-1"], "--num-images is -1: give an integer, 1 or more"),
        (["--num-images=abc"], "argument --num-images: invalid int value: 'abc'"),
        (["--num-images=1e6"], "argument --num-images: invalid int value: '1e6'"),
        ([f"--num-images={2**63}"], "may be at most 2**63 - 1"),
        ([f"--num-images={2**62}"], "no file can hold more than 2**63 - 1 bytes"),
        ([f"--num-images={2**62}", "--format=hdf5"], "no file can hold more than 2**63 - 1 bytes"),
        (["--workers=0"], "workers is 0: give an integer, from 1 to"),
        (["--workers=-2"], "workers is -2: give an integer, from 1 to"),
        (["--format=csv"], "argument --format: invalid choice: 'csv' (choose from"),
        (["--fit=squeeze"], "argument --fit: invalid choice: 'squeeze' (choose from"),
        (["--compression=lzf", "--format=hdf5"], "argument --compression: invalid choice: 'lzf' (choose from"),
        (["--compression="], "argument --compression: invalid choice: '' (choose from"),
        (["--compression"], "argument --compression: expected one argument"),
        (["--compression=gzip"], "--compression is gzip and the format is pickle, which does not take it"),
        (
            ["--compression=gzip", "--format=pickle"],
            "--compression is gzip and the format is pickle, which does not take it",
        ),
        (
            ["--compression=gzip", "--output-path=deep/er"],
            "--compression is gzip and the format is pickle, which does not take it",
        ),
        (
            ["--compression=gzip", "--output-path=set.pickle"],
            "--compression is gzip and the format is pickle, which does not take it",
        ),
        (
            ["--compression=gzip", "--output-path=set.pickle", "--format=hdf5"],
            "--compression is gzip and the format is pickle, which does not take it",
        ),
        (
            ["--compression=gzip", "--output-path=a/set.pickle", "--overwrite"],
            "--compression is gzip and the format is pickle, which does not take it",
        ),
        (["--quiet=yes"], "argument --quiet: ignored explicit argument 'yes'"),
        (["--sequence=5"], "unrecognized arguments: --sequence=5"),
    ],
)
def test_a_mistake_in_the_dataset_command_is_told_in_one_message(folder, capsys, arguments, message):
    check_usage_error(folder, capsys, PHONE, arguments, message)


def test_an_earlier_pickle_stays_where_compression_is_asked_of_it(folder, capsys):
    (folder / "set.pickle").write_bytes(b"earlier")

    status = run(PHONE, "--num-images=5", "--compression=gzip", "--output-path=set.pickle", "--overwrite")

    assert status == 2
    assert "--compression is gzip" in capsys.readouterr().err
    assert (folder / "set.pickle").read_bytes() == b"earlier"
    assert names_in(folder) == ["set.pickle"]


@pytest.mark.parametrize("output_path", ["set.pickle", "deep/Set.PICKLE"])
def test_a_format_alone_is_no_advice_where_the_ending_of_the_file_chooses_it(folder, capsys, output_path):
    status = run(PHONE, "--num-images=5", "--compression=gzip", f"--output-path={output_path}", "--format=hdf5")

    said = capsys.readouterr().err.splitlines()[-1]
    assert status == 2
    assert "--format hdf5" not in said or ".h5" in said


def check_usage_error(folder, capsys, command, arguments, message):
    status = run(command, *arguments)

    said = capsys.readouterr()
    name = "generate-numbers-sequence" if command is SEQUENCE else "generate-phone-numbers"
    lines = said.err.splitlines()
    assert status == 2
    assert said.err.startswith(f"usage: {name}")
    assert lines[-1].startswith(f"{name}: error: ")
    assert message in lines[-1]
    assert said.err.count("error") == 1
    assert "Traceback" not in said.err
    assert names_in(folder) == []


# --- failures


def check_failure(capsys, command, arguments, message):
    status = run(command, *arguments)

    said = capsys.readouterr()
    name = "generate-numbers-sequence" if command is SEQUENCE else "generate-phone-numbers"
    assert status == 1
    assert said.err.startswith(f"{name}: error: ")
    assert said.err.count("\n") == 1
    assert re.search(message, said.err)
    assert "generated successfully" not in said.out


@BOTH
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.pickle", "missing.pickle"),
        ("folder", "folder"),
        ("empty", "the file is empty"),
        ("random", "belong to no known format"),
        ("truncated.npz", "truncated.npz"),
        ("half.pickle", "there is no image of 5, 6, 7, 8, 9"),
    ],
)
def test_digits_that_cannot_be_used_are_one_error(tmp_path, folder, capsys, command, needed, name, message):
    (tmp_path / "folder" / "x").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "random").write_bytes(b"\x07random bytes")
    np.savez(tmp_path / "truncated.npz", images=np.zeros((10, 8, 8), np.uint8), labels=np.arange(10))
    (tmp_path / "truncated.npz").write_bytes((tmp_path / "truncated.npz").read_bytes()[:200])
    content = {"images": np.zeros((5, 8, 8), np.uint8), "labels": list(range(5))}
    (tmp_path / "half.pickle").write_bytes(pickle.dumps(content))

    check_failure(capsys, command, [*needed, f"--digits={tmp_path / name}"], message)

    assert names_in(folder) == ["x"]


@BOTH
@pytest.mark.parametrize(
    ("output_path", "message"),
    [
        ("file", "file is a file: give a folder, or another name"),
        ("file/deeper", "cannot make the folder file/deeper: Not a directory"),
        ("x" * 256, "cannot make the folder x+: File name too long"),
    ],
)
def test_an_output_folder_that_cannot_be_made_is_one_error(folder, capsys, command, needed, output_path, message):
    (folder / "file").write_bytes(b"earlier")

    check_failure(capsys, command, [*needed, f"--output-path={output_path}"], message)

    assert names_in(folder) == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a place where not even root can write")  # noqa: PTH112
@BOTH
@pytest.mark.parametrize("place", ["/proc/x", "/proc"])
def test_a_place_that_cannot_be_written_to_is_one_error(capsys, command, needed, place):
    check_failure(capsys, command, [*needed, f"--output-path={place}"], "cannot (make the folder|write) /proc")


@pytest.mark.parametrize(("command", "needed", "ending"), [(PHONE, [], "h5"), (SEQUENCE, ["--sequence=1"], "png")])
def test_a_file_name_too_long_is_one_error(folder, capsys, command, needed, ending):
    name = f"{'x' * 256}.{ending}"

    check_failure(capsys, command, [*needed, f"--output-path={name}"], f"cannot write {name}: File name too long")

    assert names_in(folder) == []


def test_a_folder_made_meanwhile_is_one_error(folder, capsys):
    (folder / "7.png").mkdir()

    check_failure(capsys, SEQUENCE, ["--sequence=7", "--output-path=."], "7.png is a folder: give another file name")


def test_too_little_memory_is_one_error(capsys, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr("number_generator.commands.runs.execute.run_job", fail)

    check_failure(capsys, PHONE, [], "out of memory: give fewer --workers or a smaller job")


def test_a_name_that_the_terminal_cannot_show_is_escaped(folder, monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", output)

    status = run(SEQUENCE, "--sequence=7", "--output-path=é.png")

    assert status == 0
    assert rb'at "\xe9.png"' in output.buffer.getvalue()
    assert names_in(folder) == ["é.png"]


# --- standard output that cannot be written to

ENTRY = "import sys; from number_generator import entry; getattr(entry, sys.argv.pop(1))()"


def start(name, arguments, **keywords):
    return subprocess.run(
        [sys.executable, "-c", ENTRY, name, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **keywords,
    )


@pytest.mark.parametrize(
    ("name", "arguments"), [("generate_phone_numbers", []), ("generate_numbers_sequence", ["--sequence=7"])]
)
def test_a_broken_pipe_is_no_traceback(folder, name, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = start(name, arguments, stdout=writer)
    finally:
        os.close(writer)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert names_in(folder) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a file that is always full")  # noqa: PTH110
def test_a_full_standard_output_is_one_error(folder):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = start("generate_phone_numbers", [], stdout=full)

    assert done.returncode == 1
    assert done.stderr == ("generate-phone-numbers: error: cannot write to standard output: No space left on device\n")
    assert names_in(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is needed")
def test_closed_standard_streams_do_no_harm(folder):
    command = shlex.join([sys.executable, "-c", ENTRY, "generate_phone_numbers", "--num-images=5", "--seed=1"])

    done = subprocess.run(f"{command} <&- >&- 2>&-", shell=True, timeout=PATIENCE_S, check=False)
    run(PHONE, "--num-images=5", "--seed=1", "--output-path=other.pickle")

    assert done.returncode == 0
    assert names_in(folder) == ["other.pickle", "phonenumbers-handwritten-dataset-5.pickle"]
    assert np.array_equal(load("other.pickle")[0], load("phonenumbers-handwritten-dataset-5.pickle")[0])


# --- the recorded command


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
    assert metadata["render_version"] == 1
    assert metadata["package_version"] == number_generator.__version__
    assert metadata["digits_sha256"] == digit_datasets.default_digits().sha256
    job = metadata["job"]
    assert '"num_images": 5' in (job if isinstance(job, str) else str(job).replace("'", '"'))


# --- styles

STYLE_FILE = 'base = "document"\nslant = [-0.2, 0.4]\nblur = {mean = 0.4, sd = 0.1, low = 0.1, high = 0.8}\n'


@pytest.mark.parametrize(
    ("arguments", "spacing", "style"),
    [
        (["--style=natural"], None, Handwriting.named("natural")),
        (["--style=document", "--set=crossbar=1", "--set", "slant=-0.2:0.4"], None,
         Handwriting.named("document").replace(crossbar=1, slant=(-0.2, 0.4))),
        (["--set=gap=0.1", "--set=writer=cluster"], None, Handwriting(gap=0.1, writer="cluster")),
        (["--style=natural", "--min-spacing=-4", "--max-spacing=-1"], (-4, -1), Handwriting.named("natural")),
        (["--style=natural", "--min-spacing=-4"], (-4, 10), Handwriting.named("natural")),
        (["--style=natural", "--max-spacing=7"], (5, 7), Handwriting.named("natural")),
        (["--style=clean", "--set=slant=0"], (5, 10), Handwriting()),
    ],
)  # fmt: skip
def test_a_style_makes_the_images_that_the_library_makes(arguments, spacing, style):
    common = ["--image-width=90", "--seed=5", *arguments]

    statuses = [run(PHONE, "--num-images=40", *common), run(SEQUENCE, "--sequence=80635", *common)]

    images, labels, _ = load("phonenumbers-handwritten-dataset-40.pickle")
    assert statuses == [0, 0]
    assert np.array_equal(images, generate_batch(labels, spacing, 90, style=style, seed=5))
    with Image.open("80635.png") as image:
        assert np.array_equal(np.asarray(image), generate_batch(["80635"], spacing, 90, style=style, seed=5)[0])


def test_a_style_from_a_file_makes_the_images_that_the_library_makes(folder):
    (folder / "mine.toml").write_text(STYLE_FILE, encoding="utf-8")

    status = run(PHONE, "--num-images=40", "--style=mine.toml", "--set=crossbar=1", "--seed=5")

    images, labels, _ = load("phonenumbers-handwritten-dataset-40.pickle")
    style = Handwriting.from_file("mine.toml").replace(crossbar=1)
    assert status == 0
    assert np.array_equal(images, generate_batch(labels, None, 100, style=style, seed=5))


def test_the_labels_of_a_style_are_those_of_clean():
    for style in ("clean", "natural", "document"):
        run(PHONE, "--num-images=40", f"--style={style}", "--seed=5", f"--output-path={style}.pickle")

    labels = [load(f"{style}.pickle")[1] for style in ("clean", "natural", "document")]

    assert labels[0] == labels[1] == labels[2]


def test_separators_are_written(folder):
    status = run(SEQUENCE, "--sequence=-1.2(3) +4,5", "--seed=5")

    assert status == 0
    assert names_in(folder) == ["-1.2(3) +4,5.png"]
    with Image.open("-1.2(3) +4,5.png") as image:
        expected = generate_batch(["-1.2(3) +4,5"], (5, 10), 100, seed=5)[0]
        assert np.array_equal(np.asarray(image), expected)


def test_separators_are_written_in_a_style(folder):
    status = run(SEQUENCE, "--sequence=-1.2(3) +4,5", "--style=natural", "--seed=5")

    assert status == 0
    assert names_in(folder) == ["-1.2(3) +4,5.png"]
    with Image.open("-1.2(3) +4,5.png") as image:
        expected = generate_batch(["-1.2(3) +4,5"], None, 100, style="natural", seed=5)[0]
        assert np.array_equal(np.asarray(image), expected)


def test_a_slash_is_written_into_a_named_file(folder):
    status = run(SEQUENCE, "--sequence=1/2", "--style=natural", "--output-path=half.png")

    assert status == 0
    assert names_in(folder) == ["half.png"]


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
    assert (metadata["style"], metadata["style_version"], metadata["writer"]) == ("custom", 1, "cluster")
    assert re.fullmatch("[0-9a-f]{64}", metadata["writers_sha256"])
    assert Handwriting.from_dict(job["handwriting"]) == Handwriting.named("natural").replace(slant=0.25)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--style=Natural"], "style is 'Natural': give 'clean', 'natural' or 'document', a file that ends in .toml"),
        (["--style="], "style is ''"),
        (["--style=none.toml"], "the style none.toml cannot be read: No such file or directory"),
        (["--set=slat=0.1"], "there is no handwriting parameter 'slat': did you mean 'slant'?"),
        (["--set=slant=0.4:-0.2"], "slant: the range is 0.4:-0.2: the low end exceeds the high one; swap them"),
        (["--set=slant=5"], "slant: the value is 5"),
        (["--set=slant"], "the setting is 'slant': give NAME=VALUE"),
        (["--set=crossbar=0:1"], "crossbar: the value is 0:1: it is a share; give one number from 0 to 1"),
        (["--set=writer=me"], "writer is 'me': give 'mixed', 'cluster', 'dataset' or 'auto'"),
        (["--style=natural", "--set=writer=dataset"], "the digit dataset has no writer ids"),
        (["--style=natural", "--min-spacing=-65536"], "--min-spacing is -65536: give an integer, from -65535 to 65535"),
        (["--style=natural", "--max-spacing=-3"], "--min-spacing is 5 and --max-spacing is -3: the minimum exceeds"),
        (["--style=clean", "--min-spacing=-3"], "--min-spacing is -3: give an integer, from 0 to 65535"),
        (["--style"], "argument --style: expected one argument"),
        (["--set"], "argument --set: expected one argument"),
    ],
)
def test_a_wrong_style_is_told_in_one_message(folder, capsys, command, needed, arguments, message):
    check_usage_error(folder, capsys, command, [*needed, *arguments], message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sequence=1a2", "--style=natural"], "'1a2': give digits from 0 to 9 and the separators - . , / ( ) + and"),
        (["--sequence=1/2", "--style=natural"], "'1/2', which makes no file name: give one with --output-path"),
        (["--sequence=1/2", "--style=natural", "--output-path=a"], "'1/2', which makes no file name"),
        (["--sequence=1\n2", "--style=natural"], r"'1\n2': give digits from 0 to 9 and the separators"),
    ],
)
def test_a_wrong_sequence_in_a_style_is_told_in_one_message(folder, capsys, arguments, message):
    check_usage_error(folder, capsys, SEQUENCE, arguments, message)


def test_a_tight_crop_fits_by_itself(folder, capsys):
    check_usage_error(folder, capsys, PHONE, ["--style=document", "--fit=stretch"], "leave fit out")


def test_a_wrong_style_file_is_told_with_its_name(folder, capsys):
    (folder / "mine.toml").write_text("slant = [0.4, -0.2]\n", encoding="utf-8")

    status = run(PHONE, "--style=mine.toml")

    assert status == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "generate-phone-numbers: error: mine.toml: slant: the range is 0.4:-0.2: the low end exceeds the high one; "
        "swap them"
    )
    assert names_in(folder) == ["mine.toml"]


# --- contact sheets


@pytest.mark.parametrize("style", ["clean", "natural", "document"])
@BOTH
def test_a_preview_draws_the_sheet_and_makes_nothing_else(folder, capsys, command, needed, style):
    status = run(command, *needed, f"--style={style}", "--preview=deep/sheet.png", "--seed=5")

    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    assert 'Contact sheet of 60 images drawn at "deep/sheet.png" (seed 5); no dataset was made' in said.out
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == ["deep/sheet.png"]
    with Image.open("deep/sheet.png") as sheet:
        assert (sheet.mode, sheet.format) == ("L", "PNG")
        assert min(sheet.size) > 300


def test_a_preview_shows_the_images_that_would_be_made(folder):
    shown = []

    for name in ("a", "b"):
        run(PHONE, "--num-images=3", "--style=natural", f"--preview={name}.png", "--seed=5")
        shown.append((folder / f"{name}.png").read_bytes())

    run(PHONE, "--num-images=3", "--style=natural", "--seed=5")
    images, labels, _ = load("phonenumbers-handwritten-dataset-3.pickle")
    assert shown[0] == shown[1]
    with Image.open("a.png") as sheet:
        assert np.array_equal(np.asarray(sheet), contact_sheet(images, list(labels)))


def test_a_preview_needs_no_file_name_for_the_sequence(folder):
    for sequence in ("1/2", "7" * 300):
        assert run(SEQUENCE, f"--sequence={sequence}", "--style=natural", "--preview=sheet.png") == 0

    assert names_in(folder) == ["sheet.png"]


@BOTH
def test_a_preview_that_is_no_png_is_refused(folder, capsys, command, needed):
    check_usage_error(folder, capsys, command, [*needed, "--preview=sheet.jpg"], "--preview")


# --- interruption, without the end of this process


class _EndedError(Exception):
    pass


@pytest.fixture
def interruption(monkeypatch):
    """An Interruption with its handlers installed, that raises `_EndedError(status)` where it would end the process."""

    def end(status):
        raise _EndedError(status)

    monkeypatch.setattr(os, "_exit", end)
    numbers = (signal.SIGINT, signal.SIGTERM)
    earlier = [signal.getsignal(number) for number in numbers]
    made = Interruption()
    made.install()
    yield made
    for number, handler in zip(numbers, earlier, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_takes_the_unfinished_file_away_and_ends_the_process(interruption, folder, capfd, number, status):
    interruption.temporaries = [folder / "unfinished", folder / "another"]
    for temporary in interruption.temporaries:
        temporary.touch()

    with pytest.raises(_EndedError, match=str(status)):
        signal.raise_signal(number)

    assert names_in(folder) == []
    assert capfd.readouterr().err.strip().startswith("stopped")


@pytest.mark.parametrize("name", [None, "moved"], ids=["no file yet", "moved into place already"])
def test_a_signal_ends_the_process_where_there_is_nothing_to_take_away(interruption, folder, name):
    interruption.temporaries = [folder / name] if name else []

    with pytest.raises(_EndedError, match="143"):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_waits_while_a_file_is_made(interruption, folder):
    with pytest.raises(_EndedError, match="130"), interruption:
        signal.raise_signal(signal.SIGINT)
        interruption.temporaries.append(folder / "unfinished")
        interruption.temporaries[0].touch()

    assert names_in(folder) == []


def test_nothing_happens_after_a_file_is_made_without_a_signal(interruption, folder):
    with interruption:
        interruption.temporaries.append(folder / "file")
        interruption.temporaries[0].touch()

    assert names_in(folder) == ["file"]


# --- where the processes start


@pytest.mark.parametrize("name", ["generate_numbers_sequence", "generate_phone_numbers"])
def test_an_entry_point_runs_its_command_and_ends_the_process(monkeypatch, name):
    seen = []
    monkeypatch.setattr(Interruption, "install", lambda _: seen.append("handlers"))
    monkeypatch.setattr(cli, name, lambda arguments, _: seen.append(arguments) or 5)
    monkeypatch.setattr(sys, "argv", ["command", "--option"])

    with pytest.raises(SystemExit) as ended:
        getattr(entry, name)()

    assert ended.value.code == 5
    assert seen == ["handlers", ["--option"]]


def test_closed_streams_are_replaced(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    entry._open_closed_streams()

    streams = [sys.stdin, sys.stdout, sys.stderr]
    print("nowhere")
    assert [stream.name for stream in streams] == [os.devnull] * 3
    for stream in streams:
        stream.close()
