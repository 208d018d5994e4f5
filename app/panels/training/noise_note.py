"""Findings about noise of the open stack that a network would keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.findings import FindingsView
from core.methods.base import Method

if TYPE_CHECKING:
    from core.noise.noise_estimate import NoiseEstimate


CHANNEL = "noise"


class NoiseNote(FindingsView):
    """Warns if the noise of neighbouring pixels is correlated; measures only on request."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__("training-noise", ("learned",), warning=True)
        self.words.setToolTip("<p>Measured on a few planes of the open stack, in the displayed channel.</p>")
        self._session, self._jobs = session, jobs
        self._wanted = False
        self._asked = (0, 0)
        session.changed.connect(self._on_session)

    def want(self, *, wanted: bool) -> None:
        """Update the findings for the open stack, or stop."""
        self._wanted = wanted
        self._measure()

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self.clear()
        self._measure()

    def _measure(self) -> None:
        source, channel = self._session.snapshot.source, self._session.snapshot.channel
        if source is None:
            self._jobs.cancel(CHANNEL)
            self._asked = (0, 0)
            return
        if not self._wanted or self._asked == (source.key, channel):
            return
        self._asked = (source.key, channel)
        stack = source.stack

        def work(job: Job) -> NoiseEstimate:
            from core.noise.survey import Survey

            return Survey.of(stack).noise(job.context).channels[channel]

        self._jobs.start("Measuring noise", work, end=self._on_end, channel=CHANNEL, quiet=True)

    def _on_end(self, outcome: Outcome) -> None:
        # a stack that is too small or unreadable is reported by the training
        if outcome.state == "succeeded":
            warning = outcome.value.warning
            self.show_findings((warning,) if warning is not None else (), Method)
