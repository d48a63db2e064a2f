"""The SSP basis against what is known of stellar populations independently of it."""

from pathlib import Path

import numpy as np
import pytest

from cubespace.errors import CubespaceError
from cubespace.survey import ssp

PATH = Path(__file__).parents[2] / "resources" / "ssp_basis.npz"
SUN_5700 = (
    0.50  # luminosity of the Sun at 5700 A: irradiance 0.182 W/m2/A at 1 AU -> 5.1e29 erg/s/A [1e30 erg/s/A]
)


@pytest.fixture(scope="module")
def basis():
    return ssp.load_basis(PATH)


def dn4000(basis, spectrum):
    """Balogh et al. (1999): flux per frequency, 4000-4100 over 3850-3950 A."""
    wave = basis.wavelength
    red, blue = (wave >= 4000) & (wave <= 4100), (wave >= 3850) & (wave <= 3950)
    return (spectrum * wave**2)[..., red].mean(-1) / (spectrum * wave**2)[..., blue].mean(-1)


def lick(basis, spectrum, band, blue, red):
    """Equivalent width [A] of an absorption line with straight pseudo-continuum (Worthey et al. 1994)."""
    wave = basis.wavelength

    def mean(low, high):
        return spectrum[(wave >= low) & (wave <= high)].mean()

    inside = (wave >= band[0]) & (wave <= band[1])
    slope = (mean(*red) - mean(*blue)) / (np.mean(red) - np.mean(blue))
    continuum = mean(*blue) + slope * (wave[inside] - np.mean(blue))
    return np.trapezoid(1 - spectrum[inside] / continuum, wave[inside])


HDELTA_A = (4083.5, 4122.25), (4041.6, 4081.5), (4128.5, 4161.0)
MGB = (5160.125, 5192.625), (5117.625, 5142.625), (5191.375, 5206.375)


def test_coverage_and_size(basis):
    assert PATH.stat().st_size < 800_000
    assert basis.wavelength[0] <= 3749 / 1.08 and basis.wavelength[-1] >= 7501 / 1.0005
    assert basis.log_age[0] < 6.6 and basis.log_age[-1] > 10.1
    assert np.all(basis.spectra > 0) and np.all(np.isfinite(basis.spectra))
    assert basis.fwhm < 6.5 / 1.08  # sharper than the instrument at every redshift of the survey


def test_mass_to_light_rises_with_age_and_has_the_known_value(basis):
    solar = ssp.nodes(basis, basis.log_age, np.zeros(basis.log_age.size))
    ratio = ssp.lookup(basis.mass_to_light, solar) * SUN_5700
    assert np.all(np.diff(ratio) > 0)
    at_10_gyr = np.interp(10.0, basis.log_age, ratio)
    assert 2.0 < at_10_gyr < 4.0  # Kroupa IMF, V: 2.5-3.2 in the published models
    assert ratio[0] < 0.03


def test_remaining_mass_falls_with_age(basis):
    assert np.all(np.diff(basis.remaining[1:], axis=0) < 0)
    assert np.all((basis.remaining > 0.35) & (basis.remaining <= 1.0))


def test_break_and_balmer_lines_follow_age(basis):
    young, middle, old = (ssp.spectrum(basis, age, 0.0) for age in (7.5, 8.8, 10.0))
    assert dn4000(basis, young) < 1.15
    assert 1.15 < dn4000(basis, middle) < 1.45
    assert 1.7 < dn4000(basis, old) < 2.2
    strengths = [lick(basis, spectrum, *HDELTA_A) for spectrum in (young, middle, old)]
    assert strengths[1] > strengths[0] and strengths[1] > 5  # A stars, 0.3-1 Gyr (Kauffmann et al. 2003)
    assert strengths[2] < 0


def test_magnesium_follows_metallicity(basis):
    values = [lick(basis, ssp.spectrum(basis, 10.0, metal), *MGB) for metal in (-1.0, -0.45, 0.0, 0.3)]
    assert np.all(np.diff(values) > 0)
    assert 3.0 < values[2] < 4.8


def test_interpolation_is_exact_at_nodes_linear_between_and_clamped(basis):
    i, j = 7, 3
    at = ssp.nodes(basis, basis.log_age[i], basis.metallicity[j])
    assert np.allclose(ssp.lookup(basis.shapes, at), basis.shapes[i, j], rtol=1e-12)
    half = ssp.nodes(basis, basis.log_age[i : i + 2].mean(), basis.metallicity[j : j + 2].mean())
    expected = basis.shapes[i : i + 2, j : j + 2].mean(axis=(0, 1))
    assert np.allclose(ssp.lookup(basis.shapes, half), expected, rtol=1e-12)
    outside = ssp.nodes(basis, [2.0, 12.0], [-9.0, 9.0])
    assert np.allclose(ssp.lookup(basis.shapes, outside), [basis.shapes[0, 0], basis.shapes[-1, -1]])


def test_weights_sum_to_one_for_any_shape(basis):
    rng = np.random.default_rng(1)
    index, weight = ssp.nodes(basis, rng.uniform(5, 11, (3, 4, 5)), rng.uniform(-2, 1, (3, 4, 5)))
    assert index.shape == weight.shape == (4, 3, 4, 5)
    assert np.allclose(weight.sum(0), 1) and weight.min() >= 0
    assert index.max() < basis.log_age.size * basis.metallicity.size


def test_compression_keeps_the_spectra(basis):
    factors, components = basis.compressed(32)
    error = np.abs(factors @ components / basis.shapes.reshape(-1, basis.wavelength.size) - 1)
    window = (basis.wavelength > 3750) & (basis.wavelength < 7400)
    assert np.quantile(error[:, window], 0.999) < 2e-3


def test_missing_file_and_array(tmp_path):
    with pytest.raises(CubespaceError, match="not found"):
        ssp.load_basis(tmp_path / "none.npz")
    np.savez(tmp_path / "part.npz", wavelength=np.arange(3.0))
    with pytest.raises(CubespaceError, match="lacks log_age"):
        ssp.load_basis(tmp_path / "part.npz")
