"""Labels as classes for CTC."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from number_generator import encode_labels
from number_generator.core import generate_chunk
from number_generator.digits.image_folder import load_folder
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import find_writers
from number_generator.errors import SpecError
from number_generator.numbers.sequences import ALPHABET
from number_generator.training.ctc import needed_output_length

DIGITS = "0123456789"
LABELS = st.lists(st.text("0123456789-., ", max_size=12), max_size=6)


def encoded(label, alphabet, blank):
    """The obvious way."""
    return [alphabet.index(character) + (blank == "first") for character in label]


@given(labels=LABELS, blank=st.sampled_from(["first", "last"]), kind=st.sampled_from(["list", "bytes", "U", "S"]))
def test_labels_become_the_places_of_their_characters(labels, blank, kind):
    alphabet = " .,-0123456789"
    taken = {
        "list": lambda: labels,
        "bytes": lambda: [label.encode() for label in labels],
        "U": lambda: np.array(labels, "U12"),
        "S": lambda: np.array([label.encode() for label in labels], "S12"),
    }[kind]()

    targets = encode_labels(taken, alphabet, blank)

    wanted = [encoded(label, alphabet, blank) for label in labels]
    longest = max(map(len, wanted), default=0)
    empty = 0 if blank == "first" else len(alphabet)
    assert targets.padded.tolist() == [row + [empty] * (longest - len(row)) for row in wanted]
    assert targets.lengths.tolist() == [len(row) for row in wanted]
    assert targets.flat.tolist() == [value for row in wanted for value in row]
    assert (targets.blank, targets.classes) == (empty, len(alphabet) + 1)
    assert {targets.padded.dtype, targets.lengths.dtype, targets.flat.dtype} == {np.dtype(np.int32)}


@given(labels=LABELS)
def test_a_reader_needs_a_step_for_each_character_and_one_between_equal_neighbours(labels):
    needed = [len(label) + sum(a == b for a, b in itertools.pairwise(label)) for label in labels]

    assert needed_output_length(labels).tolist() == needed


def test_a_label_that_does_not_fit_in_the_output_is_an_error():
    assert encode_labels(["100", "1"], output_length=4).lengths.tolist() == [3, 1]

    with pytest.raises(SpecError, match=r"label 1 is '100', which needs 4 steps .* the reader's output has 3"):
        encode_labels(["123", "100"], output_length=3)


def test_labels_may_be_an_array_of_objects_as_pandas_gives_it():
    for labels in (["1", "22"], [b"1", b"22"]):
        assert encode_labels(np.array(labels, object)).padded.tolist() == [[2, 0], [3, 3]]
    for labels in (["1", 2], ["1", None], ["1", b"2"]):
        with pytest.raises(SpecError, match="give a list of texts"):
            encode_labels(np.array(labels, object))


@pytest.mark.parametrize("order", ["<", ">"])
def test_labels_may_be_of_either_byte_order(order):
    assert encode_labels(np.array(["12", "3"], f"{order}U2")).padded.tolist() == [[2, 3], [4, 0]]


def test_rows_can_be_filled_up_to_a_length():
    targets = encode_labels(["12", "3"], length=4)

    assert targets.padded.tolist() == [[2, 3, 0, 0], [4, 0, 0, 0]]
    assert encode_labels([], length=4).padded.shape == (0, 4)
    with pytest.raises(SpecError, match="label 1 is '123', of 3 characters, and length is 2: give a larger one"):
        encode_labels(["12", "123"], length=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["1", "2-3"],), "label 1 is '2-3', which holds '-': the alphabet is '0123456789'"),
        (([b"1", b"2.3"],), "label 1 is '2.3', which holds '.'"),
        ((["12é"],), "which holds 'é'"),
        ((["1\0002"],), r"which holds '\\x00'"),
        (("123",), "labels is the single text '123': give a list"),
        (([1, 2],), "give a list of texts"),
        ((None,), "give a list of texts"),
        ((["1"], ""), "alphabet is ''"),
        ((["1"], "011"), "alphabet is '011': give the characters of the labels, each once"),
        ((["1"], 10), "alphabet is 10"),
        ((["1"], DIGITS, "middle"), "blank is 'middle': give 'first' or 'last'"),
        ((["1"], DIGITS, {"first": 1}), "blank is {'first': 1}: give 'first' or 'last'"),
        ((["1"], DIGITS, np.array(["first", "last"])), r"blank is array\(\['first', 'last'\].*: give 'first'"),
        (({"1x": 1},), "labels is {'1x': 1}: give a list of texts"),
        (({"1x"},), "labels is {'1x'}: give a list of texts"),
        pytest.param((iter(["1x"]),), "label 0 is '1x', which holds 'x'", id="an iterator"),
    ],
    ids=str,
)
def test_what_cannot_be_encoded_is_told(arguments, message):
    with pytest.raises(SpecError, match=message):
        encode_labels(*arguments)


ARRAY = np.array(["a", "b"])


@pytest.mark.parametrize(
    "choose",
    [
        lambda: find_writers(packaged_digits(), ARRAY),
        lambda: generate_chunk(["1"], (5, 5), 60, seed=1, label=ARRAY),
        lambda: load_folder(".", ink=ARRAY),
    ],
    ids=["writer", "label", "ink"],
)
def test_an_array_where_a_name_is_chosen_is_told_elsewhere_as_well(choose):
    with pytest.raises(SpecError, match=r"(writer|label|ink) is array\(\['a', 'b'\], dtype='<U1'\): give "):
        choose()


def test_signs_beyond_ascii_are_classes_whether_labels_are_text_or_utf_8():
    labels = ["€12.50", "¥1*2=#'", "12:30", "50%", "£$"]

    as_text = encode_labels(labels, ALPHABET, "last", output_length=9)
    as_bytes = encode_labels([label.encode() for label in labels], ALPHABET, "last", output_length=9)

    assert as_text.lengths.tolist() == [6, 7, 5, 3, 2]
    assert ["".join(ALPHABET[k] for k in row if k < len(ALPHABET)) for row in as_text.padded.tolist()] == labels
    assert as_bytes.padded.tolist() == as_text.padded.tolist()
    with pytest.raises(SpecError, match=r"label 0 is '€12.50', which holds '€': the alphabet is '0123456789.'"):
        encode_labels(np.array([label.encode() for label in labels]), "0123456789.")
    with pytest.raises(SpecError, match="which is not UTF-8: give texts"):
        encode_labels([b"\xff1"])
