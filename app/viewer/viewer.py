"""The central widget of the window: canvases and sliders that follow the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.shell.view_state import has_own_scale
from app.viewer import hover
from app.viewer.auto import AutoLevels
from app.viewer.colouring import Colouring, Scales
from app.viewer.display import Display, Pane, resolve
from app.viewer.hover import Hover
from app.viewer.layouts import CanvasGroup
from app.viewer.navigation import Navigation
from app.viewer.picture import Face, Picture
from app.viewer.planes import PlaneReader, Planes, Wanted
from app.viewer.rendering import Layer
from app.viewer.samples import SampleStrip

__all__ = ["Hover", "StackViewer"]

VIEW_INTERVAL = 50
"""Minimum time between two reports of the visible region to the session, in milliseconds."""

HOVER_INTERVAL = 33
"""Minimum time between two updates of the pixel under the pointer, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    """Displayed planes, with their position and document."""

    document: int
    position: Mapping[str, int]
    planes: Planes


def _face(pane: Pane, planes: Planes, below: Colouring, above: Colouring, *, previewed: bool) -> Face:
    """Return the picture of one pane; a preview is omitted while planes of another position are displayed."""
    minus = planes[pane.minus] if pane.minus is not None else None
    layer = Layer(pixels=planes[pane.key], levels=below.levels, table=below.table, minus=minus)
    if pane.excerpt is None or not previewed:
        return Face(layer=layer, label=pane.label, legend=below.legend)
    excerpt = pane.excerpt
    rows, columns = excerpt.pixels.shape
    if minus is not None:
        minus = minus[excerpt.top : excerpt.top + rows, excerpt.left : excerpt.left + columns]
    over = Layer(
        pixels=excerpt.pixels, levels=above.levels, table=above.table, minus=minus,
        below=excerpt.below, share=excerpt.share, top=excerpt.top, left=excerpt.left,
    )  # fmt: skip
    return Face(layer=layer, label=pane.label, excerpt=over, legend=above.legend)


