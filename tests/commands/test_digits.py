"""`python -m number_generator digits`."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from number_generator import GenericDataset
from number_generator.commands.main import main
from number_generator.digits.published import SOURCES
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.digits.style_clusters import find_clusters
from number_generator.system.atomic_file import AtomicFile
from number_generator.system.signals import Interruption


def run(*arguments):
    return main(["digits", *map(str, arguments)], Interruption())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NG_CACHE_DIR", str(tmp_path / "cache"))
    for digit in range(10):
        (tmp_path / "mine" / str(digit)).mkdir(parents=True)
        image = np.full((40, 30), 255, np.uint8)
        image[5:35, 10 : 12 + digit] = 0
        Image.fromarray(image).save(tmp_path / "mine" / str(digit) / "a.png")
    return tmp_path


@pytest.fixture
def file(folder, make_digit_dataset):
    make_digit_dataset(12, per_class=4).save(folder / "digits.pickle")
    return folder / "digits.pickle"


def test_a_folder_becomes_a_file(folder, capsys):
    assert run("build", "mine", "out/mine.npz", "--no-clusters") == 0

    assert load_digits("out/mine.npz").sha256 == load_digits("mine").sha256
    assert capsys.readouterr().out == (
        "digit      0      1      2      3      4      5      6      7      8      9\n"
        "mine       1      1      1      1      1      1      1      1      1      1\n"
        'Digit dataset of 10 digits written to "out/mine.npz"\n'
    )


def test_clusters_of_a_source_can_be_left_out(folder):
    pytest.importorskip("sklearn")
    assert run("build", "packaged", "with.npz") == 0

    assert run("build", "with.npz", "without.npz", "--no-clusters") == 0

    assert load_digits("with.npz").cluster_ids is not None
    assert load_digits("without.npz").cluster_ids is None


def test_clusters_and_writers_are_written(folder, capsys):
    pytest.importorskip("sklearn")
    images, labels = packaged_digits().get_data()
    chosen = np.arange(0, 5000, 20)
    labels = np.array(labels).astype(int)[chosen]
    np.savez("w.npz", images=images[chosen], labels=labels, writer_ids=chosen // 500)

    assert run("build", "w.npz", "built.npz") == 0

    built = load_digits("built.npz")
    assert built.writer_ids.tolist() == (chosen // 500).tolist()
    assert len(set(built.cluster_ids.tolist())) == 2
    assert "10 writers\n2 style clusters\n" in capsys.readouterr().out


def test_the_packaged_digits_keep_their_clusters(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)

    assert run("build", "packaged", "built.npz") == 0

    assert len(set(load_digits("built.npz").cluster_ids.tolist())) == 8


def test_the_packaged_digits_keep_their_clusters_in_another_size(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)

    assert run("build", "packaged", "big.npz", "--size", 32) == 0

    built = load_digits("big.npz")
    assert built.get_example_shape() == (32, 32)
    assert built.cluster_ids.tolist() == find_clusters(packaged_digits()).tolist()


def test_without_scikit_learn_the_error_tells_the_way_out(file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)

    assert run("build", file, "built.npz") != 0

    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith(
        "scikit-learn is missing: run `pip install scikit-learn` (it is the extra `cluster`); or --no-clusters "
        "builds the file without them; try --help"
    )
    assert "writer" not in said


def test_the_same_sources_make_the_same_bytes(file, folder):
    for name in ("a.npz", "b.npz"):
        assert run("build", file, "mine", name, "--size", 28, "--no-clusters") == 0

    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


def test_several_sources_are_joined_or_weighted(file, folder, capsys):
    assert run("build", file, "mine", "joined.npz", "--size", 12, "--no-clusters") == 0
    assert run("build", file, "mine", "weighted.npz", "--size", 12, "--no-clusters", "--weights", "0.2,0.8") == 0

    joined, weighted = load_digits("joined.npz"), load_digits("weighted.npz")
    assert len(joined) == len(weighted) == 50
    assert joined.atlas.shares is None
    assert weighted.mixture.weights == (0.2, 0.8)
    assert "\nall " in capsys.readouterr().out


def test_other_formats_say_that_they_hold_no_writers(folder, capsys):
    images, labels = packaged_digits().get_data()
    np.savez("w.npz", images=images[::50], labels=np.array(labels[::50]).astype(int), writer_ids=np.arange(100))

    assert run("build", "w.npz", "built.h5") == 0

    assert load_digits("built.h5").sha256 == load_digits("w.npz").sha256
    assert (
        "This format holds no writers and no style clusters: give a name that ends in .npz" in capsys.readouterr().out
    )


@pytest.mark.parametrize("name", ["built.npz", "built.h5"])
def test_an_earlier_file_is_replaced_when_that_is_asked_for(file, folder, name, capsys):
    (folder / name).write_bytes(b"earlier")

    assert run("build", file, name, "--no-clusters") == 1
    assert "exists already" in capsys.readouterr().err
    assert (folder / name).read_bytes() == b"earlier"
    assert run("build", file, name, "--no-clusters", "--overwrite") == 0
    assert len(load_digits(name)) == 40


@pytest.mark.parametrize("name", ["built.npz", "built.h5", "built.pickle"])
def test_a_file_that_appears_while_ours_is_written_is_not_replaced(file, folder, name, monkeypatch, capsys):
    finish = AtomicFile.finish

    def late(self):
        finish(self)
        (folder / name).write_bytes(b"another's")

    monkeypatch.setattr(AtomicFile, "finish", late)

    assert run("build", file, name, "--no-clusters") == 1
    assert "exists already" in capsys.readouterr().err
    assert (folder / name).read_bytes() == b"another's"


@pytest.mark.parametrize("name", ["built.npz", "built.h5"])
def test_what_is_unfinished_is_told_to_the_interruption(file, name, monkeypatch):
    interruption = Interruption()
    monkeypatch.setattr("signal.getsignal", lambda _: interruption._handle)

    assert main(["digits", "build", str(file), name, "--no-clusters"], interruption) == 0

    assert [path.name.split(".")[1] for path in interruption.temporaries] == ["built"]


def test_bright_ink_can_be_asked_for(folder):
    assert run("build", "mine", "dark.npz", "--no-clusters") == 0
    assert run("build", "mine", "bright.npz", "--no-clusters", "--ink", "bright") == 0

    assert load_digits("bright.npz").get_data()[0].mean() > load_digits("dark.npz").get_data()[0].mean()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "out.zip"], r"DST is 'out.zip': give a file name that ends in .npz, .h5, .hdf5 or .pickle"),
        (["mine", "out.npz", "--weights", "1"], "--weights is '1' for 1 source: give two sources or more"),
        (["mine", "digits.pickle", "out.npz", "--weights", "1,x"], "--weights is '1,x' for 2 sources"),
        (["mine", "digits.pickle", "out.npz", "--weights", "1,0"], "--weights is '1,0' for 2 sources"),
        (["mine", "out.npz", "--size", "3"], "--size is 3"),
    ],
)
def test_what_is_wrong_is_told(file, arguments, message, capsys):
    assert run("build", *arguments) == 2

    assert message in capsys.readouterr().err


def test_a_source_that_is_wrong_leaves_no_file(folder, capsys):
    (folder / "mine" / "3" / "a.png").write_bytes(b"no image")

    assert run("build", "mine", "out.npz") == 1

    assert "this is not a complete PNG or JPEG image" in capsys.readouterr().err
    assert not list(folder.glob("*out*"))


def test_all_sources_are_listed_with_what_is_there(folder, capsys):
    assert run("list") == 0

    printed = capsys.readouterr().out
    assert all(f"\n{name} " in f"\n{printed}" for name in SOURCES)
    assert "MNIST's 60,000 training digits (to download, 10 MB)" in printed
    assert f'Downloads are kept in "{folder / "cache"}"' in printed


def test_an_unknown_name_is_not_fetched(folder, capsys):
    assert run("fetch", "mnist", "mnits") == 2

    assert "the digit source is 'mnits': give mnist, mnist-test" in capsys.readouterr().err


def test_help_tells_all_actions(capsys):
    for arguments in (["--help"], ["build", "--help"]):
        with pytest.raises(SystemExit) as ended:
            run(*arguments)
        assert ended.value.code == 0

    assert "--weights LIST" in capsys.readouterr().out


# How digits are stored


IMAGES, LABELS = packaged_digits().images[::50], packaged_digits().classes[::50]


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (255 - IMAGES, ["--ink", "dark"]),
        (255 - IMAGES, ["--ink=dark", "--range=255"]),
        (IMAGES, ["--ink", "bright"]),
        (np.where(IMAGES > 127, 85, 0).astype(np.uint8), ["--range", "85"]),
        (IMAGES.transpose(0, 2, 1), ["--orientation", "transposed"]),
    ],
)
def test_a_file_is_built_as_the_options_say(images, options, folder):
    np.savez("stored.npz", images=images, labels=LABELS)

    assert run("build", "stored.npz", "built.npz", "--no-clusters", *options) == 0

    built = load_digits("built.npz")
    expected = np.where(IMAGES > 127, 255, 0) if images.max() == 85 else IMAGES
    np.testing.assert_array_equal(built.images, expected)
    assert built.get_metadata()["ink"] == "bright"


def test_what_the_options_say_holds_for_what_is_built(folder, capsys):
    turned = IMAGES.transpose(0, 2, 1)
    np.savez("turned.npz", images=turned, labels=LABELS)

    assert run("build", "turned.npz", "built.h5", "--no-clusters") == 1
    assert "--orientation upright" in capsys.readouterr().err
    assert run("build", "turned.npz", "built.h5", "--no-clusters", "--orientation", "upright") == 0
    np.testing.assert_array_equal(load_digits("built.h5").images, turned)


def test_what_is_found_out_is_told_on_stderr_and_recorded(folder):
    np.savez("dark.npz", images=255 - IMAGES, labels=LABELS)
    program = "from number_generator.entry import generate_phone_numbers; generate_phone_numbers()"
    arguments = ["--digits=dark.npz", "--num-images=2", "--seed=1", f"--output-path={folder / 'out.npz'}", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stderr.startswith("dark.npz: the digits are stored with dark ink on a light ground; they are read as ")
    dataset = GenericDataset()
    dataset.load("out.npz")
    assert dataset.get_metadata()["digits_stored_with"] == "dark ink on a light ground"
    both = load_digits("packaged=1,dark.npz=1").get_metadata()
    assert both["stored_with"] == "dark.npz: dark ink on a light ground"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--range=0"], "--range is 0"),
        (["--range=300"], "--range is 300"),
        (["--ink=dark"], "SRC is 'a=1,b=2', and --ink, --range and --orientation are for files and folders"),
    ],
)
def test_options_that_say_nothing_right_are_refused(arguments, message, folder, capsys):
    assert run("build", "a=1,b=2", "built.npz", "--no-clusters", *arguments) == 2
    assert message in capsys.readouterr().err


def test_options_that_speak_of_files_are_refused_for_named_digits(folder, capsys):
    np.savez("mine.npz", images=IMAGES, labels=LABELS)

    for sources in (["packaged"], ["mnist"], ["mine.npz", "packaged"]):
        for option in ("--ink=dark", "--range=15", "--orientation=transposed"):
            assert run("build", *sources, "built.npz", "--no-clusters", option) == 2
            told = capsys.readouterr().err
            assert f"SRC is {sources[-1]!r}, and --ink, --range and --orientation are for files and folders" in told
            assert "leave them out, or first build" in told
    assert not (folder / "built.npz").exists()
