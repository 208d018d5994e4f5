"""The actions of the window, with its menus and toolbar, generated from tables."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QToolBar, QToolButton

from app.shell import theme
from app.window.command import Command
from app.window.commands import COMMANDS
from app.window.menus import SEPARATOR, TOOLBAR, Item, Submenu
from app.window.services import Services


class Actions:
    """The actions of a window, updated with its document."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._groups: dict[str, QActionGroup] = {}
        self.by_id: dict[str, QAction] = {}
        for command in COMMANDS:
            self.by_id[command.id] = self._make(command)
        self.refresh()

    def _make(self, command: Command) -> QAction:
        window = self._services.window
        action = QAction(command.text, window)
        action.setObjectName(command.id)
        action.setIconText(command.short or command.text.rstrip("…"))
        if command.icon:
            theme.set_icon(action, command.icon)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        if command.on is not None:
            action.setCheckable(True)
            if command.group:
                group = self._groups.setdefault(command.group, QActionGroup(window))
                group.setExclusionPolicy(QActionGroup.ExclusionPolicy.Exclusive)
                group.addAction(action)
        if command.id == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        elif command.id == "about":
            action.setMenuRole(QAction.MenuRole.AboutRole)
        else:
            action.setMenuRole(QAction.MenuRole.NoRole)
        action.triggered.connect(lambda _checked=False: self._run(command))
        window.addAction(action)
        return action

    def _run(self, command: Command) -> None:
        command.run(self._services)
        self.refresh()

    def refresh(self) -> None:
        """Enable the actions that are possible now, give reasons for the others, and update check marks."""
        snapshot = self._services.session.snapshot
        for command in COMMANDS:
            action = self.by_id[command.id]
            reason = command.why_not(snapshot)
            action.setEnabled(not reason)
            action.setToolTip(_tooltip(command, reason))
            if command.on is not None:
                action.setChecked(command.on(self._services))

    def fill_menu(self, menu: QMenu, items: tuple[Item, ...], special: Callable[[QMenu, str], None]) -> None:
        """Add items to a menu; `special` adds items that change while the program runs."""
        menu.setToolTipsVisible(True)
        for item in items:
            if isinstance(item, Submenu):
                inner = menu.addMenu(item.title)
                inner.setObjectName(f"menu-{item.title}")
                self.fill_menu(inner, item.items, special)
            elif item == SEPARATOR:
                menu.addSeparator()
            elif item.startswith("@"):
                special(menu, item)
            else:
                menu.addAction(self.by_id[item])

    def fill_toolbar(self, toolbar: QToolBar) -> None:
        """Add the items of the toolbar."""
        wordless = {command.id for command in COMMANDS if command.icon and not command.short}
        for item in TOOLBAR:
            if isinstance(item, Submenu):
                toolbar.addWidget(self._menu_button(item, toolbar))
            elif item == SEPARATOR:
                toolbar.addSeparator()
            else:
                toolbar.addAction(self.by_id[item])
                button = toolbar.widgetForAction(self.by_id[item])
                if item in wordless and isinstance(button, QToolButton):
                    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def _menu_button(self, item: Submenu, toolbar: QToolBar) -> QToolButton:
        button = QToolButton(toolbar)
        button.setObjectName(f"toolbar-{item.title.lower()}")
        button.setText(item.title)
        button.setToolButtonStyle(toolbar.toolButtonStyle())
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        theme.set_icon(button, item.icon)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for name in item.items:
            menu.addAction(self.by_id[name])
        button.setMenu(menu)
        button.setToolTip(item.help)
        return button


def _tooltip(command: Command, reason: str) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    keys = [QKeySequence(key).toString(native) for key in command.keys[:1]]
    text = " ".join((command.help, *(f"({key})" for key in keys)))
    return f"{text}\nNot now: {reason}." if reason else text
