"""Contrast levels and colours of a pane: those of the document, or a separate scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.shell import view_state
from app.shell.snapshot import Snapshot
from app.shell.view_state import Levels
from app.viewer import luts
from app.viewer.display import levels_of
from app.viewer.painting import Legend
from app.viewer.rendering import Colours
from core.methods.outputs import Output
from core.stack import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colouring:
    """Mapping from intensities to colours, with a legend if the scale differs from that of the document."""

    levels: Levels
    table: Colours
    legend: Legend | None = None


class Scales:
    """Colourings of the panes of a document; the limits of separate scales are fixed at first use."""

    def __init__(self) -> None:
        self._limits: dict[tuple[int, str], float] = {}

    def forget(self) -> None:
        """Reset all scales, for another document."""
        self._limits.clear()

    def of(
        self, snapshot: Snapshot, pixels: Pixels, output: Output | None, minus: Pixels | None = None
    ) -> Colouring:
        """Return the colouring of a pane.

        Parameters
        ----------
        snapshot : Snapshot
            Document.
        pixels : ndarray, shape (Y, X)
            Displayed plane.
        output : Output or None
            Output of a method that the plane belongs to; None for the source.
        minus : ndarray or None
            (Y, X) plane that is subtracted, for a difference.
        """
        if minus is not None:
            limit = self._limit(snapshot, "difference", minus, view_state.difference_limit)
            return _own("difference", (-limit, limit), (f"−{limit:g}", "0", f"+{limit:g}"))
        if output is not None and view_state.has_own_scale(output):
            limit = self._limit(snapshot, output.name, pixels, view_state.own_limit)
            table = view_state.OWN_SCALE[output.quantity]
            return _own(table, (0.0, limit), ("0", f"{limit / 2:g}", f"{limit:g}"))
        return Colouring(levels=levels_of(snapshot), table=luts.pack(_table(snapshot)))

    def _limit(
        self, snapshot: Snapshot, scale: str, pixels: Pixels, find: Callable[[Pixels], float]
    ) -> float:
        key = snapshot.channel, scale
        if key not in self._limits:
            limit = find(pixels)
            if limit <= 0:  # no signal yet that could define the scale
                return 1.0
            self._limits[key] = limit
        return self._limits[key]


def _own(name: str, levels: Levels, texts: tuple[str, str, str]) -> Colouring:
    table = luts.table(name)
    return Colouring(levels=levels, table=luts.pack(table), legend=Legend(table, texts))


def _table(snapshot: Snapshot) -> luts.Table:
    """Return the look-up table that the user chose."""
    source = snapshot.source
    brought = source.stack.meta.luts if source is not None else ()
    if snapshot.lut == luts.FROM_FILE and snapshot.channel < len(brought):
        return luts.from_file(brought[snapshot.channel])
    return luts.table(snapshot.lut)
