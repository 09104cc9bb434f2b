"""The operations of `simd` by name: numba, which defines them, is loaded when a kernel that uses one is compiled."""

from functools import cache
from importlib import import_module
from typing import Any

# Pillow's fixed point for 8-bit images: 32 bits minus 8 for the pixel and 2 as headroom for the sums.
PRECISION_BITS = 22
# A weight is two int16: its low 15 bits and the rest.
LOW_BITS = 15


class _Operation:
    """What a kernel's globals hold in place of an operation."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a value that it does not know."""
        context = import_module("numba.core.registry").cpu_target.typing_context
        operation = getattr(import_module("number_generator._kernels.simd"), self._name)
        context.refresh()
        return context.resolve_value_type(operation)


@cache
def __getattr__(name: str) -> _Operation:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _Operation(name)
