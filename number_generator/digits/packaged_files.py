"""The data files that come with the package."""

import hashlib
from pathlib import Path

from number_generator.errors import DatasetError, DatasetReadError


def find_packaged_file(name: str, what: str) -> Path:
    """Find a file in the package's data folder, and compare it with its checksum, beside it in `name`.sha256.

    DatasetError if it is not the one that was shipped, DatasetReadError if it is missing; they call it `what`.
    """
    package = Path(__file__).parents[1]
    # The data folder is in an installed package, but beside the package in a checkout and an editable install.
    for folder in (package / "data", package.parent / "data"):
        path = folder / name
        if path.is_file():
            checksum = path.with_name(f"{name}.sha256").read_text(encoding="ascii").split()[0]
            if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
                raise DatasetError(f"the packaged {what}, {path}, are damaged: install the package again")
            return path
    raise DatasetReadError(f"the packaged {what} are missing from {package / 'data'}: install the package again")
