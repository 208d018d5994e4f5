"""The Filters panel: select a filter or a noise simulation, preview it, and apply it to the stack."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.panels.filters.method_forms import MethodForms
from app.panels.filters.tuning import Tuning
from app.preview.live import LivePreview
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.widgets.common import ProgressRow, Sentence, is_chosen
from app.widgets.findings import FindingsView
from core.errors import QuietfieldError
from core.findings import Finding, Proposal
from core.instant.constants import MEAN
from core.methods.base import Group, Method
from core.params import Value, build, values
from core.work.command_line import command_line
from core.work.recipe import Recipe, Step

if TYPE_CHECKING:  # accesses files, which the first window does not need
    from core.work.task import Done

GROUPS: dict[str, tuple[Group, ...]] = {"Filters": ("instant", "filter"), "Simulate noise": ("noise",)}

SIDE = 4096
"""Maximum number of previewed rows and columns; of a larger view the centre is used."""


class FilterPanel(QWidget):
    """Instant, filters and noise simulations with live preview; Instant is selected initially.

    The preview is computed on the visible region of the current plane shortly after the last change, and
    displayed only if nothing has changed since. It pauses when a result is selected for display, until a
    setting is changed.
    """

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._failure = ""
        self._paused = False
        self._applying: Job | None = None
        self._live = LivePreview(session, jobs, self, limit=SIDE)
        self._tuning = Tuning(session, jobs, self)
        self._build()
        self._live.status.connect(self.status.setText)
        self._live.failed.connect(self._on_preview_failed)
        self._live.examined.connect(self._on_examined)
        session.changed.connect(self._on_session)
        jobs.changed.connect(self.progress.refresh)
        self.methods.choose("instant")
        self.methods.chosen.connect(self._on_method)
        self.methods.edited.connect(self._on_touched)
        self.methods.auto_wanted.connect(self._on_auto)
        self._tuning.changed.connect(self._on_tuning)
        self._tuning.found.connect(self._on_tuned)
        self._tuning.said.connect(self.tuned.say)
        self._on_method()

    # -- layout

    def _build(self) -> None:
        self.methods = MethodForms(GROUPS)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.addWidget(self.methods)
        self.tuned = Sentence("filter-tuned", warning=False)
        column.addWidget(self.tuned)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

        self.input = QComboBox()
        self.input.setObjectName("filter-input")
        self.input.setToolTip("<p>Input of the method: the stack as opened, or the shown result.</p>")
        self.input.addItem("raw", "raw")
        self.input.addItem("shown result", "shown")
        self.input.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.input.currentIndexChanged.connect(self._on_touched)
        label = QLabel("Apply &to")
        label.setBuddy(self.input)
        choice = QHBoxLayout()
        choice.addWidget(label)
        choice.addWidget(self.input, 1)

        self.preview = QCheckBox("&Preview")
        self.preview.setObjectName("filter-preview")
        self.preview.setChecked(True)
        self.preview.setToolTip("<p>Preview the method on the visible region of this plane.</p>")
        self.preview.toggled.connect(self._on_touched)
        self.status = QLabel()
        self.status.setObjectName("filter-status")
        self.status.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        watch = QHBoxLayout()
        watch.addWidget(self.preview)
        watch.addWidget(self.status, 1)

        self.copy = QPushButton("&Copy command")
        self.copy.setObjectName("filter-copy-command")
        self.copy.clicked.connect(self._on_copy)
        self.apply = QPushButton("&Apply")
        self.apply.setObjectName("filter-apply")
        self.apply.setProperty("class", "primary")
        self.apply.clicked.connect(self._on_apply)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(self.apply)

        self.progress = ProgressRow("filter")
        self.problem = Sentence("filter-problem")
        offered = [group for groups in GROUPS.values() for group in groups]
        self.findings = FindingsView("filter", offered, warning=False)
        self.findings.words.setToolTip("<p>Findings about the displayed plane; other planes may differ.</p>")
        self.findings.taken.connect(self.take)
        bottom = QVBoxLayout()
        bottom.setContentsMargins(*(column.contentsMargins().left(), 0) * 2)
        bottom.addWidget(self.findings)
        for part in (choice, watch, buttons):
            bottom.addLayout(part)
        bottom.addWidget(self.progress)
        bottom.addWidget(self.problem)
        bottom.addSpacing(column.contentsMargins().bottom())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll, 1)
        whole.addLayout(bottom)

    # -- selection

    def choose(self, name: str) -> None:
        """Select a method by name."""
        self.methods.choose(name)

    def is_on(self, method: str, switch: str) -> bool:
        """Return whether a method is selected, with this parameter switched on."""
        return self.methods.is_on(method, switch)

    def toggle(self, method: str, switch: str) -> None:
        """Select a method with a parameter switched on, or switch it off again."""
        wanted = not self.is_on(method, switch)
        self.choose(method)
        self.methods.form.set_values({switch: wanted})
        self.preview.setChecked(wanted or self.preview.isChecked())
        self._on_touched()

    def _source(self, snapshot: Snapshot) -> Result | None:
        return snapshot.source if self.input.currentData() == "raw" else snapshot.result

    def _ready(self) -> tuple[Method, Result]:
        """Return the method and its input.

        Raises
        ------
        QuietfieldError
            If there is no input, or the method cannot be applied.
        """
        source = self._source(self._session.snapshot)
        if source is None:
            raise QuietfieldError("No stack is open. Drop a TIFF stack on the window or open the sample.")
        method = self.methods.form.method()
        method.check(source.stack.axes)
        return method, source

    @Slot()
    def _on_method(self) -> None:
        self.findings.clear()
        self.tuned.clear()
        self._on_touched()

    # -- preview

    @Slot()
    def _on_touched(self) -> None:
        """Update after a change of a setting by the user."""
        self._paused, self._failure = False, ""
        self._update()

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._paused, self._failure = False, ""
            self.findings.clear()
            self.tuned.clear()
            # a static scene says nothing about the next stack
            self.methods.replace("neighbours", MEAN, "none")
            self.methods.offer_for(new.source.stack.axes if new.source else "")
        elif new.shown != old.shown:
            self._paused = is_chosen(self)
        elif (new.results, new.position, new.view) == (old.results, old.position, old.view):
            return
        self._update()

    def _wants_preview(self) -> bool:
        return self.preview.isChecked() and is_chosen(self) and not self._paused

    def _update(self) -> None:
        """Update everything according to the newest settings."""
        shown = self._session.snapshot.result
        self.input.setItemText(1, f"shown result ({shown.label})" if shown else "shown result")
        reason, work = "", None
        try:
            work = self._ready()
        except QuietfieldError as error:
            reason = str(error)
        # without a stack, only the tooltip shows the reason, because there is no error
        self.problem.say((reason or self._failure) if shown else "")
        self._allow(reason)
        if work is None or not self._wants_preview():
            self._live.leave()
            self.status.setText("paused" if self._paused and self.preview.isChecked() else "")
            return
        method, source = work
        share = float(getattr(method, method.mix)) if method.mix else None
        full = build(type(method), values(method) | {method.mix: 1.0}) if method.mix else method
        label = f"{method.label} (preview)"
        self._live.request(label, lambda: full, source, awaited=method.label, key=full, share=share)

    def _allow(self, reason: str) -> None:
        running = self._applying or self._tuning.job
        busy = f"{running.label} is running; wait for it or cancel it." if running else ""
        self.methods.form.allow_auto(busy or reason or self._no_auto())
        self.apply.setEnabled(not (reason or busy))
        usual = "Run the method on the whole stack and add the result."
        self.apply.setToolTip(f"<p>{busy or reason or usual}</p>")
        self.copy.setEnabled(not reason)
        usual = "Copy the command that does the same without the window."
        self.copy.setToolTip(f"<p>{reason or usual}</p>")

    def _no_auto(self) -> str:
        """Return why no parameter can be chosen automatically, or ""."""
        return "" if self._session.snapshot.source is not None else "No stack is open."

    @Slot(str)
    def _on_auto(self, name: str) -> None:
        method, source = self._ready()
        self._tuning.start(method, name, source)

    @Slot()
    def _on_tuning(self) -> None:
        self.progress.follow(self._tuning.job)
        self._update()

    @Slot(str, str, object)
    def _on_tuned(self, method: str, name: str, value: Value) -> None:
        if self.methods.method.name == method:
            self.methods.form.set_values({name: value})
            self._on_touched()

    @Slot(object)
    def _on_examined(self, findings: tuple[Finding, ...]) -> None:
        self.findings.show_findings(findings, self.methods.method)

    @Slot(object)
    def take(self, proposal: Proposal) -> None:
        """Select the method and set the parameters of a proposal."""
        if proposal.method:
            self.choose(proposal.method)
        self.methods.form.set_values(proposal.params)
        self._on_touched()

    @Slot(object)
    def _on_preview_failed(self, error: BaseException) -> None:
        if isinstance(error, QuietfieldError):
            self.problem.say(str(error))
            self._allow(str(error))
        else:
            self.problem.say(f"The preview failed ({type(error).__name__}).")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if is_chosen(self):  # only its dock is hidden; the image keeps the preview
            return
        self._paused = False
        self._live.leave()

    # -- apply

    @Slot()
    def _on_apply(self) -> None:
        method, source = self._ready()

        def work(job: Job) -> Done:
            from core.work.task import Task, run

            recipe = Recipe(steps=(Step.of(method),))
            return run(Task(recipe=recipe, source=source.stack, every_output=True), job.context)

        self._applying = self._jobs.start(
            method.label,
            work,
            done=partial(self._on_applied, source.key),
            end=partial(self._on_apply_end, method),
        )
        self._failure = ""
        self.progress.follow(self._applying)
        self._update()

    def _on_applied(self, parent: int, done: Done) -> None:
        self._session.add_done(parent, done)

    def _on_apply_end(self, method: Method, outcome: Outcome) -> None:
        self._applying = None
        self.progress.follow(None)
        if outcome.state == "succeeded":  # otherwise the preview that was there stays
            self._paused = True
        if outcome.state == "failed":  # shown until settings change or it is repeated
            self._failure = (
                str(outcome.error) if isinstance(outcome.error, QuietfieldError)
                else f"{method.label} failed ({type(outcome.error).__name__}); nothing was changed."
            )  # fmt: skip
        self._update()

    @Slot()
    def _on_copy(self) -> None:
        method, source = self._ready()
        meta = source.stack.meta
        QGuiApplication.clipboard().setText(command_line(method, meta.path, meta.name))
        self.status.setText("command copied")
