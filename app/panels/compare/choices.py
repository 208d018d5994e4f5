"""What to compare: methods to tick, region, time, and the reference."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.shell.snapshot import Reference
from core.methods.base import Method, summary

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.work.contenders import Contender

SECONDS = 60
"""Default time of a comparison, in seconds."""


class CompareChoices(QWidget):
    """A list of methods to tick, and how to compare them.

    Attributes
    ----------
    changed : Signal
        The user changed something.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._methods: list[Method] = []
        self.list = QListWidget()
        self.list.setObjectName("compare-methods")
        self.list.setAccessibleName("Methods to compare")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self.changed)
        self.region = QComboBox()
        self.region.setObjectName("compare-region")
        self.region.addItem("Visible region", "visible")
        self.region.addItem("Whole plane", "plane")
        self.region.setToolTip(
            "<p>Part of the displayed plane that is compared. Networks are trained on the whole stack.</p>"
        )
        self.region.currentIndexChanged.connect(self.changed)
        self.seconds = QSpinBox()
        self.seconds.setObjectName("compare-seconds")
        self.seconds.setRange(5, 36_000)
        self.seconds.setSingleStep(30)
        self.seconds.setSuffix(" s")
        self.seconds.setValue(SECONDS)
        self.seconds.setToolTip(
            "<p>Time of the whole comparison in seconds. The ticked networks share what the other methods "
            "and the estimates leave; each is trained for at least a quarter of an even share.</p>"
        )
        self.seconds.valueChanged.connect(self.changed)
        self.reference = QCheckBox()
        self.reference.setObjectName("compare-reference")
        self.reference.toggled.connect(self.changed)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        for row, (text, field) in enumerate((("Re&gion", self.region), ("T&ime", self.seconds))):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list, 1)
        column.addLayout(grid)
        column.addWidget(self.reference)
        self.show_reference(None)

    def offer(self, contenders: Sequence[Contender]) -> None:
        """List methods, with the proposed ones ticked."""
        self._methods = []
        with QSignalBlocker(self.list):
            self.list.clear()
            for one in contenders:
                self._append(one.method, ticked=one.proposed, doubt=one.doubt)
        self.changed.emit()

    def tick(self, methods: Sequence[Method]) -> None:
        """Tick these methods only; those that are not listed yet are appended."""
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                self.list.item(row).setCheckState(Qt.CheckState.Unchecked)
            for method in methods:
                if method not in self._methods:
                    self._append(method, ticked=True, doubt="")
                self.list.item(self._methods.index(method)).setCheckState(Qt.CheckState.Checked)
        self.changed.emit()

    def _append(self, method: Method, *, ticked: bool, doubt: str) -> None:
        from core import params

        same = any(type(other) is type(method) for other in self._methods)
        brief = type(method).in_brief(params.values(method)) if same else ""
        item = QListWidgetItem(f"{method.label} ({brief})" if brief else method.label)
        item.setFlags(
            Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable
        )
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        item.setSizeHint(QSize(0, self.list.fontMetrics().height() + 10))
        item.setToolTip(
            f"<p>{summary(type(method))}{f' Not proposed: {html.escape(doubt)}' if doubt else ''}</p>"
        )
        self._methods.append(method)
        self.list.addItem(item)

    def chosen(self) -> tuple[Method, ...]:
        """Return the ticked methods."""
        return tuple(
            method for row, method in enumerate(self._methods)
            if self.list.item(row).checkState() == Qt.CheckState.Checked
        )  # fmt: skip

    def show_reference(self, reference: Reference | None) -> None:
        """Show the reference of the document, used unless the user unticks it."""
        with QSignalBlocker(self.reference):
            self.reference.setEnabled(reference is not None)
            self.reference.setChecked(reference is not None)
            self.reference.setText("Use the &reference")
        name = "" if reference is None else html.escape(reference.label)
        name += ", fitted" if reference is not None and reference.affine else ""
        self.reference.setToolTip(
            f"<p>Rank by the PSNR against the reference ({name}), instead of by the estimated error.</p>"
            if reference
            else "<p>The document has no reference; errors are estimated. Choose one in the Metrics tab.</p>"
        )

    @property
    def whole(self) -> bool:
        """Whether the whole plane is compared."""
        return str(self.region.currentData()) == "plane"
