"""A form generated from the description of a method's parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.widgets.common import Section, pass_drops_on
from app.widgets.fields import Field, make_field
from app.widgets.parameter_words import tooltip
from core import params
from core.errors import QuietfieldError
from core.methods.base import Method
from core.params import Param, Value

LABEL_WIDTH = 118
"""Maximum width of a label before it is wrapped, in pixels at 100 %."""


class Form(QWidget):
    """Widgets for all parameters of a method, in the order of their declaration.

    Parameters
    ----------
    method_class : type of Method
        Method whose parameters are edited.
    values : dict, optional
        Initial values; other parameters have their defaults.
    prominent : sequence of str, optional
        Parameters that are always visible, in this order; all others appear under "More". By default the
        description of each parameter decides.
    fields : dict of str to callable, optional
        Makes the widgets of a parameter from its description and the object name, instead of the usual ones.

    Attributes
    ----------
    changed : Signal
        The user changed a value. `set_values` does not emit it.
    auto_wanted : Signal of str
        The user wants a parameter to be chosen automatically.
    """

    changed = Signal()
    auto_wanted = Signal(str)

    def __init__(
        self,
        method_class: type[Method],
        values: Mapping[str, Value] | None = None,
        parent: QWidget | None = None,
        *,
        prominent: Sequence[str] | None = None,
        fields: Mapping[str, Callable[[Param, str], Field]] | None = None,
    ) -> None:
        super().__init__(parent)
        self.method_class = method_class
        described = params.describe(method_class)
        self._params = {p.name: p for p in described}
        self._baseline: dict[str, Value] = {p.name: p.default for p in described}
        if prominent is None:
            visible = [p for p in described if not p.advanced]
        else:
            visible = [self._params[name] for name in prominent if name in self._params]
        hidden = [p for p in described if p not in visible]
        self._fields: dict[str, Field] = {}
        self._auto: dict[str, QToolButton] = {}
        for p in (*visible, *hidden):  # the Tab order is the order of creation
            name, make = f"{method_class.name}-{p.name}", (fields or {}).get(p.name)
            self._fields[p.name] = make(p, name) if make else make_field(p, name, slider=p in visible)
            if p.auto:
                self._auto[p.name] = self._auto_button(p)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        width = self._label_width()
        layout.addLayout(self._grid(visible, width))
        self.more: Section | None = None
        if hidden:
            help = f"{len(hidden)} settings that are rarely needed"
            self.more = Section("More", f"{method_class.name}-more", help)
            self.more.body.addLayout(self._grid(hidden, width))
            layout.addWidget(self.more)
        self.reset_button = QPushButton("Reset to defaults")
        self.reset_button.setObjectName(f"{method_class.name}-reset")
        self.reset_button.clicked.connect(self.reset)
        self.reset_button.setVisible(bool(described))
        layout.addWidget(self.reset_button, 0, Qt.AlignmentFlag.AlignRight)
        for field in self._fields.values():
            field.edited.connect(self._on_edited)
        self.set_baseline({})
        self.set_values(values or {})
        pass_drops_on(self)

    def _auto_button(self, p: Param) -> QToolButton:
        button = QToolButton()
        button.setText("Auto")
        button.setObjectName(f"{self.method_class.name}-{p.name}-auto")
        button.setAccessibleName(f"Choose automatically: {p.label}")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(partial(self.auto_wanted.emit, p.name))
        self._fields[p.name].row.addWidget(button)
        return button

    def allow_auto(self, reason: str) -> None:
        """Enable the automatic choice of parameters, or disable it for a reason."""
        for button in self._auto.values():
            button.setEnabled(not reason)
            usual = "Choose the value with the smallest estimated error in the visible region"
            button.setToolTip(f"<p>{reason or usual}</p>")

    def _label_width(self) -> int:
        widths = [QLabel(p.label).sizeHint().width() for p in self._params.values() if p.kind != "bool"]
        return min(max(widths, default=0), LABEL_WIDTH)

    def _grid(self, described: list[Param], width: int) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnMinimumWidth(0, width)
        grid.setColumnStretch(1, 1)
        for p in described:
            field = self._fields[p.name]
            row = grid.rowCount()
            if p.kind == "bool":
                grid.addWidget(field, row, 0, 1, 2)
                continue
            label = QLabel(p.label)
            label.setToolTip(tooltip(p))
            label.setBuddy(field)
            if field.wide:
                grid.addWidget(label, row, 0, 1, 2)
                grid.addWidget(field, row + 1, 0, 1, 2)
                continue
            label.setWordWrap(True)
            label.setFixedWidth(width)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(field.sentence, row + 1, 0, 1, 2)
        return grid

    def field(self, name: str) -> Field | None:
        """Return the widgets of a parameter; None if there is no such parameter."""
        return self._fields.get(name)

    def values(self) -> dict[str, Value]:
        """Return the current value of every parameter."""
        return {name: self._fields[name].value() for name in self._params}

    def method(self) -> Method:
        """Return the method with the current values.

        Raises
        ------
        QuietfieldError
            If the values are not allowed in combination.
        """
        return params.build(self.method_class, self.values())

    def set_values(self, values: Mapping[str, object]) -> None:
        """Set the values of some parameters, without emitting `changed`.

        Raises
        ------
        QuietfieldError
            If a parameter does not exist or a value is not allowed; nothing is changed then.
        """
        for name in values:
            if name not in self._params:
                raise QuietfieldError(params.unknown("parameter", name, self._params))
        checked = {name: self._params[name].check(value) for name, value in values.items()}
        for name, value in checked.items():
            with QSignalBlocker(self._fields[name]):
                self._fields[name].set_value(value)
        self._mark()

    def set_baseline(self, values: Mapping[str, Value], name: str = "defaults") -> None:
        """Show these values, with defaults for the rest, and let Reset restore them under this name."""
        self.reset_button.setText(f"Reset to {name}")
        self._baseline = {p.name: values.get(p.name, p.default) for p in self._params.values()}
        self.set_values(self._baseline)

    def allow(self, name: str, reason: str = "") -> None:
        """Disable a parameter without effect, with the reason as its tooltip; "" enables it."""
        field = self._fields[name]
        field.setEnabled(not reason)
        field.setToolTip(f"<p>{reason}</p>" if reason else tooltip(self._params[name]))

    def allow_choices(self, name: str, reasons: Mapping[str, str]) -> None:
        """Disable choices of a parameter, each with the reason as its tooltip; "" enables them."""
        self._fields[name].allow_choices(reasons)

    def reset(self) -> None:
        """Restore the defaults or the preset; emits `changed` if a value changes."""
        if self.values() != self._baseline:
            self.set_values(self._baseline)
            self.changed.emit()

    @property
    def at_baseline(self) -> bool:
        """Whether every value is the default, or that of the preset."""
        return self.values() == self._baseline

    def _on_edited(self) -> None:
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        default = self.at_baseline
        self.reset_button.setEnabled(not default)
        self.reset_button.setToolTip(
            "All parameters have these values" if default else "Restore the initial values of all parameters"
        )
