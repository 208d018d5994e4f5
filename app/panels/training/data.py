"""Training data: a result or its visible region, and the corresponding clean stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.panels.training.run import OpenTarget
from app.preview.regions import visible_region
from app.shell.snapshot import Result
from app.shell.view_state import View
from core.stack import Region, Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """The noisy stack of a training.

    Attributes
    ----------
    source : Result
        Result whose pixels are used.
    stack : Stack
        Pixels of `source`, or of a region of it.
    part : tuple of slice or None
        Region of `source`; None for all of it.
    """

    source: Result
    stack: Stack
    part: Region | None = None

    @staticmethod
    def of(source: Result, view: View | None) -> TrainingData:
        """Return the rows and columns of a view, from every plane of a result; all pixels without a view."""
        if view is None:
            return TrainingData(source=source, stack=source.stack)
        *_, rows, columns = visible_region(source.stack, {}, view)
        part = source.stack.region(Y=rows, X=columns)
        return TrainingData(source=source, stack=source.stack.crop(part), part=part)

    def target(self, path: Path | None) -> OpenTarget | None:
        """Return a function that opens the same region of a clean stack; None without a path."""
        if path is None:
            return None

        def open_it() -> Stack:
            from core.learning.clean_stacks import fitted, open_target

            target = fitted(open_target(path, self.source.stack.meta.path), self.source.stack)
            return target if self.part is None else target.crop(self.part)

        return open_it
