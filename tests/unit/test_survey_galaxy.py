"""The mock galaxy: the truth row is realised, and spectra carry what the maps say."""

from pathlib import Path

import numpy as np
import pytest

from cubespace.errors import CubespaceError
from cubespace.survey import instrument, mock, ssp
from cubespace.survey.galaxy import simulate
from cubespace.survey.gas import dim, extinction
from cubespace.survey.maps import binned, integrated
from cubespace.survey.profiles import disc_length, inclination, sersic, sersic_within
from cubespace.survey.spectrum import luminosity_distance, spectra

RESOURCES = Path(__file__).parents[2] / "resources"
SPIRAL = {
    "galaxy": "MOCK9001", "ra": 150.1, "dec": 2.2, "redshift": 0.0150, "morphology": "Sb", "morphology_detail": "Sb",
    "pointing": "MOCK9001", "log_mass": 10.5, "log_age_lw": 9.2, "metallicity_lw": -0.15, "log_ew_ha": 1.0,
    "log_ew_ha_cen": 0.7, "log_nii_ha_cen": -0.2, "log_oiii_hb_cen": -0.3, "log_nii_ha": -0.42, "log_oiii_hb": -0.4,
    "re_arcsec": 12.0, "re_kpc": 3.8, "axis_ratio": 0.6, "position_angle": 0.0, "av_gas": 0.8,
    "bulge_fraction": 0.2, "sersic_n": 2.2, "bar": 0, "n_arms": 2, "vmax": 200.0, "sigma_cen": 120.0, "agn": 0,
    "environment": "void", "seed": 11,
}  # fmt: skip
ELLIPTICAL = SPIRAL | {
    "galaxy": "MOCK9002", "morphology": "E", "log_mass": 11.0, "log_age_lw": 9.75, "metallicity_lw": 0.0,
    "log_ew_ha": -0.2, "log_ew_ha_cen": 0.1, "log_nii_ha_cen": 0.0, "log_oiii_hb_cen": 0.1, "log_nii_ha": -0.1,
    "log_oiii_hb": 0.0, "re_arcsec": 8.0, "re_kpc": 2.6, "axis_ratio": 0.8, "av_gas": 0.2, "bulge_fraction": 0.9,
    "sersic_n": 4.0, "n_arms": 0, "vmax": 60.0, "sigma_cen": 220.0, "seed": 12,
}  # fmt: skip
DWARF = SPIRAL | {
    "galaxy": "MOCK9003", "morphology": "BCD", "log_mass": 9.0, "log_age_lw": 8.7, "metallicity_lw": -0.6,
    "log_ew_ha": 1.5, "log_ew_ha_cen": 1.7, "log_nii_ha_cen": -0.9, "log_oiii_hb_cen": 0.4, "log_nii_ha": -0.85,
    "log_oiii_hb": 0.35, "re_kpc": 1.6, "av_gas": 0.1, "bulge_fraction": 0.05, "n_arms": 0, "vmax": 50.0,
    "sigma_cen": 40.0, "redshift": 0.006, "seed": 13,
}  # fmt: skip
SEYFERT = SPIRAL | {
    "galaxy": "MOCK9004", "morphology": "Sa", "agn": 1, "log_ew_ha": 0.6, "log_ew_ha_cen": 1.3, "log_nii_ha_cen": 0.05,
    "log_oiii_hb_cen": 0.7, "bar": 1, "seed": 14,
}  # fmt: skip
EDGE_ON = SPIRAL | {"galaxy": "MOCK9005", "morphology": "Sc", "axis_ratio": 0.16, "seed": 15}
ROWS = {row["galaxy"]: row for row in (SPIRAL, ELLIPTICAL, DWARF, SEYFERT, EDGE_ON)}
IMPOSED = {
    "log_mass": 0.01, "log_age_lw": 0.05, "metallicity_lw": 0.05, "log_ew_ha": 0.02, "log_ew_ha_cen": 0.06,
    "log_nii_ha_cen": 0.03, "log_oiii_hb_cen": 0.03, "log_nii_ha": 0.03, "log_oiii_hb": 0.03, "av_gas": 0.15,
}  # fmt: skip


@pytest.fixture(scope="module")
def basis():
    return ssp.load_basis(RESOURCES / "ssp_basis.npz")


@pytest.fixture(scope="module")
def made(basis):
    """Fine truth maps by galaxy."""
    out = {}
    for name, row in ROWS.items():
        field = instrument.frame(2.0, np.random.default_rng([row["seed"], 0]))
        rng = np.random.default_rng([row["seed"], 1])
        out[name] = simulate(row, basis, field.shape, field.inside, field.centre, 1.5, rng)
    return out


