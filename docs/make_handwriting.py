"""Write `handwriting.md` and its pictures, with the package itself: `python docs/make_handwriting.py`."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from number_generator import Handwriting, generate_batch
from number_generator.job.handwriting import COLOUR, OWN_PAPER, STYLES, Parameter, parameters
from number_generator.studio.illustrations import illustrate

_HERE = Path(__file__).parent
_PICTURES = _HERE / "handwriting"
_WIDTH = 128
_SCALE = 2
_SEED = 11
_SIGNED = ["$12.50", "€8.95", "£1,250", "¥980", "12:30", "50%", "#7*3=21", "1'250"]
_GROUND = 176

# Where the group's name is that of a section above, links would lead there.
_HEADINGS = {OWN_PAPER: "## Parameters of your own paper\n", COLOUR: "## Parameters of colour\n"}

_HEAD = """# Handwriting

A style is a `Handwriting`: a distribution for each of the parameters below. There are three named styles: `clean`, the
default, shows the digits as they are; `natural` varies the writing; `document` adds unlabelled marks, paper and scan.

```python
from number_generator import Handwriting, generate_batch

images = generate_batch(["270198", "4186"], None, 128, style="document", seed=1)
steeper = Handwriting.named("natural").replace(slant=(-0.2, 0.6), crossbar=1.0)
images = generate_batch(["270198", "06-1234,5"], None, 128, style=steeper, seed=1)
```

```sh
generate-phone-numbers --num-images 1000 --style document --set slant=-0.2:0.4 --format hdf5
generate-phone-numbers --style my-style.toml --preview sheet.png
```

A style file is TOML and names the style that it is based on:

```toml
base = "natural"
slant = [-0.2, 0.6]
rotation = {mean = 0.0, sd = 1.5}
crossbar = 1.0
```

`from_file` reads one, and `to_toml` returns the text of one.

A value is a number, a range `low:high` (in TOML `[low, high]`) in which all values are equally likely, or
`normal(mean, sd)`; `normal(mean, sd, low, high)` is cut off at `low` and `high`. `job(...)` around it (in TOML
`per_job = true`) draws one value for the whole job, from the seed alone. Shares are single numbers from 0 to 1. Each
entry below says whether its parameter is drawn once per line or once per glyph. Each parameter has its own random
stream: changing one leaves the other draws as they were, and image i depends only on the seed and i. Lengths are shares
of the digit height: the median height of the ink in the digit dataset, 20 px in MNIST.

Sequences may contain the signs `- . , / ( ) + : $ € £ ¥ % # * = '` and spaces, which are then part of the labels. They
are drawn with the line's own pen, and as hands differ, most have several forms: a dollar has one stroke or two, a euro
may be a rounded C or an epsilon. `clean` takes them from 24 drawings of each, as bold as the digits.

![Signs](handwriting/signs.png)

`inner_marks` and `end_marks` add marks that are not in the labels, and `wide_gap` adds gaps like spaces. What a label
of the job can hold is never drawn without one: beside `-371` and `327` no dash is added, where commas or dots are
labelled neither is, and where spaces are labelled no gap is wide. Patterns, countries, whole lists and streams know
what their labels can hold. A list given to `generate_batch` or `generate_chunk` may be a part of more, so each line
decides alone, unless you give `alphabet`. The points of a label, which are dots, commas, colons and apostrophes, are at
least 2 px wide and stay clear of their neighbours, and where a label can hold one, no speck looks like it. Unlabelled
ones may be small, or touch a digit.

[`number-generator studio`](studio.md) shows all of this on a page, where sliders change a style and a sheet follows.

`letterforms` sets forms of other countries beside the digits of the dataset: [Letterforms](letterforms.md) shows them.

## Your own paper

`paper_images`, or `--paper`, names a folder of pictures of your own paper: blank parts of scans, or photographs. Pages
are cut from them at random, flipped and scaled, and written on as on drawn paper: ink darkens what is there.

```sh
generate-phone-numbers --style document --paper scans/blank --num-images 1000 --format png
```

```toml
base = "document"
paper_images = "scans/blank"  # beside this file
own_paper = 0.7
```

- PNG, JPEG, TIFF, BMP and WebP of any mode and size, upright as their cameras say, on white where they are
  transparent. Other files of the folder, and folders in it, do not count.
- Each picture has the same chance. A cut lies within its picture; one that is smaller than the page goes on as its
  mirror image, so that no seam shows.
- A line on a picture has no drawn paper: `paper`, `gradient`, `texture`, `waves` and `fibres` do nothing there, unless
  `own_paper_shading` is `style`. Rules, boxes, ink and scan stay as the style has them. `--set ruled=0 --set boxed=0`
  leaves the lines to your paper.
