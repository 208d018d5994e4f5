from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QDialog, QMenu

from app.documents.opening import Opened, first_levels
from app.shell import defects, preferences
from app.shell.defects import DefectDialog
from app.window.commands import COMMANDS
from app.window.main_window import MainWindow
from app.window.menus import MENUS, TOOLBAR, Submenu
from app.window.status import readout
from core.checkpoint import load_model
from core.findings import Finding, kinds
from core.model_file import ModelFile
from core.stack import Stack
from core.work import task
from core.work.recipe import Step
from tests.core.learning_data import small, trained
from tests.driver import Driver


def make(path: Path, shape=(4, 24, 32), seed: int = 0, **known) -> Path:
    pixels = np.random.default_rng(seed).poisson(200, shape).astype(np.uint16)
    metadata = {"axes": "TZCYX"[-len(shape) :] if len(shape) != 3 else "TYX", **known}
    tifffile.imwrite(path, pixels, imagej=True, metadata=metadata)
    return path


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return make(tmp_path / "cells.tif")


@pytest.fixture
def opened(driver: Driver, stack: Path) -> Driver:
    driver.drop(stack)
    return driver


@pytest.fixture
def filtered(opened: Driver) -> Driver:
    opened.filter()
    opened.wait(lambda: len(opened.window.session.snapshot.results) == 2)
    return opened


def names(items) -> list[str]:
    return [n for i in items for n in (names(i.items) if isinstance(i, Submenu) else [i])]


def test_an_empty_window_offers_what_can_be_done(driver):
    window = driver.window
    assert window.pages.currentWidget() is window.welcome
    for name in ("open", "simulated", "label-free", "text", "convallaria"):
        assert driver.widget(f"welcome-{name}").isVisible()
    for name in ("export", "undo", "redo", "auto", "fit", "play", "run-recipe"):
        assert not driver.action(name).isEnabled()
        assert "Not now: " in driver.action(name).toolTip()


def test_every_command_has_words_and_a_place():
    placed = {n for items in MENUS.values() for n in names(items)}
    ids = [c.id for c in COMMANDS]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= placed
    assert {n for n in names(TOOLBAR) if n != "-"} <= set(ids)
    assert all(c.help and c.text for c in COMMANDS)


def test_no_two_commands_share_a_key(qapp):
    keys = [QKeySequence(k).toString() for c in COMMANDS for k in c.keys]
    assert "" not in keys
    assert len(set(keys)) == len(keys)


def test_every_action_can_be_triggered(filtered, tmp_path):
    """Every action works in a window with a result, without a defect."""
    window, session = filtered.window, filtered.window.session
    other = make(tmp_path / "other.tif", seed=5)
    recipe = tmp_path / "recipe.json"
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / "a.tif"), make(folder / "b.tif", seed=2)
    filtered.answers.to_open = [other]
    filtered.answers.paths = {"folder": folder, "recipe": recipe, "network": tmp_path / "no.quietfield"}

    def ready(name: str) -> None:
        """Bring the window into a state in which the action can be chosen."""
        if name in ("file-next", "file-previous"):
            filtered.drop(other, folder / "a.tif", folder / "b.tif")
            window.opener.step(1)
            filtered.wait(lambda: session.snapshot.file_index == 1)
        if name.startswith("axis-"):
            filtered.drop(other)
            if name == "axis-T":
                filtered.trigger("axis-Z")
                filtered.wait()
        if name == "redo":
            session.undo()
        if not filtered.action(name).isEnabled() and len(session.snapshot.results) < 2:
            filtered.click("filter-apply")
            filtered.wait(lambda: len(session.snapshot.results) > 1)
        if name == "redo" and not session.snapshot.can_redo:
            session.undo()
        if name == "run-recipe":
            filtered.trigger("copy-recipe")
            filtered.wait()
            recipe.write_text(QGuiApplication.clipboard().text(), encoding="utf-8")

    # These need a trained network, a reference, a file with its own table: tested below and elsewhere.
    later = {"save-network", "export-metrics", "lut-From file"}
    for command in sorted(COMMANDS, key=lambda command: command.id == "quit"):
        if command.id in later:
            assert not filtered.action(command.id).isEnabled()
            continue
        ready(command.id)
        filtered.trigger(command.id)
        if command.id.startswith("study-"):  # it would train for a minute
            filtered.qtbot.waitUntil(
                lambda: any(job.channel == "compare" for job in window.jobs.running), timeout=60_000
            )
            window.jobs.cancel("compare")
        filtered.wait()
        for dialog in window.findChildren(QDialog):
            assert not isinstance(dialog, DefectDialog), dialog.text.toPlainText()
            dialog.close()
    assert not window.isVisible()