@pytest.mark.parametrize("name", ROWS)
def test_targets_are_realised(made, basis, name):
    found = integrated(made[name], basis)
    for key, tolerance in IMPOSED.items():
        assert abs(found[key] - ROWS[name][key]) < tolerance, (key, found[key], ROWS[name][key])
    assert abs(np.log10(found["re_arcsec"] / ROWS[name]["re_arcsec"])) < 0.06


def test_integrated_equals_a_direct_sum(made, basis):
    """EW, mass and star formation rate worked out here from the maps, not with the module's own helper."""
    maps = made["MOCK9001"]
    found = integrated(maps, basis)
    assert 10 ** found["log_ew_ha"] == pytest.approx(maps.lines["Halpha"].sum() / maps.continuum_ha.sum())
    assert 10 ** found["log_mass"] == pytest.approx(maps.mass.sum())
    screen = 10 ** (0.4 * 0.8177 * maps.av_gas)  # A(Ha) / A(V) of Cardelli et al. for Rv = 3.1
    luminosity = maps.lines["Halpha"] * screen * 1e30
    assert found["log_sfr"] == pytest.approx(np.log10(luminosity.sum()) - 41.27, abs=0.003)
    young = (luminosity * maps.star_forming).sum()
    assert found["log_sfr_young"] == pytest.approx(np.log10(young) - 41.27, abs=0.003)
    assert found["log_sfr_young"] < found["log_sfr"]


def test_mass_follows_light_and_population(made, basis):
    maps = made["MOCK9001"]
    y, x = np.unravel_index(np.argmax(maps.mass), maps.mass.shape)
    mass = 0.0
    for part in range(4):
        one = ssp.spectrum(basis, maps.log_age[part, y, x], maps.metallicity[part, y, x])
        light = one[(basis.wavelength >= 5600) & (basis.wavelength <= 5800)].mean()
        left = ssp.lookup(
            basis.remaining, ssp.nodes(basis, maps.log_age[part, y, x], maps.metallicity[part, y, x])
        )
        mass += maps.light[part, y, x] / light * left
    assert maps.mass[y, x] == pytest.approx(mass, rel=0.02)


def test_extinction_law():
    assert extinction(5494.5) == pytest.approx(1.0, abs=0.003)  # V by definition
    assert extinction(6562.8) == pytest.approx(0.818, abs=0.003)
    assert extinction(4861.3) == pytest.approx(1.164, abs=0.003)
    assert dim(1.0, 5494.5) == pytest.approx(10**-0.4, abs=0.002)


def test_balmer_decrement(made, basis):
    """2.86 without dust; with dust, Av from the decrement is the map's."""
    maps = made["MOCK9001"]
    ratio = maps.lines["Halpha"][maps.inside] / maps.lines["Hbeta"][maps.inside]
    av = 2.5 * np.log10(ratio / 2.86) / (1.1643 - 0.8177)
    assert np.allclose(av, maps.av_gas[maps.inside], atol=0.02)
    row = SPIRAL | {"av_gas": 0.0}
    field = instrument.frame(2.0, np.random.default_rng([1, 0]))
    clear = simulate(row, basis, field.shape, field.inside, field.centre, 1.5, np.random.default_rng(3))
    assert np.allclose(clear.lines["Halpha"][clear.inside] / clear.lines["Hbeta"][clear.inside], 2.86)
    assert np.allclose(clear.lines["Hgamma"][clear.inside] / clear.lines["Hbeta"][clear.inside], 0.468)


def test_young_knots_and_spheroids_differ_as_they_should(made):
    """Star-forming knots are younger than their surroundings; the elliptical is older at Re."""
    maps = made["MOCK9001"]
    ring = maps.inside & (maps.radius > 0.9) & (maps.radius < 1.3)
    ew, age = maps.ew_ha()[ring], maps.mean_age()[ring]
    bright = ew > np.quantile(ew, 0.95)
    assert age[bright].mean() < age[~bright].mean() - 0.05
    old = made["MOCK9002"]
    assert old.mean_age()[old.inside & (old.radius > 0.9) & (old.radius < 1.3)].mean() > age.mean() + 0.3


