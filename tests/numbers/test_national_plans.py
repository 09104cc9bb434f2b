"""Plans of calling codes, against phonenumbers itself: of its countries, and of invented ones."""

import random
import re

import numpy as np
import phonenumbers
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from national_numbers import digits_of, holds, number_of, some_strings, texts_up_to
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberFormat

from number_generator.errors import SpecError
from number_generator.numbers import countries, national_plans
from number_generator.numbers.digit_sets import DigitSets
from number_generator.numbers.sequences import ALPHABET


@pytest.mark.slow
def test_only_numbers_that_would_be_read_as_others_are_left_out(monkeypatch):
    made = []
    write = national_plans._write

    def noting(languages, reader, numbers, *rest):
        written = write(languages, reader, numbers, *rest)
        made.append((languages, numbers, written))
        return written

    monkeypatch.setattr(national_plans, "_write", noting)
    chance = random.Random(3)
    left_out = 0
    wrong = []
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if regions == ("001",):  # no country's: free numbers, satellites
            continue
        made.clear()
        national_plans.make_plan.__wrapped__(code)
        for region, (languages, numbers, written) in zip(np.repeat(regions, 2).tolist(), made, strict=True):
            out = languages.subtract(numbers, written)
            for language, is_drawn in ((written, True), (out, False)):
                for digits in some_strings(languages, language, 15, chance):
                    number = number_of(code, digits)
                    text = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
                    left_out += not is_drawn
                    if (phonenumbers.parse(text, region) == number) != is_drawn:
                        wrong.append((region, digits, text, is_drawn))

    assert not wrong, (len(wrong), wrong[:5])
    assert left_out > 0


def test_a_country_without_numbers_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(national_plans, "make_plan", lambda code: national_plans.Plan((), (), (), {}))

    with pytest.raises(SpecError, match=r"country is 'AD': phonenumbers .* leave it out"):
        countries._make_sampler.__wrapped__(("AD",), False)


# --- invented countries: what no country of today does


@pytest.fixture
def invent(monkeypatch):
    """Return a function that makes phonenumbers know some countries, of one calling code that nobody has."""
    described = {}
    of_region, of_code = PhoneMetadata.metadata_for_region, PhoneMetadata.metadata_for_region_or_calling_code

    def metadata_for_region(region, *default):
        return described.get(region) or of_region(region, *default)

    def metadata_for_region_or_calling_code(code, region):
        return described.get(region) or of_code(code, region)

    monkeypatch.setattr(PhoneMetadata, "metadata_for_region", metadata_for_region)
    monkeypatch.setattr(PhoneMetadata, "metadata_for_region_or_calling_code", metadata_for_region_or_calling_code)

    def run(*regions):
        described.clear()
        described.update({region.id: region for region in regions})
        monkeypatch.setitem(phonenumbers.COUNTRY_CODE_TO_REGION_CODE, CALLING_CODE, tuple(described))
        monkeypatch.setattr(phonenumbers.phonenumberutil, "SUPPORTED_REGIONS", set(described))

    return run


CALLING_CODE = 210


def country(name, pattern, *, general=r"[0-3]{3,4}", lengths=(3, 4), **others):
    """Return the metadata of a country that has mobile numbers only."""
    return PhoneMetadata(
        id=name,
        country_code=CALLING_CODE,
        general_desc=PhoneNumberDesc(national_number_pattern=general, possible_length=lengths),
        mobile=PhoneNumberDesc(national_number_pattern=pattern, possible_length=lengths),
        register=False,
        **others,
    )


def test_numbers_of_a_shared_calling_code_are_valid_where_phonenumbers_looks_first(invent):
    # The second claims all that begins with 1 or 2 and calls little of it valid: no 1xx of the third counts.
    regions = [
        country("AA", "1[01]2"),
        country("BB", "[12]0[34]", general=r"\d{3}", leading_digits="[12]"),
        country("CC", r"[0-3]\d[4-6]", general=r"\d{3}"),
    ]
    invent(*regions)
    languages = DigitSets()

    valid = national_plans._find_valid(languages, {region.id: region for region in regions})

    texts = [f"{number:03}" for number in range(1000)]
    expected = [text for text in texts if phonenumbers.is_valid_number(number_of(CALLING_CODE, text))]
    assert [text for text in texts if holds(languages, valid, text) is not None] == expected
    assert 0 < len(expected) < 100


