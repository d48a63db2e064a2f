"""Stars, gas and dust of one mock galaxy: truth maps that realise the row of the truth table.

The row's values are imposed, not hoped for: how, and which of them win, says `populations`; [NII]/Ha and
[OIII]/Hb at the centre and at Re are imposed by `gas`. `integrated` measures all of them back from the
finished maps. Everything refers to the field of view, as the survey's own catalogue does.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from cubespace.survey.gas import CENTRE_ARCSEC, broad_line, dim, line_maps
from cubespace.survey.maps import RING, Maps, half_light
from cubespace.survey.populations import STELLAR_DUST, Populations, Scene, stellar_screen
from cubespace.survey.structure import FINE, build, kind_of

COARSE = 4  # fine pixels along the side of those on which populations are found first


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
    weight = np.maximum(light, 1e-30 * light.max())
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
    ring = _ring(plan, inside)
    aperture = inside & (plan.offset <= CENTRE_ARCSEC)
    images = {
        "light": weight, "star_formation": star_formation, "dust": dust, "lane": lane, "radius": plan.radius,
        "offset": plan.offset, "inside": inside.astype(float), "ring": ring.astype(float), "aperture": aperture.astype(float),
    }  # fmt: skip
    populations = Populations(row, kind_of(row), basis, psf, rng)
    knobs, laid = populations.solve(Scene.cut(images), Scene.cut(images, COARSE))
    parts = laid.parts
    to_mass = 10 ** float(row["log_mass"]) / parts["mass"].sum()

    def image(values, empty=0.0):
        full = np.full((*values.shape[:-1], *shape), empty)
        full[..., inside] = values
        return full

    ha, young_share, av_gas = image(parts["ha"]), image(parts["young_share"]), image(laid.av_gas)
    lines = line_maps(row, plan, ha, star_formation, young_share, av_gas, inside, ring, psf, rng)
    width, broad = broad_line(row, plan, image(parts["continuum"]), psf, rng)
    outside = 1 - (1 - plan.outside) * light[inside].sum() / light.sum()
    header = {
        "redshift": float(row["redshift"]),
        "kpc_arcsec": float(row["re_kpc"]) / float(row["re_arcsec"]),
        "re_arcsec": float(row["re_arcsec"]),
        "axis_ratio": float(row["axis_ratio"]),
        "outside": float(outside),
        "centre_y": centre[0],
        "centre_x": centre[1],
        "broad_sigma": width,
        "slow_rotator": plan.notes["slow_rotator"],
        "knobs": knobs,
    }
    cut = inside.astype(float)
    return Maps(
        inside=inside,
        light=image(parts["light"] * to_mass),
        log_age=image(parts["log_age"]),
        metallicity=image(parts["metallicity"]),
        mass=image(parts["mass"] * to_mass),
        av_stars=image(laid.av_stars),
        av_gas=av_gas,
        velocity=velocity * cut,
        dispersion=dispersion * cut,
        gas_velocity=gas_velocity * cut,
        gas_dispersion=gas_dispersion * cut,
        lines={name: value * to_mass * cut for name, value in lines.items()},
        continuum_ha=image(parts["continuum"] * to_mass),
        star_forming=young_share,
        broad=broad * to_mass * cut,
        radius=plan.radius,
        offset=plan.offset,
        header=header,
    )


def _sized(row, shape, centre, inside, seed):
    """The structure, with sizes corrected so that the dimmed half-light radius is the row's."""
    re, stretch = float(row["re_arcsec"]), 1.0
    for _ in range(2):
        plan = build(row, shape, centre, seed, stretch, moving=False)
        ring = _ring(plan, inside)
        dust = plan.dust * (
            float(row["av_gas"]) / np.average(plan.dust[ring], weights=plan.star_formation[ring] + 1e-12)
        )
        seen = plan.light * dim(stellar_screen(dust, plan.mixed, STELLAR_DUST), 5700.0)
        beyond = 1 - (1 - plan.outside) * plan.light[inside].sum() / plan.light.sum()
        off = re / half_light(seen[inside], plan.radius[inside] * re, beyond)
        stretch = float(np.clip(stretch * off, 0.5, 1.8))
        if abs(off - 1) < 0.03:
            break
    return build(row, shape, centre, seed, stretch)


def _ring(plan, inside):
    ring = inside & (plan.radius > RING[0]) & (plan.radius < RING[1])
    return ring if ring.any() else inside


def _spread(second_moment, mean):
    return np.sqrt(np.maximum(second_moment - mean**2, 100.0))
