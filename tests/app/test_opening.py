from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QSlider,
    QTableView,
    QWidget,
)

from app.documents.opening import axis_choices, first_levels, load, load_sample
from app.shell import file_kinds
from core.errors import QuietfieldError
from core.stack import Stack
from tests.app.test_main_window import make
from tests.data import DATA, needs_data
from tests.driver import Driver
from tests.invented import CountingReader, InventedReader, added
from tests.invented import write as write_invented


@pytest.fixture
def stacks(tmp_path: Path) -> list[Path]:
    """Three stacks whose natural order differs from the alphabetical order."""
    return [make(tmp_path / f"cell{n}.tif", seed=n) for n in (1, 2, 10)]


# -- what a path means ------------------------------------------------------------------------


def test_one_file(stacks):
    opened = load([stacks[0]])
    assert opened.files == (stacks[0],)
    assert len(opened.series) == 1
    np.testing.assert_array_equal(opened.stack.read(), tifffile.imread(stacks[0]))


def test_many_files_are_a_list_in_the_order_given(stacks):
    opened = load([stacks[2], stacks[0]], index=1)
    assert opened.files == (stacks[2], stacks[0])
    assert opened.stack.meta.name == "cell1.tif"


def test_folder_of_stacks_is_a_list_in_counting_order(stacks, tmp_path):
    (tmp_path / "notes.txt").write_text("not an image", encoding="utf-8")
    opened = load([tmp_path])
    assert [p.name for p in opened.files] == ["cell1.tif", "cell2.tif", "cell10.tif"]
    assert opened.stack.meta.name == "cell1.tif"


def test_folder_of_equal_planes_is_one_stack(tmp_path):
    planes = np.arange(3 * 6 * 8, dtype=np.uint16).reshape(3, 6, 8)
    for number, plane in zip((1, 2, 10), planes, strict=True):
        tifffile.imwrite(tmp_path / f"plane{number}.tif", plane)
    opened = load([tmp_path])
    assert opened.files == (tmp_path,)
    assert opened.stack.sizes == {"T": 3, "Y": 6, "X": 8}
    assert not opened.stack.meta.axes_certain
    np.testing.assert_array_equal(opened.stack.read(), planes)


def test_folder_of_different_planes_is_a_list(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((6, 8), np.uint16))
    tifffile.imwrite(tmp_path / "b.tif", np.ones((5, 8), np.uint16))
    opened = load([tmp_path])
    assert [p.name for p in opened.files] == ["a.tif", "b.tif"]


def test_folder_with_one_broken_file_is_a_list(tmp_path):
    make(tmp_path / "a.tif", (6, 8))
    (tmp_path / "b.tif").write_bytes(b"")
    make(tmp_path / "c.tif", (6, 8))
    assert len(load([tmp_path]).files) == 3
    with pytest.raises(QuietfieldError, match=r"b\.tif is empty"):
        load([tmp_path], index=1)


def test_folder_without_images_is_refused(tmp_path):
    with pytest.raises(QuietfieldError, match="holds no image of a known format"):
        load([tmp_path])


def test_files_and_folders_together_are_one_list(stacks, tmp_path):
    inner = tmp_path / "more"
    inner.mkdir()
    make(inner / "z.tif")
    assert [p.name for p in load([stacks[0], inner]).files] == ["cell1.tif", "z.tif"]


def test_levels_of_every_channel_come_from_its_first_plane():
    pixels = np.stack([np.full((4, 8, 8), 10), np.full((4, 8, 8), 500)], axis=1).astype(np.uint16)
    pixels[..., 0] += 5
    levels = first_levels(Stack.of(pixels, "TCYX"))
    assert levels == {0: (10.0, 15.0), 1: (500.0, 505.0)}


def test_display_range_of_the_file_is_used_where_it_has_one():
    stack = Stack.of(np.ones((8, 8), np.uint8), "YX", display_ranges=((3.0, 99.0),))
    assert first_levels(stack) == {0: (3.0, 99.0)}
    flat = Stack.of(np.ones((8, 8), np.uint8), "YX", display_ranges=((5.0, 5.0),))
    assert first_levels(flat) == {0: (1.0, 2.0)}


def test_samples():
    simulated = load_sample("simulated")
    assert simulated.truth is not None
    assert simulated.truth.shape == simulated.stack.shape[1:]
    label_free = load_sample("label-free")
    assert label_free.truth is not None
    assert label_free.stack.meta.channel_names == ("Phase contrast",)
    real = load_sample("convallaria")
    assert real.truth is None
    assert real.files == ()
    assert real.stack.dtype == np.uint16


def test_axis_choices():
    def choices(axes: str) -> str:
        return axis_choices(Stack.of(np.ones((2,) * len(axes), np.uint8), axes))

    assert choices("TYX") == "TZC"
    assert choices("YX") == ""
    assert choices("TCYX") == "TZ"
    assert choices("TCZYX") == "T"


# -- in the window ----------------------------------------------------------------------------


