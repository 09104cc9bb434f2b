"""`--resume`: an interrupted run goes on, and its dataset is the one that it would have been."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from running import run_phone
from written import names_in

from number_generator import GenericDataset
from number_generator.commands import generate as cli
from number_generator.commands.runs import execute
from number_generator.errors import OutputError
from number_generator.formats.journal import writer as journaled
from number_generator.formats.journal.codec import pack
from number_generator.formats.journal.file import Journal, compute_checksum
from number_generator.formats.reader import open_reader
from number_generator.job import metadata, spec
from number_generator.system.signals import Interruption

SPLIT = "--split=train=0.6,test=0.4"


class _KilledError(BaseException):
    """What ends a run in these tests, at any moment; tests/torture kills processes."""


@pytest.fixture(autouse=True)
def folder(folder, monkeypatch):
    """An empty folder, the current one; spans are small, and time stands still."""
    monkeypatch.setattr(spec, "SPAN_IMAGES", 8)
    monkeypatch.setattr(spec, "_FEWEST_SPAN_IMAGES", 8)
    monkeypatch.setattr("number_generator.formats.hdf5.writer._LABELS_PER_CHUNK", 8)
    monkeypatch.setattr("number_generator.formats.hdf5.writer._CHUNK_BYTES", 4 * 28 * 40)
    monkeypatch.setattr("number_generator.formats.parquet.writer._GROUP_IMAGES", 8)
    monkeypatch.setattr(metadata.time, "time", lambda: 1.5)
    return folder


def run(*arguments):
    arguments = ["--num-images=60", "--image-width=40", "--workers=1", *map(str, arguments)]
    if not any(argument.startswith("--seed") for argument in arguments):
        arguments.append("--seed=1")
    return run_phone(*(argument for argument in arguments if argument != "--seed="))


def run_until(monkeypatch, writes, *arguments):
    """Run with --resume, and end the run before the write of that number, from 1 on."""
    written = []
    write = journaled.JournaledWriter.write

    def counted(self, encoded):
        written.append(encoded)
        if len(written) == writes:
            raise _KilledError
        write(self, encoded)

    with monkeypatch.context() as patch, pytest.raises(_KilledError):
        patch.setattr(journaled.JournaledWriter, "write", counted)
        run(*arguments, "--resume")


def tree(folder):
    """Return all files below a folder, with their content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- the dataset is what it would have been


@pytest.mark.parametrize("more", [[], ["--truth=boxes,glyphs,parameters", SPLIT]], ids=["plain", "all"])
def test_an_interrupted_run_goes_on_to_the_same_bytes(folder, monkeypatch, capsys, file_format, more):
    arguments = [f"--format={file_format}", *more]
    if file_format == "png":
        arguments.append("--labels=json,csv,tesseract,jsonl")
    assert run(*arguments, "--output-path=whole/") == 0
    (folder / "whole").rename(folder / "away")
    for writes in (3, 2, 3):
        run_until(monkeypatch, writes, *arguments, "--output-path=whole/")
    assert [name for name in names_in(folder / "whole") if not name.endswith(".journal")] == []
    capsys.readouterr()

    status = run(*arguments, "--output-path=whole/", "--resume")

    assert status == 0
    assert re.search("Resumed: [34][0-9] images were already done", capsys.readouterr().out)
    assert tree(folder / "whole") == tree(folder / "away")


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_threads_and_compression_make_no_difference(folder, monkeypatch, compression):
    arguments = ["--format=hdf5", f"--compression={compression}", "--output-path=a.h5"]
    assert run(*arguments) == 0
    expected = Path("a.h5").read_bytes()
    Path("a.h5").unlink()
    run_until(monkeypatch, 4, *arguments, "--workers=2")

    assert run(*arguments, "--workers=3", "--resume") == 0

    assert Path("a.h5").read_bytes() == expected


