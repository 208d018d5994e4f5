"""Train networks side by side on simulated microscopy images; the training can be interrupted and resumed."""

from __future__ import annotations

import copy
import dataclasses
import math
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core import __version__
from core.cuda_graphs import Repeated
from core.files.atomic import writing
from core.instant.making.examples import SCENES, Batch, Examples, batches
from core.instant.making.validation import Row, evaluate
from core.instant.network import SHAPES, InstantNetwork, Prediction
from core.instant.weights import file_of, save_network

LEAST_ERROR = 0.0007
"""Errors of about this size or less get less weight; at half a photon they are not larger."""

DOUBT_RATE = 10.0
"""Learning rate of the two layers that predict the error, relative to the other layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the training.

    Attributes
    ----------
    steps : int
        Length of the training and of the learning rate schedule.
    batch, side : int
        Patches per step, and their side in pixels.
    rate : float
        Largest learning rate.
    average : float
        Decay per step of the running average of the weights.
    seed : int
        Seed of weights, scenes and noise.
    workers : int
        Number of processes that simulate examples.
    pause : int
        Steps between two validations.
    scenes : int
        Scenes simulated before the first step.
    validation : int
        Scenes of each kind to validate on.
    """

    steps: int = 30_000
    batch: int = 8
    side: int = 96
    rate: float = 1e-3
    average: float = 0.999
    seed: int = 1
    workers: int = 1
    pause: int = 1000
    scenes: int = SCENES
    validation: int = 12


class State:
    """State of the training of a network, including all that is needed to resume it.

    Parameters
    ----------
    name : str
        Quality of the network.
    settings : Settings
        Settings of the training.
    device : torch.device
        Device of the network.
    """

    def __init__(self, name: str, settings: Settings, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.name = name
        network = InstantNetwork(SHAPES[name])
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        doubt = list(network.doubt.parameters())
        rest = [p for name, p in network.named_parameters() if not name.startswith("doubt.")]
        groups = [{"params": rest, "times": 1.0}, {"params": doubt, "times": DOUBT_RATE}]
        graphs = device.type == "cuda"
        for group in groups if graphs else ():
            group["lr"] = torch.tensor(settings.rate, device=device)
        self.optimiser = torch.optim.Adam(groups, lr=settings.rate, betas=(0.9, 0.99), capturable=graphs)
        self.update = Repeated(self._update)
        self.share = torch.zeros((), device=device)  # fraction of the weights in their average
        self.step, self.seconds, self.starts = 0, 0.0, 0
        self.curve: list[dict[str, Any]] = []

    def _update(self, batch: Batch) -> Tensor:
        """Update the weights; return the mean of the logarithms of the patch errors."""
        output = self.network(batch.noisy, batch.correlation, batch.beside)
        self.optimiser.zero_grad(set_to_none=True)
        loss(output, batch.clean).backward()  # type: ignore[no-untyped-call]
        for group in self.optimiser.param_groups:
            nn.utils.clip_grad_norm_(group["params"], 1.0)
        self.optimiser.step()
        with torch.no_grad():
            for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, self.share)
            error: Tensor = (output.denoised - batch.clean).square().mean((1, 2, 3)).log().mean()
        return error


def rate(settings: Settings, step: int) -> float:
    """Return the learning rate: it rises over 100 steps, then decreases as a cosine to 1 %."""
    done = min(1.0, step / settings.steps)
    return settings.rate * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def loss(output: Prediction, clean: Tensor) -> Tensor:
    """Return squared errors of patches divided by about themselves, so that all noise levels weigh alike.

    The negative log-likelihood of the errors under their predicted variance is added; its gradient only
    affects the prediction of the error.
    """
    assert output.log_variance is not None
    squares = (output.denoised - clean).square()
    error = squares.mean((1, 2, 3))
    unlikely = squares.detach() * torch.exp(-output.log_variance) + output.log_variance
    return (error / (0.5 * error.detach() + LEAST_ERROR)).mean() + 0.5 * unlikely.mean()


def learn(state: State, batch: Batch, settings: Settings) -> Tensor:
    """Take one step on the network's device; return the mean of the logarithms of the patch errors."""
    for group in state.optimiser.param_groups:
        wanted = group["times"] * rate(settings, state.step)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(wanted)
        else:
            group["lr"] = wanted
    state.step += 1
    state.share.fill_(1 - min(settings.average, (1 + state.step) / (10 + state.step)))
    return state.update(batch)


