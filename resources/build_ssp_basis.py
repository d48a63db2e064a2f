"""Build resources/ssp_basis.npz: a compact grid of simple stellar populations for the mock survey.

The workflow never runs this script: its output is shipped. To make the file again, in an environment of its
own (the packages are large and none of them is a dependency of cubespace):

    python -m venv ssp && ssp/bin/pip install fastar-astro==0.1.2
    ssp/bin/pip download --no-deps sdss-mangadap==4.5.0
    unzip sdss_mangadap-4.5.0-*.whl 'mangadap/data/spectral_templates/mastar_ssp_v1.0/*Z-0.70*'
    ssp/bin/python resources/build_ssp_basis.py --mastar mangadap/data/spectral_templates/mastar_ssp_v1.0 \
        --out resources/ssp_basis.npz

Recipe
 1. FASTAR (MILES stars on BaSTI isochrones, Kroupa 2001 IMF) at 18 ages from 20 Myr to 13.5 Gyr and 8 [M/H]
 from -1.5 to
    +0.3: absolute flux per solar mass formed, and the mass still in stars and remnants.
 2. One ionising population: the 3 Myr, [Z/H] = -0.7 MaStar SSP (Maraston et al. 2020), vacuum -> air, taken
 for all
    metallicities. MaStar spectra carry no mass-to-light ratio: the flux at 5700 A per unit mass is set to
    `YOUNG_TO_OLD` times that of the 10 Gyr solar population (the ratio of the BC03 models at 3 Myr and 10
    Gyr).
 3. Gaussian smoothing from the libraries' 2.5 A (MILES) and R = 1834 (MaStar) to `FWHM` A; the eCALIFA
 instrument has 6.5 A. 4. Extension beyond the libraries (3540-7410 A) with a straight line in log flux
 fitted to the outer 250 A. Only the corners
    of the mock use it: rest > 7410 A (galaxies at z < 0.012, reddest channels) and rest < 3540 A (z > 0.059,
    bluest channels); neither lies in the analysis window, rest 3739-6803 A.
Flux unit: 1e-30 erg/s/A per solar mass formed, stored as float16 of the spectrum over its mean times a
float64 scale.
"""

import argparse
from pathlib import Path

import numpy as np

AGES = (
    0.02,
    0.03,
    0.05,
    0.08,
    0.125,
    0.2,
    0.3,
    0.45,
    0.65,
    0.9,
    1.3,
    1.9,
    2.7,
    4.0,
    5.5,
    7.5,
    10.0,
    13.5,
)  # [Gyr]
METALS = (-1.5, -1.0, -0.7, -0.45, -0.25, -0.1, 0.1, 0.3)  # [M/H]
YOUNG_AGE, YOUNG_TO_OLD = 0.003, 420.0
FWHM = 3.5
GRID = np.arange(3440.0, 7600.1, 1.5)
TEN_PARSEC = 3.0856775814913673e19  # [cm]


def air(vacuum):
    """Vacuum to air wavelength [A] (Morton 1991)."""
    return vacuum / (1.0 + 2.735182e-4 + 131.4182 / vacuum**2 + 2.76249e8 / vacuum**4)


def smooth(wave, flux, fwhm_in):
    """Convolve to FWHM [A] on the script's GRID; fwhm_in [A] scalar or array. Uneven steps are handled by
    the trapezoid rule."""
    sigma = (
        np.sqrt(np.maximum(FWHM**2 - np.interp(GRID, wave, np.broadcast_to(fwhm_in, wave.shape)) ** 2, 0.25))
        / 2.3548
    )
    step = np.gradient(wave)
    out = np.empty(GRID.size)
    for i, (centre, width) in enumerate(zip(GRID, sigma, strict=True)):
        near = slice(*np.searchsorted(wave, (centre - 5 * width, centre + 5 * width)))
        kernel = np.exp(-0.5 * ((wave[near] - centre) / width) ** 2) * step[near]
        out[i] = (kernel @ flux[near]) / kernel.sum() if kernel.size else np.nan
    return out


def extend(flux, low, high, span=250.0):
    """Replace values outside [low, high] by a line in log flux fitted to the outer `span` A."""
    for outside, fitted in (
        (low > GRID, (low <= GRID) & (low + span > GRID)),
        (high < GRID, (high >= GRID) & (high - span < GRID)),
    ):
        edge = low if GRID[outside].max() < high else high
        slope = np.polyfit(GRID[fitted] - edge, np.log(flux[fitted]), 1)
        flux[outside] = np.exp(np.polyval(slope, GRID[outside] - edge))
    return flux


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--mastar", type=Path, required=True, help="folder with MaStar-SSP-A00.003-Z-0.70.fits.gz"
    )
    arguments.add_argument("--out", type=Path, required=True)
    arguments = arguments.parse_args()

    from astropy.io import fits
    from fastar import IntegratedSSPSynthesizer
    from fastar.imf import kroupa

    model = IntegratedSSPSynthesizer(imf_function=kroupa)
    wave = np.asarray(model.wave, float)
    spectra = np.empty((len(AGES) + 1, len(METALS), GRID.size))
    remaining = np.ones((len(AGES) + 1, len(METALS)))
    for i, age in enumerate(AGES, start=1):
        for j, metal in enumerate(METALS):
            # flux at 10 pc [erg/s/cm2/A] -> luminosity [1e30 erg/s/A]
            flux = np.asarray(model.synthesize(age=age, met=metal), float) * 4 * np.pi * TEN_PARSEC**2 / 1e30
            spectra[i, j] = extend(smooth(wave, flux, 2.51), wave[0] + 8, wave[-1] - 8)
            remaining[i, j] = float(model.stellar_mass(age, metal))
    with fits.open(arguments.mastar / "MaStar-SSP-A00.003-Z-0.70.fits.gz") as hdus:
        header = hdus[0].header
        vacuum = 10 ** (header["CRVAL1"] + header["CD1_1"] * np.arange(header["NAXIS1"]))
        flux, resolution = np.asarray(hdus[0].data, float), np.asarray(hdus[1].data, float)
    wave = air(vacuum)
    young = extend(smooth(wave, flux, wave / resolution), wave[0] + 12, GRID[-1] - 1)
    window = (GRID >= 5600) & (GRID <= 5800)
    old = [np.interp(0.0, METALS, spectra[1 + AGES.index(10.0)][:, k]) for k in np.flatnonzero(window)]
    spectra[0] = young * (YOUNG_TO_OLD * np.mean(old) / young[window].mean())

    scale = spectra.mean(axis=-1)
    compact = (spectra / scale[..., None]).astype(np.float16)
    np.savez_compressed(
        arguments.out,
        wavelength=GRID,
        log_age=np.log10(np.array((YOUNG_AGE, *AGES)) * 1e9),
        metallicity=np.array(METALS),
        shape=compact,
        scale=scale,
        remaining_mass=remaining,
        fwhm=np.array(FWHM),
    )
    print(
        f"{arguments.out}: {compact.shape}, {arguments.out.stat().st_size / 1e3:.0f} kB, "
        f"largest rounding {np.abs(compact * scale[..., None] / spectra - 1).max():.1e}"
    )


if __name__ == "__main__":
    main()
