from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.view_state import LUTS, View, auto_levels, full_range
from app.viewer.contrast import ContrastPanel
from app.viewer.histogram import count
from core.stack import Stack
from tests.app.viewer_tools import LEFT, drag


@pytest.fixture
def panel(session: Session, jobs: Jobs, qtbot: QtBot) -> Iterator[ContrastPanel]:
    panel = ContrastPanel(session, jobs)
    qtbot.addWidget(panel)
    panel.resize(280, 280)
    panel.show()
    qtbot.waitExposed(panel)
    yield panel
    qtbot.waitUntil(lambda: not jobs.running)
    qtbot.wait(150)


def _open(session: Session, dtype: str = "u2") -> np.ndarray:
    pixels = np.random.default_rng(2).normal(1000, 100, (3, 64, 64)).astype(dtype)
    pixels[:, :32] //= 2
    session.open(Stack.of(pixels, "TYX"), {0: (500.0, 1500.0)})
    return pixels


def _child(panel: QWidget, kind: type[QWidget], name: str) -> QWidget:
    found = panel.findChild(kind, name)
    assert isinstance(found, kind)
    return found


def _levels(session: Session) -> tuple[float, float]:
    return session.snapshot.levels[0]


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
def test_every_finite_pixel_is_counted(dtype: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 120, (50, 60)).astype(dtype)
    counts = count(pixels, full_range(pixels))
    assert counts.counts.sum() == pixels.size
    if dtype != "f4":  # one bin for each value
        assert counts.counts.tolist() == np.bincount(pixels.ravel().astype(int))[pixels.min() :].tolist()


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize(("low", "high"), [(1, 255), (0, 255), (10, 190)])
def test_whole_numbers_show_no_comb(dtype: str, low: int, high: int) -> None:
    values = np.arange(low, high + 1, dtype=dtype)
    counts = count(np.tile(values, (64, 1)), (0.0, 255.0))
    assert set(counts.counts.tolist()) == {64}
    assert (counts.low, counts.high) == (low, high + 1)
    wide = count(np.tile(np.arange(300, dtype=dtype if dtype != "u1" else "u2"), (64, 1)), (0.0, 300.0))
    assert set(wide.counts.tolist()) == {128}, "two in every bin"


def test_odd_planes_are_counted() -> None:
    for pixels in (
        np.full((3, 3), np.nan, np.float32),
        np.full((3, 3), 7, np.uint16),
        np.full((3, 3), 7, np.float32),
        np.array([[0, 65535]], np.uint16),
    ):
        counts = count(pixels, full_range(pixels))
        assert counts.counts.sum() == np.isfinite(pixels).sum()
        assert counts.low < counts.high


def test_nothing_works_without_a_document(panel: ContrastPanel) -> None:
    for button in panel.findChildren(QPushButton):
        assert not button.isEnabled()
        assert button.toolTip() == "Open a stack first."
    panel.press_auto()
    panel.reset()


def test_auto_uses_the_visible_part_and_saturates_more_each_time(
    panel: ContrastPanel, session: Session, qtbot: QtBot
) -> None:
    pixels = _open(session)
    session.set_view(View(0, 32, 0, 64))
    visible = pixels[0, :32]
    button = _child(panel, QPushButton, "contrast-auto")
    for saturated in (0.35, 1.0, 2.5, 5.0, 0.35):
        QTest.mouseClick(button, LEFT)
        expected = auto_levels(visible, saturated)
        qtbot.waitUntil(lambda expected=expected: _levels(session) == expected)
    session.set_view(View(32, 64, 0, 64))
    QTest.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: _levels(session) == auto_levels(pixels[0, 32:], 0.35))


def test_reset_shows_everything(panel: ContrastPanel, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session)
    qtbot.waitUntil(lambda: panel.histogram.counts is not None)
    QTest.mouseClick(_child(panel, QPushButton, "contrast-reset"), LEFT)
    assert _levels(session) == (pixels[0].min(), pixels[0].max())


