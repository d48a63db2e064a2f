"""Train the encoder on the maps of a release; writes its weights, the history of its training and a model card."""

import json
from pathlib import Path

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings: sections `training` (see cubespace.network.presets.TRAINING), `encoder`, `views`."""
    args = parse(
        __doc__, argv, maps=str, release=str, basis=str, scaling=str, variant=str, weights=str, history=str,
        card=str, checkpoint=(str, None), device=(str, "auto"), seed=(int, 0), threads=(int, None),
        maps_memory=(json.loads, None),  # GB; null = as much as there is room for
    )  # fmt: skip
    from dataclasses import asdict

    import pandas as pd

    from cubespace.files import write_text
    from cubespace.network.card import model_card
    from cubespace.network.data import load_maps, read_pair, read_scaling, read_space, room_for_maps
    from cubespace.network.encoder import prepare_device, save_weights
    from cubespace.network.presets import encoder_settings, training_settings
    from cubespace.network.training import HISTORY, train
    from cubespace.tables import read_table, write_table

    device = prepare_device(args.device, args.threads)
    settings = {
        "encoder": encoder_settings(args.settings.get("encoder")),
        "training": training_settings(args.settings.get("training")),
        "views": args.settings.get("views"),
    }
    pair = read_pair(settings["views"], args.scaling)
    space, release = read_space(args.basis, device, args.scaling)
    scaling = read_scaling(args.scaling, args.variant, device)
    rows = read_table(args.release)
    sets, rejected, scratch = {}, [], Path(args.weights).parent
    scratch.mkdir(parents=True, exist_ok=True)
    for role in ("train", "validation"):
        room = room_for_maps(device, args.maps_memory)
        sets[role], left_out = load_maps(args.maps, rows[rows["role"] == role], device, release, room, scratch)
        rejected += left_out
    for galaxy, reason in rejected:
        print(f"left out: {galaxy} ({reason})", flush=True)

    result = train(
        sets["train"], sets["validation"], space, scaling, pair, settings["training"], args.seed, args.checkpoint,
        log=lambda line: print(f"{args.variant}: {line}", flush=True), encoder=settings["encoder"],
    )  # fmt: skip

    signed = sign(args, also={"variant": args.variant}, seed=args.seed, release=release)
    meta = {**signed, "variant": args.variant, "best_epoch": str(result.best_epoch)}
    shown = {**settings, "views": asdict(pair)}
    write_table(pd.DataFrame(result.history, columns=HISTORY), args.history, meta=signed)
    card = model_card(result, args.variant, sets["train"], sets["validation"], rejected, shown, meta)
    write_text(args.card, card)
    save_weights(args.weights, result.network, meta)
    if args.checkpoint:
        Path(args.checkpoint).unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
