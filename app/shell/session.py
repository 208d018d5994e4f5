"""The document: a stack, its results and their view, with one signal for all changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal

from app.shell.snapshot import Reference, Result, Snapshot
from app.shell.timeline import Timeline
from app.shell.view_state import Layout, Levels, Preview, View
from core.stack import Stack
from core.work.recipe import Step

if TYPE_CHECKING:  # these import torch and scipy, which the first window does not need
    from core.learning.model import Model
    from core.quality.metric import Measures
    from core.work.task import Done

MOST_FILED = 8
"""Maximum number of networks that are remembered to exist as files."""


class Session(QObject):
    """The document of the window. Main thread only, except for reading `snapshot`.

    Attributes
    ----------
    changed : Signal of (Snapshot, Snapshot)
        The new and the previous snapshot, if they differ. Panels compare the two.
    dropped : Signal of str
        A result could not be added any more: message for the user.
    """

    changed = Signal(object, object)
    dropped = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.snapshot = Snapshot()
        self._timeline = Timeline()
        self._next_key = 1
        self._former: tuple[Snapshot, Timeline] | None = None
        self._unannounced: deque[tuple[Snapshot, Snapshot]] = deque()
        self._announcing = False
        self._filed: tuple[Model, ...] = ()

    def _set(self, snapshot: Snapshot) -> None:
        former, self.snapshot = self.snapshot, snapshot
        self._unannounced.append((snapshot, former))
        if self._announcing:  # a change made by a receiver waits, so that everyone hears them in order
            return
        self._announcing = True
        try:
            while self._unannounced:
                self.changed.emit(*self._unannounced.popleft())
        finally:
            self._announcing = False

    def _key(self) -> int:
        self._next_key += 1
        return self._next_key

    def open(
        self,
        stack: Stack,
        levels: Mapping[int, Levels],
        *,
        lut: str = "Grays",
        truth: Stack | None = None,
        files: Sequence[Path] | None = None,
        file_index: int = 0,
    ) -> None:
        """Replace the document; the layout is kept.

        A document with results is kept until the next one is opened, see `bring_back`.
        """
        with_results = len(self.snapshot.results) > 1
        self._former = (self.snapshot, self._timeline) if with_results else None
        details = " × ".join(f"{n} {a}" for a, n in stack.sizes.items())
        raw = Result(key=self._key(), label="raw", details=details, stack=stack)
        self._timeline = Timeline(made=(replace(raw, parent=raw.key),))
        self._set(
            Snapshot(
                results=self._timeline.results,
                shown=raw.key,
                position={a: 0 for a in stack.axes if a in "TCZ"},
                levels=dict(levels),
                lut=lut,
                layout=self.snapshot.layout,
                truth=truth,
                files=tuple(files if files is not None else self.snapshot.files),
                file_index=file_index,
            )
        )

    @property
    def former(self) -> Snapshot | None:
        """The last replaced document with results, as long as it can be restored."""
        return self._former[0] if self._former is not None else None

    def bring_back(self) -> None:
        """Open the former document again with its results; the current document is closed."""
        if self._former is not None:
            snapshot, self._timeline = self._former
            self._former = None
            self._set(replace(snapshot, preview=None, awaited="", layout=self.snapshot.layout))

    def forget_former(self) -> None:
        """Release the former document and its pixels."""
        self._former = None

    def add(
        self,
        parent: int,
        steps: Sequence[Step],
        stacks: Sequence[Stack],
        seconds: float | Sequence[float],
        model: Model | None = None,
    ) -> bool:
        """Add one result for each step, computed from the result with key `parent`, and show the first.

        The steps are one action and are undone together. `seconds` is one time for all, or one for each.
        Returns whether the results were added: they are dropped if the parent does not exist any more,
        because another file was opened or the parent was undone.
        """
        keys = [r.key for r in self.snapshot.results]
        if parent not in keys:
            fate = self._timeline.fate(parent)
            why = f"what it was made from was {fate}" if fate else "its stack is not open any more"
            self.dropped.emit(f"The result of {steps[0].label} was dropped: {why}.")
            return False
        times = [seconds] * len(steps) if isinstance(seconds, int | float) else seconds
        made = tuple(
            Result(
                key=self._key(),
                label=step.label,
                details=step.details,
                stack=stack,
                step=step,
                parent=parent,
                seconds=took,
            )
            for step, stack, took in zip(steps, stacks, times, strict=True)
        )
        self._timeline = self._timeline.add(keys.index(parent), steps, made)
        models = dict(self.snapshot.models)
        if model is not None and steps[0].model is not None:
            models[steps[0].model.sha256] = model
            self._note_filed(models)
        self._follow(shown=made[0].key, models=models)
        return True

    def add_done(self, parent: int, done: Done, models: Mapping[str, Model] | None = None) -> bool:
        """Add the results of a task; each step is one action, applied to the result of the step before.

        Parameters
        ----------
        parent : int
            Key of the input of the task.
        done : Done
            Completed task.
        models : dict of str to Model, optional
            Networks of the steps, by the SHA-256 of their files.

        Returns
        -------
        bool
            Whether all were added; see `add`.
        """
        for made in done.by_step():
            file = made[0].step.model
            model = (models or {}).get(file.sha256) if file is not None else None
            steps, stacks = [one.step for one in made], [one.stack for one in made]
            if not self.add(parent, steps, stacks, made[0].seconds, model):
                return False
            parent = self.snapshot.shown
        return True

    def undo(self) -> None:
        """Undo the last action or deletion."""
        if not self._timeline.can_undo:
            return
        before = self._timeline.keys
        self._timeline = self._timeline.undo()
        restored = [key for key in self._timeline.keys if key not in before]
        self._follow(restored[0] if restored else self.snapshot.shown, self.snapshot.models)

    def redo(self) -> None:
        """Redo the last undone action, and show its result."""
        if not self._timeline.history.can_redo:
            return
        before = self._timeline.keys
        self._timeline = self._timeline.redo()
        again = [key for key in self._timeline.keys if key not in before]
        self._follow(again[0] if again else self.snapshot.shown, self.snapshot.models)

    def delete(self, key: int) -> None:
        """Delete a result and all that were made from it, but never the source; `undo` restores them."""
        result = self.snapshot.find(key)
        if result is None or result.step is None:
            return
        self._timeline = self._timeline.without(key)
        shown = self.snapshot.shown
        self._follow(shown if shown in self._timeline.keys else result.parent, self.snapshot.models)

    def rename(self, key: int, label: str) -> None:
        """Give a result another label; the source keeps its own."""
        result, label = self.snapshot.find(key), " ".join(label.split())
        if result is not None and result.step is not None and label and label != result.label:
            self._timeline = self._timeline.rename(key, label)
            self._set(replace(self.snapshot, results=self._timeline.results))

    def mark_exported(self, key: int) -> None:
        """Note that a result was exported, with the networks of its steps."""
        if self.snapshot.find(key) is not None:
            models = {step.model.sha256 for step in self.steps(key) if step.model is not None}
            exported, filed = self.snapshot.exported | {key}, self.snapshot.filed | models
            self._set(replace(self.snapshot, exported=exported, filed=filed))

    def mark_filed(self, *models: Model) -> None:
        """Note that networks exist as files: they were loaded or saved."""
        self._filed = (*self._filed, *models)[-MOST_FILED:]
        self._note_filed(self.snapshot.models)

    def _note_filed(self, models: Mapping[str, Model]) -> None:
        filed = {sha for sha, model in models.items() if any(model is one for one in self._filed)}
        if not filed <= self.snapshot.filed:
            self._set(replace(self.snapshot, models=models, filed=self.snapshot.filed | filed))

    def _follow(self, shown: int, models: Mapping[str, Model]) -> None:
        results = self._timeline.results
        if shown not in [r.key for r in results]:
            shown = results[-1].key if results else 0
        self._set(
            replace(
                self.snapshot,
                results=results,
                shown=shown,
                preview=None,
                models=models,
                can_undo=self._timeline.can_undo,
                can_redo=self._timeline.history.can_redo,
            )
        )

    def steps(self, key: int) -> tuple[Step, ...]:
        """Return the steps from the source to a result."""
        return self._timeline.history.steps(self._timeline.keys.index(key))

    def show(self, key: int) -> None:
        """Show another result, instead of a preview."""
        if self.snapshot.find(key) is not None:
            self._set(replace(self.snapshot, shown=key, preview=None))

    def move(self, **position: int) -> None:
        """Move to another index along T, C or Z, clipped to the stack: ``move(T=3)``."""
        source = self.snapshot.source
        if source is None:
            return
        sizes = source.stack.sizes
        new = dict(self.snapshot.position)
        new.update({a: min(max(i, 0), sizes[a] - 1) for a, i in position.items() if a in new})
        if new != self.snapshot.position:
            self._set(replace(self.snapshot, position=new, preview=None))

    def set_levels(self, levels: Levels) -> None:
        """Set the levels of the displayed channel."""
        new = {**self.snapshot.levels, self.snapshot.channel: levels}
        if new != self.snapshot.levels:
            self._set(replace(self.snapshot, levels=new))

    def set_view(self, view: View) -> None:
        """Set the visible region of the plane."""
        if view != self.snapshot.view:
            self._set(replace(self.snapshot, view=view))

    def set_layout(self, layout: Layout) -> None:
        """Set the layout of source and result."""
        if layout != self.snapshot.layout:
            self._set(replace(self.snapshot, layout=layout))

    def set_lut(self, lut: str) -> None:
        """Set the look-up table."""
        if lut != self.snapshot.lut:
            self._set(replace(self.snapshot, lut=lut))

    def set_preview(self, preview: Preview | None, *, awaited: str = "") -> None:
        """Show a preview, or none, with the name of what is still being computed."""
        if preview is not self.snapshot.preview or awaited != self.snapshot.awaited:
            self._set(replace(self.snapshot, preview=preview, awaited=awaited))

    def set_reference(self, kind: Literal["file", "frames", "truth"], label: str, stack: Stack) -> None:
        """Set the reference of metrics."""
        affine = self.snapshot.reference.affine if self.snapshot.reference else False
        reference = Reference(key=self._key(), kind=kind, label=label, stack=stack, affine=affine)
        self._set(replace(self.snapshot, reference=reference, measures={}))

    def set_affine(self, *, affine: bool) -> None:
        """Set whether images are fitted to the reference before metrics are computed."""
        reference = self.snapshot.reference
        if reference is not None and reference.affine != affine:
            reference = replace(reference, affine=affine, key=self._key())
            self._set(replace(self.snapshot, reference=reference, measures={}))

    def clear_reference(self) -> None:
        """Remove the reference."""
        if self.snapshot.reference is not None:
            self._set(replace(self.snapshot, reference=None, measures={}))

    def set_measures(self, reference: int, key: int, measures: Measures) -> None:
        """Store the metrics of a result, unless the reference has changed."""
        if self.snapshot.reference is not None and self.snapshot.reference.key == reference:
            self._set(replace(self.snapshot, measures={**self.snapshot.measures, key: measures}))

    def replace_source(self, stack: Stack, levels: Mapping[int, Levels] | None = None) -> None:
        """Replace axes or metadata of the source; its pixels are the same, and results are discarded."""
        self.open(
            stack,
            self.snapshot.levels if levels is None else levels,
            lut=self.snapshot.lut,
            files=self.snapshot.files,
            file_index=self.snapshot.file_index,
        )
