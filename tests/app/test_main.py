"""The entry point: which arguments open the window, run a command, or are rejected."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import app.__main__ as start

ROOT = Path(__file__).parents[2]


@pytest.fixture
def window(monkeypatch):
    """Stand in for the window, and record what it is opened with."""
    opened: list[list[Path]] = []

    def run(paths: list[Path]) -> int:
        opened.append(paths)
        return 0

    module = types.ModuleType("app.application")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.application", module)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    return opened


def test_no_argument_opens_an_empty_window(window):
    assert start.main([]) == 0
    assert window == [[]]


def test_paths_open_in_the_window(window, tmp_path):
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for file in files:
        file.touch()
    assert start.main([str(f) for f in files]) == 0
    assert start.main(["-psn_0_12345", str(tmp_path)]) == 0  # macOS adds the first
    assert window == [files, [tmp_path]]


def test_threads_that_wait_leave_the_processors_to_others_unless_told_otherwise(window, monkeypatch):
    start.main([])
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    start.main([])
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_missing_file_is_refused_before_the_window_opens(window, tmp_path, capsys):
    assert start.main([str(tmp_path / "missing.tif")]) == 1
    assert "missing.tif does not exist" in capsys.readouterr().err
    assert window == []


def test_a_mistyped_command_is_no_file(window, capsys):
    assert start.main(["denoize", "x.tif"]) == 2
    assert "Did you mean 'denoise'?" in capsys.readouterr().err
    assert start.main(["--hlep"]) == 2
    assert window == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_a_sentence_says_what_to_do(window, monkeypatch, capsys):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert start.main([]) == 1
    assert "xvfb-run" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(start, "XCB_LIBRARIES", ("libnothing-of-the-kind.so.7",))
    assert start.main([]) == 1
    err = capsys.readouterr().err
    assert "libnothing-of-the-kind.so.7" in err
    assert "apt install" in err
    assert window == []


@pytest.mark.parametrize(
    "problem",
    ["libEGL.so.1: cannot open shared object file: No such file or directory", "No module named 'numpy'"],
)
def test_a_missing_library_of_the_system_is_named_with_its_cure(problem, window, monkeypatch, capsys):
    """Any other import that fails is a defect."""

    def fail(wanted: str) -> None:
        raise ImportError(problem)

    application = sys.modules["app.application"]
    monkeypatch.delattr(application, "run")
    monkeypatch.setitem(vars(application), "__getattr__", fail)
    if "numpy" in problem:
        with pytest.raises(ImportError, match="numpy"):
            start.main([])
        return
    assert start.main([]) == 1
    err = capsys.readouterr().err
    assert "libEGL.so.1" in err
    assert start.APT in err


def test_self_test_wants_a_file(capsys):
    assert start.main(["--self-test"]) == 2
    assert "PNG" in capsys.readouterr().err


def test_python_m_app_runs_commands(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run(
        [sys.executable, "-m", "app", "--version"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith("quietfield ")


def test_interrupted_while_it_is_still_being_loaded(tmp_path):
    script = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'numpy':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from app.__main__ import main\n"
        "sys.exit(main(['info', 'x.tif']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "Interrupted; no incomplete file is left.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to a single process")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_closes_the_window_with_its_code(tmp_path, name, code):
    script = (
        "import sys, os, signal\n"
        "from PySide6.QtCore import QTimer\n"
        "from app import application\n"
        "made = application.make_window\n"
        "def make(paths):\n"
        f"    QTimer.singleShot(100, lambda: os.kill(os.getpid(), signal.{name}))\n"
        "    return made(paths)\n"
        "application.make_window = make\n"
        "from app.__main__ import main\n"
        "sys.exit(main([]))\n"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QUIETFIELD_CONFIG": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.endswith("; no incomplete file is left.\n")


def test_closing_the_window_waits_for_no_job_and_leaves_nothing_it_writes(tmp_path):
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from PySide6.QtCore import QTimer\n"
        "from app import application\n"
        "from core.files import writing\n"
        "from app.window.questions import Questions\n"
        "Questions.close = lambda self, running: True\n"
        "made = application.make_window\n"
        "def deaf(job):\n"
        "    with writing(Path(sys.argv[1]) / 'a.tif') as draft:\n"
        "        time.sleep(600)\n"
        "def make(paths):\n"
        "    window = made(paths)\n"
        "    window.jobs.start('deaf', deaf)\n"
        "    timer = QTimer(window, interval=10)\n"
        "    def look():\n"
        "        if window.isVisible() and any(Path(sys.argv[1]).iterdir()):\n"
        "            timer.stop()\n"
        "            window.close()\n"
        "    timer.timeout.connect(look)\n"
        "    timer.start()\n"
        "    return window\n"
        "application.make_window = make\n"
        "sys.exit(application.run())\n"
    )
    results = tmp_path / "results"
    results.mkdir()
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QUIETFIELD_CONFIG": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script, results], cwd=ROOT, env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert list(results.iterdir()) == []


def test_a_name_that_is_too_long_is_refused(window, capsys):
    assert start.main(["y" * 300 + ".tif"]) == 1
    assert "does not exist" in capsys.readouterr().err
    assert window == []
