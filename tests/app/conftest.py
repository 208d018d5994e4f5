"""Fixtures for tests of the window: offscreen, separate settings, and a check for leaks."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = os.environ.get("QUIETFIELD_TEST_PLATFORM", "offscreen")

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QWidget

from app.shell.jobs import Jobs
from app.shell.session import Session

if TYPE_CHECKING:
    from tests.driver import Driver


ZARR = ("zarr_io", "asyncio_")
"""Threads that the library zarr starts once and keeps until the end of the process."""


@pytest.fixture(autouse=True)
def settings_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own preferences and log files."""
    folder = tmp_path_factory.mktemp("settings")
    monkeypatch.setenv("QUIETFIELD_CONFIG", str(folder))
    return folder


@pytest.fixture(autouse=True)
def nothing_left(settings_folder: Path) -> Iterator[None]:
    """Fail a test that leaves a window, a thread of a job or a running timer."""
    threads = set(threading.enumerate())
    timers = {id(t) for t in _timers()}
    windows = {id(w) for w in _windows()}
    yield
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        _settle()
        alive = [t for t in threading.enumerate() if t not in threads and not t.name.startswith(ZARR)]
        if not alive:
            break
        time.sleep(0.01)
    left = [f"thread {t.name}" for t in alive]
    left += [f"window {type(w).__name__} {w.objectName()}" for w in _windows() if id(w) not in windows]
    left += [f"timer of {t.parent()}" for t in _timers() if id(t) not in timers]
    assert not left, "the test left: " + ", ".join(left)


def _settle() -> None:
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete.value))


def _windows() -> list[QWidget]:
    if not isinstance(QCoreApplication.instance(), QApplication):
        return []
    every = QApplication.topLevelWidgets()
    return [w for w in every if w.isVisible() or isinstance(w, QMainWindow | QDialog)]


def _timers() -> list[QTimer]:
    mine = [o for o in gc.get_objects() if type(o) is QTimer]
    return [t for t in mine if shiboken6.isValid(t) and t.isActive()]


@pytest.fixture
def session(qapp: QApplication) -> Session:
    """Return an empty document."""
    return Session()


@pytest.fixture
def jobs(qapp: QApplication) -> Iterator[Jobs]:
    """Return jobs, all of which have ended at the end of the test."""
    jobs = Jobs()
    yield jobs
    assert jobs.shut_down(10)


@pytest.fixture
def driver(qtbot: Any, qapp: QApplication) -> Iterator[Driver]:
    """Open the window; a test that ends while something runs closes it all the same."""
    from app.shell import theme
    from app.shell.schemes import LIGHT
    from app.window.main_window import MainWindow
    from tests.driver import Answers, Driver

    if theme.colors() is not LIGHT or not qapp.styleSheet():
        theme.apply_theme(qapp, "light")
    answers = Answers()
    window = MainWindow(answers)  # type: ignore[arg-type]
    window.show()
    qtbot.waitExposed(window)
    yield Driver(qtbot, window, answers)
    for dialog in window.findChildren(QDialog):
        dialog.close()
    window.close()
    window.deleteLater()
    _settle()
