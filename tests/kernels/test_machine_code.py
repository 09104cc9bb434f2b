"""Machine code in files: kernels run without numba, and nothing that is wrong with the files can fail or end a run."""

import errno
import logging
import os
import pkgutil
import shutil
import threading
from importlib import import_module
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from number_generator import _kernels
from number_generator._kernels import machine_code
from number_generator._kernels.compile import EntryKernel, entry_kernel, kernel


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path, caplog):
    """A cache of the test's own; a failing test shows what the cache met."""
    caplog.set_level(logging.DEBUG, "number_generator")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _add_one(x):
    return x + 1


def call(function=_add_one):
    """Return the result of a kernel, as a new process would make it, and whether it was compiled."""
    made = entry_kernel(function)
    return made(41), made.compiled


def find_files(folder):
    return sorted(folder.rglob("*.ngk"))


def refuse(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@kernel
def _take(array):
    """Return the sum of an array, and add 1 to its last element."""
    total = 0.0
    for number in array.flat:
        total += number
    array.flat[array.size - 1] += 1
    return total


def _take_all(a, b, flags, strided, nothing, scale):
    total = (
        _take(a[0]) + _take(a[1]) + _take(a[2]) + _take(a[3]) + _take(a[4]) + _take(a[5]) + _take(a[6]) + _take(a[7])
    )
    total += _take(b[0]) + _take(b[1]) + _take(b[2]) + _take(b[3])
    for flag in flags[1]:
        total += flag
    strided[1, 1] += np.empty(8).size * scale
    return total if nothing is None and flags[0] else 0.0


def test_arrays_of_any_kind_tuples_and_numbers_arrive(folder):
    kinds = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8")
    whole = tuple(np.arange(number, number + 3).astype(kind) for number, kind in enumerate(kinds))
    real = tuple(np.asarray([[1.5, 2.5]], kind, order) for kind in ("f4", "f8") for order in "CF")
    flags, strided = np.array([True, False, True]), np.zeros((4, 9))
    made = entry_kernel(_take_all)

    total = made(whole, real, (True, flags), strided[::2, ::3], None, np.float32(0.5))

    assert total == sum(sum(range(number, number + 3)) for number in range(8)) + 4 * 4 + 2
    assert [array.tolist() for array in whole] == [[n, n + 1, n + 3] for n in range(8)]
    assert [array.tolist() for array in real] == [[[1.5, 3.5]]] * 4
    assert strided[2, 3] == strided.sum() == 4
    assert len(find_files(folder)) == made.compiled == 1


def test_results_are_what_numba_returns():
    for value in (-(2**63), True, 2.5, np.uint64(2**64 - 1)):
        made = entry_kernel(lambda x: x)
        assert (made(value), type(made(value))) == (value, type(value) if isinstance(value, float | bool) else int)


def test_other_types_are_compiled_for_and_none_is_taken_for_another(folder):
    made = entry_kernel(lambda x: x / 2)

    assert [made(x) for x in (3, np.uint64(3), np.int64(3), 3.0, np.float64(3))] == [1.5] * 5
    assert made.compiled == 3
    again = entry_kernel(made.py_func)
    assert [again(x) for x in (3.0, np.uint64(3), 3)] == [1.5] * 3
    assert again.compiled == 0
    for other in ("3", 2**64, None, 3j, np.float32(3), np.zeros(3), (3,)):
        assert [call(other) for call in again._calls] == [NotImplemented] * 3


def test_an_array_that_cannot_be_written_is_another_type():
    def write(x):
        x[0] = 1

    made, array = entry_kernel(write), np.zeros(1)
    made(array)
    array.setflags(write=False)

    with pytest.raises(numba.core.errors.TypingError, match="readonly"):
        made(array)


def test_arguments_that_are_left_out_have_their_defaults():
    def choose(x, y=2, z=None):
        return x + y if z is None else x * z

    made = entry_kernel(choose)

    assert [made(1), made(1, 3), made(1, 3, 5)] == [3, 4, 5]
    assert made.compiled == 2


def test_what_has_no_door_is_left_to_numba():
    made = entry_kernel(lambda x: (x, x))

    assert made(1) == made(1) == (1, 1)


def test_a_kernel_that_fails_raises():
    def fail(x):
        raise ValueError

    with pytest.raises(RuntimeError, match="a kernel has failed"):
        entry_kernel(fail)(1)


def test_settings_that_change_what_numba_compiles_are_left_to_numba(monkeypatch, folder):
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")

    assert call() == (42, 0)
    assert not find_files(folder)


def test_machine_code_is_kept(folder):
    assert call() == (42, 1)
    assert call() == (42, 0)
    assert len(find_files(folder)) == 1
    assert not list(folder.rglob("*.nb?"))


def test_threads_that_come_at_once_compile_once(folder):
    made, results = entry_kernel(_add_one), []
    threads = [threading.Thread(target=lambda: results.append(made(41))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (results, made.compiled) == ([42] * 4, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"nonsense",
        lambda content: b"\0" * len(content),
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
    ],
    ids=["empty", "text", "zeros", "half", "one byte less", "one bit"],
)
def test_a_damaged_file_is_compiled_again_and_mended(folder, damage):
    call()
    [path] = find_files(folder)
    path.write_bytes(damage(path.read_bytes()))

    assert call() == (42, 1)
    assert call() == (42, 0)


def test_code_that_calls_what_this_process_lacks_is_not_loaded(folder, caplog):
    call()
    [path] = find_files(folder)
    code = machine_code._unpack(path.read_bytes())
    path.write_bytes(machine_code._pack(code._replace(externals=["no_such_function"])))

    assert call() == (42, 1)
    assert "nothing here is called no_such_function" in caplog.text


@pytest.mark.parametrize("name", ["write_bytes", "mkdir", "replace"])
def test_a_full_disk_is_no_error(monkeypatch, folder, name):
    with monkeypatch.context() as patch:
        patch.setattr(Path, name, refuse)
        assert call() == (42, 1)

    assert not find_files(folder)
    assert call() == (42, 1)


def test_where_nothing_can_be_written_is_told(folder):
    store = entry_kernel(_add_one).store
    assert store.find_writable().parent == folder
    shutil.rmtree(folder)
    folder.write_bytes(b"")

    assert store.find_writable() is None
    assert call() == (42, 1)


def test_other_sources_and_other_processors_have_files_of_their_own(monkeypatch, folder):
    call()
    for name, digest in (("digest_sources", lambda _: "0" * 64), ("digest_processor", lambda: "0" * 64)):
        with monkeypatch.context() as patch:
            patch.setattr(machine_code, name, digest)
            assert call() == (42, 1)
            assert call() == (42, 0)

    assert len(find_files(folder)) == 3


def test_numba_keeps_its_own_files_in_the_same_folder(folder, monkeypatch):
    callee = kernel(lambda x: x + 1)
    made = entry_kernel(lambda x: callee(x) + 1)
    made(1)
    assert {path.parent for path in folder.rglob("*.nb?")} == {path.parent for path in find_files(folder)}

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    named = {name.lstrip("_"): value for name, value in vars(caching).items()}  # older versions have a _ before them
    locators = named["InTreeCacheLocator"], named["UserWideCacheLocator"]
    expected = [Path(locator(made.py_func, __file__).get_cache_path()) for locator in locators]
    assert machine_code.find_folders(Path(__file__)) == expected


def test_every_kernel_that_python_calls_has_a_door(monkeypatch):
    monkeypatch.undo()  # the machine code that all tests use
    modules = [import_module(f"{_kernels.__name__}.{row.name}") for row in pkgutil.iter_modules(_kernels.__path__)]
    kernels = {value for module in modules for value in vars(module).values() if isinstance(value, EntryKernel)}
    used = [made for made in kernels if made.is_compiled]

    assert len(used) >= 8
    for made in used:
        assert next(made.store.read(), None), made.__name__


def test_a_process_that_only_draws_loads_no_numba(run_python, monkeypatch):
    code = """
import sys
from number_generator import generate_batch
for style in ("clean", "natural", "document"):
    generate_batch(["0312345678"], (5, 10) if style == "clean" else None, 100, style=style, seed=1)
print([name for name in sys.modules if name.startswith("numba")])
"""
    monkeypatch.undo()  # the machine code that all tests use
    run_python(code)

    assert run_python(code) == "[]\n"
