"""Invariance report of a network: how far views move a galaxy, and whether it is recognised in a degraded view."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings: section `views`, and `invariance.galaxies` (at most so many of the roster)."""
    args = parse(
        __doc__, argv, maps=str, roster=str, basis=str, scaling=str, weights=str, variant=str, out=str,
        device=(str, "auto"), seed=(int, 0), threads=(int, None),
    )  # fmt: skip
    import numpy as np

    from cubespace.network.data import MapFiles, read_pair, read_scaling, read_space
    from cubespace.network.encoder import Encoder, load_weights, prepare_device
    from cubespace.network.invariance import COLUMNS, invariance_table
    from cubespace.tables import read_table, write_table

    device = prepare_device(args.device, args.threads)
    space, release = read_space(args.basis, device, args.scaling)
    scaling = read_scaling(args.scaling, args.variant, device)
    network, _ = load_weights(args.weights, device, variant=args.variant, release_digest=release)
    untrained = Encoder(scaling.channels, args.seed, network.settings, scaling.luminosity).to(device).eval()
    rows = read_table(args.roster)
    most = args.settings.get("invariance", {}).get("galaxies", 1000)
    if len(rows) > most:
        rows = rows.iloc[np.sort(np.random.default_rng([args.seed, 53]).permutation(len(rows))[:most])]
    unseen = rows.loc[rows["role"] != "train", "galaxy"]
    networks = {"network": network, "untrained": untrained}
    pair = read_pair(args.settings.get("views"), args.scaling)
    table = invariance_table(networks, MapFiles(args.maps, rows, device, release), unseen, space, scaling, pair, args.seed)
    signed = sign(args, also={"variant": args.variant}, seed=args.seed, release=release)
    write_table(table, args.out, columns=COLUMNS, meta=signed)
    worst = table.groupby("method", sort=False)["recall_1"].min()
    print(
        f"{args.variant}: {table['n'].max()} galaxies; least recall@1 {', '.join(f'{m} {r:.3f}' for m, r in worst.items())}"
    )


if __name__ == "__main__":
    run(main)