def test_actions_do_what_they_say(filtered):
    window, session = filtered.window, filtered.window.session
    filtered.trigger("layout-curtain")
    assert session.snapshot.layout == "curtain"
    assert filtered.action("layout-curtain").isChecked()
    assert not filtered.action("layout-split").isChecked()
    filtered.trigger("lut-Fire")
    assert session.snapshot.lut == "Fire"
    filtered.trigger("plane-next")
    assert session.snapshot.position == {"T": 1}
    filtered.key(Qt.Key.Key_Comma)
    assert session.snapshot.position == {"T": 0}
    filtered.trigger("undo")
    assert len(session.snapshot.results) == 1
    filtered.trigger("redo")
    assert len(session.snapshot.results) == 2
    filtered.trigger("axis-Z")
    filtered.wait(lambda: session.snapshot.source.stack.axes == "ZYX")
    assert filtered.action("axis-Z").isChecked()
    levels = session.snapshot.levels
    session.set_levels((0.0, 65535.0))
    filtered.trigger("auto")
    filtered.wait(lambda: session.snapshot.levels[0][1] < 1000)
    assert set(levels) == {0}
    filtered.trigger("quit")
    assert not window.isVisible()


def test_shortcuts_do_not_eat_what_is_typed(filtered):
    """Keys such as ``,`` ``-`` ``5`` are shortcuts of the window and also parts of numbers."""
    before = filtered.window.session.snapshot.position
    filtered.set("gaussian-sigma", "2.5")
    assert filtered.widget("gaussian-sigma").value() == pytest.approx(2.5)
    assert filtered.window.session.snapshot.position == before


def test_digits_in_the_results_list_show_a_result(filtered):
    session = filtered.window.session
    filtered.widget("results").setFocus()
    filtered.keys("1", "results")
    assert session.snapshot.result is session.snapshot.source
    filtered.keys("2", "results")
    assert session.snapshot.result.step.method == "gaussian"
    filtered.key(Qt.Key.Key_Up, "results")
    assert session.snapshot.result is session.snapshot.source
    filtered.keys("9", "results")
    assert session.snapshot.result is session.snapshot.source


def test_a_click_on_a_row_shows_it_and_its_menu_offers_the_rest(filtered):
    window, session = filtered.window, filtered.window.session
    rows = window.results_panel.list
    rect = rows.visualItemRect(rows.item(0))
    filtered.qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert session.snapshot.shown == session.snapshot.source.key
    menu = window.results_panel.menu(rows.item(1))
    words = [a.text() for a in menu.actions() if not a.isSeparator()]
    assert words == ["Show", "Export…", "Copy Recipe", "Rename", "Delete"]
    menu.actions()[0].trigger()
    assert session.snapshot.result.step.method == "gaussian"
    menu.actions()[2].trigger()
    filtered.wait()
    assert json.loads(QGuiApplication.clipboard().text())["steps"][0]["method"] == "gaussian"
    menu.deleteLater()
    source_menu = window.results_panel.menu(rows.item(0))
    enabled = [a.isEnabled() for a in source_menu.actions() if not a.isSeparator()]
    assert enabled == [True, False, False, False, False]
    source_menu.deleteLater()


def test_methods_text_names_parameters_and_versions(filtered):
    filtered.trigger("copy-methods")
    text = QGuiApplication.clipboard().text()
    assert "cells.tif" in text
    assert "The filter “Gaussian blur” was applied (sigma 1 px, along rows and columns)." in text
    assert f"NumPy {np.__version__}" in text


def test_close_asks_once_while_something_runs(driver, stack):
    window, go = driver.window, threading.Event()
    driver.answers.leave = False

    def work(job):
        while not go.wait(0.005):
            job.context.check()

    window.jobs.start("Denoising cells.tif", work)
    assert not window.close()
    assert window.isVisible()
    assert len(window.jobs.running) == 1
    driver.answers.leave = True
    assert window.close()
    assert driver.answers.asked == [["Denoising cells.tif"], ["Denoising cells.tif"]]
    assert not window.jobs.running


def test_close_asks_nothing_when_idle(driver):
    assert driver.window.close()
    assert not driver.answers.asked


