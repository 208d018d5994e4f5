"""What is open, made, shown and measured, at one moment; never changed, only replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.shell.view_state import Layout, Levels, Preview, View
from core.stack import Stack
from core.work.recipe import Step

if TYPE_CHECKING:  # these import torch and scipy, for which the first window need not wait
    from core.learning.model import Model
    from core.quality.metric import Measures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """One row of the results list.

    Attributes
    ----------
    key : int
        Never used twice, so that a cache can rely on it.
    label, details : str
        What made it, in words, with its parameters.
    stack : Stack
        Its pixels: the source's for the first row, float32 for all others.
    step : Step or None
        What made it; None for the source.
    parent : int
        Key of the result it was made from (its own for the source).
    seconds : float
        How long it took to make.
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
        """Whether it shows the specimen, so that it can be measured against a reference."""
        return self.step is None or self.step.produces.is_image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What results are measured against, named by the person.

    Attributes
    ----------
    key : int
        Never used twice.
    kind : {"file", "frames", "truth"}
        A clean stack from a file, the mean of a static stack, or the truth behind a simulation.
    label : str
        The same in words.
    stack : Stack
        Its pixels; axes it lacks are the same for all of the image.
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
    """Everything panels show, at one moment.

    Attributes
    ----------
    results : tuple of Result
        The source first, then what was made and not undone; empty without a document.
    shown : int
        Key of the result shown beside (or instead of) the source.
    position : dict of str to int
        Index shown along T, C and Z.
    levels : dict of int to (float, float)
        Levels of each channel; both sides of a comparison share them.
    lut : str
        Name of the look-up table.
    layout : str
        One of `app.shell.view_state.LAYOUTS`.
    view : View or None
        Visible part of the plane.
    preview : Preview or None
        Shown in place of the result while it is set.
    awaited : str
        What is being computed while no preview is set; "" if nothing is.
    reference : Reference or None
        What results are measured against.
    truth : Stack or None
        The truth that came with a simulation, on offer as reference.
    measures : dict of int to Measures
        Measures of results against `reference`, by the results' keys.
    models : dict of str to Model
        Trained networks of this document, by the SHA-256 in their steps.
    files : tuple of Path
        Files to step through, and `file_index` which of them is open.
    can_undo, can_redo : bool
        Whether there is something to undo, to redo.
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

    @property
    def source(self) -> Result | None:
        """The opened stack, or None."""
        return self.results[0] if self.results else None

    @property
    def result(self) -> Result | None:
        """The result that is shown, or None."""
        return next((r for r in self.results if r.key == self.shown), None)

    def find(self, key: int) -> Result | None:
        """Return the result with this key, if it still exists."""
        return next((r for r in self.results if r.key == key), None)

    @property
    def channel(self) -> int:
        """Index of the channel shown."""
        return self.position.get("C", 0)
