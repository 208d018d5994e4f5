"""Results of a document over time: undo, redo, delete and rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.shell.snapshot import Result
from core.work.history import History
from core.work.recipe import Step


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """All results of a document, including undone ones, with their steps.

    Attributes
    ----------
    history : History
        Steps, in the order of `made`.
    made : tuple of Result
        The source, then all results, including undone ones.
    whole : Timeline or None
        The state before the last deletion, which undo restores.
    mark : int
        Cursor of `history` right after that deletion.
    """

    history: History = field(default_factory=History)
    made: tuple[Result, ...] = ()
    whole: Timeline | None = None
    mark: int = 0

    @property
    def results(self) -> tuple[Result, ...]:
        """The current results, including the source."""
        return self.made[: len(self.history.live)]

    @property
    def can_undo(self) -> bool:
        """Whether there is an action or a deletion to undo."""
        return self.history.can_undo or self.whole is not None

    def add(self, parent: int, steps: Sequence[Step], results: Sequence[Result]) -> Timeline:
        """Add results of one action, made from the result with the index `parent`."""
        made = (*self.results, *results)
        return replace(self, history=self.history.do(parent, *steps), made=made)

    def undo(self) -> Timeline:
        """Undo the last action or deletion."""
        if self.whole is not None and self.history.cursor == self.mark:
            return self.whole
        return replace(self, history=self.history.undo())

    def redo(self) -> Timeline:
        """Redo the last undone action."""
        return replace(self, history=self.history.redo())

    def without(self, key: int) -> Timeline:
        """Delete a result, and all results that were made from it."""
        gone = self.history.descendants(self.keys.index(key))
        history = self.history.without(gone)
        made = tuple(r for n, r in enumerate(self.results) if n not in gone)
        return Timeline(history=history, made=made, whole=self, mark=history.cursor)

    def rename(self, key: int, label: str) -> Timeline:
        """Give a result another label, also where it was deleted or undone."""
        made = tuple(replace(r, label=label) if r.key == key else r for r in self.made)
        return replace(self, made=made, whole=self.whole and self.whole.rename(key, label))

    @property
    def keys(self) -> list[int]:
        """Keys of the current results."""
        return [r.key for r in self.results]

    def fate(self, key: int) -> str:
        """Return what happened to a result that is not current: "undone", "deleted", or "" if unknown."""
        if key in [r.key for r in self.made]:
            return "undone"
        return "deleted" if self.whole is not None and self.whole.fate(key) else ""
