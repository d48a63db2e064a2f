"""The network of the paper's Table A.1, the device it runs on, and its weights on disk."""

import contextlib
import hashlib
import json
import os

import torch
from torch import nn

from cubespace.errors import CubespaceError
from cubespace.files import atomic

REPRESENTATION = 512
CONTRASTIVE = 64
FILTERS = (64, 128, 256, 512)


class Encoder(nn.Module):
    """Convolutional encoder of galaxy maps with its projection head.

    Paper Table A.1. The kernel sizes follow from the parameter counts given there (48,064 = 30 x 64 x 5 x 5 +
    64, then 3 x 3): convolution with 'same' padding -> ReLU -> max-pool 2 (odd sizes round up) -> batch norm,
    four times; global max-pool; dense 512 with ReLU = the representation; then batch norm, dense 128, ReLU,
    batch norm, dense 64, batch norm = the contrastive space, used by the loss only.

    For 30 channels it holds 1,940,480 numbers: 1,937,152 trained ones and 3,328 running statistics.

    Weights start as Glorot-uniform, biases at zero, from `seed` alone: no global random state is read or
    changed. Running statistics start at mean 0 and variance 1, so that in evaluation mode an untrained
    network's batch norms do nothing.

    Parameters
    ----------
    channels : int
    seed : int
    """

    def __init__(self, channels=30, seed=0):
        super().__init__()
        if channels < 1:
            raise CubespaceError(f"network: expected at least one channel, found {channels}")
        self.channels = channels
        with torch.random.fork_rng(devices=[]):  # torch's layers draw when they are made; we draw again below
            self._build(channels)
        self._initialise(seed)
        self.to(memory_format=torch.channels_last)  # 1.3 to 3 times faster convolutions, on CPU and GPU

    def _build(self, channels):
        blocks, size = [], channels
        for number, filters in enumerate(FILTERS):
            kernel = 5 if number == 0 else 3
            blocks += [
                nn.Conv2d(size, filters, kernel, padding="same"),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2, ceil_mode=True),
                nn.BatchNorm2d(filters),
            ]
            size = filters
        self.features = nn.Sequential(*blocks)
        self.dense = nn.Linear(size, REPRESENTATION)
        self.head = nn.Sequential(
            nn.BatchNorm1d(REPRESENTATION),
            nn.Linear(REPRESENTATION, 128),
            nn.ReLU(),
            nn.BatchNorm1d(128),
            nn.Linear(128, CONTRASTIVE),
            nn.BatchNorm1d(CONTRASTIVE),
        )

    @torch.no_grad()
    def _initialise(self, seed):
        generator = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)

    def represent(self, maps):
        """(N, channels, ny, nx) -> (N, 512), not negative: the galaxies' representation."""
        pooled = torch.amax(self.features(maps), dim=(2, 3))
        return torch.relu(self.dense(pooled))

    def project(self, representation):
        """(N, 512) -> (N, 64): the contrastive space."""
        return self.head(representation)

    def forward(self, maps):
        """(N, channels, ny, nx) -> representation (N, 512) and contrastive vector (N, 64)."""
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

    MKL's matrix products may differ in the last bit from run to run, with where in memory its arguments happen to lie,
    unless it is told otherwise before its first call.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
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
    """Write encoder and head as safetensors; `metadata`: str -> str, the number of channels is added."""
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    content = save(state, metadata={**metadata, "channels": str(network.channels)})
    # the library writes its metadata in random order; sorted, equal networks give equal bytes
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic(path) as temporary:
        temporary.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


def load_weights(path, device="cpu"):
    """Read a network written by `save_weights`, in evaluation mode, and its metadata.

    Weights written on a GPU load on a CPU.

    Raises
    ------
    CubespaceError
        The file is missing, damaged, or holds another architecture.
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
        network = Encoder(int(metadata["channels"]))
        network.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError) as error:
        raise CubespaceError(f"{path}: not weights of this network: {error}") from error
    return network.to(device).eval(), metadata
