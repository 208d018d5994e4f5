"""Start the window, in an order that displays it in about one second."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QEvent, QObject, QSocketNotifier, QTimer, Slot
from PySide6.QtWidgets import QApplication

from app.shell import defects, preferences, signals, theme
from app.window.main_window import MainWindow
from core import __version__

LOOK_FOR_DEVICES = 30
"""Delay in milliseconds, after the first events such as painting, before torch is loaded."""


def make_application() -> QApplication:
    """Create the Qt application, or return the existing one, and apply the theme."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("Quietfield")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("quietfield")
    theme.apply_theme(app, preferences.load().theme)
    return app


def make_window(paths: Sequence[str | Path] = ()) -> MainWindow:
    """Create and show the window, load torch in the background, and open the given paths."""
    with theme.without_style_sheet():
        window = MainWindow()
    window.show()
    timer = QTimer(window, singleShot=True, interval=LOOK_FOR_DEVICES)
    timer.timeout.connect(window.look_for_devices)
    QTimer.singleShot(0, timer.start)
    if paths:
        window.open_paths([Path(p).absolute() for p in paths])
    return window


def run(paths: Sequence[str | Path] = ()) -> int:
    """Open the window and return after it is closed.

    Parameters
    ----------
    paths : sequence of str or Path
        Files and folders to open.

    Returns
    -------
    int
        Exit code of the program.
    """
    app = make_application()
    defects.start_log()
    hooks = defects.Hooks()
    hooks.install()
    window = make_window(paths)
    hooks.caught.connect(window.announcer.defect)
    end = SignalWatch()
    code, ended = 1, True
    try:
        code = app.exec()
        return code
    finally:
        end.stop()
        ended = window.jobs.shut_down()
        window.deleteLater()
        app.sendPostedEvents(window, QEvent.Type.DeferredDelete)
        hooks.remove()
        defects.stop_log()
        if not ended:  # libraries abort the process if it ends while one of their threads computes
            signals.leave(code)


class SignalWatch(QObject):
    """Leaves the event loop with the exit code of a signal that ends the program.

    Python handles a signal only when it runs some code of the program, which an idle event loop does not;
    therefore Python writes every signal into a socket that the event loop watches.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        self._woken = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._former = {number: signal.signal(number, _ignore) for number in signals.numbers()}
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    @Slot()
    def _on_signal(self) -> None:
        received = [number for number in self._read.recv(64) if number in self._former]
        if received:
            ended = signals.Ended(received[0])
            signals.say(ended.sentence)
            QApplication.exit(ended.code)

    def stop(self) -> None:
        """Restore the handlers of signals."""
        self._notifier.setEnabled(False)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._woken)
        self._read.close()
        self._write.close()


def _ignore(number: int, frame: FrameType | None) -> None:
    """Leave a signal to the event loop."""
