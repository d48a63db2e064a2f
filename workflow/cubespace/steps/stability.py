"""Stability over seeds: agreement of clusters and neighbours between trainings, mean and spread of probes and recall."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings: `members` (list of dicts: variant, seed, and a file for each of FILES), `neighbours.k`."""
    args = parse(__doc__, argv, roster=str, out=str)
    import pandas as pd

    from cubespace.space.neighbours import fitted, in_common, pointings_of, read_embedding
    from cubespace.space.stability import COLUMNS, Member, stability_table
    from cubespace.tables import read_table, write_table

    roster, tables, release = read_table(args.roster), [], None
    members = args.settings["members"]
    for variant in dict.fromkeys(one["variant"] for one in members):
        mine = [one for one in members if one["variant"] == variant]
        read = {(i, kind): read_embedding(one[kind]) for i, one in enumerate(mine) for kind in ("network", "untrained")}
        galaxies, vectors = in_common(read)
        first = read[0, "network"]
        fit = sorted(set(first.galaxies[fitted(first)]) & set(galaxies))
        found = [
            Member(
                {kind: vectors[i, kind] for kind in ("network", "untrained")},
                {kind: read_table(one[f"{kind}_clusters"]).set_index("galaxy").loc[fit] for kind in ("network", "untrained")},
                read_table(one["probes"]),
                read_table(one["invariance"]),
            )
            for i, one in enumerate(mine)
        ]
        release = first.meta.get("release_digest")
        pointings = pointings_of(galaxies, roster)
        tables.append(stability_table(variant, found, pointings, args.settings.get("neighbours", {}).get("k", 10)))
        row = tables[-1].set_index("quantity").loc["neighbours"]
        print(
            f"{variant}: {len(mine)} seeds; neighbours in common {row['network']:.3f}, untrained {row['untrained']:.3f}, "
            f"chance {row['chance']:.3f}"
        )
    seeds = ",".join(str(seed) for seed in dict.fromkeys(one["seed"] for one in members))
    meta = sign(args, seed=seeds, release=release)
    write_table(pd.concat(tables, ignore_index=True), args.out, columns=COLUMNS, meta=meta)


if __name__ == "__main__":
    run(main)
