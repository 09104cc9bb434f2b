"""The numbers of the random streams: each has one purpose, and each is drawn from."""

import re
import subprocess
import sys
from pathlib import Path

from number_generator import _kernels
from number_generator._kernels import draws, streams
from number_generator.job.handwriting import parameters

STREAMS = {name: number for name, number in vars(streams).items() if name.isupper()}


def test_no_two_purposes_share_a_stream():
    assert len(set(STREAMS.values())) == len(STREAMS)


def test_a_parameter_has_the_stream_of_its_name():
    assert {parameter.name: parameter.stream for parameter in parameters()} == {
        parameter.name: STREAMS[parameter.name.upper()] for parameter in parameters()
    }


def test_a_style_has_a_row_for_each_parameter():
    assert max(parameter.stream for parameter in parameters()) < draws.TABLE_ROWS


def test_every_parameter_that_is_drawn_has_a_kernel_that_draws_it():
    named = {
        name
        for path in Path(_kernels.__file__).parent.glob("*.py")
        for name in re.findall(r"\bstreams\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }

    drawn = {parameter.name.upper() for parameter in parameters() if parameter.scope != "choice"}

    assert drawn <= named


def test_streams_load_without_numpy():
    code = "import sys; from number_generator._kernels import streams; sys.exit('numpy' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)
