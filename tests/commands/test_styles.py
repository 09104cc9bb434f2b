"""`--style` and `--set`."""

import numpy as np
import pytest
from PIL import Image
from running import BOTH, PHONE, SEQUENCE, load, read_usage_error, run
from written import names_in

from number_generator import Handwriting, generate_batch

pytestmark = pytest.mark.usefixtures("folder")


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


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--style=Natural"],
            "style is 'Natural': did you mean 'natural'? give 'clean', 'natural'",
        ),
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
        (["--style=natural", "--max-spacing=-3"], "the minimum exceeds the maximum"),
        (["--style=clean", "--min-spacing=-3"], "--min-spacing is -3: give an integer, from 0 to 65535"),
        (["--style"], "argument --style: expected one argument"),
        (["--set"], "argument --set: expected one argument"),
    ],
)
def test_a_wrong_style_is_told_in_one_message(folder, capsys, command, needed, arguments, message):
    assert message in read_usage_error(folder, capsys, command, [*needed, *arguments])


def test_a_tight_crop_fits_by_itself(folder, capsys):
    assert "leave fit out" in read_usage_error(folder, capsys, PHONE, ["--style=document", "--fit=stretch"])


def test_a_wrong_style_file_is_told_with_its_name(folder, capsys):
    (folder / "mine.toml").write_text("slant = [0.4, -0.2]\n", encoding="utf-8")

    status = run(PHONE, "--style=mine.toml")

    assert status == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "generate-phone-numbers: error: mine.toml: slant: the range is 0.4:-0.2: the low end exceeds the high one; "
        "swap them; try --help"
    )
    assert names_in(folder) == ["mine.toml"]
