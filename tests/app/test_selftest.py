"""The self-test passes on a sound program, and fails where something is broken or hangs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.selftest.checks import Failure, check_codecs, check_instant
from app.shell.snapshot import Result, Snapshot
from app.shell.view_state import Preview
from core.methods.outputs import RESULT
from core.simulation import sample

ROOT = Path(__file__).parents[2]


def self_test(folder: Path, breakage: str = "") -> subprocess.CompletedProcess[str]:
    """Run the self-test in another process, after code that breaks something."""
    code = (
        f"import sys\nfrom app.__main__ import main\n{breakage}\nsys.exit(main(['--self-test', 'shot.png']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )


def test_it_passes_and_saves_a_picture_of_the_window(tmp_path):
    done = self_test(tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {
        "window",
        "sample",
        "instant",
        "filter",
        "training",
        "export",
        "codecs",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["shot.png"]
    from PySide6.QtGui import QImage

    picture = QImage(str(tmp_path / "shot.png"))
    assert picture.width() >= 1000
    colours = {picture.pixel(x, y) for x in range(0, 1000, 7) for y in range(0, 600, 7)}
    assert len(colours) > 100  # an image is on show, not an empty window


@pytest.mark.parametrize(
    ("breakage", "words"),
    [
        (  # an exception in a slot, which Qt would swallow
            "from app.panels.results import ResultsPanel\n"
            "def broken(self, *args): raise ZeroDivisionError('in a slot')\n"
            "import app.window.main_window as m\n"
            "m.MainWindow._on_changed = broken",
            "in a slot",
        ),
        (  # a result that is wrong
            "import core.methods.filters as f\nf.Gaussian.compute = lambda self, block, _: (block.pixels,)",
            "differs from scipy's",
        ),
        (  # something that never ends
            "import app.selftest.script as s\ns.WATCHDOG_SECONDS = 3.0\n"
            "s.SelfTest._press = lambda self, name: None",
            "not done after 3 s",
        ),
    ],
)
def test_it_fails_and_says_why(tmp_path, breakage, words):
    done = self_test(tmp_path, breakage)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


def test_a_codec_that_is_missing_is_found(tmp_path):
    """As in an incomplete package; jetraw is never packed."""
    with pytest.raises(ImportError, match="jetraw"):
        check_codecs(tmp_path, [("jetraw", False, "uint16")])


def test_a_network_that_does_nothing_is_found():
    made = sample(frames=1, shape=(64, 64))
    source = Result(key=1, label="Raw", details="", stack=made.noisy)
    nothing = Preview(label="", region=made.noisy.region(), outputs=((RESULT, made.noisy.plane()),))
    with pytest.raises(Failure, match=r"nearer to the truth by a factor of 1\.0 only"):
        check_instant(Snapshot(results=(source,), truth=made.clean, preview=nothing))
