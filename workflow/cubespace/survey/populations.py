"""Stellar populations of a mock galaxy, their dust and their ionising light, laid out so that the row of the
truth table is realised.

Imposed exactly, and they win: stellar mass, H-alpha equivalent width of the whole field and of the centre,
light-weighted age and metallicity at Re, Av of the gas at Re. The star formation rate and g - r are then met
as well as four things that those leave free allow (`Knobs`), each within physical limits and drawn towards
its usual value: where they cannot be met, a compromise is made and `integrated` says what came out. The mass
surface density at Re follows from mass and Re, to 0.05 dex: nothing moves it, since what a gradient of M/L
adds within the half-light radius it takes away beyond.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from cubespace.survey import ssp
from cubespace.survey.gas import H_ALPHA, dim, h_alpha, old_floor

ION_AGE, YOUNG_AGE = np.log10(3e6), 7.9  # [log10 yr]: ionising stars; last 200 Myr of constant star formation
EW_IONISING = 1500.0  # EW(Ha) [A] of light of ionising stars alone, referred to their 5700 A light
# [dex/Re]; the sense of Gonzalez Delgado et al. (2015)
AGE_SLOPE = {
    "E": -0.08,
    "S0": -0.1,
    "Sa": -0.2,
    "Sb": -0.25,
    "Sbc": -0.22,
    "Sc": -0.18,
    "Sd": -0.05,
    "I": 0.0,
    "BCD": 0.2,
}
STELLAR_DUST = 0.44  # usual Av of stars over that of gas (Calzetti et al. 2000)
SFR_ZERO = 41.27  # log L(Ha)/(erg/s) of 1 Msun/yr (Kennicutt & Evans 2012)
COLOUR_BANDS = (4000.0, 5450.0), (5600.0, 6900.0)  # g and r as boxes, rest frame [A]
AGES, METALS = np.linspace(6.45, 10.15, 149), np.linspace(-1.5, 0.3, 19)  # of the tables of populations
# what is met as well as can be: name -> error [dex, mag] that weighs as much as one scale of a knob
WANTED = {"log_sfr": 0.02, "g_r": 0.018}


class Knobs(NamedTuple):
    """What the imposed values leave free.

    width: half-distance of the two ages of the smooth population [dex], sets M/L and colour at a given
    light-weighted age; dust_ratio: Av of stars over that of gas; age_slope
    [dex/Re]; dust_slope: of ln Av, added to the pattern's [1/Re].
    """

    width: float
    dust_ratio: float
    age_slope: float
    dust_slope: float


YOUNGER = 0.6  # [dex] the younger of the two ages lies no farther from the centre
LOWER = np.array([0.08, 0.22, -0.55, -0.4])
UPPER = np.array([1.60, 0.90, 0.35, 0.4])
SCALE = np.array([0.30, 0.20, 0.15, 0.20])


@dataclass
class Scene:
    """One value a pixel (n,), after the seeing: light and star_formation [relative], dust (gas Av over that
    at Re, light-weighted), lane, radius [Re], offset [arcsec]; inside, ring, aperture: share of the pixel in
    the field, in the ring at Re, in the central aperture."""

    light: np.ndarray
    star_formation: np.ndarray
    dust: np.ndarray
    lane: np.ndarray
    radius: np.ndarray
    offset: np.ndarray
    inside: np.ndarray
    ring: np.ndarray
    aperture: np.ndarray

    @classmethod
    def cut(cls, images, factor=1):
        """From images (ny, nx) by name: blocks of factor x factor pixels that are inside at all,
        flattened."""
        if factor > 1:
            ny, nx = images["light"].shape

            def add(image):
                return image.reshape(ny // factor, factor, nx // factor, factor).sum(axis=(1, 3))

            light = np.maximum(add(images["light"]), 1e-300)
            weighted = {
                name: add(images[name] * images["light"]) / light
                for name in ("dust", "lane", "radius", "offset")
            }
            # masks by light, so that a sum over a ring is that of its fine pixels; its area is kept apart
            masks = {
                name: add(images[name] * images["light"]) / light for name in ("inside", "ring", "aperture")
            }
            images = weighted | masks | {"light": light, "star_formation": add(images["star_formation"])}
        inside = images["inside"] > 0
        return cls(**{name: image[inside] for name, image in images.items()})


class Populations:
    """Four SSPs a spaxel: 3 Myr and 80 Myr light set by the ionising flux, and a pair of ages about a
    central one.

    The central age is what makes the light-weighted log age equal to the target profile; the pair lies to
    either side, and a far older one has the smaller share of the light.
    """

    def __init__(self, row, kind, basis, psf, rng):
        self.row, self.kind, self.basis, self.psf = row, kind, basis, psf
        slope = AGE_SLOPE[kind.name] + rng.normal(0, 0.06)
        width = rng.uniform(0.15, 0.3) if kind.name in ("E", "S0") else rng.uniform(0.35, 0.6)
        self.metal_slope = float(rng.normal(-0.12, 0.05))
        self.young_per_ion = float(rng.uniform(2.0, 4.0))  # light of 10-200 Myr over that of < 10 Myr
        self.old_share = old_floor(row, kind.name)
        self.usual = Knobs(float(width), STELLAR_DUST, float(slope), 0.0)
        window = basis.window_light
        bands = [np.log10(basis.band(*ssp.HA_SIDES) / window), np.log10(basis.mass_to_light)]
        bands += [np.log10(basis.band(band) / window) for band in COLOUR_BANDS]
        # on a regular grid, linear in the values: (age, metallicity, quantity)
        age, metal = np.meshgrid(AGES, METALS, indexing="ij")
        self.tables = 10 ** ssp.lookup(np.stack(bands, axis=-1), ssp.nodes(basis, age, metal))

    def solve(self, fine, coarse):
        """Knobs that meet WANTED best, found on the coarse scene and set right by the difference to the fine
        one.

        Gauss-Newton with the knobs' usual values as a prior. Returns (Knobs, the fine `Layout`, settled).
        """
        given = {name: self.row.get(name) for name in WANTED}
        names = [name for name, value in given.items() if value not in (None, "") and np.isfinite(value)]
        target = np.array([float(self.row[name]) for name in names])
        weight = 1 / np.array([WANTED[name] for name in names])
        rough, exact = Layout(self, coarse), Layout(self, fine)
        knobs, prior = np.array(self.usual), np.array(self.usual)
        rough.settle(Knobs(*knobs), 3)

        def measured(layout, values):
            found = layout.settle(Knobs(*values), 2)
            return np.array([found[name] for name in names])

        jacobian, before = None, None
        for attempt in range(4 if names else 0):
            here = measured(rough, knobs)
            if jacobian is None:
                jacobian = self._jacobian(rough, knobs, here, names)
            else:  # Broyden's update
                moved = knobs - before[0]
                if moved @ moved > 0:
                    jacobian = jacobian + np.outer(here - before[1] - jacobian @ moved, moved) / (
                        moved @ moved
                    )
            if attempt == 2:  # from here on, what the fine maps would say
                exact.state = rough.state.on(fine)
                target = target + here - measured(exact, knobs)
            before = knobs, here
            knobs = self._step(knobs, prior, (target - here) * weight, jacobian * weight[:, None])
        if not names:
            exact.state = rough.state.on(fine)
        exact.settle(Knobs(*knobs), 2 if names else 4)
        return Knobs(*knobs), exact

    def _jacobian(self, layout, knobs, here, names):
        """Derivatives (n_names, n_knobs) by finite differences, from one iteration each."""
        step = np.where(knobs + 0.3 * SCALE < UPPER, 0.3, -0.3) * SCALE
        state, columns = layout.state, []
        for i in range(len(knobs)):
            layout.state = state
            found = layout.settle(Knobs(*(knobs + step * (np.arange(len(knobs)) == i))), 1)
            columns.append((np.array([found[name] for name in names]) - here) / step[i])
        layout.state = state
        return np.stack(columns, axis=1)

    def _step(self, knobs, prior, misfit, jacobian):
        """One step of least squares with a Gaussian prior of width SCALE; knobs that would leave their limits
        stay there."""
        free = np.ones(knobs.size, bool)
        new = knobs.copy()
        for _ in range(3):
            at = jacobian[:, free] * SCALE[free]
            held = misfit - jacobian[:, ~free] @ (new - knobs)[~free]
            pull = (prior - knobs)[free] / SCALE[free]
            move = np.linalg.solve(at.T @ at + np.eye(free.sum()), at.T @ held + pull)
            new[free] = knobs[free] + np.clip(move, -1.5, 1.5) * SCALE[free]
            beyond = free & ((new < LOWER) | (new > UPPER))
            new = np.clip(new, LOWER, UPPER)
            if not beyond.any():
                break
            free &= ~beyond
            if not free.any():
                break
        return new


@dataclass
class State:
    """What the iterations have found: ionising light (n,), its mean by radius, shifts of age and
    metallicity."""

    ion: np.ndarray
    ion_ring: np.ndarray
    shift_age: float = 0.0
    shift_metal: float = 0.0
    profile: np.ndarray | None = None

    def on(self, scene):
        """Carried to another scene through the radial profile."""
        ion = np.interp(scene.radius / 0.15 - 0.5, np.arange(self.profile.size), self.profile)
        return replace(self, ion=ion, ion_ring=ion)


class Layout:
    """Populations on a scene."""

    def __init__(self, populations, scene):
        self.populations, self.scene = populations, scene
        self.bins = np.minimum(scene.radius / 0.15, 30).astype(int)
        self.counts = np.maximum(np.bincount(self.bins), 1)
        self.reach = np.minimum(scene.radius, 2.5) - 1
        zero = np.zeros(scene.radius.shape)
        self.state = State(zero, zero)
        self.parts = {}

    def settle(self, knobs, times):
        """Iterate: populations -> continuum -> H-alpha of the imposed equivalent widths -> ionising light ->
        age and metallicity at Re. Returns what came out of WANTED; `parts` holds the maps."""
        self.screen(knobs)
        for _ in range(times):
            self.mix(knobs)
            self.light_up(knobs)
            self.steer()
        self.mix(knobs)
        self.light_up(knobs, keep=True)
        return self.measure()

    def screen(self, knobs):
        """Av of gas and of stars, (n,): the pattern with the row's value at Re, weighted by star
        formation."""
        scene, row = self.scene, self.populations.row
        dust = scene.dust * np.exp(knobs.dust_slope * (np.minimum(scene.radius, 3) - 1))
        weights = scene.ring * scene.star_formation
        usual = (dust * weights).sum() / weights.sum()
        self.av_gas = np.clip(dust * (float(row["av_gas"]) / usual), 0, 6.0)
        self.av_stars = stellar_screen(self.av_gas, scene.lane, knobs.dust_ratio)

    def mix(self, knobs):
        """Populations for the smooth starlight; young light comes on top of it."""
        own, state, light = self.populations, self.state, self.scene.light
        ion = state.ion
        young = np.minimum(own.young_per_ion * ion, 0.6)
        rest = 1 - ion - young
        # the smooth population has the profile's age given the mean ionising light at this radius; so knots
        # and arms are younger than it
        young_ring = np.minimum(own.young_per_ion * state.ion_ring, 0.6)
        target = float(own.row["log_age_lw"]) + knobs.age_slope * self.reach + state.shift_age
        centre = np.clip(
            (target - state.ion_ring * ION_AGE - young_ring * YOUNG_AGE) / (1 - state.ion_ring - young_ring),
            7.75,
            10.08,
        )
        # two ages about the centre, with the shares that keep the mean there
        below = np.minimum(min(knobs.width, YOUNGER), centre - 7.5)
        above = np.minimum(knobs.width, 10.13 - centre)
        old = rest * below / (below + above)
        metal = np.clip(
            float(own.row["metallicity_lw"]) + own.metal_slope * self.reach + state.shift_metal, -1.45, 0.3
        )
        same = np.ones_like(centre)
        log_age = np.stack([ION_AGE * same, YOUNG_AGE * same, centre - below, centre + above])
        metallicity = np.stack(
            [metal, metal, np.clip(metal + 0.05, -1.5, 0.3), np.clip(metal - 0.05, -1.5, 0.3)]
        )
        luminosity = np.stack([ion, young, rest - old, old]) * (light * (1 + 0.7 * (1 / rest - 1)))
        sums = np.einsum("pn,pnk->kn", luminosity, self._values(log_age, metallicity))
        self.parts = {
            "light": luminosity, "log_age": log_age, "metallicity": metallicity, "mass": sums[1], "bands": sums[2:],
            "continuum": sums[0] * dim(self.av_stars, H_ALPHA),
        }  # fmt: skip

    def _values(self, log_age, metallicity):
        """Bilinear interpolation in the regular tables: (4, n, quantity)."""
        tables = self.populations.tables
        x = (log_age - AGES[0]) / (AGES[1] - AGES[0])
        y = (metallicity - METALS[0]) / (METALS[1] - METALS[0])
        i, j = np.minimum(x.astype(int), AGES.size - 2), np.minimum(y.astype(int), METALS.size - 2)
        s, t = (x - i)[..., None], (y - j)[..., None]
        flat, at, below = tables.reshape(-1, tables.shape[-1]), i * METALS.size + j, METALS.size
        low, high = flat[at], flat[at + below]
        low = low + t * (flat[at + 1] - low)
        high = high + t * (flat[at + below + 1] - high)
        return low + s * (high - low)

    def light_up(self, knobs, keep=False):
        """H-alpha for the continuum there is; the ionising light that it asks for, unless kept."""
        own, continuum = self.populations, self.parts["continuum"]
        ha, young = h_alpha(own.row, own.kind, self.scene, continuum, own.psf, own.old_share)
        self.parts |= {"ha": ha, "young_share": young}
        if not keep:
            ion = np.clip(young * ha / np.maximum(continuum, 1e-300) / EW_IONISING, 0, 0.18)
            profile = np.bincount(self.bins, ion) / self.counts
            ring = np.interp(self.scene.radius / 0.15 - 0.5, np.arange(profile.size), profile)
            self.state = replace(self.state, ion=ion, ion_ring=ring, profile=profile)

    def steer(self):
        """Shift age and metallicity so that their light-weighted means in the ring meet the row."""
        parts, row = self.parts, self.populations.row
        weights = self.scene.ring * dim(self.av_stars, 5700.0)
        total = (parts["light"].sum(0) * weights).sum()
        shifts = {}
        for name, target, shift in (
            ("log_age", "log_age_lw", "shift_age"),
            ("metallicity", "metallicity_lw", "shift_metal"),
        ):
            mean = ((parts["light"] * parts[name]).sum(0) * weights).sum() / total
            # the light-weighted age of a pixel follows its smooth part only
            shifts[shift] = float(np.clip(getattr(self.state, shift) + float(row[target]) - mean, -0.8, 0.8))
        self.state = replace(self.state, **shifts)

    def measure(self):
        """log_sfr [log10 Msun/yr], of all H-alpha as catalogues have it, and g_r [mag] of the populations as they are."""
        parts, scene, row = self.parts, self.scene, self.populations.row
        to_mass = 10 ** float(row["log_mass"]) / (parts["mass"] * scene.inside).sum()
        ha = (parts["ha"] / dim(self.av_gas, H_ALPHA) * scene.inside).sum()
        flux = [
            (band * scene.inside * dim(self.av_stars, np.mean(limits))).sum() * np.mean(limits) ** 2
            for band, limits in zip(parts["bands"], COLOUR_BANDS, strict=True)
        ]
        return {
            "log_sfr": float(np.log10(ha * to_mass) + 30 - SFR_ZERO),
            "g_r": float(-2.5 * np.log10(flux[0] / flux[1])),
        }


def stellar_screen(av_gas, lane, ratio):
    """Av of the stars: `ratio` of the gas's (to 4 mag); in an edge-on lane an opaque layer with 40 % of the
    stars in front of it."""
    screen = ratio * np.minimum(av_gas, 4.0)
    half = -2.5 * np.log10(0.4 + 0.6 * 10 ** (-0.4 * 4 * screen))
    return (1 - lane) * screen + lane * half
