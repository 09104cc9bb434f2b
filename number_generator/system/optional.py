"""Optional packages, imported when they are used; if one is missing, the error names the extra that installs it."""

import importlib
from types import ModuleType

from number_generator.errors import MissingExtraError


def import_optional(package: str, extra: str, what: str) -> ModuleType:
    """Import an optional package, or a module of it.

    Parameters
    ----------
    package : str
        Its name in an `import` statement, such as "lmdb" or "torch.utils.data".
    extra : str
        The extra of number-generator that installs it.
    what : str
        What needs it, which begins the error message: "the format lmdb".

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
            raise  # it is installed, but something that it needs is not
        raise MissingExtraError(
            f"{what} needs the package {missing}, which is not installed: pip install 'number-generator[{extra}]'"
        ) from exc
