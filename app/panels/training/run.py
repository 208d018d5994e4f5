"""A training as a job: reports, predictions for the current view, and checkpoints."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.panels.training.pace import Pace, progress
from app.preview.computing import preview_of
from app.shell.jobs import Job
from app.shell.view_state import Preview
from core.errors import QuietfieldError
from core.fingerprint import fingerprint
from core.learning.base import Learned
from core.progress import Cancelled, Context
from core.stack import Region, Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.model import Model
    from core.learning.trainer import Report, Trainer

PICTURE_SECONDS = 3.0
"""Minimum time between two predictions for the view, in seconds."""

PICTURE_SHARE = 0.1
"""Maximum fraction of the time for these predictions."""

PICTURE_SIDES = (256, 512)
"""Sides of the predicted region, in pixels: the larger one if it takes less than `PICTURE_QUICK` seconds."""

PICTURE_QUICK = 0.3

REPORT_SECONDS = 0.2
"""Minimum time between two reports, in seconds."""

MOMENTS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
"""Fractions of the training at which checkpoints are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A network at one moment of its training."""

    step: int
    model: Model


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Region for a prediction: a stack, a region of one of its planes, and the time of the request."""

    stack: Stack
    region: Region


OpenTarget = Callable[[], Stack]
"""Opens the clean stack, with axes and shape of the training stack."""

Look = Callable[[int], Scene | None]
"""Returns the scene to predict, at most as large as the number, or None for no prediction."""


