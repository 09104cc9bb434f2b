"""Draws of phone numbers of countries."""

import pytest

from number_generator.job.spec import Span
from number_generator.numbers import countries, national_plans
from number_generator.numbers.countries import CountryNumbers

_COUNT = 100_000


@pytest.mark.benchmark(group="phone numbers of countries")
@pytest.mark.parametrize("dashes", [False, True], ids=["digits", "grouped"])
@pytest.mark.parametrize("region", ["JP", "US", "all"])
def test_country_numbers(rate, region, dashes):
    numbers = CountryNumbers(region, dashes=dashes)
    drawn = rate(numbers.sequences, 1, Span(0, _COUNT), unit="number", count=_COUNT)
    assert len(drawn) == _COUNT
    assert 8 < len(drawn.codes) / _COUNT < 15


@pytest.mark.benchmark(group="tables of countries")
@pytest.mark.parametrize("region", ["JP", "US", "all"])
def test_country_tables(rate, region):
    regions = CountryNumbers(region).regions

    def made():
        national_plans.make_plan.cache_clear()
        return countries._make_sampler.__wrapped__(regions, True)

    sampler = rate(made, unit="country", count=len(regions), rounds=1, warm=False)
    assert len(sampler.counts) == 2 * len(regions)
