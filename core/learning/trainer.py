"""Train a network on a stack: a generator of reports that can be stopped between any two of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core import __version__
from core.errors import QuietfieldError
from core.history import fingerprint
from core.learning import device as devices
from core.learning.adapter import Adapter
from core.learning.data import patch_side
from core.learning.examples import Examples
from core.learning.learned import Learned
from core.learning.learner import Learner, copied
from core.learning.model import Model, Record
from core.learning.schedule import Rate
from core.learning.targets import caution, fitted
from core.learning.tiles import MEMORY_BYTES
from core.stack import Stack

REPORT_SECONDS = 0.2
UNCHANGED = (
    "Training on this stack did not lower the error on the parts held out: the network of Instant is kept."
)
REFRESH_STEPS = 8
"""Steps between two tiles read anew from a stack that does not fit into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How training stands.

    Attributes
    ----------
    step, steps : int
        Updates done, and those expected in all (an estimate where time is the limit).
    epoch, epochs : int
        The same in epochs.
    loss : float
        Mean training loss since the last report; NaN before the first step.
    validation : float or None
        Loss on the parts held out, after the last whole epoch.
    seconds, seconds_left : float
        Time trained, without pauses, and time expected to remain; NaN while unknown.
    pixels_per_second : float
        Pixels of patches trained on in a second, since the last report.
    note : str
        What the person should know, or "".
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    validation: float | None
    seconds: float
    seconds_left: float
    pixels_per_second: float
    note: str


