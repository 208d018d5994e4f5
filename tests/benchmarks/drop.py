"""Time from a drop to the display of Instant, in fresh processes, one after another.

Each process shows the window, waits as long as a person might, drops a stack of three frames on it, and
notes when the first part and when all of the current plane is shown denoised; then it drops another stack
of the same size (warm), and moves the strength slider. "at once" drops as soon as the window is shown,
while everything else is still being loaded; "settled" when that is done.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CHILD = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import QEventLoop, QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from app import __main__, application

__main__.share_processors()
app = application.make_application()
window = application.make_window()
app.processEvents()
told = {}

def rest(milliseconds):
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()

def drop(path, name):
    shown, began = {}, time.perf_counter()
    def note(new, old):
        preview = new.preview
        if preview is None or preview is old.preview or new.source.stack.meta.name != path.name:
            return
        shown.setdefault("part", time.perf_counter() - began)
        if not preview.unfinished:
            shown.setdefault("whole", time.perf_counter() - began)
    window.session.changed.connect(note)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    action, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    middle = window.rect().center()
    QApplication.sendEvent(window, QDragEnterEvent(middle, action, mime, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(middle), action, mime, left, none))
    while "whole" not in shown or window.jobs.running:
        assert time.perf_counter() - began < 120, window.filter_panel.problem.text()
        rest(5)
    window.session.changed.disconnect(note)
    told.update({f"{name} {k}": v for k, v in shown.items()})

if sys.argv[1] == "settled":
    rest(1000)
    while window.jobs.running:
        rest(50)
drop(Path(sys.argv[2]), "first")
drop(Path(sys.argv[3]), "second")
box = window.findChild(QWidget, "instant-strength")
began = time.perf_counter()
for step in range(20):
    box.setValue(0.05 * step)
    window.repaint()
told["slider"] = (time.perf_counter() - began) / 20
print(json.dumps(told))
window.jobs.shut_down()
"""


def once(start: str, paths: list[Path]) -> dict[str, float]:
    """Start the program in a process of its own."""
    words = [sys.executable, "-c", CHILD, start, *map(str, paths)]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def write(folder: Path, side: int) -> list[Path]:
    """Two stacks of three frames of a scene with photon noise."""
    import tifffile

    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side]
    light = 20 + 15 * np.sin(rows / 7) * np.cos(columns / 9)
    paths = [folder / f"{name}{side}.tif" for name in "ab"]
    for path in paths:
        pixels = rng.poisson(light, (3, side, side)).astype(np.uint16)
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return paths


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks drop", description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"median of {given.repeats} starts, offscreen; load of the machine before: {load:.1f}")
    print(
        f"{'plane':>12} {'dropped':>9}{'part':>8}{'whole':>8}{'2nd part':>10}{'2nd whole':>11}{'slider':>11}"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QUIETFIELD_CONFIG"] = folder
        for side in given.sides:
            paths = write(Path(folder), side)
            for start in ("at once", "settled"):
                rows: list[dict[str, Any]] = [once(start, paths) for _ in range(given.repeats)]
                keys = ("first part", "first whole", "second part", "second whole", "slider")
                a, b, c, d, slider = (statistics.median(row[key] for row in rows) for key in keys)
                print(
                    f"{side:>5} x {side:<5}{start:>9}{a:7.2f}s{b:7.2f}s{c:9.2f}s{d:10.2f}s"
                    f"{1e3 * slider:8.1f} ms",
                    flush=True,
                )
