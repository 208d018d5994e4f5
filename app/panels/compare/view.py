"""The widgets of the Compare panel, and their layout."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.panels.compare.choices import CompareChoices
from app.panels.compare.ranking import RankingList
from app.widgets.common import ProgressRow, Section, Sentence


class CompareView(QWidget):
    """Choices, progress, verdict, ranking, and buttons for the results."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choices = CompareChoices()
        self.setup = Section("Methods", "compare-setup", "<p>Methods, region and time of the comparison.</p>")
        self.setup.body.addWidget(self.choices)
        self.setup.set_open(True)
        self.setup.button.setChecked(True)
        self.start = QPushButton("&Compare")
        self.start.setObjectName("compare-start")
        self.start.setProperty("class", "primary")
        self.progress = ProgressRow("comparison")
        self.progress.cancel_button.setToolTip("<p>Stop; results that are complete are kept.</p>")
        self.problem = Sentence("compare-problem")
        self.hint = Sentence("compare-hint", warning=False)
        self.verdict = QLabel()
        self.verdict.setObjectName("compare-verdict")
        self.verdict.setWordWrap(True)
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.reference = Sentence("compare-reference-note")
        self.fit = QPushButton("&Fit scale and offset")
        self.fit.setObjectName("compare-fit")
        self.fit.setToolTip(
            "<p>Fit scale and offset of every result to the reference (least squares), and rank again. "
            "Nothing is computed again.</p>"
        )
        self.legend = Sentence("compare-legend", warning=False)
        self.ranking = RankingList()
        self.sheet = QPushButton("Contact &sheet")
        self.sheet.setObjectName("compare-sheet")
        self.report = QPushButton("&Report…")
        self.report.setObjectName("compare-report")
        self.apply = QPushButton("&Apply to the whole stack")
        self.apply.setObjectName("compare-apply")
        self.apply.setProperty("class", "primary")
        buttons = QHBoxLayout()
        buttons.addWidget(self.sheet)
        buttons.addWidget(self.report)
        buttons.addStretch(1)
        applying = QHBoxLayout()
        applying.addStretch(1)
        applying.addWidget(self.apply)
        top = QHBoxLayout()
        top.addStretch(1)
        top.addWidget(self.start)
        fits = QHBoxLayout()
        fits.addStretch(1)
        fits.addWidget(self.fit)
        column = self._column = QVBoxLayout(self)
        column.addWidget(self.setup)
        column.addLayout(top)
        for part in (self.progress, self.hint, self.problem, self.verdict, self.reference):
            column.addWidget(part)
        column.addLayout(fits)
        column.addWidget(self.legend)
        column.addWidget(self.ranking)
        column.addLayout(buttons)
        column.addLayout(applying)
        self.setup.button.toggled.connect(self.share_height)

    @Slot()
    def share_height(self) -> None:
        """Give the height to the methods while they are open, and to the ranking."""
        opened = self.setup.button.isChecked()
        self._column.setStretchFactor(self.setup, 1 if opened else 0)
        self._column.setStretchFactor(self.ranking, 0 if self.ranking.isHidden() else 2)
