"""Views in PCA space against the same operations on whole spectra, and their bookkeeping."""

import numpy as np
import pytest
import torch
from scipy import ndimage

import fake_maps
from cubespace.errors import CubespaceError
from cubespace.network import geometry, views
from cubespace.network.data import GalaxyMaps
from cubespace.network.views import View

K = 6
COMPONENTS, MEAN = fake_maps.spectral_basis(K)
INSIDE = (fake_maps.WAVELENGTH >= 5600) & (fake_maps.WAVELENGTH <= 5800)
LIMIT = 3.0


def make_space():
    return views.CoefficientSpace(COMPONENTS, MEAN, fake_maps.WAVELENGTH, fake_maps.WINDOW)


def measure(flux, components=COMPONENTS, mean=MEAN, inside=INSIDE):
    """Log luminosity and coefficients of spectra (n_wavelength, ...), as the maps step defines them."""
    luminosity = np.median(flux[inside], axis=0)
    normalised = flux / np.where(luminosity > 0, luminosity, 1)
    c = np.tensordot(components, normalised - mean.reshape(-1, *[1] * (flux.ndim - 1)), axes=1)
    return np.log10(np.where(luminosity > 0, luminosity, 1)), c


def cube(ny=21, nx=24, seed=3, masked=True):
    """Spectra (n_wavelength, ny, nx) of a steep disc with spatially varying coefficients, and a mask."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.arange(ny) - (ny - 1) / 2, np.arange(nx) - (nx - 1) / 2, indexing="ij")
    brightness = 10 ** (LIMIT + 2.0 - np.hypot(x, 1.4 * y) / 5)  # falls by a factor 1.6 a pixel
    c = np.stack([ndimage.gaussian_filter(rng.normal(size=(ny, nx)), 1.5) * 6 for _ in range(K)])
    flux = brightness * (MEAN[:, None, None] + np.tensordot(COMPONENTS.T, c, axes=1))
    mask = np.zeros((ny, nx), np.uint8)
    if masked:
        mask[np.hypot(x, y) > 9.5] |= 1
        mask[(y - 3) ** 2 + (x + 4) ** 2 < 4] |= 2
    return flux, mask


def as_maps(flux, mask, pixel_scale=0.5, name="A"):
    """GalaxyMaps of one cube, in float32 so that only the method itself is compared."""
    log_l, c = measure(flux)
    values = np.concatenate([log_l[None], c])
    maps = GalaxyMaps.from_arrays(values[None], mask[None], [LIMIT], [pixel_scale], [name])
    relative = np.where(mask == 0, np.concatenate([log_l[None] - LIMIT, c]), 0)
    maps.values = torch.as_tensor(relative[None], dtype=torch.float32)
    return maps


def draws(n=1, angle=0.0, flip=(1, 1), factor=1, shift=(0, 0), blur=False, snr=5.0, seeds=(1, 2), stars=None):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stars = np.full((1, 1, 3), -1.0) if stars is None else np.asarray(stars, float)[None]
    return views.Draws(
        np.full(n, snr), np.repeat((np.diag(flip) @ turn)[None], n, 0), np.full(n, blur), np.repeat(stars, n, 0),
        np.full(n, factor), np.repeat([shift], n, 0), np.full(n, 1.5), np.repeat([seeds], n, 0),
    )  # fmt: skip


def rendered(maps, view, some_draws):
    values, valid = views.render(maps, view, some_draws, make_space())
    return values[0].numpy(), valid[0].numpy()


def compare(values, valid, flux):
    """Equal to whole spectra up to float32, where valid: the fake spectra are flat in the window (see `fake_maps`)."""
    log_l, c = measure(flux)
    assert c[:, valid].std(axis=1).min() > 0.3
    assert np.abs(values[1:] - c)[:, valid].max() < 1e-4
    assert np.abs(values[0] - log_l)[valid].max() < 1e-5


def divide(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def blurred(flux, mask, sigma=1.0):
    """Spectra after a Gaussian blur that knows of the mask."""
    good = (mask == 0).astype(float)
    soft = np.stack(
        [ndimage.gaussian_filter(plane * good, sigma, mode="constant", truncate=4) for plane in flux]
    )
    return (
        divide(
            soft,
            np.broadcast_to(ndimage.gaussian_filter(good, sigma, mode="constant", truncate=4), soft.shape),
        )
        * good
    )


def test_blur_equals_blurring_the_spectra():
    flux, mask = cube()
    values, valid = rendered(as_maps(flux, mask), View(blur=1.0), draws(blur=True))
    assert (valid == (mask == 0)).all()
    compare(values, valid, blurred(flux, mask))


def test_blurring_the_coefficients_alone_would_not():
    flux, mask = cube()
    _, right = measure(blurred(flux, mask))
    naive = np.stack([ndimage.gaussian_filter(plane, 1.0) for plane in measure(flux)[1]])
    inner = np.hypot(*np.meshgrid(np.arange(24) - 11.5, np.arange(21) - 10)) < 5
    error = (naive - right)[:, (mask == 0) & inner]
    assert (np.sqrt((error**2).mean(axis=1)) / right[:, mask == 0].std(axis=1)).min() > 0.01


def test_blur_with_the_surveys_own_eigenspectra(shared_data):
    """Where spectra are not flat in the window the median of a mixture is not the mixture of medians: how much is it?"""
    model = np.load(shared_data / "cl_ecalifa" / "pca_model_r2n29_norm_3739_6803_SN30.npz")
    components, mean, variance = (model[name] for name in ("components_", "mean_", "explained_variance_"))
    wavelength = 3739.0 + 2.0 * np.arange(len(mean))
    inside = (wavelength >= 5600) & (wavelength <= 5800)
    rng = np.random.default_rng(1)
    y, x = np.meshgrid(np.arange(20) - 9.5, np.arange(20) - 9.5, indexing="ij")
    fields = np.stack([ndimage.gaussian_filter(rng.normal(size=(20, 20)), 2) for _ in variance])
    c = fields / fields.std(axis=(1, 2), keepdims=True) * 0.7 * np.sqrt(variance)[:, None, None]
    flux = 10 ** (5 - np.hypot(x, y) / 5) * (mean[:, None, None] + np.tensordot(components.T, c, axes=1))
    mask = np.where(np.hypot(x, y) > 9, 1, 0).astype(np.uint8)
    log_l, c = measure(flux, components, mean, inside)
    maps = GalaxyMaps.from_arrays(np.concatenate([log_l[None], c])[None], mask[None], [LIMIT], [0.5], ["A"])
    maps.values = torch.as_tensor(
        np.concatenate([log_l[None] - LIMIT, c])[None] * (mask == 0), dtype=torch.float32
    )
    space = views.CoefficientSpace(components, mean, wavelength, (5600, 5800))
    values, valid = (part[0].numpy() for part in views.render(maps, View(blur=1.0), draws(blur=True), space))
    true_l, true_c = measure(blurred(flux, mask), components, mean, inside)
    spread = c[:, valid].std(axis=1)
    error = np.sqrt(((values[1:] - true_c)[:, valid] ** 2).mean(axis=1)) / spread
    assert error[:4].max() < 0.004 and np.median(error) < 0.01 and error.max() < 0.04
    assert np.abs(values[0] - true_l)[valid].max() < 0.005
    coverage = ndimage.gaussian_filter((mask == 0) * 1.0, 1.0, mode="constant", truncate=4)
    alone = np.stack([ndimage.gaussian_filter(k * (mask == 0), 1.0, mode="constant", truncate=4) for k in c])
    naive = np.sqrt(((alone / np.maximum(coverage, 0.1) - true_c)[:, valid] ** 2).mean(axis=1)) / spread
    assert (naive > 2 * error).all() and np.median(naive / error) > 8


@pytest.mark.parametrize("factor", [2, 3])
def test_block_mean_equals_binning_the_spectra(factor):
    flux, mask = cube(24, 24)
    good = (mask == 0).astype(float)
    m = 24 // factor
    blocks = (flux * good).reshape(-1, m, factor, m, factor).sum(axis=(2, 4))
    coverage = good.reshape(m, factor, m, factor).mean(axis=(1, 3))
    binned = blocks / np.where(coverage >= 0.5, coverage, np.inf)  # sums of luminosity, of a full block
    values, valid = rendered(as_maps(flux, mask), View(resize=(factor, factor)), draws(factor=factor))
    inside = slice((24 - m) // 2, (24 - m) // 2 + m)
    expected = np.zeros((24, 24), bool)
    expected[inside, inside] = coverage >= 0.5
    assert (valid == expected).all()
    compare(values[:, inside, inside], valid[inside, inside], binned)


def test_rotation_equals_rotating_the_spectra():
    flux, mask = cube()
    angle, good = 0.7, (mask == 0).astype(float)
    source = draws(angle=angle, flip=(-1, 1)).matrix[0][::-1, ::-1]  # in (y, x), as scipy counts
    middle = (np.array(mask.shape) - 1) / 2

    def turn(plane):
        return ndimage.affine_transform(
            plane, source, middle - source @ middle, order=1, mode="constant", cval=0
        )

    coverage = turn(good)
    turned = np.stack([turn(plane * good) for plane in flux]) / np.where(coverage > 0.4, coverage, np.inf)
    clear = np.abs(coverage - 0.5) > 1e-3  # float32 may decide a tie the other way
    values, valid = rendered(as_maps(flux, mask), View(rotate=True), draws(angle=angle, flip=(-1, 1)))
    assert (valid == (coverage >= 0.5))[clear].all()
    compare(values, valid, turned)


def test_noise_equals_noise_on_the_spectra():
    rng = np.random.default_rng(0)
    wavelength = np.arange(5000.0, 6400.0, 2.0)  # 101 samples in the window, as in the survey's grid
    inside = (wavelength >= 5600) & (wavelength <= 5800)
    x = (wavelength - 5700) / 700
    components = np.linalg.qr(np.stack([x, 1 + 0 * x, x**2, x**3], axis=1))[
        0
    ].T  # the second is flat: b_k is large
    mean = 1 + 0.1 * x**2
    n, snr = 20_000, 2.0
    spectrum = mean + 3 * components[1] + 0.5 * components[3]
    spectrum /= np.median(spectrum[inside])
    _, c0 = measure(spectrum, components, mean, inside)
    brute_l, brute_c = measure(
        (spectrum + rng.standard_normal((n, len(mean))) / snr).T, components, mean, inside
    )
    noise = torch.as_tensor(rng.standard_normal((1, 5, n, 1)), dtype=torch.float32)
    space = views.CoefficientSpace(components, mean, wavelength, (5600, 5800))
    c0 = torch.as_tensor(c0, dtype=torch.float32).reshape(1, -1, 1, 1)
    fast_l, fast_c = space.add_noise(torch.zeros(1, n, 1), c0, torch.tensor([snr]), noise)
    brute = np.concatenate([brute_l[None], brute_c])
    fast = np.concatenate([fast_l[0].numpy().T, fast_c[0, :, :, 0].numpy()])
    assert np.allclose(fast.std(axis=1), brute.std(axis=1), rtol=0.03)
    assert np.abs(np.corrcoef(fast) - np.corrcoef(brute)).max() < 0.03
    assert (np.abs(fast.mean(axis=1) - brute.mean(axis=1)) < 0.05 * brute.std(axis=1)).all()
    assert (
        abs(np.corrcoef(brute)[0, 2]) > 0.5
    )  # not a foregone conclusion: luminosity and the flat component move together


def test_noise_on_coefficients_is_white():
    space = make_space()
    noise = torch.randn(1, K + 1, 120, 120, generator=torch.Generator().manual_seed(0))
    flat = torch.zeros(1, K, 1, 1)
    _, c = space.add_noise(torch.zeros(1, 120, 120), flat, torch.tensor([50.0]), noise)
    c = c[0].reshape(K, -1).numpy() * 50
    shared = (
        np.outer(space.mean.flatten(), space.mean.flatten()) * np.pi / 2 / INSIDE.sum()
    )  # of the normalisation
    b = COMPONENTS[:, INSIDE].mean(axis=1)
    cross = np.outer(b, space.mean.flatten())
    assert np.abs(np.cov(c) - (np.eye(K) + shared - cross - cross.T)).max() < 0.15


def test_resize_conserves_luminosity_and_shift_moves_it():
    for factor in (2, 3, 4, 5):
        flux, mask = cube(6 * factor, 8 * factor, masked=False)
        values, valid = rendered(as_maps(flux, mask), View(resize=(factor, factor)), draws(factor=factor))
        assert valid.sum() == 48
        assert (10 ** values[0][valid]).sum() == pytest.approx((10 ** measure(flux)[0]).sum(), rel=1e-4)
    flux, mask = cube(24, 24, masked=False)
    maps = as_maps(flux, mask)
    values, valid = rendered(maps, View(resize=(2, 2), shift=3), draws(factor=2, shift=(-3, 2)))
    still, still_valid = rendered(maps, View(resize=(2, 2)), draws(factor=2))
    assert (valid[3:15, 8:20] == still_valid[6:18, 6:18]).all()
    assert np.array_equal(values[:, 3:15, 8:20], still[:, 6:18, 6:18])  # whole pixels, bit by bit
    assert valid.sum() == still_valid.sum() == 144
    # a masked galaxy with a field: what is lost or gained at the border is small against the galaxy
    flux, mask = cube(40, 40)
    total = (10 ** measure(flux)[0])[mask == 0].sum()
    values, valid = rendered(as_maps(flux, mask), View(resize=(3, 3)), draws(factor=3))
    assert (10 ** values[0][valid]).sum() == pytest.approx(total, rel=0.05)


def test_masked_luminosity_is_extrapolated_not_diluted():
    flux, mask = cube(24, 24, masked=False)
    flux[:] = 1000.0 * MEAN[:, None, None]  # a uniform galaxy
    mask[0:2, 0] = 2  # half of one block
    mask[2:4, 2:4] = 2  # all of another
    mask[4, 0:2] = mask[5, 0] = 2  # three quarters of a third
    values, valid = rendered(as_maps(flux, mask), View(resize=(2, 2)), draws(factor=2))
    assert np.allclose(values[0][valid], 3.0 + np.log10(4), atol=1e-3)
    gone = ~valid[6:18, 6:18]
    assert gone.sum() == 2 and gone[1, 1] and gone[2, 0]


def test_nothing_bleeds_in_at_edges_of_a_uniform_galaxy():
    flux, mask = cube()
    flux[:] = 1000.0 * (MEAN + COMPONENTS[0])[:, None, None]
    log_l, c = (part[..., 0, 0] for part in measure(flux))
    view = View(rotate=True, blur=1.5, resize=(2, 2), stars=True, shift=2)
    star = [[2.0, -1.0, 1.2]]
    values, valid = rendered(
        as_maps(flux, mask), view, draws(angle=0.4, factor=2, shift=(1, 1), stars=star, blur=True)
    )
    assert 30 < valid.sum() < 70
    assert np.allclose(values[0][valid], log_l + np.log10(4), atol=1e-4)
    assert np.allclose(values[1:, valid], c[:, None], atol=1e-3)


def test_quarter_turns_and_flips_are_exact():
    maps = as_maps(*cube(23, 23))
    still, still_valid = rendered(maps, View(), draws())
    for turns in range(4):
        values, valid = rendered(maps, View(rotate=True), draws(angle=turns * np.pi / 2))
        assert any((valid == np.rot90(still_valid, t)).all() for t in ([turns, -turns]))
    values, valid = rendered(maps, View(flip="one"), draws(flip=(-1, 1)))
    assert (valid == still_valid[:, ::-1]).all()
    assert np.allclose(values[:, valid], still[:, :, ::-1][:, valid], atol=1e-4)


def test_sky_is_a_flat_spectrum_at_the_detection_limit():
    flux, mask = cube(40, 40)
    values, valid = rendered(as_maps(flux, mask), View(sky_snr=(1.5, 1.5)), draws())
    sky = values[:, ~valid]
    n = sky.shape[1]
    rng = np.random.default_rng(0)
    brute_l, brute_c = measure((1 + rng.standard_normal((20_000, len(MEAN))) / 1.5).T)
    assert abs(np.median(sky[0]) - LIMIT) < 0.03 and np.isclose(sky[0].std(), brute_l.std(), rtol=0.1)
    assert np.allclose(
        sky[1:].mean(axis=1), brute_c.mean(axis=1), atol=4 * brute_c.std(axis=1).max() / np.sqrt(n)
    )
    assert np.allclose(sky[1:].std(axis=1), brute_c.std(axis=1), rtol=0.1)
    assert np.allclose(
        COMPONENTS.T @ (COMPONENTS @ (1 - MEAN)),
        COMPONENTS.T @ make_space().flat.flatten().numpy(),
        atol=1e-5,
    )
    # a star and the outside are the same thing
    star, star_valid = rendered(as_maps(flux, mask), View(stars=True), draws(stars=[[0.0, 0.0, 1.1]]))
    middle = valid & ~star_valid
    assert middle.sum() == 16  # pixels at half-integer offsets within 2.2 px of the middle
    assert abs(star[0][middle].mean() - LIMIT) < 0.2
    # the sky of a galaxy seen from 3 times further is 9 times as bright per spaxel
    far, far_valid = rendered(as_maps(flux, mask), View(resize=(3, 3)), draws(factor=3))
    assert abs(np.median(far[0][~far_valid]) - LIMIT - np.log10(9)) < 0.03


def test_star_mask_is_in_arcsec_about_the_middle():
    covered = geometry.star_mask(
        torch.tensor([[[4.0, -2.0, 2.1], [0, 0, -1.0]]]), torch.tensor([2.0]), (9, 11)
    )[0].numpy()
    assert sorted(map(tuple, np.argwhere(covered))) == [(5, 4), (6, 3), (6, 4), (6, 5), (7, 4)]


def test_original_view_is_the_galaxy_itself():
    flux, mask = cube()
    log_l, c = measure(flux)
    values, valid = rendered(as_maps(flux, mask), View(), draws())
    assert (valid == (mask == 0)).all()
    assert np.allclose(values[:, valid], np.concatenate([log_l[None], c])[:, valid], atol=1e-4)


def test_float16_keeps_luminosity_to_a_fifth_of_a_per_cent():
    flux, mask = cube()
    log_l, c = measure(flux)
    maps = GalaxyMaps.from_arrays(np.concatenate([log_l[None], c])[None], mask[None], [LIMIT], [0.5], ["A"])
    values, valid = rendered(maps, View(), draws())
    assert maps.values.dtype == torch.float16
    assert np.abs(10 ** (values[0] - log_l)[valid] - 1).max() < 0.0025


def some_maps(n=6, **options):
    return fake_maps.prepared(n, (12, 14), 4, **options)


PAIR = views.pair_from_settings({"second": {"resize": [1, 3], "shift": 3}})


def both_views(maps, space, seed=0, realisation=(0, 3), pair=PAIR):
    return [
        views.render(maps, view, d, space)[0] for view, d in views.draw_pair(pair, maps, seed, realisation)
    ]


def test_a_view_depends_on_seed_galaxy_and_realisation_alone():
    maps, space, scaling, _ = some_maps()
    first, second = both_views(maps, space)
    order = np.array([4, 1, 5])
    part_first, part_second = both_views(maps[order], space)
    assert torch.allclose(first[order], part_first, atol=1e-6) and torch.allclose(
        second[order], part_second, atol=1e-6
    )
    again = both_views(maps, space)[1]
    assert torch.equal(second, again)
    for options in ({"seed": 1}, {"realisation": (0, 4)}, {"realisation": (1, 3)}):
        other = both_views(maps, space, **options)[1]
        assert ((other - second).abs().amax(dim=(1, 2, 3)) > 0.1).all()
    view, d = views.draw_pair(PAIR, maps, 0, (0, 3))[1]
    chunked = views.network_input(maps, view, d, space, scaling, chunk=4)
    assert torch.allclose(chunked, views.network_input(maps, view, d, space, scaling, chunk=100), atol=1e-5)


def test_fifty_realisations_all_differ():
    maps, *_ = some_maps(2)
    seen = set()
    for number in range(50):
        for _, d in views.draw_pair(PAIR, maps, 0, (0, number)):
            seen.update(map(tuple, d.seeds))
    assert len(seen) == 50 * 2 * 2
    drawn = [views.draw_pair(PAIR, maps, 0, (0, number))[1][1] for number in range(50)]
    assert len({float(d.snr[0]) for d in drawn}) == 50


def test_switching_one_augmentation_off_leaves_the_others_draws():
    maps, *_ = some_maps(4)
    without = views.pair_from_settings(
        {"second": {"noise": None, "stars": False, "resize": [1, 3], "shift": 3}}
    )
    a, b = views.draw_pair(PAIR, maps, 0, (0, 0))[1][1], views.draw_pair(without, maps, 0, (0, 0))[1][1]
    for name in ("matrix", "factor", "shift", "sky_snr", "seeds"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert np.isinf(b.snr).all() and (b.stars[:, :, 2] < 0).all()


def test_draws_have_the_distributions_asked_for():
    maps, *_ = some_maps(4)
    pair = views.pair_from_settings({"preset": "paper"})
    drawn = [views.draw_pair(pair, maps, 5, (0, number))[1][1] for number in range(250)]
    snr = np.concatenate([d.snr for d in drawn])
    assert snr.min() >= 1 and snr.max() <= 10 and abs(snr.mean() - 5.5) < 0.3
    factors = np.bincount(np.concatenate([d.factor for d in drawn]), minlength=6)
    assert factors[:2].sum() == 0 and (np.abs(factors[2:] - 250) < 4 * np.sqrt(250 * 0.75)).all()
    shift = np.concatenate([d.shift for d in drawn])
    radius = np.hypot(*shift.T)
    assert radius.max() <= 16 and abs((radius**2).mean() - 16**2 / 2) < 8  # uniform over the disc
    determinants = np.concatenate([np.linalg.det(d.matrix) for d in drawn])
    assert np.allclose(determinants, -1)  # always one flip
    n_stars = np.concatenate([(d.stars[:, :, 2] > 0).sum(axis=1) for d in drawn])
    assert abs((n_stars == 0).mean() - 0.323) < 0.05
    radii = np.concatenate([d.stars[:, :, 2][d.stars[:, :, 2] > 0] for d in drawn])
    assert radii.min() >= 0.62 and radii.max() <= 8 and abs(np.median(radii) - 2.5) < 0.1


def test_presets_follow_the_paper_and_the_authors_code():
    maps, *_ = some_maps(6)
    paper = views.pair_from_settings({"preset": "paper"})
    assert not paper.first.moves and paper.first.noise is None
    code = views.pair_from_settings({"preset": "authors-code"})
    (first, d1), (second, d2) = views.draw_pair(code, maps, 0, (0, 7))
    assert first.noise is None and first.rotate and second.noise_integer and set(d2.snr) <= set(range(1, 11))
    assert (d1.blur ^ d2.blur).all()  # on one of the two
    assert np.array_equal(d1.stars, d2.stars)  # shared
    assert (d1.stars[maps.has_star][:, :, 2] < 0).all() and maps.has_star.any()
    assert set(d1.factor) == {1}  # 12 x 14 pixels leave fewer than 743 at any other factor
    (zeroth, _), _ = views.draw_pair(code, maps, 0, (0, 50))
    assert not zeroth.moves


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"preset": "ours"}, "paper"),
        ({"second": {"blurr": 1}}, "blurr"),
        ({"seconds": {}}, "seconds"),
        ({"second": {"noise": [0, 3]}}, "noise"),
        ({"second": {"resize": [3, 2]}}, "resize"),
        ({"second": {"resize": [1.5, 2]}}, "resize"),
        ({"first": {"shift": -1}}, "shift"),
        ({"first": {"flip": "up"}}, "flip"),
        ({"second": {"star_radii": [3, 2]}}, "star_radii"),
    ],
)
def test_wrong_settings_are_refused_by_name(given_settings, words):
    with pytest.raises(CubespaceError, match=words):
        views.pair_from_settings(given_settings)


def test_the_sky_of_the_survey_does_not_tell_galaxies_apart():
    """With one sky level, two galaxies at different distances have the same sky; with their own limits they do not."""
    maps, space = fake_maps.prepared(4)[:2]
    maps.limit[:] = torch.tensor([2.0, 2.5, 3.0, 4.0])
    draws = views.draw_pair(views.Pair(views.View(), views.View()), maps, 3, (0, 0))[0][1]
    level = {}
    for name, space.sky_level in (("survey", 1.5), ("own", None)):
        values, valid = views.render(maps, views.View(), draws, space)
        level[name] = np.array([float(values[i, 0][~valid[i]].mean()) for i in range(4)])
    np.testing.assert_allclose(level["own"] - level["own"][0], [0, 0.5, 1.0, 2.0], atol=0.1)
    np.testing.assert_allclose(level["survey"], 1.5, atol=0.1)