- With own paper, `clean` is drawn from distance fields, as with any parameter changed.
- The pictures of a folder take at most 128 MiB of memory, and those of two folders are kept: 256 MiB in all. At most
  128 pictures are used, of more some that are spread evenly over the names; each has an equal share of the memory, and
  the middle of larger ones is used.
- Image i depends on the seed, i and the pictures. A dataset records the folder and a SHA-256 of names and bytes; worker
  processes, shards, `--resume` and `inspect --verify` compare it. Decoders of JPEG may differ by a level from one
  machine to the next.

## Colour

`--color`, in Python `color=True`, makes images in red, green and blue, of shape (N, H, W, 3): ink of black, blue and
red pens, each line's a little different, tinted paper, rules in colour, and your own paper in its colours. Grey stays
the default, and its pixels are what they were.

```python
images = generate_batch(["270198", "4186"], None, 128, style="document", color=True, seed=1)
```

![In colour](handwriting/colour.png)

An image in colour is as bright as the grey one of the same seed, up to a few levels, except where ink is so strong that
it would have to be black. Specks, blur and noise are the same in all channels, each is compressed by JPEG on its own,
and green decides how far `auto_levels` stretches all three. `clean` is the same grey three times. PyTorch gets tensors
of shape (n, 3, H, W).

## Pages of another height

A page is as high as the digits of the dataset: 28 px with the packaged ones. `image_height`, or `--image-height`, draws
the same lines on pages of 16 to 256 px, out of digits of any size: from distance fields, so that ink stays as sharp as
the pixels allow.

```sh
generate-phone-numbers --style document --image-height 64 --image-width 292 --num-images 1000 --format png
```

- The width is in px of the page: 292 px at a height of 64 are 128 px at 28. A `spacing_range` stays in px of the digit
  dataset.
- What a style has in px is meant for a page of 28 px, and grows and shrinks with the page: `softness`, `blur` and
  `speckle` below, and what belongs to the paper and the ink, such as the width of rules, waves and fibres and the grain
  of a pencil. So a page of 64 px looks like the same paper, scanned more finely. Edges that are as sharp as pixels, of
  a `softness` up to 1, stay so.
- `noise` and `jpeg` belong to the pixels of the page, whatever its height, as those of a scanner do.
- `clean` is composed at the height of the digits and resized to the page with LANCZOS, which blurs if the page is much
  higher. With any parameter changed, as by `--set softness=0.9`, it is drawn from the fields as well.

## Pages as wide as their lines

`--image-width auto`, in Python `width="auto"`, makes each image as wide as its line at the height of the page, with the
margins of the style; `auto:512` makes none wider than 512 px, and fits longer lines to that, as a fixed width does.
Image i still depends on the seed and i alone. Nothing is stretched to the page then: `fill` and `position` do nothing.

```sh
generate-phone-numbers --style document --image-height 48 --image-width auto:640 --num-images 1000 --format lmdb
```

Formats that hold single images hold each at its own width; `hdf5`, `npz` and `pickle` need a greatest width, to which
their array is padded: see [Formats](formats.md). Streams pad each batch to its own widest image, and sort a few batches
by width if asked: see [PyTorch](tasks/pytorch.md).

Lines that come out too small to read are told once: digits below some 7 px in height, or 5 px a character in width, by
the median of the first 256 images.

## Styles

| `natural` | `document` |
| --- | --- |
| ![natural](handwriting/natural.png) | ![document](handwriting/document.png) |

## One writer a line

Digits of any hand (`writer = "mixed"`, `consistency = 0`), of one style cluster (`"cluster"`), and of one cluster
with slant and stroke width drawn together (`consistency = 1`):

![Writer consistency](handwriting/writers.png)

If the digit dataset knows its writers (QMNIST's extended labels beside MNIST's IDX files, or an array `writer_ids`),
`writer = "dataset"` takes all digits of a line from one person. `auto` uses writers if they are known, otherwise style
clusters, otherwise neither.
"""


def _tiles(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay pages out in columns, one below the other in each, enlarged."""
    count, height, width = images.shape[:3]
    rows = -(-count // columns)
    size = rows * (height + 2) + 2, columns * (width + 4) + 4
    sheet = np.full((*size, *images.shape[3:]), _GROUND, np.uint8)
    for number, image in enumerate(images):
        column, row = divmod(number, rows)
        y, x = 2 + row * (height + 2), 4 + column * (width + 4)
        sheet[y : y + height, x : x + width] = image
    return sheet.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1)


