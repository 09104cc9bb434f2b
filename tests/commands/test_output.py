"""The formats of generate-phone-numbers: where each goes, what it holds, and the command that makes it again."""

import json
import pickle
import shlex
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from running import PHONE, SEQUENCE, read_usage_error, run_phone
from small_dataset import FOLDER_FORMATS, FORMATS, need
from written import arrays_in, names_in, pixels, read, tree

from number_generator.commands.generate import generate_phone_numbers
from number_generator.commands.output import Output, add_output_options
from number_generator.commands.runs import execute
from number_generator.commands.terminal import make_parser
from number_generator.formats.registry import list_label_files
from number_generator.system.signals import Interruption

NAMES = {
    "pickle": "phonenumbers-handwritten-dataset-6.pickle",
    "hdf5": "phonenumbers-handwritten-dataset-6.h5",
    "npz": "phonenumbers-handwritten-dataset-6.npz",
    "png": "phonenumbers-handwritten-dataset-6-png",
    "lmdb": "phonenumbers-handwritten-dataset-6.lmdb",
    "webdataset": "phonenumbers-handwritten-dataset-6-webdataset",
    "parquet": "phonenumbers-handwritten-dataset-6-parquet",
}


ENDINGS_OF_OTHERS = (
    *(".jpg", ".jpeg", ".PNG", ".gif", ".tif", ".tiff", ".bmp"),
    *(".zip", ".tar", ".gz", ".csv", ".json", ".txt", ".htm", ".html"),
)

pytestmark = pytest.mark.usefixtures("folder")


def run(*arguments):
    return run_phone("--num-images=6", "--seed=1", "--image-width=40", "--workers=1", *arguments)


def load(path, file_format):
    """Return images, labels, ground truth image by image where the format has it so, and what the dataset says."""
    if file_format == "pickle":
        with path.open("rb") as file:
            found = pickle.load(file)
        return found["images"], found["labels"], found.get("truth", {}), found["metadata"]
    if file_format == "hdf5":
        with h5py.File(path) as file:
            rest = {name: file[name][:] for name in arrays_in(file) if name not in ("images", "labels")}
            labels = [label.decode() for label in file["labels"][:].tolist()]
            return file["images"][:], labels, rest, dict(file.attrs)
    if file_format == "npz":
        with np.load(path) as file:
            rest = {name: file[name] for name in file if name not in ("images", "labels", "metadata")}
            return file["images"], file["labels"].tolist(), rest, json.loads(file["metadata"].item())
    found = read(path, file_format)
    return np.array([pixels(image) for image in found.images]), found.labels, found.truth, found.description


# --- where it goes


def test_each_format_has_its_usual_name_in_the_current_folder(folder, file_format, capsys):
    status = run(f"--format={file_format}")

    assert status == 0
    assert names_in(folder) == [NAMES[file_format]]
    said = f'Dataset with 6 telephone like images generated successfully at "./{NAMES[file_format]}"'
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("output_path", ["deep/er/", "there", "there/", "."])
def test_a_folder_is_where_the_usual_name_is_made(folder, file_format, output_path):
    (folder / "there").mkdir()
    (folder / "there" / "thesis.txt").touch()

    status = run(f"--format={file_format}", f"--output-path={output_path}")

    assert status == 0
    assert (folder / output_path / NAMES[file_format]).exists()
    assert (folder / "there" / "thesis.txt").exists()


@pytest.mark.parametrize("output_path", ["mine", "deep/mine", "v1.2", "mine.old"])
def test_a_new_name_is_the_folder_itself(folder, folder_format, output_path):
    status = run(f"--format={folder_format}", f"--output-path={output_path}")

    assert status == 0
    assert len(load(folder / output_path, folder_format)[0]) == 6


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("a.pickle", "pickle"), ("a.h5", "hdf5"), ("a.hdf5", "hdf5"), ("a.NPZ", "npz"), ("a.lmdb", "lmdb")],
)
def test_the_ending_of_a_name_chooses_the_format(folder, name, file_format):
    need(file_format)

    assert run(f"--output-path={name}") == 0

    assert names_in(folder) == [name]
    assert len(load(folder / name, file_format)[0]) == 6


