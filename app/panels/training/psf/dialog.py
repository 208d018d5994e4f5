"""The dialog that chooses a point spread function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.panels.training.psf.optics_page import OpticsPage
from app.panels.training.psf.pages import BeadsPage, EstimatePage, FilePage, GaussianPage, Page, file_page
from app.panels.training.psf.picture import KernelPicture
from app.panels.training.psf.words import doubts, sampling, title, widths
from app.shell.file_kinds import kind
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.common import ProgressRow, Sentence, failure, pass_drops_on
from core.errors import QuietfieldError
from core.psf import Psf
from core.psf.convolution import check_side
from core.psf.request import parse, resolve
from core.stack import Stack

CHANNEL = "psf-dialog"

SIDE = 176
"""Height of the picture in points."""

WIDTH, HEIGHT = 370, 580
"""Width of the settings, and height of the dialog, in points."""

DELAY = 150
"""Delay in milliseconds between the last change of a setting and the computation."""

PATIENCE = 200
"""Milliseconds after which the progress of a computation is shown."""

SOURCES = {
    "gaussian": "Gaussian", "optics": "Optics of the microscope", "beads": "Image of beads",
    "estimate": "Estimated from the data", "file": "File",
}  # fmt: skip


class PsfDialog(QDialog):
    """Non-modal dialog: a source, its settings, and the kernel beside them.

    Parameters
    ----------
    session : Session
        Document, whose pixel size, metadata and pixels are used.
    jobs : Jobs
        Computes the PSF.
    text : str
        Text that asks for the present PSF.
    side : int
        Side of the training patches in pixels, which a PSF must fit.
    parent : QWidget
        Parent.

    Attributes
    ----------
    chosen : Signal of (str, Psf)
        The user took a PSF: the text that asks for it, and the PSF.
    help_wanted : Signal
        The user wants help.
    """

    chosen = Signal(str, object)
    help_wanted = Signal()

    def __init__(self, session: Session, jobs: Jobs, text: str, side: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._patch = session, jobs, side
        self._job: Job | None = None
        self._made: tuple[str, Psf] | None = None
        self.setObjectName("psf-dialog")
        self.setWindowTitle("Point Spread Function")
        self.setProperty("helpPage", "psf")
        self.setAcceptDrops(True)
        QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), self, self.help_wanted.emit)
        self.optics, self.beads, self.estimate, self.file = (
            OpticsPage(), BeadsPage(), EstimatePage(), file_page(),
        )  # fmt: skip
        self.by_source: dict[str, Page] = {
            "gaussian": GaussianPage(), "optics": self.optics, "beads": self.beads,
            "estimate": self.estimate, "file": self.file,
        }  # fmt: skip
        self._lay_out()
        self._delay = QTimer(self, singleShot=True, interval=DELAY)
        self._delay.timeout.connect(self._compute)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE)
        self._patience.timeout.connect(self._show_progress)
        self._show(text)
        self._connect()
        pass_drops_on(self.pages)
        self._on_changed()

    def _lay_out(self) -> None:
        self.source = QComboBox()
        self.source.setObjectName("psf-source")
        self.source.setToolTip("<p>Origin of the PSF. Optics and beads are safer than an estimate.</p>")
        self.pages = QStackedWidget()
        for name, words in SOURCES.items():
            self.source.addItem(words, name)
            self.pages.addWidget(self.by_source[name])
        label = QLabel("&Source")
        label.setBuddy(self.source)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(label)
        top.addWidget(self.source, 1)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(top)
        scroll = QScrollArea()  # on small screens, fields are scrolled instead of cut
        scroll.setWidget(self.pages)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left.addWidget(scroll, 1)
        self.picture = KernelPicture("psf-picture", SIDE, sections=True)
        self.picture.setToolTip(
            "<p>The kernel on the pixel grid, as the square root of its values, with its full width at half "
            "maximum (FWHM) as an ellipse.</p>"
        )
        self.facts = QLabel()
        self.facts.setObjectName("psf-facts")
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        right = QVBoxLayout()
        right.addWidget(self.picture)
        right.addWidget(self.facts)
        right.addStretch(1)
        self.problem = Sentence("psf-problem")
        self.progress = ProgressRow("psf")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.save = self.buttons.addButton("Save…", QDialogButtonBox.ButtonRole.ActionRole)
        self.save.setObjectName("psf-save")
        self.save.setAutoDefault(False)
        self.use = self.buttons.addButton("Use this PSF", QDialogButtonBox.ButtonRole.AcceptRole)
        self.use.setObjectName("psf-use")
        self.use.setProperty("primary", True)
        grid = QGridLayout(self)
        grid.setHorizontalSpacing(16)
        grid.addLayout(left, 0, 0)
        grid.addLayout(right, 0, 1)
        grid.addWidget(self.problem, 1, 0, 1, 2)
        grid.addWidget(self.progress, 2, 0, 1, 2)
        grid.addWidget(self.buttons, 3, 0, 1, 2)
        self.use.setDefault(True)  # only a button inside the dialog becomes its default
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(0, 1)
        self.pages.setMinimumWidth(WIDTH)
        scroll.setMinimumWidth(WIDTH + scroll.verticalScrollBar().sizeHint().width())
        self.resize(self.minimumSizeHint().expandedTo(QSize(0, HEIGHT)))

    def _connect(self) -> None:
        self.source.currentIndexChanged.connect(self._on_source)
        for page in self.by_source.values():
            page.changed.connect(self._on_changed)
        self.estimate.run.clicked.connect(self._compute)
        self.buttons.accepted.connect(self._on_use)
        self.buttons.rejected.connect(self.reject)
        self.save.clicked.connect(self._on_save)
        self._session.changed.connect(self._on_session)
        self._jobs.changed.connect(self.progress.refresh)

    # -- settings

    @property
    def page(self) -> Page:
        """Page of the selected source."""
        return self.by_source[str(self.source.currentData())]

    @property
    def _stack(self) -> Stack | None:
        source = self._session.snapshot.source
        return source.stack if source is not None else None

    def _show(self, text: str) -> None:
        """Show the settings that give the present PSF."""
        self.optics.prefill(self._stack, self._session.snapshot.channel)
        request = parse(text)
        name = "file" if request.source == "whole" else request.source
        self.source.setCurrentIndex(self.source.findData(name))
        self.pages.setCurrentIndex(self.source.currentIndex())
        self.page.show_request(text, request, self._stack)

    @Slot()
    def _on_source(self) -> None:
        self.pages.setCurrentIndex(self.source.currentIndex())
        self._on_changed()

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        """Forget the PSF of the former settings, and compute that of the new ones soon."""
        self._jobs.cancel(CHANNEL)
        self._delay.stop()
        self._take(None)
        self.problem.clear()
        if self._request() and not self.page.waits:
            self._delay.start()

    def _request(self) -> str:
        try:
            return self.page.request(self._stack)
        except QuietfieldError as error:
            self.problem.say(str(error))
            return ""

    # -- computing

    @Slot()
    def _compute(self) -> None:
        text = self._request()
        if not text:
            return
        self.problem.clear()
        stack = self._stack or Stack.of(np.zeros((1, 1)), "YX", name="the dialog")

        def work(job: Job) -> tuple[str, Psf]:
            return text, resolve(text, stack, job.context)

        self._job = self._jobs.start(
            "Computing the PSF", work, done=self._take, end=self._on_end, channel=CHANNEL, quiet=True
        )
        self._patience.start()
        self._allow()

    @Slot()
    def _show_progress(self) -> None:
        self.progress.follow(self._job)

    def _on_end(self, outcome: Outcome) -> None:
        if not any(job.channel == CHANNEL for job in self._jobs.running):
            self._job = None
            self._patience.stop()
            self.progress.follow(None)
        if failed := failure(outcome, "Computing the PSF"):
            self.problem.say(failed)
        self._allow()

    def _take(self, made: tuple[str, Psf] | None) -> None:
        """Show a computed PSF, or none."""
        self._made = made
        psf = made[1] if made is not None else None
        self.page.show_psf(psf)
        words, stack = "", self._stack
        spacing = stack.meta.spacing if stack is not None else {}
        if psf is not None:
            words = "\n".join(filter(None, (title(psf), widths(psf, spacing), sampling(psf), doubts(psf))))
            try:
                check_side(psf, self._patch)
            except QuietfieldError as error:
                self.problem.say(str(error))
                self._made = None
        self.facts.setText(words)
        self.picture.show_psf(psf, words)
        self._allow()

    def _allow(self) -> None:
        busy = self._job is not None
        reason = "" if self._made is not None else "There is no PSF yet."
        reason = "The PSF is being computed; wait for it or cancel it." if busy else reason
        for button, usual in (
            (self.use, "Train with this PSF."),
            (self.save, "Save the PSF as JSON with everything, or as TIFF for other programs."),
        ):
            button.setEnabled(not reason)
            button.setToolTip(f"<p>{reason or usual}</p>")
        self.estimate.run.setEnabled(not busy and self._stack is not None)
        tip = "Measure it now; this takes a few seconds." if self._stack else "No stack is open."
        self.estimate.run.setToolTip(f"<p>{tip}</p>")

    # -- results

    @Slot()
    def _on_use(self) -> None:
        if self._made is not None:
            self.chosen.emit(*self._made)
            self.accept()

    def ask_save(self) -> str:
        """Ask for a file name; "" if the user cancels."""
        kinds = kind("PSF of Quietfield", (".json",), kind("TIFF", (".tif",)))
        return QFileDialog.getSaveFileName(self, "Save PSF", "psf.json", kinds)[0]

    @Slot()
    def _on_save(self) -> None:
        path = self.ask_save() if self._made is not None else ""
        if not path or self._made is None:
            return
        psf = self._made[1]

        def work(_: Job) -> None:
            from core.psf.files import save_psf

            target = Path(path)
            save_psf(target if target.suffix else target.with_suffix(".json"), psf)

        self._jobs.start("Saving the PSF", work, end=self._on_saved)

    def _on_saved(self, outcome: Outcome) -> None:
        self.problem.say(failure(outcome, "Saving the PSF"))

    def done(self, result: int) -> None:
        """Close the dialog, and stop its work."""
        self._delay.stop()
        self._patience.stop()
        self._jobs.cancel(CHANNEL)
        super().done(result)

    # -- dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Use a dropped file: as beads, or as a saved PSF where that page is open or the file is JSON."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            return
        event.acceptProposedAction()
        page: FilePage = self.beads
        if self.page is self.file or paths[0].suffix.lower() == ".json":
            page = self.file
        self.source.setCurrentIndex(self.source.findData("file" if page is self.file else "beads"))
        page.take_file(paths[0])
