"""What to write with: digit datasets and their sources, the atlas of their glyphs, writers and splits."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.digits.resolve import default_digits, load_digits, packaged_digits

__all__ = ["default_digits", "load_digits", "packaged_digits"]

__getattr__ = lazy_names(
    __name__, {"default_digits": "resolve", "load_digits": "resolve", "packaged_digits": "resolve"}
)
