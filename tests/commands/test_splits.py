"""`--split`: a dataset for each part."""

import json
import re
import signal

import numpy as np
import pytest
from running import PHONE, content_of, load, read_usage_error, run_phone
from written import names_in

from number_generator import DigitImageDataset, PhoneNumbers, generate_chunk, split_digits
from number_generator.commands.runs import execute
from number_generator.digits.resolve import packaged_digits
from number_generator.system.signals import Interruption

SPLIT = "--split=train=0.8,val=0.1,test=0.1"
ALL_TRUTH = "--truth=boxes,glyphs,parameters"
PART_STEP = 2**56

pytestmark = pytest.mark.usefixtures("folder")


def split_files(count, ending="h5"):
    return {name: f"phonenumbers-handwritten-dataset-{count}-{name}.{ending}" for name in ("train", "val", "test")}


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_a_split_writes_a_file_for_each_part_and_shares_no_source_digit(folder, capsys, style):
    status = run_phone("--num-images=203", SPLIT, ALL_TRUTH, "--format=hdf5", "--seed=3", f"--style={style}")

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
        np.testing.assert_array_equal(content["labels"].astype(str), chunk.labels)
    assert used["train"].isdisjoint(used["val"] | used["test"])
    assert used["val"].isdisjoint(used["test"])
    assert sorted(set().union(*allowed.values())) == list(range(5000))
    assert sum(map(len, allowed.values())) == 5000


def test_a_larger_job_splits_the_digits_the_same_way_and_begins_with_the_same_images(folder):
    options = [SPLIT, "--truth=glyphs", "--seed=3"]

    run_phone("--num-images=50", *options, "--output-path=small.h5")
    run_phone("--num-images=900", *options, "--output-path=large.h5")

    for name in ("train", "val", "test"):
        small, large = content_of(f"small-{name}.h5"), content_of(f"large-{name}.h5")
        for key in ("images", "labels", "glyphs", "writers"):
            np.testing.assert_array_equal(small[key], large[key][: len(small[key])], err_msg=key)
        np.testing.assert_array_equal(small["source_digits"], large["source_digits"])


def test_the_images_of_a_split_do_not_depend_on_the_workers():
    for workers in (1, 3):
        run_phone("--num-images=1500", SPLIT, "--seed=3", f"--workers={workers}", f"--output-path={workers}.h5")

    for name in ("train", "val", "test"):
        assert np.array_equal(content_of(f"1-{name}.h5")["images"], content_of(f"3-{name}.h5")["images"])


def test_a_split_may_be_written_to_pickles(folder):
    status = run_phone("--num-images=20", SPLIT, "--seed=3")

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
    run_phone("--num-images=10", "--split=a=0.5,b=0.5", f"--output-path={output_path}")

    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == [written.format("a"), written.format("b")]


def test_own_numbers_go_on_from_part_to_part(folder):
    (folder / "own.txt").write_text("".join(f"{k}\n" for k in range(1, 31)))

    run_phone("--sequences=own.txt", "--split=train=0.5,val=0.3,test=0.2", "--output-path=set.h5")

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
    run_phone(
        "--num-images=60", "--split=a=0.5,b=0.5", "--truth=glyphs", "--style=natural", "--output-path=set.h5",
        f"--digits={tmp_path / 'own.npz'}",
    )  # fmt: skip

    # A line of letterforms alone has no writer.
    writers = [set(content_of(f"set-{name}.h5")["writers"].tolist()) - {-1} for name in "ab"]
    assert writers[0].isdisjoint(writers[1])
    assert all(writers)
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
    assert re.search(message, read_usage_error(folder, capsys, PHONE, ["--num-images=1000000", *arguments]))


def test_a_class_too_small_to_split_is_one_clear_error(folder, capsys, digits_file):
    message = "the split 'test' gets none of the 3 images of the digit 0: 10 are needed for these shares; give more"

    assert re.search(message, read_usage_error(folder, capsys, PHONE, [SPLIT, f"--digits={digits_file}"]))


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_an_earlier_file_of_one_part_stops_everything_before_any_work(folder, capsys, monkeypatch, part):

    made = []
    monkeypatch.setattr(execute, "write_job", lambda *arguments, **options: made.append(arguments))
    earlier = folder / f"set-{part}.h5"
    earlier.write_bytes(b"earlier")

    status = run_phone("--num-images=50", SPLIT, "--output-path=set.h5")

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

    status = run_phone("--num-images=50", SPLIT, "--output-path=set.h5", "--overwrite")

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
            run_phone("--num-images=50", SPLIT, "--output-path=set.h5", interruption=interruption)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    assert len(seen) == when
    assert all(len(names) == 3 for names in seen)
    assert all(re.fullmatch(r"\.set-(train|val|test)\.h5\.\w+\.partial", name) for name in seen[0])
    assert names_in(folder) == []


@pytest.mark.parametrize("flags", [[], ["--overwrite"]], ids=["new", "overwriting"])
def test_a_part_that_cannot_be_put_into_place_takes_the_others_with_it(folder, monkeypatch, capsys, flags):
    (folder / "z-a.pickle").write_text("earlier") if flags else None
    commit = execute.WholeDatasets.commit

    def blocked(*arguments, **options):
        (folder / "z-b.pickle").mkdir()  # another has made something of that name meanwhile
        commit(*arguments, **options)

    monkeypatch.setattr(execute.WholeDatasets, "commit", blocked)

    status = run_phone("--num-images=10", "--split=a=0.5,b=0.5", "--output-path=z.pickle", *flags)

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
    assert run_phone("--num-images=60", "--seed=1", "--split=a=0.5,b=0.5", "--output-path=z.h5", *options) == 0

    clusters = {load(f"z-{name}.h5")[2]["style_clusters"] for name in "ab"}
    assert len(clusters) == 1
    (text,) = clusters
    assert len(text) == 400
    for name in "ab":
        truth = content_of(f"z-{name}.h5")
        for glyphs, writer in zip(truth["glyphs"], truth["writers"], strict=True):
            found = {text[glyph] for glyph in glyphs if glyph >= 0}
            assert found == {str(writer)} or writer == -1
