"""Noise is the same on the command line, in the training panel, for training and for Instant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot

from app.cli.main import main
from app.panels.training.noise_note import NoiseNote
from app.shell.jobs import Jobs
from app.shell.session import Session
from core.files import open_stack
from core.instant.denoiser import Denoiser
from core.instant.method import Instant
from core.learning.training_advice import levels
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.progress import Context
from tests.core.test_noise_survey import bleached
from tests.data import DATA, needs_data

RECORDED = sorted(
    path.relative_to(DATA).as_posix()
    for folder in ("fmd", "pairs16", "stacks", "w2s")
    for path in (DATA / folder).glob("*.tif")
)


def assert_equal(found: NoiseEstimate, expected: NoiseEstimate) -> None:
    assert found == expected
    np.testing.assert_array_equal(found.autocorrelation, expected.autocorrelation)


def check(path: Path, qtbot: QtBot, session: Session, jobs: Jobs, capsys: pytest.CaptureFixture[str]) -> None:
    """Measure a file in all ways, each of which opens it anew."""
    expected = Survey.of(open_stack(path)).noise().channels
    assert main(["info", str(path), "--noise", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["noise"]
    operation = Instant().bind(open_stack(path), Context())
    assert isinstance(operation, Denoiser)
    known = [noise for _, noise in levels(open_stack(path))]
    assert len(printed) == len(operation.noise.channels) == len(known) == len(expected)
    for number, one in enumerate(expected):
        for name in ("gain", "constant", "floor"):
            assert printed[number][name] == getattr(one.model, name)
        assert printed[number]["correlation_x"] == one.correlation_x
        assert_equal(operation.noise.channels[number], one)
        assert_equal(known[number], one)
    note = NoiseNote(session, jobs)
    qtbot.addWidget(note)
    session.open(open_stack(path), {})
    note.want(wanted=True)
    qtbot.waitUntil(lambda: not jobs.running, timeout=60_000)
    warning = expected[0].warning
    assert note.words.text().removeprefix("⚠ ") == ("" if warning is None else warning.text)


@needs_data
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_stacks(
    name: str, qtbot: QtBot, session: Session, jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    check(DATA / name, qtbot, session, jobs, capsys)


def test_a_bleached_stack(
    tmp_path: Path, qtbot: QtBot, session: Session, jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "bleached.tif", bleached(), imagej=True, metadata={"axes": "TYX"})
    check(tmp_path / "bleached.tif", qtbot, session, jobs, capsys)
