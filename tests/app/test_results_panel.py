"""The results list: rename, delete, sort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from tests.driver import Driver


@pytest.fixture
def three(driver: Driver, tmp_path: Path) -> Driver:
    """Open a stack, and apply a Gaussian, a box to its result, and a median to the source."""
    pixels = np.random.default_rng(0).poisson(200, (4, 24, 32)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    driver.drop(tmp_path / "cells.tif")
    session = driver.window.session
    driver.choose("filter-input", "shown result")
    driver.filter("gaussian")
    driver.wait(lambda: len(session.snapshot.results) == 2)
    driver.filter("box")
    driver.wait(lambda: len(session.snapshot.results) == 3)
    session.show(session.snapshot.source.key)
    driver.filter("median")
    driver.wait(lambda: len(session.snapshot.results) == 4)
    return driver


def labels(driver: Driver) -> list[str]:
    rows = driver.window.results_panel.list
    return [rows.item(n).text() for n in range(rows.count())]


def test_f2_renames_a_result_and_export_and_undo_know_the_name(three):
    session = three.window.session
    rows = three.widget("results")
    rows.setFocus()
    three.keys("2", "results")
    before = session.snapshot.result
    three.key(Qt.Key.Key_F2, "results")
    editor = rows.findChild(QLineEdit, "result-name")
    assert editor.text() == before.label
    three.qtbot.keyClicks(editor, "soft  and even")
    three.qtbot.keyClick(editor, Qt.Key.Key_Return)
    three.qtbot.waitUntil(lambda: session.snapshot.result.label == "soft and even")
    assert labels(three)[1] == "2  soft and even"
    assert session.snapshot.result.key == before.key
    assert session.snapshot.result.stack is before.stack
    three.trigger("export")
    assert three.widget("export-result").itemText(0).startswith("2  soft and even")
    session.undo()
    session.redo()
    assert labels(three)[1] == "2  soft and even"


def test_escape_keeps_the_name_and_an_empty_one_is_not_taken(three):
    rows = three.widget("results")
    before = labels(three)
    for text, key in (("other", Qt.Key.Key_Escape), ("   ", Qt.Key.Key_Return)):
        rows.setFocus()
        three.keys("3", "results")
        three.key(Qt.Key.Key_F2, "results")
        editor = rows.findChild(QLineEdit, "result-name")
        three.qtbot.keyClicks(editor, text)
        three.qtbot.keyClick(editor, key)
        three.qtbot.waitUntil(lambda: not rows.editing and rows.findChild(QLineEdit, "result-name") is None)
        assert labels(three) == before


def test_delete_removes_a_result_with_what_was_made_from_it_and_undo_restores_both(three):
    session = three.window.session
    gaussian, box, median = session.snapshot.results[1:]
    three.widget("results").setFocus()
    three.keys("3", "results")
    assert session.snapshot.shown == box.key
    three.keys("2", "results")
    three.key(Qt.Key.Key_Delete, "results")
    three.qtbot.waitUntil(lambda: session.snapshot.results[1:] == (median,))
    assert session.snapshot.result is session.snapshot.source
    assert [s.method for s in session.steps(median.key)] == ["median"]
    three.trigger("undo")
    assert session.snapshot.results[1:] == (gaussian, box, median)
    assert [s.method for s in session.steps(box.key)] == ["gaussian", "box"]
    three.trigger("undo")
    assert session.snapshot.results[1:] == (gaussian, box)


def test_undo_after_a_deletion_goes_back_in_order(three):
    session = three.window.session
    gaussian, box, median = session.snapshot.results[1:]
    session.delete(box.key)
    session.show(gaussian.key)
    three.filter("median")
    three.wait(lambda: len(session.snapshot.results) == 4)
    assert session.snapshot.results[1:3] == (gaussian, median)
    three.trigger("undo")
    assert session.snapshot.results[1:] == (gaussian, median)
    three.trigger("redo")
    assert [s.method for s in session.steps(session.snapshot.shown)] == ["gaussian", "median"]
    three.trigger("undo")
    three.trigger("undo")
    assert session.snapshot.results[1:] == (gaussian, box, median)


def test_the_source_is_neither_renamed_nor_deleted(three):
    session = three.window.session
    before = session.snapshot.results
    three.widget("results").setFocus()
    three.keys("1", "results")
    three.key(Qt.Key.Key_Delete, "results")
    three.key(Qt.Key.Key_F2, "results")
    three.qtbot.wait(20)
    assert three.widget("results").findChild(QLineEdit, "result-name") is None
    assert session.snapshot.results == before


def test_a_result_of_a_deleted_one_is_dropped_with_the_reason(three):
    session, said = three.window.session, []
    session.dropped.connect(said.append)
    gaussian, box, _ = session.snapshot.results[1:]
    session.delete(gaussian.key)
    assert not session.add(gaussian.key, [box.step], [box.stack], 0.0)
    assert said == ["The result of Mean (box) was dropped: what it was made from was deleted."]


def test_sorting_keeps_numbers_and_the_source_on_top(three):
    session = three.window.session
    assert three.widget("results-sort").isVisible()
    assert not three.action("results-sort-psnr").isEnabled()
    session.rename(session.snapshot.results[2].key, "an average over a box of pixels of the first result")
    three.trigger("results-sort-name")
    assert [row[0] for row in labels(three)] == ["1", "3", "2", "4"]
    three.widget("results").setFocus()
    three.keys("2", "results")
    assert session.snapshot.result.step.method == "gaussian"
    session.set_reference("frames", "clean", session.snapshot.source.stack)
    three.wait(lambda: len(session.snapshot.measures) == 4)
    three.trigger("results-sort-psnr")
    found = [session.snapshot.measures[session.snapshot.results[int(row[0]) - 1].key]["psnr"]
             for row in labels(three)[1:]]  # fmt: skip
    assert found == sorted(found, reverse=True)
    session.clear_reference()
    assert [row[0] for row in labels(three)] == ["1", "2", "3", "4"]
    three.shot("results-sorted")
