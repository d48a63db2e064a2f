"""Spectra of the mock against real ones: ten components of a few mock galaxies rebuild spectra of NGC 2906 (CALIFA, V500)."""

import numpy as np
import pytest

from conftest import ROOT
from cubespace.cubes import restframe
from cubespace.cubes.cube import Cube
from cubespace.spectra.basis import principal_components
from cubespace.spectra.moments import Moments, Pool, galaxy_moments
from cubespace.spectra.project import project
from cubespace.survey import instrument, mock, population, ssp

REDSHIFT = 0.0071  # of the survey's table; the header's MED_VEL is wrong
PER_TYPE = 2


@pytest.fixture(scope="module")
def ten():
    """Mean and ten components of the bright spectra of two galaxies of each type, by the project's own PCA."""
    basis = ssp.load_basis(ROOT / "resources/ssp_basis.npz")
    rows = population.draw(150, 11)
    rows = rows[(rows["log_mass"] > 9.3) & rows["redshift"].between(0.004, 0.03)].groupby("morphology").head(PER_TYPE)
    pool = Pool(restframe.wavelength_grid().size)
    for row in rows.to_dict("records"):
        seen, _, maps, _ = mock.make(row, basis, 2.0)
        cube = Cube(
            seen.flux, seen.error, seen.bad > 0, seen.star > 0, maps.inside, instrument.WAVELENGTH, 2.0, "mock"
        )
        found = galaxy_moments(cube, row["redshift"], min_spaxels=5)
        pool.add(Moments(int(found["count"]), found["mean"], found["scatter"]))
    assert pool.count > 300
    components, _ = principal_components(pool.moments(), 10)
    return pool.mean, components


def test_ten_components_rebuild_real_spectra(shared_data, ten):
    paths = sorted((shared_data / "ngc2906").glob("*.spec_*.txt"))
    assert len(paths) == 2
    flux = np.stack([np.loadtxt(path)[:, 2] for path in paths], axis=1)[:, None, :].astype(np.float32)
    ones = np.ones((1, 2), bool)
    cube = Cube(flux, np.ones_like(flux), ~np.isfinite(flux), ~ones, ones, instrument.WAVELENGTH, 1.0, "NGC2906")
    spectra = restframe.rest_spectra(cube, REDSHIFT, np.arange(2), restframe.wavelength_grid())
    mean, components = ten
    found = project(spectra.values, spectra.bad, mean, components)
    rebuilt = mean + found.coefficients @ components
    residual = np.median(np.abs(rebuilt / spectra.values - 1), axis=1)
    assert (residual < 0.015).all()
    # and they are needed: the mean alone is several times worse
    assert (np.median(np.abs(mean / spectra.values - 1), axis=1) > 2 * residual).all()
