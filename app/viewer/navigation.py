"""Sliders for time, depth and channel, with playback."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QHideEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

from app.shell import theme
from app.shell.durations import clock
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from core.stack import Stack

SPEEDS = (1, 2, 5, 10, 15, 25, 50)
"""Selectable speeds, in planes per second."""

_WORDS = {"T": "Time", "Z": "Depth", "C": "Channel"}
_KINDS = {"T": "frame", "Z": "slice", "C": "channel"}


def where(stack: Stack, axis: str, index: int) -> str:
    """Return the meaning of an index: a time, a depth or a channel name; empty if unknown."""
    if axis == "C":
        names = stack.meta.channel_names
        return names[index] if index < len(names) else ""
    spacing = stack.meta.spacing.get(axis)
    if not spacing:
        return ""
    if axis == "Z":
        return f"{index * spacing:.4g} µm"
    seconds = index * spacing
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{clock(seconds)} {'h' if round(seconds) >= 3600 else 'min'}"


class StepSlider(QSlider):
    """A slider that moves one plane per notch of the wheel, and jumps to a clicked position."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._wheel = 0

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        self._wheel += event.angleDelta().y() or event.angleDelta().x()
        notches = int(self._wheel / 120)
        self._wheel -= 120 * notches
        self.setValue(self.value() - notches)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        control, grip = QStyle.ComplexControl.CC_Slider, QStyle.SubControl.SC_SliderHandle
        handle = self.style().subControlRect(control, option, grip, self)
        if event.button() == Qt.MouseButton.LeftButton and not handle.contains(event.position().toPoint()):
            span = self.width() - handle.width()
            at = round(event.position().x() - handle.width() / 2)
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, span))
        super().mousePressEvent(event)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Row:
    axis: str
    name: QLabel
    play: QToolButton
    slider: StepSlider
    index: QLabel
    meaning: QLabel
    speed: QToolButton

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        return self.name, self.play, self.slider, self.index, self.meaning, self.speed


