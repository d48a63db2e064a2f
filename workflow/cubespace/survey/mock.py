"""One mock galaxy from its row to its cube and truth file."""

import csv
from pathlib import Path

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.survey import instrument
from cubespace.survey.galaxy import simulate
from cubespace.survey.maps import binned, integrated
from cubespace.survey.pointing import fields, in_one_field, observer, outshone
from cubespace.survey.populations import WANTED
from cubespace.survey.spectrum import spectra
from cubespace.survey.structure import FINE, KINDS

WHOLE = ("bar", "n_arms", "agn", "seed")
NUMBERS = (
    "ra",
    "dec",
    "redshift",
    "log_mass",
    "log_age_lw",
    "metallicity_lw",
    "log_ew_ha",
    "log_ew_ha_cen",
    "log_nii_ha_cen",
    "log_oiii_hb_cen",
    "log_nii_ha",
    "log_oiii_hb",
    "re_arcsec",
    "re_kpc",
    "axis_ratio",
    "position_angle",
    "av_gas",
    "bulge_fraction",
    "sersic_n",
    "vmax",
    "sigma_cen",
)

# measured names of the truth file's header: card -> (key of `integrated`, unit)
CARDS = {
    "LOGMASS": ("log_mass", "log10 Msun"),
    "AGELW": ("log_age_lw", "log10 yr, light-weighted at Re"),
    "METLW": ("metallicity_lw", "log10 Z/Zsun, light-weighted at Re"),
    "LOGEWHA": ("log_ew_ha", "log10 A, whole field"),
    "LOGEWCEN": ("log_ew_ha_cen", "log10 A, central 3 arcsec"),
    "NIIHACEN": ("log_nii_ha_cen", "central 3 arcsec"),
    "OIIIHBCE": ("log_oiii_hb_cen", "central 3 arcsec"),
    "NIIHARE": ("log_nii_ha", "at Re"),
    "OIIIHBRE": ("log_oiii_hb", "at Re"),
    "LOGSFR": ("log_sfr", "log10 Msun/yr, of all Ha"),
    "LOGSFRYO": ("log_sfr_young", "log10 Msun/yr, of young stars' Ha"),
    "SIGMASS": ("log_sigma_mass", "log10 Msun/pc2, at Re"),
    "REARCSEC": ("re_arcsec", "arcsec"),
    "GMINUSR": ("g_r", "mag, AB"),
    "AVGAS": ("av_gas", "mag, at Re"),
}


def read_row(path, galaxy):
    """The row of `galaxy` in a truth table (CSV) as a dict, numbers converted; the columns WANTED may be missing or
    empty.

    Raises CubespaceError: no file, no such galaxy, more than one, a column missing, or a value that is no
    number.
    """
    path = Path(path)
    if not path.is_file():
        raise CubespaceError(f"{path}: truth table not found")
    with path.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get("galaxy") == galaxy]
    if len(rows) != 1:
        raise CubespaceError(f"{path}: galaxy {galaxy!r}: found {len(rows)} rows, expected 1")
    row = dict(rows[0])
    wanted = [name for name in WANTED if row.get(name)]
    for name in (*NUMBERS, *WHOLE, *wanted):
        try:
            row[name] = float(row[name])
        except (KeyError, TypeError, ValueError):
            raise CubespaceError(
                f"{path}: galaxy {galaxy}: column {name}: found {row.get(name)!r}, expected a number"
            ) from None
        if not np.isfinite(row[name]):
            raise CubespaceError(
                f"{path}: galaxy {galaxy}: column {name}: found {row[name]}, expected a finite number"
            )
    row.update({name: int(row[name]) for name in WHOLE})
    if row["morphology"] not in KINDS:
        raise CubespaceError(
            f"{path}: galaxy {galaxy}: morphology: found {row['morphology']!r}, allowed: {', '.join(KINDS)}"
        )
    return row


def make(
    row,
    basis,
    pixel_arcsec=2.0,
    seeing_arcsec=instrument.SEEING_FWHM,
    lsf_fwhm=instrument.LSF_FWHM,
    companion=None,
):
    """Simulate one galaxy.

    row: mapping with the columns of the truth table; basis: `ssp.Basis`; pixel_arcsec 0.5, 1.0 or 2.0;
    companion: row of the other galaxy of the pointing, whose light is then in the cube, at its true offset
    (one too far away for the field is left out). Returns (Observation, primary header, Maps of the galaxy
    alone at the final pixel, with the mask `companion`, dict of realised integrated values). Every random
    choice comes from row["seed"]: the galaxy is the same at every pixel size. The two cubes of a pointing are
    one observation, with the frame, the stars and the noise of the first galaxy by name: they differ in their
    headers only.

    Raises CubespaceError: the two are at the same place.
    """
    if companion is not None and not in_one_field(row, companion):
        companion = None
    seed = observer(row, companion)
    field, aside = fields(row, companion, pixel_arcsec)
    fine = _maps(row, basis, field, seeing_arcsec)
    realised = integrated(fine, basis)
    maps = binned(fine, field.factor)
    flux = spectra(maps, basis, instrument.WAVELENGTH, lsf_fwhm)
    if companion is not None:
        other = binned(_maps(companion, basis, aside, seeing_arcsec), field.factor)
        flux += spectra(other, basis, instrument.WAVELENGTH, lsf_fwhm)
        maps.companion = outshone(maps, other)
    # the list of stars is that of the observation, whichever galaxy is cut out of it
    sky = field if int(row["seed"]) == seed else aside
    rng = np.random.default_rng([seed, 2])
    positions, magnitudes, ages = instrument.draw_stars(sky, rng)
    extra = instrument.star_light(positions, magnitudes, ages, sky, basis, seeing_arcsec)
    circles = (instrument.draw_circles(positions, sky, rng) + 0.5) / field.factor - 0.5
    seen = instrument.observe(
        flux, maps.inside, pixel_arcsec, np.random.default_rng([seed, 3]), circles, extra
    )
    centre = tuple((c + 0.5) / field.factor - 0.5 for c in field.centre)
    head = instrument.header(row, maps.inside.shape, pixel_arcsec, centre, np.random.default_rng([seed, 4]))
    return seen, head, maps, realised


