"""The options of generate-phone-numbers for numbers, labels, ground truth and splits, run in this process."""

import json
import re
import shlex
import signal

import h5py
import numpy as np
import pytest
from PIL import Image

from number_generator import (
    CountryNumbers,
    DigitImageDataset,
    GenericDataset,
    Pattern,
    PhoneNumbers,
    generate_batch,
    generate_chunk,
    split_digits,
)
from number_generator.commands import generate as cli
from number_generator.commands.runs import execute
from number_generator.digits.resolve import packaged_digits
from number_generator.numbers.patterns import NAMED
from number_generator.rendering.ground_truth import parameter_names
from number_generator.rendering.sheet import contact_sheet
from number_generator.system.signals import Interruption

SPLIT = "--split=train=0.8,val=0.1,test=0.1"
ALL_TRUTH = "--truth=boxes,glyphs,parameters"
PART_STEP = 2**56


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    path = tmp_path / "folder"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def run(*arguments, interruption=None):
    """Give the exit status, also where the parser ends the process."""
    try:
        return cli.generate_phone_numbers([str(argument) for argument in arguments], interruption or Interruption())
    except SystemExit as exc:
        return exc.code


def load(path):
    dataset = GenericDataset()
    dataset.load(path)
    images, labels = dataset[:]
    return images, labels, dataset.get_metadata()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def content_of(name):
    """All datasets of an HDF5 file, by name."""
    with h5py.File(name) as file:
        return {key: dataset[()] for key, dataset in file.items()}


def assert_refused(capsys, folder, arguments, message):
    """Run, and see one clear error, exit code 2 and nothing written."""
    before = names_in(folder)

    status = run(*arguments)

    said = capsys.readouterr()
    last = said.err.splitlines()[-1]
    assert status == 2
    assert said.err.startswith("usage: generate-phone-numbers ")
    assert last.startswith("generate-phone-numbers: error: ")
    assert re.search(message, last), last
    assert said.err.count("error") == 1
    assert said.out == ""
    assert names_in(folder) == before


# --- which numbers


def test_dashes_group_the_digits_of_the_default_numbers():
    options = ["--num-images=400", "--seed=3", "--image-width=60"]

    run(*options, "--dashes", "--output-path=dashes.pickle")
    run(*options, "--output-path=plain.pickle")

    images, labels, _ = load("dashes.pickle")
    plain = load("plain.pickle")[1]
    assert [label.replace("-", "") for label in labels] == plain
    assert all(re.fullmatch(r"0[1-9]\d-\d{3}-\d{4}|0[1-9]\d-\d{4}-\d{4}", label) for label in labels)
    assert {len(label) for label in labels} == {12, 13}
    assert np.array_equal(images, generate_batch(labels, (5, 10), 60, seed=3))


def test_own_numbers_are_written_in_order_one_image_each(folder, capsys):
    (folder / "own.txt").write_text("12-3\n45\n\n6,70\n")

    status = run("--sequences=own.txt", "--seed=4")

    said = capsys.readouterr().out
    images, labels, _ = load("numbers-handwritten-dataset-3.pickle")
    assert status == 0
    assert labels == ["12-3", "45", "6,70"]
    assert np.array_equal(images, generate_batch(labels, (5, 10), 100, seed=4))
    assert said.startswith("---------------------------------\nNumbers dataset generator\n")
    assert "Creating numbers dataset with 3 examples" in said
    assert 'Dataset with 3 images of numbers generated successfully at "./numbers-handwritten-dataset-3.pickle"' in said


def test_own_numbers_begin_anew_where_more_images_are_asked_for(folder):
    (folder / "own.txt").write_text("1\n2\n3\n")

    run("--sequences=own.txt", "--num-images=8", "--output-path=set.h5")

    assert load("set.h5")[1] == list("12312312")


def test_own_numbers_may_be_drawn(folder):
    (folder / "own.csv").write_text("id;n\n1;10\n2;20\n3;30\n")

    run("--sequences=own.csv", "--column=n", "--order=drawn", "--num-images=300", "--output-path=set.h5")

    labels = load("set.h5")[1]
    assert set(labels) == {"10", "20", "30"}
    assert labels[:3] != ["10", "20", "30"] or labels[3:6] != ["10", "20", "30"]