class Navigation(QWidget):
    """A row of controls for every axis along which the stack has more than one plane.

    Parameters
    ----------
    session : Session
        The document.
    now : callable
        Returns the time in seconds, which playing follows.
    parent : QWidget, optional
        Parent widget.
    """

    def __init__(
        self, session: Session, parent: QWidget | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self.setObjectName("navigation")
        self._session, self._now = session, now
        self._speed = 10
        self._active = "T"
        self._playing = ""
        self._base = (0, 0.0)
        self._sent = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 8, 4)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(2, 1)
        self._rows = {axis: self._make_row(axis) for axis in "TZC"}
        for line, row in enumerate(self._rows.values()):
            for column, widget in enumerate(row.widgets):
                grid.addWidget(widget, line, column)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        session.changed.connect(self._on_changed)
        self._sync()

    def _make_row(self, axis: str) -> _Row:
        word, key = _WORDS[axis], axis.lower()
        name = QLabel(axis, self)
        name.setToolTip(word)
        play = QToolButton(self)
        play.setAutoRaise(True)
        play.setObjectName(f"play-{key}")
        play.setAccessibleName(f"Play along {word.lower()}")
        play.clicked.connect(partial(self.toggle_play, axis))
        play.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        slider = StepSlider(self)
        slider.setObjectName(f"slider-{key}")
        slider.setAccessibleName(word)
        slider.valueChanged.connect(partial(self._on_slider, axis))
        slider.setMinimumHeight(play.sizeHint().height())
        index, meaning = QLabel(self), QLabel(self)
        index.setObjectName(f"index-{key}")
        index.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        meaning.setObjectName(f"meaning-{key}")
        speed = QToolButton(self)
        speed.setObjectName(f"speed-{key}")
        speed.setAutoRaise(True)
        speed.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        speed.setToolTip("Playback speed, in planes per second")
        menu = QMenu(speed)
        group = QActionGroup(menu)
        for value in SPEEDS:
            action = QAction(f"{value} fps", menu)
            action.setCheckable(True)
            action.setData(value)
            action.triggered.connect(partial(self.set_speed, value))
            group.addAction(action)
            menu.addAction(action)
        speed.setMenu(menu)
        return _Row(axis=axis, name=name, play=play, slider=slider, index=index, meaning=meaning, speed=speed)

    # -- commands -----------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether playback is running."""
        return bool(self._playing)

    def step(self, planes: int, axis: str = "") -> None:
        """Move forward by a number of planes along the given axis, or the axis used last."""
        axis = axis or self._axis()
        if axis:
            self._session.move(**{axis: self._session.snapshot.position[axis] + planes})

    def toggle_play(self, axis: str = "") -> None:
        """Start playback along the given axis (or the axis used last, if it is T or Z), or stop it."""
        axis = axis or self._playing or self._axis(playable=True)
        if self._playing == axis:
            self.stop()
        elif axis:
            self._active = self._playing = axis
            self._rebase()
            self._timer.start(max(1000 // self._speed, 15))
            self._sync()

    def stop(self) -> None:
        """Stop playback."""
        if self._playing:
            self._playing = ""
            self._timer.stop()
            self._sync()

    def set_speed(self, speed: int) -> None:
        """Set the playback speed, in planes per second."""
        self._speed = speed
        if self._playing:
            self._rebase()
            self._timer.start(max(1000 // speed, 15))
        self._sync()

    def _axis(self, *, playable: bool = False) -> str:
        """Return the axis used last, or the first existing one."""
        source = self._session.snapshot.source
        sizes = source.stack.sizes if source is not None else {}
        order = [self._active, *"TZC"]
        return next((a for a in order if sizes.get(a, 1) > 1 and not (playable and a == "C")), "")

    def _on_slider(self, axis: str, value: int) -> None:
        self._active = axis
        self._session.move(**{axis: value})

    # -- playback -----------------------------------------------------------------------------

    def _rebase(self) -> None:
        self._sent = self._session.snapshot.position.get(self._playing, 0)
        self._base = (self._sent, self._now())

    def _on_tick(self) -> None:
        """Move to the plane that is due now, skipping planes if displaying them took too long."""
        source, axis = self._session.snapshot.source, self._playing
        if source is None or source.stack.sizes.get(axis, 1) < 2:
            self.stop()
            return
        if self._session.snapshot.position[axis] != self._sent:
            self._rebase()  # the position was changed elsewhere; continue from there
        start, since = self._base
        index = (start + int((self._now() - since) * self._speed)) % source.stack.sizes[axis]
        if index != self._sent:
            self._sent = index
            self._session.move(**{axis: index})

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.stop()

    # -- showing ------------------------------------------------------------------------------

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._active = "T"
            self.stop()
            self._sync()
        elif new.position != old.position:
            self._sync()

    def _sync(self) -> None:
        snapshot = self._session.snapshot
        sizes = snapshot.source.stack.sizes if snapshot.source is not None else {}
        any_row = False
        for axis, row in self._rows.items():
            size = sizes.get(axis, 1)
            visible = size > 1 and snapshot.source is not None
            any_row = any_row or visible
            for widget in row.widgets:
                widget.setVisible(visible)
            if not visible or snapshot.source is None:
                continue
            for widget in (row.play, row.speed):
                widget.setVisible(axis != "C")
            self._sync_row(row, snapshot.source.stack, snapshot.position[axis], size)
        self.setVisible(any_row)

    def _sync_row(self, row: _Row, stack: Stack, index: int, size: int) -> None:
        with QSignalBlocker(row.slider):
            row.slider.setRange(0, size - 1)
            row.slider.setPageStep(max(1, size // 10))
            row.slider.setValue(index)
        kind = _KINDS[row.axis]
        row.slider.setToolTip(
            f"{_WORDS[row.axis]}: {kind} {index + 1} of {size}.\n"
            f"Wheel, arrows, < and >, Ctrl + wheel on the image: one {kind}"
        )
        row.index.setText(f"{index + 1}/{size}")
        row.index.setMinimumWidth(row.index.fontMetrics().horizontalAdvance(f"{size}/{size}"))
        text, last = where(stack, row.axis, index), where(stack, row.axis, size - 1)
        row.meaning.setText(text)
        row.meaning.setVisible(bool(text or last))
        row.meaning.setMinimumWidth(row.meaning.fontMetrics().horizontalAdvance(f"0{last}") if last else 0)
        on = row.axis == self._playing
        theme.set_icon(row.play, "pause" if on else "play")
        row.play.setToolTip(("Stop playing" if on else f"Play along {_WORDS[row.axis].lower()}") + " (\\)")
        row.speed.setText(f"{self._speed} fps")
        for action in row.speed.menu().actions():
            action.setChecked(action.data() == self._speed)
