"""Write `letterforms.md` and its pictures, with the package itself: `python docs/make_letterforms.py`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from number_generator.digits.hands import HANDS, Letterform
from number_generator.digits.letterforms import draw_letterforms, load_letterforms
from number_generator.job.letterform_sets import REGIONS

_HERE = Path(__file__).parent
_PICTURES = _HERE / "letterforms"
_SHOWN = 6  # hands
_COLUMNS = 3
_CELL = 54
_CAPTION = 16
_PAPER, _SEAM = 255, 216
_SLOPE = 6.0  # of an edge: grey levels per step of a texel

_HEAD = """# Letterforms

MNIST shows how North American schools form digits. These are the forms of other hands, {forms} in all, beside which a
style can set digits of the dataset. They are strokes, in `data/letterforms.json`, and each is drawn by {hands} hands:
its points are moved, and the plane around it is bent, stretched, slanted and turned. The pictures show {shown} of them.

- `letterforms` is the share of the lines that hold some, and `letterform_mix` the share of the ten digits in such a
  line that are drawn by one.
- A line takes all of its forms from one region, and keeps to one form of each digit, as a hand does;
  `letterform_constancy` says how strictly. `letterform_set` names a region, or `european`, or `all`.
- `--truth glyphs` stores which form each character has, as `forms`.
- They belong to all parts of a `--split` alike, as they are not digits of the dataset.
- They go with your own digits of any height. `letterforms=0` leaves them out.

```python
from number_generator import Handwriting, generate_batch

french = Handwriting.named("document").replace(letterforms=1, letterform_set="french")
images = generate_batch(["1984", "7402"], None, 128, style=french, seed=1)
```

The regions are {regions}.
"""


def _draw_digit(digit: int) -> None:
    """Write the picture of all forms of a digit, with their names."""
    forms = [(number, form) for number, form in enumerate(load_letterforms()) if form.digit == digit]
    rows = -(-len(forms) // _COLUMNS)
    width, height = _SHOWN * _CELL + 12, _CELL + _CAPTION
    sheet = Image.new("L", (_COLUMNS * width, rows * height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, (number, form) in enumerate(forms):
        left, top = place % _COLUMNS * width, place // _COLUMNS * height
        pen.text((left + 4, top + 2), form.name, 90, ImageFont.load_default())
        pen.line((left, top, left + width, top), _SEAM)
        for hand in range(_SHOWN):
            image = Image.fromarray(_draw_form(number * HANDS + hand))
            image.thumbnail((_CELL - 4, _CELL - 2))
            sheet.paste(image, (left + 4 + hand * _CELL, top + _CAPTION))
    sheet.save(_PICTURES / f"{digit}.png", optimize=True)


def _draw_form(drawing: int) -> npt.NDArray[np.uint8]:
    """Return a drawing of a form, dark on white."""
    fields = draw_letterforms()
    width, height = fields.sizes[drawing]
    texels = fields.texels[fields.offsets[drawing] :][: width * height].reshape(height, width).astype(float)
    return np.clip(127.5 - _SLOPE * (texels - 128.0), 0, 255).astype(np.uint8)


def _list_forms(digit: int) -> Iterator[str]:
    yield f"## {digit}\n"
    yield f"![The forms of {digit}](letterforms/{digit}.png)\n"
    yield "| form | | regions |"
    yield "| --- | --- | --- |"
    for form in load_letterforms():
        if form.digit == digit:
            yield f"| `{form.name}` | {form.text} | {_name_regions(form)} |"
    yield ""


def _name_regions(form: Letterform) -> str:
    return "all" if set(form.regions) == set(REGIONS) else ", ".join(form.regions)


def write() -> None:
    """Write the page and all of its pictures."""
    _PICTURES.mkdir(exist_ok=True)
    *most, last = (f"`{region}`" for region in REGIONS)
    regions = f"{', '.join(most)} and {last}"
    lines = [_HEAD.format(forms=len(load_letterforms()), hands=HANDS, shown=_SHOWN, regions=regions)]
    for digit in range(10):
        _draw_digit(digit)
        lines += _list_forms(digit)
    (_HERE / "letterforms.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write()
