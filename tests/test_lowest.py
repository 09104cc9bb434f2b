"""The lowest versions of the dependencies that are allowed, and those that .ci/run tries."""

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).parents[1]
PROJECT = CHECKOUT / "pyproject.toml"

pytestmark = pytest.mark.skipif(not PROJECT.is_file(), reason="the bounds stand in the checkout")


def test_the_lowest_versions_allowed_are_those_that_are_tried():
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    bounds = dict(
        re.match(r"([\w-]+)>=([\d.]+)", needed).groups()
        for needed in [*project["dependencies"], *extras["lmdb"], *extras["parquet"]]
    )
    lines = (CHECKOUT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith("#"))

    assert tried.keys() == bounds.keys()
    for name, version in tried.items():
        assert re.fullmatch(re.escape(bounds[name]) + r"(\.0)*", version), name