def train(states: Sequence[State], settings: Settings, folder: Path) -> Iterator[str]:
    """Train networks on the same batches; yield a line of text after every validation.

    After each validation the averaged networks are written to the folder, with the state for resuming.
    """
    device = next(states[0].network.parameters()).device
    for state in states:
        state.starts += 1
    seed = settings.seed + 1000 * states[0].starts  # each start uses other scenes
    examples = Examples(seed, settings.batch, settings.side, settings.scenes)
    source = batches(examples, settings.workers)
    errors: list[list[Tensor]] = [[] for _ in states]
    while states[0].step < settings.steps:
        began = time.perf_counter()
        batch = next(source).to(device)
        for state, found in zip(states, errors, strict=True):
            found.append(learn(state, batch, settings))
        step = states[0].step
        last = step % settings.pause == 0 or step >= settings.steps
        means = [float(torch.stack(found).mean()) for found in errors] if last else []  # waits for the device
        for state in states:
            state.seconds += time.perf_counter() - began
        for state, found, error in zip(states, errors, means, strict=False):
            yield look(state, error, settings, folder)
            found.clear()


def look(state: State, error: float, settings: Settings, folder: Path) -> str:
    """Validate a network, save it, and return a line of text with its state."""
    rows = evaluate(state.averaged, settings.validation)
    state.curve.append(
        {
            "step": state.step, "hours": round(state.seconds / 3600, 4), "error": round(error, 4),
            "psnr": {row.name: round(row.network, 3) for row in rows},
        }
    )  # fmt: skip
    save(state, settings, rows, folder)
    return summary(state, rows)


def summary(state: State, rows: list[Row]) -> str:
    """Return a line of text with the state of the training: dB above the best Gaussian at every level."""
    gains = "  ".join(f"{row.name.replace(' photons', '')} {row.network - row.gaussian:+.2f}" for row in rows)
    error = state.curve[-1]["error"]
    hours, step = state.seconds / 3600, state.step
    return f"{state.name}: {hours:.2f} h, step {step}, log error {error:.3f}; above Gaussian: {gains}"


def record(state: State, settings: Settings, rows: list[Row]) -> dict[str, Any]:
    """Return a description of the training for the file of the network and its card."""
    return {
        "program": __version__, **dataclasses.asdict(state.network.shape),
        "settings": dataclasses.asdict(settings),
        "steps": state.step, "hours": round(state.seconds / 3600, 3), "starts": state.starts,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, "
        f"{next(state.network.parameters()).device.type}, torch {torch.__version__.split('+')[0]}",
        "validation": [dataclasses.asdict(row) for row in rows], "curve": state.curve,
    }  # fmt: skip


def save(state: State, settings: Settings, rows: list[Row], folder: Path) -> None:
    """Write the averaged network, and the state for resuming."""
    save_network(file_of(state.name, folder), state.averaged.state_dict(), record(state, settings, rows))
    whole = {
        "network": state.network.state_dict(), "averaged": state.averaged.state_dict(),
        "optimiser": state.optimiser.state_dict(), "step": state.step, "seconds": state.seconds,
        "starts": state.starts, "curve": state.curve,
    }  # fmt: skip
    with writing(resume_file(state.name, folder)) as draft:
        torch.save(whole, draft.part)


def resume_file(name: str, folder: Path) -> Path:
    """Return the path of the state for resuming the training of a network."""
    return file_of(name, folder).with_suffix(".resume")


def resume(settings: Settings, device: torch.device, name: str, folder: Path) -> State:
    """Load the last saved state of the training of a network from a folder."""
    state = State(name, settings, device)
    whole = torch.load(resume_file(name, folder), map_location=device, weights_only=True)
    state.network.load_state_dict(whole["network"])
    state.averaged.load_state_dict(whole["averaged"])
    state.optimiser.load_state_dict(whole["optimiser"])
    state.step, state.seconds = int(whole["step"]), float(whole["seconds"])
    state.starts, state.curve = int(whole["starts"]), list(whole["curve"])
    return state
