"""The network of the paper's Table A.1, the device it runs on, and its weights on disk."""

import contextlib
import hashlib
import json
import math
import os
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from cubespace.errors import CubespaceError
from cubespace.files import atomic
from cubespace.network.presets import encoder_settings

REPRESENTATION = 512
CONTRASTIVE = 64
FILTERS = (64, 128, 256, 512)
ATTENTION_START = 0.1  # spread of the first scores about the power of the light
ATTENTION_GAIN = 10.0  # Adam moves all weights at one rate, and scores have to grow from 0.1 to 1


class AttentionPooling(nn.Module):
    """Weighted means of a galaxy's spectra: each of H heads scores every spaxel and averages by exp(score).

    score_h(p) = a_h . x(p), with x the scaled channels of spaxel p: a head whose a_h lies along log luminosity
    weights by a power of the light, one along a coefficient picks out young or old regions. Given with each
    mean is the log of the sum of exp(score), an extensive quantity (for a_h = ln 10 along log luminosity: the
    total luminosity). Sums over the good spaxels do not know where a spaxel is: they are blind to rotation,
    reflection and shift by construction, and means weighted by light are to blur and binning.

    Attention pooling as in multiple-instance learning (Ilse, Tomczak & Welling 2018), with the spectra as
    instances. What comes out is not standardised: a mean over many spaxels leaves next to nothing of a component
    that is noise, and a batch norm would blow that up to the size of the others.
    """

    def __init__(self, channels, heads):
        super().__init__()
        self.attention = nn.Parameter(torch.zeros(heads, channels))

    def forward(self, maps, good):
        """maps (N, C, ny, nx), good (N, 1, ny, nx) of 0 and 1 -> (N, H (C + 1)), float32."""
        with torch.autocast(maps.device.type, enabled=False):
            x, sky = maps.float().flatten(2), good.flatten(2) < 0.5
            sky = sky & ~sky.all(dim=2, keepdim=True)  # all of it covered: a mean over the canvas, not nan
            score = torch.einsum("hc,ncp->nhp", ATTENTION_GAIN * self.attention, x)
            score = score.masked_fill(sky, -torch.inf)
            means = torch.einsum("nhp,ncp->nhc", torch.softmax(score, dim=2), x)
            return torch.cat([means.flatten(1), torch.logsumexp(score, dim=2)], dim=1)


@contextlib.contextmanager
def _running_statistics_kept(norm):
    """Inside, a forward pass through a batch norm does not move its running statistics."""
    momentum, steps = norm.momentum, norm.num_batches_tracked.clone()
    norm.momentum = 0.0
    try:
        yield
    finally:
        norm.momentum = momentum
        norm.num_batches_tracked.copy_(steps)


def _forwards_and_again(norm):
    """Contexts of a block's forward pass and of its repetition, which must not count as a second batch."""
    return contextlib.nullcontext(), _running_statistics_kept(norm)


