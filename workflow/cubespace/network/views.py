"""Views of galaxies: the six augmentations of the paper's sec. 3.1, in PCA space, on the device.

Everything that mixes spaxels (rotation, blur, block mean) acts in *flux space*: on coverage w, luminosity w L and
w L c, with c the PCA coefficients of the spectrum normalised by L, divided afterwards. A projection along wavelength
commutes with geometry, so this equals warping the 1,533 planes of the cube, up to one thing: the median of a mixture
is taken as the mixture of the medians. Warping c alone would be wrong wherever L varies within the kernel.

A view is made in the order noise -> rotation and flip -> blur -> stars -> resize -> shift -> sky. There is one
interpolation (the rotation); block means and shifts are exact. Whatever is not galaxy (outside the field, masked,
a star real or simulated, a companion) becomes the sky model at the end: zero is never interpolated into a galaxy.

**Luminosity is conserved**: channel 0 is the luminosity *per spaxel*, so that shrinking by k sums the luminosities
of each k x k block (the mean surface brightness stays, a spaxel covers k^2 times the area); a block that is half
covered or more counts as fully covered at the mean brightness of its covered part, the rest is sky. The sky's
luminosity per spaxel grows by the same k^2: the galaxy is seen from k times further by the same instrument.

**Seeds**: every draw depends on (seed, galaxy name, realisation, view) alone: not on the order or composition of a
batch (numbers agree to rounding), nor on which other augmentations are switched on. Noise is drawn by the device's
own generator: CPU and GPU views of one seed agree in all but the noise.
"""

import copy
import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from cubespace.errors import CubespaceError
from cubespace.network.geometry import block_mean, blur, place, rotate, star_mask

# Foreground stars of eCALIFA (statistics published with the paper's code): probability of 0, 1, 2, ... stars in a
# galaxy, and deciles of their distance from the centre and of the radius of their mask, the latter up to 8 arcsec.
STAR_COUNTS = (0.323, 0.275, 0.155, 0.088, 0.062, 0.032, 0.009, 0.022, 0.012, 0.006, 0.008, 0.001, 0.003, 0.0, 0.002)
STAR_DISTANCES = (0.7, 13.4, 18.9, 22.2, 24.8, 27.6, 30.1, 32.9, 35.2, 38.7, 52.4)
STAR_RADII = (0.62, 1.62, 1.62, 2.12, 2.5, 2.5, 2.5, 2.62, 3.12, 4.12, 8.0)


@dataclass(frozen=True)
class View:
    """Settings of one view; the defaults switch everything off (the original galaxy, filled with sky)."""

    noise: tuple = None  # range of S/N, uniform; None = no noise is added
    noise_integer: bool = False  # whole numbers of that range only
    rotate: bool = False  # by a uniform angle
    flip: str = "none"  # none; one = always in x or in y; random = each axis with probability 1/2
    blur: float = 0.0  # sigma of the Gaussian [px]
    stars: bool = False
    stars_everywhere: bool = True  # False: only on galaxies that have no masked star of their own
    star_counts: tuple = STAR_COUNTS  # probability of 0, 1, 2, ... stars
    star_distances: tuple = STAR_DISTANCES  # quantiles [arcsec], evenly spaced in probability
    star_radii: tuple = STAR_RADII  # quantiles [arcsec]
    resize: tuple = (1, 1)  # range of the whole factor, uniform
    resize_keep: int = 0  # only factors that leave more valid spaxels than this (the smallest one if none does)
    shift: int = 0  # largest shift [px]
    shift_shape: str = "disc"  # disc; square = each axis by itself
    sky_snr: tuple = (1.0, 2.0)  # S/N of the sky model, uniform

    @property
    def moves(self):
        """Whether spaxels are mixed, moved or covered."""
        return bool(self.rotate or self.flip != "none" or self.blur or self.stars or self.shift or self.resize[1] > 1)


@dataclass(frozen=True)
class Pair:
    """Settings of a positive pair."""

    first: View
    second: View
    original_every: int = 0  # every how many realisations the first view is the original galaxy; 0 = as `first` says
    blur_one: bool = False  # blur one of the two views, at random
    share_stars: bool = False  # the same simulated stars on both views


_OFF = {"noise": None, "rotate": False, "flip": "none", "blur": 0.0, "stars": False, "resize": [1, 1], "shift": 0}
_ALL = {"noise": [1, 10], "rotate": True, "flip": "one", "blur": 1.0, "stars": True, "resize": [2, 5], "shift": 16}
_CODE = {**_ALL, "resize": [1, 5], "resize_keep": 743, "shift_shape": "square", "stars_everywhere": False}
PRESETS = {
    "paper": {"first": _OFF, "second": _ALL},
    "authors-code": {
        "first": {**_CODE, "noise": None},
        "second": {**_CODE, "noise_integer": True},
        "original_every": 50,
        "blur_one": True,
        "share_stars": True,
    },
}


