"""Contrast of colours, visibility of icons, and a complete style sheet."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QImage, QImageReader, QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.shell import theme
from app.shell.schemes import DARK, ICONS, LIGHT, Tokens, style_sheet

NEEDED = [
    "open",
    "sample",
    "export",
    "undo",
    "redo",
    "single",
    "split",
    "curtain",
    "difference",
    "auto",
    "fit",
    "actual-size",
    "play",
    "pause",
    "stop",
    "cancel",
    "previous",
    "next",
    "copy",
    "csv",
    "settings",
    "filter",
    "train",
    "metrics",
    "log",
    "info",
    "warning",
    "error",
    "reference",
    "network",
    "lut",
    "help",
]
DRAWN = sorted(p.stem for p in ICONS.glob("*.svg") if p.stem != "quietfield")


@pytest.fixture
def app(qapp: QApplication) -> Iterator[QApplication]:
    palette, sheet, style = QPalette(qapp.palette()), qapp.styleSheet(), qapp.style().name()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(palette)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2."""

    def luminance(color: str) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF())
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
def test_words_and_edges_can_be_seen(tokens: Tokens) -> None:
    grounds = (tokens.window, tokens.panel, tokens.raised, tokens.field, tokens.hover, tokens.pressed)
    for ground, word in product(grounds, (tokens.text, tokens.muted)):
        assert contrast(word, ground) >= 4.5, (word, ground)
    for ground, word in product(grounds[:4], (tokens.success, tokens.warning, tokens.error, tokens.accent)):
        assert contrast(word, ground) >= 4.5, (word, ground)
    for ground in (tokens.selection, tokens.progress, tokens.canvas):
        assert contrast(tokens.text, ground) >= 4.5, ground
    for ground in (tokens.accent, tokens.accent_hover, tokens.accent_pressed):
        assert contrast(tokens.on_accent, ground) >= 4.5, ground
    for ground, edge in product(
        (tokens.window, tokens.panel, tokens.field), (tokens.outline, *tokens.series)
    ):
        assert contrast(edge, ground) >= 3, (edge, ground)


def test_a_scheme_sets_style_palette_and_colors(app: QApplication) -> None:
    for scheme, tokens in (("dark", DARK), ("light", LIGHT)):
        theme.apply_theme(app, scheme)
        assert theme.colors() is tokens
        assert app.style().name() == "fusion" or app.style().inherits("QStyleSheetStyle")
        assert app.palette().color(QPalette.ColorRole.Window) == QColor(tokens.window)
        disabled = app.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        assert disabled == QColor(tokens.disabled)
    assert not app.windowIcon().isNull()


def test_system_scheme_follows_the_system(app: QApplication, qtbot: QtBot) -> None:
    told, system = app.styleHints().colorSchemeChanged, Qt.ColorScheme.Light
    own = theme.Theme(app, lambda: system)
    own.choose("system")
    assert own.tokens is LIGHT
    system = Qt.ColorScheme.Dark
    with qtbot.waitSignal(own.changed):
        told.emit(system)
    assert own.tokens is DARK
    own.choose("dark")
    system = Qt.ColorScheme.Light
    told.emit(system)
    assert own.tokens is DARK, "a chosen scheme does not follow the system"
    own.deleteLater()


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
def test_the_style_sheet_is_whole(tokens: Tokens) -> None:
    sheet = style_sheet(tokens)
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}") > 50
    used = re.findall(r'url\("([^"]+)"\)', sheet)
    assert used
    assert all(Path(file).is_file() for file in used)
    drawn = {p.name for p in (ICONS / "style").glob(f"*-{tokens.scheme}.svg")}
    assert {Path(file).name for file in used} <= drawn


def test_every_icon_asked_for_is_drawn() -> None:
    assert set(NEEDED) <= set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_icons_are_drawn_alike_and_in_the_theme_colours(name: str, app: QApplication) -> None:
    root = ElementTree.parse(ICONS / f"{name}.svg").getroot()
    assert root.get("viewBox") == "0 0 24 24"
    assert root.get("stroke-width") == "1.75"
    paints = {e.get(a) for e in root.iter() for a in ("stroke", "fill")}
    assert paints <= {None, "none", "currentColor"}
    theme.apply_theme(app, "dark")
    icon = theme.icon(name)
    assert icon is theme.icon(name)
    for mode, state, color in (
        (QIcon.Mode.Normal, QIcon.State.Off, DARK.text),
        (QIcon.Mode.Disabled, QIcon.State.Off, DARK.disabled),
        (QIcon.Mode.Normal, QIcon.State.On, DARK.accent),
    ):
        image = icon.pixmap(QSize(48, 48), 1.0, mode, state).toImage()
        assert strongest(image) == QColor(color).name()
        border = [image.pixelColor(x, y).alpha() for x in range(48) for y in (0, 47)]
        assert max(border) == 0, "an icon keeps clear of its edge"


def strongest(image: QImage) -> str:
    """Colour of the most frequent opaque pixels."""
    found = [
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    ]
    return max(set(found), key=found.count)


def test_an_unknown_icon_is_a_defect(app: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        theme.icon("no-such-icon")


def test_icons_change_with_the_scheme(app: QApplication, qtbot: QtBot) -> None:
    class Panel(QWidget):
        drawn = 0

        def refresh_icons(self) -> None:
            self.drawn += 1

    theme.apply_theme(app, "light")
    panel = Panel()
    qtbot.addWidget(panel)
    tool, primary, action = QToolButton(panel), QPushButton(panel), QAction(panel)
    panel.addAction(action)
    primary.setProperty("class", "primary")
    for target in (tool, primary, action):
        theme.set_icon(target, "stop")
    for scheme, tokens in (("dark", DARK), ("light", LIGHT)):
        theme.apply_theme(app, scheme)
        inks = [strongest(t.icon().pixmap(48, 48).toImage()) for t in (tool, primary, action)]
        assert inks == [QColor(c).name() for c in (tokens.text, tokens.on_accent, tokens.text)]
    assert panel.drawn == 2


def test_a_primary_button_has_the_accent_colour(app: QApplication, qtbot: QtBot) -> None:
    theme.apply_theme(app, "dark")
    for name, value in (("class", "primary"), ("primary", True)):
        button = QPushButton("Start")
        qtbot.addWidget(button)
        button.setProperty(name, value)
        button.resize(120, 30)
        assert button.grab().toImage().pixelColor(12, 15).name() == DARK.accent


def test_the_program_icon_has_the_sizes_desktops_ask_for() -> None:
    reader = QImageReader(str(ICONS / "quietfield.ico"))
    sizes = set()
    for n in range(reader.imageCount()):
        reader.jumpToImage(n)
        sizes.add(reader.read().width())
    assert sizes == {16, 24, 32, 48, 64, 128, 256}
    image = QImage(str(ICONS / "quietfield.png"))
    assert (image.width(), image.height()) == (256, 256)
    assert image.pixelColor(0, 0).alpha() == 0
    assert image.pixelColor(128, 20).alpha() == 255
