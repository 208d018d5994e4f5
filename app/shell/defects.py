"""Defects of the program: log file, report for developers, and a dialog that shows it."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.shell.preferences import log_folder
from core import __version__
from core.errors import QuietfieldError
from core.reading import check_regular

PACKAGES = (
    "PySide6-Essentials", "pyqtgraph", "torch", "numpy", "scipy", "tifffile", "imagecodecs", "safetensors",
)  # fmt: skip
LOG_FILE = "quietfield.log"
LOG_LINES = 40
"""Number of log lines in a report."""

_log = logging.getLogger("quietfield")


def versions() -> dict[str, str]:
    """Return the versions of the program and its dependencies."""
    from importlib import metadata  # imported on demand, for a fast start

    found = {"Quietfield": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # packaged programs may lack metadata
            found[package] = "unknown"
    return found


def report(error: str = "", device: str = "", log: str = "") -> str:
    """Return a defect report for developers.

    Parameters
    ----------
    error : str
        Traceback, or "" for a report without an error.
    device : str
        Device on which networks run.
    log : str
        Last lines of the log.
    """
    lines = [f"{name} {version}" for name, version in versions().items()]
    lines.append(f"System: {platform.platform()}")
    lines.append(f"Device: {device or 'not known yet'}")
    if error:
        lines += ["", error.rstrip()]
    if log:
        lines += ["", "Last log lines:", log.rstrip()]
    return "\n".join(lines) + "\n"


class LogFile(logging.handlers.RotatingFileHandler):
    """A log file that is not needed: what a full or vanished disk does not take is left out."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        """Forget the file; the next record opens it again."""
        stream, self.stream = self.stream, None
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            super().close()


def start_log() -> Path | None:
    """Write log records to a rotating file; return its path, or None if it cannot be written."""
    path = log_folder() / LOG_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            check_regular(path)
        handler = LogFile(path, maxBytes=2**20, backupCount=3, encoding="utf-8", delay=True)
    except (OSError, QuietfieldError):
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    return path


def stop_log() -> None:
    """Close the log file."""
    for handler in list(_log.handlers):
        if isinstance(handler, LogFile):
            _log.removeHandler(handler)
            handler.close()


def note(text: str, level: int = logging.INFO) -> None:
    """Write a line to the log file."""
    _log.log(level, "%s", text)


class Hooks(QObject):
    """Receives uncaught exceptions of any thread in the main thread.

    Attributes
    ----------
    caught : Signal of str
        Traceback of an exception.
    """

    caught = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._former: tuple[Callable[..., object], Callable[..., object]] | None = None

    def install(self) -> None:
        """Replace Python's exception hooks."""
        self._former = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove(self) -> None:
        """Restore the previous hooks."""
        if self._former is not None:
            sys.excepthook, threading.excepthook = self._former
            self._former = None

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        self._tell("".join(traceback.format_exception(kind, error, trace)))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            self._tell("".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)))

    def _tell(self, text: str) -> None:
        note(text, logging.ERROR)
        if sys.stderr is not None:
            sys.stderr.write(text)
        self.caught.emit(text)


class DefectDialog(QDialog):
    """Non-modal dialog that reports a defect of the program and offers the report."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("defect")
        self.setWindowTitle("Something went wrong in Quietfield")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        words = QLabel(
            "Quietfield has a defect. Your stack and results are unchanged, and you can continue; export "
            "the results that you need. Please send the report below to the developers. It contains no "
            "pixels."
        )
        words.setWordWrap(True)
        self.text = QPlainTextEdit(text)
        self.text.setObjectName("defect-report")
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy Report", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setObjectName("defect-copy")
        copy.setToolTip("Copy the report to the clipboard")
        copy.clicked.connect(self._on_copy)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(words)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)
        self.resize(720, 420)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
