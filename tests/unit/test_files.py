"""Files are written whole or not at all, with equal bytes for equal content."""

import errno
import warnings

import numpy as np
import pytest
from astropy.io import fits

from cubespace.errors import CubespaceError
from cubespace.files import atomic, digest, file_digest, header_cards, provenance, reading_fits, write_npz


def test_atomic_leaves_nothing_behind_when_the_writer_fails(tmp_path):
    target = tmp_path / "sub" / "table.csv"
    with pytest.raises(RuntimeError), atomic(target) as temporary:
        temporary.write_text("half a ta")
        raise RuntimeError("disk on fire")
    assert list((tmp_path / "sub").iterdir()) == []


def test_atomic_keeps_the_old_file_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "x.fits.gz"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as temporary:
        assert temporary.name.endswith(".fits.gz")
        temporary.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    with atomic(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o044  # readable by the group, as any file of a shared project


def test_a_disk_that_is_full_only_when_the_file_is_flushed(tmp_path, monkeypatch):
    """As on network file systems, where writes fail late."""
    target = tmp_path / "x.csv"
    target.write_text("old")

    def full(number):
        raise OSError(errno.EDQUOT, "quota")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CubespaceError, match="cannot be written: Disk quota exceeded"), atomic(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_npz_is_read_by_numpy_and_has_equal_bytes(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "name": np.array("Sb"), "n": np.int64(3)}
    write_npz(tmp_path / "1.npz", **arrays)
    write_npz(tmp_path / "2.npz", **arrays)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    with np.load(tmp_path / "1.npz") as back:
        np.testing.assert_array_equal(back["a"], arrays["a"])
        assert str(back["name"]) == "Sb" and int(back["n"]) == 3



def test_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    # sha256 of the text {"a":1}, worked out with sha256sum
    assert digest({"a": 1}) == "015abd7f5cc57a2d"


def test_provenance_has_no_date_and_makes_fits_cards():
    signed = provenance({"x": 1}, seed=7, release="abc")
    assert set(signed) == {"cubespace_version", "config_digest", "release_digest", "seed"}
    assert [card[0] for card in header_cards(signed)] == ["CSVERS", "CSCONF", "CSREL", "CSSEED"]
    assert "seed" not in provenance({})
    whole = provenance({}, seed=7, release="abc", code="f" * 16, commit="e" * 40 + "+dirty")
    assert [card[0] for card in header_cards(whole)] == ["CSVERS", "CSCONF", "CSCOMMIT", "CSCODE", "CSREL", "CSSEED"]
    for keyword, value, comment in header_cards(whole):  # a card holds them whole
        assert len(str(fits.Card(keyword, value, comment)).rstrip()) <= 80 and fits.Card.fromstring(str(fits.Card(keyword, value, comment))).value == value


def test_fits_of_our_own_cut_or_altered_anywhere_is_read_or_named(tmp_path):
    """300 cuts and single bits, each card and plane asked for: astropy has errors of several families for them."""
    path = tmp_path / "own.fits"
    cards = fits.Header([("VERDICT", "accepted"), ("LIMIT", 4.0), ("NUMBER", 3), ("WORD", "a 'b' c")])
    fits.HDUList([fits.PrimaryHDU(np.ones((4, 5)), cards), fits.ImageHDU(np.ones((4, 5)), name="MASK")]).writeto(path)
    whole, rng, named = path.read_bytes(), np.random.default_rng(4), 0
    for number in range(300):
        content = bytearray(whole)
        if number % 3:
            content[rng.integers(2880)] ^= 1 << rng.integers(8)
        else:
            del content[rng.integers(len(content)) :]
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with reading_fits(path, "not whole") as hdus:
                    dict(hdus[0].header), np.array(hdus[0].data), np.array(hdus["MASK"].data)
            except CubespaceError as error:
                assert str(error).startswith(f"{path}: not whole: ")
                named += 1
    assert 100 < named < 300
    with pytest.raises(CubespaceError, match=r"none\.fits: no such file"), reading_fits(tmp_path / "none.fits", "not whole"):
        pass


def test_digest_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # the first example of FIPS 180-2
    assert file_digest(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
