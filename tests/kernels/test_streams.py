"""The numbers of the random streams: each has one purpose, and each is drawn from."""

import ast
import subprocess
import sys
from pathlib import Path

import number_generator
from number_generator._kernels import draws, streams
from number_generator.job.handwriting import parameters

STREAMS = {name: number for name, number in vars(streams).items() if name.isupper()}


def streams_named_in(folder):
    """Return the names of the streams that the code of a folder reads."""
    return {
        node.attr
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "streams"
    }


def test_no_two_purposes_share_a_stream():
    assert len(set(STREAMS.values())) == len(STREAMS)


def test_a_parameter_has_the_stream_of_its_name():
    assert {parameter.name: parameter.stream for parameter in parameters()} == {
        parameter.name: STREAMS[parameter.name.upper()] for parameter in parameters()
    }


def test_a_style_has_a_row_for_each_parameter():
    assert max(parameter.stream for parameter in parameters()) < draws.TABLE_ROWS


def test_every_parameter_that_is_drawn_has_a_kernel_that_draws_it():
    drawn = {parameter.name.upper() for parameter in parameters() if parameter.scope != "choice"}

    assert drawn <= streams_named_in(Path(streams.__file__).parent)


def test_every_stream_is_used():
    of_choices = {parameter.name.upper() for parameter in parameters() if parameter.scope == "choice"}

    assert STREAMS.keys() == streams_named_in(Path(number_generator.__file__).parent) | of_choices


def test_streams_load_without_numpy():
    code = "import sys; from number_generator._kernels import streams; sys.exit('numpy' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)
