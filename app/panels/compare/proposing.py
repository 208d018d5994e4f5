"""Finds the methods that suit a stack, in a job."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.shell.jobs import Job, Jobs, Outcome
from app.shell.snapshot import Result
from app.widgets.common import failure

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.work.contenders import Contender

CHANNEL = "compare-methods"


class Proposing(QObject):
    """Measures the noise of the open stack once, and proposes methods.

    Attributes
    ----------
    waiting : str
        What is being measured; "" for nothing.
    found : Signal of tuple of Contender
        Methods that can be compared.
    ended : Signal of str
        The measurement ended, with an error message or "".
    """

    found = Signal(object)
    ended = Signal(str)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._asked = 0
        self.waiting = ""

    def ask(self, source: Result, *, again: bool = False) -> None:
        """Find the methods for a stack, unless they are known; `again` finds them in any case."""
        if self._asked == source.key and not again:
            return
        self._asked, self.waiting = source.key, "Measuring the noise, to propose methods…"
        stack = source.stack

        def work(job: Job) -> tuple[Contender, ...]:
            import core.report  # noqa: F401  (the main thread uses it next)
            from core.work.contenders import contenders

            return contenders(stack, job.context)

        self._jobs.start(
            "Proposing methods", work, end=partial(self._on_end, source.key), channel=CHANNEL, quiet=True
        )

    def _on_end(self, key: int, outcome: Outcome) -> None:
        if key != self._asked:  # another stack was opened
            return
        self.waiting = ""
        if outcome.state == "succeeded":
            self.found.emit(outcome.value)
        else:
            self._asked = 0
        self.ended.emit(failure(outcome, "Measuring the noise"))
