"""Both galaxies of a pointing in one field: where the companion is, how bright, and that the two cubes are
one observation."""

import numpy as np
import pandas as pd
import pytest
from astropy.wcs import WCS

from conftest import ROOT
from cubespace.errors import CubespaceError
from cubespace.survey import mock, population, ssp
from cubespace.survey.pointing import companion_name, offset


@pytest.fixture(scope="module")
def basis():
    return ssp.load_basis(ROOT / "resources/ssp_basis.npz")


@pytest.fixture(scope="module")
def pair():
    rows = population.draw(120, 2)
    both = rows[rows["pointing"].duplicated(keep=False)].sort_values(["pointing", "galaxy"])
    return [row.to_dict() for _, row in both.head(2).iterrows()]


@pytest.fixture(scope="module")
def observed(pair, basis):
    """(cube, header, maps, realised) of each of the two."""
    first, second = pair
    return mock.make(first, basis, 2.0, companion=second), mock.make(second, basis, 2.0, companion=first)


def test_offset_on_the_sky():
    row = {"ra": 10.0, "dec": 60.0}
    # 8 arcsec east is 8 / (15 cos 60) s of time: 16 arcsec of right ascension; pixels of 0.5 arcsec, east at smaller x
    assert offset(row, {"ra": 10.0 + 16 / 3600, "dec": 60.0 + 3 / 3600}) == pytest.approx(
        (6.0, -16.0), abs=1e-6
    )
    assert offset({"ra": 359.999, "dec": 0.0}, {"ra": 0.001, "dec": 0.0}) == pytest.approx(
        (0.0, -14.4), abs=1e-6
    )


def test_name_of_the_companion(tmp_path, pair):
    pd.DataFrame(pair).to_csv(tmp_path / "truth.csv", index=False)
    assert companion_name(tmp_path / "truth.csv", pair[0]) == pair[1]["galaxy"]
    assert companion_name(tmp_path / "truth.csv", {"galaxy": "X", "pointing": "X"}) is None
    pd.DataFrame([*pair, pair[0] | {"galaxy": "third"}]).to_csv(tmp_path / "truth.csv", index=False)
    with pytest.raises(CubespaceError, match="found 3 galaxies"):
        companion_name(tmp_path / "truth.csv", pair[0])


def test_two_cubes_of_one_observation(observed):
    """The same pixels, noise and stars; each header puts its own galaxy on the sky, and the two skies
    agree."""
    (one, head, _, _), (two, other, _, _) = observed
    for plane in ("flux", "error", "bad", "star", "flat"):
        left, right = getattr(one, plane), getattr(two, plane)
        assert np.allclose(left, right, rtol=2e-5, atol=1e-5), plane
    assert head["OBJECT"] != other["OBJECT"]
    corner = [WCS(h).celestial.pixel_to_world_values(3.0, 30.0) for h in (head, other)]
    assert np.allclose(corner[0], corner[1], atol=0.1 / 3600)


def test_the_companion_shines_where_it_is_on_the_sky(pair, observed):
    first, second = pair
    cube, head, maps, _ = observed[0]
    x, y = WCS(head).celestial.world_to_pixel_values(second["ra"], second["dec"])
    image = np.where(cube.star > 0, 0, np.median(cube.flux[900:1100], axis=0))
    rows, columns = np.indices(image.shape)
    near = np.hypot(rows - y, columns - x) < 3  # pixels of 2 arcsec
    peak = np.unravel_index(np.argmax(np.where(near, image, 0)), image.shape)
    assert np.hypot(peak[0] - y, peak[1] - x) < 1.2
    # the truth is the galaxy's own: it holds none of the light at the companion's nucleus, which is marked
    distance = maps.header["kpc_arcsec"] * 206.264806 * (1 + first["redshift"]) ** 2 * 3.0856775814913673e24
    own = maps.observed_light[peak] * 1e30 / (4 * np.pi * distance**2 * (1 + first["redshift"])) / 1e-16
    assert image[peak] > 1.8 * own
    assert maps.companion[peak]


def test_masks_share_the_field_out(observed):
    """Each mask marks the other's nucleus and not the galaxy's own; where one outshines, the other is
    outshone."""
    masks = [maps.companion for _, _, maps, _ in observed]
    inside = observed[0][2].inside
    assert not (masks[0] & masks[1]).any()
    assert (masks[0] | masks[1])[inside].mean() > 0.99
    for _, head, maps, _ in observed:
        nucleus = round(head["CRPIX2"] - 1), round(head["CRPIX1"] - 1)
        assert not maps.companion[nucleus]
    assert mock.companion_mask(observed[0][2], observed[0][1])[0].data.sum() == masks[0].sum()


def test_realised_without_spectra_is_what_the_cube_holds(pair, basis, observed):
    assert mock.realise(pair[0], basis, companion=pair[1]) == observed[0][3]


def test_a_companion_outside_the_field_is_not_seen(pair, basis):
    far = pair[1] | {"dec": pair[0]["dec"] + 0.1}
    alone, far_off = (mock.make(pair[0], basis, 2.0, companion=other)[0] for other in (None, far))
    assert np.array_equal(alone.flux, far_off.flux)
    with pytest.raises(CubespaceError, match=r"found 0\.0 arcsec between them"):
        mock.make(pair[0], basis, 2.0, companion=pair[1] | {name: pair[0][name] for name in ("ra", "dec")})
