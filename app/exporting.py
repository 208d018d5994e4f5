"""Export a result: a dialog, and a job that writes the stack, the network it needs, and a sidecar."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import platformdirs
from PySide6.QtCore import QObject, Signal
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

from app.jobs import Job, Jobs
from app.preferences import Preferences
from app.session import Result, Session
from core.history import Recipe, Step, fingerprint
from core.progress import Context
from core.stack import Stack

if TYPE_CHECKING:
    from core.learning.model import Model
    from core.quality.metrics import Measures

Format = Literal["imagej", "ome"]
FORMATS: Mapping[Format, tuple[str, str, str]] = {
    "imagej": ("ImageJ TIFF", ".tif", "Opens in ImageJ and Fiji by a drop, with pixel size and axes"),
    "ome": ("OME-TIFF", ".ome.tif", "For OMERO, napari and Bio-Formats; keeps OME metadata of the source"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Export:
    """What to write.

    Attributes
    ----------
    path : Path
        The TIFF file; a free name beside it is taken if it exists.
    format : {"imagej", "ome"}
        Kind of TIFF.
    dtype : str
        Type of the pixels written: that of the source, or "float32".
    sidecar : bool
        Whether recipe and metrics are written beside it as JSON.
    stack, source : Stack
        The result and what it was made from.
    steps : tuple of Step
        How.
    models : dict of str to Model
        Trained networks the steps name, by their SHA-256.
    measures : Measures or None
        Measures of the result, and `reference` what they were measured against.
    """

    path: Path
    format: Format = "imagej"
    dtype: str = "float32"
    sidecar: bool = True
    stack: Stack
    source: Stack
    steps: tuple[Step, ...] = ()
    models: Mapping[str, Model] = dataclasses.field(default_factory=dict)
    measures: Measures | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: the stack, what else, and what the person should know."""

    path: Path
    others: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """Sentences on what was written."""
        beside = f", with {' and '.join(p.name for p in self.others)} beside it" if self.others else ""
        return " ".join((f"Saved {self.path.name} in {self.path.parent}{beside}.", *self.notes))


def writable(folder: Path) -> bool:
    """Whether a file can be made in a folder."""
    return folder.is_dir() and os.access(folder, os.W_OK)


def default_path(source: Stack, format: Format = "imagej") -> Path:
    """``<name>_denoised.tif`` beside the source, or among the documents where that is not possible."""
    from core.files.atomic import free_name, split_suffix

    path = source.meta.path
    stem = split_suffix(path or Path(source.meta.name))[0]
    if path is not None and path.is_dir():
        stem = path.name
    folder = path.parent if path is not None else None
    if folder is None or not writable(folder) or is_inside_program(folder):
        folder = Path(platformdirs.user_documents_dir())
        folder = folder if writable(folder) else Path.home()
    return free_name(folder / f"{stem}_denoised{FORMATS[format][1]}")


def is_inside_program(folder: Path) -> bool:
    """Whether a folder belongs to the program, such as the one of the samples."""
    from resources import FOLDER

    return folder.resolve().is_relative_to(FOLDER.resolve())


def export(wanted: Export, context: Context | None = None) -> Exported:
    """Write a result, whole or not at all.

    Raises
    ------
    QuietfieldError
        If it cannot be written; nothing half-written is left.
    """
    from core.files import save_stack
    from core.files.atomic import free_name, write_text

    context = context or Context()
    path = free_name(wanted.path)
    recipe = Recipe(steps=wanted.steps, source=fingerprint(wanted.source)).to_json()
    saved = save_stack(
        path,
        wanted.stack,
        format=wanted.format,
        dtype=wanted.dtype,
        recipe=recipe,
        context=context.part(0.0, 0.95),
    )
    notes = list(saved.notes)
    if saved.clipped and not any("clip" in note for note in notes):
        share = 100 * saved.clipped / saved.total
        notes.append(
            f"{saved.clipped} of {saved.total} pixels ({share:.2g} %) lay outside the range of {saved.dtype} "
            "and were clipped; choose float32 to keep them."
        )
    written = [path]
    try:
        _save_models(wanted, written)
        if wanted.sidecar:
            sidecar = free_name(path.with_name(path.name + ".json"))
            write_text(sidecar, _sidecar(wanted, recipe, saved.clipped, saved.dtype))
            written.append(sidecar)
        context.step(1.0)
    except BaseException:  # what belongs together appears together, or not at all
        for made in written:
            made.unlink(missing_ok=True)
        raise
    return Exported(path=path, others=tuple(written[1:]), notes=tuple(notes))


def _save_models(wanted: Export, written: list[Path]) -> None:
    """Write the networks the steps name beside the stack, unless they lie there already."""
    for step in wanted.steps:
        if step.model is None or step.model.sha256 not in wanted.models:
            continue
        from core.learning.checkpoint import save_model, sha256

        path = written[0].parent / step.model.file
        if path.exists():
            if sha256(path) == step.model.sha256:
                continue
            # Recipes find a network by its content where the name is taken by another.
            path = path.with_name(f"{path.stem}-{step.model.sha256[:8]}{path.suffix}")
        save_model(path, wanted.models[step.model.sha256])
        written.append(path)


