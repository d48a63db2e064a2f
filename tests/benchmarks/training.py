"""Training step at full size on one core, against the plain one; share of the views in it: python tests/benchmarks/training.py

The plain step is the paper's network as torch makes it: eager, channels first (NCHW), float32. Ours has channels last, and
bfloat16 where the CPU has matrix units for it (AMX). The share of the views is that of drawing fresh ones in each step.
All in CPU time of one thread, on maps of 30 x 184 x 192, each way twice in turn, so that a busy machine slows all alike.
`--compile` also measures torch.compile and how far its loss lies from the eager one.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from gpu import maps_on  # noqa: E402


class Step:
    """One way to make a training step."""

    def __init__(self, preset, maps, plain=False, precision="auto", compiled=False):
        from cubespace.network.data import Scaling
        from cubespace.network.encoder import Encoder, mixed_precision

        channels = maps.values.shape[1]
        self.maps, self.scaling = maps, Scaling(np.zeros(channels), np.ones(channels))
        self.network = Encoder(channels, 0, {"preset": preset}, self.scaling.luminosity).train()
        self.format = torch.contiguous_format if plain else torch.channels_last
        self.network.to(memory_format=self.format)
        self.autocast, self.dtype = mixed_precision(torch.device("cpu"), precision)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=8e-4)
        self.forward = torch.compile(self.network) if compiled else self.network

    def views(self, space, pair, number):
        """Both views of all galaxies, fresh: (2 N, channels, ny, nx)."""
        from cubespace.network.views import draw_pair, network_input

        pairs = draw_pair(pair, self.maps, 0, (0, number))
        parts = [network_input(self.maps, *one, space, self.scaling, self.network.mask) for one in pairs]
        return torch.cat(parts).contiguous(memory_format=self.format)

    def __call__(self, inputs):
        from cubespace.network.loss import nt_xent

        with self.autocast():
            _, z = self.forward(inputs)
        self.optimiser.zero_grad(set_to_none=True)
        loss = nt_xent(*z.float().chunk(2), groups=self.maps.groups)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())


def seconds(function, *arguments):
    """CPU seconds of a call, and what it returns."""
    started = time.process_time()
    result = function(*arguments)
    return time.process_time() - started, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--galaxies", type=int, default=8, help="galaxies in a step")
    parser.add_argument("--shape", type=int, nargs=2, default=(184, 192))
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    from cubespace.network.views import CoefficientSpace, pair_from_settings

    torch.set_num_threads(1)
    wavelength = np.arange(3740.0, 6800.0, 20.0)
    components = np.linalg.qr(np.random.default_rng(1).normal(size=(len(wavelength), 29)))[0].T
    space = CoefficientSpace(components, np.ones(len(wavelength)), wavelength, (5600, 5800), sky_level=3.0)
    maps, pair = maps_on(torch.device("cpu"), args.galaxies, tuple(args.shape), 30), pair_from_settings({"preset": "paper"})
    for preset in ("paper", "best"):
        ways = {"plain": Step(preset, maps, plain=True, precision="float32"), "float32": Step(preset, maps, precision="float32")}
        ways["ours"] = Step(preset, maps)
        if args.compile:
            ways["compiled"] = Step(preset, maps, compiled=True)
        spent, losses, drawn = {name: [] for name in ways}, {}, []
        for number in range(3):  # the first warms up
            for name, step in ways.items():
                taken, inputs = seconds(step.views, space, pair, number)
                if name == "ours":
                    drawn.append(taken)
                taken, loss = seconds(step, inputs)
                spent[name].append(taken)
                losses.setdefault(name, loss)
        mean = {name: float(np.mean(values[1:])) for name, values in spent.items()}
        views = float(np.mean(drawn[1:]))
        print(f"{preset}: {args.galaxies} pairs of 30 x {args.shape[0]} x {args.shape[1]}, CPU time of one core")
        print(f"  plain step (eager, NCHW, float32)      {mean['plain']:7.2f} s")
        print(f"  channels last, float32                 {mean['float32']:7.2f} s   {mean['plain'] / mean['float32']:5.2f} times faster")
        print(f"  ours ({str(ways['ours'].dtype).split('.')[1]:8s}, channels last)         {mean['ours']:7.2f} s   {mean['plain'] / mean['ours']:5.2f} times faster")
        if args.compile:
            difference = abs(losses["compiled"] - losses["ours"])
            print(f"  ours, compiled                         {mean['compiled']:7.2f} s   {mean['plain'] / mean['compiled']:5.2f} times faster; loss {difference:.1e} off")
        print(f"  both views of each galaxy              {views:7.2f} s   {views / args.galaxies:.3f} s a pair")
        for name in ("plain", "ours"):
            print(f"  share of views in the {name + ' step':12s}     {views / (views + mean[name]):7.0%}")


if __name__ == "__main__":
    main()
