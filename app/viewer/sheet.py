"""The contact sheet: results of several methods on one region, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.shell import theme
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.viewer.canvas import Canvas
from app.viewer.colouring import Scales
from app.viewer.linked import LinkedCanvases
from app.viewer.picture import Face, Picture
from app.viewer.rendering import Layer
from core.stack import Pixels

LEAST = 190
"""Minimum width of a tile in screen points, unless the sheet is narrower."""

SPACE, EDGE = 8, 4
"""Distance between tiles, and width of the frame of a tile, in screen points."""

_MOVES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 0, Qt.Key.Key_Down: 0}

_HELP = (
    "Wheel: zoom all images about the pointer. Drag: pan. Arrow keys: go to another image. Enter or click: "
    "show it large beside the source. Escape: back to the image."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exhibit:
    """One image of the sheet.

    Attributes
    ----------
    key : int
        Number that is emitted when the image is chosen; negative for an image that is not a result.
    badge : str
        Text on the image, such as its rank.
    title, value, note : str
        First line below the image, what stands at its right end, and the second line.
    pixels : ndarray, shape (Y, X)
        Image, in counts.
    """

    key: int
    badge: str
    title: str
    note: str
    pixels: Pixels = field(repr=False)
    value: str = ""


class ContactSheet(LinkedCanvases):
    """Images in a grid with one camera, in the contrast and the colours of the document.

    Attributes
    ----------
    chosen : Signal of int
        The user chose the image with this key.
    closed : Signal
        The user wants to see the document again.
    """

    chosen = Signal(int)
    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contact-sheet")
        self._session, self._scales = session, Scales()
        self._exhibits: tuple[Exhibit, ...] = ()
        self._spacing: float | None = None
        self._current: int | None = None
        self._tiles: list[_Tile] = []
        self._columns = 1
        self._inner = QWidget()
        self._grid = QGridLayout(self._inner)
        self._grid.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self._grid.setSpacing(SPACE)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._inner)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._words = QLabel()
        self._words.setProperty("class", "muted")
        back = QPushButton("Back to the image")
        back.setObjectName("sheet-back")
        back.setToolTip("Show the document again (Escape)")
        back.clicked.connect(self.closed)
        top = QHBoxLayout()
        top.setContentsMargins(SPACE + EDGE, SPACE, SPACE + EDGE, 0)
        top.addWidget(self._words, 1)
        top.addWidget(back)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self._scroll, 1)
        self._scroll.viewport().installEventFilter(self)
        session.changed.connect(self._on_session)

    def show_exhibits(
        self, exhibits: Sequence[Exhibit], *, heading: str, spacing: float | None, current: int | None
    ) -> None:
        """Show images of one region, best first.

        Parameters
        ----------
        exhibits : sequence of Exhibit
            Images of the same shape.
        heading : str
            What the values below the images are.
        spacing : float or None
            Pixel size in micrometres.
        current : int or None
            Key of the image that is marked.
        """
        self._exhibits, self._spacing, self._current = tuple(exhibits), spacing, current
        while len(self._tiles) < len(exhibits):
            self._add_tile()
        for tile, exhibit in zip(self._tiles, self._exhibits, strict=False):
            tile.describe(exhibit, marked=exhibit.key == current)
        self._words.setText(heading)
        self._words.setToolTip(f"<p>{_HELP}</p>")
        self._paint()
        self._arrange()
        shape = exhibits[0].pixels.shape if exhibits else None
        if shape is not None and shape != self._shape:
            self._shape = (shape[0], shape[1])
            self.fit()

    def focus_first(self) -> None:
        """Give the keyboard focus to the marked image, or to the first one."""
        keys = [exhibit.key for exhibit in self._exhibits]
        if keys:
            at = keys.index(self._current) if self._current in keys else 0
            self.canvases[at].setFocus(Qt.FocusReason.OtherFocusReason)

    def _add_tile(self) -> None:
        number = len(self._tiles)
        tile = _Tile(number, self._inner)
        self._tiles.append(tile)
        self.link(tile.canvas)
        tile.canvas.clicked.connect(partial(self._choose, number))
        tile.canvas.installEventFilter(self)

    def _choose(self, number: int) -> None:
        if number < len(self._exhibits):
            self.chosen.emit(self._exhibits[number].key)

    # -- display

    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if (new.levels, new.lut) != (old.levels, old.lut) and new.source is not None:
            self._paint()

    def _paint(self) -> None:
        snapshot = self._session.snapshot
        for tile, exhibit in zip(self._tiles, self._exhibits, strict=False):
            rows, columns = exhibit.pixels.shape
            look = self._scales.of(snapshot, exhibit.pixels, None)
            layer = Layer(pixels=exhibit.pixels, levels=look.levels, table=look.table)
            face = Face(layer=layer, label=exhibit.badge)
            tile.canvas.set_picture(Picture(shape=(rows, columns), faces=(face,), spacing=self._spacing))

    def _arrange(self) -> None:
        """Choose the number of columns that shows the images largest, and set the size of the tiles."""
        count = len(self._exhibits)
        for number, tile in enumerate(self._tiles):
            tile.setVisible(number < count or number == 0)
        if not count:
            return
        area = self._scroll.viewport().size()
        size, self._columns = _best(area, self._exhibits[0].pixels.shape, count, self._tiles[0].below)
        for number, tile in enumerate(self._tiles):
            tile.setFixedSize(size)
            self._grid.addWidget(tile, number // self._columns, number % self._columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    # -- keyboard

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle the keys of the images; a changed viewport arranges them anew."""
        if watched is self._scroll.viewport() and event.type() == QEvent.Type.Resize:
            self._arrange()
        if isinstance(watched, Canvas) and isinstance(event, QKeyEvent):
            return event.type() == QEvent.Type.KeyPress and self._on_key(self.canvases.index(watched), event)
        return super().eventFilter(watched, event)

    def _on_key(self, number: int, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(number)
        elif key == Qt.Key.Key_Escape:
            self.closed.emit()
        elif key in _MOVES:
            rows = {Qt.Key.Key_Up: -self._columns, Qt.Key.Key_Down: self._columns}
            other = number + (_MOVES[key] or rows[key])
            if 0 <= other < len(self._exhibits):
                self.canvases[other].setFocus(Qt.FocusReason.TabFocusReason)
                self._scroll.ensureWidgetVisible(self._tiles[other])
        else:
            return False
        return True


class _Tile(QWidget):
    """An image with two lines of text below, and a frame if it is marked."""

    def __init__(self, number: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = self._value = self._note = ""
        self._marked = False
        self.canvas = Canvas(self)
        self.canvas.setObjectName(f"sheet-{number + 1}")
        self.canvas.setWhatsThis(_HELP)
        self.below = 2 * self.fontMetrics().height() + 12
        column = QVBoxLayout(self)
        column.setContentsMargins(EDGE, EDGE, EDGE, self.below)
        column.addWidget(self.canvas)

    def describe(self, exhibit: Exhibit, *, marked: bool) -> None:
        """Show other words, and whether the image is marked."""
        self._title, self._value, self._note, self._marked = (
            exhibit.title,
            exhibit.value,
            exhibit.note,
            marked,
        )
        words = ". ".join(part for part in (exhibit.title, exhibit.value, exhibit.note) if part)
        self.canvas.setAccessibleDescription(f"{words}. {_HELP}")
        self.setToolTip(f"<p><b>{exhibit.title}</b><br>{exhibit.value} {exhibit.note}</p>")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.colors()
        if self._marked:
            painter.setPen(QPen(QColor(colors.accent), 2))
            painter.setBrush(QColor(colors.selection))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)
        height = painter.fontMetrics().height()
        box = QRect(EDGE + 4, self.height() - self.below + 5, self.width() - 2 * EDGE - 8, height)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(colors.text))
        width = painter.fontMetrics().horizontalAdvance(self._value)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), self._value)
        _draw_line(painter, self._title, box.adjusted(0, 0, -width - 8 if width else 0, 0))
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(QColor(colors.text if self._marked else colors.muted))
        _draw_line(painter, self._note, box.translated(0, height))


