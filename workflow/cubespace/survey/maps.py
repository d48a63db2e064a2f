"""Truth maps of a mock galaxy: what they hold, how they are binned, and the integrated values measured from
them."""

from dataclasses import dataclass, field

import numpy as np

from cubespace.survey import ssp
from cubespace.survey.gas import CENTRE_ARCSEC, H_ALPHA, dim, extinction
from cubespace.survey.populations import COLOUR_BANDS, SFR_ZERO
from cubespace.survey.structure import FINE

RING = (0.75, 1.25)  # [Re]: "at Re"


@dataclass
class Maps:
    """Truth of one galaxy on a pixel grid; arrays (ny, nx), first axis north, second west. Outside `inside`
    all are 0.

    inside: hexagonal field (bool); light (4, ny, nx): dust-free luminosity at 5600-5800 A [1e30 erg/s/A per
    pixel] of ionising, young, intermediate and old stars; log_age, metallicity (4, ny, nx) of these; mass
    [Msun per pixel]; av_stars, av_gas [mag]; velocity, dispersion, gas_velocity, gas_dispersion [km/s];
    lines: luminosity as observed through the dust, name -> map [1e30 erg/s per pixel]; continuum_ha:
    starlight beside Ha, as observed [1e30 erg/s/A per pixel]; pixel_arcsec; header: scalars (redshift, kpc
    per arcsec, re_arcsec, axis ratio, centre, broad_sigma [km/s]...); star_forming: share of Ha that young
    stars excite; broad: broad Ha of a nucleus as observed, not part of `lines` [1e30 erg/s per pixel]; radius
    [Re], offset [arcsec]; companion: mask of pixels where another galaxy of the field outshines this one,
    none by default.
    """

    inside: np.ndarray
    light: np.ndarray
    log_age: np.ndarray
    metallicity: np.ndarray
    mass: np.ndarray
    av_stars: np.ndarray
    av_gas: np.ndarray
    velocity: np.ndarray
    dispersion: np.ndarray
    gas_velocity: np.ndarray
    gas_dispersion: np.ndarray
    lines: dict
    continuum_ha: np.ndarray
    star_forming: np.ndarray
    broad: np.ndarray
    radius: np.ndarray
    offset: np.ndarray
    pixel_arcsec: float = FINE
    header: dict = field(default_factory=dict)
    companion: np.ndarray = None

    def __post_init__(self):
        if self.companion is None:
            self.companion = np.zeros(self.inside.shape, bool)

    @property
    def observed_light(self):
        """Luminosity at 5600-5800 A behind the dust, (ny, nx)."""
        return self.light.sum(0) * dim(self.av_stars, 5700.0)

    def mean_age(self):
        """Light-weighted log age [log10 yr], (ny, nx); 0 where there is no light."""
        return mean_of(self.light, self.log_age)

    def mean_metallicity(self):
        """Light-weighted log Z/Zsun, (ny, nx)."""
        return mean_of(self.light, self.metallicity)

    def ew_ha(self):
        """EW(Ha) [A], emission positive, (ny, nx)."""
        return over(self.lines["Halpha"], self.continuum_ha)


def integrated(maps: Maps, basis) -> dict:
    """Measure the properties of the truth table from finished fine maps (names and units as there).

    log_mass, log_age_lw, metallicity_lw, log_ew_ha, log_ew_ha_cen, log_nii_ha_cen, log_oiii_hb_cen,
    log_nii_ha, log_oiii_hb, log_sfr (of all H-alpha, as catalogues have it), log_sfr_young (of the H-alpha that
    young stars excite), log_sigma_mass, re_arcsec, g_r, av_gas. Re: semi-major axis of the ellipse with half of the light,
    that beyond the field included; the mass surface density is face-on (times b/a).
    """
    seen = maps.observed_light
    ring = maps.inside & (maps.radius > RING[0]) & (maps.radius < RING[1])
    ring = ring if ring.any() else maps.inside
    aperture = maps.inside & (maps.offset <= CENTRE_ARCSEC)
    area = (maps.pixel_arcsec * maps.header["kpc_arcsec"] * 1e3) ** 2  # [pc2]
    intrinsic = maps.lines["Halpha"] / dim(maps.av_gas, H_ALPHA)
    forming = max(float((intrinsic * maps.star_forming).sum()), 1e-30)

    def ratio(above, below, where):
        return float(np.log10(maps.lines[above][where].sum() / maps.lines[below][where].sum()))

    everywhere = maps.inside
    return {
        "log_mass": float(np.log10(maps.mass.sum())),
        "log_age_lw": float(np.average(maps.mean_age()[ring], weights=seen[ring])),
        "metallicity_lw": float(np.average(maps.mean_metallicity()[ring], weights=seen[ring])),
        "log_ew_ha": float(np.log10(maps.lines["Halpha"].sum() / maps.continuum_ha.sum())),
        "log_ew_ha_cen": float(
            np.log10(maps.lines["Halpha"][aperture].sum() / maps.continuum_ha[aperture].sum())
        ),
        "log_nii_ha_cen": ratio("NII6583", "Halpha", aperture),
        "log_oiii_hb_cen": ratio("OIII5007", "Hbeta", aperture),
        "log_nii_ha": ratio("NII6583", "Halpha", ring),
        "log_oiii_hb": ratio("OIII5007", "Hbeta", ring),
        "log_sfr": float(np.log10(intrinsic.sum()) + 30 - SFR_ZERO),
        "log_sfr_young": float(np.log10(forming) + 30 - SFR_ZERO),
        "log_sigma_mass": float(np.log10(maps.mass[ring].mean() / area * maps.header["axis_ratio"])),
        "re_arcsec": half_light(
            seen[everywhere], maps.radius[everywhere] * maps.header["re_arcsec"], maps.header["outside"]
        ),
        "g_r": _colour(maps, basis),
        "av_gas": float(np.average(maps.av_gas[ring], weights=maps.lines["Halpha"][ring])),
    }


