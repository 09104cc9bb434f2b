"""Wrong usage and failures: one message, the right exit status, and nothing left."""

import io
import os
import pickle
import re
import sys

import numpy as np
import pytest
from running import BOTH, PHONE, SEQUENCE, read_usage_error, run
from written import names_in

from number_generator.commands.main import main

pytestmark = pytest.mark.usefixtures("folder")


COMMON_MISTAKES = [
    (
        ["--min-spacing=9", "--max-spacing=4"],
        "the minimum exceeds the maximum",
    ),
    (["--min-spacing=11"], "the minimum exceeds the maximum"),
    (["--min-spacing=-1"], "--min-spacing is -1: give an integer, from 0 to 65535"),
    (["--max-spacing=65536"], "--max-spacing is 65536: give an integer, from 0 to 65535"),
    (["--min-spacing=2.5"], "argument --min-spacing: invalid int value: '2.5'"),
    (["--image-width=0"], "width is 0: give an integer, from 1 to 65535"),
    (["--image-width=65536"], "width is 65536: give an integer, from 1 to 65535"),
    (["--image-width=wide"], "--image-width is 'wide': give an integer from 1 to 65535, or 'auto' or 'auto:MAX'"),
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
    assert message in read_usage_error(folder, capsys, command, [*needed, *arguments])


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
        (["--compression=gzip"], "--compression is gzip and the format is pickle, which takes only 'none'"),
        (
            ["--compression=gzip", "--format=pickle"],
            "--compression is gzip and the format is pickle, which takes only 'none'",
        ),
        (
            ["--compression=gzip", "--output-path=deep/er"],
            "--compression is gzip and the format is pickle, which takes only 'none'",
        ),
        (
            ["--compression=gzip", "--output-path=set.pickle"],
            "--compression is gzip and the format is pickle, which takes only 'none'",
        ),
        (
            ["--compression=gzip", "--output-path=set.pickle", "--format=hdf5"],
            "--format is hdf5 and --output-path is 'set.pickle', whose ending stands for pickle: leave --format out",
        ),
        (
            ["--compression=gzip", "--output-path=a/set.pickle", "--overwrite"],
            "--compression is gzip and the format is pickle, which takes only 'none'",
        ),
        (["--quiet=yes"], "argument --quiet: ignored explicit argument 'yes'"),
        (["--sequence=5"], "unrecognized arguments: --sequence=5"),
    ],
)
def test_a_mistake_in_the_dataset_command_is_told_in_one_message(folder, capsys, arguments, message):
    assert message in read_usage_error(folder, capsys, PHONE, arguments)


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
@pytest.mark.parametrize("option", ["--digits=missing.pickle", "--digits=missing", "--style=missing.toml"])
def test_what_an_option_names_and_is_not_there_is_a_wrong_argument(folder, capsys, command, needed, option):
    assert "missing" in read_usage_error(folder, capsys, command, [*needed, option])


@pytest.mark.parametrize(
    "arguments", [["inspect", "no.h5"], ["convert", "no.h5", "a.npz"], ["preview", "no.h5", "a.png"],
                  ["index", "no-00000-of-00001.h5"], ["digits", "build", "no.h5", "a.npz"], ["digits", "fetch", "no"]]
)  # fmt: skip
def test_a_file_that_is_not_there_is_a_wrong_argument_of_every_command(folder, capsys, arguments):
    assert run(main, *arguments) == 2

    said = capsys.readouterr().err
    assert re.fullmatch(r"python -m number_generator .*: error: .*\bno\b.*; try --help\n", said)
    assert names_in(folder) == []


def test_labels_that_are_missing_beside_their_images_are_a_failure(folder, capsys):
    (folder / "a-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + bytes(12))

    assert run(main, "inspect", "a-images-idx3-ubyte") == 1

    assert "its labels file is not beside it" in capsys.readouterr().err


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

    monkeypatch.setattr("number_generator.commands.runs.execute.write_job", fail)

    check_failure(capsys, PHONE, [], "out of memory: give fewer --workers or a smaller job")


def test_a_name_that_the_terminal_cannot_show_is_escaped(folder, monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", output)

    status = run(SEQUENCE, "--sequence=7", "--output-path=é.png")

    assert status == 0
    assert rb'at "\xe9.png"' in output.buffer.getvalue()
    assert names_in(folder) == ["é.png"]
