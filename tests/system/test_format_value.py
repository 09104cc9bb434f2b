"""Values in messages: on one line, short, and shown in little time and memory whatever a file holds."""

import numpy as np
import pytest

from number_generator.system.checks import format_value


def share(depth):
    """Return a list that holds one list three times, at every level."""
    value = []
    for _ in range(depth):
        value = [value] * 3
    return value


def nest(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\n", r"'a\n'"),
        (True, "True"),
        (1.5, "1.5"),
        (None, "None"),
        ([1, (2, "3")], "[1, (2, '3')]"),
        ({"a": {1}}, "{'a': {1}}"),
        (np.zeros((2, 1)), "array([[0.], [0.]])"),
        (10**5000, "a huge int"),
        ([10**5000], "a huge list"),
    ],
    ids=["text", "bool", "float", "None", "list", "dict", "array", "integer", "list of integers"],
)
def test_a_value_is_shown_on_one_line(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, list(range(10**6)), share(200), nest(10**5), b"\n" * 10**6],
    ids=["text", "list", "shared lists", "nested lists", "bytes"],
)
def test_a_value_without_end_is_cut(value):
    text = format_value(value)

    assert len(text) <= 80
    assert "..." in text
