"""Machine code of kernels in files, loaded by LLVM alone: a process that only runs kernels does not wait for numba.

A file holds two object files: the kernel as numba compiles it, and its door for Python, see `door`.
"""

import contextlib
import ctypes
import hashlib
import importlib.util
import itertools
import json
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from llvmlite import __version__ as llvmlite_version
from llvmlite import binding

SEAL_BYTES = hashlib.sha256().digest_size
ENDING = ".ngk"

# What the doors compare with and return, by its place in the tuple that they are given.
OBJECTS: tuple[Any, ...] = (
    NotImplemented, None, RuntimeError, tuple, int, float, bool,
    np.bool_, np.int64, np.uint64, np.float64, np.float32, np.int32, np.uint32, np.uint8,
)  # fmt: skip

_FASTCALL = 0x80  # METH_FASTCALL
_PLAIN_VARIABLES = {"NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_NUM_THREADS"}

_logger = logging.getLogger(__name__)
_alive: list[Any] = []  # what loaded machine code needs as long as the process lives


class MachineCode(NamedTuple):
    """A kernel and its door, compiled."""

    symbol: str
    externals: list[str]
    objects: list[bytes]


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def is_usable() -> bool:
    """Tell whether there can be such files: other settings of numba's change what it compiles, or how that fails."""
    if sys.platform == "win32":  # LLVM's loader is not tested with what it makes there
        return False
    return not any(name.startswith("NUMBA_") and name not in _PLAIN_VARIABLES for name in os.environ)


def load(code: MachineCode) -> Callable[..., Any]:
    """Return a function that Python can call; it returns NotImplemented for arguments of other types.

    Raises
    ------
    RuntimeError
        If the process lacks something that the code calls, or LLVM cannot read it.
    """
    engine = binding.create_mcjit_compiler(
        binding.parse_assembly(""), make_target_machine()
    )  # makes what the process has known to LLVM
    missing = [name for name in code.externals if binding.address_of_symbol(name) is None]
    if missing:  # LLVM would end the process
        raise RuntimeError(f"nothing here is called {', '.join(missing)}")
    for part in code.objects:
        engine.add_object_file(binding.ObjectFileRef.from_data(part))
    engine.finalize_object()
    method = _Method(b"kernel", engine.get_function_address(code.symbol), _FASTCALL, None)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    _alive.append((engine, method))
    function: Callable[..., Any] = make(ctypes.addressof(method), OBJECTS, None)
    return function


def try_to_load(code: MachineCode) -> Callable[..., Any] | None:
    """Return the function as `load` does, or None if it cannot be loaded."""
    try:
        return load(code)
    except RuntimeError as exc:
        _logger.debug("kept machine code is not used: %s", exc)
        return None


def make_target_machine() -> Any:
    """Return LLVM's description of this processor, or of the one that numba's settings name."""
    target = binding.Target.from_triple(binding.get_process_triple())
    name, features = name_processor()
    return target.create_target_machine(cpu=name, features=features, codemodel="jitdefault", jit=True)


@cache
def _prepare_llvm() -> None:
    """Do what older versions of llvmlite want done before anything else; newer ones refuse it."""
    for prepare in (binding.initialize_native_target, binding.initialize_native_asmprinter):
        with contextlib.suppress(RuntimeError):
            prepare()


def name_processor() -> tuple[str, str]:
    """Return name and features of this processor, or of the one that numba's settings name, as LLVM has them."""
    _prepare_llvm()
    name = os.environ.get("NUMBA_CPU_NAME")
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        features = "" if name else binding.get_host_cpu_features().flatten()
    return name or binding.get_host_cpu_name(), features


@cache
def digest_sources(folder: Path) -> str:
    """Hash the versions of numba and LLVM, and all kernel sources: any edit may change what a kernel compiles to."""
    digest = hashlib.sha256(llvmlite_version.encode() + b"\0")
    numba = importlib.util.find_spec("numba")  # found, not loaded
    if numba is not None and numba.origin is not None:
        digest.update(Path(numba.origin).with_name("_version.py").read_bytes() + b"\0")
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def digest_processor() -> str:
    """Hash the processor and its features: NUMBA_CPU_NAME counts too."""
    named = (binding.get_process_triple(), *name_processor(), sys.implementation.cache_tag)
    return hashlib.sha256(repr(named).encode()).hexdigest()


def find_folders(source: Path) -> list[Path]:
    """Return the folders in which numba keeps machine code, the best one first."""
    folder = source.absolute().parent
    # As numba names it; no secret
    name = f"{folder.name}_{hashlib.sha1(os.fsencode(folder), usedforsecurity=False).hexdigest()}"
    given = os.environ.get("NUMBA_CACHE_DIR")
    return [Path(given) / name] if given else [folder / "__pycache__", _find_user_folder() / name]


def _find_user_folder() -> Path:
    """Return the folder of the user's that numba takes."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - no error without a known home
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "numba" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "numba"


class Store:
    """The files of one kernel: one for each combination of types that it was called with."""

    def __init__(self, function: Callable[..., Any]) -> None:
        source = Path(function.__code__.co_filename)
        self._folders = find_folders(source)
        # Another version of the sources, or another processor that shares the folder, has files of its own.
        stamps = digest_sources(Path(__file__).parent)[:16], digest_processor()[:8]
        self._stem = f"{source.stem}.{function.__name__}-{function.__code__.co_firstlineno}-" + "-".join(stamps)

    def find_writable(self) -> Path | None:
        """Return the folder that files are written to; None if none can be."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    return folder
        return None

    @property
    def is_empty(self) -> bool:
        """Whether there is no file."""
        return not any(self._list())

    def _list(self) -> Iterator[Path]:
        return itertools.chain.from_iterable(sorted(folder.glob(f"{self._stem}-*{ENDING}")) for folder in self._folders)

    def read(self) -> Iterator[MachineCode]:
        """Return what the files hold, but for damaged ones, which would end the process."""
        for path in self._list():
            code = _read(path)
            if code is not None:
                yield code

    def write(self, code: MachineCode, types: str) -> None:
        """Keep machine code for arguments of these types, in the first folder that can be written."""
        name = f"{self._stem}-{hashlib.sha256(types.encode()).hexdigest()[:12]}{ENDING}"
        any(_write(folder / name, _pack(code)) for folder in self._folders)


def _read(path: Path) -> MachineCode | None:
    try:
        return _unpack(path.read_bytes())
    except (OSError, ValueError) as exc:
        _logger.debug("the machine code in %s is not used: %s", path, exc)
        return None


def _write(path: Path, content: bytes) -> bool:
    """Write a file, whole or not at all, and tell whether it is there."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as exc:  # a full disk, a quota, a deleted folder
        _logger.debug("machine code is not kept in %s: %s", path, exc)
        return False
    return True


def _pack(code: MachineCode) -> bytes:
    head = json.dumps([code.symbol, code.externals, list(map(len, code.objects))]).encode()
    content = b"".join((len(head).to_bytes(4, "little"), head, *code.objects))
    return content + hashlib.sha256(content).digest()


def _unpack(content: bytes) -> MachineCode:
    content, seal = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
    if hashlib.sha256(content).digest() != seal:
        raise ValueError("its checksum differs")
    end = 4 + int.from_bytes(content[:4], "little")
    symbol, externals, sizes = json.loads(content[4:end])
    ends = list(itertools.accumulate(sizes, initial=end))
    return MachineCode(symbol, externals, [content[a:b] for a, b in itertools.pairwise(ends)])
