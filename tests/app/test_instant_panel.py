"""Instant in the window and on the command line: found through the list of methods like any filter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QPushButton
from pytestqt.qtbot import QtBot

from app.cli import main
from app.jobs import Jobs
from app.panels.filters import FilterPanel
from app.session import Session
from core.instant.method import Instant
from core.methods.apply import evaluate
from core.stack import Stack


def stack() -> Stack:
    y, x = np.mgrid[:64, :80]
    light = 20 + 15 * np.sin(y / 7) * np.cos(x / 9)
    return Stack.of(
        np.random.default_rng(5).poisson(light, (2, 64, 80)).astype(np.uint16), "TYX", name="waves"
    )


@pytest.fixture
def panel(qtbot: QtBot, session: Session, jobs: Jobs) -> Iterator[FilterPanel]:
    panel = FilterPanel(session, jobs)
    qtbot.addWidget(panel)
    panel.resize(320, 640)
    panel.show()
    qtbot.waitExposed(panel)
    yield panel
    panel.hide()
    qtbot.waitUntil(lambda: not jobs.running)


def test_preview_and_apply(qtbot: QtBot, session: Session, panel: FilterPanel) -> None:
    source = stack()
    session.open(source, {})
    panel.choose("instant")
    expected = evaluate(source, Instant())[0]

    def previewed(pixels: np.ndarray) -> bool:
        preview = session.snapshot.preview
        return (
            preview is not None
            and preview.label == "Instant (preview)"
            and preview.pixels.shape == pixels.shape
            and np.allclose(preview.pixels, pixels, atol=1e-2)
        )

    qtbot.waitUntil(lambda: previewed(expected[0]), timeout=20_000)
    box = panel.findChild(QDoubleSpinBox, "instant-strength")
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "0.5")
    qtbot.waitUntil(lambda: previewed((expected[0] + source.plane(T=0)) / 2), timeout=20_000)
    qtbot.mouseClick(panel.findChild(QPushButton, "filter-apply"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=20_000)
    made = session.snapshot.results[1]
    assert made.step is not None
    assert made.step.params == {"strength": 0.5, "averaging": "none", "noise": "auto"}
    np.testing.assert_allclose(made.stack.read(), (expected + source.read()) / 2, atol=1e-2)


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "waves.tif", tmp_path / "quiet.tif"
    tifffile.imwrite(source, stack().read(), imagej=True, metadata={"axes": "TYX"})
    words = [
        "denoise",
        str(source),
        "-o",
        str(target),
        "--method",
        "instant",
        "--dtype",
        "float32",
        "--quiet",
    ]
    assert main([*words, "--strength", "0.8"]) == 0
    assert json.loads(capsys.readouterr().out)["pixels"] == 2 * 64 * 80
    expected = evaluate(stack(), Instant(strength=0.8))[0]
    np.testing.assert_allclose(tifffile.imread(target), expected, atol=1e-2)
    assert expected.std() < 0.95 * stack().read().std()
