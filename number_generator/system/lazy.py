"""Names of a package that load when they are used: importing the package loads nothing heavy."""

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from collections.abc import Callable, Mapping


def lazy_names(package: str, homes: "Mapping[str, str]") -> "Callable[[str], object]":
    """Return the `__getattr__` of a package (PEP 562); `homes` gives for each name the module that holds it."""

    def load(name: str) -> object:
        if name in homes:
            from importlib import import_module  # noqa: PLC0415 - the package's first import must stay cheap

            return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load
