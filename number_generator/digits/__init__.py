"""What to write with: digit datasets, where they come from, the atlas of their glyphs, writers and splits."""

_HOMES = {"default_digits": "resolve", "load_digits": "resolve", "packaged_digits": "resolve"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - a room loads nothing by itself

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
