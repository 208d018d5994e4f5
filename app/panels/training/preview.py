"""Preview of a network: its current state during training, or a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.panels.training.run import Kept, Scene, TrainingRun
from app.preview.live import LivePreview
from app.preview.regions import visible_region
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.shell.view_state import Preview
from core.methods.base import Bindable
from core.methods.outputs import Output

SIDE = 512
"""Maximum number of rows and columns in the preview of a checkpoint."""


class TrainingPreview(QObject):
    """Shows predictions of a running training, or of a checkpoint, while a preview is wanted.

    It pauses when the user selects a result for display, until `touch`.

    Attributes
    ----------
    paused : Signal of bool
        Whether a preview is wanted but paused.
    """

    paused = Signal(bool)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._run: TrainingRun | None = None
        self._trained_on: Result | None = None
        self._kept: Kept | None = None
        self._device = "auto"
        self._wanted, self._visible, self._paused = True, False, True
        self._output: Output | None = None
        self._mine: Preview | None = None
        self._looking = False
        self._live = LivePreview(session, jobs, self, limit=SIDE)
        self._live.arrange = self._arrange
        session.changed.connect(self._on_session)

    def follow(self, run: TrainingRun | None, trained_on: Result | None) -> None:
        """Show the predictions of this run on its training data."""
        self._run, self._trained_on, self._kept = run, trained_on, None
        self._paused = run is None
        self._refresh()

    def want(self, output: Output | None, *, preview: bool) -> None:
        """Set whether a preview is wanted, and of which output alone (None for all)."""
        self._wanted, self._output, self._paused = preview, output, False
        self._refresh()

    def choose(self, kept: Kept | None, device: str) -> None:
        """Preview this checkpoint; None for the network in training."""
        self._kept, self._device, self._paused = kept, device, False
        self._refresh()

    def set_visible(self, *, visible: bool) -> None:
        """Set whether the panel is visible; otherwise nothing is previewed."""
        if visible == self._visible:
            return
        self._visible = visible
        self._paused = self._run is None
        self._refresh(moved=True)

    def rest(self) -> None:
        """Show nothing until the user requests a preview again."""
        self._paused = True
        self._refresh()

    def look(self, side: int) -> Scene | None:
        """Return the scene for the next prediction; called in the thread of the training."""
        snapshot, trained = self._session.snapshot, self._trained_on
        if not self._looking or trained is None or snapshot.source is not trained:
            return None
        region = visible_region(trained.stack, snapshot.position, snapshot.view, side)
        return Scene(stack=trained.stack, region=region)

    def show_picture(self) -> None:
        """Show the newest prediction of the run, if it belongs to the displayed plane."""
        run, snapshot = self._run, self._session.snapshot
        if not self._looking or run is None or run.picture is None or snapshot.source is not self._trained_on:
            return
        at = dict(zip(snapshot.source.stack.axes, run.picture.region, strict=True)) if snapshot.source else {}
        if any(at[axis].start != index for axis, index in snapshot.position.items()):
            return
        shown = self._arrange(run.picture)
        if snapshot.preview is None or shown.pixels is not snapshot.preview.pixels:
            self._mine = shown
            self._session.set_preview(shown)

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._paused = self._run is None
        elif new.shown != old.shown:
            self._paused = True
        elif (new.position, new.view) == (old.position, old.view):
            return
        self._refresh(moved=True)

    def _refresh(self, *, moved: bool = False) -> None:
        wanted = self._wanted and self._visible and not self._paused
        source, kept = self._session.snapshot.source, self._kept
        self._looking = wanted and kept is None and self._run is not None
        self.paused.emit(self._paused and self._wanted and self._visible and self._run is not None)
        if not self._looking:
            mine, self._mine = self._mine, None
            if mine is not None and self._session.snapshot.preview is mine:
                self._session.set_preview(None)
        if wanted and kept is not None and source is not None:
            label = f"{kept.model.method.label}, step {kept.step}"
            self._live.request(label, partial(_prediction, kept, self._device), source)
            return
        self._live.leave()
        if self._looking and self._run is not None:
            if moved:
                self._run.look_again()
            self.show_picture()

    def _arrange(self, preview: Preview) -> Preview:
        for output, pixels in preview.outputs:
            if output == self._output:
                label = f"{preview.label}, {output.label}"
                return replace(preview, outputs=((output, pixels),), label=label)
        return preview


def _prediction(kept: Kept, device: str) -> Bindable:
    return kept.model.prediction(device)
