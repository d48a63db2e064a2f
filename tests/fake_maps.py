"""Small fake galaxies for tests of the network: maps with planted properties, no cubes."""

import numpy as np

from cubespace.network.data import GalaxyMaps, Scaling
from cubespace.network.views import CoefficientSpace

WAVELENGTH = np.arange(4500.0, 6800.0, 10.0)
WINDOW = (5600.0, 5800.0)


def spectral_basis(k, seed=0, wavelength=WAVELENGTH):
    """Smooth orthonormal components (k, n) and a mean spectrum (n,), all flat in the window.

    Flat there, the median of a mixture of spectra is the mixture of their medians, and flux space is exact.
    """
    rng = np.random.default_rng(seed)
    x = (wavelength - wavelength.mean()) / np.ptp(wavelength)
    away = np.maximum(np.abs(wavelength - np.mean(WINDOW)) - 0.5 * np.ptp(WINDOW), 0)
    taper = 1 - np.exp(-0.5 * (away / 150) ** 2)
    smooth = [taper * np.cos(np.pi * (i + 1) * (x + 0.5) + rng.uniform(0, 6)) + 0.2 for i in range(k)]
    components = np.linalg.qr(np.stack(smooth, axis=1))[0].T
    return components, 1 + taper * (0.4 * x + 0.3 * np.exp(-0.5 * ((wavelength - 5200) / 60) ** 2))


def survey(n, shape=(24, 26), k=5, seed=0, latents=None, pixel_scale=2.0):
    """(values, mask, limit, latents) of n discs of random size, inclination and orientation.

    latents (n, 2), normal: the first shifts coefficient 0 and its gradient, the second sets coefficient 1 in
    the centre; neither touches the luminosity. Coefficient 2 rotates and is clumpy, whatever the latents.
    """
    rng = np.random.default_rng([seed, 1])
    latents = rng.standard_normal((n, 2)) if latents is None else np.asarray(latents)
    ny, nx = shape
    y, x = np.meshgrid(np.arange(ny) - (ny - 1) / 2, np.arange(nx) - (nx - 1) / 2, indexing="ij")
    values, mask = np.zeros((n, k + 1, ny, nx), np.float32), np.zeros((n, ny, nx), np.uint8)
    limit = rng.uniform(3.1, 3.3, n)
    for i in range(n):
        angle, ratio = rng.uniform(0, np.pi), rng.uniform(0.4, 1)
        scale = rng.uniform(0.10, 0.16) * ny
        u, v = x * np.cos(angle) + y * np.sin(angle), (-x * np.sin(angle) + y * np.cos(angle)) / ratio
        r = np.hypot(u, v) / scale
        log_l = limit[i] + 1.9 - r / np.log(10)
        clumps = np.zeros_like(r)
        for _ in range(6):
            cy, cx = rng.uniform(-2, 2, 2) * scale
            clumps += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * (0.35 * scale) ** 2))
        c = rng.normal(0, 0.2, (k, ny, nx))
        c[0] += 2.0 * latents[i, 0] * (1 - 0.15 * r)
        c[1] += 3.0 * latents[i, 1] * np.exp(-r)
        c[2] += 0.5 * (u / scale) + clumps
        mask[i][log_l < limit[i] + 0.3] |= 4
        if rng.random() < 0.4:
            cy, cx = rng.uniform(-0.4, 0.4) * ny, rng.uniform(-0.4, 0.4) * nx
            mask[i][(y - cy) ** 2 + (x - cx) ** 2 < 2.0] |= 2
        values[i] = np.where(mask[i] == 0, np.concatenate([log_l[None], c]), 0)
    return values, mask, limit, latents


def prepared(n, shape=(24, 26), k=5, seed=0, names=None, pointings=None, dropped=(), **options):
    """(maps, space, scaling, latents) of a `survey`, ready for the network."""
    values, mask, limit, latents = survey(n, shape, k, seed, **options)
    names = names or [f"FAKE{i:04d}" for i in range(n)]
    maps = GalaxyMaps.from_arrays(values, mask, limit, np.full(n, 2.0), names, pointings)
    components, mean = spectral_basis(k)
    good = values.transpose(1, 0, 2, 3)[:, mask == 0]
    scaling = Scaling(good.mean(axis=1), good.std(axis=1), dropped)
    return maps, CoefficientSpace(components, mean, WAVELENGTH, WINDOW), scaling, latents
