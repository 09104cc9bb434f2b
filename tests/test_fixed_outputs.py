"""Images, labels, ground truth and jobs are what they were: on every machine, with every library version."""

import json

import pytest
from fixed_outputs import PATH, every_output

OUTPUTS = every_output()
OPTIONAL = {"format lmdb": "lmdb", "format parquet": "pyarrow"}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_is_what_it_was(name, tmp_path):
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])

    assert OUTPUTS[name](tmp_path) == json.loads(PATH.read_text(encoding="utf-8"))[name]


def test_every_recorded_output_is_made_again():
    assert list(json.loads(PATH.read_text(encoding="utf-8"))) == list(OUTPUTS)
