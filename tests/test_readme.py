"""The commands and code of the README, and of docs/numbers.md, run as they stand there and print what is shown.

Those of a page run in order, in one folder and in this process, which saves the start of each; `test_process.py` starts
the installed commands. A ```console block holds commands after "$ ", each followed by its output. `<!-- no-test -->` on
the line before a block leaves it out.
"""

import contextlib
import io
import re
import shlex
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from number_generator import GenericDataset
from number_generator.commands import generate as cli
from number_generator.commands.main import main
from number_generator.numbers.named_patterns import NAMED
from number_generator.system.signals import Interruption

CHECKOUT = Path(__file__).parents[1]
README = CHECKOUT / "README.md"
PAGES = [README, *(CHECKOUT / "docs" / name for name in ("numbers.md", "digits.md", "formats.md", "converting.md"))]
NEEDED = {"formats.md": ["lmdb", "pyarrow", "datasets", "webdataset"], "converting.md": ["lmdb", "pyarrow"]}
"""The optional packages without which the commands of a page fail."""
TUTORIALS = [*PAGES, CHECKOUT / "docs" / "training.md"]


# Options of other tools that a page names: those of deep-text-recognition-benchmark and docTR.
OTHERS = {"--batch", "--gt", "--input", "--output", "--select", "--train", "--valid", "--val", "--vocab", "--epochs"}

pytestmark = [
    pytest.mark.skipif(not README.is_file(), reason="the README is in the checkout only"),
    # The package webdataset leaves closing what it has read to Python.
    pytest.mark.filterwarnings("ignore:unclosed file <_io.BufferedReader name='shards:ResourceWarning"),
]


@dataclass
class Block:
    """What stands between a pair of fences."""

    language: str
    line_number: int
    text: str


def blocks_of(page):
    """The blocks of a page that are to be tested, in order."""
    found, lines = [], page.read_text(encoding="utf-8").splitlines()
    position = 0
    while position < len(lines):
        fence = re.fullmatch(r"```(\w*)", lines[position])
        if fence is None:
            position += 1
            continue
        end = lines.index("```", position + 1)
        if position == 0 or lines[position - 1].strip() != "<!-- no-test -->":
            found.append(Block(fence[1], position + 2, "\n".join(lines[position + 1 : end]) + "\n"))
        position = end + 1
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands_of(block):
    """The commands of a block that are ours, each with the output shown (None where there is none to show)."""
    if block.language == "console":
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output
    elif block.language in ("bash", "sh", "shell"):
        for line in block.text.splitlines():
            if line.startswith("generate-"):
                yield line, None


def call_command(command):
    """Run a command in this process, and return what it prints."""
    name, *arguments = shlex.split(command)
    if name == "python":
        assert arguments[:2] == ["-m", "number_generator"], command
        function, arguments = main, arguments[2:]
    else:
        function = getattr(cli, name.replace("-", "_"))
    output, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        status = function(arguments, Interruption())
    for stream in (output, error):
        stream.seek(0)
    said, complaint = output.read(), error.read()
    assert status == 0, f"{command}: {complaint}"
    assert complaint == ""
    return said


def untimed(text):
    """The text with its measured times, and the time and version that a file was made with, made equal."""
    text = re.sub(r"number_generator \d+\.\d+\.\d+, \d{4}-\d\d-\d\d \d\d:\d\d UTC", "number_generator", text)
    return re.sub(r"took \d+\.\d seconds", "took 0.1 seconds", text)


def run_python(block, page):
    """Run a block as a program; what it prints must begin the comment beside the `print`, where there is one."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = compile("\n" * (block.line_number - 1) + block.text, str(page), "exec")
        exec(code, {"__name__": "__main__"})
    prints = [line for line in block.text.splitlines() if line.lstrip().startswith("print(")]
    printed = output.getvalue().splitlines()
    assert len(printed) == len(prints)
    for line, shown in zip(prints, printed, strict=True):
        comment = line.partition("  # ")[2]
        assert not comment or comment.startswith(shown), f"{line!r} prints {shown!r}"


def needs_what_is_missing(block):
    """Tell whether a block of Python imports an optional package that is not installed."""
    imported = re.findall(r"^(?:from|import) (\w+)", block.text, flags=re.MULTILINE)
    return block.language == "python" and any(find_spec(name) is None for name in imported)


def run_page(page):
    """Run all that a page shows, in order, and compare what is printed; blocks that lack their package are left out."""
    for block in blocks_of(page):
        if needs_what_is_missing(block):
            continue
        for command, shown in commands_of(block):
            printed = call_command(command)

            assert shown is None or untimed(printed) == untimed(shown), f"{page.name}:{block.line_number}"
        if block.language == "python":
            try:
                run_python(block, page)
            except Exception as exc:
                raise AssertionError(f"{page.name}:{block.line_number}: {exc!r}") from exc


@pytest.mark.parametrize(
    "page",
    [README, *(pytest.param(page, marks=pytest.mark.slow) for page in PAGES[1:])],
    ids=lambda page: page.name,
)
def test_everything_on_the_page_runs_and_prints_what_it_shows(page, folder):
    for package in NEEDED.get(page.name, ()):
        pytest.importorskip(package)

    run_page(page)


def test_the_readme_shows_both_commands_and_the_python_api():
    blocks = blocks_of(README)
    commands = [shlex.split(command)[0] for block in blocks for command, shown in commands_of(block) if shown]

    assert {"generate-numbers-sequence", "generate-phone-numbers"} <= set(commands)
    assert sum(block.language == "python" for block in blocks) >= 3


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.name)
def test_every_option_on_the_page_exists(page, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for command in (cli.generate_phone_numbers, cli.generate_numbers_sequence):
        with pytest.raises(SystemExit):
            command(["--help"], Interruption())
    for command in (["preview"], ["convert"], ["export"], ["fit"], ["inspect"], ["index"], ["digits", "build"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"], Interruption())
    example = "".join(file.read_text(encoding="utf-8") for file in (CHECKOUT / "examples").glob("*.py"))
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) | {"--benchmark-only"}
    known |= set(re.findall(r'"(--[a-z-]+)"', example)) | OTHERS

    text = re.sub(r"<!--.*?-->", "", page.read_text(encoding="utf-8"))
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))

    assert mentioned <= known


def test_the_page_of_numbers_names_every_named_pattern():
    text = PAGES[1].read_text(encoding="utf-8")

    for name, pattern in NAMED.items():
        assert f"| `{name}` | {pattern.description} |" in text, name


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.name)
def test_every_local_link_on_the_page_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert targets
    for target in targets:
        assert (page.parent / target).exists(), target


def test_the_readme_names_every_entry_of_the_metadata(folder):
    cli.generate_phone_numbers(["--num-images=1", "--output-path=set.h5"], Interruption())
    dataset = GenericDataset()
    dataset.load("set.h5")

    text = README.read_text(encoding="utf-8")

    for name in dataset.get_metadata():
        assert f"`{name}`" in text, name


def test_the_readme_tells_nobody_to_install_by_name():
    text = README.read_text(encoding="utf-8")

    assert not re.search(r"pip install [\"']?number[-_]generator", text)
