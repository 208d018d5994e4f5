"""Widgets for single parameters: numbers with units and sliders, switches, choices, text."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import cast

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QStandardItemModel, QValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QToolButton,
    QWidget,
)

from app.widgets.common import Sentence
from app.widgets.parameter_words import UNLIMITED, tooltip
from core.errors import QuietfieldError
from core.params import Param, Value

NUMBER_WIDTH = 108
"""Width of a number with its unit beside a slider, in pixels at 100 %."""

CHOICE_WIDTH = 140
"""Choices with wider texts, in pixels at 100 %, get a row of their own."""

SLIDER_STEPS = 1000
"""Ranges with more steps have no slider."""

LONGEST_LINE = 500
"""Number of characters above which a text is described instead of shown."""

PATIENCE = 500
"""Delay in milliseconds before an invalid input is explained."""


class Field(QWidget):
    """Widgets of one parameter; `sentence` shows an error message below them while the input is invalid."""

    edited = Signal()
    wide = False
    """Whether the field needs a row of its own, below its label."""

    def __init__(self, p: Param) -> None:
        super().__init__()
        self.param = p
        self.sentence = Sentence()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)

    def take(self, main: QWidget, name: str) -> None:
        """Set the widget that has the keyboard focus and the object name."""
        main.setObjectName(name)
        self.sentence.setObjectName(f"{name}-sentence")
        main.setAccessibleName(self.param.label)
        main.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        main.installEventFilter(_wheel_guard(self))
        self.setToolTip(tooltip(self.param))
        self.setFocusProxy(main)
        self.row.addWidget(main)

    def value(self) -> Value:
        raise NotImplementedError

    def set_value(self, value: Value) -> None:
        raise NotImplementedError

    def allow_choices(self, reasons: Mapping[str, str]) -> None:
        """Disable choices, each with its reason; only choices have an effect."""


class _WheelGuard(QObject):
    """Makes the wheel scroll the panel instead of changing values without focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def _wheel_guard(owner: QObject) -> _WheelGuard:
    return _WheelGuard(owner)


class _SpinBox(QDoubleSpinBox):
    """A number input that accepts point or comma, and shows only the digits needed."""

    def __init__(self, p: Param) -> None:
        super().__init__()
        self._param = p
        whole = p.kind == "int"
        self.setDecimals(0 if whole else 8)
        step = p.step or (1.0 if whole else 0.1)
        self.setSingleStep(2.0 * max(1, round(step / 2)) if p.odd else step)
        low = p.ge if p.gt is None else p.gt + (1.0 if whole else 1e-8)
        self.setRange(-UNLIMITED if low is None else low, UNLIMITED if p.le is None else p.le)
        if p.unit:
            self.setSuffix(f" {p.unit}")

    def read(self, text: str) -> str:
        """Return the number in the input's text, with a decimal point."""
        return text.removesuffix(self.suffix()).strip().replace(",", ".").replace("−", "-")

    def textFromValue(self, value: float) -> str:
        return str(round(value)) if self.decimals() == 0 else f"{value:.10g}"

    def valueFromText(self, text: str) -> float:
        try:
            return float(self.read(text))
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        word = self.read(text)
        whole = self.decimals() == 0
        allowed = "0123456789+-" if whole else "0123456789+-.eE"
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        # a too large number can become smaller only by an exponent, as in 3e-5
        if any(letter not in allowed for letter in word) or (whole and value > self.maximum() >= 0):
            state = QValidator.State.Invalid
        elif not value >= self.minimum() or value > self.maximum() or (self._param.odd and value % 2 != 1):
            state = QValidator.State.Intermediate
        else:
            state = QValidator.State.Acceptable
        return state, text, position

    def stepBy(self, steps: int) -> None:
        if self._param.gt is not None and self.value() + steps * self.singleStep() <= self._param.gt:
            return  # a value above an exclusive bound is typed, not stepped to
        # the sum of many steps of 0.1 must not appear as 0.30000000000000004
        self.setValue(round(self.value() + steps * self.singleStep(), 8))


