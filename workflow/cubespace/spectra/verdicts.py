"""The verdicts of all galaxies in one table, with what a user should know of each."""

import numpy as np

from cubespace.cubes.cube import Sky
from cubespace.files import reading_fits
from cubespace.spectra.moments import read_moments
from cubespace.sphere import separation

COLUMNS = {
    "galaxy": ("", "canonical name"),
    "stage": ("", "step that gave the verdict: the last one, or the one that rejected"),
    "verdict": ("", "accepted or rejected"),
    "reason": ("", "code of the reason"),
    "detail": ("", "the reason in a sentence"),
    "spaxels": ("", "good spaxels of the maps"),
    "snr": ("", "median S/N per sample of the good spaxels of the maps"),
    "spectra": ("", "spectra of it that are bright and complete enough for the basis"),
    "star_share": ("", "share of the field under stars and companions"),
    "bad_share": ("", "share of bad samples inside the field, sky lines too"),
    "offset": ("arcsec", "angle between the position in the table and that of the galaxy in its cube"),
    "notes": ("", "what was assumed, repaired, or looks odd"),
}
_KEYS = ("verdict", "reason", "detail", "count", "star_fraction", "bad_fraction", "notes", "position")


def verdict_row(
    galaxy, moments, maps, ra=np.nan, dec=np.nan, *, max_offset=10.0, max_star_share=0.1, max_bad_share=0.15
):
    """One row of the table, as a dict (None where there is nothing to say).

    Parameters
    ----------
    moments, maps : paths of the galaxy's files; `maps` is looked at if the moments were accepted
    ra, dec : position in the table [deg], NaN if unknown
    max_offset : arcsec; max_star_share, max_bad_share : beyond these a note is made
    """
    found = read_moments(moments, _KEYS)
    notes = [note for note in found["notes"].split("\n") if note]
    row = {"galaxy": galaxy, "stage": "moments", **{key: found[key] or None for key in _KEYS[:3]}}
    position, read = found["position"], bool(np.isfinite(found["bad_fraction"]) and found["bad_fraction"] > 0)
    row["spaxels"], row["snr"], row["spectra"] = None, None, int(found["count"]) if found["verdict"] == "accepted" else None
    row["star_share"], row["bad_share"] = (
        float(found[key]) if read else None for key in ("star_fraction", "bad_fraction")
    )
    if found["verdict"] == "accepted":
        head = _header(maps)
        row |= {
            "stage": "maps",
            **{key: head[key.upper()] or None for key in ("verdict", "reason", "detail")},
        }
        row["spaxels"], row["snr"] = head.get("NGOOD"), _signal(maps) if head["VERDICT"] == "accepted" else None
        position = _centre(head) or position
    offset = float(separation(*position, ra, dec))
    row["offset"] = offset if np.isfinite(offset) else None
    if row["offset"] is not None and offset > max_offset:
        notes.append(
            f"the galaxy in the cube is {offset:.1f} arcsec from its position in the table: is it another one?"
        )
    if row["star_share"] is not None and row["star_share"] > max_star_share:
        notes.append(f"{100 * row['star_share']:.0f} % of the field is masked")
    if row["bad_share"] is not None and row["bad_share"] > max_bad_share:
        notes.append(f"{100 * row['bad_share']:.0f} % of the samples in the field are bad")
    return row | {"notes": "; ".join(notes) or None}


def _header(path):
    with reading_fits(path, "no verdict to be read") as hdus:
        header = hdus[0].header
        return {key: header[key] for key in ("VERDICT", "REASON", "DETAIL")} | dict(header)


def _signal(path):
    """Median S/N of the good spaxels of accepted maps."""
    with reading_fits(path, "no S/N to be read") as hdus:
        return float(np.median(hdus["SNR"].data[hdus["MASK"].data == 0]))


def _centre(head):
    """(ra, dec) of the galaxy's centre by the header of its maps; None if it has no coordinates."""
    if "CRVAL1" not in head or "CENTREX" not in head:
        return None
    matrix = tuple(tuple(float(head[f"CD{i}_{j}"]) for j in (1, 2)) for i in (1, 2))
    sky = Sky(head["CRVAL1"], head["CRVAL2"], head["CRPIX1"] - 1, head["CRPIX2"] - 1, matrix)
    ra, dec = sky.to_sky(head["CENTREX"], head["CENTREY"])
    return float(ra), float(dec)
