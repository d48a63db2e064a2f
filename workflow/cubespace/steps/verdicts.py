"""The verdict on every galaxy of the sheet: accepted, or rejected with a reason and a sentence."""

from cubespace.steps import parse, run


def main(argv=None):
    """Gather the verdicts of moments and maps into results/sample/verdicts.csv."""
    args = parse(__doc__, argv, roster=str, moments=str, maps=str, out=str)
    from pathlib import Path

    import pandas as pd
    from astropy.io import fits

    from cubespace.cubes.quality import REASONS
    from cubespace.errors import CubespaceError
    from cubespace.files import provenance
    from cubespace.spectra.moments import read_moments
    from cubespace.tables import read_table, write_table

    rows = []
    roster = read_table(args.roster)
    for galaxy, stem in zip(roster["galaxy"], roster["stem"], strict=True):
        stage, found = (
            "moments",
            read_moments(Path(args.moments) / f"{stem}.npz", ("verdict", "reason", "detail")),
        )
        if found["verdict"] == "accepted":
            path = Path(args.maps) / f"{stem}.fits"
            stage = "maps"
            try:
                header = fits.getheader(path)
                found = {key: header[key.upper()] for key in found}
            except (OSError, KeyError) as error:
                raise CubespaceError(f"{path}: no verdict to be read: {error}") from None
        rows.append({"galaxy": galaxy, "stage": stage, **found})
    table = pd.DataFrame(rows, columns=["galaxy", "stage", "verdict", "reason", "detail"]).replace("", None)
    counts = table["verdict"].value_counts()
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()), flush=True)
    for reason, n in table["reason"].value_counts().items():
        print(f"  {reason} ({REASONS.get(reason, reason)}): {n}", flush=True)
    columns = {
        "galaxy": ("", "canonical name"),
        "stage": ("", "step that gave the verdict: the last one, or the one that rejected"),
        "verdict": ("", "accepted or rejected"),
        "reason": ("", "code of the reason"),
        "detail": ("", "the reason in a sentence"),
    }
    write_table(table, args.out, columns=columns, meta=provenance(args.settings))


if __name__ == "__main__":
    run(main)
