"""Structure of mock galaxies: thick discs, dust lanes, arms, rings, HII regions, motions; each against what
was planted."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cubespace.survey import regions
from cubespace.survey.arms import pattern
from cubespace.survey.profiles import thick_disc
from cubespace.survey.structure import FINE, KINDS, build, kind_of
from unit.test_survey_galaxy import DWARF, ELLIPTICAL, SPIRAL

SHAPE, CENTRE = (144, 160), (71.3, 80.2)


@pytest.fixture(scope="module")
def axes():
    y, x = np.indices((161, 161), dtype=float)
    return (x - 80) * 0.5, (y - 80) * 0.5


def test_edge_on_disc_is_that_of_van_der_kruit_and_searle(axes):
    """Light on the minor axis falls as sech^2 of the height near the plane, along the plane as x K1(x); all
    of it sums to one."""
    from scipy.special import k1

    u, v = axes
    light, layer, lane, mean, _ = thick_disc(u, v, 0.0, 6.0, 2.0, 3.0)
    assert light.sum() * 0.25 == pytest.approx(1.0, abs=0.03)
    middle = light[:, 80]
    height = v[:, 80]
    vertical = 0.85 / np.cosh(height / 2.0) ** 2 + 0.05 / np.cosh(height / 6.0) ** 2
    near = np.abs(height) < 8
    assert np.allclose(middle[near] / middle[80], vertical[near] / vertical[80], rtol=0.03)
    along = light[80, 84:140]
    x = u[80, 84:140] / 6.0
    assert np.allclose(along / along[0], x * k1(x) / (x[0] * k1(x[0])), rtol=0.04)
    assert layer[80, 80] == pytest.approx(1.0, abs=0.01)
    assert lane[80, 80] > 5 * lane[88, 80]  # the dust lies in the plane
    assert (
        mean[80, 120] == pytest.approx(-mean[80, 40]) and 0.5 < mean[80, 140] < 1.0
    )  # less than the rotation: a mean along the line


def test_inclined_thick_disc_is_an_inclined_sheet_where_it_is_thin(axes):
    u, v = axes
    light, *_ = thick_disc(u, v, 0.5, 6.0, 0.3, 3.0)
    sheet = np.exp(-np.hypot(u, v / 0.5) / 6.0) / (2 * np.pi * 36 * 0.5)
    near = (np.hypot(u, v / 0.5) > 4) & (np.hypot(u, v / 0.5) < 20)
    assert np.median(np.abs(light[near] / sheet[near] - 1)) < 0.06


@pytest.mark.parametrize("kind", ["S0", "Sd"])
def test_thickness_follows_the_type(kind):
    """Second moment of the light across an edge-on disc, against that of its sech^2 layers."""
    row = SPIRAL | {
        "morphology": kind,
        "morphology_detail": kind,
        "axis_ratio": 0.12,
        "bulge_fraction": 0.0,
        "n_arms": 0,
    }
    plan = build(row, SHAPE, CENTRE, 3)
    y, x = np.indices(SHAPE)
    north, across = (y - CENTRE[0]) * FINE, np.abs(x - CENTRE[1]) * FINE  # position angle 0
    strip = (np.abs(north) > 3) & (np.abs(north) < 12) & (across < 3 * plan.notes["height"])
    measured = np.average(across[strip], weights=plan.light[strip])
    z = np.linspace(0, 3 * plan.notes["height"], 400)
    profile = (
        0.85 / np.cosh(z / plan.notes["height"]) ** 2 + 0.05 / np.cosh(z / 3 / plan.notes["height"]) ** 2
    )
    assert measured == pytest.approx(np.average(z, weights=profile), rel=0.15)
    assert plan.notes["height"] == pytest.approx(KINDS[kind].thickness * plan.notes["disc_length"])
    assert KINDS["S0"].thickness > 1.5 * KINDS["Sd"].thickness


def test_dust_lies_in_the_plane_of_an_edge_on_disc():
    plan = build(SPIRAL | {"axis_ratio": 0.15}, SHAPE, CENTRE, 3)
    y, x = np.indices(SHAPE)
    inner = np.abs(y - CENTRE[0]) < 16
    plane, above = (
        inner & (np.abs(x - CENTRE[1]) < 1),
        inner & (np.abs(x - CENTRE[1]) > 8) & (np.abs(x - CENTRE[1]) < 12),
    )
    assert plan.dust[plane].mean() > 4 * plan.dust[above].mean()
    assert plan.mixed[plane].mean() > 0.5 and plan.mixed[above].mean() < 0.1


def test_no_two_arms_are_alike():
    """Turned by half a circle, a two-armed galaxy is not itself; the arms' pitches scatter about the
    type's."""
    y, x = np.indices((161, 161), dtype=float)
    plane = (x - 80) * 0.5, (y - 80) * 0.5
    asymmetry, pitches = [], []
    for seed in range(12):
        drawn = pattern(KINDS["Sb"], SPIRAL, plane, 12.0, FINE, (161, 161), np.random.default_rng(seed))
        ring = (np.hypot(*plane) > 8) & (np.hypot(*plane) < 20)
        smooth = gaussian_filter(drawn.young, 2)
        turned = smooth[::-1, ::-1]
        asymmetry.append(np.abs(smooth - turned)[ring].sum() / (smooth + turned)[ring].sum())
        pitches += [pitch for _, pitch in drawn.arms]
        assert len(drawn.arms) == 2 and drawn.arms[0] != drawn.arms[1]
        assert drawn.young[ring].mean() == pytest.approx(1.0, rel=0.6)
    assert min(asymmetry) > 0.1 and max(asymmetry) < 0.7
    assert np.median(pitches) == pytest.approx(KINDS["Sb"].pitch, rel=0.2)
    assert 0.08 < np.std(np.log(pitches)) < 0.45


