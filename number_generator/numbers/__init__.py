"""What to write: sequences, phone numbers, patterns, countries and lists."""

_HOMES = {
    "ALPHABET": "sequences",
    "ListedNumbers": "lists",
    "country_codes": "countries",
    "parse_country_option": "countries",
    "parse_pattern_option": "patterns",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - a room loads nothing by itself

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