@pytest.mark.parametrize(("name", "of_name"), [("x.npz", "npz"), ("x.pickle", "pickle"), ("X.LMDB", "lmdb")])
@pytest.mark.parametrize("given", ["hdf5", "png"])
def test_a_format_and_an_ending_that_contradict_each_other_are_refused(folder, capsys, name, of_name, given):
    said = read_usage_error(folder, capsys, PHONE, ["--num-images=2", f"--format={given}", f"--output-path={name}"])

    assert f"--format is {given} and --output-path is {name!r}, whose ending stands for {of_name}: leave" in said


def test_a_format_that_the_ending_confirms_is_taken(folder):
    assert run("--format=pickle", "--output-path=x.pickle") == 0
    assert run("--format=hdf5", "--output-path=x.hdf5") == 0

    assert names_in(folder) == ["x.hdf5", "x.pickle"]


@pytest.mark.parametrize("ending", ENDINGS_OF_OTHERS)
@pytest.mark.parametrize("options", [[], ["--format=hdf5"], ["--format=png"], ["--format=webdataset"]])
def test_an_ending_that_stands_for_another_kind_of_file_is_refused(folder, capsys, ending, options):
    said = read_usage_error(folder, capsys, PHONE, ["--num-images=2", *options, f"--output-path=x{ending}"])

    assert f"--output-path is 'x{ending}', but a folder " in said
    assert f" is written and not what {ending.lower()} stands for: give a name that ends in .pickle, " in said


@pytest.mark.parametrize("name", ["x.jpg/", "there.zip"])
def test_a_folder_of_any_name_may_be_given_as_one(folder, name):
    (folder / "there.zip").mkdir()

    assert run(f"--output-path={name}") == 0

    assert names_in(folder / name) == [NAMES["pickle"]]


@pytest.mark.parametrize("ending", [*ENDINGS_OF_OTHERS, ".h5", ".npz", ".pickle", ".lmdb"])
def test_a_single_image_has_no_ending_of_another_kind(folder, capsys, ending):
    if ending == ".PNG":
        pytest.skip("the image is one")

    said = read_usage_error(folder, capsys, SEQUENCE, ["--sequence=12", f"--output-path=x{ending}"])

    assert f"--output-path is 'x{ending}', and a PNG image is written: give a name that ends in .png" in said


def test_a_dataset_of_ours_is_replaced_only_where_that_is_allowed(folder, folder_format, capsys):
    assert run(f"--format={folder_format}", "--output-path=mine") == 0
    earlier = load(folder / "mine", folder_format)[0]

    assert run(f"--format={folder_format}", "--output-path=mine", "--seed=2") == 1
    assert "mine exists already: allow overwriting (--overwrite) or give another name" in capsys.readouterr().err
    assert np.array_equal(load(folder / "mine", folder_format)[0], earlier)
    assert run(f"--format={folder_format}", "--output-path=mine", "--seed=2", "--overwrite") == 0

    assert names_in(folder) == ["mine"]
    assert not np.array_equal(load(folder / "mine", folder_format)[0], earlier)


def test_a_slash_after_the_name_of_a_dataset_changes_nothing(folder, folder_format):
    name = "mine.lmdb" if folder_format == "lmdb" else "mine"
    options = () if folder_format == "lmdb" else (f"--format={folder_format}",)
    assert run(*options, f"--output-path={name}") == 0

    assert run(*options, f"--output-path={name}/") == 1
    assert run(*options, f"--output-path={name}/", "--overwrite") == 0

    assert names_in(folder) == [name]
    assert len(load(folder / name, folder_format)[0]) == 6


