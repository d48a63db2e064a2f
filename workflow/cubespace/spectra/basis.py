"""Principal components of the survey's spectra, from merged moments."""

from dataclasses import dataclass, field

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.files import reading_fits, write_fits
from cubespace.spectra.moments import Moments, Pool, read_moments

SIGN_RULE = "largest absolute loading positive"
MEASURES = ("median_abs", "mean_abs", "relative_l2")
NORMAL_MEDIAN = 0.6744897501960817  # median of |N(0, 1)|
NORMAL_MEAN = 0.7978845608028654  # mean of |N(0, 1)|


@dataclass
class Basis:
    """Basis of spectra normalised to 1 in the window.

    wavelength, mean : float64 (p,); components : float64 (n_components, p), orthonormal rows; eigenvalues :
    float64 (p,), all, descending
    (variance along each component, divisor count - 1); reconstruction : structured array or None; header :
    dict.
    """

    wavelength: np.ndarray
    mean: np.ndarray
    components: np.ndarray
    eigenvalues: np.ndarray
    reconstruction: np.ndarray | None = None
    header: dict = field(default_factory=dict)


def apply_sign_rule(components):
    """Rows with the sign that makes their loading of largest absolute value positive (the first, on a tie)."""
    rows = np.arange(len(components))
    signs = np.sign(components[rows, np.abs(components).argmax(axis=1)])
    return components * np.where(signs == 0, 1, signs)[:, None]


def principal_components(moments, n_components, n_keep=None):
    """Eigenvectors and eigenvalues of the covariance scatter / (count - 1).

    Parameters
    ----------
    moments : `Moments`
    n_components : int
        Number of components that must be determined by the data.
    n_keep : int, optional
        Number of components returned, if there are as many; at least `n_components`.

    Returns
    -------
    components float64 (n_keep, p), orthonormal; eigenvalues float64 (p,), descending, >= 0

    Raises
    ------
    CubespaceError
        Fewer spectra than components + 1 (the mean takes one), or spectra without that many directions of
        variance.
    """
    count, size = moments.count, moments.mean.size
    if n_components > size:
        raise CubespaceError(
            f"{n_components} components need at least as many wavelength samples; found {size}"
        )
    if count < n_components + 1:
        raise CubespaceError(
            f"{n_components} components need at least {n_components + 1} spectra above the S/N cut; found {count}"
        )
    if not np.isfinite(moments.scatter).all():
        raise CubespaceError("the scatter matrix of the release holds values that are not finite")
    power = float(moments.mean @ moments.mean)
    variance = float(np.trace(moments.scatter)) / (count - 1)
    if variance <= 1e-14 * power:
        raise CubespaceError(f"zero variance: all {count} spectra of the release are equal")
    values, vectors = leading_eigenvectors(moments.scatter, max(n_components, n_keep or 0))
    values = np.clip(values / (count - 1), 0, None)
    rank = int((values > values[0] * size * np.finfo(float).eps).sum())
    if rank < n_components:
        raise CubespaceError(
            f"{n_components} components asked for; the {count} spectra vary in only {rank} directions"
        )
    return apply_sign_rule(np.ascontiguousarray(vectors[:rank])), values


def leading_eigenvectors(matrix, number):
    """All eigenvalues (p,), descending, and the eigenvectors (number, p) of the largest, of a symmetric matrix.

    The matrix is made tridiagonal once; all eigenvalues, and only the vectors that are wanted, follow from that
    (LAPACK sytrd, sterf, stemr, ormqr): two thirds of the time of `numpy.linalg.eigh`.
    """
    from scipy.linalg import eigh_tridiagonal, lapack

    size = len(matrix)
    number = min(number, size)
    if size < 3:
        values, vectors = np.linalg.eigh(matrix)
        return values[::-1], vectors[:, ::-1].T[:number]
    work = int(lapack.dsytrd_lwork(size, lower=1)[0])
    reflectors, diagonal, beside, tau, _ = lapack.dsytrd(matrix, lower=1, lwork=work)
    values = eigh_tridiagonal(diagonal, beside, eigvals_only=True, lapack_driver="sterf")
    _, inner = eigh_tridiagonal(
        diagonal, beside, select="i", select_range=(size - number, size - 1), lapack_driver="stemr"
    )
    lower = np.asfortranarray(reflectors[1:, :-1])  # the reflectors act on all rows but the first
    vectors = np.empty((size, number))
    vectors[0] = inner[0]
    vectors[1:] = lapack.dormqr("L", "N", lower, tau, np.asfortranarray(inner[1:]), lwork=64 * number + 64 * 65)[0]
    return values[::-1], vectors[:, ::-1].T


