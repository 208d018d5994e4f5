"""The Train panel: select a learned method, train it, keep and apply the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.panels.training.controls import TrainingControls
from app.panels.training.data import TrainingData
from app.panels.training.loss_plot import LossPlot
from app.panels.training.network_box import NetworkBox
from app.panels.training.noise_note import NoiseNote
from app.panels.training.preview import TrainingPreview
from app.panels.training.psf import PsfPart
from app.panels.training.run import PICTURE_SECONDS, Kept, TrainingRun
from app.panels.training.settings import TrainingSettings
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.widgets.common import Sentence, failure, is_chosen
from core.errors import QuietfieldError
from core.learning.base import Learned
from core.methods.outputs import Output
from core.work.command_line import training_command

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.model import Model


SWEEPING = "A sweep is running; wait for it or cancel it."


class TrainingPanel(QWidget):
    """Trains a network on the open stack, and applies it.

    Parameters
    ----------
    session : Session
        Document.
    jobs : Jobs
        Runs the training.
    parent : QWidget, optional
        Parent widget.
    picture_every : float
        Minimum time between two predictions during training, in seconds.

    Attributes
    ----------
    said : Signal of str
        A message for a user who may be looking at another panel.
    run : TrainingRun or None
        The running training.
    """

    said = Signal(str)

    def __init__(
        self,
        session: Session,
        jobs: Jobs,
        parent: QWidget | None = None,
        *,
        picture_every: float = PICTURE_SECONDS,
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._picture_every = session, jobs, picture_every
        self.run: TrainingRun | None = None
        self._job: Job | None = None
        self._data: TrainingData | None = None
        self._before: tuple[tuple[Kept, ...], TrainingData | None] = (), None
        self._live = TrainingPreview(session, jobs, self)
        self.settings = TrainingSettings()
        self.controls = TrainingControls()
        self.plot = LossPlot()
        self.network = NetworkBox(session, jobs)
        self.network.device = lambda: self.settings.device
        self.network.settings = self._wanted
        self.problem = Sentence("training-problem")
        self.summary = Sentence("training-summary", warning=False)
        self.noise = NoiseNote(session, jobs)
        self.psf = PsfPart(session, jobs, self)
        self.psf.method, self.psf.device = self._wanted, lambda: self.settings.device
        self.psf.data = lambda source: self._chosen_data(source, again=False)
        self._lay_out()
        self._connect()
        self._on_settings()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        for part in (self.noise, self.settings, self.plot, self.network):
            column.addWidget(part)
        column.addStretch(1)
        scroll = self._scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        bottom = QVBoxLayout()
        margins = column.contentsMargins()
        bottom.setContentsMargins(margins.left(), 0, margins.right(), margins.bottom())
        scroll.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        bottom.addWidget(self.summary)
        bottom.addWidget(self.problem)
        bottom.addWidget(self.controls)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll, 1)
        whole.addLayout(bottom)
        self.plot.hide()

    def _connect(self) -> None:
        self._session.changed.connect(self._on_session)
        self.settings.changed.connect(self._on_settings)
        self.settings.found.connect(self.plot.prepare)
        self.controls.start.clicked.connect(self._on_start)
        self.controls.pause.clicked.connect(self._on_pause)
        self.controls.stop.clicked.connect(self._on_stop)
        self.controls.cancel.clicked.connect(self._on_cancel)
        self.controls.preview.toggled.connect(self._on_preview)
        self.controls.shows.currentIndexChanged.connect(self._on_preview)
        self.controls.copy.clicked.connect(self._on_copy)
        self.network.continued.connect(self._on_continue)
        self.network.chosen.connect(self._on_checkpoint)
        self.network.loaded.connect(self._on_loaded)
        self.network.applied.connect(self._live.rest)
        self.network.said.connect(self.problem.say)
        self.noise.taken.connect(self.settings.take)
        self.network.findings.taken.connect(self.settings.take)
        self._live.paused.connect(self._on_preview_paused)
        self.psf.sweeping.changed.connect(self._update)

    # -- state

    @Slot()
    def _on_settings(self) -> None:
        self.problem.clear()
        self._update()

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self.settings.target.show_path(None)
            self.settings.target.home = new.folder
            self._update()

    def _update(self) -> None:
        """Update which actions are enabled, with reasons."""
        reason, source = "", self._session.snapshot.source
        self.settings.offer(source.stack if source else None)
        if source is None:
            reason = "No stack is open. Drop a TIFF stack on the window or open the sample."
        else:
            try:
                method = self.settings.method()
            except QuietfieldError as error:
                reason = str(error)
                self.problem.say(reason)
            else:
                reason = self.settings.refusal(method, source.stack)
                if not reason and method.needs_target and self.settings.target_path is None:
                    reason = f"{method.label} also needs a clean stack. Choose it above."
        reason = SWEEPING if self.psf.sweeping.job is not None else reason
        training = "Training is running; wait for it or cancel it." if self._job is not None else ""
        self.psf.refresh(self.settings.form, training or reason)
        # what cannot be changed now makes room for what is going on
        self.settings.setVisible(self._job is None)
        if self._job is None:
            self._on_scrolled()
        paused = self.run is not None and self.run.paused
        self.controls.allow(reason, training=self._job is not None, paused=paused)
        self.network.refresh()

    def _wanted(self) -> Learned | None:
        try:
            return self.settings.method()
        except QuietfieldError:
            return None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.settings.find_devices(self._jobs)
        self._live.set_visible(visible=True)
        self.noise.want(wanted=True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not is_chosen(self):  # where only its dock is hidden, the image keeps the preview
            self._live.set_visible(visible=False)
        self.noise.want(wanted=False)

    # -- preview

    @Slot()
    def _on_preview(self) -> None:
        self._live.want(self.controls.output, preview=self.controls.preview.isChecked())

    def _offer(self, outputs: tuple[Output, ...]) -> None:
        self.controls.offer(outputs)
        self._on_preview()

    @Slot()
    def _on_checkpoint(self) -> None:
        self._live.choose(self.network.current, self.settings.device)

    @Slot(bool)
    def _on_preview_paused(self, paused: bool) -> None:
        self.controls.rests.setText("paused" if paused else "")

    # -- training

    @Slot()
    def _on_start(self) -> None:
        self._begin(())

    @Slot()
    def _on_continue(self) -> None:
        self._begin(self.network.kept)

    def _chosen_data(self, source: Result, *, again: bool) -> TrainingData:
        """Return the selected training data, or with `again` the training data of the network."""
        if again and self._data is not None and self._data.source is source:
            return self._data
        return TrainingData.of(source, self._session.snapshot.view if self.settings.on_visible else None)

    def _begin(self, start: tuple[Kept, ...]) -> None:
        """Train on the open stack, from the beginning or from the end of an earlier training."""
        source = self._session.snapshot.source
        if source is None or self._job is not None:
            return
        if self.psf.sweeping.job is not None:
            self.problem.say(SWEEPING)
            return
        self.problem.clear()
        self._before = self.network.kept, self._data
        data = self._data = self._chosen_data(source, again=bool(start))
        method, device = self.settings.method(), self.settings.device
        target = data.target(self.settings.target_path)
        self.run = TrainingRun(
            data.stack, method, device, self._live.look, start, target, picture_every=self._picture_every
        )
        self.network.show_kept((), live=True)
        self.network.words.setText(f"In training on {source.stack.meta.name}.")
        self.summary.say(self.settings.in_words())
        self.plot.show_curves((), ())
        self.plot.show()
        self.controls.begin()
        self._offer(method.outputs)
        self._live.follow(self.run, source)
        self._job = self._jobs.start(
            f"Training {method.label} on {source.stack.meta.name}",
            self.run,
            partial=self._on_news,
            done=self._on_trained,
            end=self._on_end,
            channel="training",
        )
        self._update()

    def _on_news(self, _: object) -> None:
        run = self.run
        if run is None or run.report is None or self._job is None:
            return
        self.plot.show_curves(run.losses, run.validations, run.instant)
        self.controls.tell(run)
        self.network.show_kept(run.kept, live=True)
        self._live.show_picture()
        self._jobs.changed.emit()  # the status bar shows the same remaining time

    @Slot()
    def _on_pause(self) -> None:
        run = self.run
        if run is None:
            return
        if run.paused:
            run.resume()
        else:
            run.pause()
        if run.report is not None:
            self.controls.tell(run)
        self._update()

    @Slot()
    def _on_stop(self) -> None:
        if self.run is not None:
            self.run.stop()
            self.controls.ending("Stopping after this step…")

    @Slot()
    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.controls.ending("Cancelling…")

    def _on_trained(self, model: Model) -> None:
        from core.learning.outcome import level_of_instant

        if self.run is not None:
            level = level_of_instant(model.record.findings) or self.run.instant
            self.plot.show_curves(self.run.losses, self.run.validations, level)
            self.network.show_kept(self.run.kept)
            self.settings.show_method(self.run.method)

    def _on_end(self, outcome: Outcome) -> None:
        self.run = self._job = None
        self._live.follow(None, None)
        kept = outcome.state == "succeeded"
        if not kept:
            before, self._data = self._before
            self.network.show_kept(before)
            self._show_curve(before[-1].model if before else None)
        words = {"cancelled": "Training was cancelled; nothing was changed.", "succeeded": "Training ended."}
        self.controls.end(words.get(outcome.state, ""))
        self._update()
        self.problem.say(failure(outcome, "Training"))
        if kept:
            QTimer.singleShot(0, self, self._show_network)
            self._go_on()

    @Slot()
    def _show_network(self) -> None:
        """Scroll to the network box after the layout is complete."""
        self._scroll.ensureWidgetVisible(self.network)

    @Slot()
    def _on_scrolled(self) -> None:
        """Say which method Start trains while its name is scrolled out of sight."""
        if self._job is None:
            kind, top = self.settings.kind, self._scroll.verticalScrollBar().value()
            hidden = kind.mapTo(self.settings, kind.rect().bottomLeft()).y() + self.settings.y() <= top
            self.summary.say(self.settings.in_words() if hidden and top > 0 else "")

    def _go_on(self) -> None:
        """Apply the trained network; if its stack was closed, report what happened to it."""
        data = self._data
        if data is not None and self._session.snapshot.source is not data.source:
            words = (
                f"{data.source.stack.meta.name} is not open any more. The network trained on it is kept "
                "under Train: save it, or apply it to the open stack."
            )
            self.problem.say(words)
            self.said.emit(words)
        elif self.network.automatic.isChecked():
            self.network.apply_now()

    @Slot(object)
    def _on_loaded(self, model: Model) -> None:
        self._data = None
        self._show_curve(model)
        self.settings.show_method(model.method)
        self._update()
        self._offer(model.method.outputs)
        self.controls.end("")
        self._on_checkpoint()

    def _show_curve(self, model: Model | None) -> None:
        curve = model.record.curve if model is not None else ()
        self.plot.setVisible(bool(curve))
        level = None
        if model is not None:
            from core.learning.outcome import level_of_instant

            level = level_of_instant(model.record.findings)
        training, held_out = [(s, loss) for s, loss, _ in curve], [(s, loss) for s, _, loss in curve]
        self.plot.show_curves(training, held_out, level)

    @Slot()
    def _on_copy(self) -> None:
        source, method = self._session.snapshot.source, self._wanted()
        if source is None or method is None:
            return
        meta, preset = source.stack.meta, str(self.settings.preset.currentData())
        target = self.settings.target_path
        text = training_command(method, preset, meta.path, meta.name, self.settings.device, target)
        QGuiApplication.clipboard().setText(text)
        whole = "; it trains on the whole stack" if self.settings.on_visible else ""
        self.controls.end(f"The command is on the clipboard{whole}.")
