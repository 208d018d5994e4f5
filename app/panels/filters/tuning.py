"""Automatic choice of a parameter of the selected filter, by the error that is estimated in a job."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.preview.regions import visible_region
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.widgets.common import failure
from core import params
from core.methods.base import Bindable, Method

if TYPE_CHECKING:  # these import scipy, which the first window does not need
    from core.findings import Finding
    from core.work.tuning import Tuned

CHANNEL = "tuning"


class Tuning(QObject):
    """Chooses a parameter of a filter in the visible region of the displayed plane.

    Attributes
    ----------
    changed : Signal
        The choice began or ended.
    found : Signal of (str, str, object)
        Name of the method, name of its parameter, and the chosen value.
    said : Signal of str
        The result in words, an error, or "" at the start.
    """

    changed = Signal()
    found = Signal(str, str, object)
    said = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.job: Job | None = None
        session.changed.connect(self._on_session)

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source and self.job is not None:
            self.job.cancel()

    def start(self, method: Method, name: str, source: Result) -> None:
        """Choose the parameter `name` of a filter that is applied to a result; other values are kept."""
        snapshot = self._session.snapshot
        raw = snapshot.source
        if raw is None or self.job is not None:
            return
        region = visible_region(raw.stack, snapshot.position, snapshot.view)
        steps, models = self._session.steps(source.key), dict(snapshot.models)

        def work(job: Job) -> tuple[Tuned, tuple[Finding, ...]]:
            from core.quality.judge import Judge
            from core.work.chain import chain_of
            from core.work.networks import Networks
            from core.work.recipe import Step
            from core.work.tuning import tune

            def use(tried: Method) -> Bindable:
                return chain_of((*steps, Step.of(tried)), Networks(models).prediction)

            judge = Judge(raw.stack, region=region, context=job.context.part(0.0, 0.1))
            found = tune(method, judge, names=[name], use=use, context=job.context.part(0.1, 1.0))
            return found, judge.findings

        self.said.emit("")
        label = next(p.label for p in params.describe(type(method)) if p.name == name)
        self.job = self._jobs.start(
            f"Choosing {label.lower()} of {method.label}", work,
            done=partial(self._on_done, method, name, source.key), end=self._on_end, channel=CHANNEL,
        )  # fmt: skip
        self.changed.emit()

    def _on_done(self, method: Method, name: str, key: int, made: tuple[Tuned, tuple[Finding, ...]]) -> None:
        found, doubts = made
        if self._session.snapshot.find(key) is None:
            return
        self.found.emit(method.name, name, params.values(found.method)[name])
        self.said.emit(words(method, name, found, doubts))

    def _on_end(self, outcome: Outcome) -> None:
        self.job = None
        if outcome.state == "failed":
            self.said.emit(failure(outcome, "Choosing the value"))
        self.changed.emit()


def words(method: Method, name: str, found: Tuned, doubts: tuple[Finding, ...]) -> str:
    """Return the chosen value with its estimated error, and that of the value before."""
    described = next(p for p in params.describe(type(method)) if p.name == name)
    chosen, before = params.values(found.method)[name], params.values(method)[name]
    low, high = found.judged.interval
    interval = f"{low:.1f} to {high:.1f}" if math.isfinite(high) else f"at least {low:.1f}"
    said = [f"{described.show(chosen).capitalize()}: estimated PSNR {interval} dB."]
    former = found.tried.get(before) if isinstance(before, int | float) else None
    if former is not None and chosen != before and math.isfinite(former.psnr - found.judged.psnr):
        gain = found.judged.psnr - former.psnr
        said.append(f"{gain:.1f} dB better than {described.show(before)}.")
    said += [f"It may be wrong: {finding.text}" for finding in doubts]
    return " ".join(said)
