"""The model card: what a network was trained on, how, how well, and where it is blind."""

from cubespace.network.encoder import CONTRASTIVE, REPRESENTATION, parameter_counts

BLIND_SPOTS = (
    "The nucleus is a few spaxels among a thousand, and views shrink and blur it: active nuclei (AGN, LINER) hardly "
    "move a galaxy in this space. Do not use it to find them (paper sec. 5.1).",
    "Rare spectra (peculiar line ratios, [OI], Na I D) are reconstructed worst by the basis; what the basis drops, the "
    "network never sees (paper sec. 3.2).",
    "Views make it blind, by design, to orientation, apparent size by whole factors, noise, seeing of about a pixel, "
    "foreground stars and centring. Inclination is not among them.",
    "Channel 0 is absolute luminosity: distances that are wrong move galaxies. The variant no_luminosity lacks it.",
    "Galaxies of other surveys, pixel scales or redshift ranges than the release may land anywhere: compare the "
    "column `spread` with that of the training set before believing a position.",
)


def _kind(network):
    if network.settings["pooling"] == ("attention",):
        return "Encoder of the spectra of a galaxy's spaxels, pooled by attention"
    return "Convolutional encoder (Table A.1 of A&A 688, A160)"


def model_card(result, variant, train_maps, validation_maps, rejected, settings, meta):
    """The card as Markdown.

    Parameters
    ----------
    result : Training
    variant : str
    train_maps, validation_maps : GalaxyMaps
    rejected : list of (galaxy, reason): galaxies of the release that were left out
    settings : dict with sections ``encoder``, ``training`` and ``views``, complete
    meta : dict of provenance, str -> str
    """
    total, trained, running = parameter_counts(result.network)
    best = result.history[result.best_epoch - 1]
    lines = [
        f"# Encoder of galaxy maps, variant {variant}",
        "",
        f"{_kind(result.network)}, {result.network.channels} channels in, representation of "
        f"{REPRESENTATION}, contrastive space of {CONTRASTIVE}; {total:,} parameters, {trained:,} of them trained, "
        f"{running:,} running statistics. Trained by contrasting views; it has seen no property of any galaxy.",
        "",
        "## Training set",
        "",
        f"- {len(train_maps)} galaxies of {len(train_maps.groups.unique())} pointings; validation: {len(validation_maps)} "
        f"galaxies of {len(validation_maps.groups.unique())} pointings. Maps of {tuple(train_maps.values.shape[1:])}.",
    ]
    if rejected:
        lines.append(f"- Left out: {', '.join(f'{galaxy} ({reason})' for galaxy, reason in rejected)}.")
    lines += ["", "## Result", "", "| | loss | chance level |", "| --- | --- | --- |"]
    lines.append(
        f"| training, epoch {result.best_epoch} | {best['train_loss']:.4f} | {result.chance['train']:.4f} |"
    )
    lines.append(
        f"| validation, epoch {result.best_epoch} | {best['validation_loss']:.4f} | {result.chance['validation']:.4f} |"
    )
    lines += [
        "",
        f"Effective rank of the representation {best['effective_rank']:.1f}; alignment {best['alignment']:.3f} and "
        f"uniformity {best['uniformity']:.3f} of the contrastive space on the validation set. Ended: {result.stopped}. "
        "`history.csv` has every epoch; its column `seconds` is wall time, the one thing that differs between two runs "
        "of one seed on one CPU.",
        "",
        "## Settings",
        "",
        *(f"- encoder.{key}: {value}" for key, value in settings["encoder"].items()),
        *(f"- training.{key}: {value}" for key, value in settings["training"].items()),
        *(f"- views.{key}: {value}" for key, value in settings["views"].items()),
        "",
        "## Blind spots",
        "",
        *(f"- {spot}" for spot in BLIND_SPOTS),
        "",
        "## Provenance",
        "",
        *(f"- {key}: {value}" for key, value in meta.items()),
    ]
    return "\n".join(lines) + "\n"