class Encoder(nn.Module):
    """Encoder of galaxy maps with its projection head.

    Preset `paper`, Table A.1. The kernel sizes follow from the parameter counts given there (48,064 = 30 x 64 x
    5 x 5 + 64, then 3 x 3): convolution with 'same' padding -> ReLU -> max-pool 2 (odd sizes round up) -> batch
    norm, four times; global max-pool; dense 512 with ReLU = the representation; then batch norm, dense 128,
    ReLU, batch norm, dense 64, batch norm = the contrastive space, used by the loss only. For 30 channels it
    holds 1,940,480 numbers: 1,937,152 trained ones and 3,328 running statistics.

    Other settings change what is pooled ahead of dense 512: see `encoder_settings`. Preset `best` pools the
    spectra themselves (`AttentionPooling`) and has no convolutions: 204,464 numbers, 203,056 of them trained.

    Weights start as Glorot-uniform, biases at zero (or normal, see `bias`), from `seed` alone: no global random
    state is read or changed. Running statistics start at mean 0 and variance 1, so that in evaluation mode an
    untrained network's batch norms do nothing.

    Parameters
    ----------
    channels : int, of the maps
    seed : int
    settings : dict, see `encoder_settings`
    luminosity : float, optional
        Spread [dex] by which channel 0, log10 luminosity, was scaled; None: luminosity is not among the channels, and
        all heads start with equal weights. Decides the start only.
    """

    def __init__(self, channels=30, seed=0, settings=None, luminosity=None):
        super().__init__()
        if channels < 1:
            raise CubespaceError(f"network: expected at least one channel, found {channels}")
        self.channels = channels
        self.recompute = (
            False  # in training, make each block's activations anew in the backward pass: less memory
        )
        self.settings = encoder_settings(settings)
        self.mask = self.settings["mask"]  # its input has one more channel, last: 1 = galaxy, 0 = sky
        with torch.random.fork_rng(devices=[]):  # torch's layers draw when they are made; we draw again below
            self._build(channels)
        self._initialise(seed, luminosity)
        self.to(memory_format=torch.channels_last)  # 1.3 to 3 times faster convolutions, on CPU and GPU

    def _build(self, channels):
        convolved = [kind for kind in self.settings["pooling"] if kind != "attention"]
        width = 0
        if convolved:
            blocks, size = [], channels + self.mask
            for number, filters in enumerate(FILTERS):
                kernel = 5 if number == 0 else 3
                blocks += [
                    nn.Conv2d(size, filters, kernel, padding="same"),
                    nn.MaxPool2d(2, ceil_mode=True),  # ahead of ReLU, which gives the same numbers on a quarter of the pixels
                    nn.ReLU(inplace=True),
                    nn.BatchNorm2d(filters),
                ]
                size = filters
            self.features = nn.Sequential(*blocks)
            width += size * len(convolved)
        if "attention" in self.settings["pooling"]:
            self.attention = AttentionPooling(channels, self.settings["heads"])
            width += self.settings["heads"] * (channels + 1)
        self.dense = nn.Linear(width, REPRESENTATION)
        self.head = nn.Sequential(
            nn.BatchNorm1d(REPRESENTATION),
            nn.Linear(REPRESENTATION, 128),
            nn.ReLU(),
            nn.BatchNorm1d(128),
            nn.Linear(128, CONTRASTIVE),
            nn.BatchNorm1d(CONTRASTIVE),
        )

    @torch.no_grad()
    def _initialise(self, seed, luminosity):
        generator = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)
            elif isinstance(layer, AttentionPooling):
                nn.init.normal_(layer.attention, 0, ATTENTION_START / ATTENTION_GAIN, generator=generator)
                if luminosity is not None:
                    power = torch.linspace(*self.settings["light"], self.settings["heads"])
                    layer.attention[:, 0] += power * math.log(10) * luminosity / ATTENTION_GAIN
        if self.settings["bias"]:  # keeps the length of what is pooled in a vector that is normalised later
            nn.init.normal_(self.dense.bias, 0, self.settings["bias"], generator=generator)

    def _convolve(self, maps):
        if not (self.recompute and self.training):
            return self.features(maps)
        for start in range(0, len(self.features), 4):
            block = self.features[start : start + 4]
            contexts = partial(_forwards_and_again, block[3])
            maps = checkpoint(block, maps, use_reentrant=False, context_fn=contexts)
        return maps

    def represent(self, maps):
        """(N, channels (+ 1 with mask), ny, nx) -> (N, 512), not negative: the galaxies' representation."""
        pooling, parts = self.settings["pooling"], []
        if "max" in pooling or "mean" in pooling:
            features = self._convolve(maps)
            if self.mask:
                covered = F.adaptive_avg_pool2d(maps[:, -1:].float(), features.shape[2:])
                covered = torch.where(covered.sum(dim=(2, 3), keepdim=True) > 0, covered, 1.0)
            if "max" in pooling:
                seen = features.masked_fill(covered == 0, -torch.inf) if self.mask else features
                parts.append(torch.amax(seen, dim=(2, 3)))
            if "mean" in pooling:
                weight = covered if self.mask else torch.ones_like(features[:, :1])
                parts.append((features * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3)))
        if "attention" in pooling:
            parts.append(self.attention(maps[:, : self.channels], maps[:, -1:]))
        pooled = parts[0] if len(parts) == 1 else torch.cat([part.float() for part in parts], dim=1)
        return torch.relu(self.dense(pooled))

    def project(self, representation):
        """(N, 512) -> (N, 64): the contrastive space."""
        return self.head(representation)

    def forward(self, maps):
        """As `represent` -> representation (N, 512) and contrastive vector (N, 64)."""
        representation = self.represent(maps)
        return representation, self.project(representation)


