"""Positions and sizes of the panels, which can be hidden, and their restoration at the next start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QDockWidget, QFrame, QMainWindow, QScrollArea, QSplitter, QTabWidget, QWidget

from app.shell.preferences import Preferences
from app.viewer.canvas import Canvas

SIZE = (1280, 800)
LEFT, RIGHT, BOTTOM = 220, 340, 236
"""Widths of the left and right docks, and height of the bottom dock, at the first start."""

CONTRAST = 0.24
"""Fraction of the window height of the contrast panel at the first start."""

LOWEST = 320
"""Smallest height of a page that scrolls below the height that it needs."""

STATE_VERSION = 1


class Arrangement(QObject):
    """Panels around the image: results left, tools and contrast right, metrics below.

    Parameters
    ----------
    window : QMainWindow
        Window that gets the docks.
    results, contrast : QWidget
        Panels.
    tools, measurements : dict of str to QWidget
        Panels by the titles of their tabs.
    """

    def __init__(
        self,
        window: QMainWindow,
        *,
        results: QWidget,
        tools: Mapping[str, QWidget],
        contrast: QWidget,
        measurements: Mapping[str, QWidget],
    ) -> None:
        super().__init__(window)
        self._window = window
        area = Qt.DockWidgetArea
        window.setCorner(Qt.Corner.BottomRightCorner, area.RightDockWidgetArea)
        self._hidden: QByteArray | None = None
        self._fresh = False
        self.tool_tabs = _tabs("tool-tabs", tools)
        self.lower_tabs = _tabs(
            "lower-tabs", {title: _scrolled(page) for title, page in measurements.items()}
        )
        column = self._column = QSplitter(Qt.Orientation.Vertical)
        column.setObjectName("tools")
        column.setChildrenCollapsible(False)
        column.addWidget(self.tool_tabs)
        column.addWidget(contrast)
        column.setStretchFactor(0, 4)  # the histogram grows with the window
        column.setStretchFactor(1, 1)
        self.docks = {
            "Results": self._dock("Results", results, area.LeftDockWidgetArea),
            "Tools": self._dock("Tools", column, area.RightDockWidgetArea),
            "Measurements": self._dock("Measurements", self.lower_tabs, area.BottomDockWidgetArea),
        }
        results.setMinimumWidth(LEFT * 3 // 4)
        column.setMinimumWidth(RIGHT * 7 // 8)
        window.resize(*SIZE)
        window.installEventFilter(self)

    def _dock(self, title: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock-{title}")
        dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)  # the menu can hide it
        dock.setTitleBarWidget(QWidget(dock))  # the content has its own title
        dock.setWidget(content)
        dock.toggleViewAction().setToolTip(f"Show or hide the {title.lower()} panel")
        self._window.addDockWidget(area, dock)
        return dock

    def switches(self) -> list[QAction]:
        """Return the actions that show and hide the panels."""
        return [dock.toggleViewAction() for dock in self.docks.values()]

    def go_to(self, panel: QWidget) -> None:
        """Raise a panel and give it the keyboard focus."""
        for dock in self.docks.values():
            if dock.isAncestorOf(panel):
                dock.show()
        for tabs in (self.tool_tabs, self.lower_tabs):
            for index in range(tabs.count()):
                page = tabs.widget(index)
                if page is not None and (page is panel or page.isAncestorOf(panel)):
                    tabs.setCurrentIndex(index)
        first = panel.nextInFocusChain()
        if first is not None and panel.isAncestorOf(first):
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def toggle_all(self) -> None:
        """Hide all panels, or show those again that were hidden last, with the sizes they had."""
        if not self.alone:
            self._hidden = self._window.saveState(STATE_VERSION)
            for dock in self.docks.values():
                dock.hide()
        elif self._hidden is not None:
            self._window.restoreState(self._hidden, STATE_VERSION)
        else:  # each was hidden on its own
            for dock in self.docks.values():
                dock.show()

    def toggle_full_screen(self) -> None:
        """Show the window on the full screen, or as it was before."""
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)

    @property
    def alone(self) -> bool:
        """Whether all panels are hidden."""
        return all(dock.isHidden() for dock in self.docks.values())

    def reset(self) -> None:
        """Restore the default positions of all panels."""
        for dock in self.docks.values():
            dock.show()
        docks, across = self.docks, Qt.Orientation.Horizontal
        self._window.resizeDocks([docks["Results"], docks["Tools"]], [LEFT, RIGHT], across)
        self._window.resizeDocks([docks["Measurements"]], [BOTTOM], Qt.Orientation.Vertical)
        contrast = round(CONTRAST * self._window.height())
        self._column.setSizes([self._window.height() - contrast, contrast])

    def restore(self, preferences: Preferences) -> None:
        """Restore positions and sizes of the last start, or the default ones when the window is shown."""
        geometry = QByteArray.fromBase64(preferences.geometry.encode())
        state = QByteArray.fromBase64(preferences.state.encode())
        if not geometry.isEmpty():
            self._window.restoreGeometry(geometry)
            if self._window.isFullScreen():  # the next start has its frame
                self.toggle_full_screen()
        self._fresh = state.isEmpty() or not self._window.restoreState(state, STATE_VERSION)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Set the panel sizes once the window has its size, and let Tab move the focus outside the image."""
        if event.type() == QEvent.Type.Show and self._fresh:
            self._fresh = False
            self.reset()  # Qt ignores sizes before
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            on_image = self.alone or isinstance(self._window.focusWidget(), Canvas)
            if event.key() == Qt.Key.Key_Tab and not on_image:
                event.accept()  # the shortcut of the same key is not used
                return True
        return super().eventFilter(watched, event)

    def remember(self, preferences: Preferences) -> Preferences:
        """Return preferences with the current positions and sizes."""
        geometry = bytes(self._window.saveGeometry().toBase64().data()).decode()
        kept = self._hidden if self.alone else None  # the next start shows what the Tab key hid
        if kept is None:
            kept = self._window.saveState(STATE_VERSION)
        return replace(preferences, geometry=geometry, state=bytes(kept.toBase64().data()).decode())


def _tabs(name: str, pages: Mapping[str, QWidget]) -> QTabWidget:
    tabs = QTabWidget()
    tabs.setObjectName(name)
    tabs.setDocumentMode(True)
    for title, page in pages.items():
        tabs.addTab(page, title)
    return tabs


class LowPage(QScrollArea):
    """A page that needs its width, and scrolls where it is low, so that the window fits low screens."""

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self._page = page
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._page.minimumSizeHint().width(), LOWEST)


def _scrolled(page: QWidget) -> QWidget:
    """Return a page that scrolls where it is low, so that the image can have its height."""
    scroll = QScrollArea()
    scroll.setWidget(page)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    return scroll
