"""Datasets in files and folders: a subpackage for each format, its reader beside its writer, and what they share."""


def __getattr__(name: str) -> object:
    if name == "open_reader":
        from number_generator.formats.reader import open_reader  # noqa: PLC0415 - a room loads nothing by itself

        return open_reader
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
