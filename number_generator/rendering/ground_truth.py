"""Ground truth of images: where each character is, which source digit it is, and the values it was drawn with."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import streams, truth, writing
from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.letterforms import find_forms, load_letterforms
from number_generator.job.chunk import TruthField
from number_generator.job.handwriting import Handwriting, checked_style, parameters
from number_generator.job.spec import Job, Sequences
from number_generator.rendering.fitting import fit_lines
from number_generator.rendering.placement import Placement
from number_generator.rendering.styled import find_signs, make_style_table

_Columns = dict[str, tuple[int, int]]
"""The random stream and the kind of each column by name."""
_SHARES_OF_GLYPHS = {
    "wide_gap": truth.GAP_SHARE,
    "letterform_constancy": truth.FORM_SHARE,
    "tail": truth.TAIL_SHARE,
    "open_loop": truth.LOOP_SHARE,
}
_OF_DATASET = ("tail", "open_loop")
"""Parameters that do not apply to letterforms."""
_MARGINS = ("margin", "loose_margin")
_GAPS = ("gap_jitter", "wide_gap", "wide_gap_size")
_CLEAN = ("natural_width", "scale_x", "scale_y")
_FILLS = {
    "boxes": -1,
    "glyphs": -1,
    "forms": -1,
    "writers": -1,
    "parameters": np.nan,
    "glyph_parameters": np.nan,
    "masks": 0,
    "real_lines": -1,
    "is_real": False,
}
"""What each array holds where there is no character."""
BY_CHARACTER = ("boxes", "glyphs", "forms", "glyph_parameters", "masks")
"""The arrays with an entry per character; the others have one per line."""


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """The names of the columns of `parameters`, one row per line, and of `glyph_parameters`."""

    line: tuple[str, ...]
    glyph: tuple[str, ...]


def parameter_names(
    style: str | os.PathLike[str] | Handwriting, spacing_range: tuple[int, int] | None = None, *, color: bool = False
) -> ParameterNames:
    """Return the names of the parameters that ground truth records.

    Parameters
    ----------
    style, spacing_range, color
        As for `generate_chunk`.

    Notes
    -----
    The value of a share is 1 if the line or character is one of that share, else 0; that of `pen_red` counts where
    `pen_blue` is 0. Parameters of own paper and of colour are there only if the style has such paper, or the images are
    in colour. `margin` becomes two columns,
    `margin_left` and `margin_right`; so does `loose_margin`, and so does `end_marks`: `leading_marks` and
    `trailing_marks`. A `spacing_range` replaces a style's gaps: `spacing` is the gap after a character, in px of the
    digit dataset. The style `clean` draws nothing else; for its lines there are `natural_width`, in px before fitting,
    and `scale_x` and `scale_y`, the factors by which they were shrunk.
    """
    line, glyph = _list_columns(checked_style(style), has_spacing=spacing_range is not None, color=color)
    return ParameterNames(tuple(line) or _CLEAN, tuple(glyph))


def make_truth_fields(job: Job, length: int) -> tuple[TruthField, ...]:
    """Describe the arrays that a job's ground truth adds to a dataset, which holds no masks.

    `length` is that of the longest label that can occur.
    """
    fields = []
    length = max(1, length)
    if "boxes" in job.truth:
        about = {"columns": "x0,y0,x1,y1", "unit": "px of the page, half-open; -1 where there is no ink"}
        fields.append(TruthField("boxes", (length, 4), "int16", -1, about))
    if "glyphs" in job.truth:
        about = {"meaning": "number of the image in the digit dataset; -1 for letterforms, separators and nothing"}
        fields.append(TruthField("glyphs", (length,), "int32", -1, about))
        if job.spec.style.has_letterforms:
            about = {"names": ",".join(f"{form.digit}/{form.name}" for form in load_letterforms())}
            fields.append(TruthField("forms", (length,), "int16", -1, about))
        about = {"meaning": "writer id, or style cluster, of the line's digits; -1 where they are mixed"}
        fields.append(TruthField("writers", (), "int64", -1, about))
    if "parameters" in job.truth:
        names = parameter_names(job.spec.style, job.spec.spacing_range, color=job.spec.color)
        about = {"columns": ",".join(names.line)}
        fields.append(TruthField("parameters", (len(names.line),), "float32", np.nan, about))
        if names.glyph:
            about = {"columns": ",".join(names.glyph)}
            fields.append(TruthField("glyph_parameters", (length, len(names.glyph)), "float32", np.nan, about))
    if job.truth and job.real is not None:
        about = {"meaning": "number of the real line that the image is; -1 for drawn ones"}
        fields.append(TruthField("real_lines", (), "int64", -1, about))
    return tuple(fields)


def make_truth(
    job: Job, atlas: GlyphAtlas, numbers: npt.NDArray[np.uint64], sequences: Sequences, placed: Placement
) -> dict[str, npt.NDArray[Any]]:
    """Make the ground truth that a job asks for, as `Chunk` describes it.

    The sequences are those of the images with these numbers, and `placed` is what was drawn of them.
    """
    values: dict[str, npt.NDArray[Any]] = {}
    if "boxes" in job.truth:
        values["boxes"] = placed.boxes
    if "glyphs" in job.truth:
        values |= glyph_truth(atlas, sequences, placed.glyph_ids)
    if "parameters" in job.truth:
        values |= parameter_truth(job, atlas, numbers, sequences, placed)
    if "masks" in job.truth:
        values["masks"] = placed.masks
    for name in BY_CHARACTER:
        if name in values:
            values[name] = to_rows(values[name], sequences, _FILLS[name], digits_only=job.label == "digits")
    return values


def to_rows(values: npt.NDArray[Any], sequences: Sequences, fill: float, *, digits_only: bool) -> npt.NDArray[Any]:
    """Turn an array with an entry per code into one with a row per sequence, shape (n, L, ...).

    `fill` stands after the end of a sequence. With `digits_only` entries of separators are left out, as in labels.
    """
    lengths = np.diff(sequences.offsets)
    rows = np.repeat(np.arange(len(sequences)), lengths)
    if digits_only:
        kept = sequences.codes < 10
        rows, values = rows[kept], values[kept]
        lengths = np.bincount(rows, minlength=len(sequences))
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out = np.full((len(sequences), int(lengths.max(initial=0)), *values.shape[1:]), fill, values.dtype)
    out[rows, columns] = values
    return out


def join_truth(parts: Sequence[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Join the ground truth of consecutive chunks, padding rows to the longest label and masks to the widest page."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for name in parts[0]:
        arrays = [part[name] for part in parts]
        largest = np.max([array.shape[1:] for array in arrays], axis=0).astype(int)
        out = np.full((sum(map(len, arrays)), *largest), _FILLS[name], arrays[0].dtype)
        first = 0
        for array in arrays:
            place = (slice(first, first + len(array)), *map(slice, array.shape[1:]))
            out[place] = array
            first += len(array)
        joined[name] = out
    return joined


def spread_truth(
    truth: dict[str, npt.NDArray[Any]], rows: npt.NDArray[np.int64], count: int, longest: int, page: tuple[int, ...]
) -> dict[str, npt.NDArray[Any]]:
    """Put the ground truth of some images among `count`, of which the others have none.

    Labels have up to `longest` characters, and masks are as large as a `page`.
    """
    spread = {}
    for name, array in truth.items():
        shape = (longest, *array.shape[2:]) if name in BY_CHARACTER else array.shape[1:]
        shape = (longest, *page) if name == "masks" else shape
        whole = np.full((count, *shape), _FILLS[name], array.dtype)
        place: tuple[Any, ...] = (rows, *map(slice, array.shape[1:]))
        whole[place] = array
        spread[name] = whole
    return spread


def glyph_truth(
    atlas: GlyphAtlas, sequences: Sequences, glyph_ids: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[Any]]:
    """Find the source image or the letterform of each character, and the writer of each line."""
    known = {}
    is_digit = sequences.codes < 10
    if atlas.letterforms is not None:
        forms = find_forms(glyph_ids, atlas.letterforms[0])
        known["forms"] = np.where(is_digit, forms, -1).astype(np.int16)
        is_digit = is_digit & (forms < 0)
    source = np.full(len(glyph_ids), -1, np.int32)
    source[is_digit] = atlas.source[glyph_ids[is_digit]]
    writers = np.full(len(sequences), -1, np.int64)
    if atlas.writer_ids is not None and is_digit.any():
        # A line belongs to the writer of its first digit from the dataset.
        digits_before = np.concatenate(([0], np.cumsum(is_digit)))
        first = np.flatnonzero(is_digit)[np.minimum(digits_before[sequences.offsets[:-1]], is_digit.sum() - 1)]
        has_digit = np.diff(digits_before[sequences.offsets]) > 0
        writers[has_digit] = atlas.writer_ids[glyph_ids[first[has_digit]]]
        # A writer may lack a digit, which then comes from another.
        line = np.repeat(np.arange(len(sequences)), np.diff(sequences.offsets))[is_digit]
        writers[line[atlas.writer_ids[glyph_ids[is_digit]] != writers[line]]] = -1
    return {"glyphs": source, **known, "writers": writers}


def parameter_truth(
    job: Job, atlas: GlyphAtlas, numbers: npt.NDArray[np.uint64], sequences: Sequences, placed: Placement
) -> dict[str, npt.NDArray[Any]]:
    """Draw the parameters of each line and character again; see `parameter_names`."""
    spacing = job.spec.spacing_range
    line, glyph = _list_columns(job.spec.style, has_spacing=spacing is not None, color=job.spec.color)
    table = make_style_table(job.spec.style)
    seed, signs = np.uint64(job.seed), find_signs(job)
    values: dict[str, npt.NDArray[Any]] = {}
    if line:
        columns = np.array(list(line.values()), np.int64)
        values["parameters"] = np.empty((len(sequences), len(line)), np.float32)
        of_line = values["parameters"]
        truth.line_parameters(seed, numbers, table, columns, sequences.codes, sequences.offsets, signs, of_line)
    elif placed.natural is not None:
        values["parameters"] = _compute_fitting(job, atlas.height, placed.natural)
    if glyph:
        columns = np.array(list(glyph.values()), np.int64)
        gaps = spacing or writing.NO_SPACING
        values["glyph_parameters"] = flat = np.empty((len(sequences.codes), len(glyph)), np.float32)
        truth.glyph_parameters(seed, numbers, table, columns, gaps, sequences.codes, sequences.offsets, signs, flat)
        is_form = placed.glyph_ids >= atlas.letterform_choice[0]
        for k, name in enumerate(glyph):
            if name in _OF_DATASET:
                flat[is_form, k] = np.nan
            elif name == "letterform_constancy":
                flat[~is_form, k] = np.nan
    return values


def _compute_fitting(job: Job, digits: int, natural: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Compute how lines of the style `clean`, of digits of a height, were fitted: the columns of `_CLEAN`."""
    width, height = fit_lines(job, digits, natural).T
    return np.stack([natural, width / np.maximum(natural, 1), height / digits], axis=1).astype(np.float32)


