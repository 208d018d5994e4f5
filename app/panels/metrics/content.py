"""Content of the metrics table: columns and rows, against a reference or estimated without one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.panels.metrics.columns import (
    ESTIMATES,
    Cell,
    Column,
    Row,
    estimated_cells,
    metric_cells,
    metric_columns,
    unknown_cells,
)
from app.panels.metrics.estimating import Estimating
from app.panels.metrics.measuring import Measuring
from app.panels.metrics.references import frames_in
from app.shell.session import Session
from app.shell.snapshot import Result

if TYPE_CHECKING:  # these import scipy, which the first window does not need
    from core.quality.judgement import Judgement
    from core.quality.metric import Metric

NOT_IMAGE = "This result is not an image of the specimen."
STOPPED = "Estimation was cancelled. “Estimate here” continues it."
LATER = "Estimated together with the first result, or with “Estimate here”."


class Content:
    """Columns and rows for the document as it is.

    Attributes
    ----------
    metrics : sequence of Metric
        All metrics, empty until they are loaded.
    """

    def __init__(self, session: Session, measuring: Measuring, estimating: Estimating) -> None:
        self._session, self._measuring, self._estimating = session, measuring, estimating
        self.metrics: Sequence[Metric] = ()

    @property
    def _shown(self) -> tuple[Metric, ...]:
        """The metrics that are displayed."""
        if self._session.snapshot.reference is not None:
            return tuple(self.metrics)
        # what ranks nothing, such as mean over standard deviation, would be taken for a measure of quality
        return tuple(m for m in self.metrics if not m.needs_reference and m.better != "neither")

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the table between the names and the times."""
        own = metric_columns(self._shown)
        return own if self._session.snapshot.reference is not None else (*ESTIMATES, *own)

    def rows(self) -> list[Row]:
        """Return the rows, in the order of the results."""
        snapshot = self._session.snapshot
        known = [found for r in snapshot.results if (found := self._estimating.find(r)) is not None]
        best = min(known, key=lambda found: found.share, default=None) if len(known) > 1 else None
        make = self._measured if snapshot.reference is not None else self._estimated
        return [make(result, best) for result in snapshot.results]

    def best_of(self, keys: Sequence[int]) -> int | None:
        """Return the key of the best one of some results; None while one of them is not measured yet."""
        rows = [row for row in self.rows() if row.key in keys]
        if not self.metrics or any(row.cells is None for row in rows):
            return None
        values = {row.key: row.cells[0].value for row in rows if row.cells}
        known = {key: value for key, value in values.items() if math.isfinite(value)}
        return max(known, key=lambda key: known[key]) if known else None

    def _measured(self, result: Result, _: Judgement | None) -> Row:
        reference = self._session.snapshot.reference
        measures, reason = self._measuring.find(result), self._measuring.problem(result)
        note = self._measuring.note(result)
        if reference is not None and result.stack is reference.stack:
            reason = "This result is the reference."
        elif not result.is_image:
            reason = NOT_IMAGE
        if reason:
            return self._row(result, metric_cells(self._shown, None, reason), reason)
        return self._row(result, metric_cells(self._shown, measures, note) if measures else None, note)

    def _estimated(self, result: Result, best: Judgement | None) -> Row:
        estimating, place = self._estimating, self._estimating.place
        found, reason = estimating.find(result), estimating.problem(result)
        note = place.words if place is not None else ""
        cells: tuple[Cell, ...] | None = None
        if found is not None:
            cells = estimated_cells(found, estimating.doubts, tied=_tied(found, best))
        elif reason or estimating.stopped or not estimating.busy:
            note = reason or (STOPPED if estimating.stopped else LATER)
            cells = unknown_cells(ESTIMATES, note)
        if cells is not None and self._shown:
            cells += metric_cells(self._shown, self._measuring.find(result), self._measuring.note(result))
        return self._row(result, cells, note)

    def _row(self, result: Result, cells: tuple[Cell, ...] | None, note: str) -> Row:
        return Row(
            key=result.key, label=result.label, details=result.step.parameters if result.step else "",
            frames=frames_in(self._session.snapshot, result.key), cells=cells, seconds=result.seconds,
            note=note,
        )  # fmt: skip


def _tied(found: Judgement, best: Judgement | None) -> bool:
    """Return whether a result is not certainly worse than the best one."""
    if best is None or best is found:
        return False
    from core.quality.judgement import better

    return not better(best, found)
