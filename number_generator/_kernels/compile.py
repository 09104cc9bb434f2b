"""How a kernel is compiled and cached: without the GIL, and with a disk cache that can never fail a run."""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

_logger = logging.getLogger(__name__)


def kernel(function: Callable[..., Any], *, inline: bool = False) -> Any:
    """Compile `function` in nopython mode, without the GIL, and cache it on disk if a cache folder is writable.

    Parameters
    ----------
    function : callable
        Takes arrays and scalars that are already validated.
    inline : bool
        Whether to force its machine code into its callers where LLVM would call it.

    Returns
    -------
    numba.core.dispatcher.Dispatcher
        The function, which compiles at its first call or loads the machine code of an earlier run.
    """
    # No C code calls a kernel, and the wrapper for it would take a fifth of the compile time.
    options: dict[str, Any] = {"forceinline": inline, "no_cfunc_wrapper": True}
    dispatcher = numba.njit(nogil=True, error_model="numpy", **options)(function)
    try:
        dispatcher._cache = _KernelCache(function)
    except (RuntimeError, OSError) as exc:
        # numba raises here when no cache folder is writable; compiling at each start is slow but correct.
        _logger.debug("%s is compiled at each start: %s", function.__name__, exc)
    return dispatcher


@cache
def _digest_sources(folder: Path) -> str:
    """Hash numba's version and all kernel sources: numba's own stamp misses an edited callee in another file."""
    digest = hashlib.sha256(numba.__version__.encode() + b"\0")
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class _KernelCache(FunctionCache):
    """numba's disk cache, stamped with all kernel sources; if anything fails, the kernel is compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        digest = _digest_sources(Path(__file__).parent)
        # The file names hold the digest too: numba writes an index before its data, so while the data are missing, a
        # new index would point to the machine code of old sources.
        filename_base = f"{self._impl.filename_base}-{digest[:16]}"
        self._cache_file = IndexDataCacheFile(self.cache_path, filename_base, digest)

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
