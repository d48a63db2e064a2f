"""Emission-line and environment classes of every galaxy, with what each was decided from."""

from cubespace.steps import parse, run, sign

COLUMNS = {
    "whan": ("", "WHAN class of the centre: SF, sAGN, wAGN, retired, passive, undetermined"),
    "bpt": ("", "BPT class of the centre: SF, composite, AGN, undetermined"),
    "nuclear_class_from": ("", "columns that decided the nuclear class, or what was wanting"),
    "environment_from": ("", "what decided the environment"),
    "group_catalogue": ("", "catalogue of the largest group that the galaxy is in"),
    "group": ("", "identifier of that group"),
    "group_members": ("", "number of members of that group"),
    "void_catalogue": ("", "catalogue of the void in which the galaxy lies deepest"),
    "void": ("", "identifier of that void"),
    "void_depth": ("", "distance from that void's centre in effective radii; above 1 is outside"),
    "footprints": ("", "catalogues whose footprint holds the galaxy"),
}


def main(argv=None):
    """Settings: emission and environment as in the configuration, cosmology {h0, om0}."""
    args = parse(__doc__, argv, galaxies=str, out=str, tolerances=(str, None), notes=(str, None))
    import pandas as pd

    from cubespace.notes import NOTES
    from cubespace.populations import catalogues, emission, environment
    from cubespace.populations.tolerances import tolerance_table
    from cubespace.tables import read_table, write_table

    galaxies = read_table(args.galaxies)
    cosmology = args.settings.get("cosmology", {})
    around = dict(args.settings.get("environment", {}))
    groups = [catalogues.read_groups(**cosmology | catalogues.expand(spec, "groups")) for spec in around.pop("groups", [])]
    voids = [catalogues.read_voids(**cosmology | catalogues.expand(spec, "voids")) for spec in around.pop("voids", [])]
    notes = [note for catalogue in (*groups, *voids) for note in catalogue.notes]
    for note in notes:
        print(f"note: {note.kind}: {note.table}: {note.detail}", flush=True)
    om0 = {key: value for key, value in cosmology.items() if key == "om0"}
    lines = emission.classify(galaxies, **args.settings.get("emission", {}))
    place = environment.classify(galaxies, groups, voids, **around, **om0)
    classes = pd.concat([galaxies[["galaxy"]], lines, place], axis=1)
    for name in ("nuclear_class", "environment"):  # a class that the property tables state goes before ours
        allowed = emission.NUCLEAR if name == "nuclear_class" else environment.ENVIRONMENTS
        classes = environment.prefer_stated(classes, galaxies, name, allowed, args.galaxies)
        print(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in classes[name].value_counts().items()), flush=True)
    order = ["galaxy", "whan", "bpt", "nuclear_class", "environment"]
    classes = classes[order + [name for name in classes if name not in order]]
    release = galaxies.attrs.get("meta", {}).get("release_digest")
    meta = sign(args, release=release)
    write_table(classes, args.out, columns=COLUMNS, meta=meta)
    if args.tolerances is not None:
        write_table(tolerance_table(galaxies, groups, voids, around, **om0), args.tolerances, meta=meta)
    if args.notes is not None:
        write_table(pd.DataFrame(notes, columns=list(NOTES)), args.notes, columns=NOTES, meta=meta)


if __name__ == "__main__":
    run(main)
