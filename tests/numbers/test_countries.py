"""Phone numbers of countries, against phonenumbers itself: what it reads, formats and calls valid."""

import doctest
import itertools
import json
import pickle
import random
import re
from collections import Counter

import numpy as np
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from national_numbers import digits_of, is_of_type, texts_up_to
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType
from scipy import stats

from number_generator.errors import SpecError
from number_generator.job.spec import Span
from number_generator.numbers import countries
from number_generator.numbers.countries import CountryNumbers, country_codes, parse_country_option
from number_generator.numbers.sequences import ALPHABET

PASSES = 1e-4


# --- what phonenumbers says of them


@pytest.mark.parametrize("least", [3000, pytest.param(30_000, marks=pytest.mark.slow)])
def test_phonenumbers_reads_each_number_as_valid_and_formats_it_as_it_is_written(least):
    each = -(-least // (2 * len(country_codes()))) * 2
    wrong = []
    lengths = set()
    for region in country_codes():
        plain = CountryNumbers(region).draw(each, seed=1)
        grouped = CountryNumbers(region, dashes=True).draw(each, seed=1)
        for digits, written in zip(plain, grouped, strict=True):
            number = phonenumbers.parse(written, region)
            is_right = (
                phonenumbers.is_valid_number(number)
                and phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) == written
                and phonenumbers.parse(digits, region) == number
                and digits_of(written) == digits
            )
            if not is_right:
                wrong.append((region, written, digits, number))
        lengths.update(map(len, plain))

    assert not wrong, (len(wrong), wrong[:5])
    assert len(country_codes()) * each >= least
    assert len(lengths) > 5


def test_each_type_of_each_country_occurs():
    missing = []
    for region in country_codes():
        metadata = PhoneMetadata.metadata_for_region(region)
        numbers = [phonenumbers.parse(text, region) for text in CountryNumbers(region).draw(40, seed=2)]
        drawn = [phonenumbers.national_significant_number(number) for number in numbers]
        descs = {"fixed line": metadata.fixed_line, "mobile": metadata.mobile}
        present = {name: desc for name, desc in descs.items() if desc is not None and desc.national_number_pattern}
        assert present
        missing += [
            (region, name) for name, desc in present.items() if not any(is_of_type(digits, desc) for digits in drawn)
        ]
        assert all(any(is_of_type(digits, desc) for desc in present.values()) for digits in drawn), region

    assert not missing


FORMS = [
    # Japan groups by area code; a mobile number begins with 070, 080 or 090.
    (
        "JP",
        r"0\d{4}-\d-\d{4}|0\d{3}-\d\d-\d{4}|0\d\d-\d{3}-\d{4}|0\d-\d{4}-\d{4}|0[6-9]0-\d{4}-\d{4}",
        r"0[1-9]\d{8,9}",
    ),
    ("US", r"\([2-9]\d\d\) \d{3}-\d{4}", r"[2-9]\d{9}"),
    # A mobile number is stored with a leading 9 and written with a 15 after the area code.
    ("AR", r"0\d{2,4} 15-\d{2,4}-\d{4}|0\d{2,4} \d{2,4}-\d{4}|0\d{3}-\d{3}-\d{4}", r"0[1-9]\d{9}|0[1-9]\d{11}"),
    ("MX", r"\d\d \d{4} \d{4}|\d{3} \d{3} \d{4}", r"[1-9]\d{9}"),
    ("BR", r"\([1-9][1-9]\) \d{4,5}-\d{4}", r"[1-9][1-9]\d{8,9}"),
    # The 0 of an Italian area code is part of the number.
    ("IT", r"0\d+( \d+)+|[3-9]\d\d \d{3} \d{3,4}", r"0\d{5,11}|[3-9]\d{8,9}"),
    ("VA", r"06 698[\d ]+|[3-9]\d\d \d{3} \d{3,4}", r"06698\d{1,6}|[3-9]\d{8,9}"),
    ("DE", r"0\d{2,5} \d+", r"0\d{5,15}"),
    ("SJ", r"79( \d\d){3}|[4-9]\d( \d\d){3}|[4-9]\d\d \d\d \d{3}", r"79\d{6}|[4-9]\d{7}"),
    # Tristan da Cunha has numbers of four digits and no format.
    ("TA", r"8\d{3}", r"8\d{3}"),
    ("KZ", r"8 \([37]\d{2,4}\) [\d -]+", r"8[37]\d{9}"),
    ("RU", r"8 \(\d{3,5}\) [\d-]+", r"8[3489]\d{9}"),
    ("HU", r"06 \d\d \d{3} \d{4}|\(06 \d\d?\) [\d ]+", r"06\d{8,9}"),
]