def test_rotation_follows_the_position_angle(made):
    """Position angle 0: the major axis is north-south, the peak velocity vmax sin i near it."""
    maps = made["MOCK9001"]
    y, x = np.indices(maps.inside.shape)
    north, west = y - maps.header["centre_y"], x - maps.header["centre_x"]
    far = maps.inside & (maps.radius > 1.2) & (maps.radius < 2.0)
    on_major = far & (np.abs(west) < 0.2 * np.abs(north))
    on_minor = far & (np.abs(north) < 0.2 * np.abs(west))
    speed = np.abs(maps.gas_velocity)
    sin_i = np.sqrt(1 - (0.6**2 - 0.2**2) / (1 - 0.2**2))
    assert speed[on_major].mean() == pytest.approx(200 * sin_i, rel=0.12)
    assert speed[on_minor].mean() < 0.3 * speed[on_major].mean()
    assert np.sign(maps.gas_velocity[on_major & (north > 0)]).mean() == pytest.approx(
        -np.sign(maps.gas_velocity[on_major & (north < 0)]).mean()
    )


def test_edge_on_has_a_dusty_plane(made):
    maps = made["MOCK9005"]
    middle = maps.inside & (np.abs(maps.radius) < 1.0)
    away = maps.inside & (maps.radius > 2.5) & (maps.offset < 15)
    assert maps.av_stars[middle].mean() > 3 * maps.av_stars[away].mean()


