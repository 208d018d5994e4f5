"""The Details panel: what the shown result removed, its error from repeats, and the resolution."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.preview.regions import visible_region
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.widgets.common import ProgressRow, Sentence, failure

if TYPE_CHECKING:  # these import scipy, which the first window does not need
    from app.panels.details.plots import DetailPlots
    from core.quality.details import Details

SIDE = 1024
"""Maximum number of examined rows and columns; of a larger view the centre is used."""

CHANNEL = "details"


class DetailsPanel(QWidget):
    """Examines the shown result in the visible region of its plane, while the panel is visible."""

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._key: tuple[object, ...] = ()
        self.plots: DetailPlots | None = None
        self.words = QLabel("Choose a result to see what it removed.")
        self.words.setObjectName("details-words")
        self.words.setProperty("class", "muted")
        self.words.setWordWrap(True)
        self.problem = Sentence("details-problem")
        self.progress = ProgressRow("details")
        self._column = QVBoxLayout(self)
        for part in (self.words, self.problem, self.progress):
            self._column.addWidget(part)
        self._column.addStretch(1)
        session.changed.connect(self._on_session)
        jobs.changed.connect(self.progress.refresh)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._jobs.cancel(CHANNEL)
        self._key = ()

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if (new.shown, new.position, new.source) != (old.shown, old.position, old.source):
            self._update()

    def _update(self) -> None:
        """Examine the shown result, unless this was done already."""
        snapshot = self._session.snapshot
        source, result = snapshot.source, snapshot.result
        if not self.isVisible() or source is None or result is None:
            return
        region = visible_region(source.stack, snapshot.position, snapshot.view, SIDE)
        key = (result.key, *((part.start, part.stop) for part in region))
        if key == self._key:
            return
        self._key = key
        denoised = result.stack if result is not source and result.is_image else None

        def work(job: Job) -> Details:
            from core.quality.details import examine

            return examine(source.stack, denoised, region, job.context)

        job = self._jobs.start(
            f"Examining {result.label}", work, done=partial(self._on_done, result), end=self._on_end,
            channel=CHANNEL, quiet=True,
        )  # fmt: skip
        self.progress.follow(job)

    def _on_done(self, result: Result, details: Details) -> None:
        from app.panels.details.plots import DetailPlots

        if self.plots is None:
            self.plots = DetailPlots()
            self._column.insertWidget(self._column.count() - 1, self.plots, 1)
        self.plots.show_details(details)
        self.words.setText(describe(result.label, details))

    def _on_end(self, outcome: Outcome) -> None:
        self.progress.follow(None)
        self.problem.say(failure(outcome, "Examining the result"))
        if outcome.state != "failed":
            return
        self.words.clear()
        if self.plots is not None:
            self.plots.hide()


def describe(label: str, details: Details) -> str:
    """Return the statistics of a result in words."""
    words = []
    residual = details.residual
    if residual is None:
        words.append(f"{label}: nothing was removed.")
    else:
        share = f"{100 * residual.share:.0f} % of the structure in the residual is not noise"
        kind = "little more than noise was removed" if residual.only_noise else "detail was removed too"
        words.append(f"{label}: {share}; {kind}.")
        middle = residual.autocorrelation.shape[0] // 2
        found = (residual.autocorrelation[middle + 1, middle], residual.autocorrelation[middle, middle + 1])
        words.append(
            f"Neighbouring residuals correlate by {found[1]:.2f} along X and {found[0]:.2f} along Y, noise "
            f"by {details.noise_along[1]:.2f} and {details.noise_along[0]:.2f}."
        )
    if details.error is not None and math.isfinite(details.psnr):
        words.append(
            f"uPSNR {details.psnr:.1f} dB from {details.repeats} other frames, if the method used only its "
            "own."
        )
    how = "two frames" if details.from_frames else "halves of the noisy image"
    length = details.ring.resolution
    if math.isfinite(length):
        words.append(f"The noisy image resolves {length:.3g} {details.unit} (threshold 1/7, {how}).")
        if details.shares_noise:
            words.append("The halves may share noise, because neighbouring pixels do; then it is worse.")
    else:
        words.append(f"No frequency of the noisy image is above the threshold of 1/7 ({how}).")
    return " ".join(words)
