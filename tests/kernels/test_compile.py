import errno
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
import reference
from machines import is_x86_with_avx2
from numba.core.caching import CacheImpl, IndexDataCacheFile
from patience import PATIENCE_S

from number_generator._kernels import compiler
from number_generator._kernels.compile import Kernel, entry_kernel, kernel
from number_generator._kernels.compiler import make_dispatcher
from number_generator._kernels.machine_code import digest_sources

KERNELS = Path(compiler.__file__).parent


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch, tmp_path):
    """A cache of the test's own."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiled(tmp_path, caplog, monkeypatch):
    """Return a maker of what numba makes of a source file, as in a new process: `compiled(body="x + 1")`."""
    caplog.set_level(logging.DEBUG, "number_generator")  # a failing test shows what the cache met

    def make(body="x + 1"):
        path = tmp_path / "adding.py"
        path.write_text(f"def add(x):\n    return {body}\n")
        # Not the import system: it would take a file of the same length and second for the same file.
        module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("adding", path))
        monkeypatch.setitem(sys.modules, "adding", module)
        exec(compile(path.read_text(), path, "exec"), module.__dict__)
        return make_dispatcher(module.add)

    return make


def calls(dispatcher):
    """Return the result of a call, and the hits and misses in the cache."""
    result = dispatcher(41)
    return result, sum(dispatcher.stats.cache_hits.values()), sum(dispatcher.stats.cache_misses.values())


def cache_files(folder, ending):
    return sorted(folder.rglob(f"*.{ending}"))


def refuse(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_machine_code_is_cached(compiled, cache_folder):
    assert calls(compiled()) == (42, 0, 1)
    assert calls(compiled()) == (42, 1, 0)
    assert len(cache_files(cache_folder, "nbi")) == len(cache_files(cache_folder, "nbc")) == 1


def test_a_kernel_runs_without_any_cache_folder(compiled, cache_folder, monkeypatch, caplog):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])

    assert compiled()(41) == 42

    assert "add is compiled at each start" in caplog.text
    assert not cache_folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_kernel_runs_where_the_cache_folder_is_read_only(compiled, cache_folder):
    cache_folder.mkdir(mode=0o500)

    assert compiled()(41) == 42


def test_a_kernel_runs_where_the_cache_folder_is_a_file(compiled, cache_folder):
    cache_folder.write_bytes(b"")

    assert compiled()(41) == 42


@pytest.mark.parametrize("method", ["_open_for_write", "_save_index", "_save_data"])
def test_a_full_disk_is_no_error(compiled, monkeypatch, caplog, method):
    with monkeypatch.context() as patch:
        patch.setattr(IndexDataCacheFile, method, refuse)
        assert calls(compiled()) == (42, 0, 1)

    assert "the machine code of add is not cached" in caplog.text
    assert calls(compiled()) == (42, 0, 1)
    assert calls(compiled()) == (42, 1, 0)


def test_a_cache_that_cannot_be_read_is_no_error(compiled, monkeypatch):
    compiled()(41)
    monkeypatch.setattr(IndexDataCacheFile, "_load_index", refuse)

    assert calls(compiled()) == (42, 0, 1)


def test_a_cache_folder_that_goes_away_is_no_error(compiled, cache_folder):
    dispatcher = compiled()
    shutil.rmtree(cache_folder)

    assert dispatcher(41) == 42


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"nonsense",
        lambda content: b"\0" * len(content),
        lambda content: content[:1],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"cno.such.module\nname\n.",
        # Most bits of the data are machine code, which would run, and end the process.
        lambda content: (
            bytes([*content[: len(content) // 2], content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :]
        ),
    ],
    ids=["empty", "text", "zeros", "one byte", "half", "one byte less", "another pickle", "one bit"],
)
def test_a_damaged_cache_is_compiled_again_and_mended(compiled, cache_folder, ending, damage):
    compiled()(41)
    [path] = cache_files(cache_folder, ending)
    path.write_bytes(damage(path.read_bytes()))

    assert calls(compiled()) == (42, 0, 1)
    assert calls(compiled()) == (42, 1, 0)


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_missing_cache_file_is_made_again(compiled, cache_folder, ending):
    compiled()(41)
    cache_files(cache_folder, ending)[0].unlink()

    assert calls(compiled()) == (42, 0, 1)
    assert calls(compiled()) == (42, 1, 0)


def test_other_kernel_sources_do_not_use_the_machine_code_of_these(compiled, monkeypatch):
    compiled("x + 1")(41)
    monkeypatch.setattr(compiler, "digest_sources", lambda folder: "0" * 64)

    assert calls(compiled("x + 2")) == (43, 0, 1)
    assert calls(compiled("x + 2")) == (43, 1, 0)


def test_a_full_disk_after_an_upgrade_does_not_bring_old_machine_code_back(compiled, monkeypatch):
    compiled("x + 1")(41)
    monkeypatch.setattr(compiler, "digest_sources", lambda folder: "0" * 64)
    with monkeypatch.context() as patch:
        patch.setattr(IndexDataCacheFile, "_save_data", refuse)  # the index is written by then
        assert compiled("x + 2")(41) == 43

    assert compiled("x + 2")(41) == 43


def test_another_processor_has_files_of_its_own(compiled, cache_folder, monkeypatch):
    compiled()(41)
    monkeypatch.setattr(compiler, "digest_processor", lambda: "0" * 64)

    assert calls(compiled()) == (42, 0, 1)
    assert len(cache_files(cache_folder, "nbi")) == len(cache_files(cache_folder, "nbc")) == 2


def test_a_kernel_has_no_wrapper_for_python_and_can_be_called_from_there_all_the_same():
    callee = kernel(lambda x: x + 1)
    caller = entry_kernel(lambda x: callee(x) * 2)

    assert caller(20) == 42
    [library] = [compiled.library for compiled in callee.overloads.values()]
    assert "cpython" not in library.get_llvm_str()
    assert callee(41) == 42


def test_numbers_written_out_in_calls_do_not_compile_a_callee_again():
    callee = kernel(lambda x, y: x + y)
    caller = entry_kernel(lambda x: callee(x, 1) + callee(x, y=2) + callee(3, x))

    assert caller(4) == 4 + 1 + 4 + 2 + 3 + 4
    assert callee.signatures == [(numba.int64, numba.int64)]


def test_the_digest_is_that_of_every_kernel_source(tmp_path):
    digests = {digest_sources(KERNELS)}
    names = [path.name for path in KERNELS.glob("*.py")]
    for name in names:
        folder = tmp_path / f"edited-{name}"
        shutil.copytree(KERNELS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        with (folder / name).open("a") as file:
            file.write("#\n")
        digests.add(digest_sources(folder))
    renamed = tmp_path / "renamed"
    shutil.copytree(KERNELS, renamed, ignore=shutil.ignore_patterns("__pycache__"))
    (renamed / "rng.py").rename(renamed / "random.py")
    digests.add(digest_sources(renamed))

    assert len(digests) == 1 + len(names) + 1


def test_the_digest_does_not_depend_on_where_the_package_lies(tmp_path):
    shutil.copytree(KERNELS, tmp_path / "kernels")

    assert digest_sources(tmp_path / "kernels") == digest_sources(KERNELS)


def test_every_kernel_is_cached_in_this_way_and_runs_without_the_gil():
    from number_generator._kernels import layout, render, rng, taps  # noqa: PLC0415 - after the fixture

    kernels = {
        name: value
        for module in (layout, render, rng, taps)
        for name, value in vars(module).items()
        if isinstance(value, Kernel)
    }

    assert {"render_lines", "lay_out", "philox", "pack_taps"} <= kernels.keys()
    for name, dispatcher in kernels.items():
        assert dispatcher.targetoptions["nogil"], name
        assert isinstance(dispatcher._cache, compiler._KernelCache), name


# Older processors

DRAW = """
import logging
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import reference
from number_generator import DigitImageDataset, generate_batch
from number_generator._kernels import layout, render, rng, taps
from number_generator._kernels.compile import EntryKernel, Kernel
logging.disable(logging.WARNING)  # digits are small on these pages