@pytest.mark.parametrize("lengths", [None, "equal"])
def test_labels_match_the_pattern(lengths):
    regex = r"[1-9]\d{0,2}(,\d{3})?"
    option = [] if lengths is None else [f"--lengths={lengths}"]

    status = run(f"--pattern={regex}", *option, "--num-images=400", "--seed=5", "--output-path=set.pickle")

    labels = load("set.pickle")[1]
    assert status == 0
    assert all(re.fullmatch(regex, label) for label in labels)
    assert labels == Pattern(regex, lengths or "proportional").draw(400, seed=5)


@pytest.mark.parametrize("name", ["date", "amount", "integer:3-8", "card"])
def test_labels_match_a_named_pattern(name):
    status = run(f"--pattern={name}", "--num-images=100", "--seed=6", "--output-path=set.pickle")

    assert status == 0
    assert load("set.pickle")[1] == Pattern.named(name).draw(100, seed=6)


def test_the_names_of_patterns_are_listed(folder, capsys):
    status = run("--pattern=list")

    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert (status, said.err) == (0, "")
    assert [line.split()[0] for line in lines] == list(NAMED)
    assert all(re.fullmatch(r"\S+ +\S.*\w.*", line) for line in lines)
    assert not any("NamedPattern" in line for line in lines)
    assert names_in(folder) == []


@pytest.mark.parametrize("dashes", [False, True])
@pytest.mark.parametrize("codes", ["JP", "us,JP", "all"])
def test_labels_are_numbers_of_the_countries(codes, dashes):
    status = run(
        f"--country={codes}", *["--dashes"] * dashes, "--num-images=60", "--seed=7", "--output-path=set.pickle"
    )

    assert status == 0
    expected = CountryNumbers("all" if codes == "all" else codes.upper().split(","), dashes=dashes)
    assert load("set.pickle")[1] == expected.draw(60, seed=7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern=1", "--country=JP"], "--pattern and --country are given: leave one of them out"),
        (["--pattern=1", "--sequences=own.txt"], "--pattern and --sequences are given"),
        (["--country=JP", "--sequences=own.txt"], "--country and --sequences are given"),
        (["--pattern=1", "--dashes"], "--dashes groups phone numbers, and --pattern is given"),
        (["--sequences=own.txt", "--dashes"], "--dashes groups phone numbers, and --sequences is given"),
        (["--lengths=equal"], "--lengths is given without --pattern, which it belongs to"),
        (["--lengths=equal", "--country=JP"], "--lengths is given without --pattern"),
        (["--column=1"], "--column is given without --sequences"),
        (["--order=drawn"], "--order is given without --sequences"),
        (["--order=given", "--pattern=1"], "--order is given without --sequences"),
        (["--order=random", "--sequences=own.txt"], "argument --order: invalid choice: 'random'"),
        (["--lengths=some", "--pattern=1"], "argument --lengths: invalid choice: 'some'"),
        (["--sequences=bad.txt"], r"bad\.txt, line 7: '12a4' holds 'a': give digits from 0 to 9 and the separators"),
        (["--sequences=no.txt"], r"the numbers no\.txt cannot be read: No such file or directory"),
        (["--sequences=."], r"the numbers \. cannot be read: Is a directory"),
        (["--sequences="], "cannot be read"),
        (["--sequences=empty.txt"], r"the numbers empty\.txt hold none"),
        (["--sequences=own.csv", "--column=n"], "have no column 'n': the first row holds 'id', 'number'"),
        (["--sequences=own.csv"], r"own\.csv, line 1: 'id,number' holds 'i': .*--column"),
        (["--sequences=own.txt", "--num-images=0"], "--num-images is 0"),
        (["--pattern=("], "pattern '\\('"),
        (["--pattern=[a-c]"], "pattern"),
        (["--pattern=dat"], "'dat'"),
        (["--country=XX"], "'XX'"),
        (["--country="], "countr"),
        (["--label=both"], "argument --label: invalid choice: 'both'"),
    ],
)  # fmt: skip
def test_what_makes_no_numbers_is_one_clear_error(folder, capsys, arguments, message):
    (folder / "own.txt").write_text("1\n")
    (folder / "own.csv").write_text("id,number\n1,2\n")
    (folder / "bad.txt").write_text("1\n2\n\n\n3\n4\n12a4\n")
    (folder / "empty.txt").write_text("\n\n")

    assert_refused(capsys, folder, arguments, message)


# --- labels