def test_rings_in_a_share_of_early_spirals_and_in_no_late_ones():
    y, x = np.indices((81, 81), dtype=float)
    plane = (x - 40), (y - 40)

    def share(name):
        row = SPIRAL | {"bar": 1}
        drawn = [
            pattern(KINDS[name], row, plane, 12.0, 1.0, (81, 81), np.random.default_rng(s)).rings
            for s in range(60)
        ]
        return np.mean([any(rings) for rings in drawn])

    assert 0.3 < share("Sb") < 0.85
    assert 0.3 < share("S0") < 0.85
    assert share("Sd") == 0


def test_a_bar_is_long_and_sweeps_its_region():
    """Light along the bar against across it, and young stars inside its length but off the nucleus against
    the same disc without one."""
    y, x = np.indices((161, 161), dtype=float)
    plane = (x - 80) * 0.5, (y - 80) * 0.5
    for seed in range(5):
        barred, plain = (
            pattern(
                KINDS["Sb"], SPIRAL | {"bar": bar}, plane, 12.0, FINE, (161, 161), np.random.default_rng(seed)
            )
            for bar in (1, 0)
        )
        moments = np.cov(np.stack([axis.ravel() for axis in plane]), aweights=barred.bar.ravel())
        long, short = np.sqrt(np.linalg.eigvalsh(moments))[::-1]
        assert 2.5 < long / short < 4.5 and 0.15 * 12 < long < 0.6 * 12
        swept = (np.hypot(*plane) < 0.3 * 12) & (np.hypot(*plane) > 0.1 * 12)
        assert barred.young[swept].mean() < 0.7 * plain.young[swept].mean()
        assert plain.bar is None


def test_luminosity_function_of_hii_regions():
    """Maximum-likelihood slope of the drawn luminosities (Clauset et al. 2009, eq. 3.1; the upper limit far
    away)."""
    drawn = regions.luminosities(np.random.default_rng(1), 200_000)
    assert drawn.min() >= 1 and drawn.max() <= regions.LF_RANGE
    low = drawn[drawn < 20]
    counts, edges = np.histogram(np.log10(low), bins=np.linspace(0, 1.3, 14))
    slope = np.polyfit(0.5 * (edges[1:] + edges[:-1]), np.log10(counts), 1)[0]  # per log L: 1 - 1.8
    assert slope == pytest.approx(-0.8, abs=0.03)


def test_number_of_hii_regions_is_poisson_about_the_type_s():
    numbers = [len(build(SPIRAL, SHAPE, CENTRE, seed, moving=False).notes["regions"]) for seed in range(12)]
    assert np.mean(numbers) == pytest.approx(KINDS["Sb"].regions, rel=0.08)
    assert len(set(numbers)) > 6