def pair_from_settings(settings):
    """Settings of a pair from a dict: ``preset`` (paper, authors-code), then any key of `Pair` and `View` over it.

    For example ``{"preset": "paper", "second": {"blur": 0.0, "shift": 4}}``.

    Raises
    ------
    CubespaceError
        A key is unknown or a value is out of its range.
    """
    settings = copy.deepcopy(settings or {})
    preset = settings.pop("preset", "paper")
    if preset not in PRESETS:
        raise CubespaceError(f"views: preset must be one of {', '.join(PRESETS)}, found {preset!r}")
    merged = copy.deepcopy(PRESETS[preset])
    for key, value in settings.items():
        if key in ("first", "second"):
            merged[key].update(value)
        else:
            merged[key] = value
    for name in ("first", "second"):
        merged[name] = _build(View, merged[name], f"views.{name}")
        _check(merged[name], f"views.{name}")
    return _build(Pair, merged, "views")


def _build(kind, settings, where):
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise CubespaceError(f"{where}: unknown setting(s) {', '.join(unknown)}; allowed: {', '.join(sorted(known))}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()})


def _check(view, where):
    def demand(good, key, expected):
        if not good:
            raise CubespaceError(f"{where}.{key}: expected {expected}, found {getattr(view, key)!r}")

    def is_range(value, low):
        return isinstance(value, tuple) and len(value) == 2 and low <= value[0] <= value[1]

    demand(view.noise is None or (is_range(view.noise, 0) and view.noise[0] > 0), "noise", "null or [low, high] > 0")
    demand(view.flip in ("none", "one", "random"), "flip", "none, one or random")
    demand(view.blur >= 0, "blur", "a sigma in pixels >= 0")
    demand(is_range(view.resize, 1) and all(isinstance(k, int) for k in view.resize), "resize", "two whole numbers >= 1")
    demand(isinstance(view.shift, int) and view.shift >= 0, "shift", "a whole number of pixels >= 0")
    demand(view.shift_shape in ("disc", "square"), "shift_shape", "disc or square")
    demand(is_range(view.sky_snr, 0) and view.sky_snr[0] > 0, "sky_snr", "[low, high] > 0")
    demand(min(view.star_counts) >= 0 and sum(view.star_counts) > 0, "star_counts", "probabilities")
    for key in ("star_distances", "star_radii"):
        value = getattr(view, key)
        demand(len(value) > 1 and value[0] >= 0 and list(value) == sorted(value), key, "two or more rising quantiles >= 0")


class CoefficientSpace:
    """What a view must know of the PCA basis: where sky lies in it, and how white noise looks there.

    White noise of sigma 1/s on a spectrum normalised to 1 is white noise of sigma 1/s on its coefficients, since the
    components are orthonormal. It also moves the spectrum's median over the window, by which it is normalised again:
    by delta of variance pi / (2 n s^2), n the samples of the window, and of covariance b_k / s^2 with the noise of
    coefficient k, b_k the mean of component k over the window (influence function of the median).

    Parameters
    ----------
    components : array (K, n_wavelength), orthonormal rows
    mean : array (n_wavelength,)
    wavelength : array (n_wavelength,) [Angstrom]
    window : (low, high) [Angstrom], of the normalisation
    """

    def __init__(self, components, mean, wavelength, window, device="cpu"):
        components = np.asarray(components, np.float64)
        inside = (np.asarray(wavelength) >= window[0]) & (np.asarray(wavelength) <= window[1])
        if not inside.any():
            raise CubespaceError(f"basis: no wavelength inside the normalisation window {window[0]}-{window[1]} A")
        b = components[:, inside].mean(axis=1)

        def column(values):
            return torch.as_tensor(values, dtype=torch.float32, device=device).reshape(1, -1, 1, 1)

        self.mean = column(components @ np.asarray(mean, np.float64))
        self.flat = column(components @ (1.0 - np.asarray(mean, np.float64)))  # a flat spectrum: the sky
        self.window = column(b)
        self.median_scatter = float(np.sqrt(np.pi / (2 * inside.sum()) - b @ b))

    def add_noise(self, log_l, c, snr, normals):
        """White noise on spectra, normalised again: (log_l, c) of the noisy spectra; `normals` is overwritten.

        Parameters
        ----------
        log_l : tensor (N, ny, nx), log10 luminosity
        c : tensor (N or 1, K, ny or 1, nx or 1), coefficients
        snr : tensor (N,), S/N for one wavelength sample at the window
        normals : tensor (N, K + 1, ny, nx) of standard normal numbers
        """
        noise = normals.div_(snr[:, None, None, None])
        delta = torch.einsum("k,nkyx->nyx", self.window.flatten(), noise[:, :-1]) + self.median_scatter * noise[:, -1]
        gain = (1.0 + delta).clamp_min(0.1)  # 7 sigma away even at S/N 1: keeps luminosities positive
        c = noise[:, :-1].add_(c + self.mean).div_(gain[:, None]).sub_(self.mean)
        return log_l + torch.log10(gain), c


@dataclass
class Draws:
    """What chance decides about one view of N galaxies; arrays with N rows."""

    snr: np.ndarray
    matrix: np.ndarray  # (N, 2, 2): from output to source offsets, in (x, y)
    blur: np.ndarray  # bool
    stars: np.ndarray  # (N, S, 3): y, x offsets from the centre and radius, all [arcsec]; radius -1 = no star
    factor: np.ndarray
    shift: np.ndarray  # (N, 2): y, x [px]
    sky_snr: np.ndarray
    seeds: np.ndarray  # (N, 2) of the noise and of the sky


def _key(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _draw_one(view, rng, n_good):
    noise = rng.random()
    if view.noise is None:
        snr = np.inf
    elif view.noise_integer:
        low, high = int(view.noise[0]), int(view.noise[1])
        snr = low + min(int(noise * (high - low + 1)), high - low)
    else:
        snr = view.noise[0] + noise * (view.noise[1] - view.noise[0])
    angle, coins = rng.uniform(0, 2 * np.pi), rng.integers(2, size=2)
    angle = angle if view.rotate else 0.0
    sign = {"none": (1, 1), "one": (-1, 1) if coins[0] else (1, -1), "random": tuple(1 - 2 * coins)}[view.flip]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.diag(sign) @ turn
    factors = [k for k in range(view.resize[0], view.resize[1] + 1) if n_good > view.resize_keep * k * k]
    factors = factors or [view.resize[0]]
    factor = factors[int(rng.random() * len(factors))]
    steps = np.arange(-view.shift, view.shift + 1)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    if view.shift_shape == "disc":
        offsets = offsets[(offsets**2).sum(axis=1) <= view.shift**2]
    shift = offsets[int(rng.random() * len(offsets))]
    sky = rng.uniform(*view.sky_snr)
    return snr, matrix, factor, shift, sky, rng.integers(2**62, size=2)


def _draw_stars(view, rng, has_star):
    counts = np.asarray(view.star_counts) / np.sum(view.star_counts)
    n = int(rng.choice(len(counts), p=counts))
    levels = rng.random((len(counts) - 1, 3))
    distance = np.interp(levels[:, 0], np.linspace(0, 1, len(view.star_distances)), view.star_distances)
    radius = np.interp(levels[:, 1], np.linspace(0, 1, len(view.star_radii)), view.star_radii)
    angle = 2 * np.pi * levels[:, 2]
    stars = np.stack([distance * np.sin(angle), distance * np.cos(angle), radius], axis=1)
    keep = n if view.stars and (view.stars_everywhere or not has_star) else 0
    stars[keep:, 2] = -1.0
    return stars


def draw_pair(pair, maps, seed, realisation):
    """Draw the two views of a pair for every galaxy of `maps`.

    Parameters
    ----------
    pair : Pair
    maps : GalaxyMaps
        Its names, numbers of good spaxels and of galaxies with a masked star are used.
    seed : int
    realisation : sequence of int
        What tells one realisation from the next, e.g. (epoch, step).

    Returns
    -------
    list of two (View, Draws)
    """
    base = [int(seed), *map(int, realisation)]
    original = pair.original_every > 0 and realisation[-1] % pair.original_every == 0
    views = [View(sky_snr=pair.first.sky_snr) if original else pair.first, pair.second]
    result = []
    for which, view in enumerate(views):
        rows, stars, blur = [], [], []
        for name, n_good, has_star in zip(maps.names, maps.n_good, maps.has_star, strict=True):
            key = [*base, _key(name)]
            rows.append(_draw_one(view, np.random.default_rng([*key, which]), n_good))
            star_stream = 2 if pair.share_stars else 3 + which
            stars.append(_draw_stars(view, np.random.default_rng([*key, star_stream]), has_star))
            blurred = int(np.random.default_rng([*key, 5]).integers(2)) if pair.blur_one else which
            blur.append(view.blur > 0 and blurred == which)
        snr, matrix, factor, shift, sky, seeds = (np.array(column) for column in zip(*rows, strict=True))
        result.append((view, Draws(snr, matrix, np.array(blur), np.array(stars), factor, shift, sky, seeds)))
    return result


def normals(seeds, shape, device):
    """(N, *shape) standard normal numbers, each row from its own seed: a galaxy's noise is its own in any batch."""
    generator = torch.Generator(device=device)
    result = torch.empty((len(seeds), *shape), device=device)
    for row, seed in zip(result, seeds, strict=True):
        generator.manual_seed(int(seed))
        torch.randn(shape, generator=generator, device=device, out=row)
    return result


def _geometry(maps, view, draws, log_l, c):
    """Rotation to shift, in flux space: coverage (N, ny, nx), luminosity per unit area, coefficients (0 / 0 is nan)."""
    device, shape = c.device, c.shape[2:]

    def tensor(values, dtype=torch.float32):
        return torch.as_tensor(values, dtype=dtype, device=device)

    content = torch.empty((len(c), c.shape[1] + 2, *shape), device=device)
    content[:, 0] = maps.good
    torch.mul(torch.pow(10.0, log_l), content[:, 0], out=content[:, 1])
    torch.mul(content[:, 1:2], c, out=content[:, 2:])
    if view.rotate or view.flip != "none":
        content = rotate(content, tensor(draws.matrix))
    if draws.blur.all():
        content = blur(content, view.blur)
    elif draws.blur.any():
        index = tensor(np.flatnonzero(draws.blur), torch.long)
        content[index] = blur(content[index], view.blur)
    if view.stars:
        content *= ~star_mask(tensor(draws.stars), maps.pixel_scale, shape)[:, None]
    if view.shift > 0 or view.resize[1] > 1:
        moved = torch.empty_like(content)
        for factor in np.unique(draws.factor):
            index = tensor(np.flatnonzero(draws.factor == factor), torch.long)
            small = block_mean(content[index], int(factor))
            moved[index] = place(small, shape, tensor(draws.shift, torch.long)[index])
        content = moved
    w, luminosity = content[:, 0], content[:, 1]
    return w, luminosity / w, content[:, 2:].div_(luminosity[:, None])


def render(maps, view, draws, space):
    """Make one view of N galaxies.

    Parameters
    ----------
    maps : GalaxyMaps
    view : View
    draws : Draws
    space : CoefficientSpace

    Returns
    -------
    values : tensor (N, K + 1, ny, nx), float32
        log10 luminosity per spaxel, then coefficients: galaxy where `valid`, else the sky model.
    valid : bool tensor (N, ny, nx)
    """
    device, (_, channels, *shape) = maps.values.device, maps.values.shape
    snr, sky_snr, factor = (
        torch.as_tensor(v, dtype=torch.float32, device=device) for v in (draws.snr, draws.sky_snr, draws.factor)
    )
    log_l, c = maps.values[:, 0].float(), maps.values[:, 1:].float()  # log_l relative to the detection limit
    if view.noise is not None:
        log_l, c = space.add_noise(log_l, c, snr, normals(draws.seeds[:, 0], (channels, *shape), device))
    if view.moves:
        w, brightness, c = _geometry(maps, view, draws, log_l, c)
        valid = (w >= 0.5) & (brightness > 0)
        log_l = torch.log10(brightness)
    else:
        valid = maps.good
    values = normals(draws.seeds[:, 1], (channels, *shape), device)
    sky_l, sky_c = space.add_noise(torch.zeros_like(log_l), space.flat, sky_snr, values)  # sky_c: a part of `values`
    scale = maps.limit + 2 * torch.log10(factor)  # k^2 old spaxels in a new one
    result = torch.empty_like(values)
    result[:, 0] = torch.where(valid, log_l, sky_l) + scale[:, None, None]
    torch.where(valid[:, None], c, sky_c, out=result[:, 1:])
    return result, valid


def network_input(maps, view, draws, space, scaling, chunk=None):
    """`render` in units of the network: (value - mean) / sigma per channel, sky too; channels-last.

    At most `chunk` galaxies are worked on at once (16 on a CPU, for its cache; 128 on a GPU), which bounds the memory
    and changes no number.
    """
    parts = []
    chunk = chunk or (16 if maps.values.device.type == "cpu" else 128)
    for start in range(0, len(maps), chunk):
        index = slice(start, start + chunk)
        some = Draws(**{f.name: getattr(draws, f.name)[index] for f in fields(Draws)})
        values, _ = render(maps[index], view, some, space)
        parts.append(scaling(values).contiguous(memory_format=torch.channels_last))
    return torch.cat(parts).contiguous(memory_format=torch.channels_last)


def original(view):
    """The view that leaves the galaxy as it is and fills it with the same sky."""
    return replace(View(), sky_snr=view.sky_snr)