def name(driver: Driver) -> str:
    source = driver.window.session.snapshot.source
    return source.stack.meta.name if source else ""


def test_drop_on_the_window_opens(driver, stacks):
    driver.drop(stacks[0])
    assert name(driver) == "cell1.tif"
    assert driver.window.windowTitle() == "cell1.tif – Quietfield"
    assert "Opened" in driver.window.log_panel.text.toPlainText()


def test_drop_on_any_part_of_the_window_opens(driver, stacks):
    """Also on widgets that take drops of their own, such as the image and text fields."""
    driver.drop(stacks[0])
    window = driver.window
    canvas = next(
        w for w in window.viewer.group.findChildren(type(window.viewer).__mro__[1]) if w.isVisible()
    )
    targets = [canvas, window.results_panel.list.viewport(), window.log_panel.text.viewport(), window.toolbar]
    for turn, target in enumerate(targets):
        wanted = stacks[1 + turn % 2]
        driver.drop(wanted, onto=target)
        assert name(driver) == wanted.name, target


def test_no_part_of_the_window_swallows_a_dropped_file(driver, stacks):
    """Fields for numbers and words take drops of their own unless they are told not to."""
    driver.drop(stacks[0])
    window = driver.window
    for method in ("box-3d", "salt-and-pepper"):  # forms are made when they are first needed
        window.filter_panel.choose(method)
    window.arrangement.go_to(window.training_panel)
    driver.wait()
    parts = [w for w in window.findChildren(QWidget) if w.window() is window]
    assert not [(type(w).__name__, w.objectName()) for w in parts if w.acceptDrops()]
    kinds = (QLineEdit, QAbstractSpinBox, QComboBox, QTableView, QPlainTextEdit, QListWidget, QSlider)
    for turn, kind in enumerate(kinds):
        found = [w for w in parts if isinstance(w, kind)]
        assert found, kind
        target = found[turn % len(found)]
        viewport = getattr(target, "viewport", None)
        wanted = stacks[1 + turn % 2]
        driver.drop(wanted, onto=viewport() if viewport else target)
        assert name(driver) == wanted.name, (kind, target.objectName())


def test_dragging_shows_what_a_drop_will_do(driver, stacks, tmp_path):
    overlay = driver.widget("drop-overlay")
    target, _ = driver.hover_files([stacks[0]])
    assert overlay.isVisible()
    assert overlay.text == "Drop to open cell1.tif"
    assert overlay.geometry() == driver.window.rect()
    driver.shot("dragging")
    driver.leave(target)
    assert not overlay.isVisible()
    driver.hover_files(stacks)
    assert overlay.text == "Drop to open 3 files"
    driver.drop(*stacks)
    assert not overlay.isVisible()