class _Number(Field):
    def __init__(self, p: Param, name: str, *, slider: bool) -> None:
        super().__init__(p)
        self.box = _SpinBox(p)
        self.take(self.box, name)
        self.box.setMinimumWidth(NUMBER_WIDTH)  # instead of the width of the widest possible number
        self.slider = self._make_slider(name) if slider else None
        if self.slider is not None:
            self.box.setFixedWidth(NUMBER_WIDTH)
            self.row.addWidget(self.slider, 1)
            self.slider.valueChanged.connect(self._on_slider)
        self.box.valueChanged.connect(self._on_value)
        self.box.lineEdit().textEdited.connect(self._on_typed)
        self.box.editingFinished.connect(self.sentence.clear)
        self._wrong = QTimer(self, singleShot=True, interval=PATIENCE)
        self._wrong.timeout.connect(self._complain)

    def _make_slider(self, name: str) -> QSlider | None:
        p = self.param
        low, high, step = self.box.minimum(), self.box.maximum(), self.box.singleStep()
        if high >= UNLIMITED or low <= -UNLIMITED or (high - low) / step > SLIDER_STEPS:
            return None
        self._low, self._high, self._step = (low if p.gt is None else p.gt), high, step
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(f"{name}-slider")
        slider.setRange(0 if p.gt is None else 1, max(2, math.ceil((high - low) / step)))
        slider.setMinimumWidth(48)
        # Tab skips the slider, since the box does the same by keyboard
        slider.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        slider.setAccessibleName(p.label)
        slider.installEventFilter(_wheel_guard(self))
        # small values need the finer resolution if the range is long
        self._power = 2.0 if (high - low) / step > 60 else 1.0
        return slider

    def _on_slider(self, place: int) -> None:
        assert self.slider is not None
        share = (place / self.slider.maximum()) ** self._power
        steps = round(share * (self._high - self._low) / self._step)
        low = self._low
        self.box.setValue(round(min(low + max(steps, self.slider.minimum()) * self._step, self._high), 8))

    def _on_value(self, value: float) -> None:
        self._wrong.stop()
        self.sentence.clear()
        self._follow(value)
        self.edited.emit()

    def _follow(self, value: float) -> None:
        if self.slider is not None:
            share = max(0.0, (value - self._low) / (self._high - self._low)) ** (1 / self._power)
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(share * self.slider.maximum()))

    def _on_typed(self) -> None:
        self.sentence.clear()
        self._wrong.start()

    def _complain(self) -> None:
        try:
            self.param.parse(self.box.read(self.box.lineEdit().text()))
        except QuietfieldError as error:
            self.sentence.say(str(error))

    def value(self) -> Value:
        return self.param.check(round(self.box.value(), 8))

    def set_value(self, value: Value) -> None:
        with QSignalBlocker(self.box):
            self.box.setValue(float(value))
        self._follow(float(value))
        self.sentence.clear()


class _Check(Field):
    def __init__(self, p: Param, name: str) -> None:
        super().__init__(p)
        self.box = QCheckBox(p.label)
        self.take(self.box, name)
        self.box.toggled.connect(self.edited)

    def value(self) -> Value:
        return self.box.isChecked()

    def set_value(self, value: Value) -> None:
        with QSignalBlocker(self.box):
            self.box.setChecked(bool(value))


class _Choice(Field):
    def __init__(self, p: Param, name: str) -> None:
        super().__init__(p)
        self.box = QComboBox()
        for key, label in p.choices.items():
            self.box.addItem(label, key)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(8)
        metrics = self.box.fontMetrics()
        self.wide = max(metrics.horizontalAdvance(label) for label in p.choices.values()) > CHOICE_WIDTH
        self.take(self.box, name)
        self.box.currentIndexChanged.connect(self.edited)

    def value(self) -> Value:
        return cast(str, self.box.currentData())

    def set_value(self, value: Value) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))

    def allow_choices(self, reasons: Mapping[str, str]) -> None:
        model = self.box.model()
        assert isinstance(model, QStandardItemModel)
        for index, key in enumerate(self.param.choices):
            item, reason = model.item(index), reasons.get(key, "")
            item.setEnabled(not reason)
            item.setToolTip(f"<p>{html.escape(reason)}</p>" if reason else "")


class _Text(Field):
    def __init__(self, p: Param, name: str) -> None:
        super().__init__(p)
        self.box = QLineEdit()
        self._content = ""
        self.take(self.box, name)
        self.box.textEdited.connect(self._on_edited)
        if p.file:
            self.choose = QToolButton()
            self.choose.setText("…")
            self.choose.setObjectName(f"{name}-choose")
            self.choose.setAccessibleName(f"Choose a file: {p.label}")
            self.choose.setToolTip("<p>Choose a file.</p>")
            self.choose.clicked.connect(self._on_choose)
            self.row.addWidget(self.choose)
        if p.words is not None:
            self.box.setPlaceholderText(p.words(""))

    def ask(self) -> str:
        """Ask for a file; "" if the dialog is cancelled."""
        return QFileDialog.getOpenFileName(self, self.param.label, "", self.param.file)[0]

    def _on_choose(self) -> None:
        if path := self.ask():
            self.set_value(path)
            self.edited.emit()

    def _on_edited(self) -> None:
        self._content = ""
        self.edited.emit()

    def value(self) -> Value:
        return self._content or self.box.text().strip()

    def set_value(self, value: Value) -> None:
        # the content of a file, as trained networks keep it, would be unreadable, and cut by the widget
        text, words = str(value), self.param.words
        described = words is not None and (len(text) > LONGEST_LINE or text.startswith("{"))
        self._content = text if described else ""
        with QSignalBlocker(self.box):
            self.box.setText("" if self._content else text)
        if words is not None:
            self.box.setPlaceholderText(words(self._content))


def make_field(p: Param, name: str, *, slider: bool = True) -> Field:
    """Create the widgets of a parameter.

    Parameters
    ----------
    p : Param
        Description of the parameter.
    name : str
        Object name of the widget with the keyboard focus.
    slider : bool
        Whether a number with a short range gets a slider.
    """
    if p.kind == "bool":
        return _Check(p, name)
    if p.kind == "choice":
        return _Choice(p, name)
    if p.kind == "text":
        return _Text(p, name)
    return _Number(p, name, slider=slider)
