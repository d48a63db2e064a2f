"""Dust and ionised gas of a mock galaxy: the extinction law, H-alpha, and the other lines from it."""

import numpy as np
from scipy.ndimage import gaussian_filter

from cubespace.survey.profiles import rough
from cubespace.survey.structure import FINE

H_ALPHA = 6562.8
# air wavelengths [A]
LINES = {
    "OII3727": 3727.5,
    "Hdelta": 4101.7,
    "Hgamma": 4340.5,
    "Hbeta": 4861.3,
    "OIII4959": 4958.9,
    "OIII5007": 5006.8,
    "HeI5876": 5875.6,
    "OI6300": 6300.3,
    "OI6364": 6363.8,
    "NII6548": 6548.0,
    "Halpha": 6562.8,
    "NII6583": 6583.4,
    "SII6716": 6716.4,
    "SII6731": 6730.8,
}
# over Ha; case B, 10^4 K, 100 cm-3 (Osterbrock & Ferland 2006)
BALMER = {"Halpha": 1.0, "Hbeta": 1 / 2.86, "Hgamma": 0.468 / 2.86, "Hdelta": 0.259 / 2.86}
EW_LIMIT = 1000.0  # [A] of Ha, for a spaxel lit by nothing but a burst of a few Myr (Leitherer et al. 1999, ApJS 123, 3)
OXYGEN_SLOPE = {
    "E": (-0.03, 0.02),
    "S0": (-0.04, 0.02),
    "I": (-0.03, 0.02),
    "BCD": (-0.02, 0.02),
}  # mean, width
TYPE_1 = 1 / 7  # share of AGN with a broad line
BROAD_DECREMENT = 3.5  # of a broad-line region, dust included (Dong et al. 2008: 3.06 without)
CENTRE_ARCSEC = 1.5  # radius of the central aperture (diameter 3 arcsec)


def extinction(wavelength):
    """A(lambda)/A(V) for Rv = 3.1, optical range (Cardelli, Clayton & Mathis 1989, eqs. 3a, 3b). wavelength
    [A]."""
    y = 1e4 / np.asarray(wavelength, float) - 1.82
    a = np.polyval([0.32999, -0.77530, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1.0], y)
    b = np.polyval([-2.09002, 5.30260, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0.0], y)
    return a + b / 3.1


def dim(av, wavelength):
    """Transmission of a screen of `av` mag at `wavelength` [A]."""
    return 10 ** (-0.4 * np.asarray(av) * extinction(wavelength))


def old_floor(row, name):
    """Share of the field's H-alpha that old stars excite (LIER; Binette et al. 1994).

    Nearly all of it in passive early types; elsewhere what makes about 1 A (Cid Fernandes et al. 2011).
    """
    total = 10 ** float(row["log_ew_ha"])
    if name in ("E", "S0") and total < 3:
        return 0.85
    return min(0.35, 1 / total)


