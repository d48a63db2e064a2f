"""What is measured in a simulated cube is what was put into it: flux, equivalent width, line ratios, velocities, age-sensitive
indices, of whole galaxies and of single spaxels. Tolerances: those of the flux calibration (1.5 %) and of template fitting.
"""

import closure
import numpy as np
import pytest
from scipy.stats import spearmanr

from conftest import ROOT
from cubespace.survey import instrument, mock, population, ssp
from cubespace.survey.spectrum import MPC, luminosity_distance

WAVE = instrument.WAVELENGTH
# residuals of sky lines are alike in all spaxels, so they do not average out: masked, as one would
CLEAN = np.all([np.abs(WAVE - line) > 9 for line, _ in instrument.SKY_LINES], axis=0)
KINDS = ("E", "S0", "Sa", "Sb", "Sc", "Sd", "AGN")
DISPERSIONS = (60.0, 150.0, 260.0)
SPAXELS, SNR = 20, 15  # of each galaxy, and the least S/N they have


class Galaxy:
    """One simulated galaxy without foreground stars, and how to measure any part of it."""

    def __init__(self, row, basis):
        self.row, self.basis, self.z = row, basis, row["redshift"]
        self.seen, _, self.maps, self.realised = mock.make(row, basis, 2.0)
        distance = luminosity_distance(self.z, self.maps.header["kpc_arcsec"]) * MPC
        self.unit = 1e30 / (4 * np.pi * distance**2) / 1e-16  # from 1e30 erg/s to 1e-16 erg/s/cm2
        self.models = [closure.templates(basis, WAVE, self.z, instrument.LSF_FWHM, s) for s in DISPERSIONS]
        self.sets = self.models
        self.whole = self.measure(self.maps.inside)
        self.sets = [self.models[self.whole["set"]]]
        level = self.seen.flux[1000:1050] / np.maximum(self.seen.error[1000:1050], 1e-9)
        snr = np.where(self.maps.inside, np.median(level, axis=0), 0)
        bright = np.argwhere(snr > SNR)
        chosen = np.random.default_rng(1).permutation(len(bright))[:SPAXELS]
        self.spaxels = [self.measure(self._single(y, x)) for y, x in bright[chosen]]

    def _single(self, y, x):
        where = np.zeros_like(self.maps.inside)
        where[y, x] = True
        return where

    def measure(self, where):
        """dict of name -> (measured, true), and S/N of the lines."""
        maps, z, fwhm = self.maps, self.z, instrument.LSF_FWHM
        used = self.seen.bad[:, where] == 0
        share = used.mean(axis=1)
        flux = np.where(used, self.seen.flux[:, where], 0).sum(axis=1) / np.maximum(share, 0.01)
        error = np.sqrt(np.where(used, self.seen.error[:, where] ** 2, 0).sum(axis=1))
        error, good = np.maximum(error, 0.004 * np.abs(flux)), (share > 0.7) & CLEAN
        stars, velocity_stars, best = closure.stars(flux, error, good, self.sets, WAVE, z)
        lines, sigma, velocity = closure.fit_lines(flux - stars, error, good, WAVE, z, fwhm)
        true = {name: maps.lines[name][where].sum() for name in maps.lines}
        truth = closure.truth_stars(maps, self.basis, where, WAVE, z, fwhm)
        seen = maps.observed_light[where]

        def ratio(above, below):
            measured = np.log10(max(lines[above], 1e-9) / max(lines[below], 1e-9))
            return measured, np.log10(true[above] / true[below])

        return {
            "set": best,
            "snr": {name: lines[name] / sigma[name] for name in lines},
            "window": (closure.window_flux(flux, good, WAVE, z), seen.sum() * self.unit / (1 + z)),
            "ha": (lines["Halpha"], true["Halpha"] * self.unit),
            "ew": (closure.ew_ha(lines["Halpha"], stars, WAVE, z), true["Halpha"] / maps.continuum_ha[where].sum()),
            "nii": ratio("NII6583", "Halpha"),
            "oiii": ratio("OIII5007", "Hbeta"),
            "gas": (velocity, np.average(maps.gas_velocity[where], weights=maps.lines["Halpha"][where])),
            "star": (velocity_stars, np.average(maps.velocity[where], weights=seen)),
            "d4000": (closure.break_4000(flux, good, WAVE, z), closure.break_4000(truth, good, WAVE, z)),
            "hdelta": (closure.hdelta(stars, good, WAVE, z), closure.hdelta(truth, good, WAVE, z)),
            "age": np.average(maps.mean_age()[where], weights=seen),
        }


