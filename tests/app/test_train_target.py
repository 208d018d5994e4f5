"""Training with a clean stack, on the command line and in the training panel."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import QApplication, QComboBox, QLabel
from pytestqt.qtbot import QtBot

from app.cli.main import main
from app.panels.training import TrainingPanel
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.view_state import View
from core.checkpoint import load_model
from core.files import open_stack
from core.methods.apply import evaluate

TINY = (
    "--width 4 --depth 2 --patch 16 --batch 2 --steps 3 --epoch 3 --warmup 0 --validation-patches 2 "
    "--seconds 0 --threads 1"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with noisy and clean stacks as files, and as folders of planes."""
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:40, :48]
    clean = (300 + 200 * np.sin(x / 5) * np.cos(y / 7 + np.arange(4)[:, None, None])).astype(np.float32)
    noisy = generator.poisson(clean).astype(np.uint16)
    for name, pixels in (("noisy", noisy), ("clean", clean)):
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, imagej=True, metadata={"axes": "TYX"})
        (tmp_path / name).mkdir()
        for number, plane in enumerate(pixels):
            tifffile.imwrite(tmp_path / name / f"t{number}.tif", plane)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> int:
    return main(shlex.split(line))


def test_care_trains_on_files_and_on_folders_alike(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"train noisy.tif --target clean.tif -o files --method care {TINY}") == 0
    assert json.loads(capsys.readouterr().out)["method"] == "care"
    assert run(f"train noisy --target clean -o folders --method care {TINY} --input-axes TYX") == 0
    models = [load_model(folder / f"{name}.quietfield") for name in ("files", "folders")]
    assert models[0].normalisation == models[1].normalisation
    assert all((t == models[1].weights[n]).all() for n, t in models[0].weights.items())
    assert run("apply files.quietfield noisy.tif -o out.tif --dtype float32") == 0
    assert np.isfinite(tifffile.imread("out.tif")).all()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train noisy.tif -o n --method care", "--target"),
        ("train noisy.tif --target clean.tif -o n --method n2v", "uses only the noisy stack"),
        ("train noisy.tif --target missing.tif -o n --method care", "missing.tif does not exist"),
        ("train noisy.tif --target clean/t0.tif -o n --method care --validation 0", ""),
        ("train noisy/t0.tif --target clean.tif -o n --method care", "must show the same pixels"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    assert run(f"{line} {TINY}") == (1 if words else 0)
    assert words in capsys.readouterr().err


@pytest.fixture
def panel(qtbot: QtBot, session: Session, jobs: Jobs) -> Iterator[TrainingPanel]:
    panel = TrainingPanel(session, jobs)
    qtbot.addWidget(panel)
    panel.resize(320, 900)
    panel.show()
    qtbot.waitUntil(lambda: panel.settings.processor.count() > 1, timeout=60_000)
    yield panel
    panel.hide()
    qtbot.waitUntil(lambda: not jobs.running, timeout=60_000)


def choose(panel: TrainingPanel, method: str) -> None:
    box = panel.findChild(QComboBox, "training-method")
    box.setCurrentIndex(box.findData(method))
    panel.settings.form.set_values(
        {"width": 4, "depth": 2, "patch": 16, "batch": 2, "epoch": 5, "steps": 10, "seconds": 0.0,
         "validation_patches": 2, "precision": "float32"}
    )  # fmt: skip
    panel.settings.form.changed.emit()


def ask_for(panel: TrainingPanel, kind: str) -> None:
    """Choose "File…" or "Folder…" from the menu of the button that asks for the clean stack."""
    actions = panel.settings.target.button.menu().actions()
    next(action for action in actions if action.iconText().lower().startswith(kind)).trigger()


def test_the_panel_asks_for_a_clean_stack_where_one_is_needed(
    qtbot: QtBot, session: Session, panel: TrainingPanel, folder: Path
) -> None:
    session.open(open_stack(folder / "noisy.tif"), {})
    choose(panel, "n2v")
    assert not panel.settings.target.isVisible()
    assert panel.controls.start.isEnabled()
    choose(panel, "care")
    assert panel.settings.target.isVisible()
    assert not panel.controls.start.isEnabled()
    assert "clean stack" in panel.controls.start.toolTip()
    panel.settings.target.ask_file = lambda: ""
    ask_for(panel, "file")
    assert not panel.controls.start.isEnabled()
    panel.settings.target.ask_file = lambda: str(folder / "clean.tif")
    ask_for(panel, "file")
    assert panel.controls.start.isEnabled()
    assert panel.findChild(QLabel, "training-target-name").text() == "clean.tif"
    panel.controls.copy.click()
    assert f"--target {folder / 'clean.tif'}" in QApplication.clipboard().text()
    session.open(open_stack(folder / "noisy" / "t0.tif"), {})
    assert panel.settings.target_path is None, "what belonged to another stack is forgotten"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_care_in_the_window_is_care_on_the_command_line(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, folder: Path, kind: str
) -> None:
    name = "noisy.tif" if kind == "file" else "noisy"
    stack = open_stack(folder / name, axes="TYX")
    session.open(stack, {})
    choose(panel, "care")
    target = panel.settings.target
    target.ask_file, target.ask_folder = lambda: str(folder / "clean.tif"), lambda: str(folder / "clean")
    ask_for(panel, kind)
    panel.controls.start.click()
    assert "clean stack clean" in panel.summary.text()
    qtbot.waitUntil(lambda: bool(panel.network.kept) and not jobs.running, timeout=60_000)
    model = panel.network.kept[-1].model
    given = "--validation-patches 2 --seconds 0 --precision float32 --threads 1"
    sizes = "--width 4 --depth 2 --patch 16 --batch 2 --epoch 5 --steps 10"
    clean = folder / ("clean.tif" if kind == "file" else "clean")
    assert (
        run(f"train {folder / name} --target {clean} -o n --method care --input-axes TYX {sizes} {given}")
        == 0
    )
    other = load_model(folder / "n.quietfield")
    found, expected = (evaluate(stack, m.prediction("cpu"))[0] for m in (model, other))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_cancelled_training_leaves_the_part_that_the_one_before_was_trained_on(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, folder: Path
) -> None:
    session.open(open_stack(folder / "noisy.tif"), {})
    session.set_view(View(4, 36, 8, 44))
    choose(panel, "care")
    panel.settings.target.ask_file = lambda: str(folder / "clean.tif")
    ask_for(panel, "file")
    where = panel.settings.region
    where.setCurrentIndex(where.findData("visible"))
    panel.controls.start.click()
    qtbot.waitUntil(lambda: bool(panel.network.kept) and not jobs.running, timeout=60_000)
    steps = panel.network.kept[-1].step
    where.setCurrentIndex(where.findData("whole"))
    panel.controls.start.click()
    panel.controls.cancel.click()
    qtbot.waitUntil(lambda: not jobs.running, timeout=60_000)
    panel.network.go_on.click()
    qtbot.waitUntil(lambda: not jobs.running, timeout=60_000)
    assert not panel.problem.isVisible(), panel.problem.text()
    assert panel.network.kept[-1].step > steps


def test_a_clean_stack_of_another_shape_is_said(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, folder: Path
) -> None:
    session.open(open_stack(folder / "noisy" / "t0.tif"), {})
    choose(panel, "care")
    panel.settings.target.ask_file = lambda: str(folder / "clean.tif")
    ask_for(panel, "file")
    panel.controls.start.click()
    qtbot.waitUntil(lambda: panel.problem.isVisible() and not jobs.running, timeout=60_000)
    assert "must show the same pixels" in panel.problem.text()
