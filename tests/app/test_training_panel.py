"""The training panel: a tiny network is trained, paused, stopped, cancelled, kept and applied."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QSlider
from pytestqt.qtbot import QtBot
from scipy.ndimage import gaussian_filter

from app.panels.metrics.references import frames_in
from app.panels.training import TrainingPanel
from app.panels.training.loss_plot import ticks
from app.panels.training.run import TrainingRun
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.view_state import View
from core.checkpoint import load_model
from core.files import open_stack, save_stack
from core.findings import kinds
from core.methods.apply import apply, evaluate
from core.methods.outputs import DECONVOLVED, DENOISED
from core.params import Value
from core.simulation import sample
from core.stack import Stack
from core.work.networks import Networks
from tests.core.learning_data import small, spoilt

TINY: dict[str, Value] = {
    "width": 4, "depth": 2, "patch": 16, "batch": 2, "epoch": 5, "validation_patches": 2, "seconds": 0.0,
    "precision": "float32",
}  # fmt: skip
WAIT = 60_000


@pytest.fixture(scope="module")
def stack() -> Stack:
    return sample(frames=3, shape=(48, 64)).noisy


@pytest.fixture
def panel(qtbot: QtBot, session: Session, jobs: Jobs) -> Iterator[TrainingPanel]:
    panel = TrainingPanel(session, jobs, picture_every=0.2)
    qtbot.addWidget(panel)
    panel.resize(320, 900)
    panel.show()
    qtbot.waitExposed(panel)
    qtbot.waitUntil(lambda: panel.settings.processor.count() > 1, timeout=WAIT)
    yield panel
    panel.hide()


def choose(panel: TrainingPanel, method: str, **values: Value) -> None:
    box = panel.findChild(QComboBox, "training-method")
    box.setCurrentIndex(box.findData(method))
    panel.settings.form.set_values({**TINY, **values})
    panel.settings.form.changed.emit()


def click(qtbot: QtBot, panel: TrainingPanel, name: str) -> None:
    button = panel.findChild(QPushButton, name)
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def idle(jobs: Jobs) -> bool:
    return not jobs.running


def sentence(panel: TrainingPanel) -> str:
    return panel.problem.text() if panel.problem.isVisible() else ""


def step_of(panel: TrainingPanel) -> int:
    return panel.run.report.step if panel.run and panel.run.report else 0


def test_nothing_to_train_on_is_said(panel: TrainingPanel) -> None:
    for name in ("training-start", "training-pause", "training-stop", "training-cancel", "network-apply"):
        button = panel.findChild(QPushButton, name)
        assert not button.isEnabled()
        assert button.toolTip()
    assert "No stack is open" in panel.controls.start.toolTip()


def test_presets_fill_the_form_and_keep_the_psf(qtbot: QtBot, panel: TrainingPanel) -> None:
    choose(panel, "deconoising", sigma=1.7)
    box = panel.findChild(QComboBox, "training-preset")
    box.setCurrentIndex(box.findData("deconoising-2020"))
    method = panel.settings.method()
    name, cls = "deconoising-2020", type(method)
    assert all(panel.settings.form.values()[k] == v for k, v in cls.preset_values(name).items())
    assert panel.settings.form.values()["sigma"] == 1.7
    assert panel.findChild(QLabel, "training-preset-help").text() == cls.presets[name].help
    panel.settings.form.set_values({"width": 32})
    panel.settings.form.changed.emit()
    assert panel.findChild(QLabel, "training-preset-help").text().endswith("(Changed below.)")


def test_what_can_never_end_cannot_be_started(
    qtbot: QtBot, session: Session, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=0)
    assert "never end" in sentence(panel)
    assert not panel.controls.start.isEnabled()
    assert "never end" in panel.controls.start.toolTip()


def test_training_to_the_end_adds_what_the_network_makes_of_the_stack(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack, tmp_path: Path
) -> None:
    session.open(stack, {})
    choose(panel, "deconoising", steps=30, sigma=1.0)
    click(qtbot, panel, "training-start")
    assert not panel.settings.isVisible()
    assert "PSF sigma 1 px" in panel.summary.text()
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 3, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))
    raw, denoised, deconvolved = session.snapshot.results
    assert [denoised.label, deconvolved.label] == ["DecoNoising", "DecoNoising, deconvolved"]
    assert denoised.parent == deconvolved.parent == raw.key
    assert session.snapshot.result is denoised
    assert session.snapshot.preview is None
    step = denoised.step
    assert step is not None
    assert step.model is not None
    assert step.params["steps"] == 30
    model = session.snapshot.models[step.model.sha256]
    expected = apply(stack, model.prediction())
    np.testing.assert_array_equal(denoised.stack.read(), expected[0].read())
    np.testing.assert_array_equal(deconvolved.stack.read(), expected[1].read())
    assert denoised.seconds > model.record.seconds > 0
    assert model.record.steps == 30
    # the file that Save writes is the one the recipe names, and the recipe runs again from it
    panel.network.ask_save = lambda suggested: str(tmp_path / Path(suggested).name)
    click(qtbot, panel, "network-save")
    qtbot.waitUntil(lambda: idle(jobs) and any(tmp_path.iterdir()))
    saved = next(tmp_path.iterdir())
    assert saved.name == step.model.file == "Sample_simulated_deconoising.quietfield"
    again = step.method_for(Networks(folders=(tmp_path,)).prediction)
    np.testing.assert_array_equal(apply(stack, again)[0].read(), denoised.stack.read())


def test_a_newcomers_start_trains_the_network_of_instant(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel
) -> None:
    """Only the number of steps is set; the program decides about neighbours, and reports it."""
    still = sample(frames=4, shape=(96, 96)).noisy
    session.open(still, {})
    assert panel.findChild(QComboBox, "training-method").currentText() == "Quietfield"
    panel.settings.form.set_values({"steps": 2, "batch": 1, "patch": 64, "validation_patches": 2})
    panel.settings.form.changed.emit()
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2 and idle(jobs), timeout=WAIT)
    denoised = session.snapshot.results[1]
    assert denoised.label == "Quietfield"
    assert denoised.step is not None
    assert denoised.step.model is not None
    assert frames_in(session.snapshot, denoised.key) == math.inf  # five, of the four there are
    model = session.snapshot.models[denoised.step.model.sha256]
    assert model.record.steps == 2
    assert kinds.NEIGHBOURS_HELP in {finding.kind for finding in model.record.findings}
    np.testing.assert_array_equal(denoised.stack.read(), apply(still, model.prediction())[0].read())
    before, after = (one.read().astype(float).std(axis=0).mean() for one in (still, denoised.stack))
    assert after < 0.3 * before  # of four shots of one scene


def test_the_plot_and_the_words_follow_the_reports(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=40)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    run = panel.run
    assert run is not None
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert len(run.validations) >= 8
    steps, losses = panel.plot.curves.validation.getOriginalDataset()
    np.testing.assert_allclose(steps, [s for s, _ in run.validations])
    np.testing.assert_allclose(losses, [v for _, v in run.validations])
    assert steps[-1] == 40
    assert panel.plot.curves.training.getOriginalDataset()[0][-1] == 40
    assert len(session.snapshot.results) == 1, "applying by itself was switched off"
    click(qtbot, panel, "network-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
    assert session.snapshot.results[1].label == "Noise2Void"
    qtbot.waitUntil(lambda: idle(jobs))


def test_pause_stands_still_resume_goes_on_stop_keeps(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=1_000_000)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: step_of(panel) > 5, timeout=WAIT)
    click(qtbot, panel, "training-pause")
    assert panel.controls.pause.text() == "Res&ume"
    qtbot.wait(400)
    stood = step_of(panel)
    qtbot.wait(400)
    assert step_of(panel) == stood
    assert "paused" in panel.controls.facts.text()
    click(qtbot, panel, "training-pause")
    qtbot.waitUntil(lambda: step_of(panel) > stood, timeout=WAIT)
    click(qtbot, panel, "training-stop")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
    step = session.snapshot.results[1].step
    assert step is not None
    assert step.model is not None
    assert session.snapshot.models[step.model.sha256].record.steps >= stood
    qtbot.waitUntil(lambda: idle(jobs))
    assert panel.controls.start.isEnabled()


def test_stop_while_paused_keeps_too(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=1_000_000)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: step_of(panel) > 0, timeout=WAIT)
    click(qtbot, panel, "training-pause")
    click(qtbot, panel, "training-stop")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))


def test_cancel_changes_nothing(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    before = session.snapshot.results
    choose(panel, "n2v", steps=1_000_000)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: step_of(panel) > 0, timeout=WAIT)
    click(qtbot, panel, "training-pause")
    click(qtbot, panel, "training-cancel")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert session.snapshot.results == before
    assert session.snapshot.preview is None
    assert panel.network.current is None
    assert panel.controls.start.isEnabled()
    assert "nothing was changed" in panel.controls.facts.text()


@pytest.mark.parametrize(
    ("button", "words"), [("training-stop", "stopped before its first step"), ("training-cancel", "")]
)
def test_what_comes_before_training_can_be_stopped(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, button: str, words: str
) -> None:
    session.open(sample(frames=8, shape=(128, 128)).noisy, {})
    box = panel.findChild(QComboBox, "training-method")
    box.setCurrentIndex(box.findData("quietfield"))
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: any("hidden pixels" in job.text for job in jobs.running), timeout=WAIT)
    click(qtbot, panel, button)
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert words in sentence(panel)
    assert panel.network.current is None


def test_a_stack_that_cannot_be_trained_on_is_a_sentence(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel
) -> None:
    session.open(Stack.of(np.ones((2, 8, 8), np.float32), "TYX", name="small.tif"), {})
    choose(panel, "n2v", steps=10)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert "small.tif" in sentence(panel)
    assert len(session.snapshot.results) == 1
    assert panel.controls.start.isEnabled()


def test_a_stack_that_teaches_nothing_is_denoised_by_the_network_as_it_is(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})  # 48 rows, and the network of Instant needs 64
    box = panel.findChild(QComboBox, "training-method")
    box.setCurrentIndex(box.findData("quietfield"))
    panel.settings.form.changed.emit()
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))
    step = session.snapshot.results[1].step
    assert step is not None
    assert step.model is not None
    model = session.snapshot.models[step.model.sha256]
    assert model.record.steps == 0
    assert [finding.kind for finding in model.record.findings] == [kinds.PLANES_TOO_SMALL]
    assert panel.network.findings.words.text() == model.record.note
    assert "needs at least 64 x 64" in model.record.note


def test_what_a_network_was_trained_with_is_found_and_proposes_another_method(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel
) -> None:
    rng = np.random.default_rng(0)
    noise = gaussian_filter(rng.normal(size=(4, 96, 96)), (0, 0.5, 0.5))
    light = gaussian_filter(rng.normal(size=(96, 96)), 8)
    pixels = 500 + 100 * light / light.std() + 20 * noise / noise.std()
    session.open(Stack.of(pixels.astype(np.float32), "TYX"), {})
    choose(panel, "n2v", steps=2)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: panel.network.current is not None and idle(jobs), timeout=WAIT)
    assert "noise of neighbouring pixels is correlated" in panel.network.findings.words.text()
    click(qtbot, panel, "network-noise-correlated")
    assert panel.settings.method_class.name == "structn2v"


def test_curves_of_a_training_that_starts_over_never_run_backwards(
    qtbot: QtBot, jobs: Jobs, stack: Stack
) -> None:
    run = TrainingRun(stack, small(spoilt(23), steps=40), "cpu", lambda side: None, report_every=0.0)
    jobs.start("Training", run)
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert run.report is not None
    assert kinds.TRAINING_BROKE_DOWN in {finding.kind for finding in run.report.findings}
    assert [point[0] for point in run.losses] == list(range(1, 41))


def test_a_defect_leaves_the_panel_usable(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from core.learning.trainer import Trainer

    def broken(self: Trainer) -> None:
        raise RuntimeError("a defect")

    session.open(stack, {})
    choose(panel, "n2v", steps=1_000_000)
    monkeypatch.setattr(Trainer, "_train_step", broken)
    with qtbot.waitSignal(jobs.failed, timeout=WAIT) as failed:
        click(qtbot, panel, "training-start")
    assert "RuntimeError: a defect" in failed.args[1].report
    assert "Training failed (RuntimeError: a defect). Nothing was changed." in sentence(panel)
    assert panel.controls.start.isEnabled()


def test_the_canvas_shows_the_network_while_it_learns(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    session.set_view(View(0, 40, 8, 64))
    choose(panel, "deconoising", steps=1_000_000)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: session.snapshot.preview is not None, timeout=WAIT)
    preview = session.snapshot.preview
    assert preview is not None
    assert preview.region == stack.region(T=0, Y=slice(0, 40), X=slice(8, 64))
    assert [output for output, _ in preview.outputs] == [DENOISED, DECONVOLVED]
    assert {pixels.shape for _, pixels in preview.outputs} == {(40, 56)}
    session.move(T=2)
    assert session.snapshot.preview is None
    qtbot.waitUntil(lambda: session.snapshot.preview is not None, timeout=WAIT)
    moved = session.snapshot.preview
    assert moved is not None
    assert moved.region[0] == slice(2, 3)
    # paused, it shows another plane all the same, and then what it shows can be told exactly
    click(qtbot, panel, "training-pause")
    session.move(T=1)
    qtbot.waitUntil(lambda: session.snapshot.preview is not None, timeout=WAIT)
    panel.controls.shows.setCurrentIndex(1)
    shown = session.snapshot.preview
    assert shown is not None
    assert shown.label.endswith("deconvolved")
    run = panel.run
    assert run is not None
    panel.controls.preview.setChecked(False)
    assert session.snapshot.preview is None
    click(qtbot, panel, "training-stop")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 3, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))


def test_a_hidden_panel_leaves_the_canvas_alone(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=1_000_000)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: session.snapshot.preview is not None, timeout=WAIT)
    panel.hide()
    assert session.snapshot.preview is None
    qtbot.wait(600)
    assert session.snapshot.preview is None
    panel.show()
    qtbot.waitUntil(lambda: session.snapshot.preview is not None, timeout=WAIT)
    click(qtbot, panel, "training-cancel")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)


def test_checkpoints_can_be_looked_at_applied_and_loaded_again(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack, tmp_path: Path
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=100)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    slider = panel.findChild(QSlider, "network-checkpoint")
    assert slider.maximum() >= 2
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    first = panel.network.current
    assert first is not None
    assert first.step < 100
    assert panel.findChild(QLabel, "network-step").text() == f"step {first.step}"
    qtbot.waitUntil(lambda: session.snapshot.preview is not None, timeout=WAIT)
    preview = session.snapshot.preview
    assert preview is not None
    expected = evaluate(stack, first.model.prediction(), preview.region)[0][0]
    np.testing.assert_array_equal(preview.pixels, expected)
    click(qtbot, panel, "network-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))
    np.testing.assert_array_equal(
        session.snapshot.results[1].stack.read(), apply(stack, first.model.prediction())[0].read()
    )
    path = tmp_path / "first.quietfield"
    panel.network.ask_save = lambda _: str(path)
    click(qtbot, panel, "network-save")
    qtbot.waitUntil(lambda: idle(jobs) and path.exists())
    assert load_model(path).record.steps == first.step
    choose(panel, "deconoising")
    panel.network.ask_open = lambda: str(path)
    click(qtbot, panel, "network-load")
    qtbot.waitUntil(lambda: idle(jobs))
    qtbot.waitUntil(lambda: panel.settings.kind.currentData() == "n2v")
    assert panel.settings.method() == first.model.method
    click(qtbot, panel, "network-apply")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 3, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))
    np.testing.assert_array_equal(
        session.snapshot.results[2].stack.read(), session.snapshot.results[1].stack.read()
    )


def test_a_file_that_is_no_network_is_a_sentence(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, tmp_path: Path
) -> None:
    path = tmp_path / "letter.quietfield"
    path.write_text("Dear Sir or Madam")
    panel.network.ask_open = lambda: str(path)
    click(qtbot, panel, "network-load")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert "letter.quietfield" in sentence(panel)


def test_only_the_visible_region_is_trained_on(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    session.set_view(View(0, 32, 16, 56))
    choose(panel, "n2v", steps=5)
    panel.settings.region.setCurrentIndex(1)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))
    (model,) = session.snapshot.models.values()
    assert model.record.source["shape"] == [3, 32, 40]
    assert session.snapshot.results[1].stack.shape == stack.shape


def test_another_stack_opened_meanwhile_keeps_the_network_only(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=1_000_000)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: step_of(panel) > 0, timeout=WAIT)
    session.open(stack.replace(name="another"), {})
    click(qtbot, panel, "training-stop")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert len(session.snapshot.results) == 1
    assert "The network trained on it is kept" in sentence(panel)
    assert panel.network.apply.isEnabled()


def test_the_ticks_of_a_logarithmic_axis_are_round_numbers() -> None:
    def words(low: float, high: float) -> list[str]:
        found = ticks(np.log10(low), np.log10(high))
        np.testing.assert_allclose([10**place for place, _ in found], [float(text) for _, text in found])
        return [text for _, text in found]

    assert words(0.4, 0.62) == ["0.4", "0.5", "0.6"]
    assert words(0.05, 3) == ["0.05", "0.1", "0.2", "0.5", "1", "2"]
    assert words(1e-4, 10.1) == ["0.0001", "0.001", "0.01", "0.1", "1", "10"]
    assert ticks(0.0, 0.0) == ticks(float("nan"), 1.0) == []


def why(panel: TrainingPanel, name: str) -> str:
    button = panel.findChild(QPushButton, name)
    return "" if button.isEnabled() else button.toolTip()


def last(panel: TrainingPanel) -> int:
    return panel.network.kept[-1].model.record.steps


def test_a_stopped_network_is_trained_further(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    assert "No network" in why(panel, "network-continue")
    choose(panel, "n2v", steps=1_000_000)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: step_of(panel) > 10, timeout=WAIT)
    assert "in training" in why(panel, "network-continue")
    click(qtbot, panel, "training-stop")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    stopped = last(panel)
    curve = panel.network.kept[-1].model.record.curve
    choose(panel, "n2v", steps=stopped + 20)
    click(qtbot, panel, "network-continue")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert last(panel) == stopped + 20
    assert panel.network.kept[-1].model.record.curve[: len(curve)] == curve, "one training, not a second one"
    assert panel.plot.curves.validation.getOriginalDataset()[0][0] == curve[0][0]
    assert [k.step for k in panel.network.kept] == sorted({k.step for k in panel.network.kept})
    assert stopped in [k.step for k in panel.network.kept]


def test_a_limit_that_was_reached_is_raised_to_go_on(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=20)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    for steps in (40, 60):
        if steps == 60:
            panel.settings.form.set_values({"steps": 20})
        click(qtbot, panel, "network-continue")
        qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
        assert last(panel) == steps
        assert panel.settings.form.values()["steps"] == steps


def test_another_kind_of_network_cannot_be_trained_further(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "deconoising", steps=10, sigma=1.2)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert not why(panel, "network-continue")
    choose(panel, "deconoising", sigma=1.3)
    assert "DecoNoising (width 4, depth 2, PSF 1.2 px)" in why(panel, "network-continue")
    choose(panel, "n2v")
    assert "another kind" in why(panel, "network-continue")
    choose(panel, "deconoising", sigma=1.2, positivity=1.0, steps=11)
    assert not why(panel, "network-continue"), "the penalty may change"
    slider = panel.findChild(QSlider, "network-checkpoint")
    slider.setValue(0)
    assert "Only the last checkpoint" in why(panel, "network-continue")


def test_a_loaded_network_goes_on_and_a_cancelled_training_gives_the_network_back(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack, tmp_path: Path
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=15)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    path = tmp_path / "kept.quietfield"
    panel.network.ask_save, panel.network.ask_open = lambda _: str(path), lambda: str(path)
    click(qtbot, panel, "network-save")
    qtbot.waitUntil(lambda: idle(jobs) and path.exists())
    click(qtbot, panel, "network-load")
    qtbot.waitUntil(lambda: idle(jobs) and len(panel.network.kept) == 1)
    panel.settings.form.set_values({"steps": 25})
    click(qtbot, panel, "network-continue")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert last(panel) == 25
    panel.settings.form.set_values({"steps": 1_000_000})
    click(qtbot, panel, "network-continue")
    qtbot.waitUntil(lambda: step_of(panel) > 25, timeout=WAIT)
    click(qtbot, panel, "training-cancel")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    assert last(panel) == 25, "what was there before is there again"
    assert panel.plot.isVisible()


def test_a_network_is_applied_to_another_stack_and_pixels_it_never_saw_are_pointed_out(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack
) -> None:
    session.open(stack, {})
    choose(panel, "n2v", steps=10)
    panel.network.automatic.setChecked(False)
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: idle(jobs), timeout=WAIT)
    model = panel.network.kept[-1].model
    for scale, warned in ((1, False), (40, True)):
        pixels = stack.read()[:2].astype(np.float32) * scale
        other = Stack.of(pixels, "TYX", name="other.tif")
        session.open(other, {})
        click(qtbot, panel, "network-apply")
        qtbot.waitUntil(lambda: len(session.snapshot.results) == 2, timeout=WAIT)
        qtbot.waitUntil(lambda: idle(jobs))
        (expected,) = apply(other, model.prediction())
        np.testing.assert_array_equal(session.snapshot.results[1].stack.read(), expected.read())
        assert ("other.tif has" in sentence(panel)) == warned


def test_the_copied_commands_train_and_apply_the_same_network(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: TrainingPanel, stack: Stack, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from app.cli.main import main

    path = tmp_path / "two words.tif"
    save_stack(path, stack)
    opened = open_stack(path)
    assert "No stack is open" in why(panel, "training-copy-command")
    session.open(opened, {})
    choose(panel, "deconoising", steps=12, sigma=1.25, positivity=0.5, estimate_offset=False, offset=90.0)
    panel.settings.processor.setCurrentIndex(panel.settings.processor.findData("cpu"))
    click(qtbot, panel, "training-copy-command")
    copied = QGuiApplication.clipboard().text()
    assert "on the clipboard" in panel.controls.facts.text()
    train, apply_ = (shlex.split(part) for part in copied.split("&&"))
    assert train[:2] == ["quietfield", "train"]
    assert apply_[:2] == ["quietfield", "apply"]
    assert "--patience" not in train, "what the preset says is not repeated"
    assert main([*train[1:], "-q"]) == 0
    assert main([*apply_[1:], "-q", "--dtype", "float32"]) == 0
    click(qtbot, panel, "training-start")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 3, timeout=WAIT)
    qtbot.waitUntil(lambda: idle(jobs))
    trained = load_model(tmp_path / "two words.quietfield")
    assert trained.method == panel.settings.method()
    made = open_stack(tmp_path / "two words_denoised.tif")
    np.testing.assert_array_equal(made.read(), session.snapshot.results[1].stack.read())


def test_neighbours_are_offered_along_axes_the_stack_has(panel: TrainingPanel, session: Session) -> None:
    pixels = np.random.default_rng(0).poisson(9, (3, 48, 64)).astype(np.uint16)

    def choose_kind(method: str) -> None:
        kinds = panel.findChild(QComboBox, "training-method")
        kinds.setCurrentIndex(kinds.findData(method))

    def offered(method: str) -> list[str]:
        choose_kind(method)
        box = panel.settings.form.findChild(QComboBox, f"{method}-neighbours")
        model = box.model()
        return [box.itemData(i) for i in range(box.count()) if model.item(i).isEnabled()]  # type: ignore[attr-defined]

    assert offered("n2v") == ["none", "Z", "T"]
    session.open(Stack.of(pixels, "TYX"), {})
    assert offered("n2v") == ["none", "T"]
    assert offered("quietfield") == ["auto", "none", "T", "mean"]
    session.open(Stack.of(pixels, "ZYX"), {})
    assert offered("quietfield") == ["auto", "none", "Z"]
    assert offered("care") == ["none", "Z"]
    tip = panel.settings.form.findChild(QComboBox, "care-neighbours").itemData(2, Qt.ItemDataRole.ToolTipRole)
    assert "time (T) needs at least two planes or frames" in tip

    start = panel.findChild(QPushButton, "training-start")
    assert start.isEnabled() or "clean stack" in start.toolTip()
    choose_kind("n2v")
    panel.settings.form.set_values({"neighbours": "Z"})
    session.open(Stack.of(pixels, "TYX"), {})
    assert not start.isEnabled()
    assert "along depth (Z) needs at least two planes" in start.toolTip()