# Height of the digits, their first row with ink, and the row after the last. Blocks of 32 rows and of 24, one and two a
# line, from even rows on and from odd ones.
inked = [(28, 2, 25), (28, 3, 27), (28, 0, 28), (28, 1, 26), (33, 0, 33), (33, 1, 33), (60, 5, 60), (60, 2, 59)]
random = np.random.default_rng(1)
for size, top, bottom in inked:
    labels = np.repeat(np.arange(10), 3)
    images = np.zeros((30, size, size), np.uint8)
    images[:, top:bottom] = random.integers(1, 256, (30, bottom - top, size))
    images[:, top + 1 : bottom - 1][random.random((30, bottom - top - 2, size)) < 0.3] = 0
    for number in range(30):  # odd and even widths, from 1 to the full one
        images[number, :, : number * 13 % size] = 0
    digits = DigitImageDataset(images, labels)
    for width in (7, 15, 16, 17, 33, 64, 100, 500):
        for fit in ("contain", "stretch"):
            # Without gaps, a glyph can begin in the pair of columns in which the one before ends.
            for spacing_range in ((0, 0), (0, 20)):
                sequences = ["0123456789", "", "5", "27182818284590452353"]
                options = {"seed": width, "spacing_range": spacing_range, "width": width, "fit": fit}
                batch = generate_batch(sequences, digits=digits, workers=1, **options)
                for number, sequence in enumerate(sequences):
                    expected = reference.draw_image(sequence, number, images=images, labels=labels, **options)
                    case = f"{number} {size} {top} {bottom} {options}"
                    np.testing.assert_array_equal(batch[number], expected, err_msg=case)

