"""What the API reference shows as types: the docstrings' own words, which its parser takes for Python expressions."""

import re
from typing import Any

import griffe

_ENTRY = re.compile(r"^(\w[\w, ]*) : (.+?)(?:, optional)?$", re.MULTILINE)
_RETURNED = re.compile(r"^Returns\n-+\n(?:\w+ : )?(.+)$", re.MULTILINE)


class TypesAsWritten(griffe.Extension):
    """Puts `ndarray, shape (n,), uint8` back in the place of `(ndarray, shape(n), uint8)`."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Change the types in the sections of an object's docstring."""
        if obj.is_alias or obj.docstring is None:
            return
        text = obj.docstring.value
        types = {name: entry[2] for entry in _ENTRY.finditer(text) for name in entry[1].split(", ")}
        returned = _RETURNED.search(text)
        for section in obj.docstring.parsed:
            if section.kind in ("parameters", "attributes"):
                for item in section.value:
                    # One without a type refers to another function's, and its annotation tells less than that.
                    item.annotation = types.get(item.name)
            elif section.kind == "returns" and returned:
                section.value[0].annotation = returned[1]
