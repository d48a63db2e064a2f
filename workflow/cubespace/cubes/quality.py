"""Verdicts: a galaxy that cannot be used is data, with a reason and a sentence, and stops no other."""

import math
import warnings
from dataclasses import dataclass

import numpy as np

from cubespace.cosmology import SPEED_OF_LIGHT
from cubespace.errors import CubeRejected, CubespaceError

NOISE_FACTOR = 5.0  # errors that are this much too small or too large are in another unit, not merely off
MISSING = ("", "-", "--", "null", "none", "nan", "n/a", "masked")
REASONS = {
    "unreadable": "no such file, empty, or not FITS",
    "truncated": "the file ends before its content does",
    "corrupt": "the file is damaged",
    "unrecognised": "no adapter knows this layout",
    "hdu_missing": "an HDU that the survey, or the mapping in the configuration, promises is not there",
    "hdu_ambiguous": "two HDUs of one name, or a noise plane whose name and unit contradict each other",
    "not_a_cube": "the flux is not three-dimensional",
    "shape_mismatch": "a companion plane does not fit the flux",
    "wrong_dtype": "numbers of a kind that cannot be fluxes, errors or flags",
    "header_card": "a card that is needed does not parse",
    "wavelength_axis": "no plausible wavelength axis",
    "unit_unknown": "the flux unit is not stated in a known way",
    "flagged_by_survey": "the survey itself says that the cube is not to be used",
    "redshift_missing": "no redshift in the table",
    "redshift_implausible": "a redshift outside the allowed range",
    "distance_missing": "no luminosity distance",
    "window_not_covered": "the normalisation window is not observed at this redshift",
    "grid_not_covered": "too much of the common wavelength grid is not observed at this redshift",
    "mask_unusable": "the galaxy's mask file cannot be read, or does not fit the cube",
    "too_many_stars": "stars and companions cover too much of the field",
    "too_few_spaxels": "too few spaxels with signal",
    "canvas_too_small": "the field of view does not fit on the canvas",
}


@dataclass(frozen=True)
class Verdict:
    """`verdict` is "accepted" or "rejected"; `reason` a key of `REASONS` or "", `detail` a sentence or ""."""

    verdict: str = "accepted"
    reason: str = ""
    detail: str = ""

    @property
    def accepted(self):
        """True if the galaxy can be used."""
        return self.verdict == "accepted"


def judged(error, on_bad_cube="reject", galaxy=""):
    """The verdict for a `CubeRejected`; with ``on_bad_cube="stop"`` a CubespaceError instead."""
    if on_bad_cube == "stop":
        raise CubespaceError(f"{galaxy}: {error} (on_bad_cube is 'stop')") from error
    if on_bad_cube != "reject":
        raise CubespaceError(f"on_bad_cube = {on_bad_cube!r}: 'reject' or 'stop' is allowed")
    return Verdict("rejected", error.code, _writable(error.detail))


