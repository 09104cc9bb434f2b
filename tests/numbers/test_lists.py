"""A user's own numbers: read from a file, in their order or drawn."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from number_generator import generate_batch, generate_chunk
from number_generator.errors import SpecError
from number_generator.job.spec import Job, NumberSource, RenderSpec, Span
from number_generator.numbers import lists
from number_generator.numbers.lists import ORDERS, ListedNumbers
from number_generator.numbers.sequences import format_labels, pack_sequences

NUMBERS = ["03-1234", "7", "(555) 1", "12,50", "998"]
TEXTS = st.lists(st.text(reference.ALPHABET, min_size=1, max_size=12), min_size=1, max_size=9)
STARTS = st.integers(0, 2**63 - 100)
STREAM = 8


def written(numbers, seed, start, stop):
    """The numbers of some images as texts."""
    sequences = numbers.sequences(seed, Span(start, stop))
    return [label.decode() for label in format_labels(sequences, numbers.longest)]


def read(path, content, **options):
    """Return the numbers of a file with some content, as texts."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    numbers = ListedNumbers.from_file(path, **options)
    return written(numbers, 0, 0, len(numbers.packed))


# --- the order


@given(TEXTS, STARTS, st.integers(0, 30), st.integers(0, 2**64 - 1))
def test_given_numbers_come_one_after_the_other_and_over_again(texts, start, count, seed):
    numbers = ListedNumbers(pack_sequences(texts))

    assert written(numbers, seed, start, start + count) == [texts[n % len(texts)] for n in range(start, start + count)]


@given(TEXTS, st.integers(-(2**62), 2**62), st.integers(0, 30))
def test_given_numbers_may_begin_at_any_image(texts, first, later):
    numbers = ListedNumbers(pack_sequences(texts), first=first)
    start = max(first, 0) + later

    assert written(numbers, 1, start, start + 12) == [texts[(n - first) % len(texts)] for n in range(start, start + 12)]


@given(TEXTS, STARTS, st.integers(0, 2**64 - 1))
def test_drawn_numbers_are_those_of_the_stream(texts, start, seed):
    numbers = ListedNumbers(pack_sequences(texts), "drawn")

    expected = [
        texts[reference.bounded(reference.philox_words(seed, image, STREAM, 1)[0], len(texts))]
        for image in range(start, start + 10)
    ]

    assert written(numbers, seed, start, start + 10) == expected


@given(TEXTS, st.sampled_from(ORDERS), STARTS, st.integers(0, 9), st.integers(0, 9))
def test_a_number_does_not_depend_on_the_span_that_it_is_drawn_in(texts, order, start, first, more):
    numbers = ListedNumbers(pack_sequences(texts), order)

    whole = written(numbers, 5, start, start + 18)

    assert written(numbers, 5, start + first, start + first + more) == whole[first : first + more]


def test_all_numbers_are_drawn_with_equal_chance():
    texts = [str(k) for k in range(40)]

    drawn = written(ListedNumbers(pack_sequences(texts), "drawn"), 3, 0, 40_000)

    counts = np.bincount(np.array(drawn, np.int64), minlength=40)
    assert stats.chisquare(counts).pvalue > 0.001


def test_a_number_that_is_listed_twice_is_drawn_twice_as_often():
    drawn = written(ListedNumbers(pack_sequences(["1", "2", "1"]), "drawn"), 3, 0, 30_000)

    assert stats.binomtest(drawn.count("1"), len(drawn), 2 / 3).pvalue > 0.001


def test_a_number_drawn_tells_nothing_of_the_next_one():
    texts = [str(k) for k in range(5)]

    drawn = np.array(written(ListedNumbers(pack_sequences(texts), "drawn"), 8, 0, 20_000), np.int64)

    pairs = np.bincount(5 * drawn[:-1] + drawn[1:], minlength=25)
    assert stats.chisquare(pairs).pvalue > 0.001