def realise(row, basis, seeing_arcsec=instrument.SEEING_FWHM, companion=None):
    """What the maps of a galaxy realise of its row, without making spectra: the dict of `integrated`, equal
    to that of `make` at any pixel size with the same companion."""
    if companion is not None and not in_one_field(row, companion):
        companion = None
    return integrated(_maps(row, basis, fields(row, companion, FINE)[0], seeing_arcsec), basis)


def _maps(row, basis, field, seeing_arcsec):
    rng = np.random.default_rng([int(row["seed"]), 1])
    return simulate(row, basis, field.shape, field.inside, field.centre, seeing_arcsec, rng)


def truth_hdus(maps, realised, galaxy, cards=()):
    """HDUList of the truth: named float32 images (y, x) with units, 0 outside the field; integrated values
    in the primary header."""
    from astropy.io import fits

    head = fits.Header()
    head["OBJECT"] = str(galaxy)
    for card, (name, comment) in CARDS.items():
        if np.isfinite(realised[name]):
            head[card] = (round(realised[name], 5), comment)
    head["REDSHIFT"], head["PIXSCALE"] = maps.header["redshift"], (maps.pixel_arcsec, "arcsec")
    for key, value, comment in cards:
        head[key] = (value, comment)
    area = (maps.pixel_arcsec * maps.header["kpc_arcsec"] * 1e3) ** 2
    ha, nii, hb, oiii = (maps.lines[name] for name in ("Halpha", "NII6583", "Hbeta", "OIII5007"))
    images = {
        "AGE": (maps.mean_age(), "log10(yr)"),
        "METALLICITY": (maps.mean_metallicity(), "log10(Z/Zsun)"),
        "AV_STARS": (maps.av_stars, "mag"),
        "AV_GAS": (maps.av_gas, "mag"),
        "VELOCITY": (maps.velocity, "km/s"),
        "SIGMA": (maps.dispersion, "km/s"),
        "GAS_VELOCITY": (maps.gas_velocity, "km/s"),
        "GAS_SIGMA": (maps.gas_dispersion, "km/s"),
        "EW_HA": (maps.ew_ha(), "Angstrom"),
        "LOG_NII_HA": (_log(nii, ha), ""),
        "LOG_OIII_HB": (_log(oiii, hb), ""),
        "LOG_SIGMA_MASS": (_log(maps.mass / area, np.ones_like(maps.mass)), "log10(Msun/pc2)"),
        "LUMINOSITY": (maps.observed_light, "1e30 erg/s/Angstrom"),
        "HALPHA": (ha, "1e30 erg/s"),
        "STAR_FORMING": (maps.star_forming, ""),
        "BROAD_HA": (maps.broad, "1e30 erg/s"),
        "RADIUS": (maps.radius, "Re"),
        "FIELD": (maps.inside.astype(float), ""),
    }
    hdus = [fits.PrimaryHDU(header=head)]
    for name, (image, unit) in images.items():
        hdu = fits.ImageHDU(np.asarray(image, np.float32), name=name)
        if unit:
            hdu.header["BUNIT"] = unit
        hdus.append(hdu)
    hdus.append(fits.ImageHDU(maps.companion.astype(np.uint8), name="COMPANION"))
    return fits.HDUList(hdus)


def companion_mask(maps, head, cards=()):
    """HDUList of one image, uint8 (y, x): 1 where the other galaxy of the pointing outshines this one; sky
    coordinates are those of the cube's header `head`."""
    from astropy.io import fits
    from astropy.wcs import WCS

    hdu = fits.PrimaryHDU(maps.companion.astype(np.uint8), WCS(head).celestial.to_header())
    for key, value, comment in cards:
        hdu.header[key] = (value, comment)
    return fits.HDUList([hdu])


def _log(above, below):
    good = (above > 0) & (below > 0)
    return np.where(good, np.log10(np.where(good, above, 1) / np.where(good, below, 1)), 0.0)
