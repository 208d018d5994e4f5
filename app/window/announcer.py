"""What the window says: in the strip above the image, in the Log panel, on the clipboard."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.documents.exporting import Exported
from app.documents.opening import Opened
from app.panels.log import LogPanel
from app.shell import defects
from app.shell.jobs import Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.window.strips import MessageStrip


class Announcer(QObject):
    """Says what was done, what went wrong, and what can be had back.

    Parameters
    ----------
    session : Session
        The document.
    message : MessageStrip
        Where the newest sentence stands.
    panel : LogPanel
        Where all of them stand.
    window : QWidget
        Owner, over which dialogs open.

    Attributes
    ----------
    device : str
        What networks run on, for reports.
    """

    def __init__(self, session: Session, message: MessageStrip, panel: LogPanel, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._message, self._panel, self._window = session, message, panel, window
        self.device = ""
        message.dismissed.connect(session.forget_former)

    def log(self, text: str) -> None:
        """Write a line into the Log panel and the log file."""
        self._panel.append(text)
        defects.note(text)

    def say(self, text: str) -> None:
        """Say that something was done."""
        self._message.show_message(text, "success")
        self.log(text)

    def put_on_clipboard(self, text: str, words: str) -> None:
        """Copy a text, and say what it is."""
        QGuiApplication.clipboard().setText(text)
        self._message.show_message(f"{words} is on the clipboard.", "success")

    def problem(self, text: str) -> None:
        """Show a sentence on what went wrong and what to do."""
        self._message.show_message(text, "problem")
        self.log(text)

    def failed(self, label: str, outcome: Outcome) -> None:
        """Say why a job failed."""
        if outcome.report:
            self.defect(f"While: {label}\n{outcome.report}")
        else:
            self.problem(str(outcome.error))

    def defect(self, error: str) -> None:
        """Show that the program met a defect, with a report for its developers."""
        self.log(error.rstrip())
        if self._window.findChild(defects.DefectDialog) is not None:  # one is enough; all is in the log
            return
        defects.DefectDialog(self._report(error), self._window).show()

    def copy_report(self) -> None:
        """Copy what developers need to know."""
        self.put_on_clipboard(self._report(""), "The report")

    def _report(self, error: str) -> str:
        return defects.report(error, self.device, self._panel.lines(defects.LOG_LINES))

    def opened(self, opened: Opened) -> None:
        """Log what was opened, with what was noticed about it."""
        meta = opened.stack.meta
        sizes = " × ".join(f"{n} {a}" for a, n in opened.stack.sizes.items())
        self.log(f"Opened {meta.path or meta.name}: {sizes}, {opened.stack.dtype.name}, {meta.format}")
        for finding in meta.findings:
            self.log(f"{meta.name}: {finding.text}")

    def changed(self, new: Snapshot, old: Snapshot) -> None:
        """Log results that came or went."""
        for result in new.results[len(old.results) :]:
            self.log(f"{result.label}: {result.details} ({result.seconds:.1f} s)")
        if len(new.results) < len(old.results):
            self.log("Undone: " + ", ".join(r.label for r in old.results[len(new.results) :]))

    def exported(self, exported: Exported) -> None:
        """Say that a file was written, and offer to show where."""
        folder = exported.path.parent
        self._message.show_message(
            exported.message, "success", "Show in Folder", lambda: self.show_folder(folder)
        )
        self.log(exported.message)

    def show_folder(self, folder: Path) -> None:
        """Show a folder in the file manager of the system."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def lost(self, words: str) -> None:
        """Say what became of work for a stack that was closed; a former offer still stands."""
        self.offer_former(words)
        self.log(words)

    def offer_former(self, first: str = "") -> None:
        """Say that results were replaced, and offer them back: they may have taken hours."""
        former = self._session.former
        if former is not None and former.source is not None:
            count, name = len(former.results) - 1, former.source.stack.meta.name
            many = count > 1
            words = f"{count} result{'s' if many else ''} of {name} {'were' if many else 'was'} closed."
            self._message.show_message(f"{first} {words}".strip(), "info", "Bring Back", self._bring_back)
        elif first:
            self._message.show_message(first)
        else:
            self._message.hide()

    def _bring_back(self) -> None:
        self._session.bring_back()