@pytest.mark.parametrize("options", [["--format=png"], ["--overwrite"], ["--format=png", "--output-path=../mine/."]])
def test_nothing_is_written_into_a_dataset_that_is_the_current_folder(folder, monkeypatch, capsys, options):
    assert run("--format=png", "--output-path=mine") == 0
    monkeypatch.chdir(folder / "mine")
    capsys.readouterr()

    error = read_usage_error(folder / "mine", capsys, PHONE, options)

    assert "which holds a dataset, and nothing else is written into its folder: give another place" in error


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("more", [["--overwrite"], ["--overwrite", "--resume"], []])
def test_a_dataset_with_a_file_of_others_in_it_is_left_alone(folder, folder_format, capsys, slash, more):
    assert run(f"--format={folder_format}", "--output-path=mine") == 0
    inner = {"png": "images/0000/000000001.box", "parquet": "data/notes.txt"}.get(folder_format, "notes.txt")
    (folder / "mine" / inner).write_text("mine", encoding="utf-8")
    before = tree(folder)

    status = run(f"--format={folder_format}", f"--output-path=mine{slash}", "--seed=2", *more)

    assert status == 1
    named = f"mine holds {inner!r}, which this package did not write, and so is not replaced" if more else "exists"
    assert named in capsys.readouterr().err
    assert tree(folder) == before


def test_parts_with_files_of_others_in_them_are_left_alone(folder, folder_format, capsys):
    options = [f"--format={folder_format}", "--output-path=mine", "--split=train=0.5,val=0.5"]
    assert run(*options) == 0
    (folder / "mine-val" / "notes.txt").touch()
    before = tree(folder)

    assert run(*options, "--overwrite", "--seed=2") == 1

    assert "mine-val holds 'notes.txt', which this package did not write" in capsys.readouterr().err
    assert tree(folder) == before


def test_a_damaged_lmdb_is_left_alone(folder, capsys):
    need("lmdb")
    assert run("--format=lmdb", "--output-path=mine") == 0
    with (folder / "mine" / "data.mdb").open("r+b") as file:
        file.truncate(3 * 4096)
    before = tree(folder)

    assert run("--format=lmdb", "--output-path=mine", "--overwrite") == 1

    assert "mine holds a dataset that cannot be read" in capsys.readouterr().err
    assert tree(folder) == before


def test_one_format_replaces_another(folder):
    assert run("--format=webdataset", "--output-path=mine") == 0

    assert run("--format=png", "--output-path=mine", "--overwrite") == 0

    assert len(load(folder / "mine", "png")[0]) == 6


def test_a_folder_named_like_an_lmdb_that_is_none_of_ours_is_not_replaced(folder, capsys):
    pytest.importorskip("lmdb")
    (folder / "mine.lmdb").mkdir()
    (folder / "mine.lmdb" / "thesis.txt").touch()

    status = run("--output-path=mine.lmdb", "--overwrite")

    assert status == 1
    assert "mine.lmdb is a folder that this package did not write, and so is not replaced" in capsys.readouterr().err
    assert names_in(folder / "mine.lmdb") == ["thesis.txt"]


@pytest.mark.parametrize("option", ["--output-path=./", "--output-path=mine"])
def test_each_part_of_a_split_is_a_dataset_of_its_own(folder, file_format, option):
    status = run(f"--format={file_format}", "--split=train=0.5,val=0.5", option)

    whole = NAMES[file_format]
    if option.endswith("mine"):
        whole = "mine" if file_format in FOLDER_FORMATS else f"mine/{whole}"
    output = Output(whole, file_format, "none", ())
    loaded = [load(folder / output.of_part(name), file_format) for name in ("train", "val")]
    assert status == 0
    assert [len(images) for images, *_ in loaded] == [3, 3]
    assert [json.loads(about["job"])["split"] for *_, about in loaded] == ["train", "val"]


@pytest.mark.parametrize(
    ("target", "file_format", "expected"),
    [
        ("a/b.h5", "hdf5", "a/b-val.h5"),
        ("a.b/c", "png", "a.b/c-val"),
        ("c.tar", "webdataset", "c.tar-val"),
        ("x.lmdb", "lmdb", "x-val.lmdb"),
        ("v1.2", "parquet", "v1.2-val"),
    ],
)
def test_a_part_is_named_after_the_whole(target, file_format, expected):
    assert Output(target, file_format, "none", ()).of_part("val") == expected