def parameter_counts(network):
    """(total, trained, running statistics); batch norm's step counters are not counted, as in the paper."""
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    running = sum(
        b.numel() for name, b in network.named_buffers() if name.endswith(("running_mean", "running_var"))
    )
    return trained + running, trained, running


def choose_device(name="auto"):
    """torch device for `auto`, `cpu` or `cuda`; `auto` takes a GPU where there is one.

    Raises
    ------
    CubespaceError
        A GPU is asked for and there is none, or the name is not one of the three.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise CubespaceError(f"device: expected auto, cpu or cuda, found {name!r}")
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        build = f"torch {torch.__version__}, " + (
            f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU-only build"
        )
        raise CubespaceError(f"device: cuda asked for, but torch sees no GPU ({build}); use auto or cpu")
    return torch.device("cuda" if present and name != "cpu" else "cpu")


def prepare_device(name="auto", threads=None):
    """`choose_device` for a command line; also sets the number of CPU threads of the process, if given.

    float32 means float32: TF32, which keeps 10 bits of a number in a GPU's matrix products and is torch's default for
    convolutions, is switched off, since vectors must not depend on the device. Training that may be less exact has bfloat16.

    MKL's matrix products may differ in the last bit from run to run, with where in memory its arguments happen to lie,
    unless it is told otherwise before its first call.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    torch.backends.cuda.matmul.fp32_precision = torch.backends.cudnn.conv.fp32_precision = "ieee"
    device = choose_device(name)
    if threads:
        torch.set_num_threads(threads)
    return device


def mixed_precision(device, precision="auto"):
    """A function that opens an autocast context for the encoder, and the dtype that it uses.

    `auto` is bfloat16 where the hardware has matrix units for it (a GPU, or a CPU with AMX: three times
    faster there), float16 on an older GPU, float32 on other CPUs.

    Returns
    -------
    autocast : callable without arguments, giving a context manager
    dtype : torch.dtype
    """
    allowed = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision != "auto" and precision not in allowed:
        raise CubespaceError(f"precision: expected auto, {', '.join(allowed)}, found {precision!r}")
    if precision == "auto":
        if device.type == "cpu":
            amx = getattr(torch.cpu, "_is_amx_tile_supported", None)  # no public question for it yet
            precision = "bfloat16" if amx is not None and amx() else "float32"
        else:
            precision = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if precision == "float16" and device.type == "cpu":
        raise CubespaceError("precision: float16 is for GPUs; use float32 or bfloat16 on a CPU")
    dtype = allowed[precision]
    if dtype is torch.float32:
        return contextlib.nullcontext, dtype
    return (lambda: torch.autocast(device.type, dtype=dtype)), dtype


def weights_digest(network):
    """First 16 hexadecimal digits of the SHA-256 over all weights and running statistics."""
    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        total.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:16]


def save_weights(path, network, metadata):
    """Write encoder and head as safetensors; `metadata`: str -> str; channels and settings of the encoder are added."""
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    described = {"channels": str(network.channels), "encoder": json.dumps(network.settings, sort_keys=True)}
    content = save(state, metadata={**metadata, **described})
    # the library writes its metadata in random order; sorted, equal networks give equal bytes
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic(path) as temporary:
        temporary.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


def load_weights(path, device="cpu", **expected):
    """Read a network written by `save_weights`, in evaluation mode, and its metadata.

    Weights written on a GPU load on a CPU. `expected`: what the metadata must say, such as variant="full",
    release_digest="...": maps of another release mean other things in the same channels.

    Raises
    ------
    CubespaceError
        The file is missing, damaged, holds another architecture, or is not what is expected.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as archive:
            metadata = dict(archive.metadata() or {})
            state = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise CubespaceError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise CubespaceError(f"{path}: not a readable safetensors file: {error}") from error
    try:
        network = Encoder(int(metadata["channels"]), settings=json.loads(metadata["encoder"]))
        network.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError, CubespaceError) as error:
        raise CubespaceError(f"{path}: not weights of this network: {error}") from error
    for key, value in expected.items():
        if metadata.get(key, "") != value:
            raise CubespaceError(f"{path}: network of {key} {metadata.get(key, '(none)')}, expected {value}")
    return network.to(device).eval(), metadata
