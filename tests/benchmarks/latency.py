"""Response time of the window during training.

A thread acts as the person: every 100 ms it posts a gesture (next frame, zoom, another layout,
a new filter strength) to the window. The answer is complete once the event was taken from the
queue, handled, and the viewer repainted. Idle and training are measured in one run.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from typing import Any

import numpy as np


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks latency")
    parser.add_argument("--seconds", type=float, default=20.0, help="time to measure for, each")
    parser.add_argument("--method", default="deconoising")
    seconds = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QUIETFIELD_CONFIG"] = folder
        measure(seconds.seconds, seconds.method)


def measure(seconds: float, method: str) -> None:
    from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Signal, Slot
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QWidget

    from app import application

    app = application.make_application()
    window = application.make_window()
    window.resize(1280, 800)

    def rest(milliseconds: int) -> None:
        """Process events for a while; unlike QTest's wait, this does not block other threads."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def wait(until: Any, limit: float = 60.0) -> None:
        end = time.monotonic() + limit
        while not until():
            if time.monotonic() > end:
                running = ", ".join(job.label for job in window.jobs.running)
                raise SystemExit(f"the window did not get ready in time; running: {running or None}")
            rest(20)

    def widget(name: str) -> Any:
        found = window.findChild(QWidget, name)
        assert found is not None, name
        return found

    class Person(QObject):
        """Posts gestures from its own thread and notes when they were answered."""

        posted = Signal(float, int)

        def __init__(self) -> None:
            super().__init__()
            self.delays: list[tuple[float, float]] = []
            self.posted.connect(self.act, Qt.ConnectionType.QueuedConnection)

        @Slot(float, int)
        def act(self, since: float, number: int) -> None:
            taken = time.perf_counter()
            viewer = widget("stack-viewer")
            gesture = number % 4
            if gesture == 0:
                QTest.keyClick(viewer, ">")
            elif gesture == 1:
                viewer.zoom(1.2 if number % 8 == 1 else 1 / 1.2)
            elif gesture == 2:
                window.session.set_layout(("split", "curtain")[number // 4 % 2])
            else:
                tabs = widget("tool-tabs")
                tabs.setCurrentIndex(1 - tabs.currentIndex())
            window.repaint()
            app.processEvents()
            self.delays.append((taken - since, time.perf_counter() - since))

        def run(self) -> None:
            end = time.monotonic() + seconds
            number = 0
            while time.monotonic() < end:
                self.posted.emit(time.perf_counter(), number)
                number += 1
                time.sleep(0.1)

    def sweep(label: str) -> None:
        person = Person()
        thread = threading.Thread(target=person.run)
        thread.start()
        wait(lambda: not thread.is_alive(), seconds + 60)
        rest(300)
        for name, column in (("taken from the queue", 0), ("answered and repainted", 1)):
            delays = np.array([d[column] for d in person.delays]) * 1e3
            p50, p95, p99 = np.percentile(delays, (50, 95, 99))
            print(
                f"{label:9s} {name:22s} n {len(delays):4d}   median {p50:6.1f}   95 % {p95:6.1f}   "
                f"99 % {p99:6.1f}   worst {delays.max():6.1f} ms"
            )

    widget("welcome-simulated").click()
    wait(lambda: window.session.snapshot.source is not None)
    wait(lambda: not window.jobs.running)
    rest(3000)
    sweep("idle")
    tabs = widget("tool-tabs")
    tabs.setCurrentIndex(1)
    box = widget("training-method")
    box.setCurrentIndex(max(box.findData(method), 0))
    widget("training-start").click()
    rest(5000)
    sweep("training")
    widget("training-cancel").click()
    wait(lambda: not window.jobs.busy)
    window.jobs.shut_down()
    window.close()