def test_labels_may_leave_separators_out():
    options = ["--num-images=50", "--seed=8", "--dashes", "--output-path"]

    run(*options, "written.h5")
    run(*options, "digits.h5", "--label=digits")

    images, labels, metadata = load("written.h5")
    same_images, digits, other_metadata = load("digits.h5")
    assert np.array_equal(images, same_images)
    assert digits == [label.replace("-", "") for label in labels]
    assert "label" not in metadata
    assert other_metadata["label"] == "digits"
    assert "--label=digits" in shlex.split(other_metadata["command"])


# --- ground truth


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("style", ["clean", "natural"])
@pytest.mark.parametrize("label", ["written", "digits"])
def test_the_truth_of_a_file_is_that_of_the_library(style, label, compression):
    count = 700

    status = run(
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
    np.testing.assert_array_equal(content["labels"], chunk.labels)
    for name, values in chunk.truth.items():
        stored = content[name]
        assert stored.dtype == values.dtype
        if name not in ("writers", "parameters"):  # by character: 13 of the longest number that there can be
            assert stored.shape[1] == 13
            assert (stored[:, values.shape[1] :] == -1).all() or np.isnan(stored[:, values.shape[1] :]).all()
            stored = stored[:, : values.shape[1]]
        np.testing.assert_array_equal(stored, values, err_msg=name)


def test_the_arrays_of_truth_tell_what_they_hold():
    run("--num-images=20", ALL_TRUTH, "--style=natural", "--output-path=set.h5")

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
        assert all(dataset.compression == "gzip" for dataset in file.values())


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("boxes", ["boxes"]),
        (" glyphs , boxes ", ["boxes", "glyphs", "writers"]),
        ("parameters", ["glyph_parameters", "parameters"]),
    ],
)
def test_what_is_asked_for_is_stored_and_recorded(option, names):
    status = run("--num-images=5", f"--truth={option}", "--format=hdf5")

    file_name = "phonenumbers-handwritten-dataset-5.h5"
    kinds = [kind for kind in ("boxes", "glyphs", "parameters") if kind in option]
    metadata = load(file_name)[2]
    assert status == 0
    assert sorted(content_of(file_name)) == sorted(["images", "labels", *names])
    assert f"--truth={','.join(kinds)}" in shlex.split(metadata["command"])
    assert json.loads(metadata["job"])["truth"] == kinds


def test_the_truth_changes_neither_images_nor_labels():
    options = ["--num-images=600", "--seed=2", "--style=document", "--output-path"]

    run(*options, "with.h5", ALL_TRUTH)
    run(*options, "without.h5")

    ours, theirs = content_of("with.h5"), content_of("without.h5")
    assert set(theirs) == {"images", "labels"}
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_a_file_with_truth_is_a_dataset_like_any_other():
    run("--num-images=30", ALL_TRUTH, "--seed=1", "--output-path=with.h5")
    run("--num-images=30", "--seed=1", "--output-path=without.pickle")

    images, labels, _ = load("with.h5")
    others, same_labels, _ = load("without.pickle")
    assert np.array_equal(images, others)
    assert labels == same_labels


@pytest.mark.parametrize("index", [slice(None), slice(3, 9), slice(-1, None, -7), slice(20, 20)], ids=str)
def test_the_truth_of_a_file_is_read_by_slices(index):
    run("--num-images=30", ALL_TRUTH, "--seed=1", "--output-path=with.h5")
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
            "--truth is boxes and the format is png, which has a place for it in metadata.jsonl alone: add jsonl to",
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
            "boxes are asked for of pages of 32768 x 28 px: they hold coordinates up to 32767; give smaller pages",
        ),
    ],
)
def test_truth_that_cannot_be_stored_is_one_clear_error(folder, capsys, arguments, message):
    assert_refused(capsys, folder, arguments, message)


# --- splits