def test_text_cannot_be_dropped(driver):
    from PySide6.QtCore import QMimeData, QPoint, Qt
    from PySide6.QtGui import QDragEnterEvent
    from PySide6.QtWidgets import QApplication

    mime = QMimeData()
    mime.setText("words")
    event = QDragEnterEvent(
        QPoint(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(driver.window, event)
    assert not driver.widget("drop-overlay").isVisible()


def test_many_files_are_stepped_through(driver, stacks):
    driver.drop(*stacks)
    assert driver.widget("file-count").text() == "file 1 of 3"
    assert not driver.action("file-previous").isEnabled()
    driver.click("file-next")
    driver.wait(lambda: name(driver) == "cell2.tif")
    driver.trigger("file-next")
    driver.wait(lambda: name(driver) == "cell10.tif")
    assert not driver.action("file-next").isEnabled()
    driver.trigger("file-previous")
    driver.wait(lambda: name(driver) == "cell2.tif")
    assert driver.window.session.snapshot.file_index == 1


def test_broken_file_in_a_list_can_be_stepped_over(driver, stacks):
    stacks[1].write_bytes(b"")
    driver.drop(*stacks)
    driver.trigger("file-next")
    driver.wait(lambda: driver.window.message.isVisible())
    assert name(driver) == "cell1.tif"
    assert "cell2.tif is empty" in driver.window.message.words.text()
    driver.trigger("file-next")
    driver.wait(lambda: name(driver) == "cell10.tif")
    assert not driver.window.message.isVisible()


@pytest.mark.parametrize(
    "content", [b"", b"words, not pixels", b"II*\x00\xff\xff\xff\xff", b"II*\x00\x08\x00\x00\x00"]
)
def test_broken_file_leaves_the_document(driver, stacks, tmp_path, content):
    driver.drop(stacks[0])
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    before = driver.window.session.snapshot
    broken = tmp_path / "broken.tif"
    broken.write_bytes(content)
    driver.drop(broken)
    assert driver.window.session.snapshot.results is before.results
    assert driver.window.message.isVisible()
    assert "broken.tif" in driver.window.message.words.text()
    assert "Traceback" not in driver.window.message.words.text()


def test_newest_of_two_openings_wins(driver, stacks):
    driver.window.open_paths([stacks[0]])
    driver.window.open_paths([stacks[2]])
    driver.wait(lambda: name(driver) == "cell10.tif")


def test_opening_can_be_cancelled(driver, stacks, monkeypatch):
    driver.drop(stacks[0])
    go = threading.Event()

    def slow(paths, index, series, context):
        while not go.wait(0.005):
            context.check()

    monkeypatch.setattr("app.documents.opening.load", slow)
    driver.window.open_paths([stacks[1]])
    driver.qtbot.waitUntil(lambda: driver.window.status.job.isVisible())
    driver.click("job-cancel")
    driver.wait()
    assert name(driver) == "cell1.tif"
    assert not driver.window.message.isVisible()


def test_axes_question_is_asked_once_and_can_be_answered_later(driver, tmp_path):
    path = tmp_path / "planes.tif"
    pixels = np.random.default_rng(1).integers(0, 4000, (3, 16, 20), dtype=np.uint16)
    tifffile.imwrite(path, pixels, photometric="minisblack")
    driver.drop(path)
    strip = driver.window.axes_strip
    assert strip.isVisible()
    assert strip.words.text() == "3 planes: time, depth or channels? The file does not specify."
    driver.shot("axes")
    driver.click("axes-Z")
    driver.wait(lambda: driver.window.session.snapshot.source.stack.axes[0] == "Z")
    assert not strip.isVisible()
    driver.trigger("axis-C")
    driver.wait(lambda: driver.window.session.snapshot.source.stack.axes[0] == "C")
    snapshot = driver.window.session.snapshot
    assert set(snapshot.levels) == {0, 1, 2}
    assert not strip.isVisible()
    np.testing.assert_array_equal(snapshot.source.stack.read(), pixels)


def test_dismissed_question_stays_away(driver, tmp_path):
    tifffile.imwrite(tmp_path / "planes.tif", np.ones((5, 16, 20), np.uint16), photometric="minisblack")
    driver.drop(tmp_path / "planes.tif")
    driver.click("axes-dismiss")
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    assert not driver.window.axes_strip.isVisible()


def test_certain_axes_are_not_asked_about(driver, stacks):
    driver.drop(stacks[0])
    assert not driver.window.axes_strip.isVisible()


def test_another_series_of_the_file_can_be_chosen(driver, tmp_path):
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.ones((5, 32, 40), np.uint16))
        writer.write(np.full((16, 20), 7, np.uint8))
    driver.drop(path)
    box = driver.widget("series")
    assert box.count() == 2
    assert driver.window.notes.isVisible()
    driver.shot("series")
    driver.choose("series", box.itemText(1))
    driver.wait(lambda: driver.window.session.snapshot.source.stack.shape == (16, 20))
    assert driver.widget("series").currentIndex() == 1


def test_recent_file_that_is_gone_gives_a_sentence(driver, stacks):
    driver.drop(stacks[0])
    stacks[0].unlink()
    driver.window.recent.menu.actions()[0].trigger()
    driver.wait(lambda: driver.window.message.isVisible())
    assert "cell1.tif does not exist" in driver.window.message.words.text()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user without all rights")
def test_unreadable_file_gives_a_sentence(driver, stacks):
    stacks[0].chmod(0)
    driver.drop(stacks[0])
    assert "may not be read" in driver.window.message.words.text()


@needs_data
def test_real_volume_asks_for_its_axes(driver, tmp_path):
    shutil.copy(DATA / "stacks" / "nuclei_zyx.tif", tmp_path)
    driver.drop(tmp_path / "nuclei_zyx.tif")
    assert driver.window.axes_strip.words.text().startswith("60 planes: time, depth or channels?")
    driver.click("axes-Z")
    driver.wait(lambda: driver.window.session.snapshot.position == {"Z": 0})


# -- readers from outside, and how often a file is parsed --------------------------------------


def test_an_invented_format_is_offered_and_opens_by_a_drop(driver, tmp_path):
    with added(InventedReader()) as reader:
        assert "*.inv " in file_kinds.images()
        path = write_invented(tmp_path / "a.inv", np.ones((3, 16, 20), np.uint16))
        driver.drop(path)
        assert name(driver) == "a.inv"
        assert reader.parsed == [path]


def test_a_dropped_file_is_parsed_once(driver, stacks):
    with added(CountingReader()) as reader:
        driver.drop(stacks[0])
        driver.wait()
        assert name(driver) == "cell1.tif"
        assert reader.parsed == [stacks[0]]


def test_of_a_dropped_folder_each_file_is_parsed_once_at_most(driver, stacks, tmp_path):
    with added(CountingReader()) as reader:
        driver.drop(tmp_path)  # stacks to step through
        assert reader.parsed == [stacks[0]]
        planes = tmp_path / "planes"
        planes.mkdir()
        for number in range(4):
            tifffile.imwrite(planes / f"{number}.tif", np.full((16, 20), number, np.uint16))
        reader.parsed.clear()
        driver.drop(planes)
        driver.wait()
        assert driver.window.session.snapshot.source.stack.shape == (4, 16, 20)
        assert len(reader.parsed) == len(set(reader.parsed))
