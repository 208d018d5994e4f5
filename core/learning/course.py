"""Progress of a training: steps, time, losses and findings."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.findings import Finding
from core.learning.base import Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """State of a training.

    Attributes
    ----------
    step, steps : int
        Number of updates so far, and expected in total (an estimate if the time is limited).
    epoch, epochs : int
        Number of epochs so far, and expected in total.
    loss : float
        Mean training loss since the last report; NaN before the first step.
    validation : float or None
        Loss on held-out parts, after the last complete epoch.
    seconds, seconds_left : float
        Training time without pauses, and expected remaining time; NaN if unknown.
    pixels_per_second : float
        Pixels of training patches per second, since the last report.
    doing : str
        Current work between steps, or "" for a step; before step 1 there is no network yet.
    findings : tuple of Finding
        Findings so far.
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
    doing: str
    findings: tuple[Finding, ...]

    @property
    def note(self) -> str:
        """Messages of the findings."""
        return " ".join(finding.text for finding in self.findings)


class Course:
    """Progress of one training.

    Parameters
    ----------
    method : Learned
        Method and parameters, including the limits of steps and time.

    Attributes
    ----------
    step : int
        Number of updates.
    seconds : float
        Training time, without pauses.
    validation : float or None
        Loss on held-out parts, after the last complete epoch.
    curve : list of (int, float, float)
        Step, training loss and validation loss after each epoch.
    findings : list of Finding
        Findings so far.
    """

    def __init__(self, method: Learned) -> None:
        self._method = method
        self.step, self.seconds = 0, 0.0
        self.validation: float | None = None
        self.curve: list[tuple[int, float, float]] = []
        self.findings: list[Finding] = []
        self._mark = 0.0
        self._recent: list[Tensor] = []
        self._epoch_loss: list[float] = []

    @property
    def fraction(self) -> float:
        """Completed fraction of the training; 1 or more at its end."""
        method = self._method
        by_steps = self.step / method.steps if method.steps else 0.0
        by_time = self.seconds / method.seconds if method.seconds else 0.0
        return max(by_steps, by_time)

    @property
    def whole(self) -> bool:
        """Whether an epoch, or the training, ends with the last step."""
        return self.step % self._method.epoch == 0 or self.fraction >= 1

    @property
    def due(self) -> bool:
        """Whether an epoch has ended whose loss on held-out parts is not known yet."""
        return self.whole and bool(self._recent or self._epoch_loss)

    def start_clock(self) -> float:
        """Start the clock; return its reading."""
        self._mark = time.perf_counter()
        return self._mark

    def tick(self) -> float:
        """Add the time since the last reading of the clock; return the reading."""
        before = self._mark
        self.seconds += self.start_clock() - before
        return self._mark

    def stepped(self, loss: Tensor) -> float:
        """Count a step with its loss, which stays on the device; return the reading of the clock."""
        self._recent.append(loss)
        self.step += 1
        return self.tick()

    def synchronise(self) -> float:
        """Return the mean loss of the steps since the last call; only this function waits for the device."""
        if not self._recent:
            return math.nan
        values = torch.stack(self._recent).tolist()
        self._recent.clear()
        self._epoch_loss.extend(values)
        return math.fsum(values) / len(values)

    def end_epoch(self, validation: float) -> None:
        """Record the loss on held-out parts after an epoch."""
        self.validation = validation
        mean = math.fsum(self._epoch_loss) / len(self._epoch_loss)
        self.curve.append((self.step, mean, validation))
        self._epoch_loss.clear()

    def add(self, *findings: Finding | None) -> None:
        """Add findings, each of them once."""
        for finding in findings:
            if finding is not None and finding not in self.findings:
                self.findings.append(finding)

    def report(
        self, doing: str = "", *, finished: bool, loss: float = math.nan, speed: float = 0.0
    ) -> Report:
        """Return the state of the training."""
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
            doing=doing,
            findings=tuple(self.findings),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state that is needed to resume."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "curve": list(self.curve),
            "epoch_loss": list(self._epoch_loss),
            "validation": self.validation,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state."""
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve, self._epoch_loss = list(state["curve"]), list(state["epoch_loss"])
        self.validation = state["validation"]
        self._recent.clear()