def _sidecar(wanted: Export, recipe: str, clipped: int, dtype: str) -> str:
    whole: dict[str, Any] = json.loads(recipe)
    whole["exported"] = {"dtype": dtype, "clipped": clipped}
    if wanted.measures is not None:
        found = dataclasses.asdict(wanted.measures)
        finite = {k: (v if not isinstance(v, float) or math.isfinite(v) else None) for k, v in found.items()}
        whole["measures"] = {"reference": wanted.reference, **finite}
    return json.dumps(whole, indent=1, ensure_ascii=True)


class ExportDialog(QDialog):
    """Asks for name, format and type; does not block the rest of the program.

    Attributes
    ----------
    wanted : Signal of Export
        The person pressed Export.
    """

    wanted = Signal(object)

    def __init__(
        self, session: Session, key: int, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export-dialog")
        self.setWindowTitle("Export")
        self._session = session
        snapshot = session.snapshot
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
            self.format_box.setItemData(self.format_box.count() - 1, help, 3)  # Qt.ToolTipRole
        self.format_box.setToolTip("\n".join(f"{label}: {help}" for label, _, help in FORMATS.values()))
        self.format_box.setCurrentIndex(max(0, self.format_box.findData(preferences.export_format)))
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
        if preferences.export_type == "float32" and self.type_box.count() > 1:
            self.type_box.setCurrentIndex(1)
        self.sidecar_box = QCheckBox("Write recipe and metrics beside it (.json)")
        self.sidecar_box.setObjectName("export-sidecar")
        self.sidecar_box.setToolTip("The recipe is in the TIFF file too; a .json file can be read by anyone")
        self.sidecar_box.setChecked(preferences.export_sidecar)
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
        self.export_button.setDefault(True)
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.buttons)
        self.path_edit.setText(str(default_path(source.stack, self.format)))
        self.format_box.currentIndexChanged.connect(self._on_format)
        self.path_edit.textChanged.connect(self._check)
        self.type_box.currentIndexChanged.connect(self._check)
        self._check()

    @property
    def format(self) -> Format:
        """Kind of TIFF chosen."""
        found: Format = self.format_box.currentData()
        return found

    def choose_file(self, proposed: str) -> str:
        """Ask for a file name with the dialog of the system; "" if there is none."""
        option = QFileDialog.Option.DontConfirmOverwrite  # nothing is overwritten
        return QFileDialog.getSaveFileName(self, "Export", proposed, "TIFF (*.tif *.tiff)", options=option)[0]

    def _on_browse(self) -> None:
        path = self.choose_file(self.path_edit.text())
        if path:
            self.path_edit.setText(path)

    def _on_format(self) -> None:
        from core.files.atomic import split_suffix

        path = Path(self.path_edit.text())
        self.path_edit.setText(str(path.with_name(split_suffix(path)[0] + FORMATS[self.format][1])))
        self._check()

    def _target(self) -> Path:
        path = Path(self.path_edit.text().strip()).expanduser()
        if path.suffix.lower() not in (".tif", ".tiff"):
            path = path.with_name(path.name + FORMATS[self.format][1])
        return path if path.is_absolute() else default_path(self._source.stack).parent / path

    def _check(self) -> None:
        from core.files.atomic import free_name

        text = self.path_edit.text().strip()
        words, good = "", bool(text)
        if not text:
            words = "Give the file a name."
        elif not self._target().parent.is_dir():
            words, good = f"The folder {self._target().parent} does not exist.", False
        elif not writable(self._target().parent):
            words, good = f"The folder {self._target().parent} is write-protected. Choose another.", False
        elif (free := free_name(self._target())) != self._target():
            words = f"{self._target().name} exists already; the new file will be called {free.name}."
        else:
            size = math.prod(self._source.stack.shape) * _itemsize(self.type_box.currentData())
            words = f"About {size / 1e6:,.0f} MB." if size >= 1e6 else ""
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
            path=self._target(),
            format=self.format,
            dtype=self.type_box.currentData(),
            sidecar=self.sidecar_box.isChecked(),
            stack=result.stack,
            source=self._source.stack,
            steps=self._session.steps(result.key),
            models=snapshot.models,
            measures=snapshot.measures.get(result.key),
            reference=snapshot.reference.label if snapshot.reference else "",
        )
        self.wanted.emit(wanted)
        self.accept()

    def remember(self, preferences: Preferences) -> Preferences:
        """Keep the choices made for the next time."""
        as_source = self.type_box.currentIndex() == 0
        return dataclasses.replace(
            preferences,
            export_format=self.format,
            export_type="source" if as_source else "float32",
            export_sidecar=self.sidecar_box.isChecked(),
        )


def _itemsize(dtype: str) -> int:
    import numpy as np

    return np.dtype(dtype).itemsize


class Exporter(QObject):
    """Runs exports as jobs.

    Attributes
    ----------
    exported : Signal of Exported
        A result was written.
    """

    exported = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs

    def start(self, wanted: Export) -> Job:
        """Write a result in a job; several can run beside each other."""
        return self._jobs.start(
            f"Exporting {wanted.path.name}",
            lambda job: export(wanted, job.context),
            done=self.exported.emit,
        )
