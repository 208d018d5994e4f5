"""Messages of the window: in the strip above the image, in the Log panel, on the clipboard."""

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
    """Reports completed work and errors, and offers to restore closed results.

    Parameters
    ----------
    session : Session
        Document.
    message : MessageStrip
        Shows the newest message.
    panel : LogPanel
        Lists all messages.
    window : QWidget
        Parent of dialogs.

    Attributes
    ----------
    device : str
        Device of networks, for reports.
    """

    def __init__(self, session: Session, message: MessageStrip, panel: LogPanel, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._message, self._panel, self._window = session, message, panel, window
        self.device = ""
        message.dismissed.connect(session.forget_former)

    def log(self, text: str) -> None:
        """Write a line to the Log panel and the log file."""
        self._panel.append(text)
        defects.note(text)

    def say(self, text: str) -> None:
        """Report completed work."""
        self._message.show_message(text, "success")
        self.log(text)

    def put_on_clipboard(self, text: str, words: str) -> None:
        """Copy a text to the clipboard, and report what was copied."""
        QGuiApplication.clipboard().setText(text)
        self._message.show_message(f"{words} is on the clipboard.", "success")

    def problem(self, text: str) -> None:
        """Show an error message."""
        self._message.show_message(text, "problem")
        self.log(text)

    def failed(self, label: str, outcome: Outcome) -> None:
        """Report why a job failed."""
        if outcome.report:
            self.defect(f"While: {label}\n{outcome.report}")
        else:
            self.problem(str(outcome.error))

    def defect(self, error: str) -> None:
        """Report a defect of the program."""
        self.log(error.rstrip())
        if self._window.findChild(defects.DefectDialog) is not None:  # one dialog is enough; all are logged
            return
        defects.DefectDialog(self._report(error), self._window).show()

    def copy_report(self) -> None:
        """Copy a report for the developers."""
        self.put_on_clipboard(self._report(""), "The report")

    def _report(self, error: str) -> str:
        return defects.report(error, self.device, self._panel.lines(defects.LOG_LINES))

    def opened(self, opened: Opened) -> None:
        """Log an opened stack and the findings about its file."""
        meta = opened.stack.meta
        sizes = " × ".join(f"{n} {a}" for a, n in opened.stack.sizes.items())
        self.log(f"Opened {meta.path or meta.name}: {sizes}, {opened.stack.dtype.name}, {meta.format}")
        for finding in meta.findings:
            self.log(f"{meta.name}: {finding.text}")

    def changed(self, new: Snapshot, old: Snapshot) -> None:
        """Log added and removed results."""
        for result in new.results:
            if old.find(result.key) is None:
                self.log(f"{result.label}: {result.details} ({result.seconds:.1f} s)")
        removed = [r.label for r in old.results if new.find(r.key) is None]
        if removed:
            self.log("Removed: " + ", ".join(removed))

    def exported(self, exported: Exported) -> None:
        """Report a written file, and offer to show its folder."""
        folder = exported.path.parent
        self._message.show_message(
            exported.message, "success", "Show in Folder", lambda: self.show_folder(folder)
        )
        self.log(exported.message)

    def reported(self, page: Path) -> None:
        """Report a written report, and offer to open it in the browser."""
        words = f"The report is in {page.parent}."
        self._message.show_message(words, "success", "Open", lambda: self.show_folder(page))
        self.log(words)

    def show_folder(self, folder: Path) -> None:
        """Show a folder in the file manager, or a page in the browser."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def lost(self, words: str) -> None:
        """Report the outcome of work for a closed stack, keeping an earlier offer."""
        self.offer_former(words)
        self.log(words)

    def offer_former(self, first: str = "") -> None:
        """Report that results were closed, and offer to restore them, as they may have taken hours."""
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
