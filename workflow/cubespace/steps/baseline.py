"""The two baselines that a trained network must beat: the untrained network, and the mean of the maps."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings as for `embed`, and `embedding.by_luminosity` for the pooled maps."""
    args = parse(
        __doc__, argv, maps=str, roster=str, basis=str, scaling=str, variant=str, untrained=str, pooled=str,
        device=(str, "auto"), seed=(int, 0), threads=(int, None),
    )  # fmt: skip
    from cubespace.network.data import read_pair, read_scaling, read_space
    from cubespace.network.embedding import embed_files, pool_files, write_embedding
    from cubespace.network.encoder import Encoder, prepare_device
    from cubespace.tables import read_table

    device = prepare_device(args.device, args.threads)
    pair = read_pair(args.settings.get("views"), args.scaling)
    space, release = read_space(args.basis, device, args.scaling)
    scaling = read_scaling(args.scaling, args.variant, device)
    rows, options = read_table(args.roster), dict(args.settings.get("embedding", {}))
    by_luminosity = options.pop("by_luminosity", False)
    network = (
        Encoder(scaling.channels, args.seed, args.settings.get("encoder"), scaling.luminosity).to(device).eval()
    )  # the very weights that training starts from
    names, roles, vectors, spread, _ = embed_files(
        network, args.maps, rows, space, scaling, pair, device, release, args.seed, **options
    )
    signed = sign(args, also={"variant": args.variant}, seed=args.seed, release=release)
    number = options.get("realisations", 10)
    write_embedding(args.untrained, names, roles, vectors, spread, number, {**signed, "method": "untrained"})
    names, roles, pooled = pool_files(args.maps, rows, scaling, device, release, by_luminosity)
    none = [float("nan")] * len(names)
    write_embedding(args.pooled, names, roles, pooled, none, 1, {**signed, "method": "pooled_pca"})
    print(f"{args.variant}: baselines of {len(names)} galaxies", flush=True)


if __name__ == "__main__":
    run(main)
