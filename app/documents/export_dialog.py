"""The export dialog."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.documents.exporting import FORMATS, Export, Format, default_path, writable
from app.shell.file_kinds import EXPORTS
from app.shell.preferences import PreferenceStore
from app.shell.session import Session
from app.shell.snapshot import Result
from core.paths import TIFF_ENDINGS, ZARR_ENDINGS, split_ending


class ExportDialog(QDialog):
    """Non-modal dialog for name, format and type of an exported result.

    Attributes
    ----------
    wanted : Signal of Export
        The user pressed Export.
    help_wanted : Signal
        The user wants help.
    """

    wanted = Signal(object)
    help_wanted = Signal()

    def __init__(
        self, session: Session, key: int, preferences: PreferenceStore, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export-dialog")
        self.setWindowTitle("Export")
        self.setProperty("helpPage", "export")
        QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), self, self.help_wanted.emit)
        self._session, self._preferences = session, preferences
        snapshot, kept = session.snapshot, preferences.current
        self._results = {r.key: r for r in snapshot.results}
        source = snapshot.results[0]
        self._source = source
        self.result_box = QComboBox()
        self.result_box.setObjectName("export-result")
        self.result_box.setToolTip("Which result to save")
        for row, result in enumerate(snapshot.results):
            if result.step is not None:
                words = f"{row + 1}  {result.label}" + (f" ({result.details})" if result.details else "")
                self.result_box.addItem(words, result.key)
        self.result_box.setCurrentIndex(max(0, self.result_box.findData(key)))
        self.format_box = QComboBox()
        self.format_box.setObjectName("export-format")
        for name, (label, _, help) in FORMATS.items():
            self.format_box.addItem(label, name)
            self.format_box.setItemData(self.format_box.count() - 1, help, Qt.ItemDataRole.ToolTipRole)
        self.format_box.setToolTip("\n".join(f"{label}: {help}" for label, _, help in FORMATS.values()))
        self.format_box.setCurrentIndex(max(0, self.format_box.findData(kept.export_format)))
        dtype = source.stack.dtype.name
        self.type_box = QComboBox()
        self.type_box.setObjectName("export-type")
        self.type_box.addItem(f"as the source ({dtype})", dtype)
        if dtype != "float32":
            self.type_box.addItem("float32", "float32")
        self.type_box.setToolTip(
            "As the source: rounded, and clipped to its range; the number of clipped pixels is reported.\n"
            "float32: exact, up to four times as large"
        )
        if kept.export_type == "float32" and self.type_box.count() > 1:
            self.type_box.setCurrentIndex(1)
        self.sidecar_box = QCheckBox("Write recipe and metrics beside it (.json)")
        self.sidecar_box.setObjectName("export-sidecar")
        self.sidecar_box.setToolTip(
            "The recipe is in the file itself too; a .json file can be read by anyone"
        )
        self.sidecar_box.setChecked(kept.export_sidecar)
        self.path_edit = QLineEdit()
        self.path_edit.setObjectName("export-path")
        self.path_edit.setToolTip("File to write; an existing file is never overwritten")
        self.path_edit.setMinimumWidth(420)
        browse = QPushButton("Browse…")
        browse.setObjectName("export-browse")
        browse.setToolTip("Choose folder and name")
        browse.clicked.connect(self._on_browse)
        self.hint = QLabel()
        self.hint.setObjectName("export-hint")
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(2 * self.hint.fontMetrics().height())

        line = QHBoxLayout()
        line.addWidget(self.path_edit, 1)
        line.addWidget(browse)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Result", self.result_box)
        form.addRow("File", line)
        form.addRow("Format", self.format_box)
        form.addRow("Pixels", self.type_box)
        form.addRow("", self.sidecar_box)
        form.addRow("", self.hint)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = self.buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self.export_button.setObjectName("export-accept")
        self.export_button.setProperty("primary", True)
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.buttons)
        self.export_button.setDefault(True)  # only a button inside the dialog becomes its default
        self.path_edit.setText(str(default_path(source.stack, self.format)))
        self.format_box.currentIndexChanged.connect(self._on_format)
        self.path_edit.textChanged.connect(self._check)
        self.type_box.currentIndexChanged.connect(self._check)
        self.result_box.currentIndexChanged.connect(self._check)
        self._check()

    @property
    def format(self) -> Format:
        """The selected kind of file."""
        found: Format = self.format_box.currentData()
        return found

    def choose_file(self, proposed: str) -> str:
        """Ask for a file name with the system dialog; "" if cancelled."""
        option = QFileDialog.Option.DontConfirmOverwrite  # nothing is overwritten
        return QFileDialog.getSaveFileName(self, "Export", proposed, EXPORTS, options=option)[0]

    def _on_browse(self) -> None:
        path = self.choose_file(self.path_edit.text())
        if path:
            self.path_edit.setText(path)

    def _on_format(self) -> None:
        path = Path(self.path_edit.text().strip())
        if path.name:
            known = path.suffix.lower() in (*TIFF_ENDINGS, *ZARR_ENDINGS)
            stem = split_ending(path)[0] if known else path.name
            self.path_edit.setText(str(path.with_name(stem + FORMATS[self.format][1])))
        self._check()

    @property
    def target(self) -> Path:
        """The file to write, from the text in the dialog."""
        path = Path(self.path_edit.text().strip())
        if path.parts[:1] == ("~",):
            path = Path.home().joinpath(*path.parts[1:])
        if not path.name:
            return path
        wanted = ZARR_ENDINGS if self.format.startswith("zarr") else TIFF_ENDINGS
        if path.suffix.lower() not in wanted:
            path = path.with_name(path.name + FORMATS[self.format][1])
        return path if path.is_absolute() else default_path(self._source.stack).parent / path

    def _check(self) -> None:
        from core.files.atomic import free_name

        text = self.path_edit.text().strip()
        words, good = "", bool(text)
        if not text:
            words = "Give the file a name."
        elif not self.target.name:
            words, good = "Give the file a name.", False
        elif not self.target.parent.is_dir():
            words, good = f"The folder {self.target.parent} does not exist.", False
        elif not writable(self.target.parent):
            words, good = f"The folder {self.target.parent} is write-protected. Choose another one.", False
        elif (free := free_name(self.target)) != self.target:
            words = f"{self.target.name} exists already; the new file will be called {free.name}."
        else:
            size = math.prod(self._source.stack.shape) * _itemsize(self.type_box.currentData())
            words = f"About {size / 1e6:,.0f} MB." if size >= 1e6 else ""
        result = self._results.get(self.result_box.currentData())
        if good and result is not None and not result.is_image and "int" in self.type_box.currentData():
            words = f"{words} Integers lose most digits of an error; float32 keeps it.".strip()
        self.hint.setText(words)
        self.export_button.setEnabled(good)
        self.export_button.setToolTip("Write the file" if good else words)

    def _on_accept(self) -> None:
        snapshot = self._session.snapshot
        result: Result = self._results[self.result_box.currentData()]
        if snapshot.find(result.key) is None:
            self.hint.setText(f"{result.label} was undone meanwhile. Close this and export again.")
            return
        wanted = Export(
            path=self.target,
            format=self.format,
            dtype=self.type_box.currentData(),
            sidecar=self.sidecar_box.isChecked(),
            stack=result.stack,
            source=self._source.stack,
            steps=self._session.steps(result.key),
            models=snapshot.models,
            measures=snapshot.measures.get(result.key),
            reference=snapshot.reference.label if snapshot.reference else "",
            key=result.key,
        )
        self._remember()
        self.wanted.emit(wanted)
        self.accept()

    def _remember(self) -> None:
        """Store the choices for the next export."""
        as_source = self.type_box.currentIndex() == 0
        self._preferences.keep(
            dataclasses.replace(
                self._preferences.current,
                export_format=self.format,
                export_type="source" if as_source else "float32",
                export_sidecar=self.sidecar_box.isChecked(),
            )
        )


def _itemsize(dtype: str) -> int:
    import numpy as np

    return np.dtype(dtype).itemsize