def _draw_line(painter: QPainter, text: str, box: QRect) -> None:
    """Draw one line of text, shortened to fit."""
    line = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), line)


def _best(area: QSize, shape: tuple[int, ...], count: int, below: int) -> tuple[QSize, int]:
    """Return the size of tiles and the number of columns that show images of a shape largest.

    If there are too many for the area, they keep a width that is easy to see, and the sheet is scrolled.
    """
    rows, columns = shape
    best = (0.0, QSize(LEAST, LEAST), 1)
    for number in range(1, count + 1):
        lines = math.ceil(count / number)
        width = (area.width() - SPACE * (number + 1)) // number
        height = (area.height() - SPACE * (lines + 1)) // lines
        scale = min((width - 2 * EDGE) / columns, (height - EDGE - below) / rows)
        if scale > best[0]:
            best = scale, QSize(width, height), number
    least = min(LEAST, area.width() - 2 * SPACE)
    if best[1].width() >= least and best[1].height() >= 0.7 * least + below:
        return best[1], best[2]
    number = max(1, (area.width() - SPACE) // (least + SPACE))
    width = (area.width() - SPACE * (number + 1)) // number
    height = min(round(width * rows / columns), 2 * width) + EDGE + below
    return QSize(width, max(height, 60 + EDGE + below)), number