@given(TEXTS, st.sampled_from(ORDERS), st.integers(0, 2**62), st.integers(0, 40), st.integers(-50, 50))
def test_no_span_holds_more_characters_than_are_counted(texts, order, start, count, first):
    numbers = ListedNumbers(pack_sequences(texts), order, first=min(first, start))

    counted = numbers.digits_before(start + count) - numbers.digits_before(start)

    held = len(numbers.sequences(1, Span(start, start + count)).codes)
    assert held == counted if order == "given" else held <= counted


def test_listed_numbers_are_a_number_source():
    numbers = ListedNumbers(pack_sequences(NUMBERS))

    chunk = generate_chunk(numbers, (2, 5), 60, count=12, start=4, seed=6)

    expected = [NUMBERS[n % 5] for n in range(4, 16)]
    assert isinstance(numbers, NumberSource)
    assert chunk.labels.tolist() == expected
    np.testing.assert_array_equal(chunk.images, generate_batch(expected, (2, 5), 60, start=4, seed=6))


def test_the_last_images_of_all_can_be_made():
    numbers = ListedNumbers(pack_sequences(NUMBERS), "drawn")
    job = Job(numbers, RenderSpec((1, 2), 20), 28, 1, Span(2**63 - 9, 2**63 - 1))

    assert [len(span) for span in job.split()] == [8]
    assert len(written(numbers, 2**64 - 1, 2**63 - 9, 2**63 - 1)) == 8


# --- reading


@pytest.mark.parametrize(
    "content",
    [
        "12\n3-4\n5 6",
        "12\n3-4\n5 6\n",
        "12\r\n3-4\r\n5 6\r\n",
        "\n\n12\n\n \t\n3-4\r\n\r\n5 6\n\n",
        "  12  \n\t3-4\n5 6 \n",
        "\ufeff12\n3-4\n5 6\n",
        "\ufeff\r\n12\r\n3-4\r\n5 6",
    ],
    ids=["plain", "last line ended", "CRLF", "blank lines", "spaces around", "BOM", "BOM and blank"],
)
def test_numbers_are_read_one_a_line(tmp_path, content):
    assert read(tmp_path / "numbers.txt", content) == ["12", "3-4", "5 6"]


