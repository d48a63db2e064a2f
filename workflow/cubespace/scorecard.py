"""The paper's claims, one a row: what it says, what the mock holds, what this run recovered, and the verdict.

Criteria are fixed in the code, before any result is seen. ``undecided`` means that the run cannot say: too few
galaxies, a missing property, or a test without the power to find a difference. It is never counted as recovered.
"""

import numpy as np
import pandas as pd

from cubespace.claims import COLUMNS, claim
from cubespace.populations.claims import luminosity, population_claims
from cubespace.shares import wilson
from cubespace.space.claims import components, correlation_claims
from cubespace.space.cluster_claims import agreement, cluster_claims


def scorecard(
    basis,
    variance,
    clusters,
    correlations,
    comparisons,
    ablation,
    galaxies,
    classes,
    truth=None,
    planted=None,
    planted_agn=None,
    n_bootstrap=500,
    seed=0,
):
    """All claims.

    Parameters
    ----------
    basis : `cubespace.spectra.basis.Basis`
        For its reconstruction curve.
    variance, clusters, correlations, comparisons, ablation, galaxies, classes : DataFrame
        Tables of a run, of the variant ``full``.
    truth : DataFrame, optional
        Truth of the mock, one row a galaxy.
    planted, planted_agn : float, optional
        Size of the effects of environment and of an AGN planted in the mock, at fixed mass and type; where there is one,
        the claim is that twins differ.

    Returns
    -------
    DataFrame with `COLUMNS`
    """
    rows = [*reconstruction(basis), components(variance)]
    rows += cluster_claims(clusters, galaxies, classes, truth, n_bootstrap, seed)
    rows += agreement(clusters, galaxies, n_bootstrap, seed)
    rows += correlation_claims(correlations, truth, n_bootstrap, seed)
    rows += population_claims(comparisons, truth, planted, planted_agn)
    rows += luminosity(ablation)
    return pd.DataFrame(rows, columns=list(COLUMNS))


WANTED, LIMIT, SHARE = 29, 0.03, 0.98  # the paper: 29 components, errors below 3 %, in 98 % of the spectra
ERRORS = {"median_abs": "median |residual|", "mean_abs": "mean |residual|", "relative_l2": "relative L2"}


def reconstruction(basis):
    """Error at 29 components, and components needed, for three measures of error; the noise is subtracted in quadrature."""
    curve, limit = basis.reconstruction, float(basis.header.get("ERRLIM", LIMIT))
    rows, number, n = [], curve["n_components"], int(basis.header.get("NCURVE", 0))
    for name, label in ERRORS.items():
        head = {
            "text": f"{WANTED} components rebuild 98 % of the spectra to better than 3 % ({label})",
            "criterion": f"share of sample spectra with {label} < 3 %, corrected for noise, at {WANTED} components >= 0.95 "
            "(the paper does not define its error)",
            "paper": "0.98",
        }
        needed = {
            "text": f"{WANTED} components are needed for 3 % in 98 % of the spectra ({label})",
            "criterion": f"fewest components with error < 3 %, corrected for noise, in 98 %: {WANTED} within a factor of 1.5",
            "paper": f"{WANTED}",
        }
        share, plain = curve[f"{name}_corrected_share"], curve[f"{name}_share"]
        row = np.flatnonzero(number == WANTED)
        if not len(row) or limit != LIMIT:
            note = f"no curve at {WANTED} components with the limit {LIMIT:g} (limit {limit:g}, up to {int(number.max())})"
            rows += [claim(**head, note=note), claim(**needed, note=note)]
            continue
        value, raw = float(share[row[0]]), float(plain[row[0]])
        interval = wilson(value * n, n) if n else (np.nan, np.nan)
        note = f"{n} spectra; with noise: {raw:.3f}"
        rows.append(claim(**head, recovered=value, interval=interval, verdict=value >= 0.95, note=note))
        rows.append(_needed(needed, number, share, plain, n))
    return rows


def _needed(head, number, share, plain, n):
    """Row of the components needed; its interval is where the Wilson interval of the share reaches the wanted one."""

    def first(values):
        return float(number[np.argmax(values >= SHARE)]) if (values >= SHARE).any() else np.nan

    value, raw, last = first(share), first(plain), int(number.max())
    if not np.isfinite(value):
        verdict = False if last >= 1.5 * WANTED else None
        note = f"a lower bound: {share[-1]:.3f} of the spectra with {last} components, the most tried"
        return claim(**head, recovered=last, verdict=verdict, note=note)
    high, low = (first(np.array([wilson(s * n, n)[side] for s in share])) if n else np.nan for side in (0, 1))
    noisy = f"{raw:.0f}" if np.isfinite(raw) else f"more than {last}"
    note = f"with noise: {noisy}" + ("" if np.isfinite(high) else f"; upper end beyond {last}")
    verdict = WANTED / 1.5 <= value <= WANTED * 1.5
    return claim(**head, recovered=value, interval=(low, high if np.isfinite(high) else last), verdict=verdict, note=note)
