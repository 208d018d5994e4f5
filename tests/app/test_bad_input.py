"""Invalid files, and files that become invalid while they are open, in the window."""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.shell.defects import DefectDialog
from tests.app.test_main_window import make
from tests.data import DATA, needs_data
from tests.driver import Driver


def write(path: Path, pixels: np.ndarray) -> Path:
    if pixels.dtype == np.float64:
        tifffile.imwrite(path, pixels, photometric="minisblack")
    else:
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return path


def bad_files(folder: Path) -> list[Path]:
    """Files that cannot be opened, each for another reason."""
    whole = make(folder / "whole.tif").read_bytes()
    contents = {
        "empty.tif": b"",
        "text.tif": b"dear microscopist\n",
        "magic.tif": whole[:4],
        "cut.tif": whole[:600],
        "noise.tif": b"II*\0" + np.random.default_rng(0).bytes(4000),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    tifffile.imwrite(folder / "complex.tif", np.ones((2, 8, 8), np.complex64))
    (folder / "folder.tif").mkdir()
    return [*(folder / name for name in contents), folder / "complex.tif", folder / "folder.tif"]


def test_bad_files_leave_the_open_document_as_it_is(driver: Driver, tmp_path):
    driver.drop(make(tmp_path / "cells.tif"))
    before = driver.window.session.snapshot
    for path in bad_files(tmp_path):
        driver.drop(path)
        words = driver.window.message.words.text()
        assert path.name in words
        assert "Traceback" not in words
        now = driver.window.session.snapshot
        assert (now.results, now.shown, now.position) == (before.results, before.shown, before.position)
        driver.click("message-dismiss")


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((3, 20, 24), np.nan, np.float32),
        np.full((3, 20, 24), -np.inf, np.float32),
        np.where(np.arange(3 * 20 * 24).reshape(3, 20, 24) % 7, 1e30, np.nan).astype(np.float32),
        np.full((3, 20, 24), 7, np.uint16),
        np.zeros((2, 1, 1), np.uint8),
        np.full((2, 1, 30), 65535, np.uint16),
    ],
    ids=["nan", "infinite", "huge", "constant", "one pixel", "one row"],
)
def test_odd_pixels_are_shown_filtered_and_undone(driver: Driver, tmp_path, pixels):
    driver.drop(write(tmp_path / "odd.tif", pixels))
    assert driver.window.session.snapshot.source is not None
    assert driver.window.findChild(DefectDialog) is None, driver.window.log_panel.text.toPlainText()
    assert not driver.window.message.isVisible()
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) > 1)
    driver.window.viewer.auto_levels()
    driver.wait()
    driver.trigger("undo")
    driver.wait()


def test_values_beyond_single_precision_are_shown_and_refused_with_a_sentence(driver: Driver, tmp_path):
    pixels = np.where(np.arange(3 * 20 * 24).reshape(3, 20, 24) % 2, 1e300, -1.7e308)
    driver.drop(write(tmp_path / "enormous.tif", pixels))
    driver.method("gaussian")
    driver.wait(lambda: "Divide the stack" in driver.widget("filter-problem").text())
    driver.window.viewer.auto_levels()
    driver.wait()
    assert driver.window.findChild(DefectDialog) is None, driver.window.log_panel.text.toPlainText()
    assert len(driver.window.session.snapshot.results) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut an open file")
def test_a_file_cut_off_while_it_is_open_is_said_and_nothing_else_is_lost(driver: Driver, tmp_path):
    rng = np.random.default_rng(1)
    path = write(tmp_path / "cells.tif", rng.integers(0, 999, (12, 64, 64)).astype(np.uint16))
    driver.drop(path)
    before = driver.window.session.snapshot
    driver.method("gaussian")
    os.truncate(path, 9000)
    driver.click("filter-apply")
    driver.wait()
    assert "cells.tif has become shorter" in driver.widget("filter-problem").text()
    driver.window.session.move(T=11)  # a plane that is gone
    driver.wait()
    driver.window.session.move(T=0)  # the picture shows what it showed before
    driver.wait()
    assert "cells.tif has become shorter" in driver.widget("filter-problem").text()  # it is not wiped off
    driver.set("gaussian-sigma", "2")
    assert driver.widget("filter-problem").text() == ""
    assert driver.window.session.snapshot.results == before.results


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are listed by Linux")
def test_twenty_documents_leave_no_file_and_no_thread(driver: Driver, tmp_path):
    rng = np.random.default_rng(2)
    plain = write(tmp_path / "plain.tif", rng.integers(0, 999, (6, 64, 64)).astype(np.uint16))
    packed = tmp_path / "packed.tif"
    tifffile.imwrite(packed, tifffile.imread(plain), compression="zlib", photometric="minisblack")

    def state() -> tuple[int, int]:
        gc.collect()
        files = [f.resolve() for f in Path("/proc/self/fd").iterdir()]
        return sum(f.is_relative_to(tmp_path) for f in files), threading.active_count()

    counts = []
    for _ in range(10):
        for path in (plain, packed):
            driver.drop(path)
            driver.filter()
            driver.wait()
            counts.append(state())
    assert max(files for files, _ in counts) <= 2  # the document, and the one that can be brought back
    assert counts[-1][1] <= counts[1][1]


@needs_data
def test_torture_files_can_all_be_dropped(driver: Driver):
    folder = DATA / "tiff_torture"
    paths = sorted(p for p in folder.rglob("*.tif*") if p.stat().st_size < 300_000)[::6]
    assert len(paths) > 20
    for path in paths:
        before = driver.window.session.snapshot.source
        driver.drop(path)
        source = driver.window.session.snapshot.source
        if source is before:
            assert path.name in driver.window.message.words.text()
            driver.click("message-dismiss")
        else:
            assert source is not None
            assert source.stack.meta.path == path