@pytest.mark.parametrize(("region", "grouped", "plain"), FORMS)
def test_a_country_writes_its_numbers_in_its_way(region, grouped, plain):
    for dashes, form in ((True, grouped), (False, plain)):
        drawn = CountryNumbers(region, dashes=dashes).draw(500, seed=4)

        assert [text for text in drawn if not re.fullmatch(form, text)] == []


def test_argentine_mobile_numbers_are_written_with_15_and_others_without():
    for text in CountryNumbers("AR", dashes=True).draw(1000, seed=5):
        number = phonenumbers.parse(text, "AR")
        is_mobile = phonenumbers.national_significant_number(number).startswith("9")

        assert (" 15-" in text) == is_mobile, text


def test_countries_that_share_a_calling_code_keep_their_own_numbers():
    for region, beginning in (("KZ", "8[37]"), ("PR", "(?:787|939)"), ("GG", "0(?:1481|7)"), ("VA", "(?:06698|[3-9])")):
        drawn = CountryNumbers(region).draw(300, seed=6)

        assert all(re.match(beginning, text) for text in drawn), region


# --- chances


def test_every_number_of_a_small_country_is_as_likely_as_any_other():
    valid = [
        text
        for text in texts_up_to(4, "0123456789")
        if len(text) == 4 and is_of_type(text, PhoneMetadata.metadata_for_region("TA").fixed_line)
    ]

    drawn = CountryNumbers("TA").draw(100 * len(valid), seed=7)

    seen, counts = np.unique(drawn, return_counts=True)
    assert seen.tolist() == sorted(valid)
    assert stats.chisquare(counts).pvalue > PASSES


def test_japanese_fixed_lines_are_uniform_over_all_that_phonenumbers_calls_valid():
    chance = random.Random(8)
    desc = PhoneMetadata.metadata_for_region("JP").fixed_line
    tried = [str(chance.randrange(10**8, 10**9)) for _ in range(60_000)]
    wanted = [text for text in tried if is_of_type(text, desc)]

    drawn = [text[1:] for text in CountryNumbers("JP").draw(60_000, seed=8) if len(text) == 10]

    for place in (slice(0, 2), slice(2, 4), slice(7, 9)):
        counts = [Counter(text[place] for text in texts) for texts in (wanted, drawn)]
        table = [[count[pair] for count in counts] for pair in sorted(set().union(*counts))]
        table = [row for row in table if sum(row) > 10]
        assert stats.chi2_contingency(table).pvalue > PASSES, place


def test_types_and_countries_are_equally_likely():
    drawn = CountryNumbers(["JP", "TA", "US"], dashes=True).draw(30_000, seed=9)

    japanese = [phonenumbers.parse(text, "JP") for text in drawn if re.match("0", text)]
    mobiles = sum(phonenumbers.number_type(number) == PhoneNumberType.MOBILE for number in japanese)
    american = sum(text.startswith("(") for text in drawn)
    others = sum(len(text) == 4 for text in drawn)
    assert len(japanese) + american + others == len(drawn)
    assert stats.chisquare([len(japanese), american, others]).pvalue > PASSES
    assert stats.chisquare([mobiles, len(japanese) - mobiles]).pvalue > PASSES


def test_a_country_has_its_share_of_the_numbers_of_all():
    count = 200_000

    drawn = CountryNumbers("all", dashes=True).draw(count, seed=10)

    share = 1 / len(country_codes())
    for form in (r"8 \(\d{3,5}\) \d+-[\d-]+", r"0\d{2,4} 15-\d{2,4}-\d{4}", r"8\d{3}"):
        # Russia alone; the mobile half of Argentina; Tristan da Cunha.
        found = sum(re.fullmatch(form, text) is not None for text in drawn)
        expected = share / 2 if "15" in form else share
        assert stats.binomtest(found, count, expected).pvalue > PASSES, form


# --- a number source


@given(cuts=st.lists(st.integers(0, 300), min_size=1, max_size=5), start=st.sampled_from([0, 17, 2**63 - 400]))
def test_the_numbers_of_a_span_are_those_of_its_parts(cuts, start):
    numbers = CountryNumbers(["DE", "US"], dashes=True)
    whole = numbers.sequences(11, Span(start, start + 300))

    bounds = sorted({0, 300, *cuts})
    parts = [numbers.sequences(11, Span(start + a, start + b)) for a, b in itertools.pairwise(bounds)]

    assert np.array_equal(np.concatenate([part.codes for part in parts]), whole.codes)
    assert np.array_equal(np.concatenate([np.diff(part.offsets) for part in parts]), np.diff(whole.offsets))


def test_drawn_strings_are_the_sequences():
    numbers = CountryNumbers("GB", dashes=True)

    drawn = numbers.draw(20, seed=12, start=5)

    sequences = numbers.sequences(12, Span(5, 25))
    assert sequences.codes.dtype == np.uint8
    assert "".join(drawn) == "".join(ALPHABET[code] for code in sequences.codes)
    assert list(map(len, drawn)) == np.diff(sequences.offsets).tolist()
    assert numbers.draw(10, seed=12, start=15) == drawn[10:]
    assert numbers.draw(0, seed=12) == []
    assert numbers.draw(5, seed=13) != numbers.draw(5, seed=12)