def test_files_of_a_part_bear_its_name(folder):
    pytest.importorskip("pyarrow")
    for file_format in ("webdataset", "parquet"):
        assert run(f"--format={file_format}", "--split=train=0.5,val=0.5", f"--output-path={file_format}") == 0

    assert names_in(folder / "webdataset-val") == ["dataset.json", "val-000000.tar"]
    assert names_in(folder / "parquet-val" / "data") == ["val-00000-of-00001.parquet"]


def test_a_part_that_is_in_the_way_leaves_no_other(folder, folder_format, capsys):
    (folder / "mine-val").mkdir()

    status = run(f"--format={folder_format}", "--split=train=0.5,val=0.5", "--output-path=mine")

    assert status == 1
    assert "mine-val exists already" in capsys.readouterr().err
    assert names_in(folder) == ["mine-val"]


def test_a_part_that_cannot_be_put_into_place_takes_the_others_with_it(folder, folder_format, monkeypatch):
    commit = execute.WholeDatasets.commit

    def blocked(*arguments, **options):
        (folder / "mine-val").touch()  # another has made something of that name meanwhile
        commit(*arguments, **options)

    monkeypatch.setattr(execute.WholeDatasets, "commit", blocked)

    status = run(f"--format={folder_format}", "--split=train=0.5,val=0.5", "--output-path=mine")

    assert status == 1
    assert names_in(folder) == ["mine-val"]


# --- what it holds


def test_all_formats_hold_the_same(folder, file_format):
    expected = load_written("hdf5")

    images, labels, truth, about = load_written(file_format)

    assert np.array_equal(images, expected[0])
    assert labels == expected[1]
    assert json.loads(about["job"])["image_width"] == 40
    if file_format in FOLDER_FORMATS:
        for row, label in enumerate(labels):
            assert truth[row]["glyphs"] == expected[2]["glyphs"][row, : len(label)].tolist()
            assert truth[row]["forms"] == expected[2]["forms"][row, : len(label)].tolist()
            assert truth[row]["boxes"] == expected[2]["boxes"][row, : len(label)].tolist()
            np.testing.assert_array_equal(np.float32(truth[row]["parameters"]), expected[2]["parameters"][row])
    else:
        names = ["boxes", "glyphs", "forms", "writers", "parameters", "glyph_parameters"]
        assert list(truth) == names or file_format == "hdf5"
        for name, values in truth.items():
            assert values.dtype == expected[2][name].dtype
            np.testing.assert_array_equal(values, expected[2][name])


def load_written(file_format):
    more = ["--labels=jsonl"] if file_format == "png" else []
    assert (
        run(f"--format={file_format}", "--truth=boxes,glyphs,parameters", "--style=natural", "--overwrite", *more) == 0
    )
    return load(Path(NAMES[file_format]), file_format)


def test_a_dataset_has_the_same_bytes_whatever_the_workers(folder, file_format, monkeypatch):
    monkeypatch.setattr("number_generator.job.metadata.time.time", lambda: 1.5)
    more = ["--truth=glyphs", *(["--labels=jsonl"] if file_format == "png" else [])]
    made = []
    for workers in (1, 3):
        assert (
            run(f"--format={file_format}", "--num-images=1300", *more, f"--workers={workers}", "--output-path=x/") == 0
        )
        files = [path for path in sorted((folder / "x").rglob("*")) if path.is_file()]
        made.append([(path.name, path.read_bytes()) for path in files])
        remove(folder / "x")

    assert made[0] == made[1]


def test_the_recorded_command_makes_the_same_dataset_again(folder, file_format):
    more = ["--labels=jsonl,csv", "--truth=glyphs"] if file_format == "png" else ["--truth=glyphs"]
    assert run(f"--format={file_format}", *more) == 0
    first = load(folder / NAMES[file_format], file_format)
    files = names_in_tree(folder)
    command = shlex.split(first[3]["command"])
    remove(folder / NAMES[file_format])

    status = generate_phone_numbers(command[1:], Interruption())

    again = load(folder / NAMES[file_format], file_format)
    assert (status, command[0]) == (0, "generate-phone-numbers")
    assert np.array_equal(again[0], first[0])
    assert again[1] == first[1]
    assert str(again[2]) == str(first[2])
    assert names_in_tree(folder) == files


