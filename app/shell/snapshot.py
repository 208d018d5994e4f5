"""Immutable state of the document: stack, results, view and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.shell.view_state import Layout, Levels, Preview, View
from core.stack import Stack
from core.work.recipe import Step

if TYPE_CHECKING:  # these import torch and scipy, which the first window does not need
    from core.learning.model import Model
    from core.quality.metric import Measures


LONG = 60.0
"""Computing time of a result, in seconds, from which its loss matters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """One row of the results list.

    Attributes
    ----------
    key : int
        Unique key; it is never reused, so that caches can rely on it.
    label, details : str
        Name of the method, and its parameters.
    stack : Stack
        Pixels: those of the source in the first row, float32 in all others.
    step : Step or None
        Processing step; None for the source.
    parent : int
        Key of the result that the step was applied to (its own key for the source).
    seconds : float
        Computing time.
    """

    key: int
    label: str
    details: str
    stack: Stack
    step: Step | None = None
    parent: int = 0
    seconds: float = 0.0

    @property
    def is_image(self) -> bool:
        """Whether it shows the specimen, so that it can be compared with a reference."""
        return self.step is None or self.step.produces.is_image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Reference of metrics, chosen by the user.

    Attributes
    ----------
    key : int
        Unique key; it is never reused.
    kind : {"file", "frames", "truth"}
        A clean stack from a file, the mean of a static stack, or the ground truth of a simulation.
    label : str
        Name for users.
    stack : Stack
        Pixels; missing axes are repeated.
    affine : bool
        Whether images are first fitted to it by a least-squares ``a x + b``.
    """

    key: int
    kind: Literal["file", "frames", "truth"]
    label: str
    stack: Stack
    affine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """State that panels display.

    Attributes
    ----------
    results : tuple of Result
        The source, then all results that are not undone; empty without a document.
    shown : int
        Key of the result displayed beside (or instead of) the source.
    position : dict of str to int
        Displayed index along T, C and Z.
    levels : dict of int to (float, float)
        Contrast levels of each channel, shared by source and results.
    lut : str
        Name of the look-up table.
    layout : str
        One of `app.shell.view_state.LAYOUTS`.
    view : View or None
        Visible region of the plane.
    preview : Preview or None
        Displayed instead of the result.
    awaited : str
        Name of what is being computed while there is no preview; "" if nothing is.
    reference : Reference or None
        Reference of metrics.
    truth : Stack or None
        Ground truth of a simulation, offered as reference.
    measures : dict of int to Measures
        Metrics of results against `reference`, by the keys of the results.
    models : dict of str to Model
        Trained networks of this document, by the SHA-256 in their steps.
    files : tuple of Path
        List of files, and `file_index` of the opened one.
    can_undo, can_redo : bool
        Whether there is an action to undo or redo.
    exported : frozenset of int
        Keys of the results that were exported.
    filed : frozenset of str
        SHA-256 of the networks in `models` that exist as a file.
    """

    results: tuple[Result, ...] = ()
    shown: int = 0
    position: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[int, Levels] = field(default_factory=dict)
    lut: str = "Grays"
    layout: Layout = "split"
    view: View | None = None
    preview: Preview | None = None
    awaited: str = ""
    reference: Reference | None = None
    truth: Stack | None = None
    measures: Mapping[int, Measures] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    file_index: int = 0
    can_undo: bool = False
    can_redo: bool = False
    exported: frozenset[int] = frozenset()
    filed: frozenset[str] = frozenset()

    @property
    def source(self) -> Result | None:
        """The opened stack, or None."""
        return self.results[0] if self.results else None

    @property
    def folder(self) -> str:
        """Folder of the opened file, in which dialogs begin; "" if the stack is not from a file."""
        path = self.source.stack.meta.path if self.source else None
        return str(path.parent) if path is not None else ""

    @property
    def result(self) -> Result | None:
        """The result that is shown, or None."""
        return next((r for r in self.results if r.key == self.shown), None)

    def find(self, key: int) -> Result | None:
        """Return the result with this key, if it still exists."""
        return next((r for r in self.results if r.key == key), None)

    def cost(self, result: Result) -> Literal["", "training", "time"]:
        """Return what it takes to make a result again that exists in no file.

        Returns
        -------
        str
            "training" if its network would be lost too, "time" for more than `LONG` seconds, otherwise "".
        """
        step = result.step
        if step is None or result.key in self.exported:
            return ""
        if step.model is not None and step.model.sha256 in self.models.keys() - self.filed:
            return "training"
        return "time" if result.seconds > LONG else ""

    @property
    def channel(self) -> int:
        """Index of the channel shown."""
        return self.position.get("C", 0)
