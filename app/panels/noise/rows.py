"""The lines of a noise report: traffic light, value, sentence and a button for the proposal."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.shell.theme import colors, current
from core.findings import Proposal
from core.noise.report import Entry

SIGNS = {"good": "●", "tip": "◆", "caution": "▲", "stop": "■"}
"""Shape of each traffic light: it can be told without colours, and beside it stands the word."""


class EntryRow(QWidget):
    """One line of a report.

    Attributes
    ----------
    taken : Signal of Proposal
        The user accepted the proposal.
    marked : Signal of bool
        The user wants the pixels of this line marked in the image, or not any more.
    """

    taken = Signal(object)
    marked = Signal(bool)

    def __init__(self, entry: Entry, *, markable: bool = False) -> None:
        super().__init__()
        self.entry = entry
        self.setObjectName(f"noise-{entry.topic}")
        self.light = QLabel()
        self.light.setObjectName(f"noise-{entry.topic}-light")
        self.light.setFixedWidth(self.light.fontMetrics().horizontalAdvance("▲ caution") + 2)
        self.light.setAlignment(Qt.AlignmentFlag.AlignTop)
        value = f"&nbsp; <nobr>{html.escape(entry.text)}</nobr>" if entry.text else ""
        self.value = _label(f"noise-{entry.topic}-value", f"<b>{html.escape(entry.title)}</b>{value}")
        self.value.setTextFormat(Qt.TextFormat.RichText)
        self.value.setToolTip(f"<p>{html.escape(entry.finding.text)}</p>")
        self.sentence = _label(f"noise-{entry.topic}-sentence", entry.finding.text)
        self.sentence.setProperty("class", "muted")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.light, 0, 0)
        grid.addWidget(self.value, 0, 1)
        grid.addWidget(self.sentence, 1, 1)
        proposal = entry.finding.proposal
        if proposal is not None:
            button = QPushButton(proposal.label)
            button.setObjectName(f"noise-{entry.topic}-take")
            button.setToolTip(f"<p>{html.escape(_effect(proposal))}</p>")
            button.clicked.connect(self._on_take)
            grid.addWidget(button, 2, 1, Qt.AlignmentFlag.AlignLeft)
        if markable:
            mark = QCheckBox("Mark them in the image")
            mark.setObjectName("noise-mark")
            mark.toggled.connect(self.marked)
            grid.addWidget(mark, 3, 1)
        self.refresh_colors()

    def explain(self, *, everything: bool) -> None:
        """Show the sentence; of good lines only if everything is explained."""
        self.sentence.setVisible(everything or self.entry.light != "good" or self.entry.topic == "advice")

    def refresh_colors(self) -> None:
        """Apply the colours of the theme."""
        tokens, light = colors(), self.entry.light
        colour = {
            "good": tokens.success, "tip": tokens.accent, "caution": tokens.warning, "stop": tokens.error,
        }[light]  # fmt: skip
        self.light.setText(f'<span style="color:{colour}">{SIGNS[light]}</span> {light}')

    @Slot()
    def _on_take(self) -> None:
        self.taken.emit(self.entry.finding.proposal)


class EntryList(QWidget):
    """All lines of a report.

    Attributes
    ----------
    taken : Signal of Proposal
        The user accepted a proposal.
    marked : Signal of bool
        The user wants hot and dead pixels marked in the image, or not any more.
    """

    taken = Signal(object)
    marked = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[EntryRow] = []
        self._everything = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(9)
        current().changed.connect(self._on_theme)

    def show_entries(self, entries: Sequence[Entry], *, markable: bool) -> None:
        """Replace the lines.

        Parameters
        ----------
        entries : sequence of Entry
            Lines of a report.
        markable : bool
            Whether there are hot or dead pixels that can be marked.
        """
        if [row.entry for row in self._rows] == list(entries):
            return
        for row in self._rows:
            self._column.removeWidget(row)
            row.setParent(None)
            row.deleteLater()
        self._rows = [EntryRow(one, markable=markable and one.topic == "defects") for one in entries]
        for number, row in enumerate(self._rows):
            row.taken.connect(self.taken)
            row.marked.connect(self.marked)
            self._column.insertWidget(number, row)
            row.show()  # at once: the layout shows it later
        self.explain(self._everything)

    @Slot(bool)
    def explain(self, everything: bool) -> None:
        """Show the sentence of every line, or only of those that need attention."""
        self._everything = everything
        for row in self._rows:
            row.explain(everything=everything)

    @Slot()
    def _on_theme(self) -> None:
        for row in self._rows:
            row.refresh_colors()


def _label(name: str, text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    policy = label.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)
    return label


def _effect(proposal: Proposal) -> str:
    """Return what a button does."""
    from core.catalogue import find
    from core.params import describe

    if proposal.action == "calibrate":
        return "Measure offset, read noise and gain of this camera once, from dark frames or a flat stack."
    if proposal.action == "leave-out":
        return "Open the stack without these frames or planes; the file is not changed."
    if proposal.action == "noise-model":
        return "Make a noise model, and compare it with the data."
    if not proposal.method:
        return (
            f"Select the preset {proposal.preset.capitalize()} in the Train tab, for the method chosen there."
        )
    method = find(proposal.method)
    known = {p.name: p for p in describe(method)}
    changes = [f"Select the method {method.label}."]
    changes += [f"Set {known[name].show(value)}." for name, value in proposal.params.items() if name in known]
    return " ".join(changes)
