"""Questions before expensive results are lost."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from core.checkpoint import save_model
from core.learning.model import Model
from core.model_file import ModelFile
from core.work.recipe import Step
from tests.core.learning_data import small, trained
from tests.driver import Driver


def make(path: Path, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).poisson(200, (4, 24, 32)).astype(np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return path


@pytest.fixture
def opened(driver: Driver, tmp_path: Path) -> Driver:
    driver.drop(make(tmp_path / "cells.tif"))
    return driver


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    from core.files import open_stack

    return trained(open_stack(make(tmp_path_factory.mktemp("model") / "cells.tif")), small(steps=2))[0]


def add(driver: Driver, seconds: float, model: Model | None = None) -> int:
    """Add a result, of a network if one is given; return its key."""
    session = driver.window.session
    source = session.snapshot.source
    file = ModelFile(file="n.quietfield", sha256="ab")
    step = Step.of(model.method, file) if model else Step(method="gaussian", version=1, params={"sigma": 1.0})
    assert session.add(source.key, [step], [source.stack], seconds, model)
    return session.snapshot.shown


def name(driver: Driver) -> str:
    return driver.window.session.snapshot.source.stack.meta.name


def test_quick_results_are_closed_without_a_question(opened, tmp_path):
    add(opened, 59.0)
    opened.drop(make(tmp_path / "other.tif", 1))
    assert name(opened) == "other.tif"
    add(opened, 3.0)
    assert opened.window.close()
    assert opened.answers.asked == []


def test_a_long_result_is_asked_about_once_and_cancel_keeps_it(opened, tmp_path):
    add(opened, 61.0)
    other = make(tmp_path / "other.tif", 1)
    opened.answers.lose = "cancel"
    opened.drop(other)
    opened.qtbot.waitUntil(lambda: len(opened.answers.asked) == 1)
    assert opened.answers.asked == [["cells.tif", "Gaussian blur: took 1 min 1 s", "open"]]
    assert not opened.window.jobs.running
    assert name(opened) == "cells.tif"
    assert not opened.window.close()
    assert opened.answers.asked[1][-1] == "close"
    opened.answers.lose = "discard"
    opened.drop(other)
    opened.wait(lambda: name(opened) == "other.tif")
    assert opened.window.close()
    assert len(opened.answers.asked) == 3


def test_the_axes_are_not_changed_under_a_long_result_without_a_question(opened):
    add(opened, 61.0)
    opened.answers.lose = "cancel"
    opened.trigger("axis-Z")
    opened.qtbot.waitUntil(lambda: len(opened.answers.asked) == 1)
    assert opened.window.session.snapshot.source.stack.axes == "TYX"


def test_export_opens_its_dialog_and_afterwards_nothing_is_asked(opened, model):
    key = add(opened, 1.0, model)
    opened.answers.lose = "export"
    assert not opened.window.close()
    assert opened.window.isVisible()
    words = opened.answers.asked[0]
    assert words[1].startswith("Noise2Void: its network was trained for ")
    assert opened.widget("export-result").currentData() == key
    opened.click("export-accept")
    opened.wait(lambda: bool(opened.window.session.snapshot.exported))
    assert opened.window.close()
    assert len(opened.answers.asked) == 1


def test_a_saved_network_is_not_lost(opened, model, tmp_path):
    add(opened, 1.0, model)
    opened.answers.paths["save"] = tmp_path
    opened.trigger("save-network")
    opened.wait()
    assert opened.window.close()
    assert opened.answers.asked == []


def test_a_network_from_a_file_is_not_lost(opened, model, tmp_path):
    save_model(tmp_path / "known.quietfield", model)
    opened.answers.paths["network"] = tmp_path / "known.quietfield"
    opened.trigger("apply-network")
    opened.wait(lambda: len(opened.window.session.snapshot.results) == 2)
    assert opened.window.close()
    assert opened.answers.asked == []


@pytest.mark.parametrize(
    ("button", "answer"), [("Export…", "export"), ("Discard", "discard"), ("", "cancel")]
)
def test_the_question_offers_three_answers(opened, button, answer):
    from app.window.questions import Questions

    texts: list[str] = []

    def press() -> None:
        (box,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]
        texts.append(box.text())
        found = [b for b in box.buttons() if b.text() == button]
        found[0].click() if found else box.reject()

    QTimer.singleShot(50, opened.window, press)
    results = [f"GR2R: its network was trained for {n} min 3 s" for n in range(2, 10)]
    assert Questions(opened.window, opened.window.jobs).lost("cells.tif", results, closing=True) == answer
    assert texts == ["8 results of cells.tif were not exported."]


def test_the_question_before_closing_says_when_the_work_has_ended(opened):
    from app.window.questions import Questions

    window, go, texts = opened.window, threading.Event(), []
    window.jobs.start("Instant", lambda _: go.wait(30))

    def look() -> None:
        (box,) = [w for w in QApplication.topLevelWidgets() if w.objectName() == "still-running"]
        texts.append((box.text(), {b.text() for b in box.buttons()}))
        go.set()
        if window.jobs.busy:
            QTimer.singleShot(20, window, look)
        else:
            next(b for b in box.buttons() if b.text() == "Stay Open").click()

    QTimer.singleShot(50, window, look)
    assert not Questions(window, window.jobs).close(["Instant"])
    assert texts[0] == ("Still running: Instant.", {"Close Anyway", "Keep Running"})
    assert texts[-1] == ("Nothing is running any more.", {"Close", "Stay Open"})


def test_dialogs_begin_in_the_folder_of_the_stack(opened, tmp_path):
    folders: list[str] = []

    def look() -> None:
        (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog)]
        folders.append(dialog.directory().absolutePath())
        dialog.reject()

    for ask in (
        lambda: opened.key(Qt.Key.Key_Down, "metrics-reference"),
        lambda: opened.click("network-load"),
    ):
        QTimer.singleShot(100, opened.window, look)
        opened.trigger("show-train")
        ask()
    QTimer.singleShot(100, opened.window, look)
    opened.widget("training-target").menu().actions()[0].trigger()
    assert folders == [str(tmp_path)] * 3


def test_a_mapped_file_is_not_counted_as_memory(driver, tmp_path):
    status, path = driver.window.status, tmp_path / "large.raw"
    np.zeros(300_000_000, np.uint8).tofile(path)
    status.refresh_memory()
    before = float(driver.widget("memory").text().removesuffix(" GB"))
    mapped = np.memmap(path, np.uint8, "r")
    assert mapped.sum() == 0
    status.refresh_memory()
    assert float(driver.widget("memory").text().removesuffix(" GB")) < before + 0.15
