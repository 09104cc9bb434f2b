"""What to write: sequences, phone numbers, patterns, countries and lists."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.numbers.countries import country_codes, parse_country_option
    from number_generator.numbers.lists import ListedNumbers
    from number_generator.numbers.patterns import parse_pattern_option
    from number_generator.numbers.sequences import ALPHABET

__all__ = ["ALPHABET", "ListedNumbers", "country_codes", "parse_country_option", "parse_pattern_option"]

__getattr__ = lazy_names(
    __name__,
    {
        "ALPHABET": "sequences",
        "ListedNumbers": "lists",
        "country_codes": "countries",
        "parse_country_option": "countries",
        "parse_pattern_option": "patterns",
    },
)
