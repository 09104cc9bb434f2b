"""Help and version of the two commands."""

import os
import re
import subprocess

import pytest
from installed import installed
from patience import PATIENCE_S
from running import BOTH, PHONE, SEQUENCE, run

import number_generator


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (SEQUENCE, ["--sequence DIGITS", "--output-path DIR|FILE.png"]),
        (
            PHONE,
            ["--num-images N", "--output-path DIR|FILE", "--format {pickle,hdf5,npz,png,lmdb,webdataset,parquet}",
             "--labels LIST", "--shard-size N", "--compression {gzip,none}", "--fit {contain,stretch}", "--workers N",
             "--overwrite", "--quiet", "--pattern NAME|REGEX", "--lengths {proportional,equal}",
             "--country CODES", "--dashes", "--sequences FILE", "--column NAME|N", "--delimiter CHARACTER",
             "--order {given,drawn}", "--label {written,digits}", "--truth LIST", "--split NAME=SHARE,...",
             "--resume", "--shards K", "--shard I/K", "--scheduler ADDRESS|FILE|local", "--config JOB.toml",
             "--write-config JOB.toml", "--list-parameters", "--real LINES", "--real-share SHARE",
             "--real-set NAME=VALUE", "--real-balance {lines,length,digits}", "--real-holdout SHARE"],
        ),
    ],
    ids=["one", "phone"],
)  # fmt: skip
def test_help_lists_every_option(capsys, monkeypatch, command, options):
    monkeypatch.setenv("COLUMNS", "1000")

    status = run(command, "--help")

    shown = capsys.readouterr().out
    common = ["--min-spacing PX", "--max-spacing PX", "--image-width PX|auto[:MAX]", "--seed N"]
    common += ["--image-height PX", "--digits NAME|FILE|DIR", "--style NAME|FILE.toml", "--set NAME=VALUE"]
    common += ["--preview SHEET.png", "--paper DIR", "--color"]
    listed = [line.strip().split("  ")[0] for line in shown.splitlines() if line.startswith("  -")]
    assert status == 0
    assert sorted(listed) == sorted(["-h, --help", "--version", *common, *options])


@pytest.mark.parametrize(
    ("command", "defaults"),
    [
        (SEQUENCE, {"--output-path": "./"}),
        (
            PHONE,
            {"--num-images": "1000; with --sequences, one for each sequence", "--output-path": "./",
             "--format": "pickle", "--fit": "contain",
             "--shard-size": "10,000 and 100,000", "--compression": "gzip; no other format takes it",
             "--workers": "one per core", "--real-share": "0.125", "--real-balance": "lines", "--real-holdout": "0",
             "--quiet": "on a terminal, on stderr", "--label": "written", "--order": "given",
             "--delimiter": "whichever of these divides all lines alike, or what a first line such as sep=; names",
             "--lengths": "proportional; for amounts and integers: equal"},
        ),
    ],
    ids=["one", "phone"],
)  # fmt: skip
def test_help_states_units_and_defaults(capsys, monkeypatch, command, defaults):
    monkeypatch.setenv("COLUMNS", "1000")

    run(command, "--help")

    entries = re.split(r"\n  (?=--)", capsys.readouterr().out)[1:]
    lines = {text.split()[0]: " ".join(text.split()) for text in entries}
    gaps = "styles other than clean have gaps of their own, and allow negative ones"
    defaults = {"--min-spacing": f"5; {gaps}", "--max-spacing": f"10; {gaps}", "--image-width": "100",
                "--image-height": "that of the digits, 28 for the packaged ones",
                "--seed": "a new random seed", "--style": "clean", "--color": "grey",
                "--digits": "those that NG_DEFAULT_DIGIT_DATASET names, else the packaged MNIST digits",
                **defaults}  # fmt: skip
    for option, default in defaults.items():
        assert f"(default: {default})" in lines[option]
    for option in ("--min-spacing", "--max-spacing", "--image-width"):
        assert "in px (default" in lines[option]
    without = set(lines) - set(defaults)
    assert without <= {"--sequence", "--set", "--preview", "--overwrite", "--version", "--pattern", "--country",
                       "--dashes", "--sequences", "--column", "--truth", "--split", "--labels", "--resume", "--shards",
                       "--shard", "--scheduler", "--config", "--write-config", "--list-parameters", "--real",
                       "--real-set", "--paper"}  # fmt: skip


@BOTH
def test_the_version_is_shown(capsys, command, needed):
    status = run(command, "--version")

    assert status == 0
    assert capsys.readouterr().out.split() == [
        "generate-numbers-sequence" if needed else "generate-phone-numbers",
        number_generator.__version__,
    ]


@pytest.mark.parametrize("command", ["generate-numbers-sequence", "number-generator"])
def test_help_is_shown_where_not_all_characters_can_be(command):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(
        [installed(command), "--help"], env=environment, capture_output=True, timeout=PATIENCE_S, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"usage: " in done.stdout