def bridge(moments, gap, mean, components, eigenvalues):
    """What a basis expects in the samples that a galaxy has not observed, put into its moments.

    This is the E-step of probabilistic principal components with missing data (Roweis 1998; Tipping & Bishop 1999):
    x_gap = m_gap + C_gap (C_o C_o^T + s^2 / eigenvalues)^-1 C_o (x_o - m_o), o = observed, s^2 = the variance left per
    dimension. It is linear in x, so that it acts on count, mean and scatter, without the spectra. The variance of
    noise in the gap is not put back: there the scatter is too low by the share of galaxies with the gap.

    Parameters
    ----------
    moments : `Moments`
    gap : bool (p,), the same for all spectra of the galaxy
    mean (p,); components (k, p); eigenvalues (p,): of the basis

    Returns
    -------
    (`Moments`, function): and what does the same to spectra (n, p)
    """
    k = len(components)
    seen = np.where(gap, 0, components)
    left = eigenvalues[k:].mean() if k < eigenvalues.size else 0.0
    weigh = np.linalg.solve(seen @ seen.T + np.diag(left / np.maximum(eigenvalues[:k], 1e-300)), seen)
    into = components[:, gap].T @ weigh  # (gap, p); its columns in the gap are zero

    def fill(spectra):
        filled = np.array(spectra)
        filled[:, gap] = mean[gap] + (spectra - mean) @ into.T
        return filled

    scatter = np.array(moments.scatter)
    scatter[gap] = into @ moments.scatter
    scatter[:, gap] = scatter[gap].T
    scatter[np.ix_(gap, gap)] = scatter[gap] @ into.T
    return Moments(moments.count, fill(moments.mean[None])[0], scatter), fill


def reconstruction_curve(mean, components, eigenvalues, spectra, sigma, threshold=0.03):
    """Error of reconstructing spectra against the number of components, as measured and corrected for noise.

    For a spectrum x, its reconstruction y with k components, r = x - y (in units of the flux in the window):

    * ``median_abs`` = median |r|, ``mean_abs`` = mean |r|, ``relative_l2`` = |r|_2 / |x|_2.
    * The noise of error s leaves in r, in expectation, b = sqrt(1 - k/p) times: 0.6745 median(s), 0.7979
      mean(s), |s|_2 / |x|_2.
    * corrected = sqrt(max(0, measured^2 - b^2)): subtraction in quadrature, exact in expectation for
      ``relative_l2``,
      approximate for the other two.

    Parameters
    ----------
    mean : (p,); components : (K, p) orthonormal; eigenvalues : (p,)
    spectra, sigma : (n, p), normalised spectra and the errors of their samples
    threshold : float, errors below it count into the shares

    Returns
    -------
    structured array of K rows: n_components, explained_variance (share of the total), and for each measure
    and its ``_corrected``:
    ``{measure}_share`` = share of spectra with an error below `threshold`, ``{measure}_median`` = median
    over spectra.
    """
    names = [f"{m}{c}_{v}" for m in MEASURES for c in ("", "_corrected") for v in ("share", "median")]
    kinds = [("n_components", "i4"), ("explained_variance", "f8")] + [(name, "f8") for name in names]
    table = np.zeros(len(components), dtype=kinds)
    table["n_components"] = np.arange(1, len(components) + 1)
    table["explained_variance"] = np.cumsum(eigenvalues[: len(components)]) / eigenvalues.sum()
    spectra = np.asarray(spectra, np.float64)
    length = np.linalg.norm(spectra, axis=1)
    noise = {
        "median_abs": NORMAL_MEDIAN * np.median(sigma, axis=1),
        "mean_abs": NORMAL_MEAN * np.mean(sigma, axis=1, dtype=float),
        "relative_l2": np.sqrt(np.square(sigma, dtype=float).sum(axis=1)) / length,
    }
    residual = spectra - mean
    coefficients = residual @ components.T
    for k, component in enumerate(components, 1):
        residual -= np.outer(coefficients[:, k - 1], component)
        absolute = np.abs(residual)
        measured = {
            "median_abs": np.median(absolute, axis=1),
            "mean_abs": absolute.mean(axis=1),
            "relative_l2": np.linalg.norm(residual, axis=1) / length,
        }
        for name, error in measured.items():
            expected = noise[name] * np.sqrt(1 - k / mean.size)
            for suffix, value in (
                ("", error),
                ("_corrected", np.sqrt(np.maximum(0, error**2 - expected**2))),
            ):
                table[f"{name}{suffix}_share"][k - 1] = np.mean(value < threshold)
                table[f"{name}{suffix}_median"][k - 1] = np.median(value)
    return table


