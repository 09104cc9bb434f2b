"""Optional packages, imported when they are used; where one is missing, the error names the extra that brings it."""

import importlib
from types import ModuleType

from number_generator.errors import MissingExtraError

__all__ = ["import_optional"]


def import_optional(package: str, extra: str, what: str) -> ModuleType:
    """Import an optional package, or a module of it.

    Parameters
    ----------
    package : str
        As `import` takes it, such as "lmdb" or "torch.utils.data".
    extra : str
        The extra of this package that brings it.
    what : str
        What needs it, at the beginning of the error: "the format lmdb".

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as exc:
        missing = package.partition(".")[0]
        if exc.name is None or exc.name.partition(".")[0] != missing:
            raise  # it is there, and lacks something itself
        raise MissingExtraError(
            f"{what} needs the package {missing}, which is not installed: pip install 'number-generator[{extra}]'"
        ) from exc
