"""One remaining time of a training in panel and status bar, which includes the work between steps."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from app.panels.training.pace import Pace
from app.shell.durations import clock_left
from tests.app.test_main_window import make
from tests.app.test_training_panel import TINY
from tests.driver import Driver


def test_work_between_steps_lengthens_the_remaining_time() -> None:
    pace = Pace()
    assert pace.left(100.0, 0.0, 60.0) == 60.0
    # in 15 seconds, 10 were training: the remaining 50 take 75
    assert pace.left(115.0, 10.0, 50.0) == pytest.approx(75.0)


def test_pauses_do_not_count_and_a_network_that_goes_on_begins_anew() -> None:
    pace = Pace()
    pace.left(0.0, 300.0, 60.0)
    pace.rest(1000.0)
    assert pace.left(1010.0, 310.0, 50.0) == pytest.approx(50.0)


def test_unknown_stays_unknown() -> None:
    assert math.isnan(Pace().left(0.0, 0.0, math.nan))
    assert clock_left(math.nan) == ""
    assert clock_left(61.2) == "1:01 left"


def start(driver: Driver, folder: Path, **limits: float) -> None:
    """Open a stack and start a training with these limits."""
    driver.drop(make(folder / "cells.tif", shape=(4, 48, 48)))
    driver.trigger("show-train")
    driver.choose("training-method", "Noise2Void")
    driver.window.training_panel.settings.form.set_values(TINY | limits)
    driver.wait()
    driver.click("training-start")


def left_of(text: str) -> list[str]:
    return re.findall(r"\d+:\d\d left", text)


def test_panel_and_status_bar_tell_the_same_time(driver: Driver, tmp_path: Path) -> None:
    start(driver, tmp_path, steps=0, seconds=300.0)
    controls = driver.window.training_panel.controls
    driver.qtbot.waitUntil(lambda: bool(left_of(controls.facts.text())), timeout=60_000)
    for _ in range(20):
        driver.qtbot.wait(50)
        # both change with the same report, in one turn of the event loop or the next
        driver.qtbot.waitUntil(lambda: left_of(controls.facts.text()) == [driver.widget("job-left").text()])
    assert re.fullmatch(r"0:\d\d of 5:00, step \d+", controls.bar.format())
    driver.click("training-pause")
    driver.qtbot.waitUntil(lambda: driver.widget("job-left").text() == "")
    assert not left_of(controls.facts.text())
    driver.click("training-cancel")
    driver.wait()


def test_a_limit_of_steps_is_told_in_steps(driver: Driver, tmp_path: Path) -> None:
    start(driver, tmp_path, steps=100_000, seconds=0.0)
    bar = driver.window.training_panel.controls.bar
    driver.qtbot.waitUntil(lambda: "step" in bar.format(), timeout=60_000)
    assert re.fullmatch(r"step \d+ of 100000", bar.format())
    driver.click("training-cancel")
    driver.wait()