for module in (layout, render, rng, taps):
    for value in vars(module).values():
        if isinstance(value, Kernel):
            made = value.own if isinstance(value, EntryKernel) else value.dispatcher
            assert not made.stats.cache_hits, value
            print("#", value.__name__)
            for assembly in made.inspect_asm().values():
                print(assembly)
"""
MACHINES = {
    "haswell": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""},
    "generic": {"NUMBA_CPU_NAME": "generic"},
}


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory):
    """What the kernels compile to on older machines; each compiles all of them, so both run at once."""
    folder = tmp_path_factory.mktemp("machines")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "NG_"))}
    runs = {}
    for name, settings in MACHINES.items():
        environment = {**kept, **settings, "NUMBA_CACHE_DIR": str(folder / name), "PYTHONPATH": str(KERNELS.parents[1])}
        with (folder / f"{name}.s").open("w") as output:
            command = [sys.executable, "-W", "error", "-c", DRAW, str(Path(reference.__file__).parent)]
            runs[name] = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.PIPE)
    errors = {name: run.communicate(timeout=PATIENCE_S)[1].decode() for name, run in runs.items()}
    return {name: (errors[name], (folder / f"{name}.s").read_text()) for name in MACHINES}


@pytest.mark.slow
@pytest.mark.skipif(not is_x86_with_avx2(), reason="only a machine with AVX2 can be taken for these")
@pytest.mark.parametrize(
    ("machine", "used", "unused"), [("haswell", "ymm", "zmm"), ("generic", "xmm", "[yz]mm")], ids=list(MACHINES)
)
def test_pixels_are_exact_with_the_vectors_of_an_older_machine(assemblies, machine, used, unused):
    error, assembly = assemblies[machine]

    assert error == ""
    assert re.search(rf"%{used}\d", assembly)
    assert not re.search(rf"%{unused}\d", assembly)


@pytest.mark.slow
@pytest.mark.skipif(not is_x86_with_avx2(), reason="only a machine with AVX2 can be taken for these")
@pytest.mark.parametrize(
    ("machine", "one", "apart"),
    [("haswell", "vpmaddwd", "vpmul(ld|lw|hw)"), ("generic", "pmaddwd", "pmul(ld|lw|hw)")],
    ids=list(MACHINES),
)
def test_two_pixels_by_their_weights_are_multiplied_in_one_instruction(assemblies, machine, one, apart):
    # `simd` only words the multiplication in a way that LLVM knows, and nothing but speed would show that it did not.
    # LLVM compiles each function on its own and again where it is inlined: render_lines is what runs.
    _, assembly = assemblies[machine]
    functions = dict(re.findall(r"^# (\w+)\n(.*?)(?=^# \w+\n|\Z)", assembly, re.MULTILINE | re.DOTALL))

    for name in ("_horizontal_pass", "_vertical_pass", "render_lines"):
        assert re.search(rf"\t{one}\t", functions[name]), name
        assert not re.search(rf"\t{apart}\t", functions[name]), name
