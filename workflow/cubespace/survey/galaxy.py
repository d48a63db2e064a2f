"""Stars, gas and dust of one mock galaxy: truth maps that realise the row of the truth table.

The row's integrated values are imposed, not hoped for: stellar mass, H-alpha equivalent width of the whole
galaxy and of the centre, [NII]/Ha and [OIII]/Hb at the centre and at Re, light-weighted age and metallicity
at Re. `integrated` measures them back from the finished maps. The star formation rate, g - r and the mass
surface density at Re then follow from the physics. Everything refers to the field of view, as the survey's
own catalogue does.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from cubespace.survey import ssp
from cubespace.survey.gas import H_ALPHA, dim, h_alpha, line_maps
from cubespace.survey.maps import RING, Maps, half_light, mean_of
from cubespace.survey.structure import FINE, build

ION_AGE, YOUNG_AGE = np.log10(3e6), 7.9  # [log10 yr]: ionising stars; last 200 Myr of constant star formation
EW_IONISING = 1500.0  # EW(Ha) [A] of light of ionising stars alone, referred to their 5700 A light
STELLAR_DUST = 0.44  # Av of stars over that of gas (Calzetti et al. 2000)
# [dex/Re]; the sense of Gonzalez Delgado et al. (2015)
AGE_SLOPE = {"E": -0.08, "S0": -0.1, "Sa": -0.2, "Sb": -0.25, "Sc": -0.18, "Sd": -0.05, "I": 0.0, "BCD": 0.2}


def simulate(row, basis, shape, inside, centre, seeing_arcsec, rng):
    """Truth maps on the fine grid (0.5 arcsec), after the seeing.

    row: mapping with the columns of the truth table; basis: `ssp.Basis`; shape (ny, nx); inside: bool (ny,
    nx); centre: (y, x) of the nucleus; seeing_arcsec: FWHM; rng. Returns `Maps`.
    """
    plan = _sized(row, shape, centre, inside, rng.integers(0, 2**63 - 1))
    psf = seeing_arcsec / 2.3548 / FINE

    def seen(image):
        return gaussian_filter(image, psf, mode="constant")

    light = seen(plan.light)
    star_formation = seen(plan.star_formation)
    weight = np.maximum(light, 1e-12 * light.max())
    velocity = seen(plan.light * plan.velocity) / weight
    dispersion = _spread(seen(plan.light * (plan.velocity**2 + plan.dispersion**2)) / weight, velocity)
    emitting = plan.star_formation / plan.star_formation.sum() + 0.3 * plan.light / plan.light.sum()
    flux = np.maximum(seen(emitting), 1e-12)
    gas_velocity = seen(emitting * plan.gas_velocity) / flux
    gas_dispersion = _spread(
        seen(emitting * (plan.gas_velocity**2 + plan.gas_dispersion**2)) / flux, gas_velocity
    )
    dust = seen(plan.light * plan.dust) / weight
    lane = seen(plan.light * plan.mixed) / weight
    ring = inside & (plan.radius > RING[0]) & (plan.radius < RING[1])
    if not ring.any():
        ring = inside
    av_gas = np.clip(
        dust * (float(row["av_gas"]) / np.average(dust[ring], weights=star_formation[ring])), 0, 6.0
    )
    screen = STELLAR_DUST * np.minimum(av_gas, 4.0)
    half = -2.5 * np.log10(
        0.4 + 0.6 * 10 ** (-0.4 * 4 * screen)
    )  # lane: opaque, with 40 % of the stars in front of it
    av_stars = (1 - lane) * screen + lane * half

    populations = _Populations(row, basis, plan.radius, rng)
    for _ in range(5):
        parts = populations.mix(light)
        continuum = parts["light"].sum(0) * parts["ha_over_window"] * dim(av_stars, H_ALPHA)
        ha, young_share = h_alpha(row, plan, star_formation, continuum, inside, psf)
        populations.ionising(np.where(continuum > 0, young_share * ha / np.maximum(continuum, 1e-30), 0.0))
        seen_light = parts["light"].sum(0) * dim(av_stars, 5700.0)
        populations.steer(parts, seen_light, ring)
    # the last mix sets the stars; the lines are scaled to it
    parts = populations.mix(light)
    continuum = parts["light"].sum(0) * parts["ha_over_window"] * dim(av_stars, H_ALPHA)
    ha, young_share = h_alpha(row, plan, star_formation, continuum, inside, psf)
    to_mass = 10 ** float(row["log_mass"]) / (parts["mass"] * inside).sum()

    per_arcsec = float(row["re_kpc"]) / float(row["re_arcsec"])
    lines = line_maps(row, plan, ha, star_formation, young_share, av_gas, inside, ring, psf, rng)
    cut = inside.astype(float)
    outside = 1 - (1 - plan.outside) * light[inside].sum() / light.sum()
    header = {
        "redshift": float(row["redshift"]),
        "kpc_arcsec": per_arcsec,
        "re_arcsec": float(row["re_arcsec"]),
        "axis_ratio": float(row["axis_ratio"]),
        "outside": float(outside),
        "centre_y": centre[0],
        "centre_x": centre[1],
    }
    return Maps(
        inside=inside,
        light=parts["light"] * to_mass * cut,
        log_age=parts["log_age"] * cut,
        metallicity=parts["metallicity"] * cut,
        mass=parts["mass"] * to_mass * cut,
        av_stars=av_stars * cut,
        av_gas=av_gas * cut,
        velocity=velocity * cut,
        dispersion=dispersion * cut,
        gas_velocity=gas_velocity * cut,
        gas_dispersion=gas_dispersion * cut,
        lines={name: value * to_mass * cut for name, value in lines.items()},
        continuum_ha=continuum * to_mass * cut,
        radius=plan.radius,
        offset=plan.offset,
        header=header,
    )


def _sized(row, shape, centre, inside, seed):
    """The structure, with sizes corrected once so that the dimmed half-light radius is the row's."""
    first, re = build(row, shape, centre, seed), float(row["re_arcsec"])
    seen = first.light * dim(
        STELLAR_DUST * min(float(row["av_gas"]), 4.0) * np.minimum(first.dust, 3.0), 5700.0
    )
    measured = half_light(
        seen[inside],
        first.radius[inside] * re,
        1 - (1 - first.outside) * first.light[inside].sum() / first.light.sum(),
    )
    return build(row, shape, centre, seed, stretch=float(np.clip(re / measured, 0.6, 1.6)))


