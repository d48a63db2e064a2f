"""Recovery of the green valley by clusters."""

import numpy as np
import pytest

from cubespace.space import green_valley as g


def test_limits_lower_inside_upper_not():
    inside, known = g.in_valley([-1.3, -0.8, -0.81, -1.31, np.nan], [10.0] * 5, (-11.3, -10.8))
    assert inside.tolist() == [True, False, True, False, False] and known.tolist() == [True] * 4 + [False]


def test_limits_hold_in_single_precision():
    """Masses from 8 to 12 and the rates that put each galaxy exactly on a limit, as a table of float32 has them."""
    mass = np.arange(8, 12, 0.1)
    for limit, expected in zip(g.LIMITS, (True, False), strict=True):
        inside, _ = g.in_valley((mass + limit).astype(np.float32), mass.astype(np.float32))
        assert (inside == expected).all()


def test_numbers_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    log_sfr = np.array([-3, -3, -3, -1, -1, -1, -1, 0, 0, np.nan])  # valley: rows 3 to 6
    row = g.recovery({"kmeans_3": labels}, log_sfr, np.full(10, 10.0), np.arange(10), (-11.5, -10.5)).iloc[0]
    assert (row["cluster"], row["n"], row["n_valley"], row["n_cluster"], row["n_both"]) == (1, 9, 4, 4, 3)
    assert (row["completeness"], row["purity"], row["f1"]) == (0.75, 0.75, 0.75)
    assert row["chance"] == pytest.approx(4 / 9) and row["median_log_ssfr"] == -11


def test_p_allows_for_the_choice_of_the_best_of_many_clusters():
    rng, p = np.random.default_rng(0), []
    for trial in range(300):
        log_sfr = rng.uniform(-3, 0, 40)
        table = g.recovery({"k": rng.integers(0, 8, 40)}, log_sfr, np.full(40, 10.0), np.arange(40), (-12, -11), 39, trial)
        p.append(table["p_permutation"].iloc[0])
    assert np.mean(np.array(p) <= 0.05) < 0.08


def test_nobody_in_the_valley_is_no_row():
    assert not len(g.recovery({"k": np.zeros(5, int)}, np.zeros(5), np.full(5, 10.0), np.arange(5)))
