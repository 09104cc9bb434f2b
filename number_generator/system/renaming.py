"""Renaming in one step where Python takes two: what must not replace anything, and two folders that change places.

Linux can, on most file systems. Elsewhere these functions do nothing, and say so.
"""

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

_HERE = -100  # AT_FDCWD: names count from the working folder
_NO_REPLACE, _EXCHANGE = 1, 2
# What old kernels, file systems without the call, and sandboxes that forbid it answer.
_MISSING = (errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.ENOTSUP)


def rename_new(source: Path, target: Path) -> bool:
    """Rename a file or folder, unless there is something of the new name; return False where the system cannot.

    Raises
    ------
    FileExistsError
        If there is.
    OSError
        If it cannot be renamed.
    """
    return _rename(source, target, _NO_REPLACE)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two files or folders, so that both names are there at any time; return False where the system cannot.

    OSError is raised if it can, and fails.
    """
    return _rename(one, other, _EXCHANGE)


def _rename(source: Path, target: Path, flags: int) -> bool:
    function = _find_function()
    if function is None or function(_HERE, os.fsencode(source), _HERE, os.fsencode(target), flags) == 0:
        return function is not None
    code = ctypes.get_errno()
    if code in _MISSING:
        return False
    raise OSError(code, os.strerror(code), os.fspath(source), None, os.fspath(target))


@cache
def _find_function() -> Any:
    """Return `renameat2` of the C library; None if it has none."""
    if sys.platform != "linux":
        return None
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
