"""The smallest difference a two-sample test would have found: power against planted shifts (a non-rejection needs it)."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from cubespace.space.correlations import components_for, principal_components
from cubespace.space.neighbours import cosine_distances, unit_rows

EFFECTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


class Power(NamedTuple):
    """Power curve and what follows from it."""

    curve: pd.DataFrame  # test, effect, power, power_low, power_high, n_trials
    detectable: dict  # test -> smallest effect found with the wanted power; nan if none
    reason: dict  # test -> why there is none, else None


def wilson(successes, n, z=1.959964):
    """95 % interval of a share (Wilson 1927): (low, high)."""
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def crossing(effects, power, target=0.8):
    """Smallest effect at which the rising curve closest to `power` (isotonic regression) reaches `target`, linear between
    the effects tried; nan if it never does."""
    smooth = isotonic_regression(np.asarray(power, float)).x
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


def power_curve(
    vectors,
    labels,
    tests,
    pairs=None,
    groups=None,
    effects=EFFECTS,
    n_trials=20,
    n_permutations=99,
    share=0.9,
    level=0.05,
    target=0.8,
    seed=0,
):
    """Share of trials in which each test finds a shift of known size.

    A trial takes `null_galaxies`, gives them labels at random (at random within pairs), shifts population b by the effect,
    computes cosine distances anew and runs the whole permutation test. A test that found a shift in all trials is not run
    on larger ones.

    Parameters
    ----------
    vectors : (n, d)
    labels : (n,) bool
    tests : dict
        name -> `TwoSampleTest`.
    effects : sequence
        Sizes of the shift, in within-population standard deviations along its direction; ascending.

    Returns
    -------
    Power
    """
    labels = np.asarray(labels, bool)
    moved, step = null_galaxies(vectors, labels, share)
    rows, finished = [], set()
    for number, effect in enumerate(effects):
        running = {name: test for name, test in tests.items() if name not in finished}
        if not running:
            break
        found = dict.fromkeys(running, 0)
        for trial in range(n_trials):
            rng = np.random.default_rng([seed, 71, number, trial])
            if pairs is None:
                drawn = rng.permutation(labels)
            else:
                drawn = labels.copy()
                swap = rng.random(len(pairs)) < 0.5
                drawn[pairs[swap]] = ~drawn[pairs[swap]]
            distances = cosine_distances(moved + effect * np.outer(drawn, step))
            for name, test in running.items():
                p = test.test(distances, drawn, n_permutations, rng, pairs, groups, n_bootstrap=0).p_value
                found[name] += p <= level
        for name, successes in found.items():
            low, high = wilson(successes, n_trials)
            rows.append({"test": name, "effect": float(effect), "power": successes / n_trials,
                         "power_low": low, "power_high": high, "n_trials": n_trials})  # fmt: skip
            if successes == n_trials:
                finished.add(name)
    curve = pd.DataFrame(rows)
    detectable, reason = {}, {}
    for name in tests:
        mine = curve[curve["test"] == name]
        detectable[name] = crossing(mine["effect"], mine["power"], target)
        reason[name] = None
        if not np.isfinite(detectable[name]):
            top = mine.iloc[-1]
            reason[name] = (
                f"power {top['power']:.2f} at the largest shift tried, {top['effect']:g} standard deviations"
            )
    return Power(curve, detectable, reason)