def _list_columns(style: Handwriting, *, has_spacing: bool, color: bool) -> tuple[_Columns, _Columns]:
    """Return the columns for lines and for characters."""
    line: _Columns = {}
    glyph: _Columns = {}
    for parameter in () if style.is_clean else parameters():
        name, stream = parameter.name, parameter.stream
        if has_spacing and name in ("gap", *_GAPS):
            continue
        if not style.draws(parameter, color=color):
            continue
        if name in _MARGINS:
            line |= {f"{name}_left": (stream, truth.LINE_VALUE), f"{name}_right": (stream, truth.LINE_SECOND)}
        elif name == "inner_marks":
            line[name] = stream, truth.INNER_MARKS
        elif name == "end_marks":
            line |= {"leading_marks": (stream, truth.LEADING_MARKS), "trailing_marks": (stream, truth.TRAILING_MARKS)}
        elif name in _SHARES_OF_GLYPHS:
            glyph[name] = stream, _SHARES_OF_GLYPHS[name]
        elif parameter.scope == "glyph":
            glyph[name] = stream, truth.GAP_VALUE if name in _GAPS else truth.GLYPH_VALUE
        elif parameter.scope != "choice":
            line[name] = stream, truth.LINE_SHARE if parameter.scope == "share" else truth.LINE_VALUE
    if has_spacing:
        glyph["spacing"] = streams.SPACING, truth.SPACING
    return line, glyph
