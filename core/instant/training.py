"""Train the network on simulated microscopy for some steps; it can be stopped and resumed."""

from __future__ import annotations

import copy
import dataclasses
import math
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core import __version__
from core.files.atomic import replacing
from core.instant.examples import Batch, batches
from core.instant.network import WIDTHS, InstantNetwork, Prediction
from core.instant.validation import Row, evaluate
from core.instant.weights import load_network, save_network

LEAST_ERROR = 0.0007
"""Errors of about this size or less no longer count in full; at half a photon they are not larger."""

DOUBT_RATE = 10.0
"""Learning rate of what tells the expected error, in learning rates of the rest: it has two layers only."""


BEFORE = ("settings", "steps", "hours", "starts", "machine", "curve")
"""What is kept of the record of the network that another one starts from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train.

    Attributes
    ----------
    steps : int
        Length of the training and of the learning rate's schedule.
    widths : tuple of int
        Channels of each level of the network.
    batch, side : int
        Patches a step, and their side in pixels.
    rate : float
        Highest learning rate.
    average : float
        Decay of the running average of the weights, a step.
    seed : int
        Seed of weights, scenes and noise.
    workers : int
        Processes that simulate.
    pause : int
        Steps between two looks at the validation scenes.
    """

    steps: int = 30_000
    widths: tuple[int, ...] = WIDTHS
    batch: int = 8
    side: int = 96
    rate: float = 1e-3
    average: float = 0.999
    seed: int = 1
    workers: int = 1
    pause: int = 1000


@dataclass(slots=True, kw_only=True)
class State:
    """Everything a training needs to go on."""

    network: InstantNetwork
    averaged: InstantNetwork
    optimiser: torch.optim.Adam
    step: int = 0
    seconds: float = 0.0
    starts: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)


def begin(settings: Settings, device: torch.device, start: Path | None = None) -> State:
    """Start with fresh weights, or with those of a network of the same widths and its course."""
    torch.manual_seed(settings.seed)
    network, before = InstantNetwork(settings.widths), []
    if start is not None:
        known, record = load_network(start)
        network.load_state_dict(known.state_dict())
        before = [*record.get("before", []), {name: record[name] for name in BEFORE}]
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(network).requires_grad_(False)
    doubt = list(network.doubt.parameters())
    rest = [p for name, p in network.named_parameters() if not name.startswith("doubt.")]
    groups = [{"params": rest, "times": 1.0}, {"params": doubt, "times": DOUBT_RATE}]
    optimiser = torch.optim.Adam(groups, lr=settings.rate, betas=(0.9, 0.99))
    return State(network=network, averaged=averaged, optimiser=optimiser, before=before)


def rate(settings: Settings, step: int) -> float:
    """Learning rate: rises over 100 steps, then falls as a cosine to a hundredth."""
    done = min(1.0, step / settings.steps)
    return settings.rate * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def loss(output: Prediction, clean: Tensor) -> Tensor:
    """Squared error of each patch divided by about itself, so that every level of noise counts alike.

    To this is added how unlikely the errors are under the variance the network expects of them; only that
    expectation learns from it.
    """
    assert output.log_variance is not None
    squares = (output.denoised - clean).square()
    error = squares.mean((1, 2, 3))
    unlikely = squares.detach() * torch.exp(-output.log_variance) + output.log_variance
    return (error / (0.5 * error.detach() + LEAST_ERROR)).mean() + 0.5 * unlikely.mean()


