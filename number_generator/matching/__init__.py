"""A style whose images look like scans: what they look like is measured, and ranges are chosen to match."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.matching.match import Match, match_style

__all__ = ["Match", "match_style"]

__getattr__ = lazy_names(__name__, {"Match": "match", "match_style": "match"})