def refuse_twice(paths, pointings):
    """Refuse a release that holds one exposure under two names, in whatever file: it would count twice.

    Parts of one pointing may be cut from one cube.

    Parameters
    ----------
    paths : dict galaxy -> path of its moments file
    pointings : dict galaxy -> its pointing

    Raises
    ------
    CubespaceError
        Naming the galaxies.
    """
    seen = {}
    for galaxy, path in paths.items():
        mark = read_moments(path, ["fingerprint"])["fingerprint"]
        other = seen.setdefault(mark, galaxy) if mark else galaxy
        if pointings[other] != pointings[galaxy]:
            raise CubespaceError(
                f"{other} and {galaxy}: their cubes hold the same flux, expected one name for one galaxy; leave one out of the "
                "sample sheet, or give both the same `pointing`"
            )


def fit_basis(
    paths, *, n_components=29, curve_components=45, curve_spectra=4000, threshold=0.03, gap_passes=3
):
    """Basis of a release, from the moments files of its galaxies, read one after the other.

    Parameters
    ----------
    paths : dict galaxy -> path of its moments file
    n_components : int
    curve_components : int, the reconstruction curve goes this far (or to the rank)
    curve_spectra : int, most spectra used for the curve (evenly spread over the galaxies)
    gap_passes : int
        Samples that a galaxy has not observed (sky lines, ends of the grid) hold interpolated values at first; so
        many times they are replaced by what the basis expects there (`bridge`) and the basis is fitted again. Each
        time reads all files again; without such gaps nothing is repeated.

    Returns
    -------
    `Basis`; header: NSPEC, NGAL (galaxies with spectra in the fit), NREJ (galaxies rejected), NGAP (galaxies with
    gaps that were bridged), NCURVE (spectra behind the curve)

    Raises
    ------
    CubespaceError
        Naming the file and galaxy of moments on another grid, or what `principal_components` finds wrong.
    """
    release = _Release(paths, -(-curve_spectra // max(1, len(paths))))
    total, kept = release.gather()
    if total is None:
        raise CubespaceError(
            f"no galaxy of the release was accepted ({release.rejected} rejected): no basis can be fitted"
        )
    components, eigenvalues = principal_components(total, n_components, curve_components)
    for _ in range(gap_passes if release.gappy else 0):
        total, kept = release.gather((total.mean, components[:n_components], eigenvalues))
        components, eigenvalues = principal_components(total, n_components, curve_components)
    if not kept:
        raise CubespaceError(
            "the moments files hold no sample spectra: the reconstruction error cannot be told"
        )
    spectra, sigma = (np.concatenate(part) for part in zip(*kept, strict=True))
    chosen = np.unique(np.linspace(0, len(spectra) - 1, min(len(spectra), curve_spectra)).astype(int))
    curve = reconstruction_curve(
        total.mean, components, eigenvalues, spectra[chosen], sigma[chosen], threshold
    )
    header = {
        "NSPEC": total.count, "NGAL": release.used, "NREJ": release.rejected, "NGAP": release.gappy, "NCURVE": len(chosen),
    }  # fmt: skip
    return Basis(release.wavelength, total.mean, components[:n_components], eigenvalues, curve, header)


class _Release:
    """The moments files of a release, gone through one by one; of each galaxy at most `n_sample` spectra are kept."""

    def __init__(self, paths, n_sample):
        self.paths, self.n_sample, self.wavelength = paths, n_sample, None

    def gather(self, basis=None):
        """Moments of all spectra, and the samples (spectra, sigma) of each galaxy; gaps bridged by (mean, components,
        eigenvalues) if given. None if no galaxy was accepted."""
        self.rejected = self.used = self.gappy = 0
        pool, kept = None, []
        for galaxy, path in self.paths.items():
            stored = read_moments(path)
            if stored["verdict"] != "accepted":
                self.rejected += 1
                continue
            if self.wavelength is None:
                self.wavelength = stored["wavelength"]
            pool = pool or Pool(self.wavelength.size)
            part, gap, sample = self._checked(galaxy, path, stored)
            self.used += part.count > 0
            self.gappy += bool(part.count and gap.any())
            few = np.unique(np.linspace(0, len(sample) - 1, min(len(sample), self.n_sample)).astype(int))
            sample = sample[few]
            if basis is not None and part.count and gap.any():
                part, fill = bridge(part, gap, *basis)
                sample = fill(sample).astype(np.float32)
            pool.add(part)
            if len(sample):
                kept.append((sample, stored["sample_sigma"][few]))
        return (None if pool is None else pool.moments()), kept

    def _checked(self, galaxy, path, stored):
        if not np.array_equal(stored["wavelength"], self.wavelength):
            raise CubespaceError(
                f"{path}: wavelength grid of {galaxy} ({_span(stored['wavelength'])}) differs from that of the others "
                f"({_span(self.wavelength)})"
            )
        part = Moments(int(stored["count"]), stored["mean"], stored["scatter"])
        if not (np.isfinite(part.mean).all() and np.isfinite(part.scatter).all()):
            raise CubespaceError(f"{path}: moments of {galaxy} hold values that are not finite")
        return part, stored["gap"], stored["sample"]


def _span(axis):
    return f"{axis[0]:g} .. {axis[-1]:g} A, {axis.size} samples"


COMMENTS = {
    "NSPEC": "spectra in the fit", "NGAL": "galaxies with spectra in the fit", "NREJ": "galaxies rejected", "NGAP": "galaxies with unobserved samples, bridged",
    "NCURVE": "spectra behind RECONSTRUCTION", "NCOMP": "components", "WINLO": "[A] normalisation window, rest frame",
    "WINHI": "[A] normalisation window, rest frame", "SNRCUT": "S/N of the spectra is above this",
    "ERRLIM": "shares in RECONSTRUCTION: error below this", "SIGNRULE": "sign of the components",
}  # fmt: skip


def write_basis(path, basis, *, window, snr_min, threshold=0.03, cards=()):
    """Write a basis as FITS: WAVELENGTH, MEAN, COMPONENTS, EIGENVALUES, RECONSTRUCTION; `cards` = provenance."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    facts = {
        **basis.header, "NCOMP": len(basis.components), "WINLO": float(window[0]), "WINHI": float(window[1]),
        "SNRCUT": float(snr_min), "ERRLIM": float(threshold), "SIGNRULE": SIGN_RULE,
    }  # fmt: skip
    for key, value in facts.items():
        primary.header[key] = (value, COMMENTS.get(key, ""))
    for key, value, comment in cards:
        primary.header[key] = (value, comment)
    hdus = [primary]
    for name, data, unit in (
        ("WAVELENGTH", basis.wavelength, "Angstrom"),
        ("MEAN", basis.mean, ""),
        ("COMPONENTS", basis.components, ""),
        ("EIGENVALUES", basis.eigenvalues, ""),
    ):
        hdus.append(fits.ImageHDU(np.asarray(data, np.float64), name=name))
        if unit:
            hdus[-1].header["BUNIT"] = unit
    hdus.append(fits.BinTableHDU(basis.reconstruction, name="RECONSTRUCTION"))
    write_fits(path, fits.HDUList(hdus))


def read_basis(path):
    """Read what `write_basis` wrote; CubespaceError if a part is missing or the components are not orthonormal."""
    with reading_fits(path, "not a complete basis file") as hdus:
        parts = [np.array(hdus[n].data, np.float64) for n in ("WAVELENGTH", "MEAN", "COMPONENTS", "EIGENVALUES")]
        curve = np.array(hdus["RECONSTRUCTION"].data)
        header = {key: hdus[0].header[key] for key in hdus[0].header if key not in ("COMMENT", "HISTORY", "")}
    basis = Basis(*parts, curve, header)
    gram = basis.components @ basis.components.T
    if not np.allclose(gram, np.eye(len(gram)), atol=1e-8):
        raise CubespaceError(
            f"{path}: the components are not orthonormal (off by {np.abs(gram - np.eye(len(gram))).max():.1e})"
        )
    return basis
