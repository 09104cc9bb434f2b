"""The named patterns: dates, times, amounts, prices, percentages, postcodes, card numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Lengths = Literal["proportional", "equal"]
LENGTHS: tuple[Lengths, ...] = ("proportional", "equal")


@dataclass(frozen=True, slots=True)
class NamedPattern:
    """What a name stands for.

    If `is_checked`, the last digit is the Luhn check digit (ISO/IEC 7812-1) of the others, separators aside. If there
    is a `favoured` expression, half of the numbers are drawn from those that match it, which `regex` matches as well.
    """

    description: str  # one line, with an example
    regex: str
    lengths: Lengths = "proportional"  # as in `Pattern`, unless the user chooses
    is_checked: bool = False
    favoured: str | None = None


def _write_integers(least: int, most: int) -> str:
    """Return the expression of integers without leading zeros."""
    return rf"{'0|' if least == 1 else ''}[1-9]\d{{{least - 1},{most - 1}}}"


def _write_digits(least: int, most: int) -> str:
    return rf"\d{{{least},{most}}}"


def _write_round(least: int, most: int) -> str | None:
    """Return the expression of integers with one zero or more after at most three other digits, or None for one digit.

    Prices are such numbers: 980, 12800, 250000.
    """
    short = [digits for length, digits in ((2, "[1-9]0"), (3, r"[1-9]\d0")) if least <= length <= most]
    long = [rf"[1-9]\d\d0{{{max(least - 3, 1)},{most - 3}}}"] if most > 3 else []
    return "|".join(short + long) or None


FAMILIES = {"integer": _write_integers, "digits": _write_digits, "round": _write_integers}
"""The named patterns that take lengths: functions of the least and the most digits."""

FAVOURED = {"round": _write_round}
"""Of these, functions for the expressions of the numbers that half of the draws are from."""

_YEARS = r"(?:19|20)\d\d"
_LEAP_YEARS = "(?:19(?:0[48]|[2468][048]|[13579][26])|20(?:[02468][048]|[13579][26]))"
_SHORT_YEARS = r"\d\d"
_SHORT_LEAP_YEARS = "(?:[02468][048]|[13579][26])"  # 00 is 2000
_DATE_SEPARATORS = ("/", r"\.", "-")


def _write_dates(
    order: str, *, separators: tuple[str, ...] = _DATE_SEPARATORS, zero: str = "0", short: bool = False
) -> str:
    """Return the expression of all valid days, as "dmy", "mdy" or "ymd"; `zero` pads days and months."""
    years, leap_years = (_SHORT_YEARS, _SHORT_LEAP_YEARS) if short else (_YEARS, _LEAP_YEARS)
    cases = [
        (rf"(?:{zero}[1-9]|[12]\d|3[01])", f"(?:{zero}[13578]|1[02])", years),
        (rf"(?:{zero}[1-9]|[12]\d|30)", f"(?:{zero}[469]|11)", years),
        (rf"(?:{zero}[1-9]|1\d|2[0-8])", f"{zero}2", years),
        ("29", f"{zero}2", leap_years),
    ]
    return "|".join(
        separator.join({"d": day, "m": month, "y": year}[part] for part in order)
        for separator in separators
        for day, month, year in cases
    )


def _make_date_patterns() -> dict[str, NamedPattern]:
    forms: dict[str, NamedPattern] = {}
    between = "with / . or - between"
    for order, words in {"dmy": "day month year", "mdy": "month day year", "ymd": "year month day"}.items():
        example = {"dmy": "31/12/2024", "mdy": "12/31/2024", "ymd": "2024-12-31"}[order]
        unpadded = {"dmy": "5.1.2024", "mdy": "1/5/2024", "ymd": "2024-1-5"}[order]
        two = {"dmy": "31.12.24", "mdy": "12/31/24", "ymd": "24-12-31"}[order]
        whole = "".join(part for part in example if part.isdigit())
        forms |= {
            f"date-{order}": NamedPattern(f"{words}, {between}, 1900 to 2099: {example}", _write_dates(order)),
            f"date-{order}-unpadded": NamedPattern(
                f"{words} without leading zeros, {between}: {unpadded}", _write_dates(order, zero="")
            ),
            f"date-{order}-short": NamedPattern(
                f"{words} of two digits, 2000 to 2099, {between}: {two}", _write_dates(order, short=True)
            ),
            f"date-{order}-digits": NamedPattern(
                f"{words}, digits alone: {whole}", _write_dates(order, separators=("",))
            ),
        }
    spaced = [form.regex for name, form in forms.items() if not name.endswith("-digits")]
    return {"date": NamedPattern("any of the dates below that have separators", "|".join(spaced)), **forms}


def _write_amount(thousands: str, decimals: str) -> str:
    return rf"(?:0|[1-9]\d{{0,2}}(?:{thousands}\d{{3}}){{0,2}}){decimals}\d\d"


_HOURS, _TWELVE_HOURS = r"(?:[01]\d|2[0-3])", r"(?:[1-9]|1[0-2])"
_SIXTIETHS = r"[0-5]\d"
_FIVES = "[0-5][05]"  # most times that people write down


def _make_time_patterns() -> dict[str, NamedPattern]:
    forms = {
        "time-24": ("00:00 to 23:59, half of them at full five minutes: 08:45", _HOURS, ""),
        "time-24-unpadded": ("0:00 to 23:59 without a leading zero, likewise: 8:45", r"(?:1?\d|2[0-3])", ""),
        "time-12": ("1:00 to 12:59, likewise: 8:45", _TWELVE_HOURS, ""),
        "time-seconds": ("00:00:00 to 23:59:59: 08:45:07", _HOURS, f":{_SIXTIETHS}"),
    }
    patterns = {
        name: NamedPattern(description, f"{hours}:{_SIXTIETHS}{rest}", favoured=None if rest else f"{hours}:{_FIVES}")
        for name, (description, hours, rest) in forms.items()
    }
    every = "|".join(form.regex for form in patterns.values() if form.favoured)
    often = "|".join(form.favoured for form in patterns.values() if form.favoured)
    return {"time": NamedPattern("any of the times below without seconds", every, favoured=often), **patterns}


_USUAL_CENTS = "(?:00|50|[49]9|95)"


def _make_price(description: str, before: str, thousands: str, decimals: str, after: str = "") -> NamedPattern:
    """Return prices below 100,000, of which half end as prices do; without `decimals` they have no cents."""
    whole = rf"(?:[1-9]\d{{0,2}}|[1-9]\d?{thousands}\d{{3}})"
    # Of all lengths that prices have: each is drawn as often.
    often = rf"(?:[1-9]|[1-9]\d?0|[1-9]\d?{thousands}\d(?:[05]0|[89]0))"
    every = whole
    if decimals:
        often = f"(?:{often}|(?:{whole}|0){decimals}{_USUAL_CENTS})"
        every = rf"(?:{whole}(?:{decimals}\d\d)?|0{decimals}\d\d)"
    return NamedPattern(description, f"{before}{every}{after}", "equal", favoured=f"{before}{often}{after}")


def _make_price_patterns() -> dict[str, NamedPattern]:
    forms = {
        "price-usd": _make_price(
            "dollars to 99,999.99, with cents or without, half of them .00, .50, .99 and the like: $12.50",
            r"\$", ",", r"\.",
        ),
        "price-gbp": _make_price("pounds, likewise: £1,250.00", "£", ",", r"\."),
        "price-eur": _make_price("euros, likewise: €12.50", "€", ",", r"\."),
        "price-eur-after": _make_price("euros as on the continent, to 99.999,99 €: 12,50 €", "", r"\.", ",", " €"),
        "price-jpy": _make_price("yen to 99,999, half of them round: ¥1,280", "¥", ",", ""),
    }  # fmt: skip
    every = "|".join(form.regex for form in forms.values())
    often = "|".join(form.favoured for form in forms.values() if form.favoured)
    return {"price": NamedPattern("any of the prices below", every, "equal", favoured=often), **forms}


def _make_percentage(description: str, point: str, after: str) -> NamedPattern:
    whole = r"(?:100|[1-9]?\d)"
    return NamedPattern(description, rf"(?:{whole}|[1-9]?\d{point}\d){after}", favoured=whole + after)


# The first four digits of the issuers' ranges.
_VISA = r"4\d{3}"
_MASTERCARD = r"(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)"
_AMEX = r"3[47]\d\d"
_DISCOVER = r"(?:6011|64[4-9]\d|65\d\d)"
_JCB = r"35(?:2[89]|[3-8]\d)"
_OF_SIXTEEN = f"(?:{_VISA}|{_MASTERCARD}|{_DISCOVER}|{_JCB})"


def _make_card(description: str, regex: str) -> NamedPattern:
    return NamedPattern(f"{description}, with a valid check digit", regex, is_checked=True)


NAMED: Mapping[str, NamedPattern] = MappingProxyType(
    {
        **_make_date_patterns(),
        **_make_time_patterns(),
        "amount": NamedPattern("amounts to 999,999,999.99: 1,234.56", _write_amount(",", r"\."), "equal"),
        "amount-eu": NamedPattern("amounts to 999.999.999,99: 1.234,56", _write_amount(r"\.", ","), "equal"),
        "amount-space": NamedPattern("amounts to 999 999 999,99: 1 234,56", _write_amount(" ", ","), "equal"),
        "amount-plain": NamedPattern("amounts to 999999999.99: 1234.56", r"(?:0|[1-9]\d{0,8})\.\d\d", "equal"),
        **_make_price_patterns(),
        "percent": _make_percentage("0% to 100%, half of them whole, the others like 12.5%", r"\.", "%"),
        "percent-eu": _make_percentage("0 % to 100 %, half of them whole, the others like 12,5 %", ",", " %"),
        "integer": NamedPattern("integers of 1 to 8 digits, or integer:3-8: 4096", _write_integers(1, 8), "equal"),
        "round": NamedPattern(
            "integers of 1 to 8 digits, or round:3-8, half of which end in zeros, as prices do: 12800",
            _write_integers(1, 8),
            "equal",
            favoured=_write_round(1, 8),
        ),
        "digits": NamedPattern("1 to 8 digits, or digits:6, zeros first as well: 007", _write_digits(1, 8), "equal"),
        "postcode-at": NamedPattern("Austria: 1010", r"[1-9]\d{3}"),
        "postcode-au": NamedPattern("Australia: 3000", r"(?:0[289]|[1-9]\d)\d\d"),
        "postcode-be": NamedPattern("Belgium: 1000", r"[1-9]\d{3}"),
        "postcode-br": NamedPattern("Brazil: 01310-100", r"(?:0[1-9]|[1-9]\d)\d{3}-\d{3}"),
        "postcode-ch": NamedPattern("Switzerland: 8001", r"[1-9]\d{3}"),
        "postcode-cn": NamedPattern("China: 100000", r"(?:0[1-9]|[1-8]\d)\d{4}"),
        "postcode-cz": NamedPattern("Czechia: 110 00", r"[1-7]\d\d \d\d"),
        "postcode-de": NamedPattern("Germany: 10115", r"(?:0[1-9]|[1-9]\d)\d{3}"),
        "postcode-es": NamedPattern("Spain: 28013", r"(?:0[1-9]|[1-4]\d|5[0-2])\d{3}"),
        "postcode-fr": NamedPattern("France: 75001", r"(?:0[1-9]|[1-8]\d|9[0-578])\d{3}"),
        "postcode-in": NamedPattern("India: 110001", r"[1-9]\d{5}"),
        "postcode-it": NamedPattern("Italy: 00184", r"\d{5}"),
        "postcode-jp": NamedPattern("Japan: 100-0001", r"\d{3}-\d{4}"),
        "postcode-kr": NamedPattern("South Korea: 04524", r"(?:0[1-9]|[1-5]\d|6[0-3])\d{3}"),
        "postcode-pl": NamedPattern("Poland: 00-950", r"\d\d-\d{3}"),
        "postcode-pt": NamedPattern("Portugal: 1000-001", r"[1-9]\d{3}-\d{3}"),
        "postcode-se": NamedPattern("Sweden: 111 22", r"[1-9]\d\d \d\d"),
        "postcode-us": NamedPattern("United States: 12345 and 12345-6789", r"\d{5}(?:-\d{4})?", "equal"),
        "card": _make_card(
            "Visa, Mastercard, American Express, Discover, JCB", rf"{_OF_SIXTEEN}\d{{12}}|{_AMEX}\d{{11}}"
        ),
        "card-grouped": _make_card(
            "the same in groups: 4111 1111 1111 1111", rf"{_OF_SIXTEEN}(?: \d{{4}}){{3}}|{_AMEX} \d{{6}} \d{{5}}"
        ),
        "card-visa": _make_card("Visa", rf"{_VISA}\d{{12}}"),
        "card-mastercard": _make_card("Mastercard", rf"{_MASTERCARD}\d{{12}}"),
        "card-amex": _make_card("American Express", rf"{_AMEX}\d{{11}}"),
        "card-discover": _make_card("Discover", rf"{_DISCOVER}\d{{12}}"),
        "card-jcb": _make_card("JCB", rf"{_JCB}\d{{12}}"),
    }
)
"""The named patterns, in the order in which they are listed."""
