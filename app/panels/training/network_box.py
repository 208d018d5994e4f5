"""A trained network: browse its checkpoints, apply it, save it, load another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QFileDialog, QGridLayout, QGroupBox, QLabel, QPushButton, QSlider

from app.documents.networks import Denoised, denoise, facts, file_name
from app.panels.training.run import Kept
from app.shell.file_kinds import NETWORKS
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.widgets.common import ProgressRow, failure
from app.widgets.findings import FindingsView
from core.findings import kinds
from core.paths import MODEL_ENDING

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.base import Learned
    from core.learning.model import Model

LOOK_BACK = "<p>Select an earlier checkpoint of the training; Apply and Save use the selected one.</p>"
CONTINUE = (
    "Continue the training of this network. Limits above that it has reached are raised to their next "
    "multiple. On another stack, a new training starts from its weights."
)


class NetworkBox(QGroupBox):
    """Slider over the checkpoints of a network, and actions for the selected one.

    Attributes
    ----------
    chosen : Signal
        The user moved the slider.
    applied : Signal
        Applying the network started or ended.
    continued : Signal
        The user wants to continue the training of the network.
    loaded : Signal of Model
        A network was loaded from a file.
    said : Signal of str
        An error message, or "" when new work starts.
    device : callable
        Returns the name of the device.
    settings : callable
        Returns the method with the current settings.
    ask_save, ask_open : callable
        Ask for a file name, given a suggestion; "" for none.
    """

    chosen = Signal()
    applied = Signal()
    continued = Signal()
    loaded = Signal(object)
    said = Signal(str)

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__("Network")
        self._session, self._jobs = session, jobs
        self._kept: tuple[Kept, ...] = ()
        self._live = False
        self._applying: Job | None = None
        self._note = ""
        self.device: Callable[[], str] = lambda: "auto"
        self.settings: Callable[[], Learned | None] = lambda: None
        self.ask_save: Callable[[str], str] = self._ask_save
        self.ask_open: Callable[[], str] = self._ask_open
        self._build()
        jobs.changed.connect(self.progress.refresh)
        self.show_kept(())

    def _build(self) -> None:
        self.words = QLabel()
        self.words.setObjectName("network-description")
        self.words.setWordWrap(True)
        self.findings = FindingsView("network", ("learned",), warning=False)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("network-checkpoint")
        self.slider.setAccessibleName("Checkpoint")
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._on_moved)
        self.caption = QLabel("Chec&kpoint")
        self.caption.setBuddy(self.slider)
        self.step = QLabel()
        self.step.setObjectName("network-step")
        self.automatic = QCheckBox("Apply when training ends")
        self.automatic.setObjectName("network-automatic")
        self.automatic.setChecked(True)
        self.automatic.setToolTip("<p>Denoise the whole stack as soon as training ends or is stopped.</p>")
        self.apply = QPushButton("Apply to stack")
        self.apply.setObjectName("network-apply")
        self.apply.clicked.connect(self.apply_now)
        self.go_on = QPushButton("Continue training")
        self.go_on.setObjectName("network-continue")
        self.go_on.clicked.connect(self.continued)
        self.save = QPushButton("Save…")
        self.save.setObjectName("network-save")
        self.save.clicked.connect(self._on_save)
        self.load = QPushButton("Load…")
        self.load.setObjectName("network-load")
        self.load.clicked.connect(self._on_load)
        self.progress = ProgressRow("network")
        grid = QGridLayout(self)
        grid.addWidget(self.words, 0, 0, 1, 3)
        grid.addWidget(self.findings, 1, 0, 1, 3)
        grid.addWidget(self.caption, 2, 0)
        grid.addWidget(self.slider, 2, 1)
        grid.addWidget(self.step, 2, 2)
        grid.addWidget(self.automatic, 3, 0, 1, 3)
        row = QGridLayout()
        row.addWidget(self.apply, 0, 0)
        row.addWidget(self.go_on, 0, 1)
        row.addWidget(self.save, 1, 0)
        row.addWidget(self.load, 1, 1)
        grid.addLayout(row, 4, 0, 1, 3)
        grid.addWidget(self.progress, 5, 0, 1, 3)
        grid.setColumnStretch(1, 1)

    @property
    def current(self) -> Kept | None:
        """The selected checkpoint; None for the network in training."""
        place = self.slider.value()
        return self._kept[place] if place < len(self._kept) else None

    @property
    def kept(self) -> tuple[Kept, ...]:
        """All checkpoints of the network, in order."""
        return self._kept

    @property
    def busy(self) -> bool:
        """Whether the network is being applied."""
        return self._applying is not None

    def show_kept(self, kept: Sequence[Kept], *, live: bool = False) -> None:
        """Offer these checkpoints, and the network in training; a slider at the right end stays there."""
        at_end = self.slider.value() == self.slider.maximum() or len(kept) < len(self._kept)
        self._kept, self._live = tuple(kept), live
        last = max(0, len(kept) - (0 if live else 1))
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
            if at_end:
                self.slider.setValue(last)
        for widget in (self.caption, self.slider, self.step):
            widget.setEnabled(last > 0)
            widget.setToolTip(LOOK_BACK if last > 0 else "<p>There are no earlier checkpoints yet.</p>")
        if not live:
            self.words.setText(facts(kept[-1].model) if kept else "None yet: train one, or load one.")
        if live or not kept:
            self.findings.clear()
        else:
            model = kept[-1].model
            self.findings.show_findings(model.record.findings, type(model.method))
        self.refresh()

    def refresh(self) -> None:
        """Update which actions are enabled, with reasons."""
        now = "now" if self._live else "–"
        self.step.setText(f"step {self.current.step}" if self.current else now)
        reason = "" if self.current else "No network has been trained or loaded yet."
        if self._live and self.current is None:
            reason = "The network is in training. Stop it first, or select an earlier checkpoint."
        applying = "The network is being applied; wait for it or cancel it." if self.busy else ""
        if self._session.snapshot.source is None:
            applying = "No stack is open to apply it to."
        for button, usual, why in (
            (self.apply, "Denoise the whole stack with the selected network.", reason or applying),
            (self.go_on, CONTINUE, reason or self._why_not_continue()),
            (self.save, "Save the selected network to a file.", reason),
            (
                self.load,
                f"Load a network from a {MODEL_ENDING} file, to apply it to this stack.",
                "A network is in training; wait for it or cancel it." if self._live else "",
            ),
        ):
            button.setEnabled(not why)
            button.setToolTip(f"<p>{why or usual}</p>")

    def _why_not_continue(self) -> str:
        """Return why the training of the selected network cannot be continued now, or ""."""
        kept, wanted = self.current, self.settings()
        if self._live:
            return "A network is in training already."
        if self._session.snapshot.source is None:
            return "No stack is open to train on."
        if kept is not self._kept[-1]:
            return "Only the last checkpoint can be trained further; move the slider to its right end."
        if wanted is None:
            return "The settings above are not allowed in combination."
        if not wanted.same_network(kept.model.method):
            known = kept.model.method.describe_network()
            return f"The settings need another kind of network; this one is {known}."
        return ""

    @Slot()
    def _on_moved(self) -> None:
        self.refresh()
        self.chosen.emit()

    @Slot()
    def apply_now(self) -> None:
        """Denoise the open stack with the selected network, and add the results."""
        kept, source = self.current, self._session.snapshot.source
        if kept is None or source is None or self.busy:
            return
        device, self._note = self.device(), ""

        def work(job: Job) -> Denoised:
            return denoise(source.stack, kept.model, device, job.context)

        self.said.emit("")
        self._applying = self._jobs.start(
            f"Applying {kept.model.method.label}",
            work,
            done=partial(self._on_applied, source.key),
            end=self._on_apply_end,
        )
        self.progress.follow(self._applying)
        self.refresh()
        self.applied.emit()

    def _on_applied(self, parent: int, made: Denoised) -> None:
        if self._session.add(parent, made.steps, made.stacks, made.seconds, made.model):
            unlike = (finding for finding in made.findings if finding.kind == kinds.UNLIKE_TRAINING)
            self._note = " ".join(finding.text for finding in unlike)

    def _on_apply_end(self, outcome: Outcome) -> None:
        self._applying = None
        self.progress.follow(None)
        self.said.emit(failure(outcome, "Applying the network") or self._note)
        self.refresh()
        self.applied.emit()

    @Slot()
    def _on_save(self) -> None:
        kept, source = self.current, self._session.snapshot.source
        if kept is None:
            return
        name = file_name(kept.model, str(kept.model.record.source.get("name", "")))
        folder = source.stack.meta.path.parent if source and source.stack.meta.path else Path()
        path = self.ask_save(str(folder / name))
        if not path:
            return

        def work(_: Job) -> None:
            from core.checkpoint import save_model

            save_model(Path(path), kept.model)

        self.said.emit("")
        self._jobs.start(
            "Saving the network",
            work,
            done=lambda _: self._session.mark_filed(kept.model),
            end=partial(self._on_file_end, "Saving the network"),
        )

    @Slot()
    def _on_load(self) -> None:
        path = self.ask_open()
        if not path:
            return

        def work(_: Job) -> Model:
            from core.checkpoint import load_model

            return load_model(Path(path))

        self.said.emit("")
        end = partial(self._on_file_end, "Loading the network")
        self._jobs.start("Loading the network", work, done=self._on_loaded, end=end)

    def _on_loaded(self, model: Model) -> None:
        if not self._live:
            self._session.mark_filed(model)
            self.show_kept([Kept(step=model.record.steps, model=model)])
            self.loaded.emit(model)

    def _on_file_end(self, what: str, outcome: Outcome) -> None:
        if outcome.state == "failed":
            self.said.emit(failure(outcome, what))

    def _ask_save(self, suggested: str) -> str:
        return QFileDialog.getSaveFileName(self, "Save network", suggested, NETWORKS)[0]

    def _ask_open(self) -> str:
        return QFileDialog.getOpenFileName(self, "Load network", self._session.snapshot.folder, NETWORKS)[0]