class _Populations:
    """Four SSPs a spaxel: 3 Myr and 80 Myr light set by the ionising flux, and a pair of ages about a
    central one.

    The central age is what makes the light-weighted log age equal to the target profile; the pair lies
    `width` dex to either side.
    """

    def __init__(self, row, basis, radius, rng):
        self.row, self.basis = row, basis
        kind = row["morphology"]
        reach = np.minimum(radius, 2.5) - 1
        self.age = float(row["log_age_lw"]) + (AGE_SLOPE[kind] + rng.normal(0, 0.06)) * reach
        self.metal = float(row["metallicity_lw"]) + rng.normal(-0.12, 0.05) * reach
        self.width = float(rng.uniform(0.15, 0.3) if kind in ("E", "S0") else rng.uniform(0.35, 0.6))
        self.young_per_ion = float(rng.uniform(2.0, 4.0))  # light of 10-200 Myr over that of < 10 Myr
        self.ion = self.ion_ring = np.zeros(radius.shape)
        self.radius = radius
        self.bins = np.minimum(radius / 0.15, 30).astype(int)
        self.shift_age = self.shift_metal = 0.0
        self.tables = np.stack(
            [np.log10(basis.band(*ssp.HA_SIDES) / basis.window_light), np.log10(basis.mass_to_light)], axis=-1
        )

    def ionising(self, ew):
        """Set the share of ionising light from the EW(Ha) [A] of star formation."""
        self.ion = np.clip(ew / EW_IONISING, 0, 0.18)
        mean = np.bincount(self.bins.ravel(), self.ion.ravel()) / np.maximum(
            np.bincount(self.bins.ravel()), 1
        )
        self.ion_ring = np.interp(self.radius / 0.15 - 0.5, np.arange(mean.size), mean)

    def mix(self, light):
        """Populations for a map of smooth starlight; young light comes on top of it. Returns a dict of
        maps."""
        ion = self.ion
        young = np.minimum(self.young_per_ion * ion, 0.6)
        rest = 1 - ion - young
        # the smooth population has the profile's age given the mean ionising light at this radius; so knots
        # and arms are younger than it
        ion_ring = self.ion_ring
        young_ring = np.minimum(self.young_per_ion * ion_ring, 0.6)
        target = self.age + self.shift_age
        centre = np.clip(
            (target - ion_ring * ION_AGE - young_ring * YOUNG_AGE) / (1 - ion_ring - young_ring), 7.75, 10.08
        )
        width = np.minimum(self.width, np.minimum(10.13 - centre, centre - 7.5))
        metal = np.clip(self.metal + self.shift_metal, -1.45, 0.3)
        log_age = np.stack(
            [np.full(light.shape, ION_AGE), np.full(light.shape, YOUNG_AGE), centre - width, centre + width]
        )
        metallicity = np.stack(
            [metal, metal, np.clip(metal + 0.05, -1.5, 0.3), np.clip(metal - 0.05, -1.5, 0.3)]
        )
        share = np.stack([ion, young, 0.5 * rest, 0.5 * rest])
        values = 10 ** ssp.lookup(self.tables, ssp.nodes(self.basis, log_age, metallicity))
        luminosity = share * (light * (1 + 0.7 * (1 / rest - 1)))
        return {
            "light": luminosity,
            "log_age": log_age,
            "metallicity": metallicity,
            "mass": (luminosity * values[..., 1]).sum(0),
            "ha_over_window": (share * values[..., 0]).sum(0),
        }

    def steer(self, parts, seen, ring):
        """Shift age and metallicity so that their light-weighted means in the ring meet the row."""
        for name, target, attribute in (
            ("log_age", "log_age_lw", "shift_age"),
            ("metallicity", "metallicity_lw", "shift_metal"),
        ):
            mean = np.average(mean_of(parts["light"], parts[name])[ring], weights=seen[ring])
            value = getattr(self, attribute) + float(self.row[target]) - mean
            setattr(self, attribute, float(np.clip(value, -0.8, 0.8)))


def _spread(second_moment, mean):
    return np.sqrt(np.maximum(second_moment - mean**2, 100.0))
