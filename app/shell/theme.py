"""The theme of the running application: current colours, and icons drawn in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.shell.schemes import DARK, ICONS, LIGHT, Scheme, Tokens, palette, style_sheet

ICON_SIZES = (16, 20, 24, 32, 48)
"""Sizes of icons in device pixels; other sizes are scaled down from the next larger one."""

PICTURE_SIZES = (32, 64, 96, 128)
"""Sizes of icons with their own colours, in device pixels."""


class Theme(QObject):
    """The theme of the application; a child of it that follows the system theme.

    Attributes
    ----------
    changed : Signal
        The colours changed, and icons were redrawn.

    Parameters
    ----------
    app : QApplication
        The application.
    system : callable, optional
        Returns the colour scheme of the system; by default as Qt reports it.
    """

    changed = Signal()

    def __init__(self, app: QApplication, system: Callable[[], Qt.ColorScheme] | None = None) -> None:
        super().__init__(app)
        self.setObjectName("theme")
        self._app, self._system = app, system or app.styleHints().colorScheme
        self._scheme: Scheme = "system"
        self.icons: dict[str, QIcon] = {}
        self.tokens = self._wanted()
        app.styleHints().colorSchemeChanged.connect(self._on_system)

    def choose(self, scheme: Scheme) -> None:
        """Set the colour scheme."""
        self._scheme = scheme
        hints = self._app.styleHints()
        if scheme == "system":
            hints.unsetColorScheme()
        else:  # for title bars and file dialogs, if the platform supports it
            hints.setColorScheme(Qt.ColorScheme.Dark if scheme == "dark" else Qt.ColorScheme.Light)
        self._apply()

    def _wanted(self) -> Tokens:
        if self._scheme == "system":
            return DARK if self._system() == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._scheme == "dark" else LIGHT

    def _on_system(self) -> None:
        if self._wanted() is not self.tokens:
            self._apply()

    def _apply(self) -> None:
        self.tokens = self._wanted()
        self.icons.clear()
        if self._app.style().name().lower() != "fusion":
            self._app.setStyle("fusion")
        self._app.setPalette(palette(self.tokens))
        self._app.setStyleSheet(style_sheet(self.tokens))
        for widget in self._app.allWidgets():
            for target in (widget, *widget.actions()):
                name = target.property("iconName")
                if isinstance(name, str) and isinstance(target, QAction | QAbstractButton):
                    set_icon(target, name)
            refresh = getattr(widget, "refresh_icons", None)
            if callable(refresh):
                refresh()
        self.changed.emit()


def current() -> Theme:
    """Return the theme of the running application; it is created at first use."""
    app = cast(QApplication, QApplication.instance())
    found = app.findChild(Theme, "theme")
    return found if isinstance(found, Theme) else Theme(app)


def apply_theme(app: QApplication, scheme: Scheme = "system") -> None:
    """Set style, palette, style sheet and icons of an application.

    Parameters
    ----------
    app : QApplication
        Application; the theme may be applied repeatedly.
    scheme : {"system", "light", "dark"}
        Colour scheme; "system" follows the system, also when it changes later.
    """
    app.setWindowIcon(QIcon(str(ICONS / "quietfield.png")))
    current().choose(scheme)


@contextmanager
def without_style_sheet() -> Iterator[None]:
    """Build a window without the style sheet, and apply the style sheet afterwards.

    Otherwise Qt would restyle every widget each time the widget or its parent is inserted.
    """
    app = cast(QApplication, QApplication.instance())
    sheet = app.styleSheet()
    app.setStyleSheet("")
    try:
        yield
    finally:
        app.setStyleSheet(sheet)


def colors() -> Tokens:
    """Return the current colours, for custom painting."""
    return current().tokens


def icon(name: str, *, on_accent: bool = False) -> QIcon:
    """Draw an icon of resources/icons in the current colours.

    The icon has a disabled variant and, for checkable buttons, one in the accent colour. It keeps its colours
    when the scheme changes; use `set_icon` for an icon that follows the scheme.

    Parameters
    ----------
    name : str
        File name without suffix.
    on_accent : bool
        Whether the background is the accent colour, as in a primary button.

    Returns
    -------
    QIcon
        All sizes and variants.

    Raises
    ------
    FileNotFoundError
        If there is no icon with this name.
    """
    theme = current()
    key = f"{name} on accent" if on_accent else name
    ink = theme.tokens.on_accent if on_accent else theme.tokens.text
    if key not in theme.icons:
        drawing = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
        tokens = theme.tokens
        inks = {"Normal": ink, "Disabled": tokens.disabled, "Accent": tokens.accent}
        theme.icons[key] = _make_icon(drawing, inks)
    return theme.icons[key]


def set_icon(target: QAction | QAbstractButton, name: str) -> None:
    """Set an icon of an action or button that follows the scheme, also on primary buttons."""
    target.setProperty("iconName", name)
    primary = target.property("class") == "primary" or bool(target.property("primary"))
    target.setIcon(icon(name, on_accent=primary))


_USES = {
    "Normal": ((QIcon.Mode.Normal, QIcon.State.Off), (QIcon.Mode.Selected, QIcon.State.Off)),
    "Disabled": ((QIcon.Mode.Disabled, QIcon.State.Off), (QIcon.Mode.Disabled, QIcon.State.On)),
    "Accent": ((QIcon.Mode.Normal, QIcon.State.On), (QIcon.Mode.Selected, QIcon.State.On)),
}


def _make_icon(drawing: str, inks: Mapping[str, str]) -> QIcon:
    """Draw every size once and colour the copies; drawings with their own colours keep them."""
    made = QIcon()
    svg = QSvgRenderer(QByteArray(drawing.replace("currentColor", "#000000").encode()))
    inked = "currentColor" in drawing
    for size in ICON_SIZES if inked else PICTURE_SIZES:
        mask = _draw(svg, size)
        for use, color in inks.items():
            pixmap = _ink(mask, color) if inked else mask
            for mode, state in _USES[use]:
                made.addPixmap(pixmap, mode, state)
    return made


def _draw(svg: QSvgRenderer, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    svg.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


def _ink(mask: QPixmap, color: str) -> QPixmap:
    """Return a drawing in another colour with the same opacity."""
    pixmap = QPixmap(mask)
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), QColor(color))
    painter.end()
    return pixmap
