"""The history of a document: its results, with undo and redo."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

from core import stored
from core.errors import QuietfieldError
from core.reading import parse_json
from core.work.recipe import Step, read_steps

SCHEMA = 1
MOST_ENTRIES = 1000
"""Maximum number of results of a stored history, including undone ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One result: its step, and the index of the result that the step was applied to."""

    step: Step | None
    parent: int
    action: int


@dataclass(frozen=True, slots=True)
class History:
    """All results of a document, including undone ones.

    Entry 0 is the source. Results of one action are undone and redone together.
    """

    entries: tuple[Entry, ...] = (Entry(step=None, parent=0, action=0),)
    cursor: int = 0

    @property
    def live(self) -> range:
        """Indices of the current results, including the source."""
        return range(sum(e.action <= self.cursor for e in self.entries))

    def do(self, parent: int, *steps: Step) -> History:
        """Add one result for each step, applied to `parent`; undone results are removed."""
        if parent not in self.live:
            raise ValueError(f"result {parent} does not exist")
        kept = self.entries[: len(self.live)]
        made = tuple(Entry(step=s, parent=parent, action=self.cursor + 1) for s in steps)
        return History(kept + made, self.cursor + 1)

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to undo."""
        return self.cursor > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an action to redo."""
        return self.cursor < self.entries[-1].action

    def undo(self) -> History:
        """Undo the last action."""
        return History(self.entries, self.cursor - 1) if self.can_undo else self

    def redo(self) -> History:
        """Redo the last undone action."""
        return History(self.entries, self.cursor + 1) if self.can_redo else self

    def descendants(self, index: int) -> frozenset[int]:
        """Return the indices of a current result and of all current results that were made from it."""
        found = {index}
        for n in self.live[1:]:
            if self.entries[n].parent in found:
                found.add(n)
        return frozenset(found)

    def without(self, gone: frozenset[int]) -> History:
        """Delete results, together with everything made from them; undone results are removed too.

        Parameters
        ----------
        gone : frozenset of int
            Indices, without 0, that `descendants` returns.
        """
        kept = [n for n in self.live if n not in gone]
        places = {n: place for place, n in enumerate(kept)}
        actions = {a: k for k, a in enumerate(dict.fromkeys(self.entries[n].action for n in kept))}
        entries = tuple(
            Entry(step=e.step, parent=places[e.parent], action=actions[e.action])
            for e in (self.entries[n] for n in kept)
        )
        return History(entries, entries[-1].action)

    def steps(self, index: int) -> tuple[Step, ...]:
        """Return the steps from the source to a result."""
        found: list[Step] = []
        while (step := self.entries[index].step) is not None:
            found.append(step)
            index = self.entries[index].parent
        return tuple(reversed(found))

    def to_json(self) -> str:
        """Return the history as JSON, including undone results."""
        entries = [
            {"step": e.step.to_dict() if e.step else None, "parent": e.parent, "action": e.action}
            for e in self.entries
        ]
        return json.dumps({"schema": SCHEMA, "cursor": self.cursor, "entries": entries}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> History:
        """Parse a history.

        Raises
        ------
        QuietfieldError
            If the text is no history, was written by a later version, or a step cannot be run here.
        """
        try:
            whole = stored.mapping(parse_json(text), "the text")
            if stored.whole(whole, "schema", low=1) > SCHEMA:
                raise QuietfieldError(
                    "This history was written by a later Quietfield. Update Quietfield to use it."
                )
            given = [stored.mapping(e, "a result") for e in stored.items(whole, "entries", MOST_ENTRIES)]
            steps = iter(read_steps([e["step"] for e in given if stored.entry(e, "step") is not None]))
            entries = tuple(
                Entry(
                    step=None if e["step"] is None else next(steps),
                    parent=stored.whole(e, "parent"),
                    action=stored.whole(e, "action"),
                )
                for e in given
            )
            history = cls(entries, stored.whole(whole, "cursor"))
            for entry in entries[1:]:
                if entry.step is not None:
                    entry.step.check()
        except ValueError as error:
            raise QuietfieldError(f"This is not the history of a Quietfield document: {error}.") from error
        if not history._consistent:
            raise QuietfieldError(
                "This history of a Quietfield document is damaged: its results do not follow."
            )
        return history

    @property
    def _consistent(self) -> bool:
        """Whether every result follows from an earlier one, with actions in order."""
        first, *rest = self.entries or (None,)
        actions = [entry.action for entry in self.entries]
        return (
            first == Entry(step=None, parent=0, action=0)
            and all(e.step is not None and 0 <= e.parent < n for n, e in enumerate(rest, 1))
            and all(later - earlier in (0, 1) for earlier, later in itertools.pairwise(actions))
            and 0 <= self.cursor <= actions[-1]
        )
