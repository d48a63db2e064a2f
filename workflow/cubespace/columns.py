"""What each column of a table is: unit, label for a figure's axis, one sentence. The one home of these."""

from typing import NamedTuple

Z_SUN = 0.017  # solar metallicity of the stellar grids behind the survey's own values (0.0001 ... 0.04)


class Property(NamedTuple):
    """A physical property of a galaxy. Values outside `low` ... `high` are no measurements of any galaxy; as bounds
    they are wide on purpose: a table's own bounds go before."""

    unit: str
    label: str
    description: str
    low: float = -float("inf")
    high: float = float("inf")


PROPERTIES = {
    "log_mass": Property("log10(Msun)", r"$\log\,M_\star\ [\mathrm{M}_\odot]$", "stellar mass", 3, 14),
    "log_age_lw": Property("log10(yr)", r"$\log\,\mathrm{age}_L\ [\mathrm{yr}]$", "luminosity-weighted stellar age", 5, 10.4),
    "metallicity_lw": Property(
        "log10(Z/Zsun)", r"$[Z/\mathrm{H}]_L\ [\mathrm{dex}]$", "luminosity-weighted stellar metallicity",
        -4, 1.5,
    ),
    "log_ew_ha": Property(
        "log10(Angstrom)",
        r"$\log\,\mathrm{EW}(\mathrm{H}\alpha)\ [\mathrm{\AA}]$",
        "equivalent width of H-alpha, whole galaxy; emission positive",
        -4, 4,
    ),
    "log_ew_ha_cen": Property(
        "log10(Angstrom)",
        r"$\log\,\mathrm{EW}(\mathrm{H}\alpha)_\mathrm{cen}\ [\mathrm{\AA}]$",
        "equivalent width of H-alpha, centre; emission positive",
        -4, 4,
    ),
    "log_nii_ha_cen": Property(
        "dex", r"$\log\,[\mathrm{N\,II}]/\mathrm{H}\alpha$", "[NII]6583/H-alpha flux ratio, centre",
        -4, 4,
    ),
    "log_oiii_hb_cen": Property(
        "dex", r"$\log\,[\mathrm{O\,III}]/\mathrm{H}\beta$", "[OIII]5007/H-beta flux ratio, centre",
        -4, 4,
    ),
    "log_sfr": Property("log10(Msun/yr)", r"$\log\,\mathrm{SFR}\ [\mathrm{M}_\odot\,\mathrm{yr}^{-1}]$", "star formation rate", -15, 5),
    "log_sigma_mass": Property(
        "log10(Msun/pc2)",
        r"$\log\,\Sigma_\star\ [\mathrm{M}_\odot\,\mathrm{pc}^{-2}]$",
        "stellar mass surface density at the effective radius",
        -4, 6,
    ),
    "re_arcsec": Property("arcsec", r"$R_\mathrm{e}\ [\mathrm{arcsec}]$", "effective radius, apparent", 0.001, 3600),
    "re_kpc": Property("kpc", r"$R_\mathrm{e}\ [\mathrm{kpc}]$", "effective radius", 0.001, 300),
    "ellipticity": Property("", r"ellipticity $1-b/a$", "ellipticity 1 - b/a", 0, 1),
    "redshift": Property("", r"redshift $z$", "redshift"),
    "g_r": Property("mag", r"$g-r\ [\mathrm{mag}]$", "observed colour g - r", -3, 5),
    "e_log_ew_ha_cen": Property("dex", r"$\sigma(\log\,\mathrm{EW})$", "error of log_ew_ha_cen", 0, 10),
    "e_log_nii_ha_cen": Property("dex", r"$\sigma(\log\,[\mathrm{N\,II}]/\mathrm{H}\alpha)$", "error of log_nii_ha_cen", 0, 10),
    "e_log_oiii_hb_cen": Property("dex", r"$\sigma(\log\,[\mathrm{O\,III}]/\mathrm{H}\beta)$", "error of log_oiii_hb_cen", 0, 10),
}

OTHER = {
    "galaxy": ("", "canonical name"),
    "stem": ("", "name as used in file names"),
    "cube": ("", "file of the cube"),
    "ra": ("deg", "right ascension, ICRS"),
    "dec": ("deg", "declination, ICRS"),
    "morphology": ("", "morphology bin: E S0 Sa Sb Sc Sd I BCD"),
    "morphology_detail": ("", "morphological class: E0..E7, S0..Sm, I, BCD"),
    "role": ("", "train, validation (both fitted on) or embed (projected only)"),
    "pointing": ("", "observation that the galaxy was cut from; galaxies that share one are not independent"),
    "distance": ("Mpc", "luminosity distance"),
    "table_row": ("", "name of the row of the property tables that was used, where it is the parent's"),
    "nuclear_class": ("", "ionisation class: SF, composite, AGN, LINER, passive, undetermined"),
    "environment": ("", "cluster, filament_wall, void, unclassified"),
    "spread": ("", "mean cosine distance of single realisations to the galaxy's vector"),
    "n_realisations": ("", "number of realisations behind the vector"),
    "umap_1": ("", "first UMAP coordinate (for display only)"),
    "umap_2": ("", "second UMAP coordinate (for display only)"),
    "rank": ("", "rank of the neighbour, 1 = nearest"),
    "neighbour": ("", "name of the neighbour"),
    "cosine_distance": ("", "1 - cosine similarity"),
}


def describe(name):
    """(unit, description) of a column; ('', '') for one that is not listed here."""
    if name in PROPERTIES:
        return PROPERTIES[name].unit, PROPERTIES[name].description
    return OTHER.get(name, ("", ""))
