"""The form: typed, dragged and selected values become the values of the method, and no others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QSlider
from pytestqt.qtbot import QtBot

from app.widgets.form import Form
from app.widgets.parameter_words import tooltip
from core import params
from core.errors import QuietfieldError
from core.methods.base import Method
from core.params import param


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything(Method):
    """Have one parameter of each kind."""

    name = "everything"

    sigma: float = param(1.0, "Sigma", help="Width <of> it", unit="px", gt=0.0, le=50.0, step=0.1)
    size: int = param(5, "Window", unit="px", ge=1, le=31, step=2, odd=True)
    keep: bool = param(True, "Keep the mean", help="Whether to keep it")
    border: str = param("reflect", "Border", choices={"reflect": "Reflected", "zero": "Zero"})
    note: str = param("", "Note")
    rate: float = param(4e-4, "Learning rate", gt=0.0, le=1.0, step=1e-4, advanced=True)
    seed: int = param(0, "Seed", ge=0, advanced=True)


@pytest.fixture
def form(qtbot: QtBot) -> Form:
    form = Form(Everything)
    form.resize(300, 400)
    qtbot.addWidget(form)
    form.show()
    qtbot.waitExposed(form)
    return form


def number(form: Form, name: str) -> QDoubleSpinBox:
    return form.findChild(QDoubleSpinBox, f"everything-{name}")


def type_into(qtbot: QtBot, box: QDoubleSpinBox, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)


def test_begins_with_the_defaults_or_the_values_given(qtbot: QtBot, form: Form) -> None:
    assert form.method() == Everything()
    other = Form(Everything, {"sigma": 2.5, "keep": False})
    qtbot.addWidget(other)
    assert other.method() == Everything(sigma=2.5, keep=False)


def test_every_kind_of_field_changes_the_method_and_says_so(qtbot: QtBot, form: Form) -> None:
    with qtbot.waitSignal(form.changed):
        type_into(qtbot, number(form, "sigma"), "2.25")
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(number(form, "size"), Qt.Key.Key_Up)
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(form.findChild(QCheckBox, "everything-keep"), Qt.Key.Key_Space)
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(form.findChild(QComboBox, "everything-border"), Qt.Key.Key_Down)
    with qtbot.waitSignal(form.changed):
        qtbot.keyClicks(form.findChild(QLineEdit, "everything-note"), "abc ")
    form.more.set_open(True)
    type_into(qtbot, number(form, "rate"), "3e-5")
    assert form.method() == Everything(sigma=2.25, size=7, keep=False, border="zero", note="abc", rate=3e-5)


def test_set_values_shows_without_emitting(qtbot: QtBot, form: Form) -> None:
    with qtbot.assertNotEmitted(form.changed):
        form.set_values({"sigma": 3.0, "size": 9, "keep": False, "border": "zero", "note": "x"})
    assert form.values()["sigma"] == 3.0
    assert number(form, "sigma").text() == "3 px"
    assert form.findChild(QComboBox, "everything-border").currentText() == "Zero"


def test_set_values_is_all_or_nothing(form: Form) -> None:
    with pytest.raises(QuietfieldError, match="Window"):
        form.set_values({"sigma": 3.0, "size": 4})
    with pytest.raises(QuietfieldError, match="Did you mean 'sigma'"):
        form.set_values({"sigm": 3.0})
    assert form.method() == Everything()


def test_comma_is_a_decimal_point(qtbot: QtBot, form: Form) -> None:
    type_into(qtbot, number(form, "sigma"), "1,5")
    assert form.values()["sigma"] == 1.5


def test_what_cannot_become_a_value_cannot_be_typed(qtbot: QtBot, form: Form) -> None:
    type_into(qtbot, number(form, "sigma"), "9px")
    assert number(form, "sigma").cleanText() == "9"
    type_into(qtbot, number(form, "size"), "3.5")
    assert form.values()["size"] == 3, "a point has no place here, and 35 is above 31"
    type_into(qtbot, number(form, "sigma"), "999")
    assert form.values()["sigma"] == 9.0, "99 is above 50"
    qtbot.keyClick(number(form, "sigma"), Qt.Key.Key_Tab)
    assert number(form, "sigma").text() == "9 px"


def test_unfinished_input_gets_a_sentence_and_then_the_last_value(qtbot: QtBot, form: Form) -> None:
    box = number(form, "size")
    type_into(qtbot, box, "4")
    sentence = form.findChild(QLabel, "everything-size-sentence")
    qtbot.waitUntil(sentence.isVisible)
    assert "Window (size) is 4.0; it must be an odd number" in sentence.text()
    assert form.values()["size"] == 5
    qtbot.keyClick(box, Qt.Key.Key_Tab)
    assert box.text() == "5 px"
    assert not sentence.isVisible()


def test_a_value_that_must_be_above_zero_is_not_stepped_to_zero(qtbot: QtBot, form: Form) -> None:
    box = number(form, "sigma")
    for _ in range(15):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert form.values()["sigma"] == 0.1
    type_into(qtbot, box, "0.04")
    assert form.values()["sigma"] == 0.04


def test_the_slider_covers_the_range_and_keeps_to_steps(qtbot: QtBot, form: Form) -> None:
    slider = form.findChild(QSlider, "everything-sigma-slider")
    slider.setValue(slider.maximum())
    assert form.values()["sigma"] == 50.0
    slider.setValue(slider.minimum())
    assert form.values()["sigma"] == 0.1
    seen = set()
    for place in range(slider.minimum(), slider.maximum() + 1):
        slider.setValue(place)
        value = float(form.values()["sigma"])
        assert round(value, 1) == value
        seen.add(value)
    assert {0.5, 1.0, 1.5, 2.0} <= seen
    odd = form.findChild(QSlider, "everything-size-slider")
    for place in range(odd.minimum(), odd.maximum() + 1):
        odd.setValue(place)
        assert int(form.values()["size"]) % 2 == 1


def test_the_slider_follows_the_number(qtbot: QtBot, form: Form) -> None:
    slider = form.findChild(QSlider, "everything-sigma-slider")
    form.set_values({"sigma": 50.0})
    assert slider.value() == slider.maximum()
    type_into(qtbot, number(form, "sigma"), "0.1")
    assert slider.value() <= 0.06 * slider.maximum()


def test_a_wheel_that_scrolls_the_panel_changes_nothing(qtbot: QtBot, form: Form) -> None:
    box = number(form, "sigma")
    form.findChild(QLineEdit, "everything-note").setFocus()
    wheel = QWheelEvent(
        QPointF(5, 5), QPointF(box.mapToGlobal(QPoint(5, 5))), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, wheel)
    assert form.values()["sigma"] == 1.0


def test_advanced_parameters_wait_under_more(qtbot: QtBot, form: Form) -> None:
    assert number(form, "sigma").isVisible()
    assert not number(form, "rate").isVisible()
    qtbot.keyClick(form.more.button, Qt.Key.Key_Space)
    assert number(form, "rate").isVisible()


def test_reset_returns_to_the_defaults_or_the_preset(qtbot: QtBot, form: Form) -> None:
    assert not form.reset_button.isEnabled()
    type_into(qtbot, number(form, "sigma"), "7")
    with qtbot.waitSignal(form.changed):
        qtbot.mouseClick(form.reset_button, Qt.MouseButton.LeftButton)
    assert form.method() == Everything()
    form.set_baseline({"sigma": 4.0})
    assert form.method() == Everything(sigma=4.0)
    type_into(qtbot, number(form, "sigma"), "7")
    form.reset()
    assert form.method() == Everything(sigma=4.0)


def test_tab_goes_through_the_fields_in_order(qtbot: QtBot, form: Form) -> None:
    number(form, "sigma").setFocus()
    visited = []
    for _ in range(5):
        visited.append(QApplication.focusWidget().objectName().removeprefix("everything-"))
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert visited == ["sigma", "size", "keep", "border", "note"]


def test_tooltips_tell_help_unit_range_and_default() -> None:
    described = {p.name: p for p in params.describe(Everything)}
    assert tooltip(described["sigma"]) == (
        "<p>Width &lt;of&gt; it</p><p>In px, above 0 to 50, default 1.</p>"
    )
    assert "from 1 to 31, odd, default 5" in tooltip(described["size"])
    assert "default Reflected" in tooltip(described["border"]).replace("Default", "default")
