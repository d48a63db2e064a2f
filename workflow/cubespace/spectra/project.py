"""Maps of a galaxy: luminosity and principal-component coefficients of each spaxel on the common canvas."""

from dataclasses import dataclass, field

import numpy as np

from cubespace.cubes import quality, restframe
from cubespace.cubes.quality import Verdict
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.files import reading_fits, write_fits
from cubespace.spectra.canvas import place, placement, survey_field
from cubespace.spectra.moments import bad_share

CHUNK = 512
OFTEN = 0.02  # share of the spectra beyond which a matrix product is faster
FEW = 64  # spectra whose other bad samples are looked up at once
TINY = 1e-12  # keeps the inverse of a singular matrix finite; such a spectrum is not ok
OUTSIDE, STAR, LOW_SNR, FEW_SAMPLES, EXTREME, PADDING = 1, 2, 4, 8, 16, 128
BITS = {
    OUTSIDE: "outside the field or no data", STAR: "foreground star or companion", LOW_SNR: "S/N below the map cut",
    FEW_SAMPLES: "too few good samples or unusable window", EXTREME: "extreme reconstruction error",
    PADDING: "canvas padding",
}  # fmt: skip

NUCLEUS = [("wavelength", "f8"), ("flux", "f4"), ("sigma", "f4"), ("model", "f4"), ("bad", "u1")]
GOOD, BAD, SKY, UNSEEN = 0, 1, 2, 3  # column `bad`: why a sample was not used


@dataclass
class Maps:
    """Maps of one galaxy; the arrays are None if it was rejected.

    values : float32 (1 + n_components, ny, nx), channel 0 log10 luminosity [Lsun/A per spaxel]; 0 where
    masked
    mask : uint8 (ny, nx), 0 good, else `BITS`
    snr : float32 (ny, nx); error_rate : float32 (ny, nx), median |residual| / norm, 0 where masked
    nucleus : structured array or None, the spectrum nearest the centre (`NUCLEUS`), for looking at
    header : dict of FITS cards
    """

    values: np.ndarray | None = None
    mask: np.ndarray | None = None
    snr: np.ndarray | None = None
    error_rate: np.ndarray | None = None
    nucleus: np.ndarray | None = None
    header: dict = field(default_factory=dict)
    verdict: str = "accepted"
    reason: str = ""
    detail: str = ""


@dataclass
class Projection:
    """coefficients : float64 (n, k); error : float64 (n,); ok : bool (n,)."""

    coefficients: np.ndarray
    error: np.ndarray
    ok: np.ndarray


def project(values, bad, mean, components, min_good_fraction=0.7, max_gain=10.0):
    """Coefficients of spectra, by least squares on their good samples (gappy PCA, Everson & Sirovich 1995).

    For orthonormal rows C, a complete spectrum x has coefficients C (x - m). With bad samples B the normal
    equations are (I - C_B C_B^T) a =
    C_G (x - m)_G, where G are the good ones. The matrices C_B C_B^T are sums of the products C_i C_j over B.
    All good samples weigh the same, so that complete and gappy spectra are projected alike, and white noise
    stays white. Spectra are handled in their own precision, the equations in float64.

    Parameters
    ----------
    values : float (n, p), anything finite where `bad`; bad : bool (n, p)
    mean : (p,); components : (k, p), orthonormal rows
    min_good_fraction : float
        Least share of good samples.
    max_gain : float
        A spectrum is not ok if its gaps raise the variance that white noise gives to some combination of
        coefficients by more than this.

    Returns
    -------
    `Projection`; `error` = median |x - m - a C| over the good samples
    """
    n, k = len(values), len(components)
    precision = np.float32 if values.dtype == np.float32 else np.float64
    mean, flat = mean.astype(precision), components.astype(precision)
    products = None
    result = Projection(np.zeros((n, k)), np.full(n, np.nan), bad.mean(axis=1) <= 1 - min_good_fraction)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        lost, ok = bad[part], result.ok[part]
        centred = np.subtract(values[part], mean, dtype=precision)
        centred[lost] = 0
        a = (centred @ flat.T).astype(np.float64)
        gappy = np.nonzero(lost.any(axis=1) & ok)[0]
        if gappy.size:
            if products is None:
                upper = np.triu_indices(k)
                products = (components[upper[0]] * components[upper[1]]).T
            normal = np.zeros((gappy.size, k, k))
            normal[:, upper[0], upper[1]] = -_sums(lost[gappy], products)
            normal[:, upper[1], upper[0]] = normal[:, upper[0], upper[1]]
            largest = np.sqrt(np.einsum("nij,nij->n", normal, normal))  # eigenvalue of C_B C_B^T at most
            normal[:, np.arange(k), np.arange(k)] += 1 + TINY
            doubtful = np.nonzero((1 - largest) * max_gain < 1)[0]
            if doubtful.size:
                smallest = np.linalg.eigvalsh(normal[doubtful])[:, 0]
                ok[gappy[doubtful[smallest * max_gain < 1]]] = False
            a[gappy] = np.linalg.solve(normal, a[gappy, :, None])[:, :, 0]
        centred -= a.astype(precision) @ flat
        result.coefficients[part] = a
        result.error[part] = restframe.masked_median(np.abs(centred, out=centred), ~lost)
    result.coefficients[~result.ok] = 0
    return result


