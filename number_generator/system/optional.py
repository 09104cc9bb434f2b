"""Optional packages, imported when they are used; if one is missing, the error names the extra that installs it."""

import importlib
from types import ModuleType

from number_generator.errors import MissingExtraError


def import_optional(package: str, extra: str, what: str) -> ModuleType:
    """Import an optional package, which an extra installs, or a module of it such as "torch.utils.data".

    If it is missing, MissingExtraError says that `what`, such as "the format lmdb", needs it.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as exc:
        missing = package.partition(".")[0]
        if exc.name is None or exc.name.partition(".")[0] != missing:
            raise  # it is installed, but something that it needs is not
        raise MissingExtraError(
            f"{what} needs the package {missing}, which is not installed: in the checkout, pip install '.[{extra}]'"
        ) from exc
