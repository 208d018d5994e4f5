"""The two colour schemes of the window as tokens, palette and style sheet."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template
from typing import Literal, get_args

from PySide6.QtGui import QColor, QPalette

from resources import FOLDER

Scheme = Literal["system", "light", "dark"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

ICONS = FOLDER / "icons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of a scheme as ``"#rrggbb"``, by purpose.

    Attributes
    ----------
    scheme : str
        "light" or "dark".
    canvas : str
        Background of images.
    window, panel, raised, field : str
        Backgrounds of the window, of panels, of buttons, of inputs and lists.
    hover, pressed : str
        Background of a button under the pointer, and of a pressed button.
    border, outline : str
        Lines between parts; edges of inputs and boxes (3:1 against panels).
    text, muted, disabled : str
        Text, secondary text (4.5:1 against every background), text of disabled controls.
    accent, accent_hover, accent_pressed, on_accent : str
        Accent colour, its variants, and text on it.
    selection : str
        Background of selected rows, whose text keeps its colour.
    handle, scroll, progress : str
        Knob of sliders, handle of scroll bars, completed part of progress bars (below text).
    success, warning, error : str
        Colours of messages, legible as text.
    series : tuple of str
        Colours of lines in plots, distinguishable with colour vision deficiencies.
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


def style_sheet(tokens: Tokens) -> str:
    """Insert the colours of a scheme into resources/style.qss."""
    words = {k: v for k, v in asdict(tokens).items() if isinstance(v, str)}
    text = (FOLDER / "style.qss").read_text(encoding="utf-8")
    return Template(text).substitute(words, icons=(ICONS / "style").as_posix())


def palette(tokens: Tokens) -> QPalette:
    """Return the palette of a scheme."""
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
