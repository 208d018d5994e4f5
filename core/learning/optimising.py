"""A network in training: one step, and all state that it changes."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from core import memory
from core.cuda_graphs import Repeated, recording
from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.interrupting import Interruptible
from core.learning import device as devices
from core.learning.base import Learned
from core.learning.compiler import load_compiler
from core.learning.parts.examples import Examples
from core.learning.parts.objectives import PhotonError, PixelError
from core.learning.parts.setup import Setup
from core.learning.patches import Patches

CHUNK_PIXELS = 40_000
"""Number of pixels per forward pass on a CPU, whose caches favour small batches."""


TRAINING_FACTOR = 2
"""Memory of training relative to that of a prediction (measured: 1.2 and 1.8 for width 16 and 64)."""


class Learner:
    """A network, the average of its weights, and its optimiser.

    Parameters
    ----------
    method : Learned
        Method and parameters.
    setup : Setup
        Input of the parts of the method.
    examples : Examples
        Training examples.

    Attributes
    ----------
    finding : Finding or None
        Finding about the last steps.
    patch_pixels : int
        Number of pixels of a patch.
    interrupt : callable
        Called during long computations; it ends them by raising an exception. State and weights then are
        those before the step.
    """

    def __init__(self, method: Learned, setup: Setup, examples: Examples) -> None:
        self._method, self._device, self._side = method, setup.device, setup.side
        self._examples = examples
        self._head, self._objective = method.head(setup), method.objective(setup)
        self._start = start = method.start()
        self.network = devices.placed(start.network, setup.device)
        self._averaged = copy.deepcopy(self.network).requires_grad_(False)
        self._origin = copy.deepcopy(self._averaged) if start.share < 1 else None
        self._mixed = copy.deepcopy(self._averaged) if start.share < 1 else self._averaged
        self._half = False
        self.update = Repeated(self._update)
        self._weight = torch.zeros((), device=setup.device)
        self.finding: Finding | None = None
        self.interrupt: Callable[[], None] = lambda: None
        self._planes = setup.planes
        self.patch_pixels = setup.side**2 * max(setup.planes, 1)
        self._chunk = setup.batch
        if setup.device.type == "cpu":
            self._chunk = min(setup.batch, max(1, CHUNK_PIXELS // self.patch_pixels))

    def warm(self, weights: Mapping[str, Tensor]) -> None:
        """Start from these weights."""
        self.network.load_state_dict(dict(weights))
        self._averaged.load_state_dict(dict(weights))
        if self._origin is not None:
            self._origin.load_state_dict(dict(weights))

    def begin(self) -> None:
        """Create the optimiser and choose the precision; both take a moment."""
        method, graphs = self._method, self._device.type == "cuda"
        load_compiler()
        rate = torch.tensor(method.learning_rate, device=self._device) if graphs else method.learning_rate
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), lr=rate, fused=self._device.type in ("cpu", "cuda"), capturable=graphs
        )
        self._fit_chunk()
        shape = (method.architecture().inputs, *[self._planes] * bool(self._planes), self._side, self._side)
        self._half = method.precision == "bfloat16" or (
            method.precision == "auto" and devices.half_precision(self._device, self.network, shape)
        )

    @property
    def useful(self) -> bool:
        """Whether the initial network already denoises."""
        return self._start.useful

    @property
    def squared(self) -> bool:
        """Whether the loss is the mean squared error of normalised pixels."""
        return type(self._objective) is PixelError

    @property
    def in_noise(self) -> bool:
        """Whether the loss is a squared error in standard deviations of the noise."""
        return isinstance(self._objective, PhotonError)

    @property
    def current(self) -> nn.Module:
        """Network that would be kept now: the averaged one if it exists, blended with the initial one."""
        trained = self._averaged if self._method.average > 0 else self.network
        if self._origin is None:
            return trained
        with torch.no_grad():
            pairs = zip(self._origin.parameters(), trained.parameters(), strict=True)
            for mixed, (begun, weights) in zip(self._mixed.parameters(), pairs, strict=True):
                mixed.copy_(torch.lerp(begun, weights, self._start.share))
        return self._mixed

    def step(self, patches: Patches, rate: float, number: int) -> Tensor:
        """Update the network in step `number` (from 1) at a learning rate; return the mean loss."""
        for group in self._optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        if self._method.average > 0:
            self._weight.fill_(1 / max(1.0, self._method.average * number))
        return self.update(patches)

    def try_one(self, patches: Patches, most: float) -> bool:
        """Compute the gradient of the first patch; return False if that takes longer, in seconds."""
        end, ask = time.monotonic() + most, self.interrupt

        def check() -> None:
            ask()
            if time.monotonic() > end:
                raise TimeoutError

        self.interrupt = check
        try:
            self._gradients(patches.part(0, 1))
        except TimeoutError:
            return False
        finally:
            self.interrupt = ask
            self._optimiser.zero_grad(set_to_none=True)
        return True

    def _update(self, patches: Patches) -> Tensor:
        """Update the weights; return the mean loss."""
        loss = self._gradients(patches)
        if self._start.steepest is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._start.steepest)
        self._optimiser.step()
        if self._method.average > 0:
            with torch.no_grad():
                for mean, value in zip(self._averaged.parameters(), self.network.parameters(), strict=True):
                    mean.lerp_(value, self._weight)
        return loss

    def look(self, patches: Patches) -> Iterator[tuple[float, float]]:
        """Compute the mean loss of the current network on patches, without an update.

        Yields
        ------
        tuple of two float
            Fraction of the patches that are done, and their mean loss.
        """
        total, count = 0.0, len(patches.pixels)
        for start in range(0, count, self._chunk):
            part = patches.part(start, start + self._chunk, self._device)
            with torch.no_grad(), self._interruptible():
                total += float(self._losses(self.current, part).sum())
            done = start + len(part.pixels)
            yield done / count, total / done

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of all state that a step changes, with tensors on the CPU."""
        return {
            "network": copied(self.network.state_dict()),
            "averaged": copied(self._averaged.state_dict()),
            "optimiser": {
                index: copied(values) for index, values in self._optimiser.state_dict()["state"].items()
            },
            "half": self._half,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state; call `begin` first."""
        self.network.load_state_dict(state["network"])
        self._averaged.load_state_dict(state["averaged"])
        parameters = list(self.network.parameters())
        moments = {
            index: {name: _laid_out_like(parameters[index], value) for name, value in values.items()}
            for index, values in state["optimiser"].items()
        }
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.update.forget()
        self._half = state["half"]

    def _gradients(self, patches: Patches) -> Tensor:
        """Compute the gradients of all patches, and return their mean loss.

        The patches are processed in chunks, which are halved if memory is insufficient; the gradient is the
        same.
        """
        batch = len(patches.pixels)
        scale = 1.0 if self._method.reduction == "sum" else 1 / batch
        while True:
            self._optimiser.zero_grad(set_to_none=True)
            total = torch.zeros((), device=self._device)
            try:
                for start in range(0, batch, self._chunk):
                    part = patches.part(start, start + self._chunk)
                    with self._interruptible():
                        loss = self._losses(self.network, part).sum()
                        torch.autograd.backward(loss * scale)
                    total += loss.detach()
                return total / batch
            except RuntimeError as error:
                if not memory.ran_out(error) or recording():
                    raise
                if self._chunk == 1:
                    raise self._refusal() from error
            self._halve_chunk()
            if self._device.type == "cuda":
                torch.cuda.empty_cache()

    def _fit_chunk(self) -> None:
        """Reduce the number of patches that are processed at a time until they fit into memory."""
        each = self.patch_pixels * int(getattr(self.network, "bytes_per_pixel", 0))
        while not memory.fits(TRAINING_FACTOR * each * self._chunk, str(self._device)):
            if self._chunk == 1:
                raise self._refusal()
            self._halve_chunk()

    def _halve_chunk(self) -> None:
        self._chunk = -(-self._chunk // 2)
        self.finding = Finding(
            kind=kinds.MEMORY_SHORT, value=float(self._chunk), details={"device": str(self._device)}
        )

    def _refusal(self) -> QuietfieldError:
        return QuietfieldError(
            f"There is not enough memory on {self._device} to train this network. Reduce its width or the "
            "patch side, or choose another device."
        )

    def _interruptible(self) -> AbstractContextManager[object]:
        """Return a context manager; work on other devices only waits in queues."""
        return Interruptible(self.interrupt) if self._device.type == "cpu" else nullcontext()

    def _losses(self, network: nn.Module, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""

        def run(*given: Any, **named: Any) -> Any:
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
                return network(*given, **named)

        def predict(shown: Tensor) -> Tensor:
            return self._head.emit(run, shown, patches).signal

        shown = self._examples.shown(patches, predict)
        return self._objective.losses(self._head.emit(run, shown, patches), patches)


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return copies of tensors on the CPU, in contiguous memory."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}


def _laid_out_like(parameter: Tensor, value: Tensor) -> Tensor:
    """Return a copy with the memory layout of the parameter, which fused optimisers require."""
    if value.shape != parameter.shape:
        return value.clone()
    return torch.empty_like(parameter, requires_grad=False).copy_(value)
