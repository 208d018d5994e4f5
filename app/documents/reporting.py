"""Writing the report of a comparison, in a job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.documents.exporting import default_path
from app.shell.jobs import Job, Jobs
from core.paths import shorten, split_ending

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.report import Comparison

CHANNEL = "report"


def proposed_folder(comparison: Comparison) -> Path:
    """Return ``<name>_report`` beside the stack, or in the user's documents; the next name that is free."""
    from core.files.atomic import free_name

    name = shorten(split_ending(comparison.source)[0], "_report")
    return free_name(default_path(comparison.stack).with_name(name))


class Reporter(QObject):
    """Writes reports.

    Attributes
    ----------
    written : Signal of Path
        Page of a report that was written.
    """

    written = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs

    def write(self, comparison: Comparison, folder: Path) -> None:
        """Write a report into a folder, which is made; existing files are not replaced."""

        def work(job: Job) -> Path:
            from core.report import write_report

            return write_report(folder, comparison, job.context)[0]

        self._jobs.start("Writing the report", work, done=self.written.emit, channel=CHANNEL)
