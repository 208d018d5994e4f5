"""Microscopes' own formats in the window: series, remembered axes, export as OME-Zarr."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.documents.opening import load
from app.shell.preferences import ANSWERS, FILE, Preferences, config_folder
from core.files import open_stack
from core.findings import format_kinds
from tests.data import DATA, needs_data
from tests.driver import Driver


def planes(path: Path, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 999, (7, 24, 30)).astype(np.uint16)
    tifffile.imwrite(path, pixels, metadata=None)
    return path


def test_the_answer_about_axes_is_kept_for_the_same_pixels(driver: Driver, tmp_path: Path) -> None:
    window = driver.window
    driver.drop(planes(tmp_path / "a.tif"))
    driver.wait()
    assert window.axes_strip.isVisible()
    driver.click("axes-Z")
    driver.wait(lambda: window.session.snapshot.source.stack.axes == "ZYX")
    driver.drop(planes(tmp_path / "other.tif", seed=1))
    driver.wait(lambda: window.session.snapshot.source.stack.meta.name == "other.tif")
    assert window.axes_strip.isVisible()
    (tmp_path / "a.tif").rename(tmp_path / "moved.tif")  # known by its pixels, not by its name
    driver.drop(tmp_path / "moved.tif")
    driver.wait(lambda: window.session.snapshot.source.stack.meta.name == "moved.tif")
    stack = window.session.snapshot.source.stack
    assert stack.axes == "ZYX"
    assert not window.axes_strip.isVisible()
    assert format_kinds.AXES_REMEMBERED in [finding.kind for finding in stack.meta.findings]
    driver.trigger("axis-T")
    driver.wait(lambda: window.session.snapshot.source.stack.axes == "TYX")
    kept = json.loads((config_folder() / FILE).read_text(encoding="utf-8"))["axes"]
    assert len(kept) == 1
    assert kept[0].endswith(":T")


def test_answers_are_bounded_and_wrong_ones_do_no_harm(tmp_path: Path) -> None:
    known = Preferences()
    for number in range(ANSWERS + 5):
        known = known.answered(f"{number:064x}", "Z")
    assert len(known.axes) == ANSWERS
    assert known.axis_of(f"{ANSWERS + 4:064x}") == "Z"
    assert known.axis_of(f"{0:064x}") == ""
    path = planes(tmp_path / "a.tif")
    assert load([path], answered=lambda key: "X").stack.axes == "TYX"
    assert load([path], answered=lambda key: "C").stack.axes == "CYX"


@needs_data
def test_series_of_a_vendors_file_are_listed_and_chosen(driver: Driver) -> None:
    pytest.importorskip("czifile")
    window = driver.window
    driver.drop(DATA / "vendor" / "two_images_zyx.czi")
    driver.wait(lambda: window.session.snapshot.source is not None)
    box = driver.widget("series")
    assert [box.itemText(row) for row in range(box.count())] == [
        "ZYX 2 x 251 x 251, uint16 (scene 1)",
        "ZYX 2 x 251 x 251, uint16 (scene 2)",
    ]
    first = window.session.snapshot.source.stack.plane().mean()
    driver.choose("series", box.itemText(1))
    driver.wait(lambda: "scene 2" in window.session.snapshot.source.stack.meta.name)
    assert window.session.snapshot.source.stack.plane().mean() != first
    driver.shot("series")


def test_a_result_is_exported_as_ome_zarr_and_opened_again(driver: Driver, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    window = driver.window
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.full((3, 40, 50), 7, np.uint16), imagej=True, metadata={"axes": "TYX", "finterval": 2.0}
    )
    driver.drop(path)
    driver.wait(lambda: window.session.snapshot.source is not None)
    driver.filter()
    driver.wait(lambda: len(window.session.snapshot.results) == 2)
    driver.trigger("export")
    driver.choose("export-format", "OME-Zarr")
    target = Path(driver.widget("export-path").text())
    assert target.name == "a_denoised.ome.zarr"
    driver.shot("export-zarr")
    driver.click("export-accept")
    driver.wait(target.exists)
    driver.wait(lambda: target.with_name("a_denoised.ome.zarr.json").exists())
    assert open_stack(target).shape == (3, 40, 50)
    driver.drop(target)
    driver.wait(lambda: window.session.snapshot.source.stack.meta.name == target.name)
    assert window.session.snapshot.source.stack.meta.spacing["T"] == 2.0
