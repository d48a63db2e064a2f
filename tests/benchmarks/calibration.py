"""How often do the paper's p-value and ours reject a true null, and how often do our intervals hold the true effect?

Numbers and figure of docs/statistics.md.

    python tests/benchmarks/calibration.py docs/calibration.png     (and build/calibration.csv, the p-values and rates drawn)
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from cubespace.figures.style import SOFT, TEST, canvas, save, styled, title
from cubespace.populations.two_sample import all_tests
from cubespace.shares import wilson
from cubespace.space.neighbours import cosine_distances

SIZES = (92, 99, 136)  # the paper's numbers of twins
TRIALS, PERMUTED, COVERED = 1000, 400, 200


def null(n, trial, twins, shift=0.0):
    """Two samples of n galaxies of one population, whose first seven components hold 90 % of the variance; or n pairs.

    With `shift` the second lies so many standard deviations away along the first component.
    """
    rng = np.random.default_rng([86, n, trial])
    scale = 0.75 ** np.arange(12)
    if twins:
        centre = rng.normal(size=(n, 12)) * scale
        vectors = np.concatenate([centre, centre]) * 0.8 + 0.6 * rng.normal(size=(2 * n, 12)) * scale
    else:
        vectors = rng.normal(size=(2 * n, 12)) * scale
    vectors[n:, 0] += shift
    return cosine_distances(vectors + np.r_[2.5, np.zeros(11)]), np.arange(2 * n) >= n


def paper_p(n, twins):
    """(TRIALS, 2) p-values of the KS test as the paper applies it, ten distances pooled and the tenth alone."""
    tests = all_tests()
    return np.array([
        [tests[name].paper_p(*null(n, trial, twins)).p_value for name in ("ks_paper", "ks_10th")] for trial in range(TRIALS)
    ])  # fmt: skip


def permuted_rates(n, twins):
    """test -> share of `PERMUTED` trials that the permutation test rejects at 0.05."""
    tests, pairs = all_tests(), np.column_stack([np.arange(n), n + np.arange(n)]) if twins else None
    found = dict.fromkeys(tests, 0)
    for trial in range(PERMUTED):
        distances, labels = null(n, trial, twins)
        for name, test in tests.items():
            found[name] += test.rejects(distances, labels, 0.05, 99, [87, trial], pairs)
    return {name: hits / PERMUTED for name, hits in found.items()}


def coverage(n, twins, shift):
    """test -> share of `COVERED` trials whose 95 % interval holds the mean effect of all trials."""
    tests, pairs = all_tests(), np.column_stack([np.arange(n), n + np.arange(n)]) if twins else None
    found = {name: [] for name in tests}
    for trial in range(COVERED):
        distances, labels = null(n, trial, twins, shift)
        for name, test in tests.items():
            result = test.test(distances, labels, 1, [88, trial], pairs)
            found[name].append((result.effect, result.ci_low, result.ci_high))
    share = {}
    for name, rows in found.items():
        effect, low, high = np.array(rows).T
        share[name] = float(((low <= effect.mean()) & (effect.mean() <= high)).mean())
    return share


@styled
def draw(naive, permuted):
    figure = canvas(180, 62)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    for column, (name, text) in enumerate((("ks_paper", "ten distances pooled"), ("ks_10th", "10th distance alone"))):
        p = naive[99, False][:, column]
        left.ecdf(p, lw=1.3, color=TEST[name] if column else "#8a8a8a", label=text)
    left.plot([0, 1], [0, 1], color=SOFT, lw=0.7, ls=":", label="calibrated")
    left.set(xlabel="KS p-value of a true null, 99 and 99 galaxies", ylabel="share of trials at or below", xlim=(0, 1), ylim=(0, 1))
    left.legend(loc="lower right")
    rows = [("KS as in the paper, pooled", naive, 0), ("KS as in the paper, 10th", naive, 1)]
    y, ticks = 0, []
    for text, table, column in rows:
        for n in SIZES:
            for twins, marker in ((False, "o"), (True, "D")):
                hits = (table[n, twins][:, column] <= 0.05).sum()
                low, high = wilson(hits, TRIALS)
                right.hlines(y + 0.25 * twins, low, high, color="#555555", lw=1)
                right.plot(hits / TRIALS, y + 0.25 * twins, marker, color="#d55e00" if twins else "#0072b2", ms=4)
            ticks.append((y, f"{text}, n = {n}"))
            y += 1
    for name in permuted[False]:
        for twins, marker in ((False, "o"), (True, "D")):
            low, high = wilson(round(permuted[twins][name] * PERMUTED), PERMUTED)
            right.hlines(y + 0.25 * twins, low, high, color="#555555", lw=1)
            right.plot(permuted[twins][name], y + 0.25 * twins, marker, color="#d55e00" if twins else "#0072b2", ms=4)
        ticks.append((y, f"permutation: {title(name)}, n = 99"))
        y += 1
    right.plot([], [], "o", color="#0072b2", ms=4, label="unpaired")
    right.plot([], [], "D", color="#d55e00", ms=4, label="pairs of alike galaxies")
    right.axvline(0.05, color=SOFT, lw=0.7, ls=":")
    right.set_yticks(*zip(*ticks, strict=True))
    right.set(xlabel="share of true nulls rejected at 0.05", xlim=(0, None), ylim=(y - 0.3, -0.6))
    right.legend(loc="lower right")
    return figure


def write_csv(naive, permuted, name):
    """The numbers behind the figure: one row a p-value of the paper's kind, and one a rate of the permutation tests."""
    rows = [(test, n, twins, trial, value, "p_value") for (n, twins), p in naive.items() for trial, both in enumerate(p)
            for test, value in zip(("ks_paper", "ks_10th"), both, strict=True)]  # fmt: skip
    rows += [(test, 99, twins, None, rate, "permutation_rate") for twins, rates in permuted.items() for test, rate in rates.items()]
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=["test", "n", "twins", "trial", "value", "quantity"]).to_csv(folder / name, index=False)


def main(path=None):
    naive = {(n, twins): paper_p(n, twins) for n in SIZES for twins in (False, True)}
    for (n, twins), p in naive.items():
        rate = (p <= 0.05).mean(axis=0)
        print(f"n = {n}, {'pairs' if twins else 'unpaired'}: KS p <= 0.05 in {rate[0]:.3f} (ten pooled), {rate[1]:.3f} (10th alone) of {TRIALS} true nulls")
    permuted = {twins: permuted_rates(99, twins) for twins in (False, True)}
    for twins, rates in permuted.items():
        print(f"permutation tests, n = 99, {'pairs' if twins else 'unpaired'}, {PERMUTED} nulls: " + ", ".join(f"{k} {v:.3f}" for k, v in rates.items()))
    if path:
        save(draw(naive, permuted), path, {})
        write_csv(naive, permuted, Path(path).with_suffix(".csv").name)
    for twins in (False, True):
        for shift in (0.0, 1.0):
            rates = ", ".join(f"{name} {share:.3f}" for name, share in coverage(99, twins, shift).items())
            print(f"95 % intervals that hold the effect, n = 99, {'pairs' if twins else 'unpaired'}, shift {shift:g}, {COVERED} trials: {rates}")


if __name__ == "__main__":
    main(*sys.argv[1:])
