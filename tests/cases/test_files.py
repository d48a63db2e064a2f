"""Faults of a cube's file as a file: cut short, no FITS, damaged or repeated cards; each test is named after its case."""

import gzip
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import make_cubes
import make_surveys
from cases.base import FLUX, SIGMA, cards, file, refused
from conftest import ROOT
from cubespace.cubes.readers import read_cube
from cubespace.steps import moments as moments_step


@pytest.mark.parametrize("packed", [False, True])
def test_a16_a_file_that_is_cut_short_tells_sizes(tmp_path, packed):
    whole = file(tmp_path / "whole.fits").read_bytes()
    path = tmp_path / ("a.fits.gz" if packed else "a.fits")
    for missing in (1000, 2880, 2881, len(whole) // 2, len(whole) - 100):
        content = whole[:-missing]
        path.write_bytes(gzip.compress(content, 1) if packed else content)
        refused(path, "truncated", str(len(content)))
    path.write_bytes(gzip.compress(whole, 1)[:-2000] if packed else whole[:-1])
    refused(path, "truncated")
    path.write_bytes(gzip.compress(whole + bytes(2880), 1) if packed else whole + bytes(2880))
    assert np.array_equal(read_cube(path).flux, FLUX)


def test_a16_one_broken_file_does_not_stop_the_others(tmp_path):
    for name in ("NGC0001", "NGC0002"):
        make_cubes.base_file(tmp_path / f"{name}.fits.gz")
    broken = tmp_path / "NGC0001.fits.gz"
    broken.write_bytes(broken.read_bytes()[:-5000])
    verdicts = {}
    for name in ("NGC0001", "NGC0002"):
        out = tmp_path / f"{name}.npz"
        moments_step.main(["--cube", str(tmp_path / f"{name}.fits.gz"), "--redshift", "0.015", "--galaxy", name, "--out", str(out)])
        with np.load(out) as stored:
            verdicts[name] = (str(stored["verdict"]), str(stored["reason"]))
    assert verdicts == {"NGC0001": ("rejected", "truncated"), "NGC0002": ("accepted", "")}


def tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("cube.fits"), io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html><title>404 Not Found</title>" * 99, "not a FITS file, it starts with b'<!DOCTYPE"), (b"", "empty file (0 bytes)"),
        (gzip.compress(b"", mtime=0), "no content"),
        (b"SIMPLE", "not a FITS file"), (b"\0" * 5760, "no content"), (b"BZh91AY&SY" + b"x" * 99, "bzip2"), (b"PK\3\4" + b"x" * 99, "zip"),
        (b"\x89HDF\r\n", "HDF5"), (tar(), "a tar archive;"), (gzip.compress(tar(), mtime=0), "a tar archive inside gzip"),
        (gzip.compress(gzip.compress(b"SIMPLE  =", mtime=0), mtime=0), "gzipped twice"), (gzip.compress(b"PK\3\4" * 9, mtime=0), "zip inside gzip"),
        (b"\x93NUMPY" + b" " * 4000, "not a FITS file"),
    ],
)  # fmt: skip
def test_a18_what_is_no_fits_file(tmp_path, content, word):
    path = tmp_path / "NGC0002.V500.rscube.fits.gz"
    path.write_bytes(content)
    refused(path, "unreadable", word)


def test_a18_what_is_no_file(tmp_path):
    import os

    refused(tmp_path / "absent.fits", "unreadable", "No such file")
    refused(tmp_path, "unreadable", "not a file")
    os.mkfifo(tmp_path / "pipe.fits")  # opening it would wait for ever
    refused(tmp_path / "pipe.fits", "unreadable", "not a file")


@pytest.mark.parametrize("index", range(6))
def test_a19_missing_end_card_of_any_hdu(tmp_path, index):
    whole = file(tmp_path / "a.fits").read_bytes()
    starts = [i for i in range(0, len(whole), 2880) if whole[i : i + 9] in (b"SIMPLE  =", b"XTENSION=")]
    at = whole.index(b"END" + b" " * 77, starts[index])
    (tmp_path / "b.fits").write_bytes(whole[:at] + b"   " + whole[at + 3 :])
    refused(tmp_path / "b.fits", "unreadable", f"HDU {index}", "END")


def edited(tmp_path, *pairs, **changes):
    content = file(tmp_path / "a.fits", cards(DATE="2017", **changes)).read_bytes()
    for old, new in pairs:
        assert content.count(old) == 1 and len(old) == len(new)
        content = content.replace(old, new)
    (tmp_path / "b.fits").write_bytes(content)
    return tmp_path / "b.fits"


