"""Pairs of galaxies of two classes with equal morphology and nearly equal mass, and how well they are matched."""

from cubespace.steps import parse, run, sign

COLUMNS = {
    "comparison": ("", "name of the comparison"),
    "galaxy_a": ("", "galaxy of the first class"),
    "galaxy_b": ("", "its twin of the second class"),
    "delta_log_mass": ("dex", "log stellar mass of a minus that of b"),
    "covariate": ("", "property"),
    "smd_before": ("", "standardised mean difference of the whole classes"),
    "smd_after": ("", "standardised mean difference of the pairs, by the spread of the whole classes"),
    "variance_ratio_before": ("", "variance of class a over that of class b"),
    "variance_ratio_after": ("", "the same for the pairs"),
    "n_a": ("", "galaxies of class a"),
    "n_b": ("", "galaxies of class b"),
    "n_pairs": ("", "pairs"),
    "status": ("", "matched or not tested"),
    "reason": ("", "why it was not tested"),
}


def main(argv=None):
    """Settings: comparisons [{name, a, b, by}], caliper, morphology (bin or detail), min_pairs, covariates."""
    args = parse(__doc__, argv, galaxies=str, classes=str, verdicts=str, out=str, balance=str)
    from cubespace.errors import CubespaceError
    from cubespace.populations.twins import compare
    from cubespace.tables import read_table, write_table

    settings = dict(args.settings)
    columns = {"bin": "morphology", "detail": "morphology_detail"}
    level = settings.pop("morphology", "bin")
    if level not in columns:
        raise CubespaceError(f"twins: morphology: found {level!r}, expected bin or detail")
    galaxies, classes, verdicts = (read_table(path) for path in (args.galaxies, args.classes, args.verdicts))
    rejected = set(verdicts.loc[verdicts["verdict"] == "rejected", "galaxy"])  # these have no place in the space
    classes = classes[~classes["galaxy"].isin(rejected)].reset_index(drop=True)
    meta = sign(args, release=galaxies.attrs.get("meta", {}).get("release_digest"))
    if "snr" in verdicts:  # a property of the maps, not of any table
        galaxies = galaxies.merge(verdicts[["galaxy", "snr"]], on="galaxy", how="left", validate="one_to_one")
    twins, balance = compare(galaxies, classes, morphology=columns[level], **settings)
    for name, part in balance.groupby("comparison", sort=False):
        first = part.iloc[0]
        worst = part["smd_after"].abs().max()
        ending = (
            f"largest |SMD| {worst:.2f}" if first["status"] == "matched" else f"not tested: {first['reason']}"
        )
        print(f"{name}: {first['n_pairs']} pairs of {first['n_a']} and {first['n_b']}; {ending}", flush=True)
    write_table(twins, args.out, columns=COLUMNS, meta=meta)
    write_table(balance, args.balance, columns=COLUMNS, meta=meta)


if __name__ == "__main__":
    run(main)
