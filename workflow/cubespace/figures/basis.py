"""Figs. B.1 and B.2: the components of the spectral basis; how well so many of them rebuild the spectra."""

import numpy as np

from cubespace.figures.style import INK, PAGE, SERIES, SOFT, canvas, say, styled
from cubespace.spectra.basis import MEASURES

# names and places of the labels [Angstrom]; vacuum or air makes no difference at the width of a page
LINES = (
    ("[O II]", 3727.0),
    ("H$\\delta$", 4102.0),
    ("H$\\gamma$", 4341.0),
    ("H$\\beta$", 4861.0),
    ("[O III]", 4983.0),
    ("Mg b", 5175.0),
    ("Na D", 5893.0),
    ("[O I]", 6300.0),
    ("H$\\alpha$+[N II]", 6563.0),
    ("[S II]", 6724.0),
)
_MARKS = (3727.0, 4102.0, 4341.0, 4861.0, 4959.0, 5007.0, 5175.0, 5893.0, 6300.0, 6563.0, 6716.0, 6731.0)
_WORDS = {"median_abs": "median |residual|", "mean_abs": "mean |residual|", "relative_l2": "relative $L_2$"}
_PAPER_SHARE = 98.0  # per cent of the spectra, sec. 3.2


def _sources(figure, basis):
    """Below a figure: whose spectra the basis is of."""
    spectra, galaxies, least = (basis.header.get(card) for card in ("NSPEC", "NGAL", "SNRCUT"))
    if spectra is not None:
        text = f"from {spectra} spectra with S/N > {least:g} of {galaxies} galaxies of the release"
        figure.supxlabel(text, fontsize=6, color=SOFT)


@styled
def draw_components(basis, first, last):
    """Figs. B.1 (components 1 to 14) and B.2 (15 to the last): two columns of spectra with the main lines marked.

    An odd number of components leaves room for the mean spectrum, which goes last.

    Parameters
    ----------
    basis : cubespace.spectra.basis.Basis
    first, last : int
        Numbers of the components, counted from 1, both included; those beyond the basis are left out.
    """
    shown = range(first, min(last, len(basis.components)) + 1)
    if not shown:
        figure = canvas(PAGE, 40)
        say(figure.subplots(), f"the basis has {len(basis.components)} components: none from {first} on")
        return figure
    share = 100 * basis.eigenvalues / basis.eigenvalues.sum()
    spectra = [
        (f"PC {number}  ({share[number - 1]:.2g} %)", basis.components[number - 1]) for number in shown
    ]
    if len(spectra) % 2:
        spectra.append(("mean spectrum", basis.mean))
    rows = len(spectra) // 2
    figure = canvas(PAGE, 24 + 26 * rows)
    figure.get_layout_engine().set(h_pad=0.008, hspace=0.0)
    grid = figure.subplots(rows, 2, sharex=True, squeeze=False)
    wavelength = basis.wavelength
    left, right = wavelength[0] - 15, wavelength[-1] + 15
    for axes, (name, spectrum) in zip(
        grid.T.ravel(), spectra, strict=True
    ):  # down the left column, then the right
        for at in _MARKS:
            if left <= at <= right:
                axes.axvline(at, color="#d0d0d0", lw=0.5, zorder=0.5)
        if spectrum is not basis.mean:
            axes.axhline(0, color=SOFT, lw=0.4, zorder=0.6)
        axes.plot(wavelength, spectrum, color=SERIES[0] if spectrum is not basis.mean else INK, lw=0.6)
        low, spread = spectrum.min(), np.ptp(spectrum) or 1.0
        axes.set(xlim=(left, right), ylim=(low - 0.06 * spread, low + 1.32 * spread))
        axes.yaxis.get_major_locator().set_params(nbins=4)
        axes.text(0.018, 0.94, name, transform=axes.transAxes, va="top", fontsize=6.5)
    for axes in grid[0]:
        for name, at in LINES:
            if left <= at <= right:
                axes.annotate(name, (at, 1), (0, 2), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                              rotation=90, ha="center", va="bottom", fontsize=5.5, color=SOFT)  # fmt: skip
    for axes in grid[-1]:
        axes.set_xlabel(r"rest-frame wavelength [$\mathrm{\AA}$]")
    figure.supylabel("flux relative to the normalisation window", fontsize=7.5)
    _sources(figure, basis)
    return figure


@styled
def draw_reconstruction(basis):
    """Variance and reconstruction error against the number of components; the number in use is marked.

    Left: variance of each component and of all that are left out. Middle: median over the spectra of three measures of
    the error, as measured and with the noise removed. Right: share of the spectra with an error below the limit (ERRLIM).

    Parameters
    ----------
    basis : cubespace.spectra.basis.Basis
        Its `reconstruction` is that of `cubespace.spectra.basis.reconstruction_curve`.
    """
    used = len(basis.components)
    figure = canvas(PAGE, 68)
    left, middle, right = figure.subplots(1, 3)
    share = np.clip(basis.eigenvalues, 0, None) / np.clip(basis.eigenvalues, 0, None).sum()
    known = int(min(max(2 * used, 10), (share > share[0] * 1e-12).sum()))
    count = np.arange(1, known + 1)
    left.semilogy(count, 100 * share[:known], color=SERIES[0], marker="o", ms=2.3, mew=0, label="of each")
    rest = 100 * (1 - np.cumsum(share)[:known])
    left.semilogy(
        count[rest > 1e-9],
        rest[rest > 1e-9],
        color=SERIES[1],
        marker="s",
        ms=2.1,
        mew=0,
        label="of all left out",
    )
    left.set(xlabel="number of components", ylabel="share of the variance [%]")
    left.legend(loc="upper right")

    curve = basis.reconstruction
    handles = []
    if curve is None or not len(curve):
        for axes in (middle, right):
            say(axes, "no reconstruction error\nwas measured")
    else:
        for step, measure in enumerate(MEASURES):
            for suffix, ls in (("", "-"), ("_corrected", (0, (3, 1.2)))):
                name, number = f"{measure}{suffix}", curve["n_components"]
                words = _WORDS[measure] + (", noise removed" if suffix else "")
                line = {"color": SERIES[step], "ls": ls, "label": words}
                error = 100 * curve[f"{name}_median"]
                positive = error > 0  # a corrected error of zero has no place on this axis
                middle.semilogy(number[positive], error[positive], **line)
                handles += right.plot(number, 100 * curve[f"{name}_share"], **line)
        limit = 100 * float(basis.header.get("ERRLIM", 0.03))
        middle.axhline(limit, color=SOFT, lw=0.6, ls=":", zorder=0.5)
        middle.set(xlabel="number of components", ylabel="median error of the spectra [%]")
        middle.set_ylim(bottom=max(middle.get_ylim()[0], limit / 100))
        right.set(
            xlabel="number of components",
            ylabel=f"spectra with error < {limit:g} % [%]",
            ylim=(-3, 103),
        )
        right.axhline(_PAPER_SHARE, color=SOFT, lw=0.6, ls=":", zorder=0.5)
        figure.legend(handles=handles, loc="outside upper center", ncols=3)
    for axes in (left, middle, right):
        axes.axvline(used, color=INK, lw=0.7, ls=":", zorder=0.5)
        axes.set_title(f"in use: {used}", loc="right", fontsize=6, color=SOFT)
    _sources(figure, basis)
    return figure
