"""One look for all figures: widths of a two-column journal page, colours that mean the same thing everywhere, saving.

Nothing here touches pyplot or the global state of matplotlib: figures are built as objects inside `styled`, which starts
from matplotlib's own defaults, so that a user's matplotlibrc changes nothing.
"""

import functools

import numpy as np
from matplotlib import colormaps, colors, style
from matplotlib.figure import Figure

from cubespace.columns import PROPERTIES
from cubespace.errors import CubespaceError
from cubespace.files import atomic
from cubespace.morphology import BINS

COLUMN = 88.0  # mm, one column of Astronomy & Astrophysics
PAGE = 180.0  # mm, both columns
_MM = 1 / 25.4

RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same glyphs on every machine
    "mathtext.fontset": "dejavusans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "figure.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.titlepad": 4,
    "axes.labelpad": 2.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "patch.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.major.size": 2.8,
    "ytick.major.size": 2.8,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "legend.borderaxespad": 0.3,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # journals ask for embedded TrueType
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}

BOX = {
    "boxstyle": "square,pad=0.15",
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.75,
}  # behind words on data
GREY = "#bdbdbd"  # no value, unknown type, undetermined class
INK = "#333333"
SOFT = "#6e6e6e"
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"

# early (red) to late (blue); lightness falls towards both ends, so the order survives colour blindness
MORPHOLOGY = dict(
    zip(
        BINS,
        ("#7a0f1e", "#c8372d", "#e97e2e", "#f9d976", "#9cd0d6", "#559fd0", "#2f62b0", "#20256b"),
        strict=True,
    )
)
NUCLEAR = {
    "SF": "#0072b2",
    "composite": "#009e73",
    "LINER": "#e69f00",
    "AGN": "#d55e00",
    "passive": "#7b2150",
    "undetermined": GREY,
}
ENVIRONMENT = {"cluster": "#d55e00", "filament_wall": "#009e73", "void": "#332288", "unclassified": GREY}
BASELINE = {"network": "#0072b2", "untrained": "#9a9a9a", "pooled_pca": "#e69f00"}
ROLE = {"train": "#4c78a8", "validation": "#d55e00", "embed": "#262626"}
TEST = {
    "ks_paper": "#bcbcbc",
    "ks_10th": "#000000",
    "schilling_henze": "#0072b2",
    "energy": "#d55e00",
    "mmd": "#009e73",
    "c2st": "#7b2150",
}
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b2150", "#333333")
CLUSTERS = {  # from the least to the most line emission
    2: ("#c8372d", "#2f62b0"),
    3: ("#c8372d", "#009e73", "#2f62b0"),
    4: ("#c8372d", "#e69f00", "#009e73", "#2f62b0"),
    5: ("#7a0f1e", "#e69f00", "#009e73", "#56b4e9", "#2f2f8f"),
}
MARKER = {"train": "o", "validation": "*", "embed": "D"}
GROW = {"train": 1.0, "validation": 2.9, "embed": 0.95}  # a star of the same area looks smaller

TITLES = {
    "snr": "S/N",
    "filament_wall": "F&W",
    "passive": "passive",
    "train": "training",
    "validation": "validation",
    "void": "void",
    "cluster": "cluster",
    "ks_paper": "KS, pooled neighbours",
    "ks_10th": "KS, 10th neighbour",
    "schilling_henze": "Schilling-Henze",
    "energy": "energy distance",
    "mmd": "MMD",
    "c2st": "classifier",
    "no_luminosity": "no luminosity",
    "pooled_pca": "pooled PCA maps",
    "network": "trained network",
    "untrained": "untrained network",
    "morphology": "morphological type",
    "morphology_detail": "morphological type",
    "log_ew_ha": r"log EW(H$\alpha$) [$\mathrm{\AA}$]",
}


def title(name):
    """Words for a reader in place of an identifier ('filament_wall' -> 'F&W')."""
    return TITLES.get(name, str(name).replace("_", " "))


def label(name):
    """Axis label with unit of a property; the plain name if the property is not one of ours."""
    return PROPERTIES[name].label if name in PROPERTIES else title(name)


def cluster_colours(k):
    """Colours of k clusters, from the one of least to the one of most line emission."""
    if k in CLUSTERS:
        return CLUSTERS[k]
    return tuple(colors.to_hex(colour) for colour in colormaps["turbo_r"](np.linspace(0.05, 0.95, k)))


def bare(names):
    """Labels of properties without their units, for numbers that have none; with them where two would read the same."""
    heads = [label(name).partition(r"\ [") for name in names]
    short = [head + "$" if found else head for head, found, _ in heads]
    return [label(name) if short.count(text) > 1 else text for name, text in zip(names, short, strict=True)]