class Trainer:
    """Train one network.

    Parameters
    ----------
    stack : Stack
        The noisy stack; all its planes are trained on together.
    method : Learned
        Method and parameters. Steps and time limit are totals, also after `restore`.
    device : str
        Name of a device, or "auto" for the best.
    threads : int, optional
        Threads to compute with on a processor, at most one for each core; all cores by default.
    memory : int
        Bytes of training pixels to keep in memory.
    target : Stack, optional
        The clean stack, for methods that learn from one.

    Raises
    ------
    QuietfieldError
        If the stack is too small for the network, or the method cannot be trained on it.
    """

    def __init__(
        self,
        stack: Stack,
        method: Learned,
        *,
        device: str = "auto",
        threads: int | None = None,
        memory: int = MEMORY_BYTES,
        target: Stack | None = None,
    ) -> None:
        self._side = patch_side(stack, method.patch, method.depth)
        method, note = method.settled(stack)
        self._stack, self._method, self._threads = stack, method, threads
        self._target = None if target is None else fitted(target, stack)
        self._device = devices.choose(device)
        self._adapts, self._idle = method.strategy().adapts, method.strategy().idle
        if self._adapts:
            self._learner: Learner = Adapter(stack, method, self._device, self._side)
        else:
            self._learner = Learner(method, self._device, self._side)
        self._examples = Examples(stack, method, self._side, memory, self._target)
        self._rate = Rate(method)
        self._generator = torch.Generator().manual_seed(method.seed)
        self._best: dict[str, Tensor] | None = None
        self._best_validation, self._best_step = math.inf, 0
        self._step, self._seconds, self._mark = 0, 0.0, 0.0
        self._validation: float | None = None
        self._recent: list[Tensor] = []
        self._epoch_loss: list[float] = []
        self._curve: list[tuple[int, float, float]] = []
        self._notes = [text for text in (note, self._examples.note) if text]
        if self._side < method.patch:
            self._notes.append(f"The patches have {self._side} px, as the network and the stack allow.")
        self._failed = False
        self._ready = False
        self._pending: Mapping[str, Any] | None = None
        self._warm: Mapping[str, Tensor] | None = None

    # ------------------------------------------------------------------ what others see

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do: all steps done, time up, or training failed."""
        return self._failed or self._idle or self._fraction() >= 1

    def run(self) -> Iterator[Report]:
        """Train, reporting several times a second; to stop, ask for no further report.

        A trainer that was stopped can be run again and goes on. While a report is looked at
        the clock stands still.

        Raises
        ------
        QuietfieldError
            If there is nothing to learn from, or memory runs out.
        """
        if self._threads is not None:
            torch.set_num_threads(devices.sensible(self._threads))
        for fraction in self._prepare():
            yield self._report(f"Reading the stack, {fraction:.0%}")
        good = self.state_dict()
        if self.finished and not self._failed and not self._idle:
            self._note(
                f"This network has had all its training already ({self._step} steps in "
                f"{self._seconds:.0f} s). Allow more steps or time to go on."
            )
        yield self._report()
        self._mark = reported = time.perf_counter()
        steps = self._step
        while not self.finished:
            self._train_step()
            whole = self._step % self._method.epoch == 0 or self._fraction() >= 1
            if not whole and self._mark - reported < REPORT_SECONDS:
                continue
            taken = self._collect()
            if whole and math.isfinite(taken):
                taken = taken if self._end_epoch() else math.nan
            if not math.isfinite(taken):
                self._give_up(good)
            elif whole:
                good = self.state_dict()
            self._tick()
            speed = (self._step - steps) * self._method.batch * self._side**2 / (self._mark - reported)
            yield self._report(loss=taken, speed=max(speed, 0.0))
            self._mark = reported = time.perf_counter()
            steps = self._step
        if self._adapts and self._step and self._best_step == 0:
            self._note(UNCHANGED)
            yield self._report()

    def model(self) -> Model:
        """Copy of the network as it would be kept if training ended now."""
        state = self.state_dict()
        weights = copied(self._kept())
        record = Record(
            steps=self._step,
            seconds=self._seconds,
            curve=tuple(self._curve),
            source=state["source"],
            program=__version__,
            device=str(self._device),
            note=" ".join(self._notes),
        )
        return Model(
            method=self._method,
            weights=weights,
            normalisation=self._examples.normalisation,
            record=record,
            resume=state,
        )

    def restore(self, model: Model) -> None:
        """Go on where a model's training stopped.

        On the same stack everything is taken over, and the result is bit for bit (on a
        processor, with a limit of steps) that of a training never stopped. On another stack
        training starts anew from the model's weights.

        Raises
        ------
        QuietfieldError
            If the network is of another kind.
        """
        if not self._method.same_network(model.method):
            raise QuietfieldError(
                f"The network to go on with is {_kind(model.method)}, and the training asked for is "
                f"{_kind(self._method)}. Choose the same method, width, depth and PSF."
            )
        self._warm = model.weights
        if model.resume is not None:
            self.load_state_dict(model.resume)

    def state_dict(self) -> dict[str, Any]:
        """Everything that training needs to go on, copied; tensors on the processor."""
        for _ in self._prepare():
            pass
        return {
            "step": self._step,
            "seconds": self._seconds,
            **self._learner.state_dict(),
            "best": None if self._best is None else copied(self._best),
            "best_validation": self._best_validation,
            "best_step": self._best_step,
            "rate": self._rate.state_dict(),
            "generator": self._generator.get_state(),
            "places": self._examples.places,
            "normalisation": self._examples.normalisation,
            "source": self._source,
            "curve": list(self._curve),
            "epoch_loss": list(self._epoch_loss),
            "validation": self._validation,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, once the stack has been read."""
        if self._ready:
            raise RuntimeError("a state is loaded before training begins")
        self._pending = state

    # ------------------------------------------------------------------ preparing

    def _prepare(self) -> Iterator[float]:
        if self._ready:
            return
        self._source = fingerprint(self._stack)
        if self._target is not None:
            self._source["target"] = fingerprint(self._target)["sha256"]
        state = self._pending
        if state is not None and not _same_source(state["source"], self._source):
            state = None
        if state is None and self._warm is not None:
            self._note(
                "Training starts anew from the weights of a network that was trained on another stack, "
                "or whose file does not hold what is needed to go on."
            )
            self._learner.warm(self._warm)
        self._generator.manual_seed(self._method.seed)  # reading may have been broken off
        shown = time.perf_counter()
        for fraction in self._examples.read(self._generator, state):
            if time.perf_counter() - shown > REPORT_SECONDS:
                yield fraction
                shown = time.perf_counter()
        words = caution(self._stack, self._examples.normalisation)
        if words:
            self._note(words)
        self._examples.keep_on(self._device)
        self._held_out = self._examples.held_out()
        self._learner.begin()
        if state is not None:
            self._take(state)
        elif self._adapts and not self._idle:
            self._keep_better(self._learner.look(self._held_out))
        self._ready = True

    def _take(self, state: Mapping[str, Any]) -> None:
        self._learner.load_state_dict(state)
        self._best = None if state["best"] is None else copied(state["best"])
        self._best_validation, self._best_step = state["best_validation"], state.get("best_step", 0)
        self._rate.load_state_dict(state["rate"])
        self._generator.set_state(state["generator"])
        self._step, self._seconds = state["step"], state["seconds"]
        self._curve, self._epoch_loss = list(state["curve"]), list(state["epoch_loss"])
        self._validation = state["validation"]

    # ------------------------------------------------------------------ training

    def _fraction(self) -> float:
        method = self._method
        by_steps = self._step / method.steps if method.steps else 0.0
        by_time = self._seconds / method.seconds if method.seconds else 0.0
        return max(by_steps, by_time)

    def _tick(self) -> None:
        now = time.perf_counter()
        self._seconds += now - self._mark
        self._mark = now

    def _train_step(self) -> None:
        if self._step % REFRESH_STEPS == REFRESH_STEPS - 1:
            self._examples.refresh(self._generator)
        patches = self._examples.draw(self._generator, self._device)
        rate = self._rate.at(self._step, self._fraction())
        self._recent.append(self._learner.step(patches, rate, self._step + 1))
        self._step += 1
        self._tick()

    def _collect(self) -> float:
        """Mean loss of the steps since the last time; the only place that waits for the device."""
        if not self._recent:
            return math.nan
        values = torch.stack(self._recent).tolist()
        self._recent.clear()
        self._epoch_loss.extend(values)
        return math.fsum(values) / len(values)

    def _end_epoch(self) -> bool:
        """Look at the parts held out; whether the loss there is a number."""
        self._validation = self._learner.look(self._held_out)
        if not math.isfinite(self._validation):
            return False
        self._rate.watch(self._validation)
        mean = math.fsum(self._epoch_loss) / len(self._epoch_loss)
        self._curve.append((self._step, mean, self._validation))
        self._epoch_loss.clear()
        self._keep_better(self._validation)
        return True

    def _keep_better(self, validation: float) -> None:
        """Keep the network as it is now if that is wanted, and it is the best so far."""
        if self._method.keep == "best" and validation < self._best_validation:
            self._best, self._best_validation = copied(self._learner.current.state_dict()), validation
            self._best_step = self._step

    def _give_up(self, good: Mapping[str, Any]) -> None:
        broken = self._step
        self._take(good)
        self._failed = True
        self._notes.append(
            f"Training broke down at step {broken} (the loss is no longer a number) and was stopped; the "
            f"network of step {self._step} is kept. Lower the learning rate and start again."
        )

    def _kept(self) -> dict[str, Tensor]:
        for _ in self._prepare():
            pass
        if self._method.keep == "best" and self._best is not None:
            return self._best
        network = self._learner.network if self._method.keep == "last" else self._learner.current
        return dict(network.state_dict())

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _report(self, note: str = "", *, loss: float = math.nan, speed: float = 0.0) -> Report:
        method = self._method
        fraction = min(self._fraction(), 1.0)
        steps = max(self._step, round(self._step / fraction)) if fraction > 0 else method.steps
        left = self._seconds * (1 - fraction) / fraction if fraction > 0 else math.nan
        return Report(
            step=self._step,
            steps=steps,
            epoch=self._step // method.epoch,
            epochs=-(-steps // method.epoch),
            loss=loss,
            validation=self._validation,
            seconds=self._seconds,
            seconds_left=0.0 if self.finished else left,
            pixels_per_second=speed,
            note=" ".join([*self._notes, note] if note else self._notes),
        )


def _kind(method: Learned) -> str:
    sigma = method.strategy().training_sigma
    psf = f", PSF {sigma:g} px" if sigma else ""
    if method.strategy().adapts:
        return method.label
    return f"{method.label} (width {method.width}, depth {method.depth}{psf})"


def _same_source(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two fingerprints are of the same stacks."""
    return all(one.get(name) == other.get(name) for name in ("sha256", "target"))
