"""Speed of training and prediction, relative to the convolution rate of the processor.

The best rate this machine reaches is measured in the same run on the network's own layer shapes, forward
and backward, and in turns with training, so that other load meets both. Prediction counts pixels of a
stack a second, and by how much the peak of the process's memory rose. With ``--careamics`` a leading library
predicts the same stack in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.catalogue import create, find
from core.learning import device as devices
from core.learning.architecture import Architecture
from core.learning.base import Learned
from core.learning.network import UNet, initial
from core.learning.trainer import Trainer
from core.methods.apply import apply
from core.stack import Stack
from tests.benchmarks._contenders import CAREAMICS


def main(arguments: list[str]) -> None:
    given = _parsed(arguments)
    device = devices.choose(given.device)
    if given.threads:
        torch.set_num_threads(given.threads)
    pixels = np.random.default_rng(0).poisson(30, given.shape).astype(np.uint16)
    stack = Stack.of(pixels, "TYX")
    print(
        f"{'x'.join(map(str, given.shape))}, {device}, {torch.get_num_threads()} threads, "
        f"preset {given.preset}"
    )
    print(f"{'method':<14}{'steps/s':>9}{'Mpx/s':>8}{'GMAC/s':>8}{'best':>8}{'share':>7}"
          f"{'predict Mpx/s':>15}{'MB more':>9}")  # fmt: skip
    for name in given.methods:
        cls = find(name)
        assert issubclass(cls, Learned)
        values = {**cls.preset_values(given.preset), "steps": 0, "seconds": 1e7}
        method = create(name, values)
        assert isinstance(method, Learned)
        target = Stack.of(pixels.astype(np.float32), "TYX") if method.needs_target else None
        trainer = Trainer(stack, method, device=given.device, threads=given.threads, target=target)
        steps, rates = training(trainer, method, given.seconds, device)
        cost = 3 * multiplications(method.architecture()) * method.batch * method.patch**2  # forward and back
        seen = statistics.median(steps)
        best = statistics.median(rates)
        speed, memory = prediction(trainer, stack, given.device)
        pixels_a_second = seen * method.batch * method.patch**2
        print(f"{name:<14}{seen:9.2f}{pixels_a_second / 1e6:8.2f}{seen * cost / 1e9:8.1f}{best / 1e9:8.1f}"
              f"{seen * cost / best:7.0%}{speed / 1e6:15.2f}{memory / 2**20:9.0f}", flush=True)  # fmt: skip
    for variant in ("n2v", "n2v2") if given.careamics else ():
        speed = library(given.careamics, variant, pixels)
        print(f"careamics {variant:<38}{speed / 1e6:23.2f}", flush=True)


def training(
    trainer: Trainer, method: Learned, seconds: float, device: torch.device
) -> tuple[list[float], list[float]]:
    """Steps a second, and multiplications a second of bare convolutions, in turns."""
    steps, rates = [], []
    run = trainer.run()
    while next(run).step < 3:
        pass
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not steps:
        before = next(run)
        after = before
        while after.step - before.step < 3 or after.seconds - before.seconds < 0.5:
            after = next(run)
        steps.append((after.step - before.step) / (after.seconds - before.seconds))
        rates.append(convolution_rate(method, device))
    run.close()
    return steps, rates


def convolution_rate(method: Learned, device: torch.device) -> float:
    """Multiplications a second of the network's convolutions alone, forward and backward, each run alone."""
    taken = total = 0.0
    layout = devices.layout(device)
    for level in range(method.depth):
        channels, side = method.width * 2**level, method.patch // 2**level
        layer = nn.Conv2d(channels, channels, 3, padding=1).to(device=device, memory_format=layout)
        image = torch.randn(method.batch, channels, side, side, device=device).contiguous(
            memory_format=layout
        )
        image.requires_grad_()

        def once(layer: nn.Module = layer, image: torch.Tensor = image) -> None:
            torch.autograd.backward(layer(image).sum())

        taken += shortest(once, device)
        total += 3 * 9 * channels**2 * side**2 * method.batch
    return total / taken


def shortest(work: Callable[[], None], device: torch.device, turns: int = 5) -> float:
    """Minimum time in seconds of several runs, after a warm-up."""
    best = np.inf
    for turn in range(turns + 1):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began) if turn else best
    return float(best)


def multiplications(architecture: Architecture) -> float:
    """Multiplications the network needs for a pixel."""
    if architecture.kind != "unet":
        raise SystemExit("only U-Nets are measured")
    network, side, total = initial(architecture, 0), 64, 0.0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        seen = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        total += seen[0, 0].numel() * weight.numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    assert isinstance(network, UNet)
    with torch.no_grad():
        network(torch.zeros(1, 1, side, side))
    return total / side**2


def prediction(trainer: Trainer, stack: Stack, device: str) -> tuple[float, float]:
    """Pixels a second of applying the network to the stack, and bytes by which the peak of memory rose."""
    operation = trainer.model().prediction(device)
    before, began = peak(), time.perf_counter()
    apply(stack, operation)
    taken = time.perf_counter() - began
    return stack.planes * stack.shape[-1] * stack.shape[-2] / taken, peak() - before


def library(python: Path, variant: str, pixels: NDArray[np.uint16]) -> float:
    """Pixels a second of a leading library's prediction, with its own defaults, after a step of training."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, made = Path(folder) / "noisy.npy", Path(folder) / "made.npz"
        np.save(noisy, pixels)
        words = [noisy, made, variant, 0, len(pixels), 0, 3]
        threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        subprocess.run(
            [python, CAREAMICS, *map(str, words)], check=True, cwd=folder, env={**os.environ, **threads},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with np.load(made) as file:
            return pixels.size / float(file["predicted"])


def peak() -> float:
    """Peak memory of the process in bytes; NaN on Windows."""
    try:
        import resource
    except ImportError:
        return float("nan")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(used if sys.platform == "darwin" else used * 1024)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks speed", description=__doc__)
    parser.add_argument("--methods", nargs="*", default=["n2v", "n2v2", "deconoising"])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--seconds", type=float, default=20.0, help="time of each training")
    parser.add_argument("--shape", type=int, nargs=3, default=[16, 512, 512], help="T Y X")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--careamics", type=Path, help="Python of an environment that holds careamics")
    return parser.parse_args(arguments)
