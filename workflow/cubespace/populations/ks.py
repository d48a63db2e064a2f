"""The two-sample Kolmogorov-Smirnov test of numbers, with p-values that are never 0."""

from typing import NamedTuple

import numpy as np
from scipy import stats

SMALLEST_P = 1e-15  # double precision holds no smaller KS p-value; stored as this, shown as "< 1e-15"


class KS(NamedTuple):
    """Two-sample Kolmogorov-Smirnov."""

    statistic: float
    p_value: float
    method: str
    n_tied: int


def ks_2sample(first, second):
    """Two-sided KS test of two 1-D samples: exact p up to 10,000 values a sample, asymptotic above.

    `n_tied` is the number of values that occur more than once in the pooled sample; with ties p is conservative.
    A p-value that underflows is given as `SMALLEST_P`.
    """
    method = "exact" if max(len(first), len(second)) <= 10_000 else "asymp"
    with np.errstate(all="ignore"):
        result = stats.ks_2samp(first, second, method=method)
    counts = np.unique(np.concatenate([first, second]), return_counts=True)[1]
    p = float(np.clip(result.pvalue, SMALLEST_P, 1))
    return KS(
        float(result.statistic),
        p,
        "exact" if method == "exact" else "asymptotic",
        int(counts[counts > 1].sum()),
    )


def format_p(p):
    """A p-value for readers; never 0."""
    if not np.isfinite(p):
        return "not tested"
    return "< 1e-15" if p <= SMALLEST_P else f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"