def h_alpha(row, kind, scene, continuum, psf, old_share):
    """Observed Ha (n,) in the continuum's unit x A, with the imposed EW of the field and of the centre;
    share of it due to young stars.

    Star formation + a floor from old stars, `old_share` of the whole + a nuclear component; the latter is
    negative (a hole) where the centre is poorer than its surroundings. scene: `populations.Scene`; psf: sigma
    [fine pixels].
    """
    total, central = 10 ** float(row["log_ew_ha"]), 10 ** float(row["log_ew_ha_cen"])
    aperture, inside = scene.aperture, scene.inside
    wanted = total * (continuum * inside).sum()
    # old stars: in proportion to their light
    floor = old_share * total * continuum
    base = floor + scene.star_formation * (wanted * (1 - old_share) / (scene.star_formation * inside).sum())
    active = int(row["agn"]) == 1
    bright = active or central > 1.5 * total
    first = np.hypot(psf * FINE, 0.5) if active else max(1.2, 0.22 * float(row["re_arcsec"]))
    distance = scene.offset if active or kind.name == "E" else scene.radius * float(row["re_arcsec"])
    lit = (continuum if bright else base, continuum * aperture, base * inside, base * aperture)
    for size in (first, 0.7 * first, 0.5 * first, 0.35 * first, 0.25 * first):
        # a * base + b * base-or-continuum * nucleus: two conditions, two unknowns
        extra = lit[0] * np.exp(-0.5 * (distance / size) ** 2)
        matrix = np.array([[lit[2].sum(), (extra * inside).sum()], [lit[3].sum(), (extra * aperture).sum()]])
        a, b = np.linalg.solve(matrix, [wanted, central * lit[1].sum()])
        if a > 0.1:
            break
    else:
        # the centre's flux exceeds the galaxy's: the value of the whole field is kept
        a, b = 0.1, (wanted - 0.1 * matrix[0, 0]) / matrix[0, 1]
    ha = np.maximum(a * base + b * extra, 1e-4 * continuum)
    for _ in range(3):  # a bright region on a faint continuum
        ha = np.minimum(ha * (wanted / (ha * inside).sum()), EW_LIMIT * continuum)
    from_nucleus = np.clip(b * extra / ha, 0, 1) * hardness(row, "cen")
    return ha, np.clip(1 - floor / ha, 0, 1) * (1 - from_nucleus)


def hardness(row, where):
    """Excitation at the centre ("cen") or at Re ("re"): 0 = HII regions, 1 = AGN or old stars.

    1 for an AGN's centre; else it grows with [NII]/Ha beyond what HII regions reach (-0.35; Kewley et al.
    2006), and is at least one half where EW(Ha) < 3 A (Cid Fernandes et al. 2011). Low [NII]/Ha with high
    [OIII]/Hb is a metal-poor HII region.
    """
    suffix = "_cen" if where == "cen" else ""
    if suffix and int(row["agn"]):
        return 1.0
    beyond = float(np.clip((float(row["log_nii_ha" + suffix]) + 0.35) / 0.5, 0, 1))
    return max(beyond, 0.5) if float(row["log_ew_ha" + suffix]) < np.log10(3.0) else beyond