def test_a20_a_malformed_card_matters_only_if_it_is_needed(tmp_path):
    path = edited(tmp_path, (b"OBJECT  = 'NGC0001 '", b"OBJECT  = NGC 1     "), (b"DATE    = '2017    '", b"DATE    = '2017/02  "))
    assert np.array_equal(read_cube(path).flux, FLUX)
    for old, new, card in (
        (b"CRVAL3  =               3749.0", b"CRVAL3  =               3749,0", "CRVAL3"),
        (b"CRVAL3  =               3749.0", b"CRVAL3  =             '3749.0 ", "CRVAL3"),
        (b"CRPIX3  =                  1.0", b"CRPIX3  =                  1.O", "CRPIX3"),
        (b"CUNIT3  = 'Angstrom'", b"CUNIT3  = 'Angstrom ", "CUNIT3"),
        (b"CTYPE3  = 'AWAV    '", b"CTYPE3  = AWAV      ", "CTYPE3"),
        (b"BUNIT   = '1E-16 erg/s/cm2/Angstrom'", b"BUNIT   = '1E-16 erg/s/cm2/Angstrom ", "BUNIT"),
        (b"CD3_3   =                  2.0", b"CD3_3   =                    T", "CD3_3"),
    ):
        refused(edited(tmp_path, (old, new)), "header_card", f"card {card}")
    path = _first(tmp_path, b"NAXIS3  =                 1877", b"NAXIS3  =               1877.5")
    refused(path, "corrupt", "NAXIS3", "1877.5")


def _first(tmp_path, old, new):
    content = file(tmp_path / "a.fits").read_bytes()
    (tmp_path / "b.fits").write_bytes(content.replace(old, new, 1))
    return tmp_path / "b.fits"


def test_a20_alien_bytes_in_a_comment_do_no_harm(tmp_path):
    path = _first(tmp_path, b"OBJECT  = 'NGC0001 '", "OBJECT  = 'Sánchez'".encode())
    cube = read_cube(path)
    assert np.array_equal(cube.flux, FLUX) and any("no text" in note for note in cube.notes)


def test_a20_a_card_that_comes_twice(tmp_path):
    path = edited(tmp_path, (b"CRPIX3  =                  1.0", b"CRVAL3  =               4000.0"))
    refused(path, "header_card", "CRVAL3", "twice")


@pytest.mark.parametrize(
    ("key", "first", "second"),
    [("BUNIT", "1E-16 erg/s/cm2/Angstrom", "1E-17 erg/s/cm2/Angstrom"), ("CUNIT3", "Angstrom", "nm"), ("CTYPE3", "AWAV", "WAVE-LOG"),
     ("CTYPE1", "RA---TAN", "DEC--TAN"), ("CUNIT1", "deg", "arcsec"), ("AIRORVAC", "air", "vacuum")],
)  # fmt: skip
def test_a20_a_text_that_comes_twice(tmp_path, key, first, second):
    """Two values are refused by name, in either order; one value twice does no harm."""
    for one, other in ((first, second), (second, first), (first, first)):
        head = cards(**{key: one})
        head.append((key, other), end=True)
        path = file(tmp_path / "a.fits", head)
        if one != other:
            refused(path, "header_card", f"card {key} comes twice: {sorted([one, other])}")
        else:
            assert read_cube(path).wavelength[100] == 3949


def test_a20_a_name_or_a_unit_of_an_hdu_that_comes_twice(tmp_path):
    units = make_cubes.hdus(FLUX, SIGMA)
    units["ERROR"].header.append(("EXTNAME", "IVAR"), end=True)
    refused(make_cubes.write(tmp_path / "a.fits", units), "header_card", "HDU 1: card EXTNAME comes twice: ['ERROR', 'IVAR']")
    units = make_cubes.hdus(FLUX, SIGMA)
    units["ERROR"].header["BUNIT"] = "1E-16 erg/s/cm2/A"
    units["ERROR"].header.append(("BUNIT", "1E-17 erg/s/cm2/A"), end=True)
    refused(make_cubes.write(tmp_path / "b.fits", units), "header_card", "HDU 1 ERROR: card BUNIT comes twice")


def test_a20_the_name_that_fpack_leaves_beside_the_image_s_own(tmp_path):
    units = make_surveys.packed(make_surveys.ecalifa()[0])
    names = [unit.name for unit in units]
    content = make_cubes.write(tmp_path / "a.fits", units).read_bytes()
    card, own = b"EXTNAME = 'COMPRESSED_IMAGE'".ljust(80), b"EXTNAME = 'ERROR   '"
    at = content.index(own)
    end = content.index(b"END".ljust(80), at)
    assert names[2] == "ERROR" and content[end + 80 : end + 160].isspace()
    (tmp_path / "b.fits").write_bytes(content[:at] + card + content[at:end] + content[end : end + 80] + content[end + 160 :])
    assert np.array_equal(read_cube(tmp_path / "b.fits").sigma, make_surveys.truth()[1])


@pytest.mark.parametrize("good", [True, False])
def test_a_name_that_is_no_utf8_costs_no_galaxy(tmp_path, good):
    """A cube and a mask with an accented letter of Latin-1 in their names: printed, kept and tabulated with the byte as an escape."""
    path, mask, out = (os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/S\xe1nchez.fits", b"/S\xe1.txt", b"/G.npz"))
    Path(path).write_bytes(file(tmp_path / "a.fits").read_bytes() if good else b"no cube")
    Path(mask).write_text("# none\n")
    arguments = ["--cube", path, "--redshift", "0.015", "--galaxy", "G", "--mask", mask, "--out", out]
    environment = {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([sys.executable, "-m", "cubespace.steps.moments", *arguments], capture_output=True, env=environment, cwd=tmp_path)
    words = "S\\udce1.txt: no line" if good else "S\\udce1nchez.fits: not a FITS file"
    assert done.returncode == 0 and words in done.stdout.decode("utf-8"), done.stderr
    with np.load(out) as stored:
        text = str(stored["notes" if good else "detail"])
    assert words in text and text.encode("utf-8")
