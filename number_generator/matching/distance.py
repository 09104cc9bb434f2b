"""How far two sets of images are apart, by what is measured of them.

Of each measure it is the Wasserstein distance of order 1 between both distributions, as the mean distance of their
quantiles (Villani, "Optimal Transport", 2009, remark 2.19), in units of that measure's spread; of all measures, it is
the mean. The outermost quantiles do not count, so that a few bad pictures do not either.
"""

from dataclasses import dataclass

import numpy as np

from number_generator.scans.looks import LOOKS, Floats

_SHARES = np.linspace(0.03, 0.97, 48)
_NORMAL = 2.563  # between the first and the last tenth of a normal distribution, in standard deviations
_LEAST = 0.005  # of a spread: all measures are shares, or at least as large
_FARTHEST = 5.0  # spreads: one measure cannot outweigh all others
COMPARED = tuple(number for number, look in enumerate(LOOKS) if look.compares)
"""The columns of measures that are compared."""


@dataclass(frozen=True)
class Yardstick:
    """The quantiles of some scans' measures, and the unit of each measure: what drawn images are compared with."""

    quantiles: Floats  # shape (len(LOOKS), 48)
    units: Floats  # shape (len(LOOKS),)

    @classmethod
    def of(cls, scans: Floats, others: Floats) -> "Yardstick":
        """Make one of the scans' measures; the unit is the mean spread of these and of those of other images."""
        units = 0.5 * (_find_spreads(scans) + _find_spreads(others))
        return cls(find_quantiles(scans), np.maximum(units, _LEAST))

    def measure(self, looks: Floats) -> Floats:
        """Return the distance of images by each measure, shape (len(LOOKS),); 0 for those that are not compared."""
        return self.compare(find_quantiles(looks))

    def compare(self, quantiles: Floats) -> Floats:
        """Return the same for quantiles."""
        away = np.minimum(np.abs(quantiles - self.quantiles) / self.units[:, None], _FARTHEST).mean(axis=1)
        distances = np.zeros(len(LOOKS))
        distances[list(COMPARED)] = away[list(COMPARED)]
        return distances

    def compare_lengths(self, quantiles: Floats) -> float:
        """Return the distance by the measures that depend on the number of digits."""
        away = np.minimum(np.abs(quantiles - self.quantiles) / self.units[:, None], _FARTHEST).mean(axis=1)
        return float(away[[number for number in range(len(LOOKS)) if number not in COMPARED]].mean())

    def residual(self, quantiles: Floats) -> Floats:
        """Return by how many units each quantile is off, flat; every fourth is enough."""
        away = np.clip((quantiles - self.quantiles) / self.units[:, None], -_FARTHEST, _FARTHEST)
        return away[:, 1::4].reshape(-1)

    def find_noise(self, scans: Floats, seed: int, times: int = 60) -> Floats:
        """Return by how much each of `residual` would vary with other scans, as a standard deviation in units."""
        random = np.random.default_rng([seed, 4])
        picks = (scans[random.integers(0, len(scans), len(scans))] for _ in range(times))
        found: Floats = np.std([self.residual(find_quantiles(picked)) for picked in picks], axis=0)
        return found


def find_quantiles(looks: Floats) -> Floats:
    """Return quantiles of each measure, shape (len(LOOKS), 48); 0 where nothing was measured."""
    found = np.zeros((looks.shape[1], len(_SHARES)))
    for number in range(looks.shape[1]):
        values = looks[:, number]
        values = values[~np.isnan(values)]
        if len(values):
            found[number] = np.quantile(values, _SHARES)
    return found


def average(distances: Floats) -> float:
    """Return the mean distance over all measures that are compared."""
    return float(distances[list(COMPARED)].mean())


def find_floor(scans: Floats, others: Floats, seed: int, times: int = 24) -> tuple[float, float]:
    """Return how far the scans' own halves are apart, on average and as a standard deviation over divisions."""
    random = np.random.default_rng([seed, 1])
    units = Yardstick.of(scans, others).units
    found = []
    for _ in range(times):
        order = random.permutation(len(scans))
        halves = find_quantiles(scans[order[::2]]), find_quantiles(scans[order[1::2]])
        found.append(average(Yardstick(halves[0], units).compare(halves[1])))
    return float(np.mean(found)), float(np.std(found))


def find_interval(
    yardstick: Yardstick, scans: Floats, drawn: Floats, seed: int, times: int = 200
) -> tuple[float, float]:
    """Return between which distances nine in ten sets of as many scans would lie, drawn from them with replacement.

    References
    ----------
    Efron, "Bootstrap methods: another look at the jackknife", The Annals of Statistics 7 (1979).
    """
    random = np.random.default_rng([seed, 2])
    quantiles = find_quantiles(drawn)
    found = []
    for _ in range(times):
        picked = find_quantiles(scans[random.integers(0, len(scans), len(scans))])
        found.append(average(Yardstick(picked, yardstick.units).compare(quantiles)))
    # Scans that are drawn twice are farther from anything: what that adds is taken out again.
    more = float(np.median(found)) - average(yardstick.compare(quantiles))
    low, high = np.quantile(found, [0.05, 0.95])
    return max(0.0, float(low) - more), float(high) - more


def _find_spreads(looks: Floats) -> Floats:
    """Return the standard deviation of each measure, from its tenths."""
    found = find_quantiles(looks)
    low, high = (np.array([np.interp(share, _SHARES, row) for row in found]) for share in (0.1, 0.9))
    return (high - low) / _NORMAL
