"""Cubes are found whatever spelling of the name their file has; copies and strays are seen."""

import pytest

from cubespace.cubefiles import identical, locate, strays
from cubespace.errors import CubespaceError


def touch(folder, *files):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def test_any_spelling_of_the_name(tmp_path):
    touch(
        tmp_path,
        "NGC0001.V500.fits.gz",
        "UGC6930.V500.fits.gz",
        "MCG-1-1-12.V500.fits.gz",
        "IC0010.V500.fits",
        "Abell%2812%29.V500.fits.gz",
    )
    pattern = str(tmp_path / "{galaxy}.V500.fits.gz")
    found = locate(["ngc 1", "UGC6930", "UGC 6930", "MCG-01-01-012", "IC 10", "Abell(12)", "NGC 2"], pattern)
    assert [path.rsplit("/", 1)[1] for path in found] == [
        "NGC0001.V500.fits.gz", "UGC6930.V500.fits.gz", "UGC6930.V500.fits.gz", "MCG-1-1-12.V500.fits.gz", "IC0010.V500.fits",
        "Abell%2812%29.V500.fits.gz", "NGC0002.V500.fits.gz",
    ]  # fmt: skip


def test_two_files_for_one_name(tmp_path):
    touch(tmp_path, "NGC1.fits", "ngc01.fits")
    with pytest.raises(
        CubespaceError,
        match=r"NGC0001: several cubes are spellings of this name: .*NGC1\.fits, .*ngc01\.fits",
    ):
        locate(["NGC0001"], str(tmp_path / "{galaxy}.fits"))
    assert locate(["NGC1"], str(tmp_path / "{galaxy}.fits")) == [
        str(tmp_path / "NGC1.fits")
    ]  # the sheet's own spelling wins


def test_strays_and_copies(tmp_path):
    touch(tmp_path, "A.fits", "A.fits~", ".B.fits.swp", "tmp/C.fits", "D.V1200.fits")
    assert strays([tmp_path / "A.fits"], str(tmp_path / "{galaxy}.fits")) == [
        ".B.fits.swp",
        "A.fits~",
        "C.fits",
        "D.V1200.fits",
    ]
    big = bytes(200_000)
    for name, content in (
        ("a", big),
        ("b", big),
        ("c", big[:-1] + b"1"),
        ("d", big[:100_000] + b"1" + big[100_001:]),
        ("e", b""),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "link").symlink_to(tmp_path / "d")
    paths = [str(tmp_path / name) for name in ("a", "b", "c", "d", "e", "link", "absent")]
    assert sorted(sorted(group) for group in identical(paths)) == [paths[:2], [paths[3], paths[5]]]