PREFIXES = st.sampled_from(
    [
        {},
        {"national_prefix_for_parsing": "0"},
        {"national_prefix_for_parsing": "1|20?"},
        {"national_prefix_for_parsing": "0?2"},
        {"national_prefix_for_parsing": "0([12])?"},
        {"national_prefix_for_parsing": "([12]\\d\\d)$|1", "national_prefix_transform_rule": "3\\1"},
        {"national_prefix_for_parsing": "0?(?:(1|22?)3)?", "national_prefix_transform_rule": "1\\1"},
        {"national_prefix_for_parsing": "(0)?(2)", "national_prefix_transform_rule": "\\2"},
    ]
)
FORMATS = st.lists(
    st.builds(
        phonenumbers.NumberFormat,
        pattern=st.sampled_from([r"(\d)(\d{2,3})", r"(\d{2})(\d)", r"(\d)(\d)(\d{2})", r"(\d{3,4})"]),
        format=st.sampled_from([r"\1 \2", r"\1 3-\2", r"\2", r"\1.\2*"]),
        leading_digits_pattern=st.sampled_from([[], ["[0-2]"], ["1", "1[0-2]"], ["2|0(?!1)"]]),
        national_prefix_formatting_rule=st.sampled_from([None, r"0\1", r"(1\1)", r"2 \1", r"02-\1"]),
    ).filter(lambda form: r"\2" not in form.format or form.pattern.count("(") > 1),
    max_size=2,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prefix=PREFIXES,
    formats=FORMATS,
    international=st.sampled_from([None, "00", "0[12]?", "2(?:1|33)", "110|1"]),
    pattern=st.sampled_from(["[0-3]{3}", "[0-3]{3,4}", "2[0-3]{2,3}|10[0-3]{2}"]),
    general=st.sampled_from(["[0-3]{3,4}", "[0-3]{2,4}", "[12][0-3]{2}|[0-3]{4}"]),
)
@example(  # "2 100" could be the calling code and one digit
    prefix={"national_prefix_for_parsing": "2"},
    formats=[
        phonenumbers.NumberFormat(
            pattern=r"(\d)(\d{2,3})",
            format=r"\1 \2",
            national_prefix_formatting_rule=r"2 \1",
            leading_digits_pattern=[],
        )
    ],
    international=None,
    pattern="[0-3]{4}",
    general="[0-3]{4}",
)
def test_of_an_invented_country_the_numbers_that_are_read_as_themselves_are_drawn(
    invent, prefix, formats, international, pattern, general
):
    invent(
        country(
            "AA",
            pattern,
            general=general,
            number_format=formats,
            international_prefix=international,
            **prefix,
        )
    )

    plan = national_plans.make_plan.__wrapped__(CALLING_CODE)

    drawn = written_of(plan, "AA")
    for digits in texts_up_to(4, "0123"):
        if not re.fullmatch(pattern, digits) or not re.fullmatch(general, digits):
            assert digits not in drawn
            continue
        number = number_of(CALLING_CODE, digits)
        written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        is_read = all(parsed(text) == number for text in (written, digits_of(written)))
        if digits in drawn:
            assert drawn[digits] == written, digits
            assert is_read, (digits, written)
            assert phonenumbers.is_valid_number(number), digits
        else:
            # Left out as well: what begins like a calling code, what is read well by chance alone (a digit dropped and
            # the same one put there), and what cannot be written.
            is_odd = "national_prefix_transform_rule" in prefix or digits_of(written).startswith(str(CALLING_CODE))
            is_odd |= (
                any(form.format.count("\\") < form.pattern.count("(") for form in formats)
                or "*" in written
                or int(digits) == 0
            )
            assert not is_read or is_odd, (digits, written)


def parsed(text):
    """Return the number that phonenumbers reads in the invented country, or None."""
    try:
        return phonenumbers.parse(text, "AA")
    except phonenumbers.NumberParseException:
        return None


def written_of(plan, region):
    """Return all numbers of a region, each with its written form."""
    found = {}

    def walk(state, digits):
        if plan.tags[state] >= 0:
            template = plan.templates[plan.tags[state]]
            found[digits] = "".join(digits[entry] if entry >= 0 else ALPHABET[-1 - entry] for entry in template)
        for digit, target in plan.edges[state]:
            walk(target, f"{digits}{digit}")

    for start in plan.starts.get(region, ()):
        walk(start, "")
    return found
