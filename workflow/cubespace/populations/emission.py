"""Emission-line classes of nuclei: WHAN, BPT, and the five ionisation classes of the paper's Fig. 4.

Sources: WHAN, Cid Fernandes et al. (2011, MNRAS 413, 1687); BPT, Baldwin et al. (1981); the curves of
Kauffmann et al. (2003, MNRAS 346, 1055, eq. 1) and Kewley et al. (2001, ApJ 556, 121, eq. 5); the paper, sec.
4.1.

Equivalent widths are log10 of Angstrom, positive in emission. A point exactly on an EW or [NII]/Ha boundary
belongs to the upper side (EW = 3 A is not retired, EW = 6 A is strong, log [NII]/Ha = -0.4 is not
star-forming); a point exactly on a BPT curve belongs to the region below it. Anything missing or too
uncertain is `undetermined`, never "the remaining class".
"""

import numpy as np
import pandas as pd

WHAN = ("SF", "sAGN", "wAGN", "retired", "passive", "undetermined")
BPT = ("SF", "composite", "AGN", "undetermined")
NUCLEAR = ("SF", "composite", "AGN", "LINER", "passive", "undetermined")

EW_PASSIVE, EW_RETIRED, EW_STRONG = 0.5, 3.0, 6.0  # Angstrom
NII_SF = -0.4  # log10 [NII]6583/Ha
_EDGE = 1e-6  # dex; neither log10 and back nor the single precision of a table may move a value across a boundary


def kauffmann(log_nii_ha):
    """log10 [OIII]/Hb of the Kauffmann et al. (2003) curve; -inf from its asymptote at 0.05 on, nan for nan."""
    return _hyperbola(log_nii_ha, 0.05, 1.3)


def kewley(log_nii_ha):
    """log10 [OIII]/Hb of the Kewley et al. (2001) curve; -inf from its asymptote at 0.47 on, nan for nan."""
    return _hyperbola(log_nii_ha, 0.47, 1.19)


def _hyperbola(x, asymptote, offset):
    x = np.asarray(x, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x >= asymptote, -np.inf, 0.61 / (x - asymptote) + offset)


def bpt(log_nii_ha, log_oiii_hb):
    """BPT class of each point: SF (on or below Kauffmann), composite (on or below Kewley), AGN; undetermined
    if not finite.

    The curves cross at log [NII]/Ha = -1.28; left of it Kauffmann alone divides, and there are no composites.

    Returns an object array of str in the broadcast shape of the inputs.
    """
    x, y = np.broadcast_arrays(np.asarray(log_nii_ha, float), np.asarray(log_oiii_hb, float))
    known = np.isfinite(x) & np.isfinite(y)
    sf = known & (y <= kauffmann(x) + _EDGE)
    composite = known & ~sf & (y <= kewley(x) + _EDGE)
    return np.select([sf, composite, known], BPT[:3], BPT[3]).astype(object)


def whan(log_ew_ha, log_nii_ha):
    """WHAN class of each point (Cid Fernandes et al. 2011, sec. 6).

    passive: EW(Ha) and EW([NII]) both below 0.5 A, where EW([NII]) = EW(Ha) [NII]/Ha; retired: EW(Ha) < 3 A
    otherwise; then SF for log [NII]/Ha < -0.4, else sAGN from 6 A and wAGN below. Below 3 A the ratio only
    tells passive from retired; there a missing ratio is `undetermined` if EW(Ha) < 0.5 A and `retired` above.
    """
    ew, x = np.broadcast_arrays(np.asarray(log_ew_ha, float), np.asarray(log_nii_ha, float))
    with_ew, with_x = np.isfinite(ew), np.isfinite(x)
    both = with_ew & with_x
    low = with_ew & (ew < np.log10(EW_RETIRED) - _EDGE)
    faint = with_ew & (ew < np.log10(EW_PASSIVE) - _EDGE)
    faint_nii = both & (ew + x < np.log10(EW_PASSIVE) - _EDGE)
    conditions = [
        faint & faint_nii,
        (low & ~faint) | (faint & with_x),
        both & ~low & (x < NII_SF - _EDGE),
        both & ~low & (ew >= np.log10(EW_STRONG) - _EDGE),
        both & ~low,
    ]
    return np.select(conditions, ["passive", "retired", "SF", "sAGN", "wAGN"], "undetermined").astype(object)


