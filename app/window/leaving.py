"""Before a stack is closed: ask about results that exist in no file and were expensive."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer

from app.panels.results.words import duration
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.window.dialogs import Dialogs
from app.window.questions import Questions


class Leaving(QObject):
    """Asks whether to export, discard or keep results, if a training or much time would be lost.

    Parameters
    ----------
    session : Session
        Document.
    dialogs : Dialogs
        Opens the export dialog.
    questions : Questions
        Asks.
    parent : QObject
        Parent object.

    Attributes
    ----------
    asks : bool
        Whether to ask; not where a program drives the window.
    """

    def __init__(self, session: Session, dialogs: Dialogs, questions: Questions, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._dialogs, self._questions = session, dialogs, questions
        self.asks = True

    def may_close(self) -> bool:
        """Return whether the window may be closed."""
        return self._ask(closing=True)

    def before(self, then: Callable[[], object]) -> None:
        """Call a function that opens another stack, if the open one may be closed."""
        if not self._expensive():
            then()
        else:  # later, as the program that files are dropped from waits for the end of the drop
            QTimer.singleShot(0, self, partial(self._go_on, then))

    def _go_on(self, then: Callable[[], object]) -> None:
        if self._ask(closing=False):
            then()

    def _expensive(self) -> list[Result]:
        snapshot = self._session.snapshot
        return [r for r in snapshot.results if snapshot.cost(r)] if self.asks else []

    def _ask(self, *, closing: bool) -> bool:
        snapshot, found = self._session.snapshot, self._expensive()
        if not found or snapshot.source is None:
            return True
        name = snapshot.source.stack.meta.name
        answer = self._questions.lost(name, [_words(snapshot, r) for r in found], closing=closing)
        if answer == "export":
            self._dialogs.export(found[0].key)
        return answer == "discard"


def _words(snapshot: Snapshot, result: Result) -> str:
    """Return the name of a result and what it took, for example "GR2R: trained for 20 min"."""
    model = result.step.model if result.step is not None else None
    if snapshot.cost(result) == "training" and model is not None:
        took = duration(snapshot.models[model.sha256].record.seconds)
        return f"{result.label}: its network was trained for {took}"
    return f"{result.label}: took {duration(result.seconds)}"