@pytest.mark.parametrize("region", ["JP", "DE", "AR", "all"])
@pytest.mark.parametrize("dashes", [False, True])
def test_no_number_is_longer_than_the_longest(region, dashes):
    numbers = CountryNumbers(region, dashes=dashes)

    sequences = numbers.sequences(14, Span(0, 20_000))

    assert sequences.longest <= numbers.longest
    assert sequences.offsets[-1] <= numbers.digits_before(20_000)
    assert numbers.digits_before(0) == 0
    assert (sequences.codes < 10).all() != dashes


def test_grouped_and_plain_numbers_of_an_image_have_the_same_digits():
    plain = CountryNumbers("all").draw(2000, seed=15)
    grouped = CountryNumbers("all", dashes=True).draw(2000, seed=15)

    assert [digits_of(text) for text in grouped] == plain


def test_equal_arguments_make_equal_sources():
    one = CountryNumbers(["us", "JP", "Us"], dashes=True)

    assert one == CountryNumbers(("JP", "US"), dashes=True)
    assert hash(one) == hash(CountryNumbers(("JP", "US"), dashes=True))
    assert one != CountryNumbers(("JP", "US"))
    assert one.regions == ("JP", "US")
    assert CountryNumbers("jp").regions == ("JP",)
    assert CountryNumbers("ALL").regions == CountryNumbers(["all", "JP"]).regions == country_codes()


def test_a_source_survives_pickling():
    numbers = CountryNumbers(["FR", "CI"], dashes=True)
    expected = numbers.draw(5, seed=16)

    again = pickle.loads(pickle.dumps(numbers))

    assert again == numbers
    assert again.draw(5, seed=16) == expected


def test_a_source_describes_itself_in_json():
    described = CountryNumbers(["US", "JP"], dashes=True).describe()

    assert json.loads(json.dumps(described)) == described
    assert described == {
        "numbers": "country",
        "country": ["JP", "US"],
        "dashes": True,
        "phonenumbers": phonenumbers.__version__,
    }


# --- arguments


@pytest.mark.parametrize(
    ("text", "regions"), [("JP", ("JP",)), ("jp,us", ("JP", "US")), (" us , JP,us", ("JP", "US")), ("All", None)]
)
def test_an_option_lists_countries_in_either_case(text, regions):
    assert parse_country_option(text) == (regions or country_codes())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"country is \[\], which is empty: give ISO 3166 codes"),
        ("JPN", r"country is 'JPN', which is unknown \(closest: JP\): give ISO 3166 codes such as 'JP', or 'all'"),
        ("JP,UK", r"country is 'UK', which is unknown \(closest: GB\): .*country_codes\(\) lists them"),
        ("JP,", r"country is '', which is unknown: give"),
        ("JP;US", r"country is 'JP;US', which is unknown"),
        ("x" * 1000, r"country is 'xxxxx"),
    ],
)
def test_an_unknown_country_is_one_clear_error(text, message):
    with pytest.raises(SpecError, match=message) as caught:
        parse_country_option(text)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "regions", [None, 81, [], (), b"JP", ["JP", None], ["JP", 81], [["JP"]], [{}], "JP,US", "jP ", "ÅX"]
)
def test_what_is_no_list_of_countries_is_refused(regions):
    with pytest.raises(SpecError, match=r"country is .*: give ISO 3166 codes"):
        CountryNumbers(regions)


@pytest.mark.parametrize("dashes", [None, 1, "yes"])
def test_dashes_are_there_or_not(dashes):
    with pytest.raises(SpecError, match=r"dashes is .*: give True or False"):
        CountryNumbers("JP", dashes=dashes)


@pytest.mark.parametrize(
    "arguments",
    [
        {"count": -1},
        {"count": 1.5},
        {"count": 1, "start": -1},
        {"count": 1, "seed": -1},
        {"count": 2, "start": 2**63 - 2},
    ],
)
def test_a_draw_refuses_numbers_out_of_range(arguments):
    with pytest.raises(SpecError, match=r"(count|start|seed) is"):
        CountryNumbers("JP").draw(**arguments)


# --- the module


def test_the_examples_of_the_docstrings_run():
    result = doctest.testmod(countries, raise_on_error=False)

    assert result.attempted > 0
    assert result.failed == 0


def test_the_metadata_load_when_they_are_used(run_python):
    code = """
import sys
from number_generator.numbers.countries import CountryNumbers
before = [name for name in ("phonenumbers", "numba") if name in sys.modules]
CountryNumbers("JP")
print(before, "numba" in sys.modules)
"""
    assert run_python(code).split() == ["[]", "False"]
