"""The documentation site: it builds without a warning, is complete, and what its pages show runs.

Blocks of code are found and run as those of the README are: see `test_readme.py`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S
from test_readme import blocks_of, folder, run_page, run_python  # noqa: F401 - a fixture

import number_generator
from number_generator import errors
from number_generator.commands import generate as cli
from number_generator.commands.main import make_command_parser

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
RECIPES = DOCS / "tasks" / "tensorflow-jax.md"
# Each with the optional packages that it needs.
PAGES = {
    "index.md": (),
    "inspecting.md": (),
    "reproducibility.md": (),
    "scale.md": ("dask", "distributed"),
    "tasks/own-digits.md": (),
    "tasks/paddleocr.md": ("lmdb",),
    "tasks/parseq.md": ("lmdb",),
    "tasks/pytorch.md": ("torch",),
}
FRAMEWORKS = {"tf.data": "tensorflow", "Keras": "keras", "JAX": "jax", "Resume": "numpy"}

pytestmark = [
    pytest.mark.slow,  # but for the README's, see `test_readme.py`
    pytest.mark.skipif(not (CHECKOUT / "mkdocs.yml").is_file(), reason="the site is built in the checkout"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, or the one that .ci/run has built."""
    if "BUILT_SITE" in os.environ:
        return Path(os.environ["BUILT_SITE"])
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    path = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", path],
        cwd=CHECKOUT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return path


def sections_of(page):
    """The blocks of a page under each heading of the second level."""
    text = page.read_text(encoding="utf-8")
    starts = {heading[1]: text.count("\n", 0, heading.start()) for heading in re.finditer(r"^## (.*)$", text, re.M)}
    blocks = blocks_of(page)
    ends = [*starts.values(), text.count("\n")][1:]
    return {
        title: [block for block in blocks if start < block.line_number < end]
        for (title, start), end in zip(starts.items(), ends, strict=True)
    }


def parsers():
    """Every command's parser, the nested ones included."""
    found, waiting = [], [cli.make_dataset_parser(), cli.make_image_parser(), make_command_parser()[0]]
    while waiting:
        parser = waiting.pop()
        nested = [action.choices.values() for action in parser._actions if action.nargs == "A..."]
        waiting += [command for commands in nested for command in commands]
        if not nested:
            found.append(parser)
    return found


def test_every_page_is_built_and_in_the_navigation(site):
    start = (site / "index.html").read_text(encoding="utf-8")

    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix(".html").as_posix()
        assert (site / name).is_file(), name
    places = set(re.findall(r'href="([\w/.-]+\.html)"', start))
    for section in ("tasks/parseq.html", "numbers.html", "reference/commands.html"):  # each opens a tab
        assert section in places


def test_the_site_loads_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)', text)
        loaded += re.findall(r'<link\b[^>]*\bhref="([^"]+)', text)

        assert not [place for place in loaded if re.match(r"(https?:)?//", place)], page.name


def test_the_scripts_of_the_docs_are_no_part_of_the_site(site):
    assert not list(site.rglob("*.py"))


def test_a_link_out_of_the_docs_leaves_its_text(site):
    text = (site / "training.html").read_text(encoding="utf-8")

    assert "[examples/train_reader.py](../examples/train_reader.py)" in (DOCS / "training.md").read_text("utf-8")
    assert "examples/train_reader.py trains a small reader" in text
    assert 'href="../' not in text


def test_every_argument_of_every_command_is_in_the_reference(site):
    text = re.sub(r"<[^>]*>", "", (site / "reference" / "commands.html").read_text(encoding="utf-8"))

    assert len(parsers()) >= 6
    for parser in parsers():
        assert parser.prog in text
        for action in parser._actions:
            for name in action.option_strings or [action.metavar]:
                assert name in ("-h", "--help", "--version") or name in text, (parser.prog, name)


def test_every_public_name_is_in_the_reference(site):
    text = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    names = {
        *number_generator.__all__,
        *errors.__all__,
        "Chunk",
        "parameter_names",
        "NumberStream",
        "NumberImages",
        "NumberSampler",
        "pad_batch",
        "NumberJob",
        "job",
        "images",
        "labels",
        "truth",
    }

    for name in names - {"__version__"}:
        assert re.search(rf'id="number_generator\.[\w.]+\.{name}"', text), name


def test_the_reference_shows_types_as_they_are_written(site):
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")

    assert "ndarray, shape (N, H, width), in colour (N, H, width, 3), uint8, C-contiguous" in text
    assert "{&#34;contain&#34;, &#34;stretch&#34;}" in text


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than cores are meant
@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_runs_and_prints_what_it_says(name, folder):  # noqa: F811
    for package in PAGES[name]:
        pytest.importorskip(package)

    run_page(DOCS / name)


@pytest.mark.filterwarnings("default")  # frameworks are full of their own
@pytest.mark.parametrize("title", FRAMEWORKS)
def test_a_recipe_runs_with_its_framework(title):
    pytest.importorskip(FRAMEWORKS[title])
    (block,) = sections_of(RECIPES)[title]

    run_python(block, RECIPES)


@pytest.mark.parametrize("name", [*PAGES, "tasks/tensorflow-jax.md"])
def test_configurations_on_a_page_are_valid(name):
    yaml = pytest.importorskip("yaml")

    for block in blocks_of(DOCS / name):
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.text), dict), f"{name}:{block.line_number}"