def test_binning_keeps_what_adds_up(made):
    fine, coarse = made["MOCK9001"], binned(made["MOCK9001"], 4)
    assert coarse.pixel_arcsec == 2.0
    assert coarse.mass.sum() == pytest.approx(fine.mass.sum(), rel=0.03)  # the ragged rim of the hexagon
    assert coarse.lines["Halpha"].sum() == pytest.approx(fine.lines["Halpha"].sum(), rel=0.05)
    y, x = 18, 20
    block = np.s_[4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
    light = fine.observed_light[block]
    assert coarse.velocity[y, x] == pytest.approx(np.average(fine.velocity[block], weights=light), abs=1e-6)
    second = np.average(fine.velocity[block] ** 2 + fine.dispersion[block] ** 2, weights=light)
    assert coarse.dispersion[y, x] == pytest.approx(np.sqrt(second - coarse.velocity[y, x] ** 2), rel=1e-6)
    assert coarse.observed_light[y, x] == pytest.approx(light.sum(), rel=1e-6)


@pytest.fixture(scope="module")
def seen(made, basis):
    maps = binned(made["MOCK9003"], 4)
    return maps, spectra(maps, basis, instrument.WAVELENGTH, 6.5)


def line(flux, centre, width=16):
    """Flux and centroid of a line above the straight continuum beside it."""
    wave = instrument.WAVELENGTH
    near = np.abs(wave - centre) < width
    side = (np.abs(wave - centre) > width) & (np.abs(wave - centre) < width + 8)
    excess = flux[near] - np.polyval(np.polyfit(wave[side] - centre, flux[side], 1), wave[near] - centre)
    return excess.sum() * 2.0, (excess * wave[near]).sum() / excess.sum()


def test_line_flux_and_velocity_come_back_from_spectra(seen):
    """[OIII] 5007 of bright spaxels of the dwarf: flux in erg/s/cm2 and centroid, from the maps by hand."""
    maps, flux = seen
    inside = np.flatnonzero(maps.inside)
    distance = 1.6 / 12.0 * 206.264806 * (1 + 0.006) ** 2 * 3.0856775814913673e24  # [cm] from kpc per arcsec
    brightest = np.argsort(-maps.lines["OIII5007"].ravel()[inside])[:5]
    for i in brightest:
        expected = maps.lines["OIII5007"].ravel()[inside[i]] * 1e30 / (4 * np.pi * distance**2) / 1e-16
        velocity = maps.gas_velocity.ravel()[inside[i]]
        found, centroid = line(flux[i], 5006.8 * 1.006 * (1 + velocity / 299792.458))
        assert found == pytest.approx(expected, rel=0.08)
        assert (centroid / (5006.8 * 1.006) - 1) * 299792.458 == pytest.approx(velocity, abs=12)


def test_stellar_continuum_has_the_planted_luminosity(made, basis):
    maps = binned(made["MOCK9002"], 4)
    flux = spectra(maps, basis, instrument.WAVELENGTH, 6.5)
    wave = instrument.WAVELENGTH / 1.015
    window = (wave >= 5600) & (wave <= 5800)
    distance = luminosity_distance(0.015, 2.6 / 8.0) * 3.0856775814913673e24
    luminosity = flux[:, window].mean(1).astype(float) * 1e-16 * 4 * np.pi * distance**2 * 1.015 / 1e30
    assert np.allclose(luminosity, maps.observed_light[maps.inside], rtol=0.02)


def test_stars_are_shifted_and_broadened(basis, made):
    """A spaxel of the elliptical against a direct convolution of its SSP mix, on a grid of its own."""
    maps = binned(made["MOCK9002"], 4)
    flux = spectra(maps, basis, instrument.WAVELENGTH, 6.5)
    i = int(np.argmax(maps.observed_light[maps.inside]))
    velocity, dispersion = maps.velocity[maps.inside][i], maps.dispersion[maps.inside][i]
    mix = 0.0
    for part in range(4):
        at = ssp.nodes(basis, maps.log_age[part][maps.inside][i], maps.metallicity[part][maps.inside][i])
        mix = mix + maps.light[part][maps.inside][i] * ssp.lookup(basis.shapes, at)
    fine = np.arange(4000.0, 7000.0, 0.5)
    rest = np.interp(fine / (1.015 * (1 + velocity / 299792.458)), basis.wavelength, mix)
    picks = np.arange(4500, 6400, 2) + 1.0
    sigma = np.hypot(picks * dispersion / 299792.458, np.sqrt(6.5**2 - (3.5 * 1.015) ** 2) / 2.3548)
    kernel = np.exp(-0.5 * ((fine[None] - picks[:, None]) / sigma[:, None]) ** 2)
    direct = (kernel @ rest) / kernel.sum(1)
    direct *= 10 ** (-0.4 * maps.av_stars[maps.inside][i] * extinction(picks / 1.015))
    found = flux[i][np.isin(instrument.WAVELENGTH, picks)]
    lines_free = np.ones(picks.size, bool)
    for centre in (4861.3, 4958.9, 5006.8, 5875.6, 6300.3, 6363.8):
        lines_free &= np.abs(picks / 1.015 - centre) > 25
    relative = found / np.median(found) / (direct / np.median(direct)) - 1
    assert np.abs(relative[lines_free]).max() < 0.01


def test_sersic_and_disc_geometry():
    assert sersic_within(1.0, 4.0) == pytest.approx(0.5)
    radius = np.linspace(1e-4, 60, 400001)
    assert np.trapezoid(2 * np.pi * radius * sersic(radius, 1.0), radius) == pytest.approx(1.0, abs=1e-3)
    assert disc_length(0.0, 2.0, 0.3) == pytest.approx(
        1 / 1.678347, rel=2e-3
    )  # half-light radius of an exponential
    assert inclination(1.0) == 1.0 and inclination(0.2) == 0.0
    assert inclination(0.6) == pytest.approx(np.sqrt((0.36 - 0.04) / 0.96))


def test_rows_are_read_or_refused(tmp_path):
    names = list(SPIRAL)
    path = tmp_path / "truth.csv"
    path.write_text(",".join(names) + "\n" + ",".join(str(SPIRAL[name]) for name in names) + "\n")
    assert mock.read_row(path, "MOCK9001") == SPIRAL
    wanted = tmp_path / "wanted.csv"
    head, values = path.read_text().splitlines()
    wanted.write_text(f"{head},log_sfr,g_r\n{values},0.25,\n")
    assert mock.read_row(wanted, "MOCK9001") == SPIRAL | {"log_sfr": 0.25, "g_r": ""}
    wanted.write_text(f"{head},log_sfr\n{values},inf\n")
    with pytest.raises(CubespaceError, match="column log_sfr: found inf"):
        mock.read_row(wanted, "MOCK9001")
    with pytest.raises(CubespaceError, match="found 0 rows"):
        mock.read_row(path, "MOCK9999")
    path.write_text(path.read_text().replace("11\n", "x\n"))
    with pytest.raises(CubespaceError, match="column seed: found 'x'"):
        mock.read_row(path, "MOCK9001")
    with pytest.raises(CubespaceError, match="not found"):
        mock.read_row(tmp_path / "none.csv", "MOCK9001")


@pytest.mark.parametrize("name", ["MOCK0032", "MOCK0095", "MOCK0127"])
def test_no_equivalent_width_beyond_that_of_a_young_burst(basis, name):
    """Faint outskirts with bright HII regions; the whole galaxy's equivalent width is still the imposed one."""
    row = mock.read_row(RESOURCES / "demo" / "truth.csv", name)
    _, _, maps, realised = mock.make(row, basis)
    assert maps.ew_ha()[maps.inside].max() <= 1050
    assert realised["log_ew_ha"] == pytest.approx(float(row["log_ew_ha"]), abs=0.03)
