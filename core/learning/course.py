"""How far a training has come: steps, time, losses, and what a person should know of it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.learning.base import Learned


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


class Course:
    """Course of one training.

    Parameters
    ----------
    method : Learned
        Method and parameters, whose limits say when it ends.

    Attributes
    ----------
    step : int
        Updates done.
    seconds : float
        Time trained, without pauses.
    validation : float or None
        Loss on the parts held out, after the last whole epoch.
    curve : list of (int, float, float)
        Step, training loss and validation loss after each epoch.
    notes : list of str
        What the person should know.
    """

    def __init__(self, method: Learned) -> None:
        self._method = method
        self.step, self.seconds = 0, 0.0
        self.validation: float | None = None
        self.curve: list[tuple[int, float, float]] = []
        self.notes: list[str] = []
        self._mark = 0.0
        self._recent: list[Tensor] = []
        self._epoch_loss: list[float] = []

    @property
    def fraction(self) -> float:
        """Share of the training that is done, 1 or more at its end."""
        method = self._method
        by_steps = self.step / method.steps if method.steps else 0.0
        by_time = self.seconds / method.seconds if method.seconds else 0.0
        return max(by_steps, by_time)

    @property
    def whole(self) -> bool:
        """Whether an epoch, or the training, ends with the last step."""
        return self.step % self._method.epoch == 0 or self.fraction >= 1

    def start_clock(self) -> float:
        """Let time count from now on; gives the reading."""
        self._mark = time.perf_counter()
        return self._mark

    def tick(self) -> float:
        """Count the time since the clock was last looked at; gives the reading."""
        before = self._mark
        self.seconds += self.start_clock() - before
        return self._mark

    def stepped(self, loss: Tensor) -> float:
        """Count a step with its loss, which stays on the device; gives the reading of the clock."""
        self._recent.append(loss)
        self.step += 1
        return self.tick()

    def synchronise(self) -> float:
        """Mean loss of the steps since the last time; the only place that waits for the device."""
        if not self._recent:
            return math.nan
        values = torch.stack(self._recent).tolist()
        self._recent.clear()
        self._epoch_loss.extend(values)
        return math.fsum(values) / len(values)

    def end_epoch(self, validation: float) -> None:
        """Take note of the loss on the parts held out after an epoch."""
        self.validation = validation
        mean = math.fsum(self._epoch_loss) / len(self._epoch_loss)
        self.curve.append((self.step, mean, validation))
        self._epoch_loss.clear()

    def note(self, text: str) -> None:
        """Say something once, if it says anything."""
        if text and text not in self.notes:
            self.notes.append(text)

    def report(self, note: str = "", *, finished: bool, loss: float = math.nan, speed: float = 0.0) -> Report:
        """Say how training stands, with a note that holds only now."""
        method, fraction = self._method, min(self.fraction, 1.0)
        steps = max(self.step, round(self.step / fraction)) if fraction > 0 else method.steps
        left = self.seconds * (1 - fraction) / fraction if fraction > 0 else math.nan
        return Report(
            step=self.step,
            steps=steps,
            epoch=self.step // method.epoch,
            epochs=-(-steps // method.epoch),
            loss=loss,
            validation=self.validation,
            seconds=self.seconds,
            seconds_left=0.0 if finished else left,
            pixels_per_second=speed,
            note=" ".join([*self.notes, note] if note else self.notes),
        )

    def state_dict(self) -> dict[str, Any]:
        """What has to be known to go on."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": list(self.curve),
            "epoch_loss": list(self._epoch_loss),
            "validation": self.validation,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve, self._epoch_loss = list(state["curve"]), list(state["epoch_loss"])
        self.validation = state["validation"]
        self._recent.clear()