def test_geometry_theme_and_recent_files_are_remembered(driver, stack):
    window = driver.window
    window.resize(790, 650)
    driver.drop(stack)
    driver.trigger("theme-dark")
    window.close()
    kept = preferences.load()
    assert kept.theme == "dark"
    assert kept.recent == (str(stack),)
    second = MainWindow()
    assert second.size().height() == 650
    recent = second.findChild(QMenu, "menu-Open Recent")
    assert [a.data() for a in recent.actions()] == [str(stack)]
    recent.actions()[0].trigger()
    driver.qtbot.waitUntil(lambda: second.session.snapshot.source is not None)
    second.close()
    second.deleteLater()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"theme": 3, "recent": [1, "a"], "geometry": "!!!"}',
        "\x00",
        "[" * 100_000,
        " " * 2**23,
    ],
)
def test_broken_preferences_are_no_reason_not_to_start(qtbot, settings_folder, text):
    (settings_folder / preferences.FILE).write_text(text, encoding="utf-8")
    kept = preferences.load()
    assert kept.theme == "system"
    window = MainWindow()
    window.close()
    window.deleteLater()
    assert json.loads((settings_folder / preferences.FILE).read_text(encoding="utf-8"))["theme"] == "system"


def test_preferences_that_cannot_be_written_stop_nobody(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("QUIETFIELD_CONFIG", str(tmp_path / "file"))
    preferences.save(preferences.Preferences(theme="dark"))
    assert preferences.load() == preferences.Preferences()


@pytest.mark.skipif(os.name != "posix", reason="pipes as on Linux and macOS")
def test_pipes_in_place_of_preferences_and_log_do_not_stop_the_start(settings_folder, monkeypatch):
    folder = settings_folder / "pipes"
    (folder / "log").mkdir(parents=True)
    monkeypatch.setenv("QUIETFIELD_CONFIG", str(folder))
    os.mkfifo(folder / preferences.FILE)
    os.mkfifo(folder / "log" / defects.LOG_FILE)
    assert preferences.load() == preferences.Preferences()
    assert defects.start_log() is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_log_on_a_full_disk_is_left_out_in_silence(settings_folder, monkeypatch, capfd):
    monkeypatch.setattr(defects.LogFile, "_open", lambda _: Path("/dev/full").open("a"))  # noqa: SIM115
    assert defects.start_log() is not None
    for _ in range(2):
        defects.note("x" * 100_000)
    defects.stop_log()
    assert capfd.readouterr().err == ""


def test_problem_is_a_sentence_in_the_strip_and_in_the_log(opened, tmp_path):
    opened.drop(tmp_path / "missing.tif")
    window = opened.window
    assert window.message.isVisible()
    assert "missing.tif does not exist" in window.message.words.text()
    assert "missing.tif" in window.log_panel.text.toPlainText()
    opened.click("message-dismiss")
    assert not window.message.isVisible()


def test_defect_shows_one_dialog_with_a_report(driver):
    def broken(job):
        raise RuntimeError("a bug")

    driver.window.jobs.start("counting", broken)
    driver.wait()
    driver.window.jobs.start("counting", broken)
    driver.wait()
    assert len(driver.window.findChildren(QDialog)) == 1
    text = driver.widget("defect-report").toPlainText()
    assert "RuntimeError: a bug" in text
    assert "While: counting" in text
    assert f"numpy {np.__version__}" in text
    driver.click("defect-copy")
    assert QGuiApplication.clipboard().text() == text


def test_hooks_catch_what_nobody_caught(qtbot, settings_folder):
    import sys

    from app.shell import defects

    path = defects.start_log()
    hooks, seen = defects.Hooks(), []
    hooks.caught.connect(seen.append)
    former = sys.excepthook
    hooks.install()
    try:
        sys.excepthook(KeyError, KeyError("main"), None)
        thread = threading.Thread(target=lambda: {}["thread"])
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: len(seen) == 2)
    finally:
        hooks.remove()
        defects.stop_log()
    assert sys.excepthook is former
    assert "KeyError: 'main'" in seen[0]
    assert "KeyError: 'thread'" in seen[1]
    assert "KeyError: 'thread'" in path.read_text(encoding="utf-8")


def test_running_job_shows_progress_and_can_be_cancelled(driver):
    window, told = driver.window, threading.Event()

    def work(job):
        job.context.step(0.5, "half way")
        told.set()
        while True:
            job.context.check()
            threading.Event().wait(0.005)

    window.jobs.start("Long work", work)
    driver.qtbot.waitUntil(lambda: driver.widget("job-progress").value() == 500)
    assert driver.widget("job-label").text() == "Long work"
    driver.click("job-cancel")
    driver.wait()
    assert not window.status.job.isVisible()


def test_the_memory_in_use_is_shown(driver):
    driver.window.status.refresh_memory()
    assert re.fullmatch(r"\d+\.\d GB", driver.widget("memory").text())


