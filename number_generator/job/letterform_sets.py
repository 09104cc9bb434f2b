"""The sets of letterforms that a style can name, and the regions of each."""

from collections.abc import Mapping
from types import MappingProxyType

_EUROPEAN = ("french", "german", "italian", "spanish", "eastern-european", "scandinavian", "turkish")
_OTHERS = ("north-american", "latin-american", "asian")
REGIONS = (*_OTHERS, *_EUROPEAN)
"""Where people share their forms of digits; `data/letterforms.json` names those of each form."""

SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"all": REGIONS, "european": _EUROPEAN, **{region: (region,) for region in REGIONS}}
)
"""The regions of each set; each line takes its forms from one of them."""