def population_colour(name):
    """Fixed colour of a population of the comparisons: a role, a nuclear class or an environment."""
    return {**ROLE, **NUCLEAR, **ENVIRONMENT}.get(name, INK)


def styled(draw):
    """Decorator: run a drawing function (or `save`) in this style, whatever the caller's settings are."""

    @functools.wraps(draw)
    def wrapper(*args, **keywords):
        with style.context(["default", RC]):
            return draw(*args, **keywords)

    return wrapper


def canvas(width, height):
    """An empty figure, `width` x `height` in mm, that lays out its parts without overlap."""
    return Figure(figsize=(width * _MM, height * _MM), layout="constrained")


@styled
def save(figure, path, signed=None):
    """Write a figure as PNG (200 dpi) or PDF, by the ending; atomic, without dates: equal figures give equal bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
        Ends in ``.png`` or ``.pdf``.
    signed : dict, optional
        str -> str, as from `cubespace.files.provenance`; goes into the PNG's text chunks or the PDF's keywords.
    """
    signed = {key: str(value) for key, value in (signed or {}).items()}
    suffix = str(path).rpartition(".")[2].lower()
    if suffix == "png":
        metadata = {"Software": "cubespace", **signed}
    elif suffix == "pdf":
        words = "; ".join(f"{key}={value}" for key, value in signed.items())
        metadata = {"Creator": "cubespace", "Producer": None, "CreationDate": None, "Keywords": words}
    else:
        raise CubespaceError(f"{path}: figures are written as .png or .pdf")
    with atomic(path) as temporary:
        figure.savefig(temporary, format=suffix, metadata=metadata)


def say(axes, words):
    """Write on an otherwise empty panel why nothing is shown."""
    axes.tick_params(
        which="both", bottom=False, left=False, labelbottom=False, labelleft=False
    )  # its own: axes may be shared
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=SOFT, wrap=True)


def side_note(axes, words):
    """A small grey remark above the right end of a panel, where it can hide no data."""
    axes.set_title(words, loc="right", fontsize=6, color=SOFT)


def count_note(figure, shown, total, why, more=""):
    """Below a figure: how many galaxies it shows of how many, why the others are not in it, and what `more` there is to say."""
    rest = "" if shown == total else f"; {total - shown} {why}"
    rest += f"; {more}" if more else ""
    figure.supxlabel(f"{shown} of {total} galaxies{rest}", fontsize=6, color=SOFT)


def embedded_note(figure, table, before="", between="; "):
    """Below a figure of a table of properties: the galaxies that the numbers in brackets are of."""
    words = "in brackets: galaxies that have the property"
    if "n_embedded" in table and len(table):
        words += f", of {int(table['n_embedded'].iloc[0])} in the representation"
    figure.supxlabel(f"{before}{between}{words}" if before else words, fontsize=6, color=SOFT)


def marker_size(number):
    """Area of a marker (points^2) for so many galaxies on a panel of about 7 cm."""
    return float(np.clip(2600 / max(number, 1), 7.0, 22.0))


def robust_limits(values, low=2.0, high=98.0):
    """(vmin, vmax, extend) for a colour scale: percentiles of the finite values, never of zero width.

    `extend` says for a colour bar on which sides values lie beyond. None if there is no finite value.
    """
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return None
    bottom, top = np.percentile(finite, [low, high])
    if not top > bottom:
        bottom, top = finite.min() - 0.5, finite.max() + 0.5
    below, above = finite.min() < bottom, finite.max() > top
    extend = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}[
        below, above
    ]
    return float(bottom), float(top), extend


def symmetric_limit(values, percentile=98.0):
    """Half-width of a colour scale centred on zero: a percentile of |values|; 1 if there are none."""
    finite = np.abs(np.asarray(values, float))
    finite = finite[np.isfinite(finite)]
    top = float(np.percentile(finite, percentile)) if finite.size else 0.0
    return top if top > 0 else 1.0


def p_text(value, name="p"):
    """A p-value for a panel: 'p = 0.012', 'p = 3e-7' in mathtext, 'p not computed' if missing."""
    if value is None or not np.isfinite(value):
        return f"{name} not computed"
    if value == 0:  # below what a float holds
        return f"${name}$ < 10$^{{-300}}$"
    if value >= 0.001:
        return f"${name}$ = {value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"${name}$ = {mantissa}$\\times$10$^{{{int(exponent)}}}$"


def lighten(colour, amount=0.6):
    """A colour mixed with white; amount 0 leaves it, 1 gives white."""
    rgb = np.array(colors.to_rgb(colour))
    return tuple(rgb + (1 - rgb) * amount)