def _sums(bad, rows):
    """Sum of `rows` (p, m) over the bad samples of each spectrum: (n, m). Those that many lack, as a sky line's, come from one
    matrix product, the few others are added one by one."""
    often = bad.mean(axis=0) > OFTEN
    sums, few = bad[:, often].astype(np.float64) @ rows[often], bad & ~often
    for start in range(0, len(bad), FEW):
        spectrum, sample = np.nonzero(few[start : start + FEW])
        first = np.flatnonzero(np.diff(spectrum, prepend=-1))
        if first.size:
            sums[start + spectrum[first]] += np.add.reduceat(rows[sample], first)
    return sums


def galaxy_maps(
    cube, redshift, distance, basis, *, window=restframe.WINDOW, canvas=(184, 192), snr_map=3.0, min_good_window=0.5,
    min_good_fraction=0.7, max_gain=10.0, extreme_factor=5.0, extreme_floor=0.02, spare_nucleus_arcsec=1.5,
    min_spaxels=30, redshift_range=(-0.005, 0.5), distance_kind="luminosity", sky_windows=restframe.SKY_WINDOWS,
    max_star_fraction=0.8, hand=None,
):  # fmt: skip
    """Maps of one galaxy.

    Parameters
    ----------
    cube : `Cube`
    redshift : float
    distance : float
        Luminosity distance [Mpc].
    basis : `Basis`
    canvas : (ny, nx)
    snr_map : spaxels below this S/N are masked (4)
    extreme_factor, extreme_floor : a spaxel is masked (16) if its median |residual| is more than
    `extreme_factor` times
        0.6745 / (S/N) + `extreme_floor`, the error that noise and an imperfect basis let expect
    distance_kind : "luminosity", or "angular" for d_A = d_L / (1 + z)^2 in its place in the luminosity, as
    the authors' code has it
    sky_windows, spare_nucleus_arcsec, hand : see `canvas.survey_field`
    max_star_fraction : the galaxy is rejected if more of its field is masked

    Returns
    -------
    `Maps`, accepted

    Raises
    ------
    CubeRejected
    """
    redshift = quality.check_redshift(redshift, redshift_range)
    if distance is None or not (np.isfinite(distance) and distance > 0):
        raise CubeRejected(
            "distance_missing", f"luminosity distance {distance}: a positive number of Mpc is expected"
        )
    if distance_kind not in ("luminosity", "angular"):
        raise CubespaceError(f"distance_kind = {distance_kind!r}: 'luminosity' or 'angular' is allowed")
    reach = distance if distance_kind == "luminosity" else distance / (1 + redshift) ** 2
    grid = basis.wavelength
    quality.check_coverage(cube.wavelength, redshift, grid, window, min_good_fraction)
    sky, snr, noise, centre = survey_field(
        cube, redshift, window, min_good_window, sky_windows, spare_nucleus_arcsec, hand
    )
    star = cube.star
    quality.check_stars(cube, max_star_fraction)
    offset = placement(cube.field, centre, canvas)

    mask = np.where(cube.field, 0, OUTSIDE).astype(np.uint8)
    mask[star] |= STAR
    mask[cube.field & ~np.isfinite(noise)] |= FEW_SAMPLES
    mask[cube.field & np.isfinite(noise) & ~(snr >= snr_map)] |= LOW_SNR
    chosen = np.nonzero(mask.ravel() == 0)[0]
    quality.check_spaxels(cube, chosen.size, min_spaxels, snr_map)
    maps = np.zeros((1 + len(basis.components), mask.size), np.float32)
    error_rate = np.zeros(mask.size, np.float32)
    flags, flat_snr = mask.ravel(), snr.ravel()
    for start in range(0, chosen.size, CHUNK):
        index = chosen[start : start + CHUNK]
        spectra = restframe.rest_spectra(cube, redshift, index, grid, window, min_good_window)
        found = project(
            spectra.values, spectra.bad, basis.mean, basis.components, min_good_fraction, max_gain
        )
        ok = found.ok & spectra.ok
        flags[index[~ok]] |= FEW_SAMPLES
        limit = extreme_factor * (0.6745 / flat_snr[index] + extreme_floor)
        extreme = ok & ~(found.error <= limit)
        flags[index[extreme]] |= EXTREME
        ok &= ~extreme
        maps[0, index[ok]] = np.log10(restframe.luminosity(spectra.norm[ok], reach, redshift))
        maps[1:, index[ok]] = found.coefficients[ok].T
        error_rate[index[ok]] = found.error[ok]
    quality.check_spaxels(cube, int((flags == 0).sum()), min_spaxels, snr_map)

    limit = restframe.luminosity(np.nanmedian(noise[cube.field & ~star]), reach, redshift)
    header = _facts(cube, redshift, distance, centre, offset, limit, window, snr_map, mask, bad_share(cube))
    shape = mask.shape
    return Maps(
        place(maps.reshape(-1, *shape), offset, canvas, 0),
        place(mask, offset, canvas, PADDING),
        place(np.where(cube.field, snr, 0).astype(np.float32), offset, canvas, 0),
        place(error_rate.reshape(shape), offset, canvas, 0),
        _nucleus(cube, redshift, centre, flags, basis, sky, (window, min_good_window, min_good_fraction, max_gain)),
        header,
    )


