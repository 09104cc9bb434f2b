"""Regular expressions as automata, against Python's own matching of every short text."""

import itertools
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from number_generator.numbers.automata import LanguageError
from number_generator.numbers.regex import parse_language
from number_generator.numbers.sequences import ALPHABET

LETTERS = "01- "
TEXTS = ["".join(letters) for length in range(5) for letters in itertools.product(LETTERS, repeat=length)]


def strings_of(automaton, state=None):
    """List the strings from a state on."""
    state = automaton.starts[0] if state is None else state
    found = [""] if automaton.tags[state] >= 0 else []
    for code, target in automaton.edges[state]:
        found += [ALPHABET[code] + rest for rest in strings_of(automaton, target)]
    return found


def language_or_none(regex):
    """Return the set of all strings; none where there are none."""
    try:
        automaton = parse_language(regex)
    except LanguageError as exc:
        assert "matches no number at all" in str(exc), regex
        return set()
    strings = strings_of(automaton)
    assert len(strings) == len(set(strings)) == automaton.count_completions()[automaton.starts[0]]
    return set(strings)


def matched(regex, texts=TEXTS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = re.compile(regex)
    return {text for text in texts if compiled.fullmatch(text)}


ATOMS = st.one_of(
    st.sampled_from(
        ["0", "1", "-", " ", r"\ ", r"\-", r"\x30", r"\061", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"]
    ),
    st.sampled_from(["[01]", "[^0]", "[0-1]", "[-1]", "[1-]", r"[\d-]", r"[^\d-]", r"[\s\d]", r"[\D\S]", r"[^\D\S]"]),
    st.sampled_from([r"[\W0]", "[^]0]", "[ 1-]", "()"]),
)
QUANTIFIERS = st.sampled_from(
    ["", "", "?", "*", "+", "??", "*?", "{2}", "{0}", "{,2}", "{1,}", "{1,3}", "{0,2}?", "{,}"]
)


def _extended(inner):
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(
            st.sampled_from(["(", "(?:", "(?i:", "(?P<a%d>"]),
            st.lists(inner, max_size=3).map("|".join),
            st.sampled_from(["", "", "?", "*", "{2}", "{0,2}"]),
        ).map(lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"),
    )


# More, and Python takes minutes to match some.
PIECES = st.recursive(st.tuples(ATOMS, QUANTIFIERS).map("".join), _extended, max_leaves=4)
LOOKAHEADS = st.tuples(
    st.sampled_from(["(?=", "(?!"]),
    st.lists(PIECES, min_size=1, max_size=2).map("|".join),
    st.sampled_from([")", "$)"]),
).map("".join)
OPTIONS = st.lists(st.one_of(PIECES, PIECES, LOOKAHEADS), max_size=4).map("".join)


def _numbered(regex):
    """Return each named group a name of its own."""
    numbers = itertools.count()
    return re.sub("%d", lambda _: str(next(numbers)), regex)


@given(st.lists(OPTIONS, min_size=1, max_size=3), st.sampled_from(["", "^"]), st.sampled_from(["", "$"]))
def test_any_expression_has_the_strings_that_python_matches(options, opening, closing):
    # The lookahead makes every language finite and its texts short.
    regex = _numbered("|".join(f"{opening}(?=[01 -]{{0,4}}$){option}{closing}" for option in options))

    assert language_or_none(regex) == matched(regex)


@given(st.text("()[]{}?*+|^$.\\,-0129dDwWsSxnPiB=!<#: aé\n", max_size=12))
def test_any_text_at_all_is_an_expression_or_gets_our_error(text):
    try:
        automaton = parse_language(text)
    except LanguageError:
        return

    if automaton.count_completions()[automaton.starts[0]] < 10_000:
        assert {string for string in strings_of(automaton) if string in TEXTS} == matched(text)


@pytest.mark.parametrize(
    ("regex", "count"),
    [
        (r"0[1-9]\d{8,9}", 9 * 10**8 + 9 * 10**9),
        (r"\d{3}-\d{4}", 10**7),
        (r".", 18),
        (r".{2}", 18**2),
        (r"[^\d]", 8),
        (r"[+--]", 3),
        (r"[(-)]{1}", 2),
        (r"\w\W\s\S", 10 * 8 * 1 * 17),
        (r"1|1|11?", 2),
        ("", 1),
        (r"(\d{2}){3}|\d{6}", 10**6),
        (r"(?!0)\d{3}", 900),
        (r"(?=.*5$)(?!.*55)\d{3}", 90),
        (r"\d{2}(?=[13])\d|00(?!0)\d", 200 + 7),
        (r"(?!.*(\d)[5-7]$)\d\d", 70),
        ("^1$|^^2$$", 2),
        ("^1$|^1$", 1),
        ("$|$$", 1),
        (r"(?=1$|1$)\d{0,2}", 1),
        (r"(?=1|1)\d{0,2}", 11),
        (r"(?=\d-|\d,)\d[-,]?\d?", 10 * 2 * 11),
        ("1|(?!)", 1),
        ("[^(?#]", 17),
        (r"(?P<a>1)(?s:2)(?im-s:3)", 1),
        (r"(?i)1", 1),
    ],
)
def test_strings_are_counted_once_each(regex, count):
    automaton = parse_language(regex)

    assert automaton.count_completions()[automaton.starts[0]] == count


@pytest.mark.parametrize("regex", [r"\d{10000}", r"(\d\d){0,5000}"])
def test_the_longest_possible_numbers_are_no_trouble(regex):
    assert parse_language(regex).longest == 10_000


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("(12", r"is not a valid regular expression: missing \), unterminated subpattern at position 0; fix it"),
        ("12)", "unbalanced parenthesis at position 2"),
        ("[12", "unterminated character set at position 0"),
        (r"1{2}{3}", "multiple repeat at position 4"),
        ("*", "nothing to repeat at position 0"),
        ("[9-0]", "bad character range 9-0 at position 1"),
        ("\\", "bad escape"),
        ("a", r"^holds 'a' at position 0: numbers hold digits from 0 to 9 and the signs - \. , / .* and space$"),
        (r"\d{3}d", "holds 'd' at position 5"),
        ("[0-9a-f]", "holds 'a' at position 4"),
        ("[1;2]", "holds ';' at position 2"),
        ("[^a]a", "holds 'a' at position 4"),
        ("(?P<a>1)a", "holds 'a' at position 8"),
        (r"[\x61]", "holds 'a' at position 0"),
        ("[0-~]", "holds ';' at position 0"),
        (r"\0", r"holds '\\x00' at position 0"),
        ("[,-;]", "holds ';' at position 3"),
        (r"1\n", r"holds '\\n' at position 1"),
        ("é", "holds 'é' at position 0"),
        ("\u0661", "holds '\u0661' at position 0"),
        (r"1{}", "holds '{' at position 1"),
        (r"\d+", r"^matches infinitely many numbers: give a limit, as in \\d\{1,12\}$"),
        (r"1|(2\d*)?3", "matches infinitely many numbers"),
        (r"[^\d\D]", "matches no number at all"),
        (r"(?!1)1", "matches no number at all"),
        (r"\d{10001}", "numbers of 10001 characters: at most 10000"),
        (r"(1(?=2)2)", r"unsupported part \(a lookahead in a group\)"),
        (r"1(?<=1)2", r"unsupported part \(a look-behind\)"),
        (r"1(?<!1)2", r"unsupported part \(a look-behind\)"),
        (r"(1)\1", r"unsupported part \(a reference to a group\)"),
        (r"(?P<a>1)(?P=a)", r"unsupported part \(a reference to a group\)"),
        (r"(1)?(?(1)2|3)", r"unsupported part \(a condition\)"),
        (r"1(?#one)", r"unsupported part \(the comment at position 1\)"),
        (r"(?x)1", "unsupported part"),
        (r"1\b", r"unsupported part \(\\b at position 1\)"),
        (r"[\b1]", r"unsupported part \(\\b at position 1\)"),
        (r"1\Z", r"unsupported part \(\\Z at position 1\)"),
        (r"(?x:1)", r"unsupported part \(the flag x\)"),
        (r"[^\u0031]", r"unsupported part \(\\u at position 2\)"),
        (r"(?=(1(?=2)))12", r"unsupported part \(a lookahead in a group\)"),
        (r"(?=^1)1", r"unsupported part \(the '\^' inside"),
        (r"\u0031", r"unsupported part \(\\u at position 0\)"),
        (r"(^1)", r"unsupported part \(the '\^' inside the expression; the whole number is matched anyway\)"),
        (r"(1|2$)", r"unsupported part \(the '\$' inside"),
        (r"1^|12", r"unsupported part \(the '\^' inside"),
        (r"1$2", r"unsupported part \(the '\$' inside the expression"),
        (r"(?>1)", "unsupported part|is not a valid"),  # the latter before Python 3.11
        (r"1{1,2}+1", "unsupported part|is not a valid"),
        (r"(1){1,2}+1", "unsupported part|is not a valid"),
        pytest.param("[01]{0,30}1[01]{30}", "is too large: give fewer or shorter", marks=pytest.mark.slow),
        (r"(\d{1000}){1000}", "is too large"),
        (r"\d{4294967294}", "is too large"),
        (r"\d{99999999999}", "is too large"),
        (r"(){4294967294}", "is too large"),
        (r"(\d?){10000}", "is too large"),
        (r"((((\d?){30}){30}){30}){30}", "is too large"),
        pytest.param(r"(?=[01]{0,30}1[01]{30})\d{70}", "is too large", marks=pytest.mark.slow),
        (r"(((1|2){99}){99}){99}", "is too large"),
        ("1|" * 60_000 + "1", "is too large"),
        pytest.param("1" * 49_999 + "|" + "1" * 49_999, "is too large", marks=pytest.mark.slow),
        ("(?:" * 200 + "1" * 50_000 + ")" * 200, "is too large"),
        ("(" * 500 + "1" + ")" * 500, "nests its groups too deep"),
    ],
)
def test_what_cannot_be_drawn_from_gets_one_clear_error(regex, message):
    with pytest.raises(LanguageError, match=message) as caught:
        parse_language(regex)

    assert "\n" not in str(caught.value)


def test_lookaheads_without_number_are_refused_and_not_followed():
    with pytest.raises(LanguageError, match="too many lookaheads"):
        parse_language("(?=1)" * 3000 + "1")
