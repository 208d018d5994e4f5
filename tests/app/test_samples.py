"""Mean, deviation and single samples of a generative network, browsed below the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.panels.training.run import Kept
from core.learning.methods import DivNoising
from core.methods.apply import evaluate
from core.stack import Stack
from tests.core.learning_data import trained
from tests.driver import Driver

SHORT = {
    "steps": 2, "seconds": 0.0, "epoch": 2, "patch": 64, "batch": 2, "validation_patches": 2, "warmup": 0,
    "width": 8, "samples": 6, "shown": 2, "depth": 2,
}  # fmt: skip


@pytest.fixture
def applied(driver: Driver) -> Driver:
    rng = np.random.default_rng(0)
    stack = Stack.of(rng.poisson(60, (2, 96, 96)).astype(np.uint16), "TYX", name="cells")
    model = trained(stack, DivNoising(**SHORT))[0]
    window = driver.window
    window.session.open(stack, {0: (0.0, 200.0)})
    box = window.training_panel.network
    box.show_kept([Kept(step=2, model=model)])
    box.apply_now()
    driver.wait(lambda: len(window.session.snapshot.results) == 5)
    return driver


def preview(driver: Driver):
    return driver.window.session.snapshot.preview


def shown(driver: Driver) -> str:
    return driver.window.session.snapshot.result.step.output


def browse(driver: Driver, number: int) -> None:
    driver.wait(
        lambda: (
            preview(driver) is not None
            and not preview(driver).unfinished
            and preview(driver).label.endswith(f"sample {number} of 6")
        )
    )


def test_mean_deviation_and_samples_are_browsed_below_the_image(applied):
    slider = applied.widget("samples-slider")
    labels = [result.label for result in applied.window.session.snapshot.results[1:]]
    assert labels[0] == "DivNoising"
    assert labels[2:] == ["DivNoising, sample 1", "DivNoising, sample 2"]
    assert slider.isVisible()
    assert (slider.minimum(), slider.maximum(), slider.value()) == (0, 6, 0)
    assert applied.widget("samples-mean").isChecked()
    applied.click("samples-deviation")
    assert shown(applied) == "deviation"
    assert applied.widget("samples-deviation").isChecked()
    applied.key(Qt.Key.Key_Right, "samples-slider")
    browse(applied, 1)
    assert applied.widget("samples-words").text() == "sample 1 of 6"
    assert not applied.widget("samples-deviation").isChecked()
    applied.key(Qt.Key.Key_End, "samples-slider")
    browse(applied, 6)
    applied.click("samples-mean")
    assert shown(applied) == "denoised"
    assert preview(applied) is None
    assert slider.value() == 0


def test_samples_are_those_that_are_exported_and_follow_the_plane(applied):
    session = applied.window.session
    results = {result.step.output: result for result in session.snapshot.results[1:]}
    for number in (1, 2):
        applied.widget("samples-slider").setValue(number)
        browse(applied, number)
        same = results[f"sample {number}"].stack.read(preview(applied).region)[0]
        np.testing.assert_allclose(preview(applied).pixels, same, rtol=1e-3)
    session.move(T=1)
    browse(applied, 2)
    assert preview(applied).region[0] == slice(1, 2)
    np.testing.assert_allclose(
        preview(applied).pixels, results["sample 2"].stack.read(preview(applied).region)[0], rtol=1e-3
    )
    (model,) = session.snapshot.models.values()
    prediction = replace(model.prediction("cpu"), samples=6, shown=6)
    whole = evaluate(session.snapshot.source.stack, prediction)
    applied.widget("samples-slider").setValue(5)
    browse(applied, 5)
    np.testing.assert_allclose(preview(applied).pixels, whole[2 + 4][preview(applied).region][0], rtol=1e-3)


def test_the_strip_is_there_for_such_results_alone(applied):
    session = applied.window.session
    applied.widget("samples-slider").setValue(3)
    browse(applied, 3)
    session.show(session.snapshot.source.key)
    assert not applied.widget("samples").isVisible()
    assert preview(applied) is None
    session.show(session.snapshot.results[1].key)
    assert applied.widget("samples").isVisible()
    assert applied.widget("samples-slider").value() == 0
    applied.trigger("undo")
    assert not applied.widget("samples").isVisible()
    applied.wait()
