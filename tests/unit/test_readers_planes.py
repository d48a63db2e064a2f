"""Planes of flags, fluxes and errors of every FITS type: no bit of a mask and no digit of a scaled number is lost."""

import numpy as np
import pytest
from astropy.io import fits

import make_cubes
import make_surveys
from cubespace.cubes.readers import read_cube

WHOLE = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
FLUX, SIGMA = make_surveys.truth()


def generic(folder, *more, flux=FLUX, noise=SIGMA, name="ERR", **cards):
    """A FLUX and its noise with more HDUs, written."""
    units = [fits.PrimaryHDU(), fits.ImageHDU(flux, make_cubes.header(**cards), name="FLUX"), fits.ImageHDU(noise, name=name)]
    return make_cubes.write(folder / "a.fits", [*units, *more])


def at(kind, value, *places, shape=FLUX.shape):
    plane = np.zeros(shape, kind)
    for place in places:
        plane[place] = value
    return plane


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("packed", [False, True])
def test_masks_of_every_whole_type(tmp_path, kind, packed):
    """1, the low bit, beside the greatest number of the type: 2^63 and 2^63 + 1 are one number to a float64."""
    mask = at(kind, 1, (3, 2, 1))
    mask[7, 1, 1] = np.iinfo(kind).max
    units = fits.HDUList(fits.open(generic(tmp_path, fits.ImageHDU(mask, name="MASK"))))
    cube = read_cube(make_cubes.write(tmp_path / "b.fits", make_surveys.packed(units) if packed else units))
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1], [7, 1, 1]]
    mapping = {"flux": "FLUX", "sigma": "ERR", "flags": "MASK", "bad_bits": [0]}
    assert np.argwhere(read_cube(tmp_path / "b.fits", mapping=mapping).bad).tolist() == [[3, 2, 1], [7, 1, 1]]
    assert np.argwhere(read_cube(tmp_path / "b.fits", mapping=mapping | {"bad_bits": [1]}).bad).tolist() == [[7, 1, 1]]


@pytest.mark.parametrize("kind", WHOLE)
def test_masks_of_the_surveys_of_every_whole_type(tmp_path, kind):
    hdus = make_surveys.manga()[0]
    hdus["MASK"].data = at(kind, 4, (3, 1, 1)) + at(kind, 8, (slice(None), 2, 2))  # a dead fibre, a star
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", hdus))
    assert np.argwhere(cube.bad).tolist() == [[3, 1, 1]] and np.argwhere(cube.star).tolist() == [[2, 2]]
    hdus = make_surveys.muse()[0]
    hdus.append(fits.ImageHDU(at(kind, 4, (2, 1, 3)), name="DQ"))
    assert np.argwhere(read_cube(make_cubes.write(tmp_path / "b.fits", hdus)).bad).tolist() == [[2, 1, 3]]
    planes = at(kind, 1, (7, 1, 2)), 1 - at(kind, 1, (0, 0), shape=(4, 5)), at(kind, 1, (3, 4), shape=(4, 5))
    cube = read_cube(make_cubes.write(tmp_path / "c.fits", make_cubes.hdus(FLUX, SIGMA, *planes)))
    assert np.argwhere(cube.bad).tolist() == [[7, 1, 2]]
    assert np.argwhere(~cube.field).tolist() == [[0, 0]] and np.argwhere(cube.star).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("kind", "value", "bits", "bad"),
    [("i2", -(2**15), [15], 1), ("i4", -(2**31), [31], 1), ("i8", -(2**63), [63], 1), ("u1", 128, [7], 1), ("u8", 2**40, [40], 1),
     ("i2", -(2**15), [14], 0), ("u1", 255, [8], 0), ("u1", 255, [10, 40], 0), ("i2", -1, [16], 0), ("u4", 2, [1, 64], 1)],
)  # fmt: skip
def test_bits_up_to_the_sign_and_beyond_the_type(tmp_path, kind, value, bits, bad):
    path = generic(tmp_path, fits.ImageHDU(at(kind, value, (3, 2, 1)), name="BITS"))
    cube = read_cube(path, mapping={"flux": "FLUX", "sigma": "ERR", "flags": "BITS", "bad_bits": bits})
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1]] * bad