class StackViewer(QWidget):
    """Displays source and results of the session in its layout and at its position.

    Attributes
    ----------
    hovered : Signal of object
        `Hover` of the pixel under the pointer, or None.
    """

    hovered = Signal(object)

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stack-viewer")
        self._session = session
        self._reader = PlaneReader(jobs, self._on_planes, self._on_unreadable)
        self._auto = AutoLevels(session, jobs)
        self._look: _Look | None = None
        self._raw_held = False
        self._scales = Scales()
        self._place: tuple[float, float] | None = None
        self._face: Face | None = None
        self._last_hover: Hover | None = None
        self.group = CanvasGroup(self)
        self.navigation = Navigation(session, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.group, 1)
        column.addWidget(self.navigation)
        column.addWidget(SampleStrip(session, jobs))
        self._raw_button = self._make_raw_button()
        self._view_timer = self._make_timer(VIEW_INTERVAL, self._send_view)
        self._hover_timer = self._make_timer(HOVER_INTERVAL, self._send_hover)
        self.group.view_changed.connect(self._on_view)
        self.group.pointed.connect(self._on_pointed)
        self.group.stepped.connect(self.step)
        session.changed.connect(self._on_changed)
        self.destroyed.connect(self._reader.forget)
        self._refresh()

    def _make_timer(self, interval: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        return timer

    def _make_raw_button(self) -> QPushButton:
        button = QPushButton(self.group)
        button.setObjectName("hold-raw")
        button.setText("Hold for raw")
        button.setToolTip("Hold to show the source instead of the result (key: R)")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.pressed.connect(self._hold_raw)
        button.released.connect(self._let_go_of_raw)
        button.hide()
        return button

    # -- commands -----------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole plane."""
        self.group.fit()

    def actual_size(self) -> None:
        """Show one image pixel as one screen pixel."""
        self.group.set_scale(1 / self.devicePixelRatioF())

    def zoom(self, factor: float) -> None:
        """Magnify by `factor` about the centre."""
        self.group.zoom(factor)

    def mark(self, spots: tuple[tuple[int, int], ...]) -> None:
        """Draw a circle around each of these pixels (row, column); none for an empty tuple."""
        self.group.set_spots(spots)

    def auto_levels(self) -> None:
        """Adapt the levels to the visible part of the source; each further press saturates more pixels."""
        self._auto.press()

    def toggle_play(self) -> None:
        """Start playback along time or depth, or stop it."""
        self.navigation.toggle_play()

    def step(self, planes: int, axis: str = "") -> None:
        """Move forward by a number of planes along the given axis, or the axis used last."""
        self.navigation.step(planes, axis)

    def hold_raw(self, *, held: bool) -> None:
        """Show the source instead of the result while `held`, in the single layout."""
        if held != self._raw_held:
            self._raw_held = held
            self._refresh()

    def _hold_raw(self) -> None:
        self.hold_raw(held=True)

    def _let_go_of_raw(self) -> None:
        self.hold_raw(held=False)

    # -- following the session ----------------------------------------------------------------

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._raw_held = False
            self._scales.forget()
            self._look = None
            self.group.expect_another()
        watched = ("results", "shown", "position", "layout", "preview", "awaited", "levels", "lut")
        if any(getattr(new, name) is not getattr(old, name) for name in watched):
            self._refresh()

    def _refresh(self) -> None:
        """Request the planes of the session; planes in memory are displayed immediately."""
        snapshot = self._session.snapshot
        source, display = snapshot.source, self._display()
        if source is None or display is None:
            self._look = None
            self._reader.forget()
            self.group.show_pictures(())
            self._raw_button.hide()
            return
        stacks = {source.key: source.stack}
        for key in display.keys:
            result = snapshot.find(key)
            if result is not None:
                stacks[key] = result.stack
        wanted = Wanted(document=source.key, stacks=stacks, position=display.position)
        before = self._look
        self._reader.want(wanted)
        if self._look is before:  # planes are being read: keep the old ones, with new levels
            self._paint()

    def _display(self) -> Display | None:
        return resolve(self._session.snapshot, raw_held=self._raw_held)

    def _on_planes(self, wanted: Wanted, planes: Planes) -> None:
        self._look = _Look(document=wanted.document, position=wanted.position, planes=planes)
        self._paint()

    def _on_unreadable(self) -> None:
        self.navigation.stop()
        if self._look is None:  # show nothing rather than another document
            self.group.show_pictures(())

    def _paint(self) -> None:
        """Display the planes in memory as the session requires, unless some are still missing."""
        snapshot, display, look = self._session.snapshot, self._display(), self._look
        source = snapshot.source
        if source is None or display is None or look is None or not display.keys <= look.planes.keys():
            return
        here = look.position == display.position
        faces = []
        for pane in display.panes:
            minus = look.planes[pane.minus] if pane.minus is not None else None
            below = above = self._scales.of(snapshot, look.planes[pane.key], pane.output, minus)
            if pane.excerpt is not None and has_own_scale(pane.excerpt.output):
                above = self._scales.of(snapshot, pane.excerpt.pixels, pane.excerpt.output)
            faces.append(_face(pane, look.planes, below, above, previewed=here))
        shape = look.planes[source.key].shape
        groups = [tuple(faces)] if display.curtain else [(face,) for face in faces]
        spacing = source.stack.meta.spacing.get("X")
        pictures = [Picture(shape=(shape[0], shape[1]), faces=group, spacing=spacing) for group in groups]
        self.group.show_pictures(pictures)
        self._place_raw_button(snapshot)

    def _place_raw_button(self, snapshot: Snapshot) -> None:
        source = snapshot.source
        other = source is not None and (snapshot.shown != source.key or snapshot.preview is not None)
        button = self._raw_button
        button.setVisible(snapshot.layout == "single" and other)
        button.adjustSize()
        button.move(self.group.width() - button.width() - 10, 10)
        button.raise_()

    # -- reporting ----------------------------------------------------------------------------

    def _on_view(self) -> None:
        self._place_raw_button(self._session.snapshot)
        if not self._view_timer.isActive():
            self._view_timer.start()

    def _send_view(self) -> None:
        view = self.group.view()
        if view is not None and self._session.snapshot.source is not None:
            self._session.set_view(view)

    def _on_pointed(self, place: tuple[float, float] | None, face: Face | None) -> None:
        self._place, self._face = place, face
        if not self._hover_timer.isActive():
            self._hover_timer.start()

    def _send_hover(self) -> None:
        now = self._hover()
        if now != self._last_hover:
            self._last_hover = now
            self.hovered.emit(now)

    def _hover(self) -> Hover | None:
        source, look = self._session.snapshot.source, self._look
        if source is None or look is None or look.document != source.key or self._place is None:
            return None
        x, y = int(self._place[0]), int(self._place[1])
        raw = look.planes[source.key]
        if not (y < raw.shape[0] and x < raw.shape[1]):
            return None
        faces = [f for c in self.group.shown if c.picture is not None for f in c.picture.faces]
        if self._face in faces:
            faces.insert(0, self._face)
        return hover.read_pixel(x, y, source.stack, raw, faces)

    # -- keyboard -----------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.text():
            case "<" | ",":
                self.step(-1)
            case ">" | ".":
                self.step(1)
            case "\\":
                self.toggle_play()
            case "+" | "=":
                self.zoom(1.5)
            case "-":
                self.zoom(1 / 1.5)
            case "r" | "R":
                self.hold_raw(held=True)
            case _:
                super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_R:
            if not event.isAutoRepeat():
                self.hold_raw(held=False)
        else:
            super().keyReleaseEvent(event)
