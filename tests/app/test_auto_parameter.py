"""Auto beside a parameter of a filter, in the window and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt

from app.cli.main import main
from core import params
from core.catalogue import create
from core.methods.apply import apply
from core.simulation import sample
from core.work.recipe import Recipe
from tests.driver import Driver

MADE = sample(frames=1, shape=(160, 192))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, MADE.noisy.read().reshape(160, 192), imagej=True)
    return path


def test_auto_chooses_a_better_sigma_than_the_one_that_was_set(driver: Driver, path: Path) -> None:
    driver.window.filter_panel.preview.setChecked(False)
    driver.method("gaussian")
    assert "No stack is open" in driver.widget("gaussian-sigma-auto").toolTip()
    driver.drop(path)
    driver.set("gaussian-sigma", 6.0)
    driver.key(Qt.Key.Key_Space, "gaussian-sigma-auto")  # by keyboard
    assert not driver.widget("filter-apply").isEnabled()
    driver.wait()
    chosen = driver.widget("gaussian-sigma").value()
    words = driver.window.filter_panel.tuned.text()
    assert words.startswith(f"Sigma {chosen:g} px: estimated PSNR ")
    assert "better than sigma 6 px" in words
    clean = MADE.clean.read().reshape(160, 192)

    def error(sigma: float) -> float:
        made = apply(driver.window.session.snapshot.results[0].stack, create("gaussian", {"sigma": sigma}))
        return float(np.mean((made[0].read() - clean) ** 2))

    assert error(chosen) < 1.1 * min(error(sigma) for sigma in np.arange(0.2, 4, 0.2))
    driver.shot("auto")
    driver.click("filter-apply")
    driver.wait()
    assert driver.window.session.snapshot.result.step.params["sigma"] == chosen


def test_a_choice_that_is_cancelled_changes_nothing(driver: Driver, path: Path) -> None:
    driver.window.filter_panel.preview.setChecked(False)
    driver.drop(path)
    driver.method("median")
    driver.set("median-size", 9)
    driver.click("median-size-auto")
    driver.click("filter-cancel")
    driver.wait()
    assert driver.widget("median-size").value() == 9
    assert driver.widget("median-size-auto").isEnabled()


def test_a_choice_for_a_stack_that_is_no_longer_open_ends(driver: Driver, path: Path) -> None:
    driver.window.filter_panel.preview.setChecked(False)
    driver.drop(path)
    driver.method("median")
    driver.set("median-size", 9)
    driver.click("median-size-auto")
    (job,) = (job for job in driver.window.jobs.running if job.channel == "tuning")
    session = driver.window.session
    session.replace_source(session.snapshot.source.stack)
    assert job.context.cancelled
    driver.wait()
    assert driver.widget("median-size").value() == 9
    assert driver.widget("median-size-auto").isEnabled()


def test_a_region_that_is_too_small_is_a_sentence(driver: Driver, tmp_path: Path) -> None:
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, MADE.noisy.read().reshape(160, 192)[:40, :50], imagej=True)
    driver.window.filter_panel.preview.setChecked(False)
    driver.drop(small)
    driver.method("box")
    driver.click("box-size-auto")
    driver.wait()
    assert "64 x 64" in driver.window.filter_panel.tuned.text()


@pytest.mark.parametrize("words", [["--sigma", "auto"], ["--auto"]])
def test_the_command_line_writes_the_chosen_value_into_the_recipe(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    out = tmp_path / "out.tif"
    assert main(["denoise", str(path), "-o", str(out), "--method", "gaussian", *words]) == 0
    said = capsys.readouterr()
    assert "estimated PSNR" in said.err
    assert json.loads(said.out)["path"] == str(out)
    from core.files import read_recipe

    (step,) = Recipe.from_json(read_recipe(out)).steps
    sigma = step.params["sigma"]
    assert isinstance(sigma, float)
    assert 0.3 < sigma < 4.0
    assert f"sigma {sigma:g} px" in said.err


def test_auto_on_an_image_without_noise_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = tmp_path / "flat.tif"
    tifffile.imwrite(flat, np.full((128, 128), 7, np.uint8))
    out = tmp_path / "out.tif"
    assert main(["denoise", str(flat), "-o", str(out), "--method", "box", "--auto"]) == 1
    assert "No noise was found" in capsys.readouterr().err
    assert not out.exists()
    assert any(p.auto for p in params.describe(type(create("box", {}))))
