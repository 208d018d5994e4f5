"""The plot of the loss in the Train panel: trend, level of Instant, wheel; and the sentence at the end."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QScrollArea

from app.panels.training.loss_plot import LossPlot, trend
from core.learning.outcome import level_of_instant
from core.stack import Stack
from tests.driver import Driver


def test_the_trend_is_the_running_mean_of_past_losses():
    losses = np.random.default_rng(0).uniform(1, 2, 300)
    curve = [(10 * n, float(loss)) for n, loss in enumerate(losses)]
    found = trend(curve)
    assert [step for step, _ in found] == [step for step, _ in curve]
    assert found[200][1] == pytest.approx(losses[191:201].mean())
    assert found[3][1] == pytest.approx(losses[:4].mean())
    assert trend(curve[:4]) == []


def test_the_level_of_instant_is_a_dashed_line_with_a_legend(qtbot):
    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.show()
    curve = [(n, 1.0 + 1 / (n + 1)) for n in range(60)]
    plot.show_curves(curve, curve[::10])
    assert not plot.curves.instant.isVisible()
    assert "Instant" not in plot.legend.text()
    plot.show_curves(curve, curve[::10], 1.25)
    assert plot.curves.instant.isVisible()
    assert plot.curves.instant.value() == pytest.approx(np.log10(1.25))
    assert plot.curves.instant.pen.style() == Qt.PenStyle.DashLine
    assert "Instant" in plot.legend.text()
    plot.show_curves(curve, curve[::10], None)
    assert "Instant" not in plot.legend.text()


def wheel(driver: Driver, name: str) -> None:
    """Turn the wheel down over the middle of a widget, as the window receives it."""
    area = driver.widget(name).viewport()
    at, far = QPointF(area.rect().center()), QPointF(area.mapToGlobal(area.rect().center()))
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, far, QPoint(), QPoint(0, 120), none, Qt.KeyboardModifier.NoModifier, phase, False)
    QApplication.sendEvent(area, event)


def test_a_training_ends_with_a_sentence_and_the_panel_scrolls_over_the_plot(driver: Driver):
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:96, :96]
    light = 400 + 200 * np.sin(x / 7) * np.cos(y / 9)
    stack = Stack.of(rng.normal(light, 20, (4, 96, 96)).astype(np.float32), "TYX", name="waves")
    window = driver.window
    window.resize(1100, 620)
    window.session.open(stack, {0: (0.0, 800.0)})
    driver.trigger("show-train")
    driver.choose("training-method", "Noise2Void")
    driver.set("n2v-steps", 6)
    driver.set("n2v-seconds", 0)
    driver.widget("network-automatic").setChecked(False)
    driver.click("training-start")
    assert driver.widget("training-summary").text().startswith("Noise2Void, preset")
    panel = window.training_panel
    driver.wait(lambda: panel.network.kept != ())
    record = panel.network.kept[-1].model.record
    assert "On held-out pixels" in driver.widget("network-findings").text()
    level = level_of_instant(record.findings)
    assert level is not None
    assert level < record.curve[-1][2]  # six steps are too few
    assert panel.plot.curves.instant.value() == pytest.approx(np.log10(level))
    bar = panel.findChild(QScrollArea).verticalScrollBar()
    driver.qtbot.waitUntil(lambda: bar.value() > 0)  # down to the network
    assert driver.widget("training-summary").isVisible()
    assert driver.widget("training-summary").text().startswith("Noise2Void")
    for _ in range(40):
        before = bar.value()
        wheel(driver, "loss-plot")
        if bar.value() == before:
            break
    assert bar.value() == 0
    assert not driver.widget("training-summary").isVisible()
    driver.wait()