def _nucleus(cube, redshift, centre, flags, basis, sky, options):
    """Spectrum of the good spaxel nearest the centre, with its errors, its model and what was not used of it."""
    window, min_good_window, min_good_fraction, max_gain = options
    grid = basis.wavelength
    y, x = np.divmod(np.nonzero(flags == 0)[0], cube.field.shape[1])
    nearest = np.hypot(y - centre[0], x - centre[1]).argmin()
    index = np.array([y[nearest] * cube.field.shape[1] + x[nearest]])
    seen = restframe.rest_spectra(cube, redshift, index, grid, window, min_good_window)
    found = project(seen.values, seen.bad, basis.mean, basis.components, min_good_fraction, max_gain)
    lower, weight, covered = restframe.neighbours(cube.wavelength, redshift, grid)
    plain = cube.flux.reshape(len(cube.wavelength), -1)[:, index[0]] / seen.norm[0]  # also where it was not used
    table = np.zeros(grid.size, NUCLEUS)
    table["wavelength"] = grid
    table["flux"] = np.nan_to_num((1 - weight) * plain[lower] + weight * plain[lower + 1])
    table["sigma"] = np.nan_to_num(restframe.rest_sigma(cube, redshift, index, grid)[0] / seen.norm[0])
    table["model"] = basis.mean + found.coefficients[0] @ basis.components
    table["bad"] = np.where(seen.bad[0], BAD, GOOD)
    table["bad"][restframe.common_gap(cube.wavelength, redshift, grid, sky)] = SKY
    table["bad"][~covered] = UNSEEN
    table["flux"][~covered] = 0
    return table


