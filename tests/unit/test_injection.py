"""Differences planted in maps: what they do to spectra, light and age, by hand and in wavelength space."""

import numpy as np
import pytest

from cubespace.errors import CubespaceError
from cubespace.populations import injection as i
from cubespace.populations.map_power import map_power
from cubespace.populations.two_sample import all_tests

GRID = np.arange(3739.0, 6804.0, 2)


def complete(seed=0, n=40):
    """A basis that holds the change exactly: random directions, the lines and a slope among them."""
    rng = np.random.default_rng(seed)
    mean = 1 + 0.1 * (GRID - 5700) / 1000
    raw = np.vstack([i.lines(GRID), (GRID - 5700) / 1000, rng.normal(size=(n - 2, GRID.size))])
    return i.Spectra(GRID, mean, np.linalg.qr(raw.T)[0].T)


def galaxy(spectra, size=20, scale=1.0):
    """Maps of an exponential disc with a random spectrum in each spaxel; half of the corner is not good."""
    rng = np.random.default_rng(1)
    y, x = np.indices((size, size)) - size / 2
    values = 0.01 * rng.normal(size=(1 + len(spectra.components), size, size))
    values[0] = 6 - np.hypot(x, y) / 6
    good = np.hypot(x, y) < 0.48 * size
    return values, good, {"CENTREX": size / 2, "CENTREY": size / 2, "PIXSCALE": scale}


def spectrum(spectra, values, y, x):
    return spectra.mean + values[1:, y, x] @ spectra.components


def width(flux, continuum):
    """EW of H-alpha without [NII]: the flux of the planted lines between 6555 and 6572 A over the continuum."""
    near = (GRID > 6554) & (GRID < 6573)
    return ((flux - continuum) / continuum)[near].sum() * 2


def test_lines_have_the_stated_fluxes():
    profile = i.lines(GRID, {6562.8: 1.0, 5006.8: 2.5})
    assert profile[GRID > 6000].sum() * 2 == pytest.approx(1, rel=1e-3)
    assert profile[GRID < 6000].sum() * 2 == pytest.approx(2.5, rel=1e-3)
    half = GRID[profile > profile[GRID > 6000].max() / 2]
    assert 4 <= np.ptp(half[half > 6000]) <= 6  # 6.5 A in samples of 2 A


def test_nucleus_gets_the_equivalent_width_and_nothing_else_changes():
    spectra = complete()
    values, good, header = galaxy(spectra)
    planted = i.active_nucleus(values, good, header, spectra, ew=12.0, aperture=3.0)
    moved = np.abs(planted - values).max(axis=0) > 1e-12
    y, x = np.indices(good.shape)
    assert (moved == (np.hypot(y - 10, x - 10) <= 1.5)).all()
    before, after = (spectrum(spectra, v, 10, 10) for v in (values, planted))
    beside = ((GRID > 6490) & (GRID < 6535)) | ((GRID > 6595) & (GRID < 6640))
    level = before[beside].mean()
    assert width(before + (after - before), before + level - before) - width(before, level) == pytest.approx(12 * 0.9965, rel=0.03)
    ratio = (after - before)[np.abs(GRID - 5006.8) < 12].sum() / ((after - before)[np.abs(GRID - 4861.3) < 12].sum())
    assert ratio == pytest.approx(10**0.8, rel=0.02)  # log [OIII]/H-beta of a Seyfert
    window = (GRID >= 5600) & (GRID <= 5800)
    assert np.median(after[window]) == pytest.approx(np.median(before[window]), abs=1e-6)
    assert (planted[0] == values[0]).all()


def test_coarse_pixels_change_at_least_the_central_spaxel():
    spectra = complete()
    values, good, header = galaxy(spectra, scale=8.0)
    header["CENTREX"] += 0.4
    planted = i.active_nucleus(values, good, header, spectra, ew=5.0)
    assert (np.abs(planted - values).max(axis=0) > 0).sum() == 1


def test_outskirts_are_mixed_in_light():
    spectra = complete()
    values, good, header = galaxy(spectra)
    young = np.ones(GRID.size) - 0.3 * (GRID - 5700) / 1000
    planted = i.younger_outskirts(values, good, header, spectra, 0.25, young)
    offset = i.distance_from_centre(header, good.shape)
    radius = i.half_light_radius(10 ** values[0], good, offset)
    light = 10 ** values[0] * good
    assert light[offset <= radius].sum() / light.sum() == pytest.approx(0.5, abs=0.03)
    inside = np.argwhere(good & (offset <= radius))[0]
    outside = np.argwhere(good & (offset > radius))[0]
    np.testing.assert_array_equal(planted[:, *inside], values[:, *inside])
    mixed = 0.75 * spectrum(spectra, values, *outside) + 0.25 * young
    projected = spectra.components @ (mixed - spectra.mean)
    np.testing.assert_allclose(planted[1:, *outside], projected, atol=1e-12)
    np.testing.assert_array_equal(planted[:, ~good], values[:, ~good])
    nothing = i.younger_outskirts(values, good, header, spectra, 0.0, young)
    np.testing.assert_array_equal(nothing, values)