def split_files(count, ending="h5"):
    return {name: f"phonenumbers-handwritten-dataset-{count}-{name}.{ending}" for name in ("train", "val", "test")}


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_a_split_writes_a_file_for_each_part_and_shares_no_source_digit(folder, capsys, style):
    status = run("--num-images=203", SPLIT, ALL_TRUTH, "--format=hdf5", "--seed=3", f"--style={style}")

    said = capsys.readouterr().out
    files = split_files(203)
    parts = split_digits(packaged_digits(), "train=0.8,val=0.1,test=0.1")
    assert status == 0
    assert names_in(folder) == sorted(files.values())
    used, allowed = {}, {}
    for number, ((name, file_name), count) in enumerate(zip(files.items(), (163, 20, 20), strict=True)):
        content, metadata = content_of(file_name), load(file_name)[2]
        used[name] = set(content["glyphs"][content["glyphs"] >= 0].tolist())
        allowed[name] = set(content["source_digits"].tolist())
        assert used[name] <= allowed[name] == set(parts[name].source_numbers.tolist())
        assert len(content["images"]) == count
        assert f'Dataset with {count} telephone like images generated successfully at "./{file_name}"' in said
        assert (metadata["split"], metadata["splits"]) == (name, "train=0.8,val=0.1,test=0.1")
        job = json.loads(metadata["job"])
        assert (job["start"], job["num_images"]) == (number * PART_STEP, count)
        chunk = generate_chunk(
            PhoneNumbers(), job["spacing_range"], 100, count=count, start=job["start"], seed=3, style=style,
            digits=parts[name],
        )  # fmt: skip
        np.testing.assert_array_equal(content["images"], chunk.images)
        np.testing.assert_array_equal(content["labels"], chunk.labels)
    assert used["train"].isdisjoint(used["val"] | used["test"])
    assert used["val"].isdisjoint(used["test"])
    assert sorted(set().union(*allowed.values())) == list(range(5000))
    assert sum(map(len, allowed.values())) == 5000


def test_a_larger_job_splits_the_digits_the_same_way_and_begins_with_the_same_images(folder):
    options = [SPLIT, "--truth=glyphs", "--seed=3"]

    run("--num-images=50", *options, "--output-path=small.h5")
    run("--num-images=900", *options, "--output-path=large.h5")

    for name in ("train", "val", "test"):
        small, large = content_of(f"small-{name}.h5"), content_of(f"large-{name}.h5")
        for key in ("images", "labels", "glyphs", "writers"):
            np.testing.assert_array_equal(small[key], large[key][: len(small[key])], err_msg=key)
        np.testing.assert_array_equal(small["source_digits"], large["source_digits"])


def test_the_images_of_a_split_do_not_depend_on_the_workers():
    for workers in (1, 3):
        run("--num-images=1500", SPLIT, "--seed=3", f"--workers={workers}", f"--output-path={workers}.h5")

    for name in ("train", "val", "test"):
        assert np.array_equal(content_of(f"1-{name}.h5")["images"], content_of(f"3-{name}.h5")["images"])


def test_a_split_may_be_written_to_pickles(folder):
    status = run("--num-images=20", SPLIT, "--seed=3")

    assert status == 0
    assert names_in(folder) == sorted(split_files(20, "pickle").values())
    _, labels, metadata = load(split_files(20, "pickle")["val"])
    assert len(labels) == 2
    assert metadata["split"] == "val"
    assert len(metadata["source_digits"]) == 500


@pytest.mark.parametrize(
    ("output_path", "written"),
    [
        ("set.h5", "set-{}.h5"),
        ("deep/er/my.set.HDF5", "deep/er/my.set-{}.HDF5"),
        ("deep", "deep/phonenumbers-handwritten-dataset-10-{}.pickle"),
    ],
)
def test_the_parts_go_where_the_output_path_says(folder, output_path, written):
    run("--num-images=10", "--split=a=0.5,b=0.5", f"--output-path={output_path}")

    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == [written.format("a"), written.format("b")]


def test_own_numbers_go_on_from_part_to_part(folder):
    (folder / "own.txt").write_text("".join(f"{k}\n" for k in range(1, 31)))

    run("--sequences=own.txt", "--split=train=0.5,val=0.3,test=0.2", "--output-path=set.h5")

    labels = [load(f"set-{name}.h5")[1] for name in ("train", "val", "test")]
    assert [len(some) for some in labels] == [15, 9, 6]
    assert [label for some in labels for label in some] == [str(k) for k in range(1, 31)]


