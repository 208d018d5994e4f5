"""Training of a network on a stack, as a generator of reports that can be stopped between reports."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from core import __version__
from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.findings.training_kinds import BATCH_REDUCED
from core.fingerprint import fingerprint
from core.learning import device as devices
from core.learning.base import Learned
from core.learning.clean_stacks import check_counts
from core.learning.comparing import compare
from core.learning.course import Course, Report
from core.learning.data import Normalisation
from core.learning.keeping import Best
from core.learning.model import Model, Record
from core.learning.optimising import copied
from core.learning.outcome import judge_start, level_of_instant
from core.learning.preparing import affordable_batch, resolve, same_source
from core.learning.schedule import Rate
from core.learning.tiles import MEMORY_BYTES
from core.level import Level
from core.params import Value, values
from core.progress import Cancelled, Context
from core.stack import Stack

__all__ = ["Report", "Trainer"]

REPORT_SECONDS = 0.2
VALIDATING = "Validating on held-out parts"

REFRESH_STEPS = 8
"""Number of steps between two newly read tiles of a stack that does not fit into memory."""

RESTARTS = 5
"""Number of successive restarts from the last good state before the training is stopped."""


class Trainer:
    """Train one network.

    Creating a trainer reads no pixels; everything that depends on them is done by `run`.

    Parameters
    ----------
    stack : Stack
        Noisy stack; all its planes are used together.
    method : Learned
        Method and parameters. Steps and time limit are totals, also after `restore`.
    device : str
        Name of a device, or "auto" for the best.
    threads : int, optional
        Number of CPU threads, at most one for each core; by default all cores.
    memory : int
        Maximum memory of training pixels in bytes.
    target : Stack, optional
        Clean stack, for methods that need one.

    Attributes
    ----------
    instant : float or None
        Loss of Instant on the held-out parts, if training begins with its network; None if it is unknown.
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
        self._stack, self._method, self._target = stack, method, target
        self._asked, self._threads, self._memory = device, threads, memory
        self._given = values(method)
        self._rate, self._course = Rate(method), Course(method)
        self._generator = torch.Generator()
        self._best = Best()
        self._good: Mapping[str, Any] = {}
        self._restarts = 0
        self._failed = self._resolved = self._ready = False
        self._start: Model | None = None
        self.instant: float | None = None

    # ------------------------------------------------------------------ interface

    @property
    def finished(self) -> bool:
        """Whether the training is complete: all steps done, time up, or failed."""
        return self._ready and (self._failed or self._method.idle or self._course.fraction >= 1)

    def run(self, context: Context | None = None, *, every: float = REPORT_SECONDS) -> Iterator[Report]:
        """Train, yielding several reports per second; stop iterating to stop the training.

        A stopped trainer continues when it is run again. The clock is stopped while a report is processed.

        Parameters
        ----------
        context : Context, optional
            Progress of stack-dependent decisions, before the first report; and cancellation at any time.
        every : float
            Minimum time between two reports in seconds.

        Yields
        ------
        Report
            State of the training.

        Raises
        ------
        QuietfieldError
            If the method cannot be trained on the stack, the pixels are not suitable, or memory is
            insufficient.
        Cancelled
            If the context is cancelled. The trainer then is as after the last complete step.
        """
        context = context or Context()
        if self._threads is not None:
            torch.set_num_threads(devices.thread_count(self._threads))
        course = self._course
        if not self._resolved:
            self._resolve(context)
        self._learner.interrupt = context.check
        for doing in self._prepare(every):
            yield self._report(doing)
        self._good = self.state_dict()
        course.start_clock()
        if course.due:  # stopped during the validation of the last epoch
            yield from self._end_epoch(every)
        if self.finished and not self._failed and not self._method.idle:
            details = {"seconds": course.seconds}
            course.add(Finding(kind=kinds.TRAINING_COMPLETE, value=float(course.step), details=details))
        yield self._report()
        reported = course.start_clock()
        begun = steps = course.step
        while not self.finished:
            now = self._train_step()
            if not course.due and now - reported < every:
                continue
            loss = course.synchronise()
            course.add(self._learner.finding)
            broken = not math.isfinite(loss)
            if broken:
                self._start_over()
            elif course.due:
                broken = not (yield from self._end_epoch(every))
            now = course.tick()
            speed = (course.step - steps) * self._batch * self._learner.patch_pixels / (now - reported)
            yield self._report(loss=math.nan if broken else loss, speed=max(speed, 0.0))
            reported = course.start_clock()
            steps = course.step
        if self._learner.useful and course.step and self._best.step == 0:
            course.add(Finding(kind=kinds.TRAINING_USELESS))
            yield self._report()
        elif self._learner.useful and course.step > begun:
            self.compare(context)
            yield self._report(loss=loss, speed=max(speed, 0.0))
        if course.step > begun and not self._learner.useful:
            yield self._report("Comparing with Instant")
            self.compare(context)
            yield self._report(loss=loss, speed=max(speed, 0.0))

    def compare(self, context: Context) -> None:
        """Add a finding that says whether the network is better than Instant; `run` does so at its end.

        Parameters
        ----------
        context : Context
            Cancellation.
        """
        if not self._course.step:
            return
        if self._learner.useful:
            if any(one.kind == kinds.NOTHING_HELD_OUT for one in self._course.findings):
                return
            if self.instant is not None and self._best.step and self._best.validation < self.instant:
                noise = 1.0 if self._learner.in_noise else None
                self._course.add(judge_start(self.instant, self._best.validation, noise=noise))
            return
        last = self._best.validation if self._best.weights is not None else self._course.validation
        prediction = self.model().prediction(str(self._device))
        self._course.add(
            *compare(
                Level.of(self._stack).stack, self._examples.held_out_regions, prediction, context,
                along=self._method.along, planes=self._method.patch_planes(self._stack),
                frames=self._examples.other_frames,
                target=None if self._target is None else Level.of(self._target).stack,
                units=self._examples.normalisation.std, loss=last if self._learner.squared else None,
            )
        )  # fmt: skip

    def model(self) -> Model:
        """Return a copy of the network that would be kept now; available after the stack has been read."""
        state, course = self.state_dict(), self._course
        if self._good and not (_finite(state["network"]) and _finite(state["averaged"])):
            self._start_over()  # the last steps diverged, which no loss has shown yet
            state = self.state_dict()
        weights = copied(self._kept())
        record = Record(
            steps=course.step,
            seconds=course.seconds,
            curve=tuple(course.curve),
            source=state["source"],
            program=__version__,
            device=str(self._device),
            findings=tuple(course.findings),
            note=" ".join(finding.text for finding in course.findings),
        )
        return Model(
            method=self._method,
            weights=weights,
            normalisation=self._normalisation,
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
                f"The network to continue is {model.method.describe_network()}, but the method is "
                f"{self._method.describe_network()}. Choose the same method, width, depth, PSF and "
                "neighbours."
            )
        if self._ready:
            raise RuntimeError("a network to continue is given before training starts")
        self._start = model
        self._method = self._method.continuing(model.method)

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of all state that is needed to resume, with tensors on the CPU."""
        if not self._ready:
            raise RuntimeError("there is no network before the stack has been read")
        return {
            **self._course.state_dict(),
            **self._learner.state_dict(),
            **self._best.state_dict(),
            "rate": self._rate.state_dict(),
            "restarts": self._restarts,
            "generator": self._generator.get_state(),
            "places": self._examples.places,
            "normalisation": self._examples.normalisation,
            "source": self._source,
            "asked": self._changed(),
        }

    def _changed(self) -> dict[str, Value]:
        """Return the parameters as they were given that were replaced, such as the name of a file."""
        before = (self._start.resume or {}).get("asked", {}) if self._start is not None else {}
        now = values(self._method)
        return before | {name: given for name, given in self._given.items() if given != now[name]}

    @property
    def _normalisation(self) -> Normalisation:
        """Normalisation of pixels as they are in the stack, of which a level may have been subtracted."""
        target = 0.0 if self._target is None else Level.of(self._target).value
        return self._examples.normalisation.shifted(Level.of(self._stack).value, target)

    # ------------------------------------------------------------------ preparing

    def _resolve(self, context: Context) -> None:
        """Make all decisions that depend on the pixels, and create the parts of the method."""
        self._device = devices.choose(self._asked)
        parts = resolve(self._stack, self._method, self._target, self._device, self._memory, context)
        self._method, self._target = parts.method, parts.target
        self._examples, self._learner = parts.examples, parts.learner
        self._course.add(*parts.findings)
        self._batch = parts.method.batch
        self._resolved = True

    def _prepare(self, every: float) -> Iterator[str]:
        """Read the training regions and create the optimiser; yield the current work."""
        if self._ready:
            return
        self._source = fingerprint(self._stack)
        if self._target is not None:
            self._source["target"] = fingerprint(self._target)["sha256"]
        state = self._state_to_go_on_from()
        if state is None and self._start is not None:
            self._course.add(Finding(kind=kinds.TRAINING_RESTARTED))
            self._learner.warm(self._start.weights)
        self._generator.manual_seed(self._method.seed)  # reading may have been interrupted
        shown = time.perf_counter()
        for fraction in self._examples.read(self._generator, state):
            if time.perf_counter() - shown > every:
                yield f"Reading the stack, {fraction:.0%}"
                shown = time.perf_counter()
        self._course.add(check_counts(self._stack, self._normalisation))
        yield "Preparing the network"
        self._examples.keep_on_device()
        self._held_out = self._examples.held_out()
        self._learner.begin()
        if state is not None:
            self._take(state)
        elif self._learner.useful and not self._method.idle:
            for fraction, loss in self._learner.look(self._held_out):
                validation = loss
                if fraction < 1:
                    yield f"{VALIDATING}, {fraction:.0%}"
            self._keep_better(validation)
            self.instant = validation
        self._fit_batch()
        self._ready = True

    def _fit_batch(self) -> None:
        """Reduce the number of patches per step if a step would take most of the time limit."""
        method, before = self._method, self._generator.get_state()
        if method.idle or not method.seconds or self._device.type != "cpu" or self._course.fraction >= 1:
            return
        patches = self._examples.draw(self._generator)
        self._generator.set_state(before)
        self._batch = affordable_batch(self._learner, patches, method.seconds)
        if self._batch < method.batch:
            few, many = float(self._batch), float(method.batch)
            details = {"seconds": method.seconds}
            self._course.add(Finding(kind=BATCH_REDUCED, value=few, limit=many, details=details))

    def _state_to_go_on_from(self) -> Mapping[str, Any] | None:
        """Return the state of the network to continue with, if it was trained on the same pixels."""
        if self._start is None or self._start.resume is None:
            return None
        same = self._start.method.seen == self._method.seen
        state = self._start.resume
        return state if same and same_source(state["source"], self._source) else None

    def _take(self, state: Mapping[str, Any]) -> None:
        if self.instant is None and self._start is not None and self._learner.useful:
            self.instant = level_of_instant(self._start.record.findings)
        self._learner.load_state_dict(state)
        self._best.load_state_dict(state)
        self._rate.load_state_dict(state["rate"])
        self._restarts = int(state.get("restarts", 0))
        self._generator.set_state(state["generator"])
        self._course.load_state_dict(state)

    # ------------------------------------------------------------------ training

    def _train_step(self) -> float:
        """Take a step; return the reading of the clock."""
        course, before = self._course, self._generator.get_state()
        if course.step % REFRESH_STEPS == REFRESH_STEPS - 1:
            self._examples.refresh(self._generator)
        patches = self._examples.draw(self._generator, course.fraction)
        if self._batch < len(patches.pixels):
            patches = patches.part(0, self._batch)
        rate = self._rate.at(course.step, course.fraction)
        try:
            loss = self._learner.step(patches, rate, course.step + 1)
        except Cancelled:
            self._generator.set_state(before)  # the step is repeated if the training is resumed
            course.synchronise()
            raise
        return course.stepped(loss)

    def _end_epoch(self, every: float) -> Generator[Report, None, bool]:
        """Compute the loss on held-out parts; return whether it is finite, or restart."""
        course = self._course
        shown = time.perf_counter()
        for fraction, loss in self._learner.look(self._held_out):
            validation = loss
            if fraction < 1 and time.perf_counter() - shown > every:
                course.tick()
                yield self._report(f"{VALIDATING}, {fraction:.0%}")
                shown = course.start_clock()
        if not math.isfinite(validation):
            self._start_over()
            return False
        self._rate.watch(validation)
        course.end_epoch(validation)
        self._keep_better(validation)
        self._restarts = 0
        self._good = self.state_dict()
        return True

    def _keep_better(self, validation: float) -> None:
        """Keep the current network if it is the best so far and the best is wanted."""
        if self._method.keep == "best":
            self._best.offer(self._learner.current, validation, self._course.step)

    def _start_over(self) -> None:
        """Return to the last good state with half the learning rate; stop after several failures."""
        course = self._course
        broken, spent = course.step, course.seconds
        self._take(self._good)
        course.seconds = max(course.seconds, spent)  # a time limit holds in any case
        details = {"broken": broken, "step": course.step}
        if self._restarts >= RESTARTS:
            self._failed = True
            times = float(RESTARTS + 1)
            course.add(Finding(kind=kinds.TRAINING_GIVEN_UP, value=times, details=details))
            return
        self._restarts += 1
        self._rate.halve()
        course.add(Finding(kind=kinds.TRAINING_BROKE_DOWN, value=self._rate.highest, details=details))
        self._good = self.state_dict()

    def _kept(self) -> dict[str, Tensor]:
        if self._method.keep == "best" and self._best.weights is not None:
            return self._best.weights
        network = self._learner.network if self._method.keep == "last" else self._learner.current
        return dict(network.state_dict())

    def _report(self, doing: str = "", *, loss: float = math.nan, speed: float = 0.0) -> Report:
        return self._course.report(doing, finished=self.finished, loss=loss, speed=speed)


def _finite(tensors: Mapping[str, Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