def test_nothing_is_drawn_twice(folder, monkeypatch):
    run_until(monkeypatch, 5, "--format=hdf5", "--output-path=a.h5")
    made = []
    write_job = execute.write_job
    monkeypatch.setattr(
        execute,
        "write_job",
        lambda bound, *others, **more: made.append(bound.job.span) or write_job(bound, *others, **more),
    )

    assert run("--format=hdf5", "--output-path=a.h5", "--resume") == 0
    assert made == [spec.Span(32, 60)]


def test_a_seed_that_was_drawn_is_gone_on_with(folder, monkeypatch):
    run_until(monkeypatch, 4, "--seed=", "--format=npz", "--output-path=a.npz")

    assert run("--seed=", "--format=npz", "--output-path=a.npz", "--resume") == 0

    with open_reader("a.npz") as reader:
        seed = reader.metadata["seed"]
        images, labels = reader.images(0, 60), reader.labels(0, 60)
    assert run(f"--seed={seed}", "--format=npz", "--output-path=b.npz") == 0
    with open_reader("b.npz") as reader:
        assert np.array_equal(reader.images(0, 60), images)
        assert reader.labels(0, 60) == labels


# --- what is left


def test_a_run_to_the_end_leaves_no_journal(folder):
    assert run("--resume", "--output-path=a.pickle") == 0

    assert names_in(folder) == ["a.pickle"]


def test_without_it_no_journal_is_kept(folder, monkeypatch):
    monkeypatch.setattr(execute, "write_job", lambda *_, **__: (_ for _ in ()).throw(_KilledError))
    with pytest.raises(_KilledError):
        run("--output-path=a.pickle")

    assert names_in(folder) == []


def test_a_whole_dataset_is_left_as_it_is(folder, capsys, file_format):
    assert run(f"--format={file_format}", "--resume") == 0
    before = tree(folder)
    capsys.readouterr()

    for seed in ("--seed=1", "--seed="):
        assert run(f"--format={file_format}", "--resume", seed) == 0
        assert "is already complete at" in capsys.readouterr().out
    assert tree(folder) == before


def test_what_is_done_removes_what_a_killed_run_has_left(folder, capsys, file_format):
    assert run(f"--format={file_format}", "--resume") == 0
    (made,) = folder.iterdir()
    before = tree(folder)
    for ending in ("0123abcd.partial", "0123abce.earlier"):
        (shutil.copytree if made.is_dir() else shutil.copy)(made, folder / f".{made.name}.{ending}")

    assert run(f"--format={file_format}", "--resume") == 0

    assert "is already complete at" in capsys.readouterr().out
    assert tree(folder) == before


def test_a_run_that_was_killed_at_its_very_end_is_whole(folder, monkeypatch, capsys):
    monkeypatch.setattr(journaled.Journal, "remove", lambda self: (_ for _ in ()).throw(_KilledError))
    with pytest.raises(_KilledError):
        run("--resume", "--output-path=a.npz", "--overwrite")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert names_in(folder) == ["a.npz", "a.npz.journal"]
    before = Path("a.npz").read_bytes()

    assert run("--resume", "--output-path=a.npz", "--overwrite") == 0
    assert "is already complete at" in capsys.readouterr().out
    assert tree(folder) == {"a.npz": before}


def test_a_part_that_is_in_its_place_is_not_made_again(folder, monkeypatch):
    arguments = ["--format=hdf5", SPLIT, "--output-path=s.h5"]
    assert run(*arguments) == 0
    expected = tree(folder)
    for path in folder.iterdir():
        path.unlink()
    commit = execute.JournaledWriter.commit
    committed = []

    def once(self):
        if committed:
            raise _KilledError
        committed.append(self)
        commit(self)

    with monkeypatch.context() as patch, pytest.raises(_KilledError):
        patch.setattr(execute.JournaledWriter, "commit", once)
        run(*arguments, "--resume")
    assert names_in(folder) == ["s-test.h5.journal", "s-train.h5"]
    inode = Path("s-train.h5").stat().st_ino

    assert run(*arguments, "--resume") == 0
    assert tree(folder) == expected
    assert Path("s-train.h5").stat().st_ino == inode


