"""How the window looks: two palettes, one style sheet, and icons in their colours."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template
from typing import Literal, cast

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from resources import FOLDER

Scheme = Literal["system", "light", "dark"]

ICONS = FOLDER / "icons"
ICON_SIZES = (16, 20, 24, 32, 48)
"""Sizes in device pixels that icons are drawn in; others are scaled down from the next larger one."""

PICTURE_SIZES = (32, 64, 96, 128)
"""The same for drawings in colours of their own, which stand larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of a scheme as ``"#rrggbb"``, by what they are for.

    Attributes
    ----------
    scheme : str
        "light" or "dark".
    canvas : str
        Surround of images.
    window, panel, raised, field : str
        Backgrounds of the window, of panels, of buttons, of inputs and lists.
    hover, pressed : str
        Background of a button under the pointer, and while it is pressed.
    border, outline : str
        Lines between parts; edges of inputs and boxes (3:1 against panels).
    text, muted, disabled : str
        Words, lesser words (4.5:1 against every background), words of what cannot work now.
    accent, accent_hover, accent_pressed, on_accent : str
        The one colour that leads the eye, its variants, and words on it.
    selection : str
        Background of selected rows, whose words keep their colour.
    handle, scroll, progress : str
        The knob of sliders, the handle of scroll bars, the done part of progress bars (under words).
    success, warning, error : str
        Colours of messages, legible as words.
    series : tuple of str
        Colours of lines in plots, told apart by people with colour vision deficiencies too.
    """

    scheme: Literal["light", "dark"]
    canvas: str
    window: str
    panel: str
    raised: str
    field: str
    hover: str
    pressed: str
    border: str
    outline: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    accent_pressed: str
    on_accent: str
    selection: str
    handle: str
    scroll: str
    progress: str
    success: str
    warning: str
    error: str
    series: tuple[str, ...]


DARK = Tokens(
    scheme="dark", canvas="#0d0e10", window="#17191c", panel="#1e2024", raised="#2a2d32", field="#131517",
    hover="#343840", pressed="#23262b", border="#31353b", outline="#747b86", text="#e7e9ec", muted="#a9afb8",
    disabled="#6c737d", accent="#56b6e0", accent_hover="#78c7ea", accent_pressed="#3d9bc6",
    on_accent="#06202d", selection="#234557", handle="#c9ced5",
    scroll="#484d55", progress="#23607c", success="#62c48f", warning="#e3b14d", error="#f2898a",
    series=("#56b6e0", "#e6a23c", "#5fc79b", "#dd8fc4", "#e5d65a", "#b3a4f2"),
)  # fmt: skip

LIGHT = Tokens(
    scheme="light", canvas="#d9dce0", window="#f2f3f5", panel="#fafbfc", raised="#ffffff", field="#ffffff",
    hover="#e8edf1", pressed="#dbe2e8", border="#d6dadf", outline="#858c96", text="#1b1e22", muted="#575e68",
    disabled="#9aa1aa", accent="#0b6fa4", accent_hover="#095d8b", accent_pressed="#084e74",
    on_accent="#ffffff", selection="#cbe4f2", handle="#ffffff",
    scroll="#bcc2c9", progress="#a9d4ea", success="#1a7447", warning="#855600", error="#b3261e",
    series=("#0b6fa4", "#b85c00", "#1a7d5a", "#a8418a", "#7a6a00", "#5b48b0"),
)  # fmt: skip


class Theme(QObject):
    """The theme of the application; belongs to it and follows the system.

    Attributes
    ----------
    changed : Signal
        The colours are different now; icons have been drawn anew.
    """

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName("theme")
        self._app = app
        self._scheme: Scheme = "system"
        self.icons: dict[str, QIcon] = {}
        self.tokens = self._wanted()
        app.styleHints().colorSchemeChanged.connect(self._on_system)

    def choose(self, scheme: Scheme) -> None:
        """Use a scheme from now on."""
        self._scheme = scheme
        hints = self._app.styleHints()
        if scheme == "system":
            hints.unsetColorScheme()
        else:  # for title bars and file dialogs, where the platform can
            hints.setColorScheme(Qt.ColorScheme.Dark if scheme == "dark" else Qt.ColorScheme.Light)
        self._apply()

    def _wanted(self) -> Tokens:
        if self._scheme == "system":
            return DARK if self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT
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
    """Give the theme of the running application, made when first asked for."""
    app = cast(QApplication, QApplication.instance())
    found = app.findChild(Theme, "theme")
    return found if isinstance(found, Theme) else Theme(app)


def apply_theme(app: QApplication, scheme: Scheme = "system") -> None:
    """Dress an application: style, palette, style sheet, icons.

    Parameters
    ----------
    app : QApplication
        What to dress; may be dressed again at any time.
    scheme : {"system", "light", "dark"}
        Which colours to use; "system" follows the system, also when it changes later.
    """
    app.setWindowIcon(QIcon(str(ICONS / "quietfield.png")))
    current().choose(scheme)


@contextmanager
def undressed() -> Iterator[None]:
    """Build a window without the style sheet, and put it on when all is in place.

    Otherwise every widget would be styled again each time it, or what it stands in, is put somewhere.
    """
    app = cast(QApplication, QApplication.instance())
    sheet = app.styleSheet()
    app.setStyleSheet("")
    try:
        yield
    finally:
        app.setStyleSheet(sheet)


def colors() -> Tokens:
    """Colours in use now, for what paints by itself."""
    return current().tokens


def icon(name: str, *, on_accent: bool = False) -> QIcon:
    """Draw one of the icons in resources/icons in the colours in use now.

    The icon has a disabled variant and, for what can be checked, one in the accent colour. It keeps its
    colours when the scheme changes; `set_icon` gives one that does not.

    Parameters
    ----------
    name : str
        Name of the file without its suffix.
    on_accent : bool
        Whether it stands on the accent colour, as in a primary button.

    Raises
    ------
    FileNotFoundError
        If there is no icon of this name.
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
    """Give an action or button an icon that changes with the scheme, and suits a primary button."""
    target.setProperty("iconName", name)
    primary = target.property("class") == "primary" or bool(target.property("primary"))
    target.setIcon(icon(name, on_accent=primary))


