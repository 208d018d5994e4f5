"""The Results panel: the source and all results; the marked one is displayed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidgetItem, QMenu, QToolButton, QVBoxLayout, QWidget

from app.panels.results.listing import (
    DEPTH,
    DETAILS,
    KEY,
    LABEL,
    MARGIN,
    NOTE,
    NUMBER,
    SHOWN,
    ResultDelegate,
    ResultsList,
)
from app.panels.results.order import ORDERS, Order, arrange, reason
from app.panels.results.words import describe, note, source_words, tooltip
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot


class ResultsPanel(QWidget):
    """List of results; a click, an arrow key or a digit displays one.

    Attributes
    ----------
    export_wanted, recipe_wanted : Signal of int
        The user wants to export the result with this key, or to copy its recipe.
    step_wanted : Signal of int
        The user wants the next (1) or previous (-1) file.
    """

    export_wanted = Signal(int)
    recipe_wanted = Signal(int)
    step_wanted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.name = QLabel()
        self.name.setObjectName("document-name")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.about = QLabel()
        self.about.setObjectName("document-about")
        self.about.setWordWrap(True)
        self.about.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._files = self._make_file_row()
        self._order: Order = "made"
        self.list = ResultsList()
        self.list.setObjectName("results")
        delegate = ResultDelegate(self.list)
        self.list.setItemDelegate(delegate)
        # a new name rebuilds the list, which must not happen while the list closes the editor
        queued = Qt.ConnectionType.QueuedConnection
        delegate.renamed.connect(session.rename, queued)
        delegate.closeEditor.connect(self._on_edited, queued)
        self.list.setEditTriggers(ResultsList.EditTrigger.EditKeyPressed)
        self.list.delete_wanted.connect(session.delete, queued)
        self.list.setToolTip(
            "Click, or use arrow keys or digits, to show a result; F2 renames it, Delete deletes it, "
            "right-click for more"
        )
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.customContextMenuRequested.connect(self._on_menu)
        self.list.currentItemChanged.connect(self._on_current)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        head = QVBoxLayout()
        head.setContentsMargins(MARGIN, 6, MARGIN, 2)
        head.setSpacing(2)
        head.addWidget(self.name)
        head.addWidget(self.about)
        head.addWidget(self._files)
        column.addLayout(head)
        column.addWidget(self._make_sort_row())
        column.addWidget(self.list, 1)
        session.changed.connect(self._on_changed)
        self._show(session.snapshot)

    def _make_file_row(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 2, 0, 0)
        line.setSpacing(4)
        self.previous_file, self.next_file = QToolButton(), QToolButton()
        self.previous_file.setArrowType(Qt.ArrowType.LeftArrow)
        self.next_file.setArrowType(Qt.ArrowType.RightArrow)
        self.file_count = QLabel()
        self.file_count.setObjectName("file-count")
        for button, name, by in ((self.previous_file, "file-previous", -1), (self.next_file, "file-next", 1)):
            button.setObjectName(name)
            button.setAutoRaise(True)
            button.setProperty("by", by)
            button.clicked.connect(self._on_step)
        self.previous_file.setAccessibleName("Previous file")
        self.next_file.setAccessibleName("Next file")
        line.addWidget(self.previous_file)
        line.addWidget(self.file_count, 1, Qt.AlignmentFlag.AlignCenter)
        line.addWidget(self.next_file)
        return row

    def _make_sort_row(self) -> QToolButton:
        self.sort = QToolButton()
        self.sort.setObjectName("results-sort")
        self.sort.setAutoRaise(True)
        self.sort.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.sort.setToolTip("Order of the results; their numbers stay")
        menu = QMenu(self.sort)
        menu.setToolTipsVisible(True)
        self._orders = QActionGroup(menu)
        for order, (text, _) in ORDERS.items():
            action = menu.addAction(text)
            action.setObjectName(f"results-sort-{order}")
            action.setData(order)
            action.setCheckable(True)
            self._orders.addAction(action)
        self._orders.triggered.connect(self._on_order)
        self.sort.setMenu(menu)
        return self.sort

    def _on_order(self, action: QAction) -> None:
        self._order = action.data()
        self._show(self._session.snapshot)

    def _on_edited(self) -> None:
        self._show(self._session.snapshot)

    def _on_step(self) -> None:
        self.step_wanted.emit(self.sender().property("by"))

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        if (new.results, new.shown, new.measures, new.files, new.file_index, new.reference) != (
            old.results, old.shown, old.measures, old.files, old.file_index, old.reference
        ):  # fmt: skip
            self._show(new)

    def _show(self, snapshot: Snapshot) -> None:
        self._show_document(snapshot)
        if self.list.editing:  # the name that is being typed; the list follows when it is complete
            return
        self._show_order(snapshot)
        sorted_ = self._order != "made"
        depths = _depths(snapshot.results)
        with QSignalBlocker(self.list):
            self.list.clear()
            for number, result in arrange(snapshot, self._order):
                item = QListWidgetItem(f"{number}  {result.label}")
                if result.step is not None:
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                item.setData(NUMBER, number)
                item.setData(LABEL, result.label)
                item.setData(KEY, result.key)
                item.setData(DETAILS, result.details if result.step else source_words(result))
                item.setData(NOTE, note(result, snapshot))
                item.setData(DEPTH, 0 if sorted_ else depths[result.key])
                item.setData(SHOWN, result.key == snapshot.shown)
                item.setToolTip(tooltip(result, snapshot))
                self.list.addItem(item)
                if result.key == snapshot.shown:
                    self.list.setCurrentItem(item)

    def _show_order(self, snapshot: Snapshot) -> None:
        if reason(snapshot, self._order):
            self._order = "made"
        self.sort.setVisible(len(snapshot.results) > 2)
        self.sort.setText(f"Sorted {ORDERS[self._order][1]}")
        for action in self._orders.actions():
            why = reason(snapshot, action.data())
            action.setChecked(action.data() == self._order)
            action.setEnabled(not why)
            action.setToolTip(why or action.text())

    def _show_document(self, snapshot: Snapshot) -> None:
        source = snapshot.source
        self.setEnabled(source is not None)
        name = source.stack.meta.name if source else "No stack is open"
        width = max(80, self.width() - 2 * MARGIN)
        self.name.setText(self.name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, width))
        self.name.setToolTip(str(source.stack.meta.path or name) if source else "")
        self.about.setText(describe(source.stack) if source else "")
        self.about.setVisible(source is not None)
        several = len(snapshot.files) > 1
        self._files.setVisible(several)
        if several:
            at, count = snapshot.file_index, len(snapshot.files)
            self.file_count.setText(f"file {at + 1} of {count}")
            self.previous_file.setEnabled(at > 0)
            self.next_file.setEnabled(at < count - 1)
            before = f"Previous file: {snapshot.files[at - 1].name}" if at else "This is the first file"
            after = f"Next file: {snapshot.files[at + 1].name}" if at < count - 1 else "This is the last file"
            self.previous_file.setToolTip(before)
            self.next_file.setToolTip(after)

    def resizeEvent(self, event: object) -> None:
        """Shorten the name to the new width."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._show_document(self._session.snapshot)

    def _on_current(self, current: QListWidgetItem | None) -> None:
        if current is not None:
            self._session.show(current.data(KEY))

    def menu(self, item: QListWidgetItem) -> QMenu:
        """Return the context menu of a result."""
        key = item.data(KEY)
        is_source = self._session.snapshot.results[0].key == key
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        show = menu.addAction("Show")
        show.setToolTip("Show it beside the source")
        show.triggered.connect(lambda: self._session.show(key))
        export = menu.addAction("Export…")
        export.triggered.connect(lambda: self.export_wanted.emit(key))
        recipe = menu.addAction("Copy Recipe")
        recipe.triggered.connect(lambda: self.recipe_wanted.emit(key))
        menu.addSeparator()
        rename = menu.addAction("Rename")
        rename.setToolTip("Give this result another name (F2)")
        rename.triggered.connect(lambda: self._edit(key))
        delete = menu.addAction("Delete")
        made = _descendants(self._session.snapshot.results, key) - 1
        also = f" and {made} made from it" if made else ""
        delete.setToolTip(f"Delete this result{also} (Delete); Undo restores it")
        delete.triggered.connect(lambda: self._session.delete(key))
        export.setToolTip("Save this result as a TIFF file")
        recipe.setToolTip("Copy the steps of this result as JSON")
        if is_source:
            export.setEnabled(False)
            export.setToolTip("The source is already a file")
            recipe.setEnabled(False)
            recipe.setToolTip("The source has no processing steps")
            rename.setEnabled(False)
            rename.setToolTip("The source has the name of its file")
            delete.setEnabled(False)
            delete.setToolTip("The source cannot be deleted")
        return menu

    def _edit(self, key: int) -> None:
        for row in range(self.list.count()):
            if self.list.item(row).data(KEY) == key:
                self.list.editItem(self.list.item(row))

    def _on_menu(self, where: QPoint) -> None:
        item = self.list.itemAt(where)
        if item is not None:
            menu = self.menu(item)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.list.viewport().mapToGlobal(where))


def _depths(results: tuple[Result, ...]) -> Mapping[int, int]:
    depths: dict[int, int] = {}
    for result in results:
        depths[result.key] = 0 if result.parent == result.key else depths.get(result.parent, 0) + 1
    return {key: max(0, depth - 1) for key, depth in depths.items()}


def _descendants(results: tuple[Result, ...], key: int) -> int:
    """Return the number of results that deleting one removes, including itself."""
    found = {key}
    for result in results:
        if result.parent in found:
            found.add(result.key)
    return len(found)
