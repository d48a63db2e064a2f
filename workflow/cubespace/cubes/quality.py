"""Verdicts: a galaxy that cannot be used is data, with a reason and a sentence, and stops no other."""

import math
from dataclasses import dataclass

import numpy as np

from cubespace.errors import CubeRejected, CubespaceError

MISSING = ("", "-", "--", "null", "none", "nan", "n/a", "masked")
REASONS = {
    "unreadable": "no such file, empty, or not FITS",
    "truncated": "the file ends before its content does",
    "corrupt": "the file is damaged",
    "unrecognised": "no adapter knows this layout",
    "not_a_cube": "the flux is not three-dimensional",
    "shape_mismatch": "a companion plane does not fit the flux",
    "header_card": "a card that is needed does not parse",
    "wavelength_axis": "no plausible wavelength axis",
    "unit_unknown": "the flux unit is not stated in a known way",
    "redshift_missing": "no redshift in the table",
    "redshift_implausible": "a redshift outside the allowed range",
    "distance_missing": "no luminosity distance",
    "window_not_covered": "the normalisation window is not observed at this redshift",
    "grid_not_covered": "too much of the common wavelength grid is not observed at this redshift",
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
    return Verdict("rejected", error.code, error.detail)


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


def check_spaxels(n_usable, minimum, snr_cut):
    """CubeRejected if fewer than `minimum` spaxels are usable."""
    if n_usable < minimum:
        raise CubeRejected(
            "too_few_spaxels",
            f"{n_usable} spaxels inside the field, free of stars and with S/N >= {snr_cut:g}; {minimum} are asked for",
        )


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