def learn(state: State, batch: Batch, settings: Settings) -> float:
    """Take one step; return the mean of the logarithms of the patches' errors."""
    device = next(state.network.parameters()).device
    for group in state.optimiser.param_groups:
        group["lr"] = group["times"] * rate(settings, state.step)
    clean = batch.clean.to(device)
    beside = None if batch.beside is None else batch.beside.to(device)
    output = state.network(batch.noisy.to(device), batch.correlation.to(device), beside)
    state.optimiser.zero_grad(set_to_none=True)
    loss(output, clean).backward()  # type: ignore[no-untyped-call]
    for group in state.optimiser.param_groups:
        nn.utils.clip_grad_norm_(group["params"], 1.0)
    state.optimiser.step()
    state.step += 1
    keep = min(settings.average, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        torch._foreach_lerp_(list(state.averaged.parameters()), list(state.network.parameters()), 1 - keep)
        return float((output.denoised - clean).square().mean((1, 2, 3)).log().mean())


def train(state: State, settings: Settings, out: Path) -> Iterator[str]:
    """Train until all steps are done; give a line of text after every look at the validation scenes.

    After each look the averaged network is written to `out`, and what is needed to go on beside it.
    """
    state.starts += 1
    starts = state.starts + sum(int(one["starts"]) for one in state.before)  # each sees other scenes
    source = batches(settings.seed + 1000 * starts, settings.batch, settings.side, settings.workers)
    errors: list[float] = []
    while state.step < settings.steps:
        began = time.perf_counter()
        errors.append(learn(state, next(source), settings))
        state.seconds += time.perf_counter() - began
        if state.step % settings.pause and state.step < settings.steps:
            continue
        rows = evaluate(state.averaged)
        state.curve.append(
            {
                "step": state.step, "hours": round(state.seconds / 3600, 4),
                "error": round(sum(errors) / len(errors), 4),
                "psnr": {row.name: round(row.network, 3) for row in rows},
            }
        )  # fmt: skip
        save(state, settings, rows, out)
        yield summary(state, rows)
        errors.clear()


def summary(state: State, rows: list[Row]) -> str:
    """Say in a line where the training stands: dB above the best Gaussian at every level."""
    gains = "  ".join(f"{row.name.replace(' photons', '')} {row.network - row.gaussian:+.2f}" for row in rows)
    error = state.curve[-1]["error"]
    return f"{state.seconds / 3600:.2f} h, step {state.step}, log error {error:.3f}; above Gaussian: {gains}"


def record(state: State, settings: Settings, rows: list[Row]) -> dict[str, Any]:
    """Describe the training for the file of the network and its card."""
    return {
        "program": __version__, "widths": list(state.network.widths),
        "settings": dataclasses.asdict(settings),
        "steps": state.step, "hours": round(state.seconds / 3600, 3), "starts": state.starts,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, "
        f"{next(state.network.parameters()).device.type}, torch {torch.__version__.split('+')[0]}",
        "before": state.before,
        "validation": [dataclasses.asdict(row) for row in rows], "curve": state.curve,
    }  # fmt: skip


def save(state: State, settings: Settings, rows: list[Row], out: Path) -> None:
    """Write the averaged network, and beside it what is needed to go on."""
    save_network(out, state.averaged.state_dict(), record(state, settings, rows))
    whole = {
        "network": state.network.state_dict(), "averaged": state.averaged.state_dict(),
        "optimiser": state.optimiser.state_dict(), "step": state.step, "seconds": state.seconds,
        "starts": state.starts, "curve": state.curve, "before": state.before,
    }  # fmt: skip
    with replacing(resume_file(out)) as temporary:
        torch.save(whole, temporary)


def resume_file(out: Path) -> Path:
    """Where a training that writes to `out` keeps what it needs to go on."""
    return out.with_suffix(".resume")


def resume(settings: Settings, device: torch.device, out: Path) -> State:
    """Go on where the training that wrote to `out` stood when it last wrote."""
    state = begin(settings, device)
    whole = torch.load(resume_file(out), map_location=device, weights_only=True)
    state.network.load_state_dict(whole["network"])
    state.averaged.load_state_dict(whole["averaged"])
    state.optimiser.load_state_dict(whole["optimiser"])
    state.step, state.seconds = int(whole["step"]), float(whole["seconds"])
    state.starts, state.curve, state.before = int(whole["starts"]), list(whole["curve"]), whole["before"]
    return state


__all__ = ["WIDTHS", "Settings", "State", "begin", "learn", "loss", "rate", "resume", "resume_file", "train"]
