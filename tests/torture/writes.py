"""Runs whose writes fail in turn, each with an error of the disk, or from one on as on a full disk."""

import errno
from collections import Counter

from failed_writes import build_library
from failed_writes import fail_writes as _fail

__all__ = ["fail_writes"]

# The cases of failing_writes.py, and what their rows are called.
_ROWS = {"split": "hdf5", "shards": "hdf5", "overwrite": "hdf5", "uncompressed": "hdf5"}
_CASES = ("index", *_ROWS, "pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet")


def fail_writes(folder, cases=_CASES):
    """Let each write of some cases fail, once alone and once with all after it.

    Returns
    -------
    counts : dict of str to int
        How many writes failed, of each format; empty where there is no compiler.
    failed : int
        How many runs ended with their one error.
    findings : list of str
    """
    library = build_library(folder)
    counts, failed, findings = Counter(), 0, []
    for error, lasting in ((errno.EIO, False), (errno.ENOSPC, True)) if library else ():
        found = _fail(library, folder / errno.errorcode[error], error, cases, lasting=lasting)
        for case, result in found.items():
            counts[_ROWS.get(case, case)] += result["writes"]
            failed += result["failed"]
            findings += [f"{case}, {errno.errorcode[error]}: {text}" for text in result["findings"]]
    return dict(counts), failed, findings