_USES = {
    "Normal": ((QIcon.Mode.Normal, QIcon.State.Off), (QIcon.Mode.Selected, QIcon.State.Off)),
    "Disabled": ((QIcon.Mode.Disabled, QIcon.State.Off), (QIcon.Mode.Disabled, QIcon.State.On)),
    "Accent": ((QIcon.Mode.Normal, QIcon.State.On), (QIcon.Mode.Selected, QIcon.State.On)),
}


def _make_icon(drawing: str, inks: Mapping[str, str]) -> QIcon:
    """Draw every size once, and ink the copies; a drawing in colours of its own keeps them."""
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
    """Copy of a drawing in another colour, as opaque as it is."""
    pixmap = QPixmap(mask)
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), QColor(color))
    painter.end()
    return pixmap


def style_sheet(tokens: Tokens) -> str:
    """Fill the colours of a scheme into resources/style.qss."""
    words = {k: v for k, v in dataclasses.asdict(tokens).items() if isinstance(v, str)}
    text = (FOLDER / "style.qss").read_text(encoding="utf-8")
    return Template(text).substitute(words, icons=(ICONS / "style").as_posix())


def palette(tokens: Tokens) -> QPalette:
    """Make the palette of a scheme."""
    role = QPalette.ColorRole
    made = QPalette()
    for what, value in {
        role.Window: tokens.window, role.WindowText: tokens.text, role.Base: tokens.field,
        role.AlternateBase: tokens.panel, role.Text: tokens.text, role.PlaceholderText: tokens.muted,
        role.Button: tokens.raised, role.ButtonText: tokens.text, role.BrightText: tokens.error,
        role.ToolTipBase: tokens.raised, role.ToolTipText: tokens.text, role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent, role.Accent: tokens.accent, role.Link: tokens.accent,
        role.LinkVisited: tokens.accent, role.Light: tokens.hover, role.Midlight: tokens.raised,
        role.Mid: tokens.border, role.Dark: tokens.outline, role.Shadow: tokens.canvas,
    }.items():  # fmt: skip
        made.setColor(what, QColor(value))
    off = QPalette.ColorGroup.Disabled
    for what in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText, role.PlaceholderText):
        made.setColor(off, what, QColor(tokens.disabled))
    made.setColor(off, role.Highlight, QColor(tokens.border))
    made.setColor(off, role.Accent, QColor(tokens.disabled))
    return made
