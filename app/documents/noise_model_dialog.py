"""The dialog that makes, shows, loads and saves noise models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.documents.noise_model_choice import ModelChoice
from app.documents.noise_model_plots import NoiseModelPlots
from app.documents.noise_models import Known, Made, Wanted, describe_coverage, make_models
from app.shell.file_kinds import NOISE_MODELS
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.snapshot import Result
from app.widgets.common import ProgressRow, Sentence, failure

CHANNEL = "noise-model"

Ask = Callable[[], Sequence[Path]]


class NoiseModelDialog(QDialog):
    """Dialog for the noise model of a stack; it is kept with its models until another stack is opened.

    Parameters
    ----------
    source : Result
        Open stack.
    jobs : Jobs
        Runs the work.
    ask_frames, ask_model : callable
        Ask for calibration frames, and for the file of a model; empty if the user cancels.
    ask_save : callable
        Asks for a file name, given a suggestion and the kinds of files; None if the user cancels.
    parent : QWidget, optional
        Parent.

    Attributes
    ----------
    used : Signal of str
        The user takes the model: value of the parameter ``noise_model``.
    help_wanted : Signal
        The user wants help.
    """

    used = Signal(str)
    help_wanted = Signal()

    def __init__(
        self,
        source: Result,
        jobs: Jobs,
        ask_frames: Ask,
        ask_model: Ask,
        ask_save: Callable[[str, Path, str], Path | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.source, self._jobs, self._ask_save = source, jobs, ask_save
        self._known = Known()
        self._job: Job | None = None
        self._number = 0
        self.made: Made | None = None
        self._saved: tuple[Made, Path] | None = None
        self.setObjectName("noise-model-dialog")
        self.setWindowTitle(f"Noise Model – {source.stack.meta.name}")
        self.setProperty("helpPage", "noise")
        self.setAcceptDrops(True)
        QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), self, self.help_wanted.emit)
        self.choice = ModelChoice(source.stack.sizes.get("C", 1), ask_frames, ask_model)
        self.choice.wanted.connect(self._make)
        self.choice.channel.currentIndexChanged.connect(self._show)
        self.plots = NoiseModelPlots()
        self.range = Sentence("noise-model-range", warning=False)
        self.exceeds = Sentence("noise-model-exceeds")
        self.notes = Sentence("noise-model-notes", warning=False)
        self.problem = Sentence("noise-model-problem")
        self.progress = ProgressRow("noise-model")
        jobs.changed.connect(self.progress.refresh)
        self._lay_out()

    def _lay_out(self) -> None:
        self.save = QPushButton("&Save…")
        self.save.setObjectName("noise-model-save")
        self.save.setAutoDefault(False)
        self.save.clicked.connect(self._on_save)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.addButton(self.save, QDialogButtonBox.ButtonRole.ActionRole)
        self.use = self.buttons.addButton("&Use for training", QDialogButtonBox.ButtonRole.AcceptRole)
        self.use.setObjectName("noise-model-use")
        self.use.setProperty("primary", True)
        self.buttons.accepted.connect(self._on_use)
        self.buttons.rejected.connect(self.reject)
        left = QVBoxLayout()
        left.addWidget(self.choice)
        left.addStretch(1)
        right = QVBoxLayout()
        right.addWidget(self.plots, 1)
        for part in (self.range, self.exceeds, self.notes):
            right.addWidget(part)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(left)
        row.addLayout(right, 1)
        column = QVBoxLayout(self)
        column.addLayout(row, 1)
        column.addWidget(self.problem)
        column.addWidget(self.progress)
        column.addWidget(self.buttons)
        self.use.setDefault(True)  # only a button inside the dialog becomes its default
        self.resize(860, 580)

    def begin(self, text: str, denoised: Sequence[Result], channel: int) -> None:
        """Show the model that is in use, unless another one was made here before.

        Parameters
        ----------
        text : str
            Value of the parameter ``noise_model``.
        denoised : sequence of Result
            Denoised results of the stack, for bootstrapping.
        channel : int
            Displayed channel.
        """
        self.choice.offer(denoised)
        self.choice.channel.setCurrentIndex(min(channel, self.choice.channel.count() - 1))
        if self.made is None:
            self._make(self.choice.show_current(text))

    # -- work

    @Slot(object)
    def _make(self, wanted: Wanted) -> None:
        """Make a model in a job; the one before stays until it is ready."""
        stack, known = self.source.stack, self._known
        self.problem.clear()
        self._number += 1
        self._job = self._jobs.start(
            "Noise model",
            lambda job: make_models(stack, wanted, known, job.context),
            end=partial(self._on_end, self._number),
            channel=CHANNEL,
        )
        self.progress.follow(self._job)
        self._update()

    def _on_end(self, number: int, outcome: Outcome) -> None:
        if number != self._number:  # another model is being made
            return
        self._job = None
        self.progress.follow(None)
        if outcome.state == "succeeded":
            self.made = outcome.value
            self._show()
        elif self.made is not None:  # what is shown is what is selected
            self.choice.show_wanted(self.made.wanted)
        words = "Cancelled; the noise model before is kept." if self.made is not None else "Cancelled."
        self.problem.say(words if outcome.state == "cancelled" else failure(outcome, "The noise model"))
        self._update()

    @Slot()
    def _show(self) -> None:
        made, channel = self.made, max(self.choice.channel.currentIndex(), 0)
        self.plots.show_model(made, channel)
        if made is None:
            return
        words, covers = describe_coverage(made.coverage, channel)
        self.range.say(words if covers else "")
        self.exceeds.say("" if covers else words)
        self.notes.say(" ".join(made.sentences))

    def _update(self) -> None:
        """Update which actions are enabled, with reasons."""
        why = "Wait for the noise model, or cancel it." if self._job is not None else ""
        if self.made is None:
            why = why or "There is no noise model yet."
        exceeded = self.made is not None and not all(one.covers for one in self.made.coverage)
        reason = "The model does not cover the stack; training refuses it." if exceeded else ""
        usual = "Train with this model. A method without a noise model is replaced by PN2V."
        self.use.setEnabled(not (why or reason))
        self.use.setToolTip(f"<p>{why or reason or usual}</p>")
        self.save.setEnabled(not why)
        self.save.setToolTip(
            f"<p>{why or 'Save this model for other stacks of the same camera settings.'}</p>"
        )

    # -- actions

    @Slot()
    def _on_use(self) -> None:
        from core.noise.model_text import to_text

        made = self.made
        if made is None:
            return
        if made.wanted.origin == "measured":
            text = ""
        elif self._saved is not None and self._saved[0] is made:
            text = str(self._saved[1])
        elif made.wanted.files and made.wanted.origin == "file":
            text = str(made.wanted.files[0])
        else:
            text = to_text(made.models)
        self.used.emit(text)
        self.accept()

    @Slot()
    def _on_save(self) -> None:
        from core.noise.model_text import save_models

        made = self.made
        if made is None:
            return
        path = self.source.stack.meta.path
        stem = self.source.stack.meta.name.split(".")[0]
        proposed = (path.parent if path is not None else Path()) / f"{stem}_noise_model.json"
        target = self._ask_save("Save Noise Model", proposed, NOISE_MODELS)
        if target is None:
            return

        self.problem.clear()
        self._jobs.start(
            "Saving the noise model", lambda _: save_models(target, made.models),
            done=partial(self._on_saved, made), end=self._on_save_end, quiet=True,
        )  # fmt: skip

    def _on_saved(self, made: Made, saved: Path) -> None:
        self._saved = made, saved
        self.notes.say(f"Saved as {saved}.")

    def _on_save_end(self, outcome: Outcome) -> None:
        self.problem.say(failure(outcome, "Saving the noise model"))

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop the work; what was made is kept."""
        super().hideEvent(event)
        if self._job is not None and not event.spontaneous():
            self._job.cancel()

    # -- dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Load a dropped noise model, or make one from dropped calibration frames."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.choice.take_files(paths)