class TrainingRun:
    """Trains in the thread of a job; the window reads its attributes and controls it.

    Parameters
    ----------
    stack : Stack
        Training stack.
    method : Learned
        Method; limits that `start` has reached are raised.
    device : str
        Device.
    look : callable
        Returns the scene to predict.
    start : sequence of Kept
        Checkpoints of a network, the last of which is continued; empty for a new network.
    target : callable, optional
        Opens the clean stack, for methods that need one.
    report_every, picture_every : float
        Minimum time between two reports, and between two predictions, in seconds.

    Attributes
    ----------
    report : Report or None
        Newest report.
    losses, validations : list of (int, float)
        Step and loss; only appended to.
    kept : list of Kept
        Earlier checkpoints; only appended to.
    picture : Preview or None
        Newest prediction.
    instant : float or None
        Loss of Instant on held-out pixels; None if it is not known.
    seconds_left : float
        Expected remaining time without pauses, in seconds; NaN if it is not known.
    """

    def __init__(
        self,
        stack: Stack,
        method: Learned,
        device: str,
        look: Look,
        start: Sequence[Kept] = (),
        target: OpenTarget | None = None,
        *,
        report_every: float = REPORT_SECONDS,
        picture_every: float = PICTURE_SECONDS,
    ) -> None:
        self.method = method
        self._report_every, self._picture_every = report_every, picture_every
        self.report: Report | None = None
        self.losses: list[tuple[int, float]] = []
        self.validations: list[tuple[int, float]] = []
        self.kept: list[Kept] = []
        self.picture: Preview | None = None
        self.instant: float | None = None
        self.seconds_left = math.nan
        self._pace = Pace()
        self.stack = stack
        self._device, self._look, self._target = device, look, target
        self._start = start[-1].model if start else None
        self._earlier = tuple(start)
        self._moments = list(MOMENTS)
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()
        self._asked = threading.Event()
        self._context = Context()
        self._next, self._soonest = 0.0, 0.0
        self._side = PICTURE_SIDES[0]

    # -- from the window

    @property
    def paused(self) -> bool:
        """Whether training is paused."""
        return not self._go.is_set()

    def pause(self) -> None:
        """Pause after the current step."""
        self._go.clear()

    def resume(self) -> None:
        """Continue."""
        self._go.set()

    def stop(self) -> None:
        """End at once and keep the network of the last complete step."""
        self._stop.set()
        self._context.cancel()
        self._go.set()

    def look_again(self) -> None:
        """Predict soon, because the view has changed."""
        self._asked.set()

    # -- in the thread

    def __call__(self, job: Job) -> Model:
        """Train to the end, or until stopped.

        Raises
        ------
        Cancelled
            If the job was cancelled; no network is kept.
        QuietfieldError
            If the stack cannot be used for training, or training was stopped before its first step.
        """
        from core.learning.device import beside_window
        from core.learning.trainer import Trainer

        self._context = job.context.own()
        if self._stop.is_set():
            self._context.cancel()
        if self._start is not None:
            self._take_up(self._start)
        target = None if self._target is None else self._target()
        trainer = Trainer(
            self.stack, self.method, device=self._device, threads=beside_window(), target=target
        )
        if self._start is not None:
            trainer.restore(self._start)
        try:
            self._train(trainer, job)
        except Cancelled:
            job.context.check()  # else it was stopped
        if self.report is None or (self.report.step == 0 and not trainer.finished):
            raise QuietfieldError("Training was stopped before its first step; there is no network to keep.")
        if not trainer.finished:
            trainer.compare(job.context)
        model = trainer.model()
        last = Kept(step=model.record.steps, model=model)
        if not self.kept or self.kept[-1].step != last.step:
            self.kept.append(last)
        else:
            self.kept[-1] = last
        job.emit(None)
        return model

    def _train(self, trainer: Trainer, job: Job) -> None:
        self._next = time.monotonic() + 1.0
        emitted = 0.0
        for report in trainer.run(self._context, every=self._report_every):
            job.context.check()
            self._take(report, trainer)
            self.instant = trainer.instant
            job.context.step(*progress(report, self.method))
            if report.step and self._picture_due():
                self._make_picture(trainer, job)
            if time.monotonic() - emitted >= self._report_every:
                emitted = time.monotonic()
                self._estimate(report, job)
                job.emit(None)
            self._wait(trainer, job)
            if self._stop.is_set():
                break

    def _estimate(self, report: Report, job: Job) -> None:
        """Estimate the remaining time, for the panel and the status bar alike."""
        if report.step:
            self.seconds_left = self._pace.left(time.monotonic(), report.seconds, report.seconds_left)
        job.left = self.seconds_left

    def _take_up(self, start: Model) -> None:
        """Restore the curves and checkpoints of a network, if it was trained on this stack."""
        if start.resume is None or fingerprint(self.stack)["sha256"] != start.record.source.get("sha256"):
            return
        record = start.record
        self.method = self.method.beyond(record.steps, record.seconds)
        self.losses += [(step, loss) for step, loss, _ in record.curve if math.isfinite(loss)]
        self.validations += [(step, loss) for step, _, loss in record.curve]
        self.kept += [Kept(step=k.step, model=replace(k.model, resume=None)) for k in self._earlier]

    def _take(self, report: Report, trainer: Trainer) -> None:
        if self.report is not None and report.step < self.report.step:  # restarted after divergence
            self.losses = [point for point in self.losses if point[0] <= report.step]
            self.validations = [point for point in self.validations if point[0] <= report.step]
        self.report = report
        if math.isfinite(report.loss) and (not self.losses or self.losses[-1][0] < report.step):
            self.losses.append((report.step, report.loss))
        known = self.validations[-1][1] if self.validations else None
        if report.validation is not None and report.validation != known:
            self.validations.append((report.step, report.validation))
        fraction, _ = progress(report, self.method)
        passed = [m for m in self._moments if report.step and fraction >= m]
        if passed:
            self._moments = self._moments[len(passed) :]
            if not self.kept or self.kept[-1].step != report.step:
                # the state for resuming would need four times the memory
                self.kept.append(Kept(step=report.step, model=replace(trainer.model(), resume=None)))

    def _picture_due(self) -> bool:
        now = time.monotonic()
        return now >= self._next or (self._asked.is_set() and now >= self._soonest)

    def _make_picture(self, trainer: Trainer, job: Job) -> None:
        began, cost = time.monotonic(), 0.0
        self._asked.clear()
        scene = self._look(self._side)
        if scene is not None:
            prediction = trainer.model().prediction(self._device)
            step = self.report.step if self.report else 0
            label = f"{self.method.label}, step {step}"
            self.picture = preview_of(label, scene.stack, prediction, scene.region, job.context)
            cost = time.monotonic() - began
            pixels = math.prod(s.stop - s.start for s in scene.region)
            quick = cost * PICTURE_SIDES[1] ** 2 / max(pixels, 1) < PICTURE_QUICK
            self._side = PICTURE_SIDES[1] if quick else PICTURE_SIDES[0]
            job.emit(None)
        self._next = time.monotonic() + max(self._picture_every, cost / PICTURE_SHARE)
        self._soonest = time.monotonic() + 3 * cost

    def _wait(self, trainer: Trainer, job: Job) -> None:
        """Wait while paused, but predict for a new view."""
        began = time.monotonic()
        while not self._go.wait(0.1):
            job.left = math.nan
            if self.report is not None:
                job.context.step(*progress(self.report, self.method))
            if self._asked.is_set() and self.report is not None and self.report.step:
                self._make_picture(trainer, job)
        self._pace.rest(time.monotonic() - began)
