"""Datasets in files and folders: a subpackage a format, its reader beside its writer, and what they share."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.formats.reader import open_reader

__all__ = ["open_reader"]

__getattr__ = lazy_names(__name__, {"open_reader": "reader"})
