"""Speed and memory of training at full size, as JSON; one command: python tests/benchmarks/gpu.py

On made-up maps of the survey's size (30 x 184 x 192, batch 772): training pairs a second, the share of views in it, peak
memory (also with activations made anew in the backward pass), the time that 50 epochs of 50 steps would take, and the
convolutions' share of the card's measured matrix speed.
Without a GPU it refuses, unless told --device cpu (then take a small --batch).
"""

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402
import torch  # noqa: E402


def maps_on(device, n, shape, channels, seed=0):
    """Round galaxies of made-up coefficients, on the device, float16."""
    from cubespace.network.data import GalaxyMaps

    generator = torch.Generator(device=device).manual_seed(seed)
    ny, nx = shape
    y = torch.arange(ny, device=device)[:, None] - (ny - 1) / 2
    x = torch.arange(nx, device=device)[None] - (nx - 1) / 2
    good = (torch.hypot(y, x) < 0.45 * min(shape)).expand(n, -1, -1).contiguous()
    values = torch.empty((n, channels, ny, nx), dtype=torch.float16, device=device)
    for row in values:
        row.copy_(torch.randn((channels, ny, nx), generator=generator, device=device))
    values *= good[:, None]
    names = [f"MADE{i:05d}" for i in range(n)]
    flat = {"device": device, "dtype": torch.float32}
    return GalaxyMaps(
        values, good, torch.full((n,), 3.0, **flat), torch.full((n,), 0.5, **flat), names,
        torch.arange(n, device=device), good.sum(dim=(1, 2)).cpu().numpy(), np.zeros(n, bool),
    )  # fmt: skip


def timed(device, function, repeats):
    """Mean seconds of a call, after one that warms up."""
    function(0)
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for number in range(1, repeats + 1):
        function(number)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / repeats


def matrix_speed(device, dtype, size):
    """Measured speed of a square matrix product [FLOP/s]."""
    a, b = (torch.randn((size, size), device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / timed(device, lambda number: a @ b, 10)


def convolution_work(shape, channels):
    """Floating-point operations of the paper's encoder for one map, forwards."""
    from cubespace.network.encoder import FILTERS

    total, size, (ny, nx) = 0, channels, shape
    for number, filters in enumerate(FILTERS):
        total += 2 * ny * nx * size * filters * (25 if number == 0 else 9)
        size, ny, nx = filters, -(-ny // 2), -(-nx // 2)
    return total


def measure(device, encoder, recompute, batch, shape, channels, repeats):
    """dict of numbers for one encoder."""
    from cubespace.network.data import Scaling
    from cubespace.network.encoder import Encoder, mixed_precision
    from cubespace.network.loss import nt_xent
    from cubespace.network.views import CoefficientSpace, draw_pair, network_input, pair_from_settings

    wavelength = np.arange(3740.0, 6800.0, 20.0)
    components = np.linalg.qr(np.random.default_rng(1).normal(size=(len(wavelength), channels - 1)))[0].T
    space = CoefficientSpace(components, np.ones(len(wavelength)), wavelength, (5600, 5800), device, 3.0)
    scaling = Scaling(np.zeros(channels), np.ones(channels), device=device)
    maps, pair = maps_on(device, batch, shape, channels), pair_from_settings({"preset": "paper"})
    network = Encoder(channels, 0, encoder, scaling.luminosity).to(device).train()
    network.recompute = recompute
    optimiser = torch.optim.Adam(network.parameters(), lr=8e-4)
    autocast, dtype = mixed_precision(device)

    def views(number):
        pairs = draw_pair(pair, maps, 0, (0, number))
        parts = [network_input(maps, view, draws, space, scaling, network.mask) for view, draws in pairs]
        return torch.cat(parts).contiguous(memory_format=torch.channels_last)

    def step(inputs):
        with autocast():
            _, z = network(inputs)
        optimiser.zero_grad(set_to_none=True)
        nt_xent(*z.float().chunk(2), groups=maps.groups).backward()
        optimiser.step()

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    whole = timed(device, lambda number: step(views(number)), repeats)
    fixed = views(0)
    network_alone = timed(device, lambda number: step(fixed), repeats)
    result = {
        "precision": str(dtype).split(".")[1], "pairs_per_second": batch / whole, "seconds_per_step": whole,
        "share_of_views": 1 - network_alone / whole, "minutes_50_epochs_of_50_steps": 2500 * whole / 60,
    }  # fmt: skip
    if device.type == "cuda":
        result["peak_memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
    if network.settings["pooling"] == ("max",) and not recompute:
        work = 2 * batch * 3 * convolution_work(shape, channels)  # both views; backwards costs twice as much
        peak = matrix_speed(device, dtype, 8192 if device.type == "cuda" else 1024)
        result["share_of_matrix_speed"] = work / network_alone / peak
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu", "auto"])
    parser.add_argument("--batch", type=int, default=772)
    parser.add_argument("--shape", type=int, nargs=2, default=(184, 192))
    parser.add_argument("--channels", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    from cubespace.network.encoder import prepare_device

    device = prepare_device(args.device)
    card = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    result = {"device": card, "torch": torch.__version__, "batch": args.batch, "shape": list(args.shape)}
    sizes = (args.batch, tuple(args.shape), args.channels, args.repeats)
    for name, preset, recompute in (("paper", "paper", False), ("paper, recompute", "paper", True), ("best", "best", False)):
        result[name] = measure(device, {"preset": preset}, recompute, *sizes)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
