"""Findings in a panel: their messages, and a button for every proposed change."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.widgets.common import Sentence
from core.catalogue import find
from core.findings import Finding, Proposal
from core.methods.base import Method
from core.params import describe


class FindingsView(QWidget):
    """Messages of findings, with a button for every proposal that the panel can execute.

    Parameters
    ----------
    name : str
        Prefix of the object names: ``<name>-findings`` of the messages, ``<name>-<code>`` of a button.
    groups : collection of str
        Groups of methods that the panel offers.
    warning : bool
        Whether the messages are marked as warnings.

    Attributes
    ----------
    taken : Signal of Proposal
        The user accepted a proposal.
    """

    taken = Signal(object)

    def __init__(self, name: str, groups: Collection[str], *, warning: bool) -> None:
        super().__init__()
        self._name, self._groups = name, groups
        self.words = Sentence(f"{name}-findings", warning=warning)
        self._buttons: dict[str, QPushButton] = {}
        self._proposals: dict[str, Proposal] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.words)
        self.hide()

    def show_findings(self, findings: Sequence[Finding], method: type[Method]) -> None:
        """Show findings about the selected method; hide the widget if there are none."""
        words = " ".join(finding.text for finding in findings)
        if words != self.words.text():
            self.words.say(words)
        self._proposals = {f.code: f.proposal for f in findings if f.proposal is not None}
        for code, proposal in self._proposals.items():
            self._button(code).setText(proposal.label)
            self._button(code).setToolTip(f"<p>{self._change(proposal, method)}</p>")
        for code, button in self._buttons.items():
            button.setVisible(code in self._proposals and bool(self._change(self._proposals[code], method)))
        self.setVisible(bool(words))

    def clear(self) -> None:
        """Remove all findings."""
        self.show_findings((), Method)

    def _change(self, proposal: Proposal, method: type[Method]) -> str:
        """Return a description of a proposed change; "" if the panel cannot execute it."""
        chosen = find(proposal.method) if proposal.method else method
        known = {p.name: p for p in describe(chosen)}
        if chosen.group not in self._groups or not set(proposal.params) <= set(known):
            return ""
        changes = [f"Select the method {chosen.label}."] if proposal.method else []
        changes += [f"Set {known[name].show(value)}." for name, value in proposal.params.items()]
        return " ".join(changes)

    def _button(self, code: str) -> QPushButton:
        if code not in self._buttons:
            button = self._buttons[code] = QPushButton()
            button.setObjectName(f"{self._name}-{code}")
            button.clicked.connect(self._on_clicked)
            self._layout.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)
        return self._buttons[code]

    @Slot()
    def _on_clicked(self) -> None:
        for code, button in self._buttons.items():
            if button is self.sender():
                self.taken.emit(self._proposals[code])