def line_maps(row, plan, ha, star_formation, young_share, av_gas, inside, ring, psf, rng):
    """Observed line maps, name -> (ny, nx), from the Ha map; imposed ratios at the centre and in the ring at
    Re."""
    red = {
        name: 10 ** (-0.4 * av_gas * (extinction(wave) - extinction(H_ALPHA))) for name, wave in LINES.items()
    }
    clump = star_formation / np.maximum(gaussian_filter(star_formation, 3 / FINE), 1e-12)
    diffuse = np.clip(1.3 - clump, 0, 1)  # between the HII regions
    hard = np.clip(hardness(row, "re") * (1 - 0.6 * young_share), 0, 1)
    size = 1.3 if int(row["agn"]) else max(1.5, 0.3 * float(row["re_arcsec"]))
    core = np.exp(-0.5 * (plan.offset / np.hypot(size, psf * FINE)) ** 2)
    hard = hard + core * (hardness(row, "cen") - hard)
    reach = np.minimum(plan.radius, 2.5) - 1
    scatter = max(0.6 * float(row["re_kpc"]) / float(row["re_arcsec"]), 0.8) / FINE
    # O/H gradient [dex/Re] (Sanchez et al. 2014: -0.1 +- 0.09), in the calibrations N2 and O3N2 of Marino et al. (2013)
    slope = float(np.clip(rng.normal(*OXYGEN_SLOPE.get(plan.notes["kind"], (-0.08, 0.03))), -0.15, 0.02))
    n2_slope = slope / 0.462
    o3_slope = n2_slope - slope / 0.214
    ionisation = rough(rng, ha.shape, scatter)
    n2 = n2_slope * reach + 0.10 * diffuse - 0.04 * ionisation + 0.02 * rough(rng, ha.shape, scatter)
    o3 = o3_slope * reach + 0.04 * diffuse + 0.08 * ionisation
    aperture = inside & (plan.offset <= CENTRE_ARCSEC)
    hb = ha * BALMER["Hbeta"] * red["Hbeta"]
    n2 = _impose(n2, core, ha, red["NII6583"], ring, aperture, row["log_nii_ha"], row["log_nii_ha_cen"])
    to_hb = red["OIII5007"] / red["Hbeta"]
    o3 = _impose(o3, core, hb, to_hb, ring, aperture, row["log_oiii_hb"], row["log_oiii_hb_cen"])
    # metal-poor, highly ionised regions have little [SII] (Kewley et al. 2006, fig. 4)
    s2 = -0.45 + 0.35 * np.clip(n2 + 0.45, -0.7, 0.5) - 0.25 * np.clip(o3, 0, 0.8) + 0.15 * diffuse
    s2 = s2 + hard * (-0.05 - s2)
    o1 = -1.65 + 0.25 * diffuse + hard * (0.85 + 0.1 * (o3 > 0.3))
    o2 = 0.42 - 0.45 * np.clip(n2 + 0.5, -0.5, 0.6) - 0.15 * np.clip(o3, -0.5, 1) + 0.25 * hard
    density = 1.38 - 0.25 * core * hardness(row, "cen")  # [SII] 6716/6731
    out = {name: ha * ratio * red[name] for name, ratio in BALMER.items()}
    out["NII6583"] = ha * 10**n2 * red["NII6583"]
    out["NII6548"] = out["NII6583"] / 3.05
    out["OIII5007"] = hb * 10**o3 * to_hb
    out["OIII4959"] = out["OIII5007"] / 2.98
    out["SII6716"] = ha * 10**s2 * density / (1 + density) * red["SII6716"]
    out["SII6731"] = ha * 10**s2 / (1 + density) * red["SII6731"]
    out["OI6300"] = ha * 10**o1 * red["OI6300"]
    out["OI6364"] = out["OI6300"] / 3.1
    out["OII3727"] = ha * BALMER["Hbeta"] * 10**o2 * red["OII3727"]
    out["HeI5876"] = ha * BALMER["Hbeta"] * 0.115 * (1 - hard) * red["HeI5876"]
    return out


def broad_line(row, plan, continuum, psf, rng):
    """Broad H-alpha of a type 1 nucleus, one AGN in seven: (sigma [km/s], luminosity (ny, nx) in the unit of
    continuum x A, as observed), an unresolved source of 20 to 80 A in the central aperture; 0 and zeros
    elsewhere."""
    if int(row["agn"]) != 1 or rng.uniform() > TYPE_1:
        return 0.0, np.zeros_like(continuum)
    ew, width = float(np.exp(rng.uniform(np.log(20), np.log(80)))), float(rng.uniform(900, 1800))
    point = np.exp(-0.5 * (plan.offset / (psf * FINE)) ** 2) * (continuum > 0)
    return width, point * (ew * continuum[plan.offset <= CENTRE_ARCSEC].sum() / point.sum())


def _impose(log_ratio, core, reference, red, ring, aperture, at_ring, at_centre):
    """Shift a log ratio map: everywhere to meet `at_ring`, in the core to meet `at_centre` (flux-weighted
    ratios, as measured)."""
    ring_shift = core_shift = 0.0
    for _ in range(40):
        ratio = 10 ** (log_ratio * (1 - core) + ring_shift * (1 - core) + core_shift * core) * red * reference
        ring_error = float(at_ring) - np.log10(ratio[ring].sum() / reference[ring].sum())
        core_error = float(at_centre) - np.log10(ratio[aperture].sum() / reference[aperture].sum())
        if max(abs(ring_error), abs(core_error)) < 2e-3:
            break
        ring_shift = float(np.clip(ring_shift + ring_error, -3, 2))
        core_shift = float(np.clip(core_shift + core_error, -3, 2))
    return (log_ratio + ring_shift) * (1 - core) + core_shift * core
