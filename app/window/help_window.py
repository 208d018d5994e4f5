"""The help window, with its contents on the left."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QUrl, Slot
from PySide6.QtGui import (
    QBrush,
    QColor,
    QDesktopServices,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextTable,
)
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QTextBrowser, QWidget

from app.shell import theme
from app.window.help_pages import PAGES, KeyGroup, markdown

SIZE = (860, 640)
MARGIN, INDENT = 18, 24


class HelpWindow(QDialog):
    """Non-modal window with the contents on the left and a page on the right."""

    def __init__(self, keys: Sequence[KeyGroup], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = keys
        self.setObjectName("help-window")
        self.setWindowTitle("Quietfield Help")
        self.page = ""
        self.contents = QListWidget()
        self.contents.setObjectName("help-contents")
        self.contents.setAccessibleName("Contents")
        self.contents.setProperty("class", "cells")
        self.contents.setSpacing(3)
        self.contents.addItems(list(PAGES.values()))
        self.contents.setFixedWidth(self.contents.sizeHintForColumn(0) + 32)
        self.text = QTextBrowser()
        self.text.setObjectName("help-text")
        self.text.setOpenLinks(False)
        row = QHBoxLayout(self)
        row.addWidget(self.contents)
        row.addWidget(self.text, 1)
        self.resize(*SIZE)
        self.contents.currentRowChanged.connect(self._on_chosen)
        self.text.anchorClicked.connect(self._on_link)
        theme.current().changed.connect(self._refresh)

    def show_page(self, page: str) -> None:
        """Show a page and give the window the keyboard focus; it is always above its parent."""
        self._load(page)
        self.show()
        self.activateWindow()
        self.text.setFocus()

    def _load(self, page: str) -> None:
        self.page = page
        with QSignalBlocker(self.contents):
            self.contents.setCurrentRow(list(PAGES).index(page))
        document = self.text.document()
        self.text.setMarkdown(markdown(page, self._keys))
        document.setDocumentMargin(MARGIN)
        document.setIndentWidth(INDENT)
        _dress(document)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        self.text.verticalScrollBar().setValue(0)

    @Slot(int)
    def _on_chosen(self, row: int) -> None:
        self._load(list(PAGES)[row])

    @Slot(QUrl)
    def _on_link(self, url: QUrl) -> None:
        page = url.toString().removesuffix(".md")
        if page in PAGES:
            self._load(page)
        elif url.scheme() == "https":
            QDesktopServices.openUrl(url)

    @Slot()
    def _refresh(self) -> None:
        if self.page:
            self._load(self.page)


def _dress(document: QTextDocument) -> None:
    """Set line spacing and table borders, in the colours of the theme."""
    line = QBrush(QColor(theme.colors().border))
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            style = frame.format().toTableFormat()
            style.setBorder(1)
            style.setBorderBrush(line)
            style.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            style.setBorderCollapse(True)
            style.setCellPadding(5)
            style.setCellSpacing(0)
            style.setBottomMargin(10)
            frame.setFormat(style)
    block = document.begin()
    while block.isValid():
        cursor = QTextCursor(block)
        if cursor.currentTable() is None and not block.text().isspace():
            spaced = QTextBlockFormat()
            spaced.setLineHeight(125, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            heading = block.blockFormat().headingLevel()
            spaced.setTopMargin(16 if heading else 2)
            spaced.setBottomMargin(6)
            cursor.mergeBlockFormat(spaced)
        block = block.next()
