"""Start of the window: modules needed only later are not loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CHILD = """
import json, sys
from app import application
app = application.make_application()
window = application.make_window()
app.processEvents()
assert window.isVisible()
loaded = sorted(sys.modules)
sheet = bool(app.styleSheet())
from PySide6.QtCore import QTimer
watch = QTimer()
watch.timeout.connect(lambda: window.announcer.device and not window.jobs.running and app.quit())
watch.start(50)
QTimer.singleShot(120_000, app.quit)
app.exec()
later = sorted(sys.modules)
import shibokensupport.feature as feature
read = feature.pyside_feature_dict["torch"] == 0 or feature._mod_uses_pyside(application)
window.jobs.shut_down()
device = window.announcer.device
print(json.dumps({"loaded": loaded, "later": later, "sheet": sheet, "read": read, "device": device}))
"""

LATER = {"torch", "scipy", "pyqtgraph", "imagecodecs", "tifffile"}


def test_the_window_is_shown_first_and_the_rest_is_loaded_behind_it(tmp_path: Path) -> None:
    settings = {"QT_QPA_PLATFORM": "offscreen", "QUIETFIELD_CONFIG": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD], capture_output=True, text=True, check=False,
        env={**os.environ, **settings}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    loaded, later = set(told["loaded"]), set(told["later"])
    assert not loaded & LATER
    assert not {"core.learning.trainer", "core.learning.network", "core.instant.denoiser"} & loaded
    assert later >= LATER | {"torch._dynamo", "core.learning.trainer", "core.instant.denoiser"}
    assert told["device"]
    assert told["sheet"], "the window is dressed"
    assert not told["read"], "PySide reads the source of what is imported (see app/shell/preload.py)"
