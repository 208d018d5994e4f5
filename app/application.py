"""Start the window, in an order that displays it in about one second."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication

from app.shell import defects, preferences, theme
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
    try:
        return app.exec()
    finally:
        window.jobs.shut_down()
        window.deleteLater()
        app.sendPostedEvents(window, QEvent.Type.DeferredDelete)
        hooks.remove()
        defects.stop_log()
