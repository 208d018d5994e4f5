"""Why something cannot be done at this moment: a few words, or "" where it can."""

from __future__ import annotations

from collections.abc import Callable

from app.documents.opening import axis_choices
from app.shell.snapshot import Snapshot


def always(snapshot: Snapshot) -> str:  # noqa: ARG001
    """Give no reason against."""
    return ""


def needs_stack(snapshot: Snapshot) -> str:
    """Say why something cannot be done without a stack."""
    return "" if snapshot.source else "open a stack first"


def needs_result(snapshot: Snapshot) -> str:
    """Say why something cannot be done without a result."""
    return needs_stack(snapshot) or (
        "" if len(snapshot.results) > 1 else "there is no result yet; apply a filter or a network first"
    )


def needs_shown_result(snapshot: Snapshot) -> str:
    """Say why something cannot be done unless a result is shown rather than the opened stack."""
    shown = snapshot.result
    return needs_result(snapshot) or ("" if shown and shown.step else "choose a result in the list first")


def needs_network(snapshot: Snapshot) -> str:
    """Say why something cannot be done unless a network made the result shown."""
    shown = snapshot.result
    has = shown is not None and shown.step is not None and shown.step.model is not None
    return needs_stack(snapshot) or ("" if has else "choose a result that a trained network made")


def needs_planes(snapshot: Snapshot) -> str:
    """Say why something cannot be done with a single plane."""
    planes = any(a in snapshot.position for a in "TZC")
    return needs_stack(snapshot) or ("" if planes else "the stack has only one plane")


def needs_film(snapshot: Snapshot) -> str:
    """Say why something cannot be done without time or depth."""
    film = any(a in snapshot.position for a in "TZ")
    return needs_stack(snapshot) or ("" if film else "the stack has neither time nor depth to play along")


def needs_undo(snapshot: Snapshot) -> str:
    """Say why nothing can be undone."""
    return "" if snapshot.can_undo else "there is nothing to undo"


def needs_redo(snapshot: Snapshot) -> str:
    """Say why nothing can be redone."""
    return "" if snapshot.can_redo else "there is nothing to redo"


def needs_measures(snapshot: Snapshot) -> str:
    """Say why something cannot be done before anything was measured."""
    return needs_stack(snapshot) or ("" if snapshot.measures else "choose a reference under Metrics first")


def needs_next_file(snapshot: Snapshot) -> str:
    """Say why there is no next file to go to."""
    more = snapshot.file_index < len(snapshot.files) - 1
    return "" if more else "there is no next file; open several files or a folder of stacks"


def needs_previous_file(snapshot: Snapshot) -> str:
    """Say why there is no previous file to go to."""
    more = len(snapshot.files) > 1 and snapshot.file_index > 0
    return "" if more else "there is no previous file"


def needs_own_table(snapshot: Snapshot) -> str:
    """Say why something cannot be done without a look-up table in the file."""
    brings = snapshot.source is not None and bool(snapshot.source.stack.meta.luts)
    return needs_stack(snapshot) or ("" if brings else "the file brings no look-up table of its own")


def needs_axis(letter: str) -> Callable[[Snapshot], str]:
    """Give what says why no axis can mean this."""

    def reason(snapshot: Snapshot) -> str:
        if snapshot.source is None:
            return needs_stack(snapshot)
        if letter in axis_choices(snapshot.source.stack):
            return ""
        return "the stack has no axis that could be this, or has it already"

    return reason