def test_a_split_of_own_digits_keeps_each_writer_in_one_part(tmp_path, folder):
    images, labels = packaged_digits().get_data()
    labels = np.array(labels, np.int64)
    chosen = np.concatenate([np.flatnonzero(labels == digit)[:12] for digit in range(10)])
    ids = np.tile(np.repeat([5, 1_000_003, 77, 2**40], 3), 10)
    digits = DigitImageDataset(images[chosen], labels[chosen], writer_ids=ids)
    np.savez(tmp_path / "own.npz", images=images[chosen], labels=labels[chosen], writer_ids=ids)
    run(
        "--num-images=60", "--split=a=0.5,b=0.5", "--truth=glyphs", "--style=natural", "--output-path=set.h5",
        f"--digits={tmp_path / 'own.npz'}",
    )  # fmt: skip

    writers = [set(content_of(f"set-{name}.h5")["writers"].tolist()) for name in "ab"]
    assert writers[0].isdisjoint(writers[1])
    for name in "ab":
        content = content_of(f"set-{name}.h5")
        wrote = digits.writer_ids[content["glyphs"]]
        assert (wrote == content["writers"][:, None])[content["glyphs"] >= 0].all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split=train"], "--split: split is 'train', whose part 1, 'train', is not of the form NAME=SHARE"),
        (["--split="], "--split: split is ''"),
        (["--split=train=1"], "--split: the split has 1 name: give from 2 to 100"),
        (
            ["--split=a=0.5,b=0.4"],
            r"--split: the shares of the split .* sum to 0\.9: give shares that sum to exactly 1",
        ),
        (["--split=a=0.5,A=0.5"], "--split: .*may name the same file"),
        (["--split=a/b=0.5,c=0.5"], "--split: a name of the split is 'a/b'"),
        (["--split=a=x,c=0.5"], "--split: the share of 'a' is 'x'"),
        (["--split=a=0.5,b=0.5", "--num-images=1"], "the split 'b' gets none of 1 image at a share of 0.5: make 2 or"),
        ([SPLIT, "--num-images=4"], "the split 'val' gets none of 4 images at a share of 0.1: make 10 or more"),
        (["--split=a=0.9999,b=0.0001"], "the split 'b' gets none of the .* images of the digit"),
    ],
)
def test_an_impossible_split_is_one_clear_error(folder, capsys, arguments, message):
    assert_refused(capsys, folder, ["--num-images=1000000", *arguments], message)


def test_a_class_too_small_to_split_is_one_clear_error(folder, capsys, digits_file):
    message = "the split 'test' gets none of the 3 images of the digit 0: 10 are needed for these shares; give more"

    assert_refused(capsys, folder, [SPLIT, f"--digits={digits_file}"], message)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_an_earlier_file_of_one_part_stops_everything_before_any_work(folder, capsys, monkeypatch, part):

    made = []
    monkeypatch.setattr(execute, "write_job", lambda *arguments, **options: made.append(arguments))
    earlier = folder / f"set-{part}.h5"
    earlier.write_bytes(b"earlier")

    status = run("--num-images=50", SPLIT, "--output-path=set.h5")

    said = capsys.readouterr()
    assert status == 1
    assert f"set-{part}.h5 exists already: allow overwriting (--overwrite)" in said.err
    assert said.out == ""
    assert names_in(folder) == [earlier.name]
    assert earlier.read_bytes() == b"earlier"
    assert made == []


def test_earlier_parts_are_replaced_where_that_is_allowed(folder):
    for name in ("train", "val", "test"):
        (folder / f"set-{name}.h5").write_bytes(b"earlier")

    status = run("--num-images=50", SPLIT, "--output-path=set.h5", "--overwrite")

    assert status == 0
    assert [len(load(f"set-{name}.h5")[1]) for name in ("train", "val", "test")] == [40, 5, 5]


class _EndedError(BaseException):
    """What ends the process in these tests."""


@pytest.mark.parametrize("when", [1, 2, 3])
def test_an_interruption_takes_the_unfinished_files_of_all_parts_away(folder, monkeypatch, when):
    from number_generator.system import signals as interruptions  # noqa: PLC0415 - patched here alone

    def end(status):
        raise _EndedError(status)

    seen = []
    write_job = execute.write_job

    def interrupted(*arguments, **options):
        seen.append(names_in(folder))
        if len(seen) == when:
            signal.raise_signal(signal.SIGINT)
        write_job(*arguments, **options)

    monkeypatch.setattr(execute, "write_job", interrupted)
    monkeypatch.setattr(interruptions.os, "_exit", end)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interruption = Interruption()
    interruption.install()
    try:
        with pytest.raises(_EndedError, match="130"):
            run("--num-images=50", SPLIT, "--output-path=set.h5", interruption=interruption)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    assert len(seen) == when
    assert all(len(names) == 3 for names in seen)
    assert all(re.fullmatch(r"\.set-(train|val|test)\.h5\.\w+\.partial", name) for name in seen[0])
    assert names_in(folder) == []


