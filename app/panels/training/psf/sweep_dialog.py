"""The dialog of the sweep over the sigma of the PSF."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.training.psf.grid import ParameterGrid
from app.panels.training.psf.sheet import Sheet
from app.panels.training.psf.sweeping import Sweeping, SweepRow
from app.shell.durations import clock
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.common import ProgressRow, Sentence
from core.errors import QuietfieldError
from core.params import param

SIGMAS = "0.5 1.0 1.5"

COLUMNS = {
    "Sigma": "Standard deviation of the PSF, the preferred one first.",
    "Misfit": "Error of hidden pixels after a deconvolution with this sigma, above the smallest. It decides.",
    "Loss": "Loss of the network at held-out pixels. In short trainings it favours narrow PSFs.",
    "Time": "Training and denoising.",
}  # fmt: skip
"""Titles and help of the columns of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Time of a sweep."""

    seconds: float = param(
        60.0, "Training time for each", unit="s", gt=0.0, le=86400.0, step=10.0,
        help="Training time for each sigma; all have the same, so that they can be compared.",
    )  # fmt: skip


class SweepDialog(QDialog):
    """Non-modal dialog: sigmas and time, the ranking, and the results side by side.

    Parameters
    ----------
    session, jobs : Session, Jobs
        Document and jobs.
    sweeping : Sweeping
        Runs the sweep.
    why_not : callable
        Returns why there can be no sweep now, or "".
    parent : QWidget
        Parent.

    Attributes
    ----------
    wanted : Signal of (tuple of float, float)
        The user wants a sweep: sigmas in pixels, and seconds for each.
    chosen : Signal of float
        The user takes a sigma.
    help_wanted : Signal
        The user wants help.
    """

    wanted = Signal(object, float)
    chosen = Signal(float)
    help_wanted = Signal()

    def __init__(
        self, session: Session, jobs: Jobs, sweeping: Sweeping, why_not: Callable[[], str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._sweeping, self._why_not = session, sweeping, why_not
        self.setObjectName("sweep-dialog")
        self.setWindowTitle("Sweep of the PSF")
        self.setProperty("helpPage", "psf")
        QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), self, self.help_wanted.emit)
        self._lay_out()
        self.sigmas.textChanged.connect(self.refresh)
        self.time.changed.connect(self.refresh)
        self.start.clicked.connect(self._on_start)
        self.sigmas.returnPressed.connect(self.start.click)
        self.take.clicked.connect(self._on_take)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.sheet.chosen.connect(session.show)
        self.buttons.rejected.connect(self.reject)
        sweeping.changed.connect(self._on_sweeping)
        jobs.changed.connect(self.progress.refresh)
        session.changed.connect(self._on_session)
        self._on_sweeping()

    def _lay_out(self) -> None:
        about = QLabel(
            "Trains the selected method once for each sigma of a Gaussian PSF, and ranks them. The results "
            "are added to the document. To try it on a known PSF, open <i>File > Sample > Text target</i>."
        )
        about.setWordWrap(True)
        about.setProperty("class", "muted")
        self.sigmas = QLineEdit(SIGMAS)
        self.sigmas.setObjectName("sweep-sigmas")
        self.sigmas.setToolTip("<p>Standard deviations in pixels, separated by spaces; 2 to 20 of them.</p>")
        label = QLabel("Si&gmas (px)")
        label.setBuddy(self.sigmas)
        label.setToolTip(self.sigmas.toolTip())
        self.time = ParameterGrid(Duration, "sweep")
        self.start = QPushButton("Start sweep")
        self.start.setObjectName("sweep-start")
        self.start.setProperty("class", "primary")
        self.start.setAutoDefault(False)
        settings = QGridLayout()
        settings.addWidget(label, 0, 0)
        settings.addWidget(self.sigmas, 0, 1)
        settings.addWidget(self.time, 0, 2)
        settings.addWidget(self.start, 0, 3, Qt.AlignmentFlag.AlignTop)
        settings.setColumnStretch(1, 1)
        self.problem = Sentence("sweep-problem")
        self.progress = ProgressRow("sweep")
        self.verdict = QLabel()
        self.verdict.setObjectName("sweep-verdict")
        self.verdict.setWordWrap(True)
        self.table = _table()
        self.sheet = Sheet()
        scroll = QScrollArea()
        scroll.setWidget(self.sheet)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.buttons = QDialogButtonBox()
        close = self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        close.setAutoDefault(False)  # Enter among the sigmas must not close
        self.take = self.buttons.addButton("Use this sigma", QDialogButtonBox.ButtonRole.ActionRole)
        self.take.setObjectName("sweep-take")
        self.take.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.addWidget(about)
        column.addLayout(settings)
        for widget in (self.problem, self.progress, self.verdict, self.table):
            column.addWidget(widget)
        column.addWidget(scroll, 1)
        column.addWidget(self.buttons)
        self.resize(640, 640)

    # -- settings

    def wishes(self) -> tuple[float, ...]:
        """Return the sigmas.

        Raises
        ------
        QuietfieldError
            If the text has none, or some that cannot be swept.
        """
        from core.work.sweep import check_sigmas

        words = re.split(r"[\s;]+", self.sigmas.text().strip())
        try:
            return check_sigmas([float(word.strip(",").replace(",", ".")) for word in words if word])
        except ValueError:
            raise QuietfieldError(
                f"{self.sigmas.text().strip()!r} are no numbers. Write sigmas in pixels, such as {SIGMAS}."
            ) from None

    @Slot()
    def refresh(self) -> None:
        """Update what is possible, with reasons."""
        running, reason = self._sweeping.job is not None, self._why_not()
        wrong = ""
        try:
            self.wishes()
        except QuietfieldError as error:
            wrong = str(error)
        self.problem.say("" if running else wrong or reason or (self._sweeping.failed if self._here else ""))
        why = "The sweep is running." if running else wrong or reason
        self.start.setEnabled(not why)
        usual = "Train with each sigma, one after another, as one job."
        self.start.setToolTip(f"<p>{why or usual}</p>")
        for widget in (self.sigmas, self.time):
            widget.setEnabled(not running)
        row = self.selected
        self.take.setText(f"Use sigma {row.swept.sigma:g} px" if row else "Use this sigma")
        self.take.setEnabled(row is not None)
        self.take.setToolTip(
            "<p>Take this sigma as the PSF of the training.</p>"
            if row
            else "<p>No sigma is complete yet.</p>"
        )

    @property
    def selected(self) -> SweepRow | None:
        """The selected row of the table."""
        chosen, ranked = self.table.currentRow(), self._ranked()
        return ranked[chosen] if 0 <= chosen < len(ranked) else None

    def _ranked(self) -> list[SweepRow]:
        from core.work.sweep import rank

        rows = {id(row.swept): row for row in self._rows}
        return [rows[id(swept)] for swept in rank([row.swept for row in self._rows])] if rows else []

    @property
    def _here(self) -> bool:
        """Whether the last sweep belongs to the open document."""
        return self._session.snapshot.find(self._sweeping.source) is not None

    @property
    def _rows(self) -> tuple[SweepRow, ...]:
        """Results of the last sweep; none if another document was opened since."""
        return self._sweeping.rows if self._here else ()

    @Slot()
    def _on_start(self) -> None:
        self.wanted.emit(self.wishes(), float(self.time.values()["seconds"]))

    # -- results

    @Slot()
    def _on_sweeping(self) -> None:
        self.progress.follow(self._sweeping.job)
        ranked = self._ranked()
        self.table.setRowCount(len(ranked))
        for line, row in enumerate(ranked):
            swept = row.swept
            numbers = (f"{swept.sigma:g} px", _number(swept.misfit), _number(swept.loss))
            for column, words in enumerate((*numbers, clock(swept.compared.seconds))):
                item = QTableWidgetItem(words)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(line, column, item)
        self.table.setVisible(bool(ranked))
        height = self.table.horizontalHeader().height() + len(ranked) * self.table.rowHeight(0) + 4
        self.table.setFixedHeight(min(height, 150))
        if ranked:
            self.table.selectRow(0)
        words = self._sweeping.words if self._here else ""
        self.verdict.setText(words)
        self.verdict.setVisible(bool(words))
        self._show_sheet()
        self.refresh()

    def _show_sheet(self) -> None:
        rows = sorted(self._rows, key=lambda row: row.swept.sigma)
        self.sheet.show_rows(rows, self._session.snapshot)

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._on_sweeping()
        elif new.position != old.position or new.results != old.results:
            self._show_sheet()
            self.refresh()

    @Slot()
    def _on_selected(self) -> None:
        self.refresh()

    @Slot()
    def _on_take(self) -> None:
        row = self.selected
        if row is not None:
            self.chosen.emit(row.swept.sigma)


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "–"


def _table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    table.setObjectName("sweep-table")
    for column, (title, help) in enumerate(COLUMNS.items()):
        item = QTableWidgetItem(title)
        item.setToolTip(f"<p>{help}</p>")
        table.setHorizontalHeaderItem(column, item)
    table.verticalHeader().hide()
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table