@pytest.mark.parametrize("column", ["amount", "2"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_column_is_read(tmp_path, column, delimiter, end):
    rows = [["1", " 12.50 ", "x"], ["2", '"1,234;5"'.replace(";", "-"), "y"], [], ["3", "", "z"], ["4", "7", ""]]
    names = [["id", " amount ", '"a note"']] if column == "amount" else []
    content = end.join(delimiter.join(row) for row in names + rows)

    assert read(tmp_path / "numbers.csv", content, column=column) == ["12.50", "1,234-5", "7"]


def test_quotes_hold_delimiters_and_line_breaks(tmp_path):
    content = '\ufeff"note","n"\n"a, b",1\n"two\nlines",2\n"say ""no""",3\n'

    assert read(tmp_path / "numbers.csv", content, column="n") == ["1", "2", "3"]


@pytest.mark.parametrize("content", ["\n\nid;n\n1;22\n", "id;n\n  \n1;22\n;\n \n", "\r\nid;n\r\n\t\r\n1;22"])
def test_blank_lines_of_a_table_are_left_out(tmp_path, content):
    assert read(tmp_path / "numbers.csv", content, column="n") == ["22"]


@pytest.mark.parametrize(("column", "expected"), [("1", ["2", "3"]), ("2", ["1", "4"])])
def test_a_first_row_of_numbers_is_not_taken_for_names(tmp_path, column, expected):
    assert read(tmp_path / "numbers.csv", "2,1\n3,4\n", column=column) == expected


def test_a_name_that_counts_no_column_is_a_name(tmp_path):
    assert read(tmp_path / "numbers.csv", "2019,2020\n3,4\n", column="2020") == ["4"]


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_any_number_of_numbers_is_read(tmp_path, count):
    texts = [str(7919 * k) for k in range(count)]

    assert read(tmp_path / "numbers.txt", "\n".join(texts)) == texts


def test_the_longest_number_is_read(tmp_path):
    assert read(tmp_path / "numbers.txt", "1" * 10_000) == ["1" * 10_000]


def test_what_makes_them_again_is_described(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = b"n\n1\n2\n"
    (tmp_path / "numbers.csv").write_bytes(content)

    listed = ListedNumbers.from_file("numbers.csv", column="n", order="drawn")

    assert listed.describe() == {
        "numbers": "listed",
        "sequences": str(tmp_path / "numbers.csv"),
        "sha256": hashlib.sha256(content).hexdigest(),
        "column": "n",
        "order": "drawn",
    }


# --- delimiters


def test_the_delimiter_is_found_from_all_lines_and_not_from_the_first_one(tmp_path):
    content = "price\n12,50\n"

    assert read(tmp_path / "a.csv", "id;price\n1;12,50\n2;99,00\n", column="price") == ["12,50", "99,00"]
    assert read(tmp_path / "b.csv", "a, b, c;n\nx;1\ny, z;2\n", column="n") == ["1", "2"]
    with pytest.raises(SpecError, match=r"line 2 has 2 columns, but the first row has 1: .*--delimiter"):
        read(tmp_path / "c.csv", content, column="price")
    assert read(tmp_path / "c.csv", content, column="price", delimiter=";") == ["12,50"]


@pytest.mark.parametrize("content", ["12,50;99,00\n", "12,50;99,00\n7,25;11,00\n"])
def test_two_delimiters_that_fit_all_lines_are_an_error_and_one_given_is_taken(tmp_path, content):
    path = tmp_path / "numbers.csv"

    with pytest.raises(
        SpecError, match=r"line 1: the entry is '12' if ',' divides .* '12,50' if ';' does.*--delimiter"
    ):
        read(path, content, column="1")

    assert read(path, content, column="1", delimiter=";")[0] == "12,50"
    assert read(path, content, column="1", delimiter=",")[0] == "12"
    # With commas, this column would hold 50;99, which is no number.
    assert read(path, content, column="2")[0] == "99,00"


def test_a_line_that_is_cut_short_does_not_make_another_delimiter_fit(tmp_path):
    with pytest.raises(
        SpecError, match=r"line 2 has 1 columns, but the first row has 2: complete the line.*--delimiter"
    ):
        read(tmp_path / "numbers.csv", "12,50;99\n7,25\n8,75;4\n", column="1")


def test_quoted_delimiters_do_not_count(tmp_path):
    content = '"12,50";"99,00"\n"7,25"; "11,00"\n'

    assert read(tmp_path / "numbers.csv", content, column="1") == ["12,50", "7,25"]
    assert read(tmp_path / "numbers.csv", content, column="2") == ["99,00", "11,00"]


@pytest.mark.parametrize("first", ["sep=;\n", "\ufeffsep=;\r\n", '"sep=;"\n', "SEP=; \n"])
def test_a_first_line_may_name_the_delimiter(tmp_path, first):
    assert read(tmp_path / "numbers.csv", f"{first}12,50;99,00\n7,25;1\n", column="1") == ["12,50", "7,25"]
    with pytest.raises(SpecError, match="line 3 has 1 columns, but the first row has 2"):
        read(tmp_path / "numbers.csv", f"{first}12,50;99,00\n7,25\n", column="1")


@pytest.mark.parametrize("content", ["1\t12,50\n2\t99,00\n", "sep=\t\n1\t12,50\n2\t99,00\n"])
def test_tabs_divide_columns_before_commas(tmp_path, content):
    assert read(tmp_path / "numbers.tsv", content, column="2") == ["12,50", "99,00"]


@pytest.mark.parametrize("delimiter", ["tab", "TAB", "\\t", "\t"])
def test_a_tab_has_names(tmp_path, delimiter):
    assert read(tmp_path / "numbers.tsv", "a\tb\n1\t2\n", column="b", delimiter=delimiter) == ["2"]


def test_any_other_character_may_be_given_and_is_recorded(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("a:b\n1:2\n")

    listed = ListedNumbers.from_file(path, column="b", delimiter=":")

    assert written(listed, 0, 0, 1) == ["2"]
    assert listed.describe()["delimiter"] == ":"


@pytest.mark.parametrize("delimiter", ["", ";;", "5", " ", '"', "\n", "colon", "-", ".", "+", "("])
def test_what_cannot_divide_columns_is_told(tmp_path, delimiter):
    with pytest.raises(
        SpecError, match=r"the delimiter is .*: give comma, semicolon, tab, bar, or one character that is"
    ):
        read(tmp_path / "numbers.csv", "a,b\n1,2\n", column="b", delimiter=delimiter)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('n,note\n1,"a\n2,b\n3,c\n', 2),
        ('n,note\n1,a\n2,b\n3,"c', 4),
        ('n,note\n1,"a\n2,b\n3,"c"\n', 2),
        ('n,note\n1,"x" a\n2,"b\n', 3),
    ],
)
def test_an_unclosed_quote_does_not_swallow_the_lines_after_it(tmp_path, content, line):
    with pytest.raises(SpecError, match=rf"line {line}: a quote is not closed, .*; fix the line$"):
        read(tmp_path / "numbers.csv", content, column="n")


def test_text_after_a_closing_quote_belongs_to_the_entry(tmp_path):
    content = 'name,n\n"Smith" J,12\n"Miller, A" B,34\n"two\nlines",56'

    assert read(tmp_path / "numbers.csv", content, column="n") == ["12", "34", "56"]


@pytest.mark.parametrize(
    ("content", "column", "helps"),
    [
        ("price\n12,50\n1\n", "price", True),
        ("a:b\n1:2,5\n3:4\n", "b", True),
        ("a,b\n1,2\n3\n", "b", False),
        ("a,b\n1,2\n3,4,5\n", "b", False),
    ],
)
def test_a_delimiter_is_asked_for_where_that_helps(tmp_path, content, column, helps):
    with pytest.raises(SpecError) as caught:
        read(tmp_path / "numbers.csv", content, column=column)

    assert str(caught.value).endswith(", or name the delimiter with --delimiter") == helps


def test_a_first_line_that_names_what_numbers_hold_is_told(tmp_path):
    with pytest.raises(SpecError, match=r"numbers\.csv, line 1: the delimiter is '-': give comma"):
        read(tmp_path / "numbers.csv", "sep=-\n1-2\n", column="1")


# --- errors


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (
            "1\n2\n\n\n3\n4\n12a4\n",
            None,
            r"numbers\.txt, line 7: '12a4' holds 'a': give digits from 0 to 9 and the signs",
        ),
        ("\ufeff1\r\n\r\nx", None, r"numbers\.txt, line 3: 'x' holds 'x'"),
        ("id,n\n1,2\n", None, r"line 1: 'id,n' holds 'i': .*; name a column of a CSV file with --column"),
        ("1\n٣\n", None, r"line 2: '٣' holds '٣'"),
        ("1\n2\x003\n", None, r"line 2: '2\\x003' holds '\\x00'"),
        ("1\r2\r", None, r"line 1: '1\\r2' holds '\\r'"),
        (
            "1\n" + "9" * 10_001,
            None,
            r"line 2: '9{76}\.\.\. has 10001 characters: at most 10000 are possible; split it",
        ),
        ("id;n\n1;2\n2;3x\n", "n", r"numbers\.txt, line 3: '3x' holds 'x'"),
        ('id;n\n"1\n1";2\n2;3x\n', "n", r"numbers\.txt, line 4: '3x' holds 'x'"),
        ("id;n\n1;2\n\n2\n", "n", r"line 4 has 1 columns, but the first row has 2: complete the line"),
        (
            "id,n\n1,2\n",
            "m",
            r"have no column 'm': the first row holds 'id', 'n'; give one of these, or a number from 1 to 2",
        ),
        ("id,n\n1,2\n", "3", r"have no column '3'"),
        ("id,n\n1,2\n", "0", r"have no column '0'"),
        ("id,n\n1,2\n", "9" * 5000, r"have no column '9+\.\.\.:"),
        ("id,n\n1,2\n", "-1", r"have no column '-1'"),
        ("id,n\n1,2\n", "²", r"have no column '²'"),
        ("id,n\n1,2\n", "", r"have no column ''"),
        ("id,n\n1,2\n", "2", r"line 1: 'n' holds 'n'"),
        ('id;total\n1;"12,50"\n2;"99,00"\n', "Total", r"have no column 'Total': the first row holds 'id', 'total'"),
        ("", None, r"numbers\.txt are empty: give one number per line"),
        ("\ufeff\n \r\n\t\n", None, "are empty"),
        ("", "n", "are empty"),
        ("n\n", "n", "are empty"),
        ("n,m\n,1\n ,2\n", "n", "are empty"),
        (b"1\n\xff\n", None, r"numbers\.txt are not UTF-8, from byte 2 on: save them as UTF-8"),
        ("12\n34\n".encode("utf-16"), None, r"are not UTF-8, from byte 0 on"),
        ("12\n".encode("utf-16-le"), None, r"line 1: '1\\x002\\x00' holds '\\x00'"),
        ("id,n\n1," + "2" * 200_000, "n", r"line 2: field larger than field limit .*; fix the line"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(tmp_path, content, column, message):
    with pytest.raises(SpecError, match=message):
        read(tmp_path / "numbers.txt", content, column=column)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SpecError, match=r"the numbers .*no\.txt cannot be read: No such file or directory; give a tex"):
        ListedNumbers.from_file(tmp_path / "no.txt")


def test_a_folder_is_told(tmp_path):
    with pytest.raises(SpecError, match=r"cannot be read: Is a directory; give a text file"):
        ListedNumbers.from_file(tmp_path)


def test_a_name_that_no_file_can_have_is_told():
    with pytest.raises(SpecError, match=r"cannot be read: .*; give a text file"):
        ListedNumbers.from_file("numbers\0.txt")


@pytest.mark.parametrize("order", ["random", "", None, 5])
def test_a_wrong_order_is_told(order):
    with pytest.raises(SpecError, match=r"order is .*: give one of 'given', 'drawn'"):
        ListedNumbers(pack_sequences(["1"]), order)


def test_an_empty_list_is_told():
    with pytest.raises(SpecError, match="the list of numbers is empty: give at least one"):
        ListedNumbers(pack_sequences([]))


@pytest.mark.parametrize("content", ["amount\n1,234\n2,345\n", "id,amount\n1,1,234\n"])
def test_an_entry_that_the_delimiter_cuts_is_not_taken_for_a_shorter_number(tmp_path, content):
    path = tmp_path / "numbers.csv"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(SpecError, match=r"line 2 has \d columns, but the first row has \d: .*double quotes"):
        ListedNumbers.from_file(path, column="amount")


def test_a_number_for_a_column_that_has_a_name_is_told_of_names(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("id,phone\n1,030\n", encoding="utf-8")

    with pytest.raises(SpecError, match=r"line 1: 'phone' holds 'p': .*if the first row holds names"):
        ListedNumbers.from_file(path, column="2")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device without end")
def test_a_device_without_end_is_not_read():
    with pytest.raises(SpecError, match="the numbers /dev/zero: this is a device; give a file"):
        ListedNumbers.from_file("/dev/zero")


def test_a_file_that_is_too_large_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "MAX_BYTES", 2**20)
    path = tmp_path / "numbers.txt"
    path.write_bytes(b"1\n" * 2**19)
    assert len(ListedNumbers.from_file(path).packed) == 2**19

    path.write_bytes(b"1\n" * 2**19 + b"2")

    with pytest.raises(SpecError, match="it has more than 1 MiB; give a smaller file"):
        ListedNumbers.from_file(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are needed")
def test_a_pipe_is_read_to_its_end(tmp_path):
    reader, writer = os.pipe()
    os.write(writer, b"12\n34\n")
    os.close(writer)

    assert len(ListedNumbers.from_file(f"/dev/fd/{reader}").packed) == 2
    os.close(reader)
