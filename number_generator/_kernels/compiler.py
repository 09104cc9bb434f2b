"""How numba compiles a kernel: without the GIL, and with a cache on disk that can never fail a run."""

import contextlib
import gc
import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.typed_passes import NativeLowering, NopythonRewrites
from numba.core.untyped_passes import InlineClosureLikes

from number_generator._kernels.door import make_machine_code
from number_generator._kernels.machine_code import SEAL_BYTES, MachineCode, digest_processor, digest_sources

_logger = logging.getLogger(__name__)

_MAKES_ARRAYS = {"empty", "zeros"}
# Kernels have no closures, and no expressions of whole arrays to be fused.
_NEEDLESS_PASSES = {InlineClosureLikes, NopythonRewrites}


class _KernelLibrary(JITCodeLibrary):
    """LLVM code that is optimised once, when all is linked; numba does so twice before, to drop reference counts."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        passes, builder = self._codegen._module_pass_manager()
        passes.run(self._final_module, builder)


class _CalleeLibrary(_KernelLibrary):
    """LLVM code that callers link. numba would make machine code of it, which nobody runs."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def serialize_using_object_code(self) -> Any:
        return self.serialize_using_bitcode()


class _KernelCompiler(CompilerBase):
    """numba's way without what kernels do not need."""

    library: type[JITCodeLibrary] = _KernelLibrary

    def define_pipelines(self) -> list[Any]:
        state = self.state
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        passes = DefaultPassBuilder.define_nopython_pipeline(state)
        passes.passes = [row for row in passes.passes if row[0] not in _NEEDLESS_PASSES]
        passes.finalize()
        return [passes]


class _CalleeCompiler(_KernelCompiler):
    """The same for what only kernels call."""

    library = _CalleeLibrary

    def define_pipelines(self) -> list[Any]:
        self.state.flags.no_compile = True  # else lowering asks for the address of machine code
        [passes] = super().define_pipelines()
        passes.add_pass_after(_TellCallers, NativeLowering)
        passes.finalize()
        return [passes]


@register_pass(mutates_CFG=False, analysis_only=True)
class _TellCallers(LoweringPass):
    """Tell callers where the code is: by an object in place of the function for Python."""

    _name = "tell_callers"

    def __init__(self) -> None:
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        lowered, key = state["cr"], object()
        state.targetctx.insert_user_function(key, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=key)
        return True


def make_dispatcher(
    function: Callable[..., Any], *, is_kept: bool = True, is_callee: bool = False, **options: bool
) -> Any:
    """Return what numba makes of a function: it compiles when it is called, or takes what an earlier run has kept.

    Parameters
    ----------
    function : callable
    is_kept : bool
        Whether numba's cache on disk keeps the machine code.
    is_callee : bool
        Whether only kernels call it, so that it needs no machine code of its own.
    **options
        `forceinline`, and `no_cpython_wrapper`, without which it takes a tenth longer and Python can call it.

    Returns
    -------
    numba.core.dispatcher.Dispatcher
    """
    # No C code calls a kernel, and the wrapper for it would take a fifth of the compile time.
    every: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    # Arrays from outside live as long as the call: only a kernel that makes its own has references to count.
    every["_nrt"] = bool(_MAKES_ARRAYS.intersection(function.__code__.co_names))
    dispatcher: Any = numba.njit(pipeline_class=_CalleeCompiler if is_callee else _KernelCompiler, **every)(function)
    # numba would compile a callee again for each number that is written out in a call
    find_template = dispatcher.get_call_template
    dispatcher.get_call_template = lambda args, kws: find_template(
        tuple(map(types.unliteral, args)), {name: types.unliteral(kind) for name, kind in kws.items()}
    )
    if "no_cpython_wrapper" in options:  # numba would call it of any machine code that it is told of
        dispatcher.add_overload = lambda made: dispatcher.overloads.update({tuple(made.signature.args): made})
    if not is_kept:
        return dispatcher
    try:
        dispatcher._cache = _KernelCache(function, "inner" if "no_cpython_wrapper" in options else "entry")
    except (RuntimeError, OSError) as exc:
        # numba raises here when no cache folder is writable; compiling at each start is slow but correct.
        _logger.debug("%s is compiled at each start: %s", function.__name__, exc)
    return dispatcher


def find_types(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return numba's types of arguments."""
    return tuple(map(numba.typeof, arguments))


def compile_code(dispatcher: Any, kinds: tuple[Any, ...]) -> MachineCode | None:
    """Compile for arguments of these types, and return the machine code with a door for Python, if it can have one."""
    with _without_garbage_search(), global_compiler_lock:
        dispatcher.compile(kinds)
        return make_machine_code(dispatcher.overloads[kinds])


@contextlib.contextmanager
def _without_garbage_search() -> Iterator[None]:
    """Let no search for garbage interrupt numba, which keeps millions of small objects: a tenth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def is_compiled(dispatcher: Any) -> bool:
    """Tell whether numba has machine code for any types, loaded or in its cache on disk."""
    files = getattr(dispatcher._cache, "_cache_file", None)
    return bool(dispatcher.overloads) or (files is not None and Path(files._index_path).is_file())


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
    if _seal(content[:-SEAL_BYTES]) != content[-SEAL_BYTES:]:
        raise ValueError(f"{path} is damaged: its checksum differs")


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class _KernelCache(FunctionCache):
    """numba's disk cache, stamped with all kernel sources; if anything fails, the kernel is compiled."""

    def __init__(self, function: Callable[..., Any], role: str) -> None:
        super().__init__(function)
        digest = digest_sources(Path(__file__).parent)
        # The file names hold the digest too: numba writes an index before its data, so while the data are missing, a
        # new index would point to the machine code of old sources, or of another processor that shares the folder.
        filename_base = f"{self._impl.filename_base}-{role}-{digest[:16]}-{digest_processor()[:8]}"
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
