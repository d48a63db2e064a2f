"""Write what the run found, in some ten lines."""

from pathlib import Path

from cubespace.steps import parse, run, sign


def main(argv=None):
    tables = ("galaxies", "verdicts", "variance", "probes", "clusters", "correlations", "comparisons", "ablation", "scorecard")
    args = parse(__doc__, argv, **dict.fromkeys(tables, str), basis=str, histories=[str], probes_truth=(str, None), out=str)
    from cubespace.files import write_text
    from cubespace.spectra.basis import read_basis
    from cubespace.summary import summarise
    from cubespace.tables import read_table

    basis = read_basis(args.basis)
    facts = {
        "n_components": len(basis.components),
        "n_spectra": int(basis.header["NSPEC"]),
        "n_galaxies": int(basis.header["NGAL"]),
        "snr_min": float(basis.header["SNRCUT"]),
        "explained": float(basis.eigenvalues[: len(basis.components)].sum() / basis.eigenvalues.sum()),
    }
    histories = {Path(path).parent.name: read_table(path) for path in args.histories}
    found = {name: read_table(getattr(args, name)) for name in (*tables, "probes_truth") if getattr(args, name)}
    text = summarise(args.settings["survey"], basis=facts, histories=histories, **found)
    made = "; ".join(f"{key}={value}" for key, value in sign(args).items())
    write_text(args.out, f"{text}made by: {made}\n")
    print(text)


if __name__ == "__main__":
    run(main)