def _writable(text):
    """Text that can be written in UTF-8: bytes in a file's name that are none as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def parse_number(text):
    """A float, or None for a missing one (empty, -, null, nan ...); CubespaceError if it is neither."""
    if text is None or str(text).strip().lower() in MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        raise CubespaceError(f"a number or null is expected, found {text!r}") from None
    return value if math.isfinite(value) else None


def check_redshift(redshift, allowed=(-0.005, 0.5)):
    """The redshift as float; CubeRejected if missing, a missing-value code (-1, -9, -999 ...) or implausible."""
    if redshift is None or not math.isfinite(redshift):
        raise CubeRejected("redshift_missing", "no redshift given")
    if redshift <= -0.5:
        raise CubeRejected("redshift_missing", f"redshift {redshift:g} is a code for a missing value")
    if not allowed[0] <= redshift <= allowed[1]:
        hint = "; is it a velocity in km/s?" if abs(redshift) > 20 else ""
        raise CubeRejected(
            "redshift_implausible",
            f"redshift {redshift:g} is outside the allowed {allowed[0]:g} .. {allowed[1]:g}{hint}",
        )
    return float(redshift)


def check_coverage(wavelength, redshift, grid, window, min_good_fraction):
    """CubeRejected unless the observed range covers the window wholly and the grid by `min_good_fraction`."""
    first, last = wavelength[0] / (1 + redshift), wavelength[-1] / (1 + redshift)
    seen = f"the cube covers {first:.1f} .. {last:.1f} A in the rest frame (z = {redshift:g})"
    if first > window[0] or last < window[1]:
        raise CubeRejected(
            "window_not_covered", f"{seen}, the normalisation window is {window[0]:g} .. {window[1]:g} A"
        )
    share = np.mean((grid >= first) & (grid <= last))
    if share < min_good_fraction:
        raise CubeRejected(
            "grid_not_covered",
            f"{seen}, {100 * share:.1f} % of the grid {grid[0]:g} .. {grid[-1]:g} A; "
            f"{100 * min_good_fraction:g} % is asked for",
        )


def check_spaxels(cube, n_usable, minimum, snr_cut):
    """CubeRejected if fewer than `minimum` spaxels are usable; it says how much of the cube is bad, and so what to look at."""
    if n_usable < minimum:
        raise CubeRejected(
            "too_few_spaxels",
            f"{n_usable} spaxels inside the field, free of stars and with S/N >= {snr_cut:g}; {minimum} are asked for "
            f"({int(cube.field.sum())} of {cube.field.size} spaxels have data; {100 * cube.bad.mean():.1f} % of the samples are "
            "flagged, not finite or without a positive error)",
        )


def check_stars(cube, max_star_fraction):
    """Share of the field under stars and companions; CubeRejected if it is more than `max_star_fraction`."""
    share = float((cube.star & cube.field).sum() / max(1, cube.field.sum()))
    if share > max_star_fraction:
        raise CubeRejected(
            "too_many_stars",
            f"{100 * share:.1f} % of the field is masked; at most {100 * max_star_fraction:g} % is allowed",
        )
    return share


def remarks(cube, redshift, max_difference=0.003):
    """What a user should know of a cube that is no reason to reject it: list of sentences.

    Its reader's notes, without the path; a systemic velocity in the header (MED_VEL) that differs from the table's
    redshift by more than `max_difference`: the redshift of the table is the one that is used; and errors that are not
    those of the flux (`noise_ratio` beyond NOISE_FACTOR either way).
    """
    found = [_writable(note.removeprefix(f"{cube.path}: ")) for note in cube.notes]
    velocity = parse_velocity(cube.header.get("MED_VEL"))
    if velocity is not None and redshift is not None and abs(velocity / SPEED_OF_LIGHT - redshift) > max_difference:
        found.append(
            f"MED_VEL {velocity:.0f} km/s in the header, {redshift * SPEED_OF_LIGHT:.0f} km/s by the table's redshift, which is used"
        )
    ratio = noise_ratio(cube)
    if not 1 / NOISE_FACTOR <= ratio <= NOISE_FACTOR and not math.isnan(ratio):
        found.append(
            f"the flux scatters {ratio:.3g} times as much from channel to channel as its errors say: are they variances, or in another unit?"
        )
    return found


def noise_ratio(cube, channels=100):
    """Scatter of the flux from channel to channel over its errors: median over spaxels; nan where nothing can be told.

    Scatter: 1.48 median |2 f(i) - f(i - 2) - f(i + 2)| / sqrt(6) (DER_SNR; Stoehr et al. 2008, ADASS XVII) over the
    middle `channels`. It is 1 where errors are right, and about 1.1 in mock cubes, whose lines count as scatter.
    """
    middle = slice(max(0, len(cube.flux) // 2 - channels // 2), len(cube.flux) // 2 + channels // 2)
    flux = np.where(cube.bad[middle], np.nan, cube.flux[middle])
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # spaxels without data
        scatter = np.nanmedian(np.abs(2 * flux[2:-2] - flux[:-4] - flux[4:]), axis=0) * 1.482602 / math.sqrt(6)
        error = np.nanmedian(np.where(cube.bad[middle], np.nan, cube.sigma[middle]), axis=0)
        return float(np.nanmedian(scatter / error))


def parse_velocity(text):
    """MED_VEL [km/s] as float, None if absent or not a positive number."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def extent(field):
    """First and last row and column with data: (y0, y1, x0, x1), inclusive; CubeRejected if there is none."""
    rows, columns = np.nonzero(field.any(axis=1))[0], np.nonzero(field.any(axis=0))[0]
    if rows.size == 0:
        raise CubeRejected("too_few_spaxels", "no spaxel has data")
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def check_canvas(field, canvas):
    """CubeRejected if the part of the cube that has data is larger than the canvas (ny, nx)."""
    y0, y1, x0, x1 = extent(field)
    size = (y1 - y0 + 1, x1 - x0 + 1)
    if size[0] > canvas[0] or size[1] > canvas[1]:
        raise CubeRejected(
            "canvas_too_small",
            f"the field of view is {size[0]} x {size[1]} spaxels (y, x), the canvas {canvas[0]} x {canvas[1]}",
        )
