"""The search for a style whose drawn images measure as scans do.

The measures of drawn images change smoothly with the parameters, as each evaluation draws the same numbers from the
same random streams. So the first steps follow the slopes of all measures' quantiles (Levenberg and Marquardt; robust by
Huber's weights), and CMA-ES (Hansen and Ostermeier, "Completely derandomized
self-adaptation in evolution strategies", 2001) goes on from there with the distance itself, which has no slopes.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from number_generator.job.handwriting import Handwriting
from number_generator.matching.distance import COMPARED, Yardstick, average, find_quantiles
from number_generator.matching.drawing import Drawing
from number_generator.matching.searched import (
    BY_NAME,
    LENGTH,
    NOT_KNOWN,
    Guess,
    apply_guess,
    from_vector,
    spread_names,
    to_middles,
    to_vector,
)
from number_generator.scans.looks import LOOKS, Floats
from number_generator.system.optional import import_optional

_STEP, _DEVIATION_STEP, _SHARE_STEP = 0.1, 0.05, 0.2  # of a parameter's limits, for slopes
_DAMPINGS = (0.03, 0.3, 3.0, 30.0)
_LONGEST_STEP = 0.3
_HOLD = 0.0005  # how strongly parameters are held at where they began, per quantile
_FAR = 0.5  # units: farther measures pull no stronger
_SIGMA = 0.015  # of the limits: with which CMA-ES begins
_LENGTH_WEIGHT = 2.0  # of what depends on the number of digits
_SPREAD_BEFORE = 0.15  # of the limits: the standard deviation of a spread that nobody knows yet
_ALIKE = 4.0  # quantiles of one measure that go together
_LEAST_NOISE = 0.05  # units
_AS_NEAR = 0.002  # of a distance: so much more does not tell a parameter
_DOWNWARD = 4  # steps until the slopes are drawn anew
_SLOPE_SHARE = 0.6  # of the evaluations


class Stopped(Exception):  # noqa: N818 - no error
    """The evaluations, or the time, are used up."""


@dataclass
class Trial:
    """Evaluations of styles: each draws pages and measures how far they are from scans."""

    drawing: Drawing
    base: Handwriting
    yardstick: Yardstick
    count: int
    seed: int
    most: int
    until: float | None = None  # of time.monotonic
    advance: Callable[[int], object] = lambda _: None
    done: int = 0
    is_cut: bool = False  # whether time ran out

    def evaluate(self, vector: Floats, names: tuple[str, ...], guess: Guess) -> Floats:
        """Return the quantiles of the measures of pages drawn by a vector."""
        if self.done >= self.most:
            raise Stopped
        if self.until is not None and time.monotonic() > self.until:
            self.is_cut = True
            raise Stopped
        self.done += 1
        self.advance(1)
        found = {**guess, **from_vector(vector, names)}
        style = apply_guess(self.base, found, names)
        return find_quantiles(self.drawing.measure(style, found[LENGTH], self.count, self.seed))

    def cost(self, quantiles: Floats) -> float:
        """Return the distance of quantiles from the scans; that of the number of strokes counts as well."""
        distances = self.yardstick.compare(quantiles)
        return average(distances) + _LENGTH_WEIGHT * self.yardstick.compare_lengths(quantiles) / len(distances)


@dataclass
class Slopes:
    """How the quantiles change with the vector."""

    names: tuple[str, ...]
    vector: Floats
    residual: Floats
    matrix: Floats
    cost: float
    start: Floats

    def keep(self, names: tuple[str, ...]) -> "Slopes":
        """Return those of some of the parameters."""
        columns = [*self.names, *(f"spread of {name}" for name in spread_names(self.names))]
        kept = [*names, *(f"spread of {name}" for name in spread_names(names))]
        places = [columns.index(name) for name in kept]
        return Slopes(names, self.vector[places], self.residual, self.matrix[:, places], self.cost, self.start[places])

    def find_errors(self, noise: Floats) -> Floats:
        """Return the error of each middle, and of each spread, given that of the quantiles, in distances of the limits.

        Before, each may be anything between its limits; then it is a normal distribution (Laplace's approximation).
        """
        weights = 1.0 / (_ALIKE * np.maximum(noise, _LEAST_NOISE) ** 2)
        before = np.full(len(self.vector), _SPREAD_BEFORE)
        before[: len(self.names)] = NOT_KNOWN
        matrix = to_middles(self.matrix, self.names)
        information = matrix.T @ (matrix * weights[:, None]) + np.diag(1.0 / before**2)
        found: Floats = np.sqrt(np.diag(np.linalg.inv(information)))
        return found

    def name_measures(self, name: str, most: int = 3) -> list[str]:
        """Return the titles of the measures that change most with a parameter, the first one most."""
        slopes = to_middles(self.matrix, self.names)[:, self.names.index(name)].reshape(len(LOOKS), -1)
        column = np.abs(slopes.mean(axis=1))  # what moves all quantiles one way, and not what chance does to some
        column[[number for number in range(len(LOOKS)) if number not in COMPARED]] = 0.0
        order = np.argsort(-column)[:most]
        return [LOOKS[number].title for number in order.tolist() if column[number] > 0.3 * column.max()]


def find_slopes(trial: Trial, names: tuple[str, ...], vector: Floats, guess: Guess, start: Floats) -> Slopes:
    """Draw pages at a vector, and at one with each number changed."""
    here = trial.evaluate(vector, names, guess)
    residual = trial.yardstick.residual(here)
    columns = []
    for number, step in enumerate(_choose_steps(names, vector)):
        moved = vector.copy()
        moved[number] += step
        there = trial.yardstick.residual(trial.evaluate(moved, names, guess))
        columns.append((there - residual) / step)
    return Slopes(names, vector, residual, np.stack(columns, axis=1), trial.cost(here), start)


def descend(trial: Trial, slopes: Slopes, guess: Guess, most: int) -> bool:
    """Take up to so many steps down the slopes; tell whether any made it better."""
    improved = False
    for _ in range(most):
        found = []
        for damping in _DAMPINGS:
            vector = _propose(slopes, damping)
            quantiles = trial.evaluate(vector, slopes.names, guess)
            found.append((trial.cost(quantiles), vector, quantiles))
        cost, vector, quantiles = min(found, key=lambda each: each[0])
        if cost >= slopes.cost - 1e-4:
            return improved
        slopes.vector, slopes.residual, slopes.cost = vector, trial.yardstick.residual(quantiles), cost
        improved = True
    return improved


def drop_untold(trial: Trial, slopes: Slopes, guess: Guess, order: list[str]) -> Slopes:
    """Leave out parameters, tried in this order, without which drawn images come as near."""
    for name in order:
        if name == LENGTH:
            continue
        fewer = slopes.keep(tuple(kept for kept in slopes.names if kept != name))
        fewer.cost = trial.cost(trial.evaluate(fewer.vector, fewer.names, guess))
        if fewer.cost <= slopes.cost + _AS_NEAR:
            slopes = fewer
    return slopes


def evolve(trial: Trial, slopes: Slopes, guess: Guess) -> None:
    """Search by CMA-ES from where the slopes are, until the evaluations are used up."""
    cmaes: Any = import_optional("cmaes", "match", "match")
    size = len(slopes.vector)
    # It begins with the shape of the valley, which the slopes tell.
    shape = slopes.matrix.T @ slopes.matrix
    scale = np.trace(shape) / size
    covariance = np.linalg.inv(shape / scale + np.eye(size))
    bounds = np.tile(np.array([0.0, 1.0]), (size, 1))
    search = cmaes.CMA(slopes.vector.copy(), _SIGMA, bounds=bounds, seed=trial.seed % 2**32, cov=covariance)
    with contextlib.suppress(Stopped):
        while not search.should_stop():
            told = []
            for _ in range(search.population_size):
                vector = np.clip(search.ask(), 0.0, 1.0)
                cost = trial.cost(trial.evaluate(vector, slopes.names, guess))
                told.append((vector, cost))
                if cost < slopes.cost:
                    slopes.vector, slopes.cost = vector, cost
            search.tell(told)


def _propose(slopes: Slopes, damping: float) -> Floats:
    """Return the vector that a damped step leads to."""
    weights = 1.0 / np.maximum(np.abs(slopes.residual) / _FAR, 1.0)
    weighted = slopes.matrix * weights[:, None]
    size = len(slopes.vector)
    hold = _HOLD * len(weights)
    gram = slopes.matrix.T @ weighted
    damped = gram + (damping * np.diag(np.diag(gram))) + hold * np.eye(size)
    pull = weighted.T @ slopes.residual + hold * (slopes.vector - slopes.start)
    step = -np.linalg.solve(damped, pull)
    return np.clip(slopes.vector + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP), 0.0, 1.0)


def _choose_steps(names: tuple[str, ...], vector: Floats) -> list[float]:
    """Return by how much each number is changed, towards the inside of its limits."""
    steps = [_SHARE_STEP if BY_NAME[name].kind == "share" else _STEP for name in names]
    steps += [_STEP if BY_NAME[name].kind == "range" else _DEVIATION_STEP for name in spread_names(names)]
    return [step if place + step <= 1.0 else -step for step, place in zip(steps, vector.tolist(), strict=True)]


def go_downhill(trial: Trial, names: tuple[str, ...], guess: Guess) -> Slopes:
    """Follow the slopes from a guess, as long as that helps and its share of the evaluations lasts.

    Raises
    ------
    Stopped
        If there is not even enough for the first slopes.
    """
    start = to_vector(guess, names)
    slopes = find_slopes(trial, names, start, guess, start)
    try:
        while descend(trial, slopes, guess, _DOWNWARD):
            if trial.done + len(start) > _SLOPE_SHARE * trial.most:
                break
            slopes = find_slopes(trial, names, slopes.vector, guess, start)
    except Stopped:
        pass
    return slopes
