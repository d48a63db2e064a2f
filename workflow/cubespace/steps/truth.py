"""Gather what the mock galaxies were meant to be and what they became: one row a galaxy, target and realised
values."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, truth=str, roster=str, maps=str, out=str)
    from pathlib import Path

    import pandas as pd

    from cubespace.errors import CubespaceError
    from cubespace.files import reading_fits
    from cubespace.names import stem
    from cubespace.survey.mock import CARDS
    from cubespace.tables import read_table, write_table

    table, listed = read_table(args.truth), set(read_table(args.roster)["galaxy"])
    planted = {name: size for name, size in args.settings.items() if name.startswith("planted_")}
    for name, size in planted.items():
        drawn = sorted(set(table[name])) if name in table else [0.0]
        if drawn != [float(size)]:
            raise CubespaceError(f"{args.truth}: column {name}: found {drawn}, the configuration says mock.{name}: {size:g}")
    # a galaxy of the sheet that came with a cube of its own has no truth
    simulated = [g in listed and (Path(args.maps) / f"{stem(g)}.fits").is_file() for g in table["galaxy"]]
    table, rows = table[simulated], []
    if table.empty:
        raise CubespaceError(f"{args.maps}: no truth maps of any galaxy of {args.truth}")
    for galaxy in table["galaxy"]:
        path = Path(args.maps) / f"{stem(galaxy)}.fits"
        with reading_fits(path, "not a truth file") as hdus:
            found = {card: hdus[0].header.get(card) for card in ("OBJECT", *CARDS)}
        if found["OBJECT"] != galaxy:
            raise CubespaceError(f"{path}: OBJECT is {found['OBJECT']!r}, expected {galaxy!r}")
        rows.append({f"{name}_realised": found[card] for card, (name, _) in CARDS.items()})
    joined = pd.concat([table.reset_index(drop=True), pd.DataFrame(rows)], axis=1)
    described = {
        f"{name}_realised": (
            text.split(",")[0] if "log10" in text or "," in text else "",
            f"{name} measured in the maps, {text}",
        )
        for name, text in CARDS.values()
    }
    described["re_arcsec_realised"] = ("arcsec", "semi-major axis of the half-light ellipse")
    described["g_r_realised"] = ("mag", "AB g - r of the stars")
    described["av_gas_realised"] = ("mag", "Av of the gas at Re")
    write_table(joined, args.out, columns=described, meta=sign(args) | {name: f"{size:g}" for name, size in planted.items()})
    print(f"{args.out}: {len(joined)} galaxies", flush=True)


if __name__ == "__main__":
    run(main)