def test_time_left():
    from app.window.status import time_left

    assert time_left(0.5, 10.0) == "0:10 left"
    assert time_left(0.25, 3600.0) == "3:00:00 left"
    assert time_left(0.0, 10.0) == ""
    assert time_left(0.5, 0.1) == ""


def test_readout_tells_place_and_both_values():
    from app.viewer.viewer import Hover

    hover = Hover(x=231, y=87, x_um=15.0, y_um=5.7, raw=412.0, shown=377.25, label="Gaussian blur")
    assert readout(hover) == "x 231  y 87 (15, 5.7 µm)    raw 412 → 377.25  Gaussian blur"
    bare = Hover(x=1, y=2, x_um=None, y_um=None, raw=None, shown=None, label="")
    assert readout(bare) == "x 1  y 2"


def test_hovering_fills_the_status_bar(opened):
    from app.viewer.viewer import Hover

    opened.window.viewer.hovered.emit(Hover(x=3, y=4, x_um=None, y_um=None, raw=7.0, shown=None, label=""))
    assert opened.widget("readout").text() == "x 3  y 4    raw 7"
    opened.window.viewer.hovered.emit(None)
    assert opened.widget("readout").text() == ""


def test_theme_changes_colours_of_the_window(driver):
    driver.trigger("theme-dark")
    dark = driver.window.grab().toImage().pixelColor(2, driver.window.height() - 3).lightness()
    driver.trigger("theme-light")
    light = driver.window.grab().toImage().pixelColor(2, driver.window.height() - 3).lightness()
    assert dark < 80 < 180 < light


def test_device_is_named_after_torch_was_loaded(driver):
    driver.window.look_for_devices()
    driver.wait(lambda: bool(driver.widget("device").text()))


def test_network_of_a_result_can_be_saved(opened, tmp_path):
    """Save is offered for a result that a network made, and writes what was asked for."""
    window, session = opened.window, opened.window.session
    source = session.snapshot.source
    model, _ = trained(source.stack, small(steps=2))
    file = ModelFile(file="n.quietfield", sha256="ab")
    session.add(source.key, [Step.of(model.method, file)], [source.stack], 1.0, model)
    opened.answers.paths["save"] = tmp_path
    opened.trigger("save-network")
    opened.wait()
    assert load_model(tmp_path / "n.quietfield").method == model.method
    assert "Saved the trained network n.quietfield" in window.message.words.text()


def test_a_sample_is_two_clicks_away(driver):
    driver.click("welcome-simulated")
    driver.wait(lambda: driver.window.session.snapshot.source is not None)
    snapshot = driver.window.session.snapshot
    assert snapshot.truth is not None
    assert snapshot.source.stack.sizes == {"T": 100, "Y": 256, "X": 256}
    assert driver.window.pages.currentWidget() is driver.window.viewer
    assert preferences.load().recent == ()
    driver.trigger("sample-convallaria")
    driver.wait(lambda: driver.window.session.snapshot.truth is None)
    assert "Convallaria" in driver.window.session.snapshot.source.stack.meta.name or (
        "convallaria" in driver.window.session.snapshot.source.stack.meta.name
    )


MISSING = Finding(kind=kinds.PLANES_MISSING, value=2, details={"total": 5})


def test_notes_and_other_series_stand_above_the_canvas(driver):
    stack = Stack.of(np.ones((3, 8, 8), np.uint8), "TYX", name="a.tif", findings=(MISSING,))
    driver.window.session.open(stack, first_levels(stack))
    opened = Opened(stack=stack, levels={}, series=("3 x 8 x 8", "1 x 4 x 4"), series_index=0)
    driver.window.opener.opened.emit(opened)
    assert driver.window.notes.isVisible()
    assert driver.window.notes.words.text() == MISSING.text
    assert MISSING.text in driver.window.log_panel.text.toPlainText()
    assert driver.widget("series").count() == 2
    driver.click("notes-dismiss")
    assert not driver.window.notes.isVisible()


def test_window_is_gone_when_it_is_deleted(qtbot):
    import gc
    import weakref

    import shiboken6

    window = MainWindow()
    window.show()
    gone = weakref.ref(window)
    window.close()
    shiboken6.delete(window)
    del window
    gc.collect()
    assert gone() is None or not shiboken6.isValid(gone())


def test_results_that_another_file_replaced_can_be_brought_back(filtered, tmp_path):
    """Results may have taken hours; a file dropped by mistake must not cost them."""
    session = filtered.window.session
    before = session.snapshot.results
    filtered.drop(make(tmp_path / "other.tif"))
    assert session.snapshot.source.stack.meta.name == "other.tif"
    assert filtered.window.message.words.text() == "1 result of cells.tif was closed."
    filtered.click("message-action")
    assert session.snapshot.results is before
    assert filtered.widget("results").count() == 2
    filtered.drop(tmp_path / "other.tif")
    filtered.click("message-dismiss")
    assert session.former is None


