"""Reasons why a command is disabled: a few words, or "" if it is enabled."""

from __future__ import annotations

from collections.abc import Callable

from app.documents.opening import axis_choices
from app.shell.snapshot import Snapshot


def always(snapshot: Snapshot) -> str:  # noqa: ARG001
    """Return "": the command is always enabled."""
    return ""


def needs_stack(snapshot: Snapshot) -> str:
    """Return the reason if no stack is open."""
    return "" if snapshot.source else "open a stack first"


def needs_result(snapshot: Snapshot) -> str:
    """Return the reason if there is no result."""
    return needs_stack(snapshot) or (
        "" if len(snapshot.results) > 1 else "there is no result yet; apply a filter or a network first"
    )


def needs_shown_result(snapshot: Snapshot) -> str:
    """Return the reason unless a result is shown."""
    shown = snapshot.result
    return needs_result(snapshot) or ("" if shown and shown.step else "choose a result in the list first")


def needs_network(snapshot: Snapshot) -> str:
    """Return the reason unless a result of a trained network is shown."""
    shown = snapshot.result
    has = shown is not None and shown.step is not None and shown.step.model is not None
    return needs_stack(snapshot) or ("" if has else "choose a result of a trained network")


def needs_planes(snapshot: Snapshot) -> str:
    """Return the reason if there is only one plane."""
    planes = any(a in snapshot.position for a in "TZC")
    return needs_stack(snapshot) or ("" if planes else "the stack has only one plane")


def needs_film(snapshot: Snapshot) -> str:
    """Return the reason if there is neither time nor depth."""
    film = any(a in snapshot.position for a in "TZ")
    return needs_stack(snapshot) or ("" if film else "the stack has neither a time nor a depth axis")


def needs_undo(snapshot: Snapshot) -> str:
    """Return the reason if there is nothing to undo."""
    return "" if snapshot.can_undo else "there is nothing to undo"


def needs_redo(snapshot: Snapshot) -> str:
    """Return the reason if there is nothing to redo."""
    return "" if snapshot.can_redo else "there is nothing to redo"


def needs_measures(snapshot: Snapshot) -> str:
    """Return the reason if no metrics were computed."""
    return needs_stack(snapshot) or ("" if snapshot.measures else "choose a reference under Metrics first")


def needs_next_file(snapshot: Snapshot) -> str:
    """Return the reason if there is no next file."""
    more = snapshot.file_index < len(snapshot.files) - 1
    return "" if more else "there is no next file; open several files or a folder of stacks"


def needs_previous_file(snapshot: Snapshot) -> str:
    """Return the reason if there is no previous file."""
    more = len(snapshot.files) > 1 and snapshot.file_index > 0
    return "" if more else "there is no previous file"


def needs_own_table(snapshot: Snapshot) -> str:
    """Return the reason if the file has no look-up table."""
    brings = snapshot.source is not None and bool(snapshot.source.stack.meta.luts)
    return needs_stack(snapshot) or ("" if brings else "the file has no look-up table")


def needs_axis(letter: str) -> Callable[[Snapshot], str]:
    """Return a function that returns the reason if no axis can have this meaning."""

    def reason(snapshot: Snapshot) -> str:
        if snapshot.source is None:
            return needs_stack(snapshot)
        if letter in axis_choices(snapshot.source.stack):
            return ""
        return "no axis of the stack can have this meaning, or one has it already"

    return reason
