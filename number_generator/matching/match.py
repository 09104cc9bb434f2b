"""The door: a style matched to scans."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from number_generator.digits.resolve import Digits, resolve_digits
from number_generator.errors import SpecError
from number_generator.job.defaults import MATCH_EVALUATIONS
from number_generator.job.handwriting import Handwriting, checked_style, parameters
from number_generator.matching.distance import Yardstick, average, find_floor, find_interval
from number_generator.matching.drawing import Drawing, choose_width
from number_generator.matching.search import Slopes, Stopped, Trial, drop_untold, evolve, go_downhill
from number_generator.matching.searched import (
    AS_SCANNED,
    BY_NAME,
    FIXED_WIDTH,
    LENGTH,
    SEARCHED,
    STILL,
    Guess,
    apply_guess,
    from_errors,
    from_vector,
    read_guess,
)
from number_generator.scans.looks import COLUMNS, Floats, measure_looks
from number_generator.scans.pictures import Grey
from number_generator.scans.unlabelled import Scans, read_scans
from number_generator.system.checks import check_integer, check_seed, format_value
from number_generator.system.optional import import_optional
from number_generator.system.threads import check_workers

IMAGES = 512
"""Drawn for each evaluation."""
FEWEST_SCANS = 5
FEW_SCANS = 50
"""Fewer tell less than they could."""
_JUDGED = 2000  # images that the result is measured on
_WIDER = 1.1  # on purpose: a reader learns from what is a little beyond the scans
# How far errors widen a range, by its own spread and by the parameter's limits, and a share, where scans are many.
_MOST_OF_SPREAD, _MOST_OF_LIMITS, _MOST_SHARE = 0.5, 0.01, 0.1


@dataclass(frozen=True)
class Change:
    """What a parameter was and is, and the measures that tell it."""

    name: str
    before: str
    after: str
    measures: tuple[str, ...]
    error: float  # of its middle, as a standard deviation in its own unit


@dataclass(frozen=True)
class Sample:
    """Images and their measures, shape (n, len(LOOKS))."""

    pages: list[Grey]
    looks: Floats


@dataclass(frozen=True)
class Match:
    """A style matched to scans, and how near it came.

    Attributes
    ----------
    style : Handwriting
    base : Handwriting
        What it began from.
    changes : tuple of Change
        In the order of the documentation.
    untold : tuple of str
        Parameters that were searched and that these scans do not tell: they are those of the base.
    distance, base_distance : float
        Of images in the style, and in the base, from the scans: see `distance`.
    interval : (float, float)
        In which `distance` lies for nine in ten sets of as many scans.
    floor : (float, float)
        Distance of the scans' own halves, and its standard deviation over divisions.
    lengths : (float, float)
        Digits of a line: mean and standard deviation.
    scans : Scans
    scanned, drawn, drawn_base : Sample
        What was compared.
    distances : ndarray, shape (len(LOOKS),)
        The distance by each measure, and `base_distances` that of the base.
    evaluations, images : int
        That the search took, and drew.
    is_cut : bool
        Whether time ran out before the evaluations were used up.
    seed : int
    """

    style: Handwriting
    base: Handwriting
    changes: tuple[Change, ...]
    untold: tuple[str, ...]
    distance: float
    base_distance: float
    interval: tuple[float, float]
    floor: tuple[float, float]
    lengths: tuple[float, float]
    scans: Scans
    scanned: Sample
    drawn: Sample
    drawn_base: Sample
    distances: Floats
    base_distances: Floats
    evaluations: int
    images: int
    is_cut: bool
    seed: int


def match_style(
    scans: Any,
    *,
    style: str | os.PathLike[str] | Handwriting = "document",
    evaluations: int = MATCH_EVALUATIONS,
    minutes: float | None = None,
    seed: int | None = 0,
    digits: Digits = None,
    workers: int | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> Match:
    """Find a style whose images look like scans.

    Paper, ink, scan and writing are measured alike on the scans and on drawn pages of 28 px height, and parameters are
    searched for which the distributions of all measures come near each other. What scans do not tell stays as it is.

    Parameters
    ----------
    scans : path_like, Scans or iterable of images
        A dataset of any format, a folder of pictures, or images as `fit_line` takes them; labels are not needed. Five
        or more; fifty are enough.
    style : str, path_like or Handwriting
        What to begin from: `document`, or a style that cuts pages to the ink as `document` does.
    evaluations : int
        Styles that are drawn and compared, 512 images each. With the seed they decide the result, on one machine to
        the last digit.
    minutes : float, optional
        After which the search stops if there are evaluations left.
    seed : int, optional
        From 0 to 2**64 - 1; None draws afresh.
    digits, workers
        As for `generate_batch`.
    advance : callable
        Is told 1 after each evaluation.

    Returns
    -------
    Match

    Raises
    ------
    SpecError
        If an argument breaks a rule, or there are too few scans with ink.
    DatasetNotFoundError, DatasetReadError, DatasetError
        If the scans cannot be read.
    MissingExtraError
        If the extra `match` is not installed.
    """
    import_optional("cmaes", "match", "match")
    base = _check_base(style)
    evaluations = check_integer("evaluations", evaluations, 1)
    until = None if minutes is None else time.monotonic() + 60.0 * check_minutes(minutes)
    number = check_seed(seed)
    chosen, threads = resolve_digits(digits), check_workers(workers)
    read = scans if isinstance(scans, Scans) else read_scans(scans)
    scanned = take_sample(read.pages, read.name)
    drawing = Drawing(choose_width(scanned.pages), chosen, threads)
    guess = read_guess(base)
    first = drawing.measure(as_scanned(base), guess[LENGTH], IMAGES, number)
    yardstick = Yardstick.of(scanned.looks, first)
    still = base.replace(**STILL)
    trial = Trial(drawing, still, yardstick, IMAGES, number, evaluations, until, advance)
    slopes, found = _search(trial, guess, yardstick.find_noise(scanned.looks, number), drawing.width)
    return _judge(trial, base, read, scanned, slopes, found)


def check_minutes(minutes: Any, name: str = "minutes") -> float:
    """Return a number of minutes, or raise SpecError."""
    number = float(minutes) if isinstance(minutes, Real) and not isinstance(minutes, bool) else 0.0
    if not 0.0 < number < 1e6:
        raise SpecError(f"{name} is {format_value(minutes)}: give a number of minutes above 0")
    return number


def _check_base(style: Any) -> Handwriting:
    base = checked_style(style)
    if base.crop != "tight":
        raise SpecError(
            f"style is {format_value(style)}, which does not cut pages to the ink (crop is {base.crop}): give "
            "document, or a style that is made from it"
        )
    return base


def take_sample(pages: list[Grey], name: str) -> Sample:
    """Measure scans, and leave those out that hold no ink; SpecError if hardly any is left."""
    looks = measure_looks(pages)
    inked = np.flatnonzero(~np.isnan(looks[:, COLUMNS["height"]])).tolist()
    if len(inked) < FEWEST_SCANS:
        raise SpecError(
            f"{name} holds {len(pages)} images, and {len(inked)} of them show ink: give at least {FEWEST_SCANS}, of "
            "one line each"
        )
    return Sample([pages[number] for number in inked], looks[inked])


def _search(trial: Trial, guess: Guess, noise: Floats, width: int | str) -> tuple[Slopes | None, Guess]:
    """Search all parameters, then those that the scans tell; return these, and the errors of middles and spreads."""
    names = tuple(each.name for each in SEARCHED if each.name not in FIXED_WIDTH or isinstance(width, int))
    try:
        slopes = go_downhill(trial, names, guess)
    except Stopped:
        return None, {}
    errors = from_errors(slopes.find_errors(noise), names)
    with contextlib.suppress(Stopped):
        slopes = drop_untold(
            trial, slopes, guess, sorted(names, key=lambda name: -errors[name][0] / BY_NAME[name].width)
        )
        evolve(trial, slopes, guess)
    return slopes, {name: errors[name] for name in slopes.names}


def _judge(
    trial: Trial, base: Handwriting, read: Scans, scanned: Sample, slopes: Slopes | None, errors: Guess
) -> Match:
    """Make the style, and measure it and its base on images that the search has not drawn."""
    style, lengths = _make_style(base, slopes, errors, len(scanned.pages))
    seed = (trial.seed + 1) % 2**64
    drawn, drawn_base = (_draw(trial.drawing, as_scanned(each), lengths, seed) for each in (style, base))
    yardstick = Yardstick.of(scanned.looks, drawn_base.looks)
    distances, base_distances = yardstick.measure(drawn.looks), yardstick.measure(drawn_base.looks)
    if average(distances) >= average(base_distances):
        style, drawn, distances = base, drawn_base, base_distances
    told = () if slopes is None or style is base else slopes.names
    return Match(
        style=style,
        base=base,
        changes=_list_changes(base, style, slopes, errors),
        untold=tuple(each.name for each in SEARCHED if each.name not in (*told, LENGTH)),
        distance=average(distances),
        base_distance=average(base_distances),
        interval=find_interval(yardstick, scanned.looks, drawn.looks, trial.seed),
        floor=find_floor(scanned.looks, drawn_base.looks, trial.seed),
        lengths=lengths,
        scans=read,
        scanned=scanned,
        drawn=drawn,
        drawn_base=drawn_base,
        distances=distances,
        base_distances=base_distances,
        evaluations=trial.done,
        images=trial.done * trial.count,
        is_cut=trial.is_cut,
        seed=trial.seed,
    )


def _make_style(
    base: Handwriting, slopes: Slopes | None, errors: Guess, count: int
) -> tuple[Handwriting, tuple[float, float]]:
    """Return the style that a search among so many scans has found, and the lengths of its lines."""
    if slopes is None:
        return base, read_guess(base)[LENGTH]
    guess = from_vector(slopes.vector, slopes.names)
    style = apply_guess(base, _widen(guess, errors, count), slopes.names)
    if {"height", "margin"} <= set(slopes.names):
        style = style.replace(loose=0.0)
    return style, guess[LENGTH]


def _widen(guess: Guess, errors: Guess, count: int) -> Guess:
    """Return a guess from so many scans whose spreads hold what is not known of middles and of themselves, and more.

    Where a parameter does nothing, as a blur of a tenth of a px, its error says nothing: it widens a range by little,
    and by more only where scans are few.
    """
    few = max(1.0, (FEW_SCANS / count) ** 0.5)
    wide = {}
    for name, (middle, spread) in guess.items():
        each, (error, more) = BY_NAME[name], errors[name]
        if each.kind == "share":  # of none, or of all, nobody can be sure
            error = min(error, _MOST_SHARE * few)
            wide[name] = min(max(middle, error), 1.0 - error), 0.0
        else:
            most = few * (_MOST_OF_SPREAD * spread + _MOST_OF_LIMITS * each.width)
            wide[name] = middle, _WIDER * (spread**2 + min(error, most) ** 2 + min(more, most) ** 2) ** 0.5
    return wide


def as_scanned(style: Handwriting) -> Handwriting:
    """Return a style without what is done to pages after the scan: scans are measured as they are."""
    return style.replace(**AS_SCANNED)


def _draw(drawing: Drawing, style: Handwriting, lengths: tuple[float, float], seed: int) -> Sample:
    pages = drawing.draw(style, lengths, _JUDGED, seed)
    return Sample(pages, measure_looks(pages))


def _list_changes(base: Handwriting, style: Handwriting, slopes: Slopes | None, errors: Guess) -> tuple[Change, ...]:
    changes = []
    for name in (parameter.name for parameter in parameters()):
        before, after = str(getattr(base, name)), str(getattr(style, name))
        if before != after:
            measures = slopes.name_measures(name) if slopes is not None and name in slopes.names else []
            changes.append(Change(name, before, after, tuple(measures), errors.get(name, (0.0, 0.0))[0]))
    return tuple(changes)
