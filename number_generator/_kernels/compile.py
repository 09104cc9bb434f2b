"""How a kernel is compiled and cached: without the GIL, and with a disk cache that can never fail a run."""

import contextlib
import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.registry import cpu_target

_SEAL_BYTES = hashlib.sha256().digest_size

_logger = logging.getLogger(__name__)


def entry_kernel(function: Callable[..., Any]) -> Any:
    """Compile `function`, which Python calls: in nopython mode, without the GIL, and with a cache on disk.

    Parameters
    ----------
    function : callable
        Takes arrays and scalars that are already validated.

    Returns
    -------
    numba.core.dispatcher.Dispatcher
        The function, which compiles at its first call or loads the machine code of an earlier run.
    """
    return _compile(function)


def kernel(function: Callable[..., Any], *, inline: bool = False) -> Any:
    """Compile `function`, which other kernels call, as `entry_kernel` does, but without a wrapper for Python.

    The wrappers would take a tenth of the compile time. A call from Python, as in tests, compiles an entry kernel.

    Parameters
    ----------
    function : callable
        As for `entry_kernel`.
    inline : bool
        Whether to force its machine code into its callers where LLVM would call it.

    Returns
    -------
    numba.core.dispatcher.Dispatcher
        As for `entry_kernel`.
    """
    dispatcher = _compile(function, forceinline=inline, no_cpython_wrapper=True)
    from_python = cache(lambda: entry_kernel(function))
    # numba would call the wrapper of any machine code that it is told of
    dispatcher.add_overload = lambda compiled: dispatcher.overloads.update({tuple(compiled.signature.args): compiled})
    dispatcher._compile_for_args = lambda *_arguments, **_options: from_python()
    return dispatcher


def _compile(function: Callable[..., Any], **options: bool) -> Any:
    # No C code calls a kernel, and the wrapper for it would take a fifth of the compile time.
    every: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    dispatcher: Any = numba.njit(**every)(function)
    # numba would compile a callee again for each number that is written out in a call
    find_template = dispatcher.get_call_template
    dispatcher.get_call_template = lambda args, kws: find_template(
        tuple(map(types.unliteral, args)), {name: types.unliteral(kind) for name, kind in kws.items()}
    )
    try:
        dispatcher._cache = _KernelCache(function, "inner" if "no_cpython_wrapper" in options else "entry")
    except (RuntimeError, OSError) as exc:
        # numba raises here when no cache folder is writable; compiling at each start is slow but correct.
        _logger.debug("%s is compiled at each start: %s", function.__name__, exc)
    return dispatcher


def compile_for(kernel: Any, *arguments: Any) -> None:
    """Compile a kernel for arguments such as these."""
    kernel.compile(tuple(map(numba.typeof, arguments)))


def is_compiled(kernel: Any) -> bool:
    """Tell whether a kernel has machine code of any signature, loaded or in the cache on disk."""
    files = getattr(kernel._cache, "_cache_file", None)
    return bool(kernel.overloads) or (files is not None and Path(files._index_path).is_file())


def tell_if_compiling(kernel: Any, what: str, seconds: int) -> None:
    """Log, at the level INFO, that a kernel is about to be compiled, and about how long that takes."""
    if not is_compiled(kernel):
        _logger.info("compiling %s once on this machine, for about %d s", what, seconds)


def find_cache_folder(kernel: Any) -> Path | None:
    """Return the folder that a kernel's machine code is kept in, or None if none can be written."""
    return Path(kernel._cache.cache_path) if isinstance(kernel._cache, _KernelCache) else None


@cache
def _digest_sources(folder: Path) -> str:
    """Hash numba's version and all kernel sources: numba's own stamp misses an edited callee in another file."""
    digest = hashlib.sha256(numba.__version__.encode() + b"\0")
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _digest_processor() -> str:
    """Hash the processor and its features as numba names them: NUMBA_CPU_NAME counts too."""
    return hashlib.sha256(repr(cpu_target.target_context.codegen().magic_tuple()).encode()).hexdigest()


class _SealedFiles(IndexDataCacheFile):
    """The files of numba's disk cache, each with a checksum at its end: damaged machine code would end the process."""

    def _load_index(self) -> Any:
        with contextlib.suppress(FileNotFoundError):
            _check_seal(Path(self._index_path))
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        _check_seal(Path(self._data_path(name)))
        return super()._load_data(name)

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        with super()._open_for_write(filepath) as file:
            content = io.BytesIO()
            yield content
            # numba reads pickles, which end by themselves: it never sees what follows.
            file.write(content.getvalue() + _seal(content.getvalue()))


def _check_seal(path: Path) -> None:
    """Raise ValueError if a file of the cache is not as it was written."""
    content = path.read_bytes()
    if _seal(content[:-_SEAL_BYTES]) != content[-_SEAL_BYTES:]:
        raise ValueError(f"{path} is damaged: its checksum differs")


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class _KernelCache(FunctionCache):
    """numba's disk cache, stamped with all kernel sources; if anything fails, the kernel is compiled."""

    def __init__(self, function: Callable[..., Any], role: str) -> None:
        super().__init__(function)
        digest = _digest_sources(Path(__file__).parent)
        # The file names hold the digest too: numba writes an index before its data, so while the data are missing, a
        # new index would point to the machine code of old sources, or of another processor that shares the folder.
        filename_base = f"{self._impl.filename_base}-{role}-{digest[:16]}-{_digest_processor()[:8]}"
        self._cache_file = _SealedFiles(self.cache_path, filename_base, digest)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as exc:  # a damaged cache file may raise anything
            _logger.debug("the cached machine code of %s is not used: %s", self._py_func.__name__, exc)
            with contextlib.suppress(Exception):
                self.flush()  # numba reads the index before it writes one: a damaged one would stay forever
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as exc:  # a full disk, a quota, a deleted folder
            _logger.debug("the machine code of %s is not cached: %s", self._py_func.__name__, exc)
