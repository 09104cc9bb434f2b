"""A studio that is served in this process, and what it answers."""

import contextlib
import json

import numpy as np
import pytest

from number_generator.studio.files import describe_start
from number_generator.studio.pages import Studio, make_application


@contextlib.contextmanager
def serve(style="document", scans=None):
    """Yield the server of a studio."""
    for package in ("starlette", "uvicorn"):
        pytest.importorskip(package)
    from number_generator.studio.serving import Server  # noqa: PLC0415 - needs the extra

    with Server(0) as server:
        server.start(make_application(Studio(describe_start(str(style)), "", scans, lambda _: None)))
        yield server


def unpack(content):
    """Return what is said of a sheet, and its images."""
    length = int.from_bytes(content[:4], "little")
    about = json.loads(content[4 : 4 + length])
    return about, np.frombuffer(content[4 + length :], np.uint8).reshape(about["shape"])
