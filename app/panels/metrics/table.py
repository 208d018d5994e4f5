"""The table of metrics: one row per result, one column per metric, as values, text and widget."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.quality.metric import Metric

BEST = "★"
NAME_WIDTH = 130
"""Minimum width of the names, in pixels at 100 %."""
HEADING_SPACE, CELL_SPACE = 32, 30
"""Added to the width of texts: margins, and for headings the sort arrow."""
KEY, VALUE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1

NO_REFERENCE = (
    "Needs a reference. The noisy stack is no reference: an unchanged stack would have the best value, "
    "which is not a PSNR."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    key : int
        Key of the result.
    label, details : str
        Method of the result, and its parameters.
    frames : float
        Number of input frames per frame of the result; infinity for all of them, NaN without time.
    values : tuple of float or None
        A value for each metric, NaN if it is undefined; None while it is being computed.
    seconds : float
        Computing time; 0 for the source.
    note : str
        Number of measured planes.
    reason : str
        Why the result cannot be measured; "" if it can.
    """

    key: int
    label: str
    details: str
    frames: float
    values: tuple[float, ...] | None
    seconds: float
    note: str
    reason: str = ""

    @property
    def frames_text(self) -> str:
        """Number of input frames per frame of the result, as text."""
        return "" if math.isnan(self.frames) else "all" if math.isinf(self.frames) else f"{self.frames:g}"


def headings(metrics: Sequence[Metric]) -> list[str]:
    """Return the headings of all columns."""
    return ["Result", "Frames in", *(m.heading for m in metrics), "Time (s)"]


def best(metrics: Sequence[Metric], rows: Sequence[Row]) -> list[set[int]]:
    """Return the keys of the rows with the best value of each metric; empty if there is no comparison."""
    found: list[set[int]] = []
    for column, metric in enumerate(metrics):
        known = {r.key: r.values[column] for r in rows if r.values and math.isfinite(r.values[column])}
        if metric.better == "neither" or len(known) < 2:
            found.append(set())
            continue
        top = max(known.values()) if metric.better == "higher" else min(known.values())
        found.append({key for key, value in known.items() if value == top})
    return found


def as_text(metrics: Sequence[Metric], rows: Sequence[Row], about: Sequence[str], separator: str) -> str:
    """Return the table as CSV or, with tabs, for a spreadsheet; `about` (reference, fit) is in every row."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow([*headings(metrics), "Parameters", "Measured on", "Reference", "Fit"])
    for row in rows:
        values = row.values or (math.nan,) * len(metrics)
        numbers = ["" if math.isnan(v) else f"{v:.7g}" for v in values]
        seconds = f"{row.seconds:.3g}" if row.seconds else ""
        writer.writerow(
            [row.label, row.frames_text, *numbers, seconds, row.details, row.reason or row.note, *about]
        )
    return out.getvalue()


class MetricsTable(QTableWidget):
    """The table; a click or an arrow key selects a result.

    Attributes
    ----------
    chosen : Signal of int
        Key of the result in the selected row.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("metrics-table")
        self.setAccessibleName("Measures of all results")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        header.setSortIndicatorClearable(True)
        header.setHighlightSections(False)
        self.itemSelectionChanged.connect(self._on_selection)

    def set_metrics(self, metrics: Sequence[Metric]) -> None:
        """Create the columns."""
        names = headings(metrics)
        self.setColumnCount(len(names))
        own = (
            "Method of the result, with its parameters. A click shows the result.",
            "Number of input frames per frame of the result. Averaging frames of a static scene increases "
            "the metrics, but blurs moving specimens. Compare results with one input frame.",
            *(m.definition for m in metrics),
            "Computing time of the result in seconds, including training.",
        )
        for column, (name, help) in enumerate(zip(names, own, strict=True)):
            item = QTableWidgetItem(name.replace(" ", "\n"))  # narrow headings keep all columns visible
            item.setToolTip(f"<p>{help}</p>")
            left = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(left | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        self.horizontalHeader().setMinimumSectionSize(50)

    def set_rows(self, metrics: Sequence[Metric], rows: Sequence[Row], shown: int) -> None:
        """Fill the table, and select the row of the result `shown`."""
        winners = best(metrics, rows)
        with QSignalBlocker(self):
            self.setSortingEnabled(False)
            self.setRowCount(len(rows))
            for number, row in enumerate(rows):
                self._fill(number, row, metrics, winners)
            self.setSortingEnabled(True)
            for number in range(self.rowCount()):
                if self._key(number) == shown:
                    self.setCurrentCell(number, 0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Make the number columns as narrow as possible, and give the remaining width to the names."""
        bold = QFont(self.font())
        bold.setBold(True)
        metrics = QFontMetrics(bold)
        used = 0
        for column in range(1, self.columnCount()):
            header = self.horizontalHeaderItem(column)
            words = [*header.text().splitlines()] if header else []
            cells = [self.item(row, column) for row in range(self.rowCount())]
            inside = [c.text() for c in cells if c is not None]
            width = max(
                max((metrics.horizontalAdvance(w) for w in words), default=0) + HEADING_SPACE,
                max((metrics.horizontalAdvance(t) for t in inside), default=0) + CELL_SPACE,
            )
            self.setColumnWidth(column, width)
            used += width
        self.setColumnWidth(0, max(NAME_WIDTH, self.viewport().width() - used))

    def _fill(self, number: int, row: Row, metrics: Sequence[Metric], winners: Sequence[set[int]]) -> None:
        name = _Cell(row.label, float(number))
        name.setData(KEY, row.key)
        name.setToolTip(f"<p>{row.label}: {row.details}</p>" if row.details else "")
        self.setItem(number, 0, name)
        self.setItem(number, 1, _Cell(row.frames_text, row.frames, right=True))
        for column, metric in enumerate(metrics):
            value = row.values[column] if row.values else math.nan
            text = metric.show(value) if row.values else "…"
            won = row.key in winners[column]
            cell = _Cell(f"{BEST} {text}" if won else text, value, right=True)
            if won:
                font = cell.font()
                font.setBold(True)
                cell.setFont(font)
            tip = row.note if row.values else ""
            if row.values and math.isnan(value):
                tip = row.reason or (NO_REFERENCE if metric.needs_reference else row.note)
            cell.setToolTip(f"<p>{'Best of all results. ' if won else ''}{tip}</p>" if tip or won else "")
            self.setItem(number, 2 + column, cell)
        seconds = row.seconds if row.seconds else math.nan
        text = f"{row.seconds:.3g}" if row.seconds else "–"
        self.setItem(number, 2 + len(metrics), _Cell(text, seconds, right=True))

    def order(self) -> list[int]:
        """Return the keys of the results in the current order of the rows."""
        return [self._key(number) for number in range(self.rowCount())]

    def _key(self, number: int) -> int:
        item = self.item(number, 0)
        return int(item.data(KEY)) if item is not None else -1

    @Slot()
    def _on_selection(self) -> None:
        if self.selectedItems():
            self.chosen.emit(self._key(self.currentRow()))


class _Cell(QTableWidgetItem):
    """A cell sorted by a number; cells without a number are last in ascending order."""

    def __init__(self, text: str, value: float, *, right: bool = False) -> None:
        super().__init__(text)
        self.setData(VALUE, value)
        if right:
            self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, theirs = float(self.data(VALUE)), float(other.data(VALUE))
        if math.isnan(mine) or math.isnan(theirs):
            return not math.isnan(mine)
        return mine < theirs
