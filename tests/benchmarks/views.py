"""Time of a pair of views at full size, in PCA space and by the same operations on whole spectra: python tests/benchmarks/views.py

The reference works on 1,533 planes of 184 x 192. First view: noisy sky where there is no galaxy. Second view: noise, then each
plane is turned, blurred, binned and shifted with scipy, and the rest filled with noisy sky. It takes the median of every
spectrum of both and projects it. Both run on one core, in CPU time, one after the other in turn; the ratio is what drawing views
in PCA space gains. Their results agree as docs/views.md says.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy import ndimage  # noqa: E402

SHAPE, K, FACTOR, SIGMA, ANGLE, SHIFT, SNR, SKY = (184, 192), 29, 2, 1.0, 0.7, (5, -3), 5.0, 1.5


def spectra_of_sky(number, n, rng):
    """Flat spectra with noise, (number, n) float32."""
    return 1 + rng.standard_normal((number, n), dtype=np.float32) / SKY


def projected(spectra, valid, components, mean, inside, rng):
    """Spectra of the valid spaxels, sky in the others: (log luminosity, coefficients) on the canvas."""
    full = np.empty((len(mean), *SHAPE), np.float32)
    full[:, valid], full[:, ~valid] = spectra, spectra_of_sky(len(mean), int((~valid).sum()), rng)
    luminosity = np.median(full[inside], axis=0)
    return np.log10(luminosity), np.tensordot(components, full / luminosity - mean[:, None, None], axes=1)


def reference(flux, good, components, mean, inside, rng):
    """Both views on whole spectra."""
    valid = good > 0
    first = projected(flux[:, valid], valid, components, mean, inside, rng)
    flux = flux * (1 + rng.standard_normal(flux.shape, dtype=np.float32) / SNR)
    turn = np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])
    middle = (np.array(SHAPE) - 1) / 2

    def moved(plane):
        turned = ndimage.affine_transform(plane, turn, middle - turn @ middle, order=1)
        soft = ndimage.gaussian_filter(turned, SIGMA, mode="constant", truncate=4)
        small = soft.reshape(SHAPE[0] // FACTOR, FACTOR, SHAPE[1] // FACTOR, FACTOR).sum(axis=(1, 3))
        canvas = np.zeros(SHAPE, np.float32)
        y, x = ((size - size // FACTOR) // 2 + s for size, s in zip(SHAPE, SHIFT, strict=True))
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
        return canvas

    coverage = moved(good) / FACTOR**2
    planes = np.stack([moved(plane * good) for plane in flux])
    valid = coverage >= 0.5
    return first, projected(planes[:, valid] / coverage[valid], valid, components, mean, inside, rng)


def main():
    from cubespace.network.data import GalaxyMaps, Scaling
    from cubespace.network.views import CoefficientSpace, draw_pair, network_input, pair_from_settings

    torch.set_num_threads(1)
    wavelength = np.arange(3739.0, 6804.0, 2.0)
    inside = (wavelength >= 5600) & (wavelength <= 5800)
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(len(wavelength), K)))[0].T.astype(np.float32)
    mean = np.ones(len(wavelength), np.float32)
    y, x = np.meshgrid(np.arange(SHAPE[0]) - 91.5, np.arange(SHAPE[1]) - 95.5, indexing="ij")
    good = (np.hypot(y, x) < 75).astype(np.float32)
    c = (rng.normal(size=(K, *SHAPE)) * 2 * 0.8 ** np.arange(K)[:, None, None]).astype(np.float32)
    log_l = (5 - np.hypot(y, x) / 40).astype(np.float32)
    n, names = 16, [f"MADE{i}" for i in range(16)]
    values = np.repeat(np.concatenate([log_l[None], c])[None], n, 0)
    mask = np.repeat((good == 0).astype(np.uint8)[None], n, 0)
    maps = GalaxyMaps.from_arrays(values, mask, np.full(n, 3.0), np.full(n, 0.5), names)
    space = CoefficientSpace(components, mean, wavelength, (5600, 5800), sky_level=3.0)
    scaling, pair = Scaling(np.zeros(K + 1), np.ones(K + 1)), pair_from_settings({"preset": "paper"})

    def draw(number):
        for view, draws in draw_pair(pair, maps, 0, (0, number)):
            network_input(maps, view, draws, space, scaling)

    draw(0)
    flux = (10**log_l * (mean[:, None, None] + np.tensordot(components.T, c, axes=1))).astype(np.float32)
    fast, slow = 0.0, 0.0
    for number in (1, 2):
        started = time.process_time()
        draw(number)
        half = time.process_time()
        reference(flux, good, components, mean, inside, rng)
        fast, slow = fast + (half - started) / (2 * n), slow + (time.process_time() - half) / 2
    print(f"a pair of views in PCA space              {fast:8.3f} s")
    print(f"the same pair on whole spectra, scipy     {slow:8.1f} s")
    print(f"ratio                                     {slow / fast:8.0f}")


if __name__ == "__main__":
    main()