def test_star_formation_is_where_the_arms_are():
    plan = build(SPIRAL | {"axis_ratio": 0.9}, SHAPE, CENTRE, 5)
    ring = (plan.radius > 0.8) & (plan.radius < 1.8)
    smooth = gaussian_filter(plan.star_formation, 2)[ring]
    light = gaussian_filter(plan.light, 2)[ring] / np.exp(-plan.radius[ring] * 12 / plan.notes["disc_length"])
    assert np.corrcoef(np.log(smooth), np.log(light))[0, 1] > 0.4


def test_dwarfs_are_clumpy_and_ellipticals_smooth():
    def clumpiness(row):
        light = build(row | {"axis_ratio": 0.8}, SHAPE, CENTRE, 4).light
        smooth = gaussian_filter(light, 4)
        near = smooth > 0.1 * smooth.max()
        return np.std(light[near] / smooth[near] / np.mean(light[near] / smooth[near]))

    assert clumpiness(DWARF) > 0.25
    assert clumpiness(DWARF | {"morphology": "I", "morphology_detail": "I"}) > 0.15
    assert clumpiness(ELLIPTICAL | {"sersic_n": 1.0, "re_arcsec": 12.0}) < 0.1


@pytest.fixture(scope="module")
def ellipticals():
    """Massive round ones, where slow rotators are common, and flat ones of lower mass, where there are
    none."""
    heavy = ELLIPTICAL | {"log_mass": 11.6, "axis_ratio": 0.85}
    light = ELLIPTICAL | {"log_mass": 10.4, "axis_ratio": 0.55}
    return [[build(row, SHAPE, CENTRE, seed) for seed in range(24)] for row in (heavy, light)]


def v_over_sigma(plan):
    """Light-weighted within one Re (Binney 2005; Cappellari et al. 2007)."""
    near = plan.radius < 1
    light = plan.light[near]
    return np.sqrt(
        np.average(plan.velocity[near] ** 2, weights=light)
        / np.average(plan.dispersion[near] ** 2, weights=light)
    )


def test_slow_rotators_do_not_rotate(ellipticals):
    heavy, light = ellipticals
    slow = [plan for plan in heavy if plan.notes["slow_rotator"]]
    assert 12 <= len(slow) < 24 and not any(plan.notes["slow_rotator"] for plan in light)
    assert max(v_over_sigma(plan) for plan in slow) < 0.16
    fast = [v_over_sigma(plan) for plan in light]
    assert 0.3 < np.median(fast) < 0.9


def test_some_slow_rotators_have_a_core_of_its_own(ellipticals):
    """The velocity of the inner 3 arcsec against that of the body, by amplitude."""
    slow = [plan for plan in ellipticals[0] if plan.notes["slow_rotator"]]

    def amplitude(plan, low, high):
        ring = (plan.offset > low) & (plan.offset < high)
        return np.quantile(np.abs(plan.velocity[ring]), 0.9)

    cores = [amplitude(plan, 1, 4) > 2.5 * amplitude(plan, 8, 14) for plan in slow]
    assert 0.1 < np.mean(cores) < 0.8


def test_stars_lag_behind_the_gas():
    """Asymmetric drift: more where the dispersion is higher; the curve rises to the planted speed."""
    _, x = np.indices(SHAPE)
    lags = {}
    for sigma in (60.0, 160.0):
        plan = build(SPIRAL | {"sigma_cen": sigma}, SHAPE, CENTRE, 9)
        major = (np.abs(x - CENTRE[1]) < 3) & (plan.radius > 0.5) & (plan.radius < 1.2)
        lags[sigma] = 1 - np.abs(plan.velocity[major]).mean() / np.abs(plan.gas_velocity[major]).mean()
        curve = [
            np.abs(plan.gas_velocity[major_at]).mean()
            for major_at in (
                (np.abs(x - CENTRE[1]) < 2) & (np.abs(plan.radius - r) < 0.08) for r in (0.15, 0.4, 1.2)
            )
        ]
        assert curve[0] < curve[1] < curve[2]
        centre, out = (
            plan.dispersion[plan.radius < 0.1].mean(),
            plan.dispersion[(plan.radius > 1.5) & (plan.radius < 2)].mean(),
        )
        assert centre > out
    assert 0 < lags[60.0] < lags[160.0] < 0.3


def test_intermediate_type_is_told_from_its_detail():
    assert kind_of(SPIRAL | {"morphology_detail": "Sbc"}).name == "Sbc"
    assert kind_of(SPIRAL).name == "Sb"
