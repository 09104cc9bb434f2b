"""How a kernel is compiled: when it is called, or another kernel that calls it is compiled; and kept on disk.

Nothing here loads numba before that: see `machine_code` and `compiler`.
"""

import functools
import logging
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from number_generator._kernels import machine_code

_logger = logging.getLogger(__name__)
_COMPILING = threading.RLock()


def entry_kernel(function: Callable[..., Any]) -> "EntryKernel":
    """Compile `function`, which Python calls: in nopython mode, without the GIL, and kept on disk.

    Parameters
    ----------
    function : callable
        Takes arrays and scalars that are already validated.

    Returns
    -------
    EntryKernel
        The function, which compiles at its first call or loads the machine code of an earlier run.
    """
    return EntryKernel(function)


def kernel(function: Callable[..., Any], *, inline: bool = False) -> "Kernel":
    """Compile `function`, which other kernels call, as `entry_kernel` does, but without a door for Python.

    A call from Python, as in tests, compiles it once more.

    Parameters
    ----------
    function : callable
        As for `entry_kernel`.
    inline : bool
        Whether to force its machine code into its callers where LLVM would call it.

    Returns
    -------
    Kernel
        As for `entry_kernel`.
    """
    return Kernel(function, inline=inline)


class Kernel:
    """A function that becomes machine code when it is needed.

    What it does not have itself is that of numba's dispatcher: `overloads`, `signatures`, `inspect_llvm` ...
    """

    def __init__(self, function: Callable[..., Any], *, inline: bool = False) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self._inline = inline

    @functools.cached_property
    def dispatcher(self) -> Any:
        """Numba's function, without a wrapper for Python."""
        return _compiler().make_dispatcher(
            self.py_func, is_callee=True, forceinline=self._inline, no_cpython_wrapper=True
        )

    @functools.cached_property
    def _from_python(self) -> Any:
        """Numba's function, with a wrapper for Python."""
        return _compiler().make_dispatcher(self.py_func)

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a value that it does not know."""
        return self.dispatcher._numba_type_

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # numpy and others ask for some
            raise AttributeError(name)
        return getattr(self.dispatcher, name)

    def __call__(self, *arguments: Any) -> Any:
        return self._from_python(*arguments)


class EntryKernel(Kernel):
    """A kernel that Python calls: by its machine code alone, or by numba where that cannot be.

    Attributes
    ----------
    compiled : int
        For how many combinations of types this process has compiled it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.compiled = 0
        self._calls: list[Callable[..., Any]] = []
        self._known: set[str] = set()
        self._size = function.__code__.co_argcount
        self._defaults = function.__defaults__ or ()

    @functools.cached_property
    def store(self) -> machine_code.Store:
        """Where the machine code is kept."""
        return machine_code.Store(self.py_func)

    @functools.cached_property
    def _unread(self) -> Iterator[machine_code.MachineCode]:
        return self.store.read()

    @functools.cached_property
    def own(self) -> Any:
        """Numba's function, which is compiled for calls from Python; other kernels call `dispatcher`."""
        # What comes from numba's cache would not show its machine code.
        return _compiler().make_dispatcher(self.py_func, is_kept=False, no_cpython_wrapper=True)

    @property
    def is_compiled(self) -> bool:
        """Whether there is machine code for any types, loaded or on disk."""
        if self._calls:
            return True
        return not self.store.is_empty if machine_code.is_usable() else _compiler().is_compiled(self._from_python)

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) < self._size:
            arguments += self._defaults[len(arguments) - self._size :]
        while True:
            known = len(self._calls)
            for call in self._calls:
                result = call(*arguments)
                if result is not NotImplemented:
                    return result
            with _COMPILING:
                if len(self._calls) == known:  # else another thread has been here
                    self._calls.append(self._load() or self._compile(_compiler().find_types(arguments)))

    def _load(self) -> Callable[..., Any] | None:
        """Return the next function that is on disk."""
        if not machine_code.is_usable():
            return None
        return next(filter(None, map(machine_code.try_to_load, self._unread)), None)

    def _compile(self, types: tuple[Any, ...]) -> Callable[..., Any]:
        name = str(types)
        if name in self._known or not machine_code.is_usable():
            return self._from_python
        self._known.add(name)
        self.compiled += 1
        code: machine_code.MachineCode | None = _compiler().compile_code(self.own, types)
        if code is None:
            return self._from_python
        self.store.write(code, name)
        return machine_code.try_to_load(code) or self._from_python


def compile_for(kernel: Kernel, *arguments: Any) -> None:
    """Compile a kernel for arguments such as these."""
    kernel.dispatcher.compile(_compiler().find_types(arguments))


def tell_if_compiling(kernel: EntryKernel, what: str, seconds: int) -> None:
    """Log, at the level INFO, that a kernel is about to be compiled, and about how long that takes."""
    if not kernel.is_compiled:
        _logger.info("compiling %s once on this machine, for about %d s", what, seconds)


def _compiler() -> Any:
    """Return the module that loads numba."""
    return import_module("number_generator._kernels.compiler")