# --- a recorded command makes the same files again


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

    status = run(*count, *arguments, "--format=hdf5")

    made = [name for name in names_in(folder) if name.endswith(".h5")]
    assert status == 0
    again = tmp_path / "again"
    again.mkdir()
    for name in made:
        metadata = load(folder / name)[2]
        words = shlex.split(metadata["command"])
        assert words[0] == "generate-phone-numbers"
        monkeypatch.chdir(again)
        assert run(*words[1:], "--overwrite") == 0
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
        run("--num-images=2", *arguments, f"--output-path={name}.h5")
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

    status = run(f"--sequences={name}", "--output-path=set.h5")

    assert status == 0
    assert load("set.h5")[1] == ["12", "34"]


# --- contact sheets


def test_a_sheet_shows_boxes_where_they_are_asked_for(folder):
    options = ["--num-images=12", "--dashes", "--seed=4"]

    assert run(*options, "--preview=boxes.png", "--truth=boxes,glyphs") == 0
    assert run(*options, "--preview=plain.png", "--truth=glyphs") == 0

    chunk = generate_chunk(PhoneNumbers(dashes=True), (5, 10), 100, count=12, seed=4, truth="boxes")
    labels = [label.decode() for label in chunk.labels]
    with Image.open("boxes.png") as image:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), contact_sheet(chunk.images, labels, boxes=chunk.truth["boxes"]))
    with Image.open("plain.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), contact_sheet(chunk.images, labels))
    assert names_in(folder) == ["boxes.png", "plain.png"]


def test_a_sheet_shows_own_numbers_no_more_than_there_are(folder):
    (folder / "own.txt").write_text("12\n3-4\n")

    status = run("--sequences=own.txt", "--preview=sheet.png", "--seed=4", "--label=digits")

    images = generate_batch(["12", "3-4"], (5, 10), 100, seed=4)
    with Image.open("sheet.png") as image:
        assert np.array_equal(np.asarray(image), contact_sheet(images, ["12", "34"]))
    assert status == 0


@pytest.mark.parametrize("arguments", [["--truth=masks"], ["--truth=box"], ["--split=a"], ["--split=a=0.5,b=0.6"]])
def test_a_mistake_is_told_before_a_sheet_is_drawn(folder, capsys, arguments):
    assert_refused(capsys, folder, ["--preview=sheet.png", *arguments], arguments[0].partition("=")[0])


@pytest.mark.parametrize("flags", [[], ["--overwrite"]], ids=["new", "overwriting"])
def test_a_part_that_cannot_be_put_into_place_takes_the_others_with_it(folder, monkeypatch, capsys, flags):
    (folder / "z-a.pickle").write_text("earlier") if flags else None
    commit = execute.WholeDatasets.commit

    def blocked(*arguments, **options):
        (folder / "z-b.pickle").mkdir()  # another has made something of that name meanwhile
        commit(*arguments, **options)

    monkeypatch.setattr(execute.WholeDatasets, "commit", blocked)

    status = run("--num-images=10", "--split=a=0.5,b=0.5", "--output-path=z.pickle", *flags)

    assert status == 1
    left = names_in(folder)
    if flags:  # what was there before is gone: the error tells what is there now
        assert left == ["z-a.pickle", "z-b.pickle"]
        assert "in place already: z-a.pickle" in capsys.readouterr().err
    else:
        assert left == ["z-b.pickle"]


def test_computed_clusters_are_the_same_in_all_parts(folder, make_digits):
    pytest.importorskip("sklearn")
    images, labels = make_digits(12, per_class=40)
    DigitImageDataset(images, labels).save("digits.h5")

    options = ["--digits=digits.h5", "--style=natural", "--set=writer=cluster", "--truth=glyphs", "--image-width=60"]
    assert run("--num-images=60", "--seed=1", "--split=a=0.5,b=0.5", "--output-path=z.h5", *options) == 0

    clusters = {load(f"z-{name}.h5")[2]["style_clusters"] for name in "ab"}
    assert len(clusters) == 1
    (text,) = clusters
    assert len(text) == 400
    for name in "ab":
        truth = content_of(f"z-{name}.h5")
        for glyphs, writer in zip(truth["glyphs"], truth["writers"], strict=True):
            found = {text[glyph] for glyph in glyphs if glyph >= 0}
            assert found == {str(writer)} or writer == -1
