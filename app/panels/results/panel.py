"""The Results panel: the source and all results; the marked one is displayed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidgetItem, QMenu, QToolButton, QVBoxLayout, QWidget

from app.panels.results.listing import DEPTH, DETAILS, KEY, MARGIN, NOTE, SHOWN, ResultDelegate, ResultsList
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
        self.list = ResultsList()
        self.list.setObjectName("results")
        self.list.setItemDelegate(ResultDelegate(self.list))
        self.list.setToolTip("Click, or use arrow keys or digits, to show a result; right-click for more")
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

    def _on_step(self) -> None:
        self.step_wanted.emit(self.sender().property("by"))

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        if (new.results, new.shown, new.measures, new.files, new.file_index, new.reference) != (
            old.results, old.shown, old.measures, old.files, old.file_index, old.reference
        ):  # fmt: skip
            self._show(new)

    def _show(self, snapshot: Snapshot) -> None:
        self._show_document(snapshot)
        depths = _depths(snapshot.results)
        with QSignalBlocker(self.list):
            self.list.clear()
            for row, result in enumerate(snapshot.results):
                item = QListWidgetItem(f"{row + 1}  {result.label}")
                item.setData(KEY, result.key)
                item.setData(DETAILS, result.details if result.step else source_words(result))
                item.setData(NOTE, note(result, snapshot))
                item.setData(DEPTH, depths[result.key])
                item.setData(SHOWN, result.key == snapshot.shown)
                item.setToolTip(tooltip(result, snapshot))
                self.list.addItem(item)
                if result.key == snapshot.shown:
                    self.list.setCurrentItem(item)

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
        key, is_source = item.data(KEY), self.list.row(item) == 0
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        show = menu.addAction("Show")
        show.setToolTip("Show it beside the source")
        show.triggered.connect(lambda: self._session.show(key))
        export = menu.addAction("Export…")
        export.triggered.connect(lambda: self.export_wanted.emit(key))
        recipe = menu.addAction("Copy Recipe")
        recipe.triggered.connect(lambda: self.recipe_wanted.emit(key))
        export.setToolTip("Save this result as a TIFF file")
        recipe.setToolTip("Copy the steps of this result as JSON")
        if is_source:
            export.setEnabled(False)
            export.setToolTip("The source is already a file")
            recipe.setEnabled(False)
            recipe.setToolTip("The source has no processing steps")
        return menu

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
