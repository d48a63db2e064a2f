"""Training of the encoder, to be read from top to bottom."""

import hashlib
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cubespace.errors import CubespaceError
from cubespace.files import atomic, digest
from cubespace.network.encoder import Encoder, mixed_precision
from cubespace.network.loss import alignment, chance_level, effective_rank, nt_xent, uniformity
from cubespace.network.presets import training_settings
from cubespace.network.views import draw_pair, network_input

HISTORY = (
    "epoch",
    "train_loss",
    "validation_loss",
    "learning_rate",
    "seconds",
    "effective_rank",
    "alignment",
    "uniformity",
    "chance_train",
    "chance_validation",
)
TRAIN, VALIDATE = 0, 1  # first number of a realisation; the embedding has 2


def batch_indices(n, size, seed, step):
    """Which of n galaxies are in the batch of an optimiser step (counted from 0 over the whole training).

    All of them if `size` is None. Otherwise each pass over the galaxies is a fresh permutation in nearly
    equal parts of at most `size` (no part of one galaxy, which has no negative: rather a larger one): within
    a batch no galaxy is twice, within a pass each is once.
    """
    if size is None or size >= n:
        return np.arange(n)
    parts = max(1, min(-(-n // size), n // 2))
    order = np.random.default_rng([seed, 7, step // parts]).permutation(n)
    return np.sort(np.array_split(order, parts)[step % parts])


@dataclass
class Training:
    """What a training leaves behind."""

    network: Encoder  # weights of the best epoch, in evaluation mode
    history: list  # one dict per epoch, keys HISTORY
    best_epoch: int
    best_loss: float
    chance: dict  # of train and validation
    stopped: str  # why it ended


def train(
    train_maps,
    validation_maps,
    space,
    scaling,
    pair,
    settings=None,
    seed=0,
    checkpoint=None,
    log=print,
    encoder=None,
):
    """Fit an encoder by contrasting views of galaxies.

    Adam, learning rate times `decay` every `decay_every` epochs in steps; both views in one forward pass, so
    that their batch statistics are shared; loss in float32. The weights kept are those of the epoch with the
    lowest validation loss, measured in evaluation mode on views that are the same in every epoch.

    Deterministic on a CPU: one seed (and number of threads) gives the same bits, also when it was killed and
    resumed from `checkpoint`, for every draw depends on (seed, step, galaxy) alone and no random state is
    carried along. On a GPU, sums in the gradients are not ordered, and two runs agree to rounding only.

    Parameters
    ----------
    train_maps, validation_maps : GalaxyMaps, on one device
    space : CoefficientSpace
    scaling : Scaling
    pair : Pair
    settings : dict, see `cubespace.network.presets.TRAINING`
    seed : int
    checkpoint : path, optional
        Written after each epoch; a run with the same data, settings and seed goes on from it.
    log : callable taking a line of text
    encoder : dict, see `encoder_settings`

    Raises
    ------
    CubespaceError
        Fewer than two independent galaxies in a set, a training loss that is not finite, a collapsed network,
        or a loss at chance at the end.
    """
    s = training_settings(settings)
    device = train_maps.device if train_maps is not None else None
    for name, maps in (("training", train_maps), ("validation", validation_maps)):
        n = 0 if maps is None else len(maps.groups.unique())
        if n < 2:
            raise CubespaceError(
                f"{name} set: expected accepted galaxies of two pointings or more, found {n}"
            )

    network = Encoder(scaling.channels, seed, encoder, scaling.luminosity).to(device)
    network.recompute = s["recompute"]
    forward = torch.compile(network) if s["compile"] else network  # one set of weights
    optimiser = torch.optim.Adam(network.parameters(), lr=s["learning_rate"])
    autocast, dtype = mixed_precision(device, s["precision"])
    scaler = torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)
    loss_of = {"temperature": s["temperature"], "decoupled": s["decoupled"], "same_view": s["same_view"]}
    first_batch = batch_indices(len(train_maps), s["batch"], seed, 0)
    chance = {
        name: chance_level(maps.groups.cpu(), s["decoupled"], s["same_view"])
        for name, maps in (("train", train_maps[first_batch]), ("validation", validation_maps))
    }
    state = _State(_identity(network.settings, train_maps, validation_maps, space, scaling, pair, s, seed))
    if checkpoint is not None and Path(checkpoint).exists():
        state.resume(checkpoint, network, optimiser, scaler, device, log)
    if state.epoch == 0:
        log(
            f"training on {len(train_maps)} galaxies, {len(first_batch)} a step, validating on {len(validation_maps)}; "
            f"{scaling.channels} channels of {tuple(train_maps.values.shape[2:])}; {device.type}, {str(dtype).split('.')[1]}"
        )

    while not state.stopped:
        started = time.perf_counter()
        epoch, losses = state.epoch, []
        for group in optimiser.param_groups:
            group["lr"] = s["learning_rate"] * s["decay"] ** (epoch // s["decay_every"])
        network.train()
        for step in range(epoch * s["steps_per_epoch"], (epoch + 1) * s["steps_per_epoch"]):
            batch = train_maps[batch_indices(len(train_maps), s["batch"], seed, step)]
            views = [
                network_input(batch, view, draws, space, scaling, network.mask)
                for view, draws in draw_pair(pair, batch, seed, (TRAIN, step))
            ]
            with autocast():
                representation, z = forward(torch.cat(views).contiguous(memory_format=torch.channels_last))
            loss = nt_xent(*z.float().chunk(2), groups=batch.groups, **loss_of)
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise CubespaceError(
                    f"training loss is {losses[-1]} in epoch {epoch + 1}, step {step}, batch of {len(batch)} galaxies "
                    f"({', '.join(batch.names[:3])}, ...): lower the learning rate or use precision float32"
                )
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
        validation = validate(network, validation_maps, space, scaling, pair, s, seed, autocast)
        row = {
            "epoch": epoch + 1,
            "train_loss": float(np.mean(losses)),
            "validation_loss": validation["loss"],
            "learning_rate": optimiser.param_groups[0]["lr"],
            "seconds": time.perf_counter() - started,
            "effective_rank": effective_rank(representation.detach().chunk(2)[0]),
            "alignment": validation["alignment"],
            "uniformity": validation["uniformity"],
            "chance_train": chance["train"],  # loss of a network that knows nothing: ln(2N - 1)
            "chance_validation": chance["validation"],
        }
        better = state.record(row, network, s)
        log(
            f"epoch {row['epoch']:3d}  train {row['train_loss']:.4f} (chance {chance['train']:.4f})  "
            f"validation {row['validation_loss']:.4f} (chance {chance['validation']:.4f}){' *' if better else '  '}  "
            f"rank {row['effective_rank']:.1f}  lr {row['learning_rate']:.1e}  {row['seconds']:.1f} s"
        )
        if checkpoint is not None:
            state.save(checkpoint, network, optimiser, scaler)

    log(f"stopped: {state.stopped}; best epoch {state.best_epoch}, validation loss {state.best_loss:.4f}")
    if state.best is None:
        raise CubespaceError("training: the validation loss was never finite; no weights to keep")
    network.load_state_dict(state.best)
    network.eval()
    _refuse_collapse(network, train_maps, state, chance, space, scaling, pair, s, seed, autocast)
    return Training(network, state.history, state.best_epoch, state.best_loss, chance, state.stopped)


@torch.inference_mode()
def encode(network, inputs, autocast, batch=256):
    """Representation (N, 512) and contrastive vectors (N, 64) in float32, in batches; the network's mode is kept."""
    parts = []
    for some in inputs.split(batch):
        with autocast():
            parts.append(network(some))
    return tuple(torch.cat([part[i] for part in parts]).float() for i in (0, 1))


def validate(network, maps, space, scaling, pair, settings, seed, autocast):
    """Loss, alignment and uniformity of the contrastive vectors on fixed views, in evaluation mode (mean over them)."""
    network.eval()
    s, rows = settings, []
    for number in range(s["validation_realisations"]):
        z = [
            encode(network, network_input(maps, view, draws, space, scaling, network.mask), autocast)[1]
            for view, draws in draw_pair(pair, maps, seed, (VALIDATE, number))
        ]
        loss = nt_xent(*z, s["temperature"], maps.groups, s["decoupled"], s["same_view"])
        rows.append((float(loss), alignment(*z), uniformity(z[0])))
    return dict(zip(("loss", "alignment", "uniformity"), np.mean(rows, axis=0).tolist(), strict=True))


class _State:
    """How far a training has come: history, best weights, patience; and its checkpoint."""

    FIELDS = ("identity", "epoch", "history", "best", "best_epoch", "best_loss", "waited", "stopped")

    def __init__(self, identity):
        self.identity = identity
        self.epoch, self.history, self.stopped = 0, [], ""
        self.best, self.best_epoch, self.best_loss, self.waited = None, 0, math.inf, 0

    def record(self, row, network, settings):
        """Take note of an epoch; True if it is the best so far. A loss that is nan never is."""
        self.history.append(row)
        self.epoch = row["epoch"]
        better = row["validation_loss"] < self.best_loss and math.isfinite(row["validation_loss"])
        if better:
            self.best = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
            self.best_epoch, self.best_loss, self.waited = row["epoch"], row["validation_loss"], 0
        else:
            self.waited += 1
        if self.waited >= settings["patience"]:
            self.stopped = f"no better validation loss in {self.waited} epochs"
        elif self.epoch >= settings["epochs"]:
            self.stopped = f"all {settings['epochs']} epochs done"
        return better

    def save(self, path, network, optimiser, scaler):
        content = {name: getattr(self, name) for name in self.FIELDS}
        content.update(
            network=network.state_dict(), optimiser=optimiser.state_dict(), scaler=scaler.state_dict()
        )
        with atomic(path) as temporary:
            torch.save(content, temporary)

    def resume(self, path, network, optimiser, scaler, device, log):
        try:
            content = torch.load(path, map_location=device, weights_only=True)
            identity = content["identity"]
        except Exception as error:  # any damage: the checkpoint only saves time, and is written again
            log(f"{path}: checkpoint cannot be read ({type(error).__name__}); training starts anew")
            return
        if identity != self.identity:
            log(f"{path}: checkpoint of other data, settings or seed; training starts anew")
            return
        for name in self.FIELDS:
            setattr(self, name, content[name])
        network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
        scaler.load_state_dict(content["scaler"])
        log(f"resumed from {path} after epoch {self.epoch}")


def _identity(encoder, train_maps, validation_maps, space, scaling, pair, settings, seed):
    """Digest of all that decides the result of a training (but the machine)."""
    total = hashlib.sha256(digest([encoder, settings, seed, repr(pair), scaling.kept]).encode())
    for tensor in (space.mean, space.flat, space.window, scaling.mean, scaling.sigma):
        total.update(tensor.cpu().numpy().tobytes())
    for maps in (train_maps, validation_maps):
        total.update("\n".join(maps.names).encode())
        for tensor in (maps.values, maps.good, maps.limit, maps.pixel_scale, maps.groups):
            total.update(np.ascontiguousarray(tensor.cpu().numpy()).view(np.uint8))  # as a buffer: no copy
    return total.hexdigest()


def _refuse_collapse(network, maps, state, chance, space, scaling, pair, settings, seed, autocast):
    (view, draws), _ = draw_pair(pair, maps, seed, (VALIDATE, 0))
    h, _ = encode(network, network_input(maps, view, draws, space, scaling, network.mask), autocast)
    rank = effective_rank(h)
    if rank < 1.05 and len(maps) > 2:
        raise CubespaceError(
            f"training collapsed: the representations of {len(maps)} galaxies have effective rank {rank:.2f} "
            "(1 = all on one line); check the maps, the views and the learning rate"
        )
    if settings["require_learning"] and state.best_loss >= 0.99 * chance["validation"]:
        raise CubespaceError(
            f"training learned nothing: best validation loss {state.best_loss:.4f} is at its chance level "
            f"{chance['validation']:.4f}; train for longer, or check that the maps differ between galaxies"
        )
