"""Distances against astropy and against numbers worked out elsewhere."""

import numpy as np
import pytest

from cubespace import cosmology
from cubespace.errors import CubespaceError

astropy_cosmology = pytest.importorskip("astropy.cosmology")


@pytest.mark.parametrize(
    ("h0", "om0"), [(67.66, 0.30966), (70.0, 0.3), (100.0, 0.31), (50.0, 1.0), (73.0, 0.0)]
)
def test_distances_equal_astropy(h0, om0):
    z = np.array([0.0, 1e-5, 0.003, 0.03, 0.1, 0.5, 3.0])
    reference = astropy_cosmology.FlatLambdaCDM(H0=h0, Om0=om0, Tcmb0=0)
    np.testing.assert_allclose(
        cosmology.comoving_distance(z, h0, om0), reference.comoving_distance(z).value, rtol=1e-10
    )
    np.testing.assert_allclose(
        cosmology.luminosity_distance(z, h0, om0), reference.luminosity_distance(z).value, rtol=1e-10
    )
    np.testing.assert_allclose(
        cosmology.kpc_per_arcsec(z[1:], h0, om0),
        1.0 / reference.arcsec_per_kpc_proper(z[1:]).value,
        rtol=1e-10,
    )


def test_planck_with_radiation_and_neutrinos_differs_by_less_than_one_in_1e4():
    z = np.array([0.005, 0.03, 0.08])
    np.testing.assert_allclose(
        cosmology.comoving_distance(z), astropy_cosmology.Planck18.comoving_distance(z).value, rtol=1e-4
    )


def test_known_value_and_not_cz_over_h0():
    assert float(cosmology.comoving_distance(0.03, 70.0, 0.3)) == pytest.approx(127.61, abs=0.005)
    assert 0.7 * float(cosmology.comoving_distance(0.03, 70.0, 0.3)) == pytest.approx(89.33, abs=0.005)
    assert float(cosmology.comoving_distance(0.03, 100.0, 0.3)) == pytest.approx(89.33, abs=0.005)
    naive = 299792.458 * 0.03 / 70.0
    assert naive == pytest.approx(128.48, abs=0.005)


def test_empty_universe_of_matter_only_has_its_closed_form():
    # Einstein-de Sitter: D = 2 c / H0 (1 - 1 / sqrt(1 + z))
    z = 0.7
    assert float(cosmology.comoving_distance(z, 70.0, 1.0)) == pytest.approx(
        2 * 299792.458 / 70 * (1 - 1 / np.sqrt(1 + z)), rel=1e-12
    )


def test_shapes_missing_and_negative():
    assert cosmology.comoving_distance(np.full((2, 3), 0.01)).shape == (2, 3)
    assert np.isnan(cosmology.comoving_distance(np.array([np.nan, 0.1]))).tolist() == [True, False]
    with pytest.raises(CubespaceError, match=r"-0\.001"):
        cosmology.comoving_distance(np.array([0.1, -0.001]))


def test_a_distance_is_the_same_whatever_stands_beside_it():
    """To the last bit, or a galaxy that joins the sample would rerun those that are there."""
    z = np.random.default_rng(3).uniform(0.001, 0.1, 40)
    alone = np.array([cosmology.luminosity_distance(value) for value in z])
    for n in range(1, 41):
        np.testing.assert_array_equal(cosmology.luminosity_distance(z[:n]), alone[:n])
