from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.shell.jobs import Jobs
from app.shell.session import Session
from app.viewer.navigation import Navigation, StepSlider, where
from app.viewer.viewer import StackViewer
from core.stack import Stack
from tests.app.viewer_tools import LEFT, wheel


@pytest.fixture
def viewer(session: Session, jobs: Jobs, qtbot: QtBot) -> Iterator[StackViewer]:
    viewer = StackViewer(session, jobs)
    qtbot.addWidget(viewer)
    viewer.resize(700, 500)
    viewer.show()
    qtbot.waitExposed(viewer)
    yield viewer
    viewer.navigation.stop()
    qtbot.wait(80)


def _open(session: Session, shape: tuple[int, ...] = (12, 2, 5, 16, 16), axes: str = "TCZYX") -> None:
    stack = Stack.of(
        np.zeros(shape, np.uint8), axes, spacing={"T": 30.0, "Z": 0.25}, channel_names=("GFP", "DAPI")
    )
    session.open(stack, {0: (0.0, 255.0)})


def _slider(viewer: StackViewer, axis: str) -> StepSlider:
    slider = viewer.findChild(StepSlider, f"slider-{axis}")
    assert slider is not None
    return slider


def _text(viewer: StackViewer, name: str) -> str:
    label = viewer.findChild(QLabel, name)
    assert label is not None
    return label.text()


def test_there_is_a_row_for_every_axis_with_more_than_one_plane(
    viewer: StackViewer, session: Session
) -> None:
    assert not viewer.navigation.isVisible()
    _open(session)
    assert [_slider(viewer, a).isVisible() for a in "tzc"] == [True, True, True]
    _open(session, (1, 4, 16, 16), "TZYX")
    assert [_slider(viewer, a).isVisible() for a in "tzc"] == [False, True, False]
    _open(session, (16, 16), "YX")
    assert not viewer.navigation.isVisible()


def test_rows_say_where_they_are_counting_from_1(viewer: StackViewer, session: Session) -> None:
    _open(session)
    session.move(T=3, Z=2, C=1)
    assert [_text(viewer, f"index-{a}") for a in "tzc"] == ["4/12", "3/5", "2/2"]
    assert [_text(viewer, f"meaning-{a}") for a in "tzc"] == ["90 s", "0.5 µm", "DAPI"]
    assert [_slider(viewer, a).value() for a in "tzc"] == [3, 2, 1]


def test_times_depths_and_channels_in_words() -> None:
    stack = Stack.of(np.zeros((9, 1, 1)), "TYX", spacing={"T": 3600.0})
    assert where(stack, "T", 8) == "8:00:00 h"
    assert where(stack.replace(spacing={"T": 61.0}), "T", 2) == "2:02 min"
    assert where(stack.replace(spacing={}), "T", 2) == ""
    assert where(stack, "C", 0) == ""


def test_wheel_and_keys_step_planes(viewer: StackViewer, session: Session) -> None:
    _open(session)
    slider = _slider(viewer, "z")
    wheel(slider, QPointF(10, 5), -1)
    wheel(slider, QPointF(10, 5), -1)
    assert session.snapshot.position["Z"] == 2
    wheel(slider, QPointF(10, 5), 1)
    assert session.snapshot.position["Z"] == 1
    canvas = viewer.group.canvases[0]
    QTest.keyClicks(canvas, ">")  # along the axis used last
    assert session.snapshot.position == {"T": 0, "C": 0, "Z": 2}
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert session.snapshot.position["Z"] == 3
    QTest.keyClicks(canvas, "<")
    assert session.snapshot.position["Z"] == 2
    QTest.keyClick(_slider(viewer, "t"), Qt.Key.Key_End)
    assert session.snapshot.position["T"] == 11
    QTest.keyClicks(canvas, ">")  # the last one
    assert session.snapshot.position["T"] == 11