def half_light(light, radius, outside):
    order = np.argsort(radius, kind="stable")
    growth = np.cumsum(light[order])
    growth = growth / growth[-1] * (1 - outside)
    return float(np.interp(0.5, growth, radius[order]))


def _colour(maps, basis):
    """AB g - r of the stars behind the dust (boxes 4000-5450 and 5600-6900 A, rest frame)."""
    at = ssp.nodes(basis, maps.log_age[:, maps.inside], maps.metallicity[:, maps.inside])
    flux = []
    for low, high in COLOUR_BANDS:
        middle = 0.5 * (low + high)
        light = maps.light[:, maps.inside] * ssp.lookup(basis.band((low, high)) / basis.window_light, at)
        flux.append((light.sum(0) * dim(maps.av_stars[maps.inside], middle)).sum() * middle**2)
    return float(-2.5 * np.log10(flux[0] / flux[1]))


def mean_of(light, values):
    return over((light * values).sum(0), light.sum(0))


def over(above, below):
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def binned(maps: Maps, factor: int) -> Maps:
    """Add up blocks of factor x factor pixels: luminosities summed, the rest weighted by the light that
    carries it."""
    if factor == 1:
        return maps

    def add(image):
        *lead, ny, nx = image.shape
        return image.reshape(*lead, ny // factor, factor, nx // factor, factor).sum(axis=(-3, -1))

    seen, total = maps.light * dim(maps.av_stars, 5700.0), maps.observed_light
    light, ha = add(maps.light), add(maps.lines["Halpha"])
    velocity = over(add(total * maps.velocity), add(total))
    gas_velocity = over(add(maps.lines["Halpha"] * maps.gas_velocity), ha)
    square = over(add(total * (maps.velocity**2 + maps.dispersion**2)), add(total))
    gas_square = over(add(maps.lines["Halpha"] * (maps.gas_velocity**2 + maps.gas_dispersion**2)), ha)
    dimming = over(add(total), light.sum(0))
    weight = add(maps.inside.astype(float))
    keep = (weight >= 0.5 * factor**2).astype(float)
    return Maps(
        inside=keep > 0,
        light=light * keep,
        log_age=over(add(seen * maps.log_age), add(seen)) * keep,
        metallicity=over(add(seen * maps.metallicity), add(seen)) * keep,
        mass=add(maps.mass) * keep,
        av_stars=np.where(dimming > 0, -2.5 * np.log10(np.maximum(dimming, 1e-9)) / extinction(5700.0), 0.0)
        * keep,
        av_gas=over(add(maps.lines["Halpha"] * maps.av_gas), ha) * keep,
        velocity=velocity * keep,
        dispersion=np.sqrt(np.maximum(square - velocity**2, 0)) * keep,
        gas_velocity=gas_velocity * keep,
        gas_dispersion=np.sqrt(np.maximum(gas_square - gas_velocity**2, 0)) * keep,
        lines={name: add(value) * keep for name, value in maps.lines.items()},
        continuum_ha=add(maps.continuum_ha) * keep,
        star_forming=over(add(maps.lines["Halpha"] * maps.star_forming), ha) * keep,
        broad=add(maps.broad) * keep,
        radius=add(maps.radius) / factor**2,
        offset=add(maps.offset) / factor**2,
        pixel_arcsec=maps.pixel_arcsec * factor,
        header=dict(maps.header),
    )