def _save(sheet: np.ndarray, name: str, captions: list[str] | None = None) -> None:
    """Write a sheet, with a caption above each of its columns."""
    if captions:
        band = Image.new("L", (sheet.shape[1], 20), _GROUND).convert("L" if sheet.ndim == 2 else "RGB")
        for number, caption in enumerate(captions):
            x = number * sheet.shape[1] // len(captions) + 10
            ImageDraw.Draw(band).text((x, 4), caption, "black", ImageFont.load_default())
        sheet = np.vstack((np.asarray(band), sheet))
    Image.fromarray(sheet).save(_PICTURES / f"{name}.png", optimize=True)


def _paint_paper(folder: Path) -> None:
    """Make pictures of paper: lined, squared, and rough."""
    rng = np.random.default_rng(_SEED)
    for name, ground, step, across in (("lined", 246, 40, False), ("squared", 238, 24, True), ("rough", 178, 0, False)):
        grain = np.asarray(Image.fromarray(rng.integers(0, 60, (160, 300), np.uint8)).resize((900, 480)), np.float32)
        levels = np.clip(ground + 0.6 * (grain - 30), 0, 255)[..., None] * ((1.0, 0.9, 0.72) if not step else (1, 1, 1))
        page = Image.fromarray(levels.astype(np.uint8))
        for at in range(step // 2, 900, step) if step else ():
            ImageDraw.Draw(page).line([(0, at), (900, at)], (120, 160, 220), 2)
            if across:
                ImageDraw.Draw(page).line([(at, 0), (at, 480)], (120, 160, 220), 2)
        page.save(folder / f"{name}.png")


def _draw_parameter(parameter: Parameter, paper: Path) -> None:
    shown = illustrate(parameter, paper=str(paper))
    _save(_tiles(np.concatenate(shown.images), 3), parameter.name, shown.captions)


def _draw_styles() -> None:
    rng = np.random.default_rng(_SEED)
    lines = ["".join(map(str, rng.integers(0, 10, rng.integers(2, 8)))) for _ in range(48)]
    for name in ("natural", "document"):
        _save(_tiles(generate_batch(lines, None, _WIDTH, style=name, seed=_SEED), 3), name)
    _save(_tiles(generate_batch(lines[:24], None, _WIDTH, style="document", seed=_SEED, color=True), 3), "colour")
    signed = [
        generate_batch(_SIGNED, (3, 5), _WIDTH, style=style, seed=_SEED) for style in ("clean", "natural", "document")
    ]
    _save(_tiles(np.concatenate(signed), 3), "signs", ["clean", "natural", "document"])
    hands = ({"writer": "mixed"}, {"writer": "cluster"}, {"writer": "cluster", "consistency": 1.0})
    lines = ["0123456789"[k:] + "0123456789"[:k] for k in range(10)]
    images = [generate_batch(lines, (3, 3), 200, style=Handwriting(softness=1.1, **hand), seed=_SEED) for hand in hands]
    _save(_tiles(np.concatenate(images), 3), "writers", ["mixed", "cluster", "cluster, consistency 1"])


def _scope(parameter: Parameter) -> str:
    if parameter.scope == "choice":
        return f"one of {', '.join(f'`{choice}`' for choice in parameter.choices)}"
    if parameter.scope == "share":
        return "a number from 0 to 1"
    return f"once per {parameter.scope}; {parameter.unit}, {parameter.low:g} to {parameter.high:g}"


def _entry(parameter: Parameter) -> str:
    values = ", ".join(f"{name} `{getattr(style, parameter.name)}`" for name, style in STYLES.items())
    text = f"{parameter.unit} {parameter.text}" if parameter.scope == "share" else parameter.text
    return (
        f"### {parameter.name}\n\n{text[0].upper()}{text[1:]}.\n\n"
        f"{_scope(parameter)[0].upper()}{_scope(parameter)[1:]}. {values[0].upper()}{values[1:]}.\n\n"
        f"![{parameter.name}](handwriting/{parameter.name}.png)\n"
    )


def write() -> None:
    """Write the page and all of its pictures."""
    _PICTURES.mkdir(exist_ok=True)
    parts = [_HEAD]
    group = ""
    _draw_styles()
    with TemporaryDirectory() as folder:
        _paint_paper(Path(folder))
        for parameter in parameters():
            if parameter.group != group:
                group = parameter.group
                parts.append(_HEADINGS.get(group, f"## {group}\n"))
            _draw_parameter(parameter, Path(folder))
            parts.append(_entry(parameter))
    (_HERE / "handwriting.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    write()