def classify(galaxies, agn_from="bpt", max_ratio_error=0.31):
    """WHAN, BPT and nuclear class of each galaxy.

    The nuclear class, in this order (paper, sec. 4.1):

    1. central EW(Ha) missing or uncertain: `undetermined`;
    2. central EW < 3 A: neither young stars nor an AGN ionise the nucleus, and the whole galaxy decides:
       global EW < 3 A `passive`, else `SF` (star formation around a quenched bulge), missing `undetermined`;
    3. a central ratio missing or uncertain: `undetermined`;
    4. between the Kauffmann and Kewley curves: `composite`;
    5. ``agn_from="bpt"``: on or below Kauffmann `SF`; above Kewley `AGN` from EW 6 A on, else `LINER`.
       ``agn_from="whan"``: log [NII]/Ha < -0.4 `SF`, else `AGN` from EW 6 A on, else `LINER`. The paper's
       words can be read either way; the second counts metal-rich star-forming nuclei as AGN.

    Parameters
    ----------
    galaxies : DataFrame
        with log_ew_ha, log_ew_ha_cen [log10 Angstrom], log_nii_ha_cen, log_oiii_hb_cen [dex]; a column that
        does not exist counts as missing throughout. Errors e_log_ew_ha_cen, e_log_nii_ha_cen,
        e_log_oiii_hb_cen [dex] are used where they exist and are not null.
    agn_from : {"bpt", "whan"}
    max_ratio_error : float, dex
        A ratio with a larger error is uncertain. 0.31 dex is two lines at S/N = 2 each. An EW is uncertain if
        its error in Angstrom exceeds both the EW itself and 3 A: below the cut an undetected line is a good
        limit, a wild one is not.

    Returns
    -------
    pandas.DataFrame, index of `galaxies`
        whan, bpt, nuclear_class, and `nuclear_class_from`: the columns that decided, or what was wanting.
    """
    if agn_from not in ("bpt", "whan"):
        raise ValueError(f"agn_from: found {agn_from!r}, expected 'bpt' or 'whan'")

    def column(name):
        return galaxies[name].to_numpy(float) if name in galaxies else np.full(len(galaxies), np.nan)

    ew_all = _finite(column("log_ew_ha"))
    ew = _usable_ew(column("log_ew_ha_cen"), column("e_log_ew_ha_cen"))
    ratios = {}
    for name in ("log_nii_ha_cen", "log_oiii_hb_cen"):
        too_uncertain = column(f"e_{name}") > max_ratio_error
        ratios[name] = np.where(too_uncertain, np.nan, _finite(column(name)))
    x, y = ratios.values()
    whan_class, bpt_class = whan(ew, x), bpt(x, y)

    quiet = ew < np.log10(EW_RETIRED) - _EDGE
    quiet_all = ew_all < np.log10(EW_RETIRED) - _EDGE
    strong = ew >= np.log10(EW_STRONG) - _EDGE
    lit = np.isfinite(ew) & ~quiet & (bpt_class != "undetermined")
    composite = lit & (bpt_class == "composite")
    sf = lit & ~composite & ((bpt_class == "SF") if agn_from == "bpt" else (x < NII_SF - _EDGE))
    conditions = [
        quiet & quiet_all,
        quiet & np.isfinite(ew_all),
        composite,
        sf,
        lit & strong,
        lit,
    ]
    nuclear = np.select(
        conditions, ["passive", "SF", "composite", "SF", "AGN", "LINER"], "undetermined"
    ).astype(object)
    reasons = [
        (~np.isfinite(ew), "log_ew_ha_cen missing or uncertain"),
        (quiet & np.isfinite(ew_all), "log_ew_ha_cen log_ew_ha"),
        (quiet, "log_ew_ha missing"),
        (~np.isfinite(x), "log_nii_ha_cen missing or uncertain"),
        (~np.isfinite(y), "log_oiii_hb_cen missing or uncertain"),
    ]
    by = np.select(
        [r[0] for r in reasons], [r[1] for r in reasons], "log_ew_ha_cen log_nii_ha_cen log_oiii_hb_cen"
    )
    return pd.DataFrame(
        {
            "whan": whan_class,
            "bpt": bpt_class,
            "nuclear_class": nuclear,
            "nuclear_class_from": by.astype(object),
        },
        index=galaxies.index,
    )


def _finite(values):
    return np.where(np.isfinite(values), values, np.nan)


def _usable_ew(log_ew, error):
    """log10 EW, nan where its error [dex] says nothing: larger than the EW and than 3 A."""
    log_ew = _finite(log_ew)
    ew = 10.0**log_ew
    uncertain = ew * np.log(10.0) * error > np.maximum(ew, EW_RETIRED)
    return np.where(uncertain, np.nan, log_ew)