def test_a_filter_that_ends_after_its_stack_was_closed_is_said_to_be_dropped(filtered, tmp_path, monkeypatch):
    gate = threading.Event()
    real = task.run

    def slow(*given, **named):
        assert gate.wait(30)
        return real(*given, **named)

    monkeypatch.setattr(task, "run", slow)
    window = filtered.window
    filtered.click("filter-apply")
    other = make(tmp_path / "other.tif")
    window.open_paths([other])
    filtered.qtbot.waitUntil(lambda: window.session.snapshot.source.stack.meta.name == "other.tif")
    gate.set()
    filtered.wait()
    assert len(window.session.snapshot.results) == 1
    assert window.message.words.text() == (
        "The result of Gaussian blur was dropped: its stack is not open any more. "
        "1 result of cells.tif was closed."
    )
    assert "was dropped" in window.log_panel.text.toPlainText()
    filtered.click("message-action")
    assert window.session.snapshot.source.stack.meta.name == "cells.tif", "it can still be brought back"


def test_a_network_whose_stack_was_closed_is_kept_and_said_so(opened, tmp_path):
    window = opened.window
    panel = window.training_panel
    window.arrangement.go_to(panel)
    panel.settings.kind.setCurrentIndex(panel.settings.kind.findData("n2v"))
    tiny = {"width": 4, "depth": 2, "patch": 16, "batch": 1, "epoch": 5, "steps": 10**6, "seconds": 0.0}
    panel.settings.form.set_values(tiny)
    opened.click("training-start")
    opened.qtbot.waitUntil(
        lambda: panel.run is not None and panel.run.report is not None and panel.run.report.step > 0,
        timeout=60_000,
    )
    window.open_paths([make(tmp_path / "other.tif")])
    opened.qtbot.waitUntil(lambda: window.session.snapshot.source.stack.meta.name == "other.tif")
    assert opened.widget("job-label").text() == "Training Noise2Void on cells.tif"
    assert opened.widget("network-description").text() == "In training on cells.tif."
    opened.shot("training-elsewhere")
    opened.click("training-stop")
    opened.wait(seconds=60)
    assert window.message.words.text().startswith(
        "cells.tif is not open any more. The network trained on it is kept"
    )
    assert len(window.session.snapshot.results) == 1
    opened.click("network-apply")
    opened.wait(lambda: len(window.session.snapshot.results) > 1, seconds=60)


def test_look_up_table_stays_from_file_to_file(opened, tmp_path):
    opened.trigger("lut-Fire")
    assert not opened.action("lut-From file").isEnabled()
    opened.drop(make(tmp_path / "other.tif"))
    assert opened.window.session.snapshot.lut == "Fire"


def test_run_opens_what_was_named_and_returns_when_closed(qtbot, stack, monkeypatch):
    """The whole program, as the command ``quietfield cells.tif`` starts it."""
    import sys

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app import application

    hook, names_seen = sys.excepthook, []
    timer = QTimer()

    def look() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow) and window.session.snapshot.source and window.announcer.device:
                names_seen.append(window.session.snapshot.source.stack.meta.name)
                timer.stop()
                window.close()

    timer.timeout.connect(look)
    timer.start(20)
    assert application.run([str(stack)]) == 0
    assert names_seen == ["cells.tif"]
    assert sys.excepthook is hook
    assert (preferences.log_folder() / "quietfield.log").read_text(encoding="utf-8").count("Opened") == 1


def test_the_table_is_full_two_clicks_after_the_first_start(driver, monkeypatch):
    monkeypatch.setattr("app.panels.metrics.measuring.PLANES", 5)
    driver.click("welcome-simulated")
    driver.wait(lambda: driver.window.session.snapshot.source is not None)
    driver.click("metrics-compare")
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 7, seconds=120)
    snapshot = driver.window.session.snapshot
    psnr = [snapshot.measures[r.key]["psnr"] for r in snapshot.results]
    assert max(psnr) > psnr[0] + 3, "the best filter is far better than raw"
    table = driver.widget("metrics-table")
    assert table.rowCount() == 7
    assert "…" not in [table.item(r, c).text() for r in range(7) for c in range(table.columnCount())]
    driver.shot("two-clicks")
    driver.trigger("undo")
    assert len(driver.window.session.snapshot.results) == 1
    driver.trigger("compare-filters")
    driver.click("compare-cancel")
    driver.wait()
    assert len(driver.window.session.snapshot.results) == 1
