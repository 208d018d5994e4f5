"""A sweep over the sigma of the PSF as one job, whose results become rows of the document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.documents.networks import model_file
from app.panels.training.data import TrainingData
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.widgets.common import failure
from core.errors import QuietfieldError
from core.learning.methods.blurred import Blurred
from core.paths import MODEL_ENDING
from core.work.compare import Budget, plan
from core.work.recipe import Step

if TYPE_CHECKING:  # these import torch or scipy
    from core.psf.estimate import Estimate
    from core.work.sweep import Swept

CHANNEL = "training"
"""A sweep and a training never run at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepRow:
    """One sigma: its networks' results, and their keys in the document (empty if they were dropped)."""

    swept: Swept
    keys: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepPlan:
    """What to sweep: method, sigmas, seconds for each, device and training data."""

    method: Blurred
    sigmas: tuple[float, ...]
    seconds: float
    device: str
    data: TrainingData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What has been found so far."""

    estimate: Estimate | None
    why_not: str
    swept: tuple[tuple[Swept, tuple[Step, ...]], ...] = ()


class Sweeping(QObject):
    """Runs sweeps, and adds the results of each sigma as soon as they are complete.

    Attributes
    ----------
    changed : Signal
        A sweep started, ended, or completed a sigma.
    rows : tuple of SweepRow
        Completed sigmas of the last sweep, in the order of their training.
    source : int
        Key of the stack of the last sweep.
    words : str
        Which sigma is preferred, or why there is no result.
    failed : str
        Why the last sweep ended early, or "".
    job : Job or None
        Running sweep.
    """

    changed = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.rows: tuple[SweepRow, ...] = ()
        self.source = 0
        self.words, self.failed = "", ""
        self.job: Job | None = None
        self._found: _Found | None = None

    def start(self, wanted: SweepPlan) -> None:
        """Train with each sigma."""
        stack, self.source = wanted.data.source.stack, wanted.data.source.key

        def work(job: Job) -> _Found:
            from core.work.sweep import find_estimate, sweep, with_sigmas

            if plan(stack, with_sigmas(wanted.method, wanted.sigmas)).findings:
                raise QuietfieldError(
                    f"The results of {len(wanted.sigmas)} sigmas do not fit into memory. Sweep fewer sigmas, "
                    "or crop the stack."
                )
            estimate, why_not = find_estimate(stack, job.context.part(0.0, 0.1))
            found = _Found(estimate=estimate, why_not=why_not)
            job.emit(found)
            made = sweep(
                stack, wanted.method, wanted.sigmas, estimate=estimate, trained_on=wanted.data.stack,
                budget=Budget(seconds=wanted.seconds, device=wanted.device),
                context=job.context.part(0.1, 1.0),
            )  # fmt: skip
            for one in made:
                found = replace(found, swept=(*found.swept, (one, steps_of(one, stack.meta.name))))
                job.emit(found)
            return found

        self.rows, self.words, self.failed, self._found = (), "", "", None
        take = partial(self._take, self.source, len(wanted.sigmas))
        self.job = self._jobs.start(
            f"Sweep of {len(wanted.sigmas)} sigmas", work, partial=take, done=take, end=self._on_end,
            channel=CHANNEL,
        )  # fmt: skip
        self.changed.emit()

    def _take(self, parent: int, wanted: int, found: _Found) -> None:
        """Add the results that are new."""
        for swept, steps in found.swept[len(self.rows) :]:
            compared = swept.compared
            added = self._session.add(parent, steps, compared.stacks, compared.seconds, compared.model)
            made = self._session.snapshot.results[-len(steps) :] if added else ()
            self.rows = (*self.rows, SweepRow(swept=swept, keys=tuple(result.key for result in made)))
        self._found = found
        self.words = f"{len(self.rows)} of {wanted} sigmas are complete." if self.rows else ""
        self.changed.emit()

    def _on_end(self, outcome: Outcome) -> None:
        from core.work.sweep import rank, verdict

        self.job, found = None, self._found
        self.failed = failure(outcome, "The sweep")
        if outcome.state == "cancelled":
            kept = "nothing was changed" if not self.rows else "the results that were complete are kept"
            self.failed = f"The sweep was cancelled; {kept}."
        if self.rows and found is not None:
            swept = [row.swept for row in self.rows]
            self.words = verdict(swept, found.estimate, found.why_not)
            best = rank(swept)[0]
            keys = next(row.keys for row in self.rows if row.swept is best)
            if keys:
                self._session.show(keys[0])
        self.changed.emit()


def steps_of(swept: Swept, stack_name: str) -> tuple[Step, ...]:
    """Return the steps of the outputs of one sigma, with the name of the network's future file."""
    model = swept.compared.model
    assert model is not None
    file = model_file(model, stack_name)
    name = file.file.removesuffix(MODEL_ENDING) + f"_sigma{swept.sigma:g}{MODEL_ENDING}"
    file = replace(file, file=name)
    return tuple(Step.of(model.method, model=file, output=output) for output in model.method.outputs)
