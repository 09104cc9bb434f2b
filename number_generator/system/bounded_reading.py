"""Files that the user names and that are read whole: only as far as one of their kind can be long."""

import os
import stat
from pathlib import Path

from number_generator.errors import SpecError


def read_bounded(path: Path, most: int, what: str) -> bytes:
    """Return the content of a file or pipe, or raise SpecError if it has more than `most` bytes or is a device.

    The message calls the file `what`, such as "the style mine.toml". What the system reports is raised as it is.
    """
    with path.open("rb") as file:
        # A device may have no end; a pipe may, and is as good as a file.
        if stat.S_ISCHR(os.fstat(file.fileno()).st_mode):
            raise SpecError(f"{what}: this is a device; give a file")
        content = file.read(most + 1)
    if len(content) > most:
        size = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most} bytes"
        raise SpecError(f"{what}: it has more than {size}; give a smaller file")
    return content
