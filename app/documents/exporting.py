"""Export of a result: the stack, the networks that its recipe needs, and a sidecar file."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import platformdirs
from PySide6.QtCore import QObject, Signal

from app.shell.jobs import Job, Jobs
from core.findings import Finding
from core.fingerprint import fingerprint
from core.paths import (
    OME_ENDINGS,
    RECIPE_ENDING,
    TIFF_ENDINGS,
    ZARR_ENDINGS,
    is_zarr_name,
    shorten,
    split_ending,
)
from core.progress import Context
from core.stack import Stack
from core.work.recipe import Recipe, Step

if TYPE_CHECKING:
    from core.learning.model import Model
    from core.quality.metric import Measures

Format = Literal["imagej", "ome", "zarr", "zarr-sharded"]
FORMATS: Mapping[Format, tuple[str, str, str]] = {
    "imagej": (
        "ImageJ TIFF",
        TIFF_ENDINGS[0],
        "Opens in ImageJ and Fiji by drag and drop, with pixel size and axes",
    ),
    "ome": (
        "OME-TIFF",
        OME_ENDINGS[0],
        "For OMERO, napari and Bio-Formats; keeps OME metadata of the source",
    ),
    "zarr": (
        "OME-Zarr",
        ZARR_ENDINGS[0],
        "A folder with chunks and lower resolutions, for large images, napari and the cloud",
    ),
    "zarr-sharded": (
        "OME-Zarr, few files",
        ZARR_ENDINGS[0],
        "OME-Zarr with many chunks in each file (sharding), for disks that are slow with many files",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Export:
    """Settings of an export.

    Attributes
    ----------
    path : Path
        TIFF file or OME-Zarr; if it exists, a free name beside it is used.
    format : {"imagej", "ome", "zarr", "zarr-sharded"}
        Kind of file.
    dtype : str
        Type of the written pixels: that of the source, or "float32".
    sidecar : bool
        Whether to write recipe and metrics beside it as JSON.
    stack, source : Stack
        Result, and the source it was computed from.
    steps : tuple of Step
        Steps from source to result.
    models : dict of str to Model
        Trained networks of the steps, by SHA-256.
    measures : Measures or None
        Metrics of the result, with the name of their reference in `reference`.
    key : int
        Key of the result in the document.
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
    key: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A completed export: the stack, other files beside it, findings about its pixels, key of the result."""

    path: Path
    others: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    key: int = 0

    @property
    def message(self) -> str:
        """Message about the written files."""
        beside = f", with {' and '.join(p.name for p in self.others)} beside it" if self.others else ""
        said = (finding.text for finding in self.findings)
        return " ".join((f"Saved {self.path.name} in {self.path.parent}{beside}.", *said))


def writable(folder: Path) -> bool:
    """Return whether a file can be created in a folder."""
    return folder.is_dir() and os.access(folder, os.W_OK)


def default_path(source: Stack, format: Format = "imagej", documents: Path | None = None) -> Path:
    """Return ``<name>_denoised.tif`` in the folder of the source.

    Parameters
    ----------
    source : Stack
        Source of the result.
    format : {"imagej", "ome", "zarr", "zarr-sharded"}
        Format, which determines the ending.
    documents : Path, optional
        Folder to use if the folder of the source is not writable; by default the user's documents.
    """
    from core.files.atomic import free_name

    path = source.meta.path
    stem = split_ending(path or Path(source.meta.name))[0]
    if path is not None and path.is_dir() and not is_zarr_name(path):
        stem = path.name
    folder = path.parent if path is not None else None
    if folder is None or not writable(folder) or is_inside_program(folder):
        folder = documents or Path(platformdirs.user_documents_dir())
        folder = folder if writable(folder) else Path.home()
    return free_name(folder / shorten(stem, f"_denoised{FORMATS[format][1]}"))


def is_inside_program(folder: Path) -> bool:
    """Return whether a folder belongs to the program, such as the folder of the samples."""
    from resources import FOLDER

    return folder.resolve().is_relative_to(FOLDER.resolve())


def export(wanted: Export, context: Context | None = None) -> Exported:
    """Write a result completely or not at all.

    Raises
    ------
    QuietfieldError
        If it cannot be written; no incomplete file is left.
    """
    from core.files import save_stack
    from core.files.atomic import write_text
    from core.files.atomic_folder import discard

    context = context or Context()
    recipe = Recipe(steps=wanted.steps, source=fingerprint(wanted.source)).to_json()
    saved = save_stack(
        wanted.path,
        wanted.stack,
        format=wanted.format,
        dtype=wanted.dtype,
        recipe=recipe,
        context=context.part(0.0, 0.95),
        taken="rename",
    )
    path = saved.path
    written = [path]
    try:
        _save_models(wanted, written)
        if wanted.sidecar:
            sidecar = path.with_name(shorten(path.name, RECIPE_ENDING))
            text = _sidecar(wanted, recipe, saved.clipped, saved.dtype)
            written.append(write_text(sidecar, text, taken="rename"))
        context.step(1.0)
    except BaseException:  # related files are written completely or not at all
        for made in written:
            discard(made)
        raise
    return Exported(path=path, others=tuple(written[1:]), findings=saved.findings, key=wanted.key)


def _save_models(wanted: Export, written: list[Path]) -> None:
    """Write the networks of the steps beside the stack, unless they exist there."""
    for step in wanted.steps:
        if step.model is None or step.model.sha256 not in wanted.models:
            continue
        from core.checkpoint import save_model, sha256

        path = written[0].parent / step.model.file
        if path.exists() and sha256(path) == step.model.sha256:
            continue
        # Recipes find a network by its content if the name is used by another file.
        made = save_model(path, wanted.models[step.model.sha256], taken="rename")
        written.append(path.with_name(made.file))


def _sidecar(wanted: Export, recipe: str, clipped: int, dtype: str) -> str:
    whole: dict[str, Any] = json.loads(recipe)
    whole["exported"] = {"dtype": dtype, "clipped": clipped}
    if wanted.measures is not None:
        whole["measures"] = {"reference": wanted.reference, **wanted.measures.to_dict()}
    return json.dumps(whole, indent=1, ensure_ascii=True)


class Exporter(QObject):
    """Runs exports as jobs.

    Attributes
    ----------
    exported : Signal of Exported
        An export was completed.
    """

    exported = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs

    def start(self, wanted: Export) -> Job:
        """Write a result in a job; several exports can run at the same time."""
        return self._jobs.start(
            f"Exporting {wanted.path.name}",
            lambda job: export(wanted, job.context),
            done=self.exported.emit,
        )