def names_in_tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("kind", ["json", "csv", "tesseract", "jsonl"])
def test_each_label_file_is_written_where_it_is_asked_for(folder, kind):
    assert run("--format=png", "--output-path=plain") == 0
    assert run("--format=png", "--output-path=mine", f"--labels={kind}") == 0

    plain = set(names_in_tree(folder / "plain"))
    added = {
        "json": {"labels.json"},
        "csv": {"images/0000/labels.csv"},
        "tesseract": {f"images/0000/{number:09d}.gt.txt" for number in range(1, 7)},
        "jsonl": {"metadata.jsonl"},
    }
    assert set(names_in_tree(folder / "mine")) - plain == added[kind]
    assert plain == {
        "dataset.json", "gt.txt", "images", "images/0000", *(f"images/0000/{number:09d}.png" for number in range(1, 7))
    }  # fmt: skip


def test_labels_are_recorded_in_one_order(folder):
    assert run("--format=png", "--output-path=mine", "--labels=jsonl, csv,csv") == 0

    assert "--labels=csv,jsonl" in shlex.split(load(folder / "mine", "png")[3]["command"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels=json"], "--labels is json and the format is pickle: only png writes label files; choose"),
        (["--labels=json", "--format=lmdb"], "--labels is json and the format is lmdb: only png writes label files"),
        (["--labels=json", "--output-path=a.h5"], "--labels is json and the format is hdf5"),
        (["--labels=xml", "--format=png"], "--labels is 'xml', which holds 'xml': give some of json, csv, tesser"),
        (["--labels=", "--format=png"], "which holds ''"),
        (["--labels=json,", "--format=png"], "which holds ''"),
        (["--compression=gzip", "--format=parquet"], "--compression is gzip and the format is parquet, which takes"),
        (["--truth=boxes", "--format=png"], "add jsonl to --labels"),
        (["--format=tar"], "argument --format: invalid choice: 'tar'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_message_and_nothing_is_made(folder, capsys, arguments, message):
    status = run(*arguments)

    assert status == 2
    assert message in capsys.readouterr().err
    assert names_in(folder) == []


@pytest.mark.parametrize(("file_format", "package"), [("lmdb", "lmdb"), ("parquet", "pyarrow")])
def test_a_package_that_is_missing_is_told_with_its_extra(folder, monkeypatch, capsys, file_format, package):
    monkeypatch.setitem(sys.modules, package, None)

    status = run(f"--format={file_format}")

    assert status == 1
    assert f"pip install '.[{file_format}]'" in capsys.readouterr().err
    assert names_in(folder) == []


def test_what_the_command_takes_is_what_the_writers_write():
    parser = make_parser("name", "description")
    add_output_options(parser)

    choices = {action.dest: action.choices for action in parser._actions}
    assert choices["format"] == FORMATS
    help_text = {action.dest: action.help for action in parser._actions}["labels"]
    assert all(kind in help_text for kind in list_label_files())


def test_an_interruption_takes_an_unfinished_folder_away(folder, folder_format, monkeypatch):
    ended = []
    monkeypatch.setattr("number_generator.system.signals.os._exit", ended.append)
    interruption = Interruption()

    def interrupt(*_, **__):
        interruption._handle(2, None)
        raise KeyboardInterrupt

    monkeypatch.setattr("number_generator.commands.runs.execute.write_job", interrupt)
    with pytest.raises(KeyboardInterrupt):
        generate_phone_numbers(["--num-images=6", f"--format={folder_format}"], interruption)

    assert ended == [130]
    assert names_in(folder) == []


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (PHONE, ["--format=npz", "--output-path=set/"]),
        (PHONE, ["--output-path=set", "--overwrite"]),
        (PHONE, ["--output-path=set/../set/."]),
        (SEQUENCE, ["--sequence=7", "--output-path=set/"]),
    ],
)
def test_no_option_takes_the_folder_of_a_dataset_for_a_place(folder, capsys, command, arguments):
    assert run("--format=png", "--output-path=set") == 0
    capsys.readouterr()
    before = tree(folder / "set")

    assert "which holds a dataset, and nothing else is written into" in read_usage_error(
        folder, capsys, command, arguments
    )
    assert tree(folder / "set") == before
