"""Kinds of fault that concern a galaxy and not its file: the wrong one, one that is there twice, a redshift that is none."""

import json

import numpy as np
import pytest
from astropy.io import fits

import make_cubes
from cubespace.cubes import quality
from cubespace.cubes.cube import fingerprint
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.steps import moments as moments_step


def test_a24_the_wrong_galaxy_is_remarked_on(tmp_path):
    from cubespace.spectra.verdicts import verdict_row

    out = tmp_path / "a.npz"
    path = make_cubes.base_file(tmp_path / "a.fits")
    settings = json.dumps({"min_spaxels": 100000})  # rejected: no maps are needed for its row
    moments_step.main(["--cube", str(path), "--redshift", "0.015", "--galaxy", "NGC0001", "--out", str(out), "--settings", settings])
    right, wrong = (verdict_row("NGC0001", out, None, 150.0, dec) for dec in (2.0, 2.5))
    assert right["offset"] < 2 and "another one" not in (right["notes"] or "")
    assert wrong["offset"] == pytest.approx(1800, abs=2) and "is it another one?" in wrong["notes"]


def test_a25_one_exposure_under_two_names_is_never_twice_in_the_basis(tmp_path):
    """Packed, with another header and at another redshift, it is still the same flux; parts of one pointing may be that.
    (By path, by bytes and by position: test_one_cube_for_two_galaxies..., test_one_galaxy_under_two_names...)"""
    from cubespace.steps import basis as basis_step

    plain = make_cubes.base_file(tmp_path / "NGC0001.fits")
    with fits.open(plain) as hdus:
        hdus[0].header["OBJECT"] = "UGC00057"
        hdus.writeto(tmp_path / "UGC00057.fits.gz")
    for galaxy, name, z in (("NGC0001", "NGC0001.fits", "0.015"), ("UGC00057", "UGC00057.fits.gz", "0.0151")):
        moments_step.main(["--cube", str(tmp_path / name), "--redshift", z, "--galaxy", galaxy, "--out", str(tmp_path / f"{galaxy}.npz"), "--settings", '{"min_spaxels": 1, "snr_min": 1}'])
    release = tmp_path / "release.csv"
    options = ["--moments", str(tmp_path), "--release", str(release), "--out", str(tmp_path / "basis.fits"), "--settings", '{"n_components": 2}']
    release.write_text("galaxy,stem,role,pointing\nNGC0001,NGC0001,train,\nUGC00057,UGC00057,train,\n")
    with pytest.raises(CubespaceError, match="NGC0001 and UGC00057: their cubes hold the same flux"):
        basis_step.main(options)
    assert not (tmp_path / "basis.fits").exists()
    release.write_text("galaxy,stem,role,pointing\nNGC0001,NGC0001,train,P\nUGC00057,UGC00057,train,P\n")
    basis_step.main(options)
    assert fits.getheader(tmp_path / "basis.fits")["NGAL"] == 2


def test_a25_cubes_that_are_alike_in_part_are_not_one_exposure():
    """A channel without data, as in every cube of a survey, makes no two cubes one; nor does a region in common."""
    flux = np.random.default_rng(3).normal(size=(2, 300, 4, 5)).astype(np.float32)
    flux[:, 150] = 0
    flux[:, 100:200] = flux[0, 100:200]
    assert fingerprint(flux[0]) != fingerprint(flux[1]) and fingerprint(flux[0]) == fingerprint(flux[0].copy())


def test_a25_rejected_cubes_are_nobody_s_copy(tmp_path):
    """Two blank cubes are each rejected; that both are blank does not stop the release."""
    from cubespace.spectra.basis import refuse_twice
    from cubespace.spectra.moments import read_moments

    paths = {}
    for galaxy in ("NGC0001", "NGC0002"):
        cube = make_cubes.base_file(tmp_path / f"{galaxy}.fits")
        with fits.open(cube, mode="update") as hdus:
            hdus[0].data[:] = 0
        paths[galaxy] = tmp_path / f"{galaxy}.npz"
        moments_step.main(["--cube", str(cube), "--redshift", "0.015", "--galaxy", galaxy, "--out", str(paths[galaxy])])
        assert read_moments(paths[galaxy], ["verdict"])["verdict"] == "rejected"
    refuse_twice(paths, {galaxy: galaxy for galaxy in paths})


@pytest.mark.parametrize("z", [-1, -9, -99, -999.0, -9999, float("nan"), None])
def test_a27_codes_for_a_missing_redshift(z):
    with pytest.raises(CubeRejected, match="redshift_missing"):
        quality.check_redshift(z)


def test_a29_a_velocity_is_no_redshift():
    with pytest.raises(CubeRejected, match=r"redshift_implausible.*km/s"):
        quality.check_redshift(4521)
    assert quality.check_redshift(0.01508) == 0.01508