def test_levels_are_dragged(panel: ContrastPanel, session: Session, qtbot: QtBot) -> None:
    _open(session)
    qtbot.waitUntil(lambda: panel.histogram.counts is not None)
    histogram = panel.histogram
    low, high = _levels(session)
    start, end = QPointF(histogram.x_of(high), 40), QPointF(histogram.x_of(900), 40)
    drag(histogram, start, end)
    assert _levels(session)[0] == low
    assert _levels(session)[1] == pytest.approx(900, abs=8)
    drag(histogram, QPointF(histogram.x_of(low), 40), QPointF(histogram.x_of(5000), 40))
    low, high = _levels(session)
    assert low < high == pytest.approx(900, abs=8)  # one level never passes the other
    before = _levels(session)
    drag(histogram, QPointF(histogram.x_of(400), 40), QPointF(histogram.x_of(500), 40))
    assert _levels(session) == before  # nothing was near


def test_levels_are_moved_by_keys(panel: ContrastPanel, session: Session, qtbot: QtBot) -> None:
    _open(session)
    panel.histogram.setFocus()
    QTest.keyClick(panel.histogram, Qt.Key.Key_Right)
    low, high = _levels(session)
    assert low == 500
    assert high > 1500
    QTest.keyClick(panel.histogram, Qt.Key.Key_Up)
    QTest.keyClick(panel.histogram, Qt.Key.Key_Right)
    assert _levels(session)[0] > 500
    assert _levels(session)[1] == high


def test_levels_are_typed(panel: ContrastPanel, session: Session) -> None:
    _open(session)
    low, high = (_child(panel, QDoubleSpinBox, f"contrast-{n}") for n in ("minimum", "maximum"))
    for field, text in ((low, "600"), (high, "900"), (low, "2000")):
        field.setFocus()
        field.selectAll()  # type: ignore[attr-defined]
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert _levels(session) == (2000, 2001)
    session.set_levels((7.0, 9.0))
    assert (low.text(), high.text()) == ("7", "9")  # type: ignore[attr-defined]


def test_fine_levels_can_be_typed_for_floats(panel: ContrastPanel, session: Session) -> None:
    session.open(Stack.of(np.zeros((4, 4), np.float32), "YX"), {0: (0.001, 0.0123)})
    for name, level in (("minimum", 0.001), ("maximum", 0.0123)):
        assert _child(panel, QDoubleSpinBox, f"contrast-{name}").value() == pytest.approx(level)  # type: ignore[attr-defined]


def test_only_gestures_change_levels(panel: ContrastPanel, session: Session, qtbot: QtBot) -> None:
    _open(session)
    levels = session.snapshot.levels
    for frame in (1, 2, 0):
        session.move(T=frame)
        qtbot.wait(150)
    assert session.snapshot.levels is levels


def test_the_histogram_follows_the_plane(panel: ContrastPanel, session: Session, qtbot: QtBot) -> None:
    pixels = np.stack([np.full((9, 9), 10, np.uint8), np.full((9, 9), 90, np.uint8)])
    session.open(Stack.of(pixels, "TYX"), {0: (0.0, 255.0)})
    qtbot.waitUntil(lambda: panel.histogram.counts is not None and panel.histogram.counts.low == 10)
    session.move(T=1)
    qtbot.waitUntil(lambda: panel.histogram.counts is not None and panel.histogram.counts.low == 90)
    panel.grab()


def test_look_up_tables_are_chosen(panel: ContrastPanel, session: Session) -> None:
    _open(session)
    box = _child(panel, QComboBox, "contrast-lut")
    assert isinstance(box, QComboBox)
    assert [box.itemText(i) for i in range(box.count())] == list(LUTS)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert session.snapshot.lut == "Fire"
    session.set_lut("magma")
    assert box.currentText() == "magma"


def test_a_table_of_the_file_is_offered_for_its_channel(panel: ContrastPanel, session: Session) -> None:
    lut = np.zeros((3, 256), np.uint8)
    stack = Stack.of(np.zeros((2, 4, 4), np.uint8), "CYX", luts=(lut,))
    session.open(stack, {0: (0.0, 255.0)}, lut="From file")
    box = _child(panel, QComboBox, "contrast-lut")
    assert isinstance(box, QComboBox)
    assert box.currentText() == "From file"
    session.move(C=1)
    assert box.findText("From file") == -1