def test_control_and_wheel_step_planes_without_zoom(viewer: StackViewer, session: Session) -> None:
    _open(session)
    canvas, camera = viewer.group.canvases[0], viewer.group.camera
    for _ in range(4):  # a fine wheel: four parts of a notch
        wheel(canvas, QPointF(50, 50), -0.5, Qt.KeyboardModifier.ControlModifier)
    assert session.snapshot.position["T"] == 2
    wheel(canvas, QPointF(50, 50), 1, Qt.KeyboardModifier.AltModifier)
    assert session.snapshot.position["T"] == 1
    assert viewer.group.camera == camera


def test_a_click_goes_to_its_place(viewer: StackViewer, session: Session) -> None:
    _open(session)
    slider = _slider(viewer, "t")
    QTest.mouseClick(slider, LEFT, Qt.KeyboardModifier.NoModifier, slider.rect().center())
    assert session.snapshot.position["T"] in (5, 6)


def test_levels_stay_while_planes_pass(viewer: StackViewer, session: Session) -> None:
    _open(session)
    levels = session.snapshot.levels
    for _ in range(5):
        wheel(_slider(viewer, "t"), QPointF(10, 5), -1)
    assert session.snapshot.levels is levels


def test_playing_goes_round_and_stops(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    _open(session)
    session.move(T=10)
    viewer.navigation.set_speed(50)
    seen: list[int] = []
    session.changed.connect(lambda new, _: seen.append(new.position["T"]))
    button = viewer.findChild(QToolButton, "play-t")
    assert button is not None
    QTest.mouseClick(button, LEFT)
    assert viewer.navigation.playing
    qtbot.waitUntil(lambda: {11, 1, 3} <= set(seen))
    QTest.keyClicks(viewer.group.canvases[0], "\\")
    assert not viewer.navigation.playing
    here = session.snapshot.position
    qtbot.wait(100)
    assert session.snapshot.position is here
    assert {p["Z"] for p in [here]} == {0}


def test_playing_leaves_out_what_there_is_no_time_for(session: Session, qtbot: QtBot) -> None:
    _open(session)
    now = 100.0
    navigation = Navigation(session, now=lambda: now)
    qtbot.addWidget(navigation)
    navigation.show()
    seen: list[int] = []
    session.changed.connect(lambda new, _: seen.append(new.position["T"]))
    navigation.toggle_play()
    now += 0.5  # at 10 planes a second
    qtbot.waitUntil(lambda: seen == [5])
    now += 0.85
    qtbot.waitUntil(lambda: seen == [5, 1])
    session.move(T=7)  # somebody goes elsewhere
    now += 0.1
    qtbot.wait(250)
    assert seen == [5, 1, 7]
    now += 0.15
    qtbot.waitUntil(lambda: seen == [5, 1, 7, 8])
    navigation.stop()


def test_playing_ends_with_the_document_or_the_window(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    _open(session)
    viewer.toggle_play()
    assert viewer.navigation.playing
    _open(session, (4, 16, 16), "ZYX")
    assert not viewer.navigation.playing
    viewer.toggle_play()
    viewer.navigation.set_speed(50)
    qtbot.waitUntil(lambda: session.snapshot.position["Z"] > 0)
    viewer.hide()
    assert not viewer.navigation.playing


def test_channels_are_not_played(viewer: StackViewer, session: Session) -> None:
    _open(session, (2, 16, 16), "CYX")
    viewer.toggle_play()
    assert not viewer.navigation.playing
    viewer.step(1)
    assert session.snapshot.position == {"C": 1}


def test_every_speed_is_on_the_menu(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    _open(session)
    button = viewer.findChild(QToolButton, "speed-t")
    assert button is not None
    for action in button.menu().actions():
        action.trigger()
        assert button.text() == action.text()
        assert [a for a in button.menu().actions() if a.isChecked()] == [action]
    viewer.toggle_play()
    qtbot.waitUntil(lambda: session.snapshot.position["T"] > 0)
