"""The filter panel: the preview equals the result of the method for the newest settings; Apply adds a row."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QListWidget,
    QPushButton,
    QScrollArea,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from app.cli.main import main
from app.panels.filters import FilterPanel
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.view_state import Preview, View
from core.catalogue import create, methods
from core.errors import QuietfieldError
from core.methods.apply import apply, evaluate
from core.methods.base import BlockMethod
from core.methods.outputs import RESULT
from core.params import describe
from core.stack import ArraySource, Pixels, Region, Stack
from core.work.command_line import command_line
from tests.driver import Driver


def stack(frames: int = 3, name: str = "made up") -> Stack:
    rng = np.random.default_rng(5)
    return Stack.of(rng.poisson(40, (frames, 48, 64)).astype(np.uint16), "TYX", name=name)


@pytest.fixture
def panel(qtbot: QtBot, session: Session, jobs: Jobs) -> Iterator[FilterPanel]:
    panel = FilterPanel(session, jobs)
    qtbot.addWidget(panel)
    panel.choose("gaussian")
    panel.resize(320, 640)
    panel.show()
    qtbot.waitExposed(panel)
    yield panel
    panel.hide()
    qtbot.waitUntil(lambda: not jobs.running)


def operation(name: str, **values: object) -> BlockMethod:
    method = create(name, values)
    assert isinstance(method, BlockMethod)
    return method


def finished(session: Session) -> Preview | None:
    preview = session.snapshot.preview
    return None if preview is None or preview.unfinished else preview


def set_number(qtbot: QtBot, panel: FilterPanel, name: str, text: str) -> None:
    box = panel.findChild(QDoubleSpinBox, name)
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)


def click(qtbot: QtBot, panel: FilterPanel, name: str) -> None:
    qtbot.mouseClick(panel.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def problem(panel: FilterPanel) -> str:
    label = panel.findChild(QLabel, "filter-problem")
    return label.text() if label.isVisible() else ""


def test_every_filter_and_every_noise_is_on_the_list(panel: FilterPanel) -> None:
    for method in (*methods("filter"), *methods("noise")):
        panel.choose(method.name)
        assert panel.methods.list.chosen() == method.name
        assert panel.methods.form.method_class is method
        assert panel.findChild(QLabel, "filter-description").text()


def test_noise_is_folded_away_until_it_is_wanted(qtbot: QtBot, panel: FilterPanel) -> None:
    filters = panel.findChild(QListWidget, "filter-methods-filter")
    noise = panel.findChild(QListWidget, "filter-methods-noise")
    button = panel.findChild(QToolButton, "filter-methods-noise-open")
    assert filters.isVisible()
    assert not noise.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert noise.isVisible()
    assert panel.methods.list.chosen() == "gaussian", "looking chooses nothing"
    item = noise.item(2)
    where = noise.visualItemRect(item).center()
    qtbot.mouseClick(noise.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert panel.methods.list.chosen() == item.data(Qt.ItemDataRole.UserRole) == "salt-and-pepper"
    assert not filters.selectedItems()
    assert not button.isEnabled(), "the chosen method stays in sight"
    filters.setFocus()
    assert panel.methods.list.chosen() == "salt-and-pepper"
    qtbot.keyClick(filters, Qt.Key.Key_Down)
    assert panel.methods.list.chosen() in {m.name for m in methods("filter")}
    assert not noise.selectedItems()
    assert noise.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not noise.isVisible()


def test_no_form_needs_scrolling_in_a_small_window(driver: Driver) -> None:
    window = driver.window
    window.resize(1280, 800)
    panel = window.filter_panel
    scroll = panel.findChild(QScrollArea)
    for method in (*methods("filter"), *methods("noise")):
        panel.choose(method.name)
        driver.wait()
        bar = scroll.verticalScrollBar()
        driver.qtbot.waitUntil(lambda bar=bar: bar.maximum() == 0)
        assert panel.methods.form.reset_button.isVisible()
        assert panel.apply.isVisible()
    lists = panel.findChildren(QListWidget)
    for methods_list in lists:
        inside = methods_list.viewport().rect()
        for row in range(methods_list.count()):
            item = methods_list.item(row)
            cell = methods_list.visualItemRect(item)
            assert inside.contains(cell)
            assert methods_list.fontMetrics().horizontalAdvance(item.text()) + 8 <= cell.width()


def test_without_a_stack_nothing_can_be_applied(panel: FilterPanel) -> None:
    assert not panel.apply.isEnabled()
    assert "No stack is open" in panel.apply.toolTip()


def test_the_preview_is_the_engines_result_on_the_visible_part(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    source = stack()
    session.open(source, {})
    session.move(T=2)
    session.set_view(View(-5, 40, 10, 300))
    set_number(qtbot, panel, "gaussian-sigma", "1.5")

    def current() -> None:
        preview = finished(session)
        assert preview is not None
        assert preview.region == (slice(2, 3), slice(0, 40), slice(10, 64))
        expected = evaluate(source, operation("gaussian", sigma=1.5), preview.region)[0][0]
        np.testing.assert_array_equal(preview.pixels, expected)

    qtbot.waitUntil(lambda: not panel.status.text())
    current()


def test_the_preview_follows_parameters_position_view_method_and_document(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    def expect(name: str, at: int, **values: object) -> None:
        source = session.snapshot.results[0].stack

        def same() -> bool:
            preview = finished(session)
            if preview is None or preview.region[0].start != at:
                return False
            expected = evaluate(source, operation(name, **values), preview.region)[0][0]
            return bool(np.array_equal(preview.pixels, expected))

        qtbot.waitUntil(same)

    session.open(stack(), {})
    set_number(qtbot, panel, "gaussian-sigma", "3")
    expect("gaussian", 0, sigma=3.0)
    session.move(T=1)
    assert session.snapshot.preview is None, "a preview of another plane must not stand for a moment"
    expect("gaussian", 1, sigma=3.0)
    panel.choose("median")
    expect("median", 1)
    qtbot.waitUntil(lambda: not panel.status.text())  # pixels are shown before their doubts are known
    whole = finished(session)
    session.set_view(View(8, 24, 8, 24))
    qtbot.wait(150)
    assert finished(session) is whole, "what holds all that is visible is not computed again"
    session.move(T=0)
    expect("median", 0)
    shown = finished(session)
    assert shown is not None
    assert shown.pixels.shape == (16, 16)
    session.set_view(View(0, 30, 8, 24))
    qtbot.waitUntil(lambda: (p := finished(session)) is not None and p.pixels.shape == (30, 16))
    session.open(Stack.of(np.ones((2, 20, 20), np.float32), "TYX"), {})
    expect("median", 0)


class Gated(ArraySource):
    """Reads only when the gate is open; lists what was read."""

    __slots__ = ("gate", "reads")

    def __init__(self, array: Pixels) -> None:
        super().__init__(array)
        object.__setattr__(self, "gate", threading.Event())
        object.__setattr__(self, "reads", [])

    def read(self, region: Region) -> Pixels:
        self.reads.append(region)
        assert self.gate.wait(10)
        return super().read(region)


def test_what_was_computed_for_older_settings_never_shows(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    source = Gated(stack().read())
    seen: list[Preview] = []
    session.changed.connect(lambda new, old: new.preview and seen.append(new.preview))
    session.open(Stack(source, "TYX"), {})
    set_number(qtbot, panel, "gaussian-sigma", "1")
    qtbot.waitUntil(lambda: len(source.reads) == 1)  # the first is under way, and stuck
    set_number(qtbot, panel, "gaussian-sigma", "5")
    source.gate.set()
    qtbot.waitUntil(lambda: finished(session) is not None)
    expected = evaluate(Stack(source, "TYX"), operation("gaussian", sigma=5.0), seen[-1].region)[0][0]
    assert seen
    for preview in seen:
        np.testing.assert_array_equal(preview.pixels, expected)


def test_no_preview_is_left_when_it_is_not_wanted(qtbot: QtBot, session: Session, panel: FilterPanel) -> None:
    session.open(stack(), {})
    qtbot.waitUntil(lambda: finished(session) is not None)
    box = panel.findChild(QCheckBox, "filter-preview")
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert session.snapshot.preview is None
    qtbot.keyClick(box, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: finished(session) is not None)
    panel.hide()
    assert session.snapshot.preview is None
    session.move(T=1)
    qtbot.wait(150)
    assert session.snapshot.preview is None, "a hidden panel shows nothing"
    panel.show()
    qtbot.waitUntil(lambda: finished(session) is not None)


def test_a_preview_of_somebody_else_is_left_alone(qtbot: QtBot, session: Session, panel: FilterPanel) -> None:
    session.open(stack(), {})
    qtbot.waitUntil(lambda: finished(session) is not None)
    other = Preview(
        label="other", region=stack().region(T=0), outputs=((RESULT, np.zeros((48, 64), np.float32)),)
    )
    session.set_preview(other)
    panel.hide()
    assert session.snapshot.preview is other


def test_apply_adds_the_engines_result_and_leaves_no_preview(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    source = stack()
    session.open(source, {})
    set_number(qtbot, panel, "gaussian-sigma", "2")
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2)
    made = session.snapshot.results[1]
    assert session.snapshot.result is made
    assert made.step is not None
    assert (made.step.method, made.step.params["sigma"], made.parent) == (
        "gaussian", 2.0, session.snapshot.results[0].key,
    )  # fmt: skip
    assert made.seconds > 0
    expected = apply(source, operation("gaussian", sigma=2.0))[0]
    np.testing.assert_array_equal(made.stack.read(), expected.read())
    qtbot.wait(150)
    assert session.snapshot.preview is None, "the result is shown, not a preview over it"
    set_number(qtbot, panel, "gaussian-sigma", "4")
    qtbot.waitUntil(lambda: finished(session) is not None)


def test_a_method_can_be_applied_to_the_shown_result(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    source = stack()
    session.open(source, {})
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2)
    qtbot.waitUntil(panel.apply.isEnabled)
    qtbot.keyClick(panel.findChild(QComboBox, "filter-input"), Qt.Key.Key_Down)
    assert panel.input.currentText() == "shown result (Gaussian blur)"
    panel.choose("median")
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 3)
    first, second = session.snapshot.results[1:]
    assert second.parent == first.key
    np.testing.assert_array_equal(second.stack.read(), apply(first.stack, operation("median"))[0].read())
    assert [s.method for s in session.steps(second.key)] == ["gaussian", "median"]


def test_a_method_that_cannot_work_here_says_why(qtbot: QtBot, session: Session, panel: FilterPanel) -> None:
    flat = Stack.of(np.ones((20, 20), np.float32), "YX", name="flat")
    session.open(flat, {})
    panel.choose("median-3d")
    with pytest.raises(QuietfieldError) as refused:
        operation("median-3d").halo("YX")
    assert str(refused.value) in problem(panel)
    assert not panel.apply.isEnabled()
    assert str(refused.value) in panel.apply.toolTip()
    assert session.snapshot.preview is None
    panel.choose("median")
    assert problem(panel) == ""
    assert panel.apply.isEnabled()


class Broken(ArraySource):
    """Cannot be read."""

    __slots__ = ()

    def read(self, region: Region) -> Pixels:
        raise QuietfieldError("broken.tif ends in the middle of a plane. Copy it again.")


def test_a_failure_is_a_sentence_and_changes_nothing(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    session.open(Stack(Broken(np.ones((2, 8, 8), np.uint8)), "TYX"), {})
    qtbot.waitUntil(lambda: "ends in the middle" in problem(panel))
    panel.preview.setChecked(False)
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: "ends in the middle" in problem(panel))
    assert len(session.snapshot.results) == 1
    assert panel.apply.isEnabled()


def test_cancel_changes_nothing(qtbot: QtBot, session: Session, jobs: Jobs, panel: FilterPanel) -> None:
    source = Gated(stack().read())
    panel.preview.setChecked(False)
    session.open(Stack(source, "TYX"), {})
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: bool(source.reads))
    assert not panel.apply.isEnabled()
    assert "is running" in panel.apply.toolTip()
    click(qtbot, panel, "filter-cancel")
    source.gate.set()
    qtbot.waitUntil(panel.apply.isEnabled)
    assert len(session.snapshot.results) == 1
    assert not panel.progress.isVisible()


def test_the_preview_stays_while_applying_and_after_cancel(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: FilterPanel
) -> None:
    source = Gated(stack().read())
    source.gate.set()
    session.open(Stack(source, "TYX"), {})
    qtbot.waitUntil(lambda: finished(session) is not None)
    before = session.snapshot.preview
    source.gate.clear()
    source.reads.clear()
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: bool(source.reads))
    assert session.snapshot.preview is before
    click(qtbot, panel, "filter-cancel")
    source.gate.set()
    qtbot.waitUntil(panel.apply.isEnabled)
    qtbot.wait(150)
    assert session.snapshot.preview is before
    assert panel.status.text() == ""
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2)
    qtbot.waitUntil(lambda: not jobs.running)
    assert session.snapshot.preview is None


def test_a_result_arriving_after_the_stack_was_closed_is_dropped(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    source = Gated(stack().read())
    panel.preview.setChecked(False)
    session.open(Stack(source, "TYX"), {})
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: bool(source.reads))
    session.open(stack(name="another"), {})
    source.gate.set()
    qtbot.waitUntil(panel.apply.isEnabled)
    assert [r.stack.meta.name for r in session.snapshot.results] == ["another"]


def test_choosing_a_result_pauses_the_preview_until_a_setting_is_touched(
    qtbot: QtBot, session: Session, panel: FilterPanel
) -> None:
    session.open(stack(), {})
    click(qtbot, panel, "filter-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2)
    panel.choose("box")
    qtbot.waitUntil(lambda: finished(session) is not None)
    session.show(session.snapshot.results[1].key)  # shown already: takes the preview away, no more
    session.show(session.snapshot.results[0].key)
    qtbot.wait(150)
    assert session.snapshot.preview is None
    assert panel.status.text() == "paused"


def test_the_copied_command_gives_the_same_pixels(
    qtbot: QtBot, session: Session, panel: FilterPanel, tmp_path: Path
) -> None:
    import shlex

    import tifffile

    path = tmp_path / "a stack.tif"
    pixels = stack().read()
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    session.open(Stack.of(pixels, "TYX", name=path.name, path=path), {})
    set_number(qtbot, panel, "gaussian-sigma", "1.7")
    click(qtbot, panel, "filter-copy-command")
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:2] == ["quietfield", "denoise"]
    assert main([*words[1:], "--dtype", "float32", "--quiet"]) == 0
    written = tifffile.imread(words[words.index("-o") + 1])
    expected = apply(Stack.of(pixels, "TYX"), operation("gaussian", sigma=1.7))[0].read()
    np.testing.assert_array_equal(written, expected)


def test_commands_say_switches_and_only_what_differs() -> None:
    for method in methods():
        words = command_line(method(), None, "x y").split()
        assert words[-1] == method.name, "defaults are left out"
        for p in describe(method):
            if p.kind == "bool":
                text = command_line(create(method.name, {p.name: not p.default}), None, "x")
                assert text.endswith(f"--{'no-' if p.default else ''}{p.name.replace('_', '-')}")