def test_an_earlier_dataset_stays_until_the_new_one_is_whole(folder, monkeypatch):
    assert run("--seed=9", "--output-path=a.pickle") == 0
    earlier = Path("a.pickle").read_bytes()
    run_until(monkeypatch, 3, "--output-path=a.pickle", "--overwrite")
    assert Path("a.pickle").read_bytes() == earlier

    assert run("--output-path=a.pickle", "--overwrite", "--resume") == 0
    assert names_in(folder) == ["a.pickle"]
    assert Path("a.pickle").read_bytes() != earlier


def test_overwriting_makes_a_whole_dataset_again(folder):
    assert run("--output-path=a.pickle") == 0
    inode = Path("a.pickle").stat().st_ino

    assert run("--output-path=a.pickle", "--overwrite", "--resume") == 0
    assert Path("a.pickle").stat().st_ino != inode


# --- what is refused


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--image-width=50", "--image-width was 40 and is 50"),
        ("--num-images=61", "--num-images was 60 and is 61"),
        ("--seed=2", "--seed was 1 and is 2"),
        ("--fit=stretch", "--fit was contain and is stretch"),
        ("--truth=boxes", "--truth was not given and is boxes"),
        ("--style=natural", "--style was not given and is natural"),
        ("--dashes", "--dashes was not given and is given"),
        ("--max-spacing=11", "--max-spacing was 10 and is 11"),
        ("--compression=none", "--compression was gzip and is none"),
    ],
)
def test_another_job_is_refused_with_the_difference_named(folder, monkeypatch, capsys, option, told):
    run_until(monkeypatch, 3, "--output-path=a.h5")
    before = tree(folder)
    capsys.readouterr()

    status = run("--output-path=a.h5", option, "--resume")

    error = capsys.readouterr().err.splitlines()[-1]
    assert status == 2
    assert told in error
    assert "a.h5.journal" in error
    assert tree(folder) == before


def test_other_digits_are_refused(folder, monkeypatch, capsys, digits_file, make_digit_dataset):
    run_until(monkeypatch, 3, "--output-path=a.h5", f"--digits={digits_file}")
    make_digit_dataset(12, seed=5).save(digits_file)

    assert run("--output-path=a.h5", f"--digits={digits_file}", "--resume") == 2
    assert re.search(r"the digits \(SHA-256\) was [0-9a-f]{64} and is [0-9a-f]{64}", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("number_generator.job.metadata.__version__", "number_generator was 1.0.0 and is 9.9"),
        ("number_generator.job.metadata.RENDER_VERSION", "the version of the pixels was 2 and is 9.9"),
    ],
)
def test_another_version_is_refused(folder, monkeypatch, capsys, where, told):
    run_until(monkeypatch, 3, "--output-path=a.h5")
    monkeypatch.setattr(where, "9.9")

    assert run("--output-path=a.h5", "--resume") == 2
    assert told in capsys.readouterr().err


def test_a_dataset_of_another_command_is_not_taken_for_whole(folder, capsys):
    assert run("--output-path=a.h5") == 0

    assert run("--output-path=a.h5", "--seed=2", "--resume") == 1
    assert "another command has made it: --seed was 1 and is 2" in capsys.readouterr().err


def test_some_images_saved_with_the_metadata_of_all_are_not_taken_for_the_whole(folder, capsys):
    assert run("--output-path=a.pickle") == 0
    dataset = GenericDataset()
    dataset.load("a.pickle")
    GenericDataset(*dataset[0:5]).save("a.pickle", dataset.get_metadata())

    assert run("--output-path=a.pickle", "--resume") == 1
    assert "another command has made it: it has 5 images and not 60; allow" in capsys.readouterr().err


def test_a_list_of_numbers_that_has_changed_is_told(folder, capsys):
    arguments = ["--num-images=2", "--sequences=numbers.txt", "--output-path=a.pickle", "--resume"]
    Path("numbers.txt").write_text("12\n34\n", encoding="ascii")
    assert run(*arguments) == 0
    Path("numbers.txt").write_text("12\n35\n", encoding="ascii")

    assert run(*arguments) == 1
    assert "another command has made it: the list of numbers (SHA-256) was" in capsys.readouterr().err


