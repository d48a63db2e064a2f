"""A small cube in the survey's format, and what is asked of one that is refused."""

import pytest

import make_cubes
from cubespace.cubes.quality import REASONS
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected

N = 1877
FLUX, SIGMA = make_cubes.base(ny=4, nx=5)


def cards(**changes):
    """The header of BASE; sky matrix and axis as one of the recipes has them."""
    return make_cubes.header(**changes)


def file(path, head=None, flux=FLUX, sigma=SIGMA, **planes):
    return make_cubes.write(path, make_cubes.hdus(flux.copy(), sigma.copy(), head=head, **planes))


def wavelength(tmp_path, **changes):
    return read_cube(file(tmp_path / "NGC0001.fits", cards(**changes)))


def refused(path, code, *words, **options):
    with pytest.raises(CubeRejected) as caught:
        read_cube(path, **options)
    assert caught.value.code == code and code in REASONS
    for word in (str(path), *words):
        assert word in caught.value.detail
    return caught.value.detail
