"""What is built and installed, and that the packaged digits are found however it was installed."""

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE_S

from number_generator import __version__, generate_numbers_sequence

CHECKOUT = Path(__file__).parents[1]
DIST_INFO = f"number_generator-{__version__}.dist-info"

pytestmark = [
    pytest.mark.skipif(
        not (CHECKOUT / "pyproject.toml").is_file(),
        reason="these tests need the checkout that the package is built from",
    ),
    pytest.mark.slow,
]

# Tells, as JSON, what was imported from where; with an argument it draws an image too.
_PROBE = """
import json, os, sys
import number_generator
from number_generator.digits import resolve as digit_datasets
read = []
load = digit_datasets.DigitImageDataset.load
digit_datasets.DigitImageDataset.load = lambda self, path, **how: (read.append(str(path)), load(self, path, **how))[1]
count = len(digit_datasets.default_digits())
image = number_generator.generate_numbers_sequence("0123", (5, 10), 100, seed=1).tolist() if sys.argv[1:] else None
package = os.path.dirname(number_generator.__file__)
print(json.dumps({"package": package, "digits": read, "count": count, "image": image}))
"""

_NO_INDEX = ("No matching distribution found", "Could not find a version", "onnection", "Temporary failure")


def run(command, folder):
    """Run a command in a folder, with none of our environment's Python settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST_", "NG_", "COV_"))
    }
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=kept, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    output = done.stdout + done.stderr
    if done.returncode and "hatchling" in output and any(sign in output for sign in _NO_INDEX):
        pytest.skip(f"the package index cannot be reached for hatchling: {output[-300:]}")
    assert done.returncode == 0, output
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the sdist, and the wheel that was built from that sdist."""
    pytest.importorskip("build", reason="the package `build` makes sdist and wheel")
    folder = tmp_path_factory.mktemp("built")
    run([sys.executable, "-m", "build", "--outdir", folder, CHECKOUT], folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(built):
    (path,) = built.glob("*.tar.gz")
    return path


class Environment:
    """A virtual environment with one package installed, and this environment's dependencies."""

    def __init__(self, folder, *package):
        venv.create(folder, symlinks=os.name != "nt", with_pip=False)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")
        run([sys.executable, "-m", "pip", "--python", self.python, "install", "--no-deps", *package], folder)
        self.site = Path(
            run([self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder)[:-1]
        )
        # Only now, so that pip sees no other install of ours. What is listed comes last in the search path, and no
        # .pth file in it is followed, so that an editable install of ours there plays no part.
        dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(Path(np.__file__).parents[1])}
        (self.site / "zz_dependencies.pth").write_text("\n".join(sorted(dependencies)) + "\n")

    def probe(self, folder, *arguments):
        return json.loads(run([self.python, "-c", _PROBE, *arguments], folder))


@pytest.fixture(scope="module")
def from_wheel(wheel, tmp_path_factory):
    pytest.importorskip("pip")
    return Environment(tmp_path_factory.mktemp("wheel"), "--no-index", wheel)


@pytest.fixture(scope="module")
def from_sdist(sdist, tmp_path_factory):
    pytest.importorskip("pip")
    return Environment(tmp_path_factory.mktemp("sdist"), sdist)


@pytest.fixture(scope="module")
def checkout(sdist, tmp_path_factory):
    """A checkout in a folder of its own: an editable install may write into it."""
    folder = tmp_path_factory.mktemp("checkout")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"number_generator-{__version__}"


@pytest.fixture(scope="module")
def from_checkout(checkout, tmp_path_factory):
    """An editable install."""
    pytest.importorskip("pip")
    return Environment(tmp_path_factory.mktemp("editable"), "--editable", checkout)


# --- what is built


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert {name.split("/")[0] for name in names} == {"number_generator", DIST_INFO}
    assert {
        "number_generator/py.typed",
        "number_generator/_kernels/render.py",
        "number_generator/data/digits.npz",
        "number_generator/data/digits.npz.sha256",
        "number_generator/data/digit_clusters.npz",
        "number_generator/data/digit_clusters.npz.sha256",
        "number_generator/data/letterforms.json",
        "number_generator/data/letterforms.json.sha256",
        "number_generator/data/build_digits.py",
        "number_generator/data/build_clusters.py",
        "number_generator/data/README.md",
        "number_generator/data/LICENSE-MNIST",
        f"{DIST_INFO}/licenses/LICENSE",
        f"{DIST_INFO}/licenses/NOTICE",
        f"{DIST_INFO}/licenses/data/LICENSE-MNIST",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name or "test" in name]


def test_the_wheel_holds_every_module_of_the_checkout_and_the_page(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    files = {path for path in (CHECKOUT / "number_generator").rglob("*") if path.is_file()}
    modules = {path.relative_to(CHECKOUT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert modules <= names
    assert "number_generator/studio/static/index.html" in modules


def test_the_digits_in_the_wheel_are_those_of_the_checkout(wheel):
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read("number_generator/data/digits.npz")
        recorded = archive.read("number_generator/data/digits.npz.sha256").decode()

    assert content == (CHECKOUT / "data" / "digits.npz").read_bytes()
    assert recorded.split()[0] == hashlib.sha256(content).hexdigest()
    assert len(content) < 1_000_000


def test_the_metadata_names_version_licences_and_python(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{DIST_INFO}/METADATA").decode())

    assert (metadata["Name"], metadata["Version"]) == ("number-generator", __version__)
    assert metadata["License-Expression"] == "MIT AND CC-BY-SA-3.0"
    assert set(metadata.get_all("License-File")) == {"LICENSE", "NOTICE", "data/LICENSE-MNIST"}
    assert metadata["Requires-Python"] == ">=3.10"
    needed = {re.match(r"[\w-]+", line)[0].lower() for line in metadata.get_all("Requires-Dist") if "extra" not in line}
    ours = {"deflate", "h5py", "isal", "numba", "numpy", "phonenumbers", "pillow", "tomli", "tqdm"}
    assert needed == ours


def test_the_wheel_brings_the_commands(wheel):
    with zipfile.ZipFile(wheel) as archive:
        points = configparser.ConfigParser(delimiters="=")
        points.read_string(archive.read(f"{DIST_INFO}/entry_points.txt").decode())

    assert dict(points["console_scripts"]) == {
        "generate-numbers-sequence": "number_generator.entry:generate_numbers_sequence",
        "generate-phone-numbers": "number_generator.entry:generate_phone_numbers",
        "generate-phone-numbers.py": "number_generator.entry:generate_phone_numbers",
        "number-generator": "number_generator.entry:number_generator",
    }


def test_the_sdist_holds_what_a_build_and_its_tests_need(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}

    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "NOTICE",
        "PKG-INFO",
        "data/digits.npz",
        "data/digit_clusters.npz",
        "data/letterforms.json",
        "data/letterforms.json.sha256",
        "data/build_digits.py",
        "data/build_clusters.py",
        "number_generator/py.typed",
        "tests/reference.py",
        "tests/test_install.py",
    } <= names


# --- where the digits are found


def test_the_digits_are_found_from_the_wheel(from_wheel, tmp_path):
    found = from_wheel.probe(tmp_path, "draw")

    assert found["package"] == str(from_wheel.site / "number_generator")
    assert found["digits"] == [str(from_wheel.site / "number_generator" / "data" / "digits.npz")]
    assert found["image"] == generate_numbers_sequence("0123", (5, 10), 100, seed=1).tolist()


def test_the_installed_command_draws_an_image(from_wheel, tmp_path):
    run([from_wheel.scripts / "generate-numbers-sequence", "--sequence=42"], tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["42.png"]


def test_the_page_is_served_from_the_wheel(from_wheel, tmp_path):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    code = (
        "import urllib.request\nfrom number_generator.studio import pages, serving\n"
        "studio = pages.Studio({}, '', None, print)\n"
        "with serving.Server(0) as server:\n"
        "    server.start(pages.make_application(studio))\n"
        "    for name in ('', 'app.js', 'style.css'):\n"
        "        print(len(urllib.request.urlopen(server.address + name).read()))\n"
        "print(pages.__file__)\n"
    )

    *sizes, place = run([from_wheel.python, "-c", code], tmp_path).splitlines()

    static = from_wheel.site / "number_generator" / "studio" / "static"
    assert [int(size) for size in sizes] == [
        (static / name).stat().st_size for name in ("index.html", "app.js", "style.css")
    ]
    assert Path(place).is_relative_to(from_wheel.site)


def test_nothing_named_data_is_installed(from_wheel):
    assert not (from_wheel.site / "data").exists()
    assert not (from_wheel.site / "tests").exists()


def test_the_digits_are_found_from_the_sdist(from_sdist, wheel, tmp_path):
    found = from_sdist.probe(tmp_path)

    assert found["digits"] == [str(from_sdist.site / "number_generator" / "data" / "digits.npz")]
    assert found["count"] == 5000
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("number_generator/"):
                assert (from_sdist.site / name).read_bytes() == archive.read(name), name


def test_the_digits_are_found_from_an_editable_install(from_checkout, checkout, tmp_path):
    found = from_checkout.probe(tmp_path)

    assert found["package"] == str(checkout / "number_generator")
    assert found["digits"] == [str(checkout / "data" / "digits.npz")]
    assert found["count"] == 5000


def test_the_digits_are_found_by_pytest_in_a_checkout_after_an_install(from_wheel, checkout):
    (checkout / "test_probe.py").write_text(
        "import pathlib, number_generator\n"
        "from number_generator.digits import default_digits\n"
        "def test_the_checkout_shadows_the_install():\n"
        "    assert pathlib.Path(number_generator.__file__).parents[1] == pathlib.Path(__file__).parent\n"
        "def test_its_digits_are_found():\n"
        "    assert len(default_digits()) == 5000\n"
    )

    said = run([from_wheel.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_probe.py"], checkout)

    assert "2 passed" in said


def test_without_its_digits_the_package_says_so(from_sdist, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(
        from_sdist.site / "number_generator", copy / "number_generator", ignore=shutil.ignore_patterns("data")
    )
    code = (
        "from number_generator import NumberGeneratorError\nfrom number_generator.digits import default_digits\n"
        "try:\n    default_digits()\nexcept NumberGeneratorError as exc:\n    print(exc)\n"
    )

    said = run([from_sdist.python, "-c", code], copy)

    assert (
        said
        == f"the packaged digits are missing from {copy / 'number_generator' / 'data'}: install the package again\n"
    )