def _facts(cube, redshift, distance, centre, offset, limit, window, snr_map, mask, bad):
    """FITS cards of accepted maps: value and comment."""
    facts = {
        "REDSHIFT": (float(redshift), ""),
        "DISTANCE": (float(distance), "[Mpc] luminosity distance"),
        "PIXSCALE": (float(cube.pixel_arcsec), "[arcsec] spaxel"),
        "KPCPIX": (cube.pixel_arcsec * restframe.kpc_per_arcsec(distance, redshift), "[kpc] spaxel"),
        "LLIMIT": (
            float(np.log10(limit)),
            "log10 Lsun/A of S/N = 1 in the window (median)",
        ),
        "BUNIT": ("log10(Lsun/A), then coefficients", "channel 0, channels 1.."),
        "WINLO": (float(window[0]), "[A] normalisation window, rest frame"),
        "WINHI": (float(window[1]), "[A] normalisation window, rest frame"),
        "SNRMAP": (float(snr_map), "S/N below this is masked"),
        "CENTREX": (centre[1] + offset[1], "[pixel, from 0] galaxy centre on the canvas"),
        "CENTREY": (centre[0] + offset[0], "[pixel, from 0] galaxy centre on the canvas"),
        "OFFSETX": (offset[1], "canvas pixel = cube pixel + offset"),
        "OFFSETY": (offset[0], "canvas pixel = cube pixel + offset"),
        "NGOOD": (int((mask == 0).sum()), "good spaxels"),
        "STARFRAC": (float((mask & STAR > 0).sum() / max(1, cube.field.sum())), "share of the field under stars"),
        "BADFRAC": (float(bad), "share of bad samples, sky lines too"),
        "SURVEY": (cube.survey, "adapter that read the cube"),
    }
    if cube.sky is not None:
        sky, (east, north) = cube.sky, cube.sky.matrix
        facts |= {
            "CTYPE1": ("RA---TAN", ""), "CTYPE2": ("DEC--TAN", ""), "CUNIT1": ("deg", ""), "CUNIT2": ("deg", ""),
            "CRVAL1": (sky.ra, ""), "CRVAL2": (sky.dec, ""), "CRPIX1": (sky.x + 1 + offset[1], ""),
            "CRPIX2": (sky.y + 1 + offset[0], ""), "CD1_1": (east[0], ""), "CD1_2": (east[1], ""),
            "CD2_1": (north[0], ""), "CD2_2": (north[1], ""),
        }  # fmt: skip
    return facts


def rejected_maps(verdict, redshift=None):
    """Maps of a rejected galaxy: the verdict alone."""
    facts = {} if redshift is None or not np.isfinite(redshift) else {"REDSHIFT": (float(redshift), "")}
    return Maps(header=facts, verdict=verdict.verdict, reason=verdict.reason, detail=verdict.detail)


def write_maps(path, maps, galaxy, cards=()):
    """Write maps as FITS (PRIMARY, MASK, SNR, ERROR_RATE, NUCLEUS; of a rejected galaxy the header); `cards` = provenance."""
    from astropy.io import fits

    primary = fits.PrimaryHDU(maps.values)
    head = primary.header
    head["OBJECT"] = _printable(galaxy)
    head["VERDICT"] = (maps.verdict, "accepted or rejected")
    head["REASON"] = (maps.reason, "code")
    head["DETAIL"] = _printable(maps.detail)
    for key, (value, comment) in maps.header.items():
        head[key] = (value, comment)
    for key, value, comment in cards:
        head[key] = (value, comment)
    hdus = [primary]
    if maps.values is not None:
        hdus.append(fits.ImageHDU(maps.mask, name="MASK"))
        for bit, meaning in BITS.items():
            hdus[1].header[f"BIT{bit}"] = meaning
        hdus.append(fits.ImageHDU(maps.snr, name="SNR"))
        hdus.append(fits.ImageHDU(maps.error_rate, name="ERROR_RATE"))
        if maps.nucleus is not None:
            hdus.append(fits.BinTableHDU(maps.nucleus, name="NUCLEUS"))
            hdus[-1].header["COMMENT"] = "bad: 0 good, 1 bad sample, 2 sky line, 3 not observed"
    write_fits(path, fits.HDUList(hdus))


def _printable(text):
    """FITS cards hold printable ASCII only."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in str(text))


def read_maps(path):
    """Read what `write_maps` wrote; CubespaceError naming the file if it is damaged or incomplete."""
    with reading_fits(path, "not a complete file of maps") as hdus:
        head = {key: hdus[0].header[key] for key in hdus[0].header if key not in ("COMMENT", "HISTORY", "")}
        verdict = Verdict(head["VERDICT"], head.get("REASON", ""), head.get("DETAIL", ""))
        arrays, nucleus = [None] * 4, None
        if verdict.accepted:
            arrays = [
                np.ascontiguousarray(hdus[name].data).astype(kind)
                for name, kind in ((0, "f4"), ("MASK", "u1"), ("SNR", "f4"), ("ERROR_RATE", "f4"))
            ]
            if "NUCLEUS" in hdus:
                nucleus = np.array(hdus["NUCLEUS"].data).astype(NUCLEUS)
    return Maps(*arrays, nucleus, head, verdict.verdict, verdict.reason, verdict.detail)
