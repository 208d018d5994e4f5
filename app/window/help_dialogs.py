"""Non-modal dialogs: keys, versions and licences."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.shell import defects, theme
from app.window.help_pages import KeyGroup

LICENCES = (
    ("Quietfield", "BSD 3-Clause"),
    ("PySide6 / Qt", "LGPL 3"),
    ("pyqtgraph", "MIT"),
    ("PyTorch", "BSD 3-Clause"),
    ("NumPy, SciPy, tifffile, imagecodecs", "BSD 3-Clause"),
    ("safetensors", "Apache 2.0"),
    ("platformdirs", "MIT"),
)


class TextDialog(QDialog):
    """A text with a Close button."""

    def __init__(self, name: str, title: str, html: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QTextBrowser()
        self.text.setObjectName(f"{name}-text")
        self.text.setOpenExternalLinks(True)
        self.text.setHtml(html)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        self.head = QHBoxLayout()
        column = QVBoxLayout(self)
        column.addLayout(self.head)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)


def keys_dialog(keys: Sequence[KeyGroup], parent: QWidget) -> TextDialog:
    """Return a dialog that lists all keys."""
    rows: list[str] = []
    for group in keys:
        rows.append(f"<tr><td colspan=2><br><b>{escape(group.title)}</b></td></tr>")
        for names, words in group.lines:
            marked = "&nbsp;&nbsp; ".join(f"<b>{escape(name)}</b>" for name in names)
            rows.append(f"<tr><td>{marked}</td><td>{escape(words)}</td></tr>")
    html = f"<table cellpadding=3 width='100%'>{''.join(rows)}</table>"
    dialog = TextDialog("keys-dialog", "Keyboard Shortcuts", html, parent)
    dialog.resize(480, 560)
    return dialog


def about_dialog(device: str, parent: QWidget) -> TextDialog:
    """Return a dialog with versions and licences."""
    versions = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(version)}</td></tr>"
        for name, version in defects.versions().items()
    )
    licences = "".join(f"<tr><td>{escape(n)}</td><td>{escape(words)}</td></tr>" for n, words in LICENCES)
    html = (
        "<p>Denoises microscopy stacks with classic filters and self-supervised networks, "
        "compared on your own data.</p>"
        f"<p>Networks run on: {escape(device or 'unknown so far')}</p>"
        f"<p><b>Versions</b></p><table cellpadding=2>{versions}</table>"
        f"<p><b>Licences</b></p><table cellpadding=2>{licences}</table>"
        "<p>Sample: a part of one frame of the Convallaria set (Prakash et al. 2020, CC BY 4.0, "
        "<a href='https://doi.org/10.5281/zenodo.5156913'>doi:10.5281/zenodo.5156913</a>).</p>"
    )
    dialog = TextDialog("about-dialog", "About Quietfield", html, parent)
    picture, title = QLabel(), QLabel("Quietfield")
    picture.setPixmap(theme.icon("quietfield").pixmap(48, 48))
    font = title.font()
    font.setPointSizeF(font.pointSizeF() * 1.7)
    title.setFont(font)
    dialog.head.addWidget(picture)
    dialog.head.addWidget(title, 1)
    dialog.resize(480, 560)
    return dialog
