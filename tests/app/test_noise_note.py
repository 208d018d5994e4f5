"""Messages about noise, on the command line and in the training panel."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.cli.main import main
from app.panels.training import TrainingPanel
from app.shell.jobs import Jobs
from app.shell.session import Session
from core.files import open_stack
from core.simulation import sample
from core.stack import Stack
from tests.data import DATA, needs_data

WIDEFIELD = DATA / "fmd" / "widefield_bpae_g_4frames_noisy.tif"
FIELDS = DATA / "w2s" / "noisy_ch0.tif"


@pytest.fixture
def panel(qtbot: QtBot, session: Session, jobs: Jobs) -> Iterator[TrainingPanel]:
    panel = TrainingPanel(session, jobs)
    qtbot.addWidget(panel)
    yield panel
    panel.hide()
    qtbot.waitUntil(lambda: not jobs.running, timeout=60_000)


def smeared(shape: tuple[int, ...]) -> Stack:
    """Frames in which neighbours in a column share half of their noise."""
    noise = 20 * np.random.default_rng(0).standard_normal(shape)
    counts = 400 + np.linspace(0, 200, shape[-1]) + (noise + np.roll(noise, 1, axis=-2)) / 2
    return Stack.of(counts.astype(np.float32), "TYX")


def settle(qtbot: QtBot, jobs: Jobs) -> None:
    qtbot.waitUntil(lambda: not jobs.running, timeout=60_000)


def test_correlated_noise_is_said_once_the_panel_is_shown(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel
) -> None:
    session.open(smeared((4, 128, 128)), {})
    assert not [job for job in jobs.running if job.channel == "noise"], "hidden, it measures nothing"
    panel.show()
    qtbot.waitUntil(panel.noise.isVisible, timeout=60_000)
    assert "correlated (0.5" in panel.noise.words.text()
    assert "along columns" in panel.noise.words.text()
    session.open(sample(frames=2, shape=(128, 128)).noisy, {})
    assert not panel.noise.isVisible(), "what was said of another stack is gone"
    settle(qtbot, jobs)
    assert not panel.noise.isVisible()


def test_a_stack_too_small_to_measure_is_no_failure(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel
) -> None:
    panel.show()
    with qtbot.assertNotEmitted(jobs.failed):
        session.open(smeared((2, 8, 64)), {})
        settle(qtbot, jobs)
    assert not panel.noise.words.text()


@needs_data
def test_real_stacks_in_the_panel(qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel) -> None:
    panel.show()
    session.open(open_stack(WIDEFIELD), {})
    qtbot.waitUntil(panel.noise.isVisible, timeout=60_000)
    assert "correlated (0.58 along rows)" in panel.noise.words.text()
    button = panel.noise.findChild(QPushButton, "training-noise-noise-correlated")
    assert button.isVisible()
    button.click()
    assert panel.settings.method_class.name == "structn2v"
    session.open(open_stack(FIELDS), {})
    settle(qtbot, jobs)
    assert not panel.noise.words.text()


def test_info_tells_the_noise_of_every_channel(tmp_path, capsys):
    frames = sample(frames=2, shape=(128, 160)).noisy.read()
    both = np.stack([frames, 2 * frames], 1)  # T, C, Y, X
    path = tmp_path / "two.tif"
    tifffile.imwrite(path, both, imagej=True, metadata={"axes": "TCYX"})
    assert main(["info", str(path), "--noise", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["noise"]
    assert first["gain"] == pytest.approx(4, rel=0.15)
    assert second["gain"] == pytest.approx(2 * first["gain"], rel=1e-3)
    assert first["method"] == "frames"
    assert first["reliable"]
    assert np.shape(first["autocorrelation"]) == (7, 7)
    assert main(["info", str(path), "--noise"]) == 0
    words = capsys.readouterr().out
    assert "noise of     channel 1" in words
    assert "counts per photon" in words
    assert main(["info", str(path), "--json"]) == 0
    assert "noise" not in json.loads(capsys.readouterr().out)


def test_numbers_that_are_not_known_are_null(tmp_path, capsys):
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, np.full((64, 64), 9, np.uint8))
    assert main(["info", str(path), "--noise", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["noise"]
    assert found["gain_error"] is None
    assert not found["reliable"]
    (problem,) = found["findings"]
    assert problem["code"] == "noise-too-few-pixels"
    assert problem["text"] == found["problem"]
    assert found["warning"] == ""


@needs_data
def test_info_on_real_stacks(capsys):
    assert main(["info", str(WIDEFIELD), "--noise"]) == 0
    assert "a blind-spot network keeps part of it" in capsys.readouterr().out
    assert main(["info", str(FIELDS), "--noise"]) == 0
    words = capsys.readouterr().out
    assert "blind-spot" not in words
    assert "× mean" in words
