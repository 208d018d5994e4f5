"""Take the README's screenshots from the real window: ``python -m tests.screenshots FOLDER``.

They show the simulated sample: Instant as it shows itself and the error it expects, the classic filters
compared, a network in training, the curtain between raw and denoised, and a report in a browser.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = (1360, 850)
TRAINING_SECONDS = 90


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m tests.screenshots FOLDER", file=sys.stderr)
        return 2
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as settings:
        os.environ["QUIETFIELD_CONFIG"] = settings
        take(folder)
        take_report(folder, Path(settings))
    return 0


def take_report(folder: Path, scratch: Path) -> None:
    """Take a picture of the report of the simulated sample in a browser."""
    import datetime

    from core import catalogue
    from core.methods.base import Method
    from core.report import Comparison, write_report
    from core.simulation import sample
    from core.work.contest import contest, part_of
    from tests import browser

    noisy = sample(frames=6, shape=(384, 384)).noisy
    methods = [catalogue.create(name, {}) for name in ("instant", "gaussian", "median", "box")]
    methods = [method for method in methods if isinstance(method, Method)]
    entries = tuple(contest(noisy, methods))
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    comparison = Comparison(stack=noisy, region=part_of(noisy), entries=entries, when=when)
    page = write_report(scratch / "report", comparison)[0]
    browser.screenshot(page, folder / "report.png", (1160, 1420), scratch / "profile")


def take(folder: Path) -> None:
    from PySide6.QtCore import QEventLoop, Qt, QTimer
    from PySide6.QtGui import QAction
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QWidget

    from app import application

    app = application.make_application()
    window = application.make_window()
    window.leaving.asks = False
    window.resize(*SIZE)

    def rest(milliseconds: int) -> None:
        """Process events for a while; unlike QTest's wait, this does not block other threads."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def widget(name: str) -> Any:
        found = window.findChild(QWidget, name)
        assert found is not None, f"there is no widget called {name}"
        return found

    def click(name: str) -> None:
        QTest.mouseClick(widget(name), Qt.MouseButton.LeftButton)

    def trigger(name: str) -> None:
        action = window.findChild(QAction, name)
        assert action is not None, f"there is no action called {name}"
        action.trigger()

    def wait(until: Callable[[], bool], limit: float = 600.0) -> None:
        end = time.monotonic() + limit
        while not until():
            assert time.monotonic() < end, f"still running: {[j.label for j in window.jobs.running]}"
            rest(50)
        rest(500)

    def idle() -> bool:
        return not window.jobs.running

    def shot(name: str) -> None:
        rest(300)
        window.grab().save(str(folder / f"{name}.png"))

    wait(idle)
    trigger("theme-dark")
    click("welcome-simulated")
    wait(lambda: window.session.snapshot.source is not None and idle())
    click("notes-dismiss")
    trigger("expected-error")
    rest(1000)
    wait(idle)
    shot("instant")
    trigger("expected-error")
    rest(1000)
    wait(idle)
    click("filter-apply")
    wait(lambda: len(window.session.snapshot.results) > 1 and idle())
    click("metrics-compare")
    wait(lambda: len(window.session.snapshot.results) > 4 and idle())
    wait(lambda: len(window.session.snapshot.measures) == len(window.session.snapshot.results))
    trigger("layout-split")
    shot("compare")
    trigger("show-train")
    widget("quietfield-seconds").setValue(TRAINING_SECONDS)
    click("training-start")
    rest(TRAINING_SECONDS * 600)
    shot("training")
    wait(idle)
    wait(lambda: len(window.session.snapshot.measures) == len(window.session.snapshot.results))
    trigger("layout-curtain")
    shot("curtain")
    window.close()
    app.processEvents()


if __name__ == "__main__":
    sys.exit(main())
