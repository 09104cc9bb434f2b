"""The payloads of a journal: what was packed is unpacked, and damaged or false content is rejected."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from number_generator.formats.journal.codec import pack, unpack

ARRAYS = st.builds(
    lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 200, shape).astype(dtype),
    st.sampled_from(["u1", "<i2", "<i4", "<i8", "<f4", ">f8", "S7", "<U3"]),
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
    st.integers(0, 5),
)
VALUES = st.dictionaries(st.text(max_size=4), ARRAYS | st.lists(st.binary(max_size=20)), max_size=4)


@given(VALUES)
def test_values_come_back_as_they_were(values):
    found = unpack(b"".join(pack(values)))

    assert list(found) == list(values)
    for name, value in values.items():
        if isinstance(value, list):
            assert found[name] == value
        else:
            assert found[name].dtype == value.dtype
            np.testing.assert_array_equal(found[name], value)


def test_a_large_array_is_deflated():
    assert sum(map(len, pack({"images": np.zeros((100, 28, 100), np.uint8)}))) < 5000


@given(VALUES, st.data())
def test_damaged_values_raise_value_error_alone(values, data):
    content = bytearray(b"".join(pack(values)))
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(ValueError):
        unpack(bytes(content[: data.draw(st.integers(0, len(content)))]))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":{"dtype":"|u1","shape":[1000000000000],"stored":8}}',
        '{"a":{"dtype":"|u1","shape":[1000000],"stored":8}}',
        '{"a":{"dtype":"|u1","shape":[9],"stored":8}}',
        '{"a":{"dtype":"|O","shape":[1],"stored":8}}',
        '{"a":{"dtype":"|u1","shape":[-1,-8],"stored":8}}',
        '{"a":{"dtype":"|u1","shape":[8]}}',
        '{"a":[-1]}',
        '{"a":[true]}',
        '{"a":[1,99]}',
        '{"a":[1]}',
        '{"a":8}',
        "[1]",
        "{}",
        '{"a":' * 5000,
    ],
)
def test_false_descriptions_are_rejected(text):
    content = len(text).to_bytes(4, "little") + text.encode() + bytes(8)

    with pytest.raises(ValueError, match=r"\w"):
        unpack(content)
