"""A grid of fields for the parameters of a dataclass that is no method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.widgets.fields import make_field
from app.widgets.parameter_words import tooltip
from core import params
from core.params import Value


class ParameterGrid(QWidget):
    """Labels and fields for all parameters of a dataclass.

    Attributes
    ----------
    changed : Signal
        The user changed a value.
    """

    changed = Signal()

    def __init__(self, described: type[Any], prefix: str) -> None:
        super().__init__()
        self._params = {p.name: p for p in params.describe(described)}
        self._fields = {
            name: make_field(p, f"{prefix}-{name}", slider=False) for name, p in self._params.items()
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for number, (name, p) in enumerate(self._params.items()):
            field = self._fields[name]
            label = QLabel(p.label)
            label.setBuddy(field)
            label.setToolTip(tooltip(p))
            grid.addWidget(label, 2 * number, 0)
            grid.addWidget(field, 2 * number, 1)
            grid.addWidget(field.sentence, 2 * number + 1, 0, 1, 2)
            field.edited.connect(self.changed)
        self.set_values({name: p.default for name, p in self._params.items()})

    def values(self) -> dict[str, Value]:
        """Return the current values."""
        return {name: field.value() for name, field in self._fields.items()}

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Set some values, without emitting `changed`."""
        for name, value in values.items():
            with QSignalBlocker(self._fields[name]):
                self._fields[name].set_value(self._params[name].check(value))

    def allow(self, name: str, reason: str) -> None:
        """Disable a parameter without effect, with the reason as its tooltip; "" enables it."""
        self._fields[name].setEnabled(not reason)
        self._fields[name].setToolTip(f"<p>{reason}</p>" if reason else tooltip(self._params[name]))