def test_two_runs_do_not_share_a_journal(folder, monkeypatch, capsys):
    run_until(monkeypatch, 3, "--output-path=a.h5")
    journal = Journal(Path("a.h5.journal"))

    assert run("--output-path=a.h5", "--resume") == 1
    assert "is in use by another run" in capsys.readouterr().err
    journal.close()
    assert run("--output-path=a.h5", "--resume") == 0


@pytest.mark.parametrize(
    "payload",
    [b"no value", b"".join(pack({})), b"".join(pack({"pictures": []}))],
    ids=["nothing", "empty", "other"],
)
def test_a_journal_with_something_else_in_it_is_told(folder, capsys, payload):
    run("--output-path=a.h5")
    with open_reader("a.h5") as reader:
        about = reader.metadata
    Path("a.h5").unlink()
    journal = Journal(Path("a.h5.journal"))
    journal.begin(about)
    journal.append(0, 8, [payload], compute_checksum([payload]))
    journal.close()

    assert run("--output-path=a.h5", "--resume") == 1
    assert "does not hold images 0 to 7" in capsys.readouterr().err


# --- what fails


LIMITED = """
import resource, sys
from number_generator.commands import generate as cli
from number_generator.system.signals import Interruption
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(cli.generate_phone_numbers(sys.argv[2:], Interruption()))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no limits there")
@pytest.mark.parametrize(("name", "limit"), [("a.h5", 4_000_000), ("a-png", 3_000_000)])
def test_a_file_size_limit_is_one_error_and_the_next_run_goes_on(folder, name, limit):
    file_format = "hdf5" if name.endswith(".h5") else "png"
    arguments = ["--num-images=8000", "--seed=1", f"--format={file_format}", "--workers=1", "--resume"]
    arguments.append(f"--output-path={name}")
    command = [sys.executable, "-c", LIMITED]
    done = subprocess.run([*command, str(limit), *arguments], capture_output=True, text=True, check=False)
    [error] = done.stderr.splitlines()

    assert done.returncode == 1
    assert re.fullmatch(
        r"generate-phone-numbers: error: cannot write a.*: File too large; what is done is kept in a.*\.journal: fix "
        r"this, and the same command continues from there",
        error,
    )
    assert names_in(folder) == [f"{name}.journal"]
    assert limit / 3 < Path(f"{name}.journal").stat().st_size <= limit

    done = subprocess.run([*command, "2000000000", *arguments], capture_output=True, text=True, check=True)
    assert "Resumed: " in done.stdout
    assert names_in(folder) == [name]


def test_a_signal_says_what_is_left(folder, monkeypatch, capfd):
    from number_generator.system import signals as interruptions  # noqa: PLC0415 - patched here alone

    interruption = Interruption()
    write = journaled.JournaledWriter.write
    monkeypatch.setattr(interruptions.os, "_exit", lambda status: (_ for _ in ()).throw(_KilledError(status)))

    def stopped(self, encoded):
        write(self, encoded)
        interruption._handle(signal.SIGTERM, None)

    monkeypatch.setattr(journaled.JournaledWriter, "write", stopped)
    with pytest.raises(_KilledError, match="143"):
        cli.generate_phone_numbers(["--num-images=60", "--seed=1", "--output-path=a.npz", "--resume"], interruption)

    assert "stopped; the same command resumes the run" in capfd.readouterr().err
    assert names_in(folder) == ["a.npz.journal"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_folder_that_vanishes_is_one_error(folder, monkeypatch, capsys):
    write = journaled.JournaledWriter.write

    def vanishing(self, encoded):
        shutil.rmtree("gone", ignore_errors=True)
        write(self, encoded)

    monkeypatch.setattr(journaled.JournaledWriter, "write", vanishing)

    assert run("--resume", "--output-path=gone/a.pickle") == 1
    _, error = capsys.readouterr().err.splitlines()  # the first one says that digits are small
    assert "cannot write gone/a.pickle: No such file or directory; gone/a.pickle.journal is gone as well" in error
    assert names_in(folder) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_one_error(folder, capsys):
    Path("locked").mkdir(mode=0o500)

    assert run("--resume", "--output-path=locked/a.pickle") == 1
    assert "cannot write locked/a.pickle.journal: Permission denied" in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_says_what_is_kept(folder, monkeypatch, capsys):
    run_until(monkeypatch, 3, "--output-path=a.pickle")

    def fail(*_, **__):
        raise OutputError("cannot write a.pickle: No space left on device; nothing was left behind")

    with monkeypatch.context() as patch:
        patch.setattr(execute, "open_writer", fail)
        assert run("--output-path=a.pickle", "--resume") == 1
    assert "No space left on device; what is done is kept in a.pickle.journal:" in capsys.readouterr().err
    assert run("--output-path=a.pickle", "--resume") == 0


# --- shards


def test_shards_that_are_done_are_in_place_and_stay(folder, monkeypatch):
    arguments = ["--format=hdf5", "--shards=3", "--output-path=s.h5"]
    assert run(*arguments) == 0
    expected = tree(folder)
    for path in folder.iterdir():
        path.unlink()
    run_until(monkeypatch, 5, *arguments)  # each has three spans

    assert names_in(folder) == ["s-00000-of-00003.h5", "s-00001-of-00003.h5.journal"]
    inode = Path("s-00000-of-00003.h5").stat().st_ino
    assert run(*arguments, "--resume") == 0
    assert tree(folder) == expected
    assert Path("s-00000-of-00003.h5").stat().st_ino == inode
    assert run(*arguments, "--resume") == 0
    assert tree(folder) == expected


def test_a_shard_that_was_removed_is_made_again(folder):
    arguments = ["--format=hdf5", "--shards=3", "--output-path=s.h5", "--resume"]
    assert run(*arguments) == 0
    expected = tree(folder)
    Path("s-00001-of-00003.h5").unlink()

    assert run(*arguments) == 0
    assert tree(folder) == expected


def test_shards_that_lack_their_index_alone_are_not_replaced(folder):
    arguments = ["--shards=2", "--output-path=s.h5", "--resume", "--overwrite"]
    assert run(*arguments) == 0
    shards = [path for path in folder.iterdir() if path.name != "s.h5"]
    inodes = [path.stat().st_ino for path in shards]
    Path("s.h5").unlink()  # as a kill before the last step leaves it

    assert run(*arguments) == 0
    assert [path.stat().st_ino for path in shards] == inodes
    assert Path("s.h5").exists()


def test_an_index_that_cannot_be_written_says_what_is_kept(folder, monkeypatch, capsys):
    def fail(*_, **__):
        raise OutputError("cannot write s.h5: No space left on device; nothing was left behind")

    with monkeypatch.context() as patch:
        patch.setattr(execute, "write_index", fail)
        assert run("--output-path=s.h5", "--shards=2", "--resume") == 1
    assert "No space left on device; the shards are kept: fix this" in capsys.readouterr().err
    assert run("--output-path=s.h5", "--shards=2", "--resume") == 0


def test_an_index_of_another_command_is_told_of_before_any_shard_is_made(folder, capsys):
    assert run("--output-path=s.h5") == 0

    assert run("--output-path=s.h5", "--shards=3", "--resume") == 1
    assert "another command has made it: --shards was not given and is 3" in capsys.readouterr().err
    assert names_in(folder) == ["s.h5"]


def test_the_metadata_tells_of_a_job_that_was_resumed_what_it_tells_of_others(folder, monkeypatch):
    run_until(monkeypatch, 3, "--output-path=a.h5")
    assert run("--output-path=a.h5", "--resume") == 0

    with open_reader("a.h5") as reader:
        about = reader.metadata
    assert "resume" not in about["command"]
    assert json.loads(about["job"])["num_images"] == 60