def test_share_that_a_basis_passes_on():
    spectra = complete()
    assert i.basis_share(spectra, i.lines(GRID)) == pytest.approx(1)
    few = spectra._replace(components=spectra.components[1:])
    assert i.basis_share(few, i.lines(GRID)) < 1e-20
    half = i.basis_share(few, few.components[0] + spectra.components[0])
    assert half == pytest.approx(0.5)


def test_model_spectrum_on_the_grid_is_one_in_the_window():
    wave = np.arange(3500.0, 7500, 1.5)
    model = 3e5 * (1 + 5 * np.exp(-0.5 * ((wave - 4500) / 1.0) ** 2))
    seen = i.on_grid(complete(), wave, model, 2.5, (5600, 5800))
    assert np.median(seen[(GRID >= 5600) & (GRID <= 5800)]) == pytest.approx(1)
    near = np.abs(GRID - 4500) < 40
    assert (seen[near] - 1).sum() * 2 == pytest.approx(5 * np.sqrt(2 * np.pi), rel=0.02)  # broadened, flux kept
    sigma = np.sqrt(1 + (6.5**2 - 2.5**2) / (8 * np.log(2)))
    assert seen.max() == pytest.approx(1 + 5 / sigma, rel=0.05)  # the grid misses the peak by 1 A


def test_maps_without_a_centre_are_an_error():
    with pytest.raises(CubespaceError, match="CENTREY"):
        i.distance_from_centre({"CENTREX": 3, "PIXSCALE": 1}, (4, 4))


def test_power_in_maps_rises_and_says_what_cannot_be_tried(monkeypatch):
    """An embedding that is the mean of the central coefficients: it sees the nucleus, and outskirts not at all."""
    import pandas as pd

    spectra = complete(n=8)
    rng = np.random.default_rng(2)
    names = [f"G{n:02d}" for n in range(24)]
    store = {name: galaxy(spectra)[0] + 0.3 * rng.normal(size=(9, 1, 1)) for name in names}
    _, good, header = galaxy(spectra)

    def read(name):
        return store[name], (~good).astype(np.uint8), header

    asked = []

    def embed(galaxies, values, masks, headers):
        assert len(galaxies) == len(values) == len(masks) == len(headers) and headers[-1] is header
        asked.append(len(galaxies))
        centre = np.stack(values)[:, 1:, 9:12, 9:12].mean(axis=(2, 3))
        return np.column_stack([centre, np.full(len(centre), 5.0)])

    pairs = list(zip(names[::2], names[1::2], strict=True))
    rows = [(label, a, b) for label in ("AGN-SF", "SF-SF", "void-filament_wall", "filament_wall-filament_wall") for a, b in pairs]
    rows += [("filament_wall-cluster", *pairs[0])]
    twins = pd.DataFrame(rows, columns=["comparison", "galaxy_a", "galaxy_b"])
    comparisons = [{"a": "AGN", "b": "SF", "by": "nuclear_class"}, {"a": "void", "b": "filament_wall", "by": "environment"},
                   {"a": "filament_wall", "b": "cluster", "by": "environment"}]  # fmt: skip
    effects = {"active_nucleus": [0.01, 5.0], "younger_outskirts": [0.4]}
    tests = {"energy": all_tests()["energy"]}
    groups = {name: n for n, name in enumerate(names)}
    given = twins, comparisons, read, embed, spectra, 1.0 * spectra.mean[::-1], effects, tests, groups, 40
    table = map_power(*given)
    assert asked == [24] * 4  # as they are, two sizes of nuclei, one of outskirts
    monkeypatch.setattr("cubespace.populations.map_power._AT_ONCE", 10)
    pd.testing.assert_frame_equal(map_power(*given), table)
    assert asked[4:] == [10, 10, 4] * 4
    nucleus = table[table["comparison"] == "AGN-SF"].set_index("effect")
    assert nucleus.loc[0.0, "power"] < 0.2 and nucleus.loc[5.0, "power"] == 1
    assert 0.01 < nucleus["minimum_detectable_effect"].iloc[0] < 5 and (nucleus["n_pairs"] == 12).all()
    blind = table[table["comparison"] == "void-filament_wall"].set_index("effect")
    assert blind.loc[0.4, "power"] < 0.2 and blind["minimum_detectable_effect"].isna().all()
    assert blind["note"].iloc[0].endswith("the largest effect tried, 0.4 share of light")
    untried = table[table["comparison"] == "filament_wall-cluster"]
    assert untried["note"].tolist() == ["not tried: 1 pairs, 12 placebo pairs; at least 5 needed"]
