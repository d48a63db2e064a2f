"""Principal components of the spectra of all galaxies of the release, from their moments."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Merge results/moments of the release, write results/basis/basis.fits."""
    args = parse(__doc__, argv, moments=str, release=str, out=str)
    from pathlib import Path

    from cubespace.files import header_cards
    from cubespace.provenance import release_digest
    from cubespace.spectra.basis import fit_basis, refuse_twice, write_basis
    from cubespace.tables import read_table

    settings = args.settings
    names = ("n_components", "curve_components", "curve_spectra", "threshold")
    rows = read_table(args.release)
    paths = {g: Path(args.moments) / f"{s}.npz" for g, s in zip(rows["galaxy"], rows["stem"], strict=True)}
    pointings = rows["pointing"].fillna(rows["galaxy"]) if "pointing" in rows else rows["galaxy"]
    refuse_twice(paths, dict(zip(rows["galaxy"], pointings, strict=True)))
    basis = fit_basis(paths, **{key: settings[key] for key in names if key in settings})
    print(
        f"{len(basis.components)} components from {basis.header['NSPEC']} spectra of {basis.header['NGAL']} galaxies; "
        f"explained variance {basis.reconstruction['explained_variance'][len(basis.components) - 1]:.4f}",
        flush=True,
    )
    signed = sign(args, release=release_digest(zip(rows["galaxy"], rows["role"], strict=True)))
    write_basis(
        args.out,
        basis,
        window=settings.get("window", (5600.0, 5800.0)),
        snr_min=settings.get("snr_min", 30.0),
        threshold=settings.get("threshold", 0.03),
        cards=header_cards(signed),
    )


if __name__ == "__main__":
    run(main)
