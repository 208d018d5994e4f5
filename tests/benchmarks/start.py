"""Time until the window is displayed, in fresh processes, one after another.

Each process reports how long it took to import the program, to make and paint the window, how much
processor time that cost (which other load changes less), and what it had loaded by then that the
first window does not need.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

CHILD = """
import json, sys, time
began = time.perf_counter(), time.process_time()
from app import application
imported = time.perf_counter(), time.process_time()
app = application.make_application()
window = application.make_window()
app.processEvents()
assert window.isVisible()
shown = time.perf_counter(), time.process_time()
heavy = [n for n in ("torch", "scipy", "pyqtgraph", "tifffile", "imagecodecs") if n in sys.modules]
print(json.dumps({
    "import": imported[0] - began[0], "window": shown[0] - imported[0], "total": shown[0] - began[0],
    "processor": shown[1] - began[1], "modules": len(sys.modules), "heavy": heavy,
}))
window.jobs.shut_down()
"""


def once() -> dict[str, Any]:
    """Start the program in a process of its own."""
    run = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks start", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QUIETFIELD_CONFIG"] = folder
        once()  # fills the file cache of the system
        starts = [once() for _ in range(given.repeats)]
    print(f"median of {given.repeats} starts, offscreen, after one that is not counted")
    for name, words in (
        ("import", "importing the program"),
        ("window", "making, showing and painting the window"),
        ("total", "both"),
        ("processor", "processor time of both"),
    ):
        values = [start[name] for start in starts]
        print(f"{words:<42} {statistics.median(values):7.2f} s   least {min(values):5.2f} s")
    heavy = ", ".join(starts[0]["heavy"]) or "none"
    print(f"modules loaded {starts[0]['modules']}, of these not needed: {heavy}")