@pytest.fixture(scope="module")
def galaxies():
    basis = ssp.load_basis(ROOT / "resources/ssp_basis.npz")
    rows = population.draw(200, 11)
    free = [
        len(instrument.draw_stars(_field(seed), np.random.default_rng([seed, 2]))[0]) == 0 for seed in rows["seed"]
    ]
    rows = rows[np.array(free) & rows["redshift"].between(0.008, 0.03) & (rows["log_mass"] > 9.5)]
    made = {}
    for kind in KINDS:
        wanted = rows["agn"] == 1 if kind == "AGN" else (rows["agn"] == 0) & (rows["morphology"] == kind)
        made[kind] = Galaxy(rows[wanted].iloc[0].to_dict(), basis)
    return made


def _field(seed):
    return instrument.frame(2.0, np.random.default_rng([seed, 0]))


def differences(records, name, relative=False):
    pairs = np.array([record[name] for record in records])
    return pairs[:, 0] / pairs[:, 1] - 1 if relative else pairs[:, 0] - pairs[:, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_galaxy(galaxies, kind):
    found = galaxies[kind].whole
    assert abs(differences([found], "window", relative=True)[0]) < 0.04
    measured, true = found["ew"]
    assert abs(measured - true) < max(0.4, 0.06 * true)
    if true > 3:
        assert abs(differences([found], "ha", relative=True)[0]) < 0.06
        assert abs(differences([found], "gas")[0]) < 10
    if min(found["snr"]["NII6583"], found["snr"]["Halpha"]) > 30 and true > 3:
        assert abs(differences([found], "nii")[0]) < 0.04
    if min(found["snr"]["OIII5007"], found["snr"]["Hbeta"]) > 30 and true > 3:
        assert abs(differences([found], "oiii")[0]) < 0.06
    if found["d4000"][1] > 1.3:  # the hot stars of a very young galaxy have next to no lines in the window
        assert abs(differences([found], "star")[0]) < 25
    assert abs(differences([found], "d4000")[0]) < 0.06
    assert abs(differences([found], "hdelta")[0]) < 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_spaxels(galaxies, kind):
    """Medians (no bias) and typical scatter of single spaxels."""
    records = galaxies[kind].spaxels
    assert len(records) >= 10
    assert abs(np.median(differences(records, "window", relative=True))) < 0.03
    assert abs(np.median(differences(records, "star"))) < 15
    assert np.median(np.abs(differences(records, "star"))) < 35
    assert abs(np.median(differences(records, "d4000"))) < 0.03
    assert abs(np.median(differences(records, "hdelta"))) < 0.7
    bright = [r for r in records if min(r["snr"]["Halpha"], r["snr"]["NII6583"]) > 10]
    if len(bright) >= 5:
        assert abs(np.median(differences(bright, "ew", relative=True))) < 0.05
        assert abs(np.median(differences(bright, "nii"))) < 0.04
        assert np.median(np.abs(differences(bright, "nii"))) < 0.05
        assert np.median(np.abs(differences(bright, "gas"))) < 12
    bright = [r for r in records if min(r["snr"]["OIII5007"], r["snr"]["Hbeta"]) > 8]
    if len(bright) >= 5:
        assert abs(np.median(differences(bright, "oiii"))) < 0.05
        assert np.median(np.abs(differences(bright, "oiii"))) < 0.08


def test_lines_were_measured_in_most_types(galaxies):
    """The conditions above do not skip everything."""
    emitting = [kind for kind in KINDS if sum(r["snr"]["Halpha"] > 10 for r in galaxies[kind].spaxels) >= 5]
    assert {"Sb", "Sc", "Sd", "AGN"} <= set(emitting)


def test_indices_follow_age(galaxies):
    records = [record for galaxy in galaxies.values() for record in galaxy.spaxels]
    age = [record["age"] for record in records]
    assert spearmanr(age, [record["d4000"][0] for record in records]).statistic > 0.85
    assert spearmanr(age, [record["hdelta"][0] for record in records]).statistic < -0.6
