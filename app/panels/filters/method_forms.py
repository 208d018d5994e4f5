"""The list of methods, with the form of the selected method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.panels.filters.method_list import MethodList
from app.widgets.form import Form
from core.catalogue import find
from core.errors import QuietfieldError
from core.methods.base import Group, Method, summary
from core.params import Value, build, describe


class MethodForms(QWidget):
    """A list of methods, a description, and one form for each method that was selected.

    A form keeps its values while another method is selected.

    Attributes
    ----------
    chosen : Signal
        Another method was selected.
    edited : Signal
        The user changed a parameter.
    auto_wanted : Signal of str
        The user wants a parameter of the selected method to be chosen automatically.
    """

    chosen = Signal()
    edited = Signal()
    auto_wanted = Signal(str)

    def __init__(self, headings: Mapping[str, Sequence[Group]]) -> None:
        super().__init__()
        self._forms: dict[str, Form] = {}
        self._axes = ""
        self.list = MethodList(headings, "filter-methods")
        self.description = QLabel()
        self.description.setObjectName("filter-description")
        self.description.setWordWrap(True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.list)
        self._column.addWidget(self.description)
        self.list.changed.connect(self._on_changed)

    @property
    def method(self) -> type[Method]:
        """The selected method."""
        return find(self.list.chosen())

    @property
    def form(self) -> Form:
        """The form of the selected method."""
        name = self.list.chosen()
        if name not in self._forms:
            form = self._forms[name] = Form(find(name))
            form.changed.connect(self.edited)
            form.auto_wanted.connect(self.auto_wanted)
            form.hide()
            self._column.addWidget(form)
        return self._forms[name]

    def choose(self, name: str) -> None:
        """Select a method by name."""
        self.list.choose(name)

    def is_on(self, method: str, switch: str) -> bool:
        """Return whether a method is selected and one of its parameters is switched on."""
        return self.list.chosen() == method and bool(self.form.values()[switch])

    def offer_for(self, axes: str) -> None:
        """Disable choices that the selected method cannot use on a stack with these axes ("" for none)."""
        self._axes = axes
        method = self.method
        for p in describe(method):
            if p.kind == "choice":
                reasons = {choice: _refusal(method, p.name, choice, axes) for choice in p.choices}
                self.form.allow_choices(p.name, reasons)

    def replace(self, name: str, old: Value, new: Value) -> None:
        """Replace one value of a parameter by another in every form that has it."""
        for form in self._forms.values():
            if form.values().get(name) == old:
                form.set_values({name: new})

    @Slot()
    def _on_changed(self) -> None:
        self.description.setText(summary(self.method))
        shown = self.form
        for form in self._forms.values():
            form.setVisible(form is shown)
        self.offer_for(self._axes)
        self.chosen.emit()


def _refusal(method: type[Method], name: str, choice: str, axes: str) -> str:
    """Return why a method cannot be used with this choice on a stack with these axes, or ""."""
    if not axes:
        return ""
    try:
        build(method, {name: choice}).check(axes)
    except QuietfieldError as error:
        return str(error)
    return ""
