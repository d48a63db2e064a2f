"""Embed all galaxies of a roster with a trained network: one unit vector of 512 each, and its spread."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings: sections `views` and `embedding` (realisations, batch, precision)."""
    args = parse(
        __doc__, argv, maps=str, roster=str, basis=str, scaling=str, weights=str, variant=str, out=str, fits=str,
        device=(str, "auto"), seed=(int, 0), threads=(int, None),
    )  # fmt: skip
    from cubespace.network.data import read_pair, read_scaling, read_space
    from cubespace.network.embedding import embed_files, refuse_collapsed, write_embedding
    from cubespace.network.encoder import load_weights, prepare_device
    from cubespace.tables import read_table

    device = prepare_device(args.device, args.threads)
    pair = read_pair(args.settings.get("views"), args.scaling)
    space, release = read_space(args.basis, device, args.scaling)
    scaling = read_scaling(args.scaling, args.variant, device)
    network, _ = load_weights(args.weights, device, variant=args.variant, release_digest=release)
    options = dict(args.settings.get("embedding", {}))
    names, roles, vectors, spread, rejected = embed_files(
        network,
        args.maps,
        read_table(args.roster),
        space,
        scaling,
        pair,
        device,
        release,
        args.seed,
        **options,
    )
    refuse_collapsed(vectors)
    signed = sign(args, also={"variant": args.variant}, seed=args.seed, release=release)
    number = options.get("realisations", 10)
    write_embedding(args.out, names, roles, vectors, spread, number, signed, args.fits)
    print(
        f"{args.variant}: embedded {len(names)} galaxies, {len(rejected)} rejected; mean spread {spread.mean():.4f}",
        flush=True,
    )


if __name__ == "__main__":
    run(main)
