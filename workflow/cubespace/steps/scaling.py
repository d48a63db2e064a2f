"""Mean and spread of each map channel over the good spaxels of the release; in the head of the table, its masked stars."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Read results/maps of the release, write results/basis/scaling.csv."""
    args = parse(__doc__, argv, maps=str, release=str, basis=str, out=str)
    import json
    from pathlib import Path

    import pandas as pd

    from cubespace.spectra.basis import read_basis
    from cubespace.spectra.scaling import release_scaling, scaling_columns
    from cubespace.spectra.starmasks import star_statistics
    from cubespace.tables import read_table, write_table

    rows = read_table(args.release)
    paths = {g: Path(args.maps) / f"{s}.fits" for g, s in zip(rows["galaxy"], rows["stem"], strict=True)}
    scaling = release_scaling(paths)
    print(f"{scaling.mean.size} channels, {scaling.count} good spaxels", flush=True)
    basis = read_basis(args.basis)
    signed = sign(args, release=basis.header["CSREL"])
    signed["stars"] = json.dumps(star_statistics(scaling.stars))
    columns = {
        "channel": ("", "channel of the maps"),
        "name": ("", "what the channel holds"),
        "mean": ("", "mean over the good spaxels of the release"),
        "sigma": ("", "standard deviation over the good spaxels of the release"),
        "n": ("", "number of good spaxels"),
        "sky": ("", "mean of the sky model"),
    }
    write_table(pd.DataFrame(scaling_columns(scaling, basis)), args.out, columns=columns, meta=signed)


if __name__ == "__main__":
    run(main)
