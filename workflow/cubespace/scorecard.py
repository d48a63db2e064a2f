"""The paper's claims, one a row: what it says, what the mock holds, what this run recovered, and whether they agree.

Criteria are fixed in the code, before any result is seen. ``not tested`` means that the run cannot say: too few
galaxies, a missing property, or a test without the power to find a difference. It is never counted as agreement.
"""

import numpy as np
import pandas as pd

from cubespace.claims import COLUMNS, claim
from cubespace.populations.claims import luminosity, population_claims
from cubespace.populations.power import wilson
from cubespace.space.claims import agreement, cluster_claims, components, correlation_claims


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
    planted : float, optional
        Size of the environment effect planted in the mock, at fixed mass and type.

    Returns
    -------
    DataFrame with `COLUMNS`
    """
    rows = [reconstruction(basis), components(variance)]
    rows += cluster_claims(clusters, galaxies, classes, truth, n_bootstrap, seed)
    rows += agreement(clusters, galaxies, n_bootstrap, seed)
    rows += correlation_claims(correlations, truth, n_bootstrap, seed)
    rows += population_claims(comparisons, truth, planted)
    rows += luminosity(ablation)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def reconstruction(basis, wanted=29):
    """29 components rebuild nearly all spectra to 3 %."""
    head = {
        "text": "29 components rebuild 98 % of the spectra to better than 3 %",
        "criterion": "share of sample spectra with median |residual| < 3 % at 29 components >= 0.95 (the paper does not define its error)",
        "paper": "0.98",
    }
    curve, limit = basis.reconstruction, float(basis.header.get("ERRLIM", 0.03))
    row = curve[curve["n_components"] == wanted]
    if not len(row) or limit != 0.03:
        return claim(
            **head,
            note=f"no curve at 29 components with the limit 0.03 (limit {limit:g}, up to {int(curve['n_components'].max())})",
        )
    share, n = float(row["median_abs_share"][0]), int(basis.header.get("NCURVE", 0))
    others = (
        f"mean |residual|: {row['mean_abs_share'][0]:.3f}; relative L2: {row['relative_l2_share'][0]:.3f}"
    )
    interval = wilson(share * n, n) if n else (np.nan, np.nan)
    return claim(
        **head,
        recovered=share,
        interval=interval,
        verdict=share >= 0.95,
        note=f"{n} spectra; other measures, {others}",
    )
