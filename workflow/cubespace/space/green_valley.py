"""Do clusters of the representation find the green valley? It is defined by specific star formation rate, not by the space."""

import numpy as np
import pandas as pd

from cubespace.space.resampling import permuted_rows

# log10 sSFR [1/yr]. Salim (2014, Serb. Astron. J. 189, 1) has -11.8 to -10.8 for rates that fall to zero; rates from stellar
# populations do not (the lowest of eCALIFA are near -12), and 43 % of its galaxies would lie there. In this narrower range
# their median integrated EW(H-alpha) rises from 2 to 8 A, through the 3 A that divides retired from star-forming.
LIMITS = (-11.3, -10.8)
_EDGE = 1e-6  # dex; the single precision of a table may not move a value across a limit


def in_valley(log_sfr, log_mass, limits=LIMITS):
    """(n,) bool: limits[0] <= log sSFR < limits[1]; and (n,) bool: whether it is known."""
    ssfr = np.asarray(log_sfr, float) - np.asarray(log_mass, float)
    known = np.isfinite(ssfr)
    with np.errstate(invalid="ignore"):
        return known & (ssfr >= limits[0] - _EDGE) & (ssfr < limits[1] - _EDGE), known


def best_cluster(labels, inside):
    """(cluster, F1) of the cluster that matches `inside` best: F1 = 2 |both| / (|cluster| + |inside|).

    labels : (..., n) int; inside : (n,) bool. Returns arrays of shape (...).
    """
    labels = np.asarray(labels)
    kinds = np.unique(labels)
    scores = []
    for kind in kinds:
        mine = labels == kind
        scores.append(2 * (mine & inside).sum(axis=-1) / np.maximum(mine.sum(axis=-1) + inside.sum(), 1))
    scores = np.array(scores)
    return kinds[scores.argmax(axis=0)], scores.max(axis=0)


def recovery(labels, log_sfr, log_mass, groups, limits=LIMITS, n_permutations=999, seed=0):
    """How well each clustering recovers the green valley.

    Parameters
    ----------
    labels : dict name -> (n,) int, such as kmeans_3
    log_sfr, log_mass : (n,), nan = missing
    groups : (n,) pointing codes, permuted together

    Returns
    -------
    DataFrame
        clusters (name), cluster (the best by F1), n, n_valley, n_cluster, n_both, completeness (share of the valley in the
        cluster), purity (share of the cluster in the valley), chance (purity of a random set), f1, p_permutation (of F1,
        the best cluster chosen anew in each permutation), median_log_ssfr of the cluster. No row if nobody, or everybody,
        is in the valley.
    """
    inside, known = in_valley(log_sfr, log_mass, limits)
    columns = ["clusters", "cluster", "n", "n_valley", "n_cluster", "n_both", "completeness", "purity", "chance", "f1",
               "p_permutation", "median_log_ssfr"]  # fmt: skip
    inside, ssfr = inside[known], (np.asarray(log_sfr, float) - np.asarray(log_mass, float))[known]
    if not 0 < inside.sum() < len(inside):
        return pd.DataFrame(columns=columns)
    rows = permuted_rows(np.asarray(groups)[known], n_permutations, np.random.default_rng([seed, 46]))
    table = []
    for name, own in labels.items():
        own = np.asarray(own)[known]
        cluster, f1 = best_cluster(own, inside)
        null = best_cluster(own[rows], inside)[1]
        mine = own == cluster
        both = int((mine & inside).sum())
        p = (1 + int((null >= f1 - 1e-12).sum())) / (1 + n_permutations)
        table.append([name, int(cluster), len(own), int(inside.sum()), int(mine.sum()), both, both / inside.sum(), both / mine.sum(),
                      inside.mean(), float(f1), p, float(np.median(ssfr[mine]))])  # fmt: skip
    return pd.DataFrame(table, columns=columns)
