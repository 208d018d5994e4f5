"""The metrics table without a reference: estimated errors with intervals, and their ranking."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.panels.metrics.table import BEST
from core.simulation import sample
from core.stack import Stack
from tests.driver import Driver

MADE = sample(frames=2, shape=(160, 192))


@pytest.fixture
def opened(driver: Driver, tmp_path: Path) -> Driver:
    """The window with a noisy stack, in which nothing is previewed."""
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, MADE.noisy.read(), imagej=True, metadata={"axes": "TYX"})
    driver.window.filter_panel.preview.setChecked(False)
    driver.drop(path)
    driver.method("gaussian")
    return driver


def blur(driver: Driver, sigma: float) -> int:
    """Apply a Gaussian blur, and return the key of its result."""
    driver.set("gaussian-sigma", sigma)
    driver.click("filter-apply")
    driver.wait()
    return driver.window.session.snapshot.shown


def column(driver: Driver, heading: str) -> int:
    table = driver.widget("metrics-table")
    names = [table.horizontalHeaderItem(n).text().replace("\n", " ") for n in range(table.columnCount())]
    return names.index(heading)


def texts(driver: Driver, heading: str) -> dict[int, str]:
    """Texts of a column by the keys of the results, from the top."""
    table = driver.widget("metrics-table")
    place = column(driver, heading)
    return {key: table.item(row, place).text() for row, key in enumerate(table.order())}


def number(text: str) -> float:
    return float(text.lstrip("★☆⚠> ").split()[0])


def click_heading(driver: Driver, heading: str) -> None:
    header = driver.widget("metrics-table").horizontalHeader()
    place = column(driver, heading)
    where = QPoint(header.sectionViewportPosition(place) + header.sectionSize(place) // 2, 8)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=where)


def test_errors_are_estimated_and_rank_results_as_the_truth_does(opened: Driver) -> None:
    keys = {sigma: blur(opened, sigma) for sigma in (0.5, 1.0, 8.0)}
    raw = opened.window.session.snapshot.results[0].key
    table = opened.widget("metrics-table")
    names = [table.horizontalHeaderItem(n).text().replace("\n", " ") for n in range(table.columnCount())]
    assert names == ["Result", "Frames in", "PSNR (estimated)", "MSE (estimated)", "Time (s)"]
    found = texts(opened, "PSNR (estimated)")
    assert found[keys[1.0]].startswith(BEST), "mean over standard deviation would prefer the widest blur"
    assert [key for key, text in found.items() if BEST in text] == [keys[1.0]]
    clean = MADE.clean.read()
    shown = {r.key: r for r in opened.window.session.snapshot.results}
    mse = texts(opened, "MSE (estimated)")
    for key in (raw, *keys.values()):
        truth = float(np.mean((shown[key].stack.read()[0] - clean) ** 2))
        assert number(mse[key]) == pytest.approx(truth, rel=0.3)
    assert "on frame 1." in opened.window.metrics_panel.about.text()
    opened.shot("metrics-estimated")


def test_the_first_click_on_a_heading_sorts_the_best_on_top(opened: Driver) -> None:
    blur(opened, 8.0)
    fitting = blur(opened, 1.0)
    for heading in ("PSNR (estimated)", "MSE (estimated)"):
        click_heading(opened, heading)
        assert opened.widget("metrics-table").order()[0] == fitting, heading
    rising = opened.widget("metrics-table").order()
    click_heading(opened, "MSE (estimated)")
    assert opened.widget("metrics-table").order() == rising[::-1]
    click_heading(opened, "Time (s)")
    assert opened.widget("metrics-table").order()[-1] == opened.window.session.snapshot.results[0].key, (
        "the source took no time that could be the best"
    )


def test_steps_on_results_are_estimated_and_errors_are_not(opened: Driver) -> None:
    first = blur(opened, 0.7)
    opened.choose("filter-input", "shown result")
    second = blur(opened, 0.7)
    assert opened.window.session.snapshot.find(second).parent == first
    opened.choose("filter-input", "raw")
    alone = blur(opened, math.sqrt(2) * 0.7)  # two Gaussian blurs are one
    found = opened.window.metrics_panel.estimating.place.found
    assert found[second].share == pytest.approx(found[alone].share, rel=0.1)
    assert found[first].share > 1.3 * found[second].share
    opened.method("instant")
    opened.widget("instant-uncertainty").setFocus()
    opened.key(Qt.Key.Key_Space, "instant-uncertainty")
    opened.click("filter-apply")
    opened.wait(seconds=60)
    error = next(r for r in opened.window.session.snapshot.results if not r.is_image)
    place = column(opened, "PSNR (estimated)")
    table = opened.widget("metrics-table")
    cell = table.item(table.order().index(error.key), place)
    assert cell.text() == "–"
    assert "shows an error" in cell.toolTip()


def test_estimates_stay_with_their_plane_until_another_is_asked_for(opened: Driver) -> None:
    blur(opened, 1.0)
    assert not opened.widget("metrics-estimate").isEnabled()
    first = texts(opened, "MSE (estimated)")
    opened.key(Qt.Key.Key_Greater)
    opened.wait()
    assert opened.window.session.snapshot.position["T"] == 1
    assert texts(opened, "MSE (estimated)") == first
    opened.click("metrics-estimate")
    opened.wait()
    assert "on frame 2." in opened.window.metrics_panel.about.text()
    assert texts(opened, "MSE (estimated)") != first


def test_estimation_that_is_cancelled_says_so_and_goes_on_when_asked(opened: Driver) -> None:
    opened.click("filter-apply")
    panel = opened.window.metrics_panel
    opened.qtbot.waitUntil(lambda: panel.estimating.busy, timeout=30_000)
    opened.click("estimate-cancel")
    opened.wait()
    assert "was cancelled" in panel.about.text()
    assert "–" in texts(opened, "PSNR (estimated)").values()
    opened.click("metrics-estimate")
    opened.wait()
    assert "–" not in texts(opened, "PSNR (estimated)").values()


def test_doubts_mark_every_estimate(opened: Driver, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texture = rng.normal(0, 300, (128, 128)).cumsum(0).cumsum(1)  # fine structure, hardly any noise
    path = tmp_path / "texture.tif"
    tifffile.imwrite(
        path, (texture - texture.min()).astype(np.float32) * 0.01 + rng.normal(0, 1e-3, (128, 128))
    )
    opened.drop(path)
    blur(opened, 1.0)
    panel = opened.window.metrics_panel
    assert not panel.estimating.place.judge.valid
    assert "May be wrong" in panel.about.text()
    assert all("⚠" in text for text in texts(opened, "PSNR (estimated)").values())
    assert not any(BEST in text for text in texts(opened, "PSNR (estimated)").values())


def test_the_best_filter_is_shown_after_a_comparison(opened: Driver) -> None:
    opened.click("metrics-compare")
    opened.wait(lambda: len(opened.window.session.snapshot.results) > 4, seconds=60)
    snapshot = opened.window.session.snapshot
    clean = MADE.clean.read()
    errors = {r.key: float(np.mean((r.stack.read()[0] - clean) ** 2)) for r in snapshot.results[1:]}
    winner = min(errors, key=lambda key: errors[key])
    assert winner != snapshot.results[1].key, "the first filter is not the best here"
    assert snapshot.shown == winner


def test_the_exported_table_holds_estimates_with_their_intervals(opened: Driver, tmp_path: Path) -> None:
    key = blur(opened, 1.0)
    path = tmp_path / "table.csv"
    opened.window.metrics_panel.ask_save = lambda suggested: str(path)
    opened.click("metrics-export")
    opened.wait()
    row = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))[1]
    low, middle, high = (float(row[f"PSNR {name}"]) for name in ("from (dB)", "(estimated, dB)", "to (dB)"))
    assert low < middle < high
    judged = opened.window.metrics_panel.estimating.place.found[key]
    assert middle == pytest.approx(judged.psnr, rel=1e-6)
    assert float(row["MSE (estimated, counts²)"]) == pytest.approx(judged.mse, rel=1e-6)
    assert row["Measured on"] == "frame 1"
    assert row["Reference"] == "none"
    assert math.isfinite(judged.share)


def test_chains_compute_what_their_steps_compute() -> None:
    from core.catalogue import create
    from core.methods.apply import apply, evaluate
    from core.work.chain import chain_of
    from core.work.recipe import Step

    pixels = np.random.default_rng(1).poisson(30, (6, 40, 50)).astype(np.uint16)
    stack = Stack.of(pixels, "TYX")
    methods = [
        create("median-3d", {"size": 3, "depth": 3}),
        create("gaussian-3d", {"sigma": 1.0, "depth": 1.0}),
    ]
    expected = stack
    for method in methods:
        (expected,) = apply(expected, method)
    region = stack.region(T=3, Y=slice(5, 30), X=slice(0, 50))
    (found,) = evaluate(stack, chain_of([Step.of(method) for method in methods]), region)
    np.testing.assert_allclose(found, expected.read(region), rtol=1e-6)
