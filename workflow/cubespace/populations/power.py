"""The smallest difference a two-sample test would have found: power against planted differences (a non-rejection needs it)."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from cubespace.shares import wilson
from cubespace.space.correlations import components_for, principal_components
from cubespace.space.neighbours import cosine_distances, unit_rows

EFFECTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
_BATCH = 20  # trials between two looks at whether more are needed


class Power(NamedTuple):
    """Power curve and what follows from it."""

    curve: pd.DataFrame  # test, effect, power, power_low, power_high, n_trials
    detectable: dict  # test -> smallest effect found with the wanted power; nan if none
    reason: dict  # test -> why there is none, else None


def crossing(effects, power, target=0.8, trials=None):
    """Smallest effect at which the rising curve closest to `power` (isotonic regression, weighted by `trials`) reaches
    `target`, linear between the effects tried; nan if it never does."""
    smooth = isotonic_regression(np.asarray(power, float), weights=None if trials is None else np.asarray(trials, float)).x
    effects = np.asarray(effects, float)
    above = np.flatnonzero(smooth >= target - 1e-12)
    if not len(above):
        return np.nan
    i = above[0]
    if i == 0:
        return float(effects[0])
    return float(
        effects[i - 1]
        + (target - smooth[i - 1]) / (smooth[i] - smooth[i - 1]) * (effects[i] - effects[i - 1])
    )


def null_galaxies(vectors, labels, share=0.9):
    """Galaxies without a difference of means, and the direction in which one is planted.

    Each population is moved to the common mean in the space of unit vectors, so scatter, shape and (for twins) the
    likeness of partners stay as they are. The direction is that of the observed difference of means within the leading
    components that hold `share` of the variance; the unit is the within-population standard deviation along it.

    Returns
    -------
    moved (n, d), step (d,) : one standard deviation along the direction
    """
    unit = unit_rows(vectors)
    components = principal_components(unit)
    leading = components.axes[: components_for(components.ratio, share)]
    means = [unit[labels == value].mean(axis=0) for value in (False, True)]
    direction = leading @ (means[1] - means[0])
    length = np.linalg.norm(direction)
    direction = leading.T @ direction / length if length > 1e-12 else leading[0]
    moved = unit - np.where(labels[:, None], means[1], means[0]) + unit.mean(axis=0)
    return moved, direction * (moved @ direction).std()


class ShiftedMeans:
    """Trials in which population b, drawn at random (within pairs if there are any), is shifted by a known vector.

    Cosine distances of x + e y follow from the products of x and the step alone, so a trial costs n^2, whatever the
    dimension of the space.
    """

    def __init__(self, vectors, labels, pairs=None, groups=None, share=0.9):
        moved, step = null_galaxies(vectors, labels, share)
        self.labels, self.pairs, self.groups = labels, pairs, groups
        self.products, self.along, self.square = moved @ moved.T, moved @ step, step @ step

    def trial(self, effect, rng):
        """(distances, labels, pairs, groups) of one trial."""
        if self.pairs is None:
            drawn = rng.permutation(self.labels)
        else:
            drawn = self.labels.copy()
            swap = rng.random(len(self.pairs)) < 0.5
            drawn[self.pairs[swap]] = ~drawn[self.pairs[swap]]
        shift = effect * drawn
        cross = np.outer(shift, self.along)
        products = self.products + cross + cross.T + self.square * np.outer(shift, shift)
        length = np.sqrt(np.diag(products))
        distances = np.clip(1 - products / np.outer(length, length), 0, 2)
        np.fill_diagonal(distances, 0)
        return distances, drawn, self.pairs, self.groups


class PlantedTwins:
    """Trials on twins of one population: a difference is planted in one of each pair, drawn at random.

    Parameters
    ----------
    plain : (n, d) vectors of the galaxies as they are
    planted : dict effect -> (n, d) vectors of the same galaxies with the difference planted in their maps
    pairs : (m, 2) int, rows of twins
    n_pairs : pairs drawn in each trial, without replacement
    groups : (n,) pointing codes
    """

    def __init__(self, plain, planted, pairs, n_pairs=None, groups=None):
        self.place = {0.0: 0, **{float(effect): i for i, effect in enumerate(planted, 1)}}
        self.distances = cosine_distances(np.concatenate([plain, *planted.values()]))
        self.n, self.pairs = len(plain), np.asarray(pairs)
        self.n_pairs = min(n_pairs or len(self.pairs), len(self.pairs))
        self.groups = np.arange(self.n) if groups is None else np.asarray(groups)

    def trial(self, effect, rng):
        """(distances, labels, pairs, groups) of one trial."""
        chosen = self.pairs[np.sort(rng.permutation(len(self.pairs))[: self.n_pairs])]
        swap = rng.random(len(chosen)) < 0.5
        chosen = np.where(swap[:, None], chosen[:, ::-1], chosen)
        rows = chosen.T.ravel()  # first all that stay as they are, then their planted partners
        drawn = np.arange(len(rows)) >= len(chosen)
        where = rows + self.n * self.place[float(effect)] * drawn
        pairs = np.column_stack([np.arange(len(chosen)), len(chosen) + np.arange(len(chosen))])
        return self.distances[np.ix_(where, where)], drawn, pairs, self.groups[rows]


def detections(planted, tests, effects, n_trials=100, n_permutations=99, level=0.05, target=0.8, seed=0):
    """Power curve of planted differences.

    Trials run in batches of 20, until there are `n_trials` or the 95 % interval of the power leaves `target` out: far
    from it a few suffice. A test that found a difference in all trials is not run on larger ones.

    Parameters
    ----------
    planted : object with ``trial(effect, rng)``
        `ShiftedMeans` or `PlantedTwins`.
    tests : dict
        name -> `TwoSampleTest`.
    effects : sequence, ascending

    Returns
    -------
    Power
    """
    rows, finished = [], set()
    for number, effect in enumerate(effects):
        found = {name: 0 for name in tests if name not in finished}
        running, done = set(found), dict.fromkeys(found, 0)
        for trial in range(n_trials):
            if not running:
                break
            rng = np.random.default_rng([seed, 71, number, trial])
            distances, labels, pairs, groups = planted.trial(effect, rng)
            for name in [name for name in tests if name in running]:
                found[name] += tests[name].rejects(distances, labels, level, n_permutations, rng, pairs, groups)
                done[name] += 1
            if done and (trial + 1) % _BATCH == 0:
                for name in list(running):
                    low, high = wilson(found[name], done[name])
                    if not low <= target <= high:
                        running.remove(name)
        for name, successes in found.items():
            low, high = wilson(successes, done[name])
            rows.append({"test": name, "effect": float(effect), "power": successes / done[name],
                         "power_low": low, "power_high": high, "n_trials": done[name]})  # fmt: skip
            if successes == done[name]:
                finished.add(name)
    curve = pd.DataFrame(rows)
    detectable, reason = {}, {}
    for name in tests:
        mine = curve[curve["test"] == name]
        detectable[name] = crossing(mine["effect"], mine["power"], target, mine["n_trials"])
        top = mine.iloc[-1]
        reason[name] = (
            None
            if np.isfinite(detectable[name])
            else f"power {top['power']:.2f} at the largest effect tried, {top['effect']:g}"
        )
    return Power(curve, detectable, reason)


def power_curve(
    vectors, labels, tests, pairs=None, groups=None, effects=EFFECTS, n_trials=100, n_permutations=99,
    share=0.9, level=0.05, target=0.8, seed=0,
):  # fmt: skip
    """Share of trials in which each test finds a shift of the mean of known size (`ShiftedMeans`, `detections`).

    Parameters
    ----------
    vectors : (n, d)
    labels : (n,) bool
    tests : dict
        name -> `TwoSampleTest`.
    pairs, groups : as in `TwoSampleTest.test`
    effects : sequence
        Sizes of the shift, in within-population standard deviations along its direction; ascending.

    Returns
    -------
    Power
    """
    planted = ShiftedMeans(vectors, np.asarray(labels, bool), pairs, groups, share)
    found = detections(planted, tests, effects, n_trials, n_permutations, level, target, seed)
    reason = {name: text and text + " standard deviations" for name, text in found.reason.items()}
    return found._replace(reason=reason)
