"""Instant in the window: shown automatically after a drop, blended without delay, applied like a filter."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.cli.main import main
from app.preview.computing import PATIENCE
from app.shell import preferences
from app.viewer.rendering import blend
from app.window.main_window import MainWindow
from core.instant.constants import REACH
from core.instant.method import Instant
from core.methods.apply import evaluate
from core.stack import Stack
from tests.driver import Driver
from tests.network_runs import before_each_run


def stack(shape: tuple[int, ...] = (2, 64, 80), axes: str = "TYX") -> Stack:
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    light = 20 + 15 * np.sin(y / 7) * np.cos(x / 9)
    pixels = np.random.default_rng(5).poisson(light, shape).astype(np.uint16)
    return Stack.of(pixels, axes, name="waves")


def write(path: Path, source: Stack) -> Path:
    tifffile.imwrite(path, source.read(), imagej=True, metadata={"axes": source.axes})
    return path


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    return write(tmp_path / "waves.tif", stack())


@pytest.fixture
def passes() -> Iterator[list[tuple[int, ...]]]:
    """Count how often the network runs, by the shapes it is given."""
    seen: list[tuple[int, ...]] = []
    with before_each_run(seen.append):
        yield seen


def on_the_canvas(driver: Driver) -> NDArray[np.float32] | None:
    """Pixels beside the raw image, as they are mixed."""
    preview = driver.window.session.snapshot.preview
    if preview is None or preview.label != "Instant (preview)" or preview.unfinished:
        return None
    if preview.below is None or preview.share == 1:
        return preview.pixels
    return blend(preview.pixels, preview.below, preview.share)


def shows(driver: Driver, expected: NDArray[np.float32]) -> bool:
    pixels = on_the_canvas(driver)
    same = pixels is not None and pixels.shape == expected.shape
    return bool(same and np.allclose(pixels, expected, atol=1e-2))


def words(driver: Driver, name: str) -> str:
    label = driver.widget(name)
    return label.text() if label.isVisible() else ""


def test_a_dropped_stack_is_shown_denoised_beside_raw_without_a_click(driver: Driver, waves: Path) -> None:
    driver.drop(waves)
    expected = evaluate(stack(), Instant())[0]
    driver.wait(lambda: shows(driver, expected[0]))
    raw, result = (c.picture.faces[0].label for c in driver.window.viewer.group.shown if c.picture)
    assert (raw, result) == ("raw", "Instant (preview)")
    driver.keys(">", "stack-viewer")
    assert driver.window.session.snapshot.preview is None
    driver.wait(lambda: shows(driver, expected[1]))
    driver.shot("instant-drop")


def test_previews_after_the_first_read_no_weights(
    driver: Driver, waves: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.drop(waves)
    expected = evaluate(stack(), Instant())[0]
    driver.wait(lambda: shows(driver, expected[0]))

    def closed(*words: object, **more: object) -> None:
        raise OSError("no file can be opened now")

    monkeypatch.setattr("core.instant.weights.safe_open", closed)
    driver.keys(">", "stack-viewer")
    driver.wait(lambda: shows(driver, expected[1]))


def test_the_sample_is_shown_denoised(driver: Driver) -> None:
    driver.click("welcome-simulated")
    driver.wait(lambda: on_the_canvas(driver) is not None)
    truth = driver.window.session.snapshot.truth
    source = driver.window.session.snapshot.source
    assert truth is not None
    assert source is not None
    denoised = on_the_canvas(driver)
    assert denoised is not None
    clean = truth.plane().astype(float)
    gain = np.mean((source.stack.plane() - clean) ** 2) / np.mean((denoised - clean) ** 2)
    assert gain > 10, "ten decibels nearer to the truth"


def test_the_strength_slider_answers_at_once_and_runs_no_network(
    driver: Driver, waves: Path, passes: list[tuple[int, ...]]
) -> None:
    driver.drop(waves)
    expected = evaluate(stack(), Instant())[0]
    driver.wait(lambda: shows(driver, expected[0]))
    raw = stack().plane(T=0).astype(np.float32)
    count = len(passes)
    slider = driver.widget("instant-strength-slider")
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    end, middle = (
        QPoint(slider.width() - 8, slider.height() // 2),
        QPoint(slider.width() // 2, slider.height() // 2),
    )
    QTest.mousePress(slider, left, none, end)
    seen = set()
    for part in range(1, 5):
        QTest.mouseMove(slider, end + (middle - end) * part / 4)
        strength = driver.widget("instant-strength").value()
        seen.add(strength)
        assert shows(driver, raw + strength * (expected[0] - raw)), "at once, not after a wait"
    QTest.mouseRelease(slider, left, none, middle)
    assert len(seen) == 4
    assert not driver.window.jobs.running
    driver.set("instant-strength", "0.5")
    assert shows(driver, (expected[0] + raw) / 2)
    driver.set("instant-strength", "0")
    assert shows(driver, raw)
    driver.wait()
    assert len(passes) == count
    driver.shot("instant-strength")


def test_moving_about_in_what_is_known_runs_no_network(
    driver: Driver, waves: Path, passes: list[tuple[int, ...]]
) -> None:
    driver.drop(waves)
    driver.wait(lambda: on_the_canvas(driver) is not None)
    count = len(passes)
    driver.keys("++", "stack-viewer")
    driver.click("filter-preview")
    assert on_the_canvas(driver) is None
    driver.click("filter-preview")
    assert on_the_canvas(driver) is not None
    driver.qtbot.wait(200)
    driver.wait()
    assert len(passes) == count


def test_apply_undo_redo_and_the_recipe(driver: Driver, waves: Path) -> None:
    driver.drop(waves)
    driver.wait(lambda: on_the_canvas(driver) is not None)
    driver.set("instant-strength", "0.5")
    driver.click("filter-apply")
    session = driver.window.session
    driver.wait(lambda: len(session.snapshot.results) == 2)
    made = session.snapshot.results[1]
    assert made.step is not None
    assert made.step.params["strength"] == 0.5
    expected = (evaluate(stack(), Instant())[0] + stack().read()) / 2
    np.testing.assert_allclose(made.stack.read(), expected, atol=1e-2)
    assert session.snapshot.preview is None
    driver.trigger("undo")
    assert len(session.snapshot.results) == 1
    driver.trigger("redo")
    assert session.snapshot.results[1] is made
    assert made.step.method == "instant"


def test_a_large_plane_is_shown_from_its_middle(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, side = REACH + 16, 2 * REACH + 50
    monkeypatch.setattr("app.preview.computing.FIRST", first)
    seen = threading.Event()
    shown: list[tuple[bool, tuple[int, ...]]] = []

    def note(new, old):
        if new.preview is not None and new.preview is not old.preview:
            shown.append((new.preview.unfinished, new.preview.pixels.shape))
            seen.set()

    driver.window.session.changed.connect(note)
    with before_each_run(lambda _: seen.wait(PATIENCE + 0.1)):  # slowly, until something is shown
        driver.drop(write(tmp_path / "large.tif", stack((side, side), "YX")))
        driver.wait(lambda: bool(shown) and shown[-1] == (False, (side, side)))
    assert shown[:-1] == [(True, (first, first))]


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.full((8, 8), 3, np.uint8), "at least 12 x 12"),
        (np.full((64, 64), 9, np.uint16), "No noise was found"),
    ],
)
def test_what_cannot_be_denoised_is_shown_raw_with_a_sentence(
    driver: Driver, tmp_path: Path, pixels: np.ndarray, sentence: str
) -> None:
    tifffile.imwrite(tmp_path / "odd.tif", pixels)
    failed: list[str] = []
    driver.window.jobs.failed.connect(lambda label, outcome: failed.append(label))
    driver.drop(tmp_path / "odd.tif")
    said = "filter-problem", "filter-findings"
    driver.wait(lambda: any(words(driver, name) for name in said))
    assert sentence in " ".join(words(driver, name) for name in said)
    preview = driver.window.session.snapshot.preview
    assert preview is None or np.array_equal(preview.pixels, pixels)
    assert not failed
    assert not driver.window.message.isVisible()


def test_three_channels_of_colour_are_denoised_one_by_one(driver: Driver, tmp_path: Path) -> None:
    source = stack((3, 64, 80), "CYX")
    driver.drop(write(tmp_path / "colour.tif", source))
    expected = evaluate(source, Instant())[0]
    driver.wait(lambda: shows(driver, expected[0]))
    driver.window.session.move(C=2)
    driver.wait(lambda: shows(driver, expected[2]))


def test_it_can_be_turned_off_and_stays_off(
    driver: Driver, waves: Path, passes: list[tuple[int, ...]]
) -> None:
    driver.trigger("live-preview")
    assert not driver.widget("filter-preview").isChecked()
    driver.drop(waves)
    driver.qtbot.wait(200)
    driver.wait()
    assert driver.window.session.snapshot.preview is None
    assert not passes
    assert not preferences.load().live_preview
    second = MainWindow()
    assert not second.filter_panel.preview.isChecked()
    assert not second.findChild(type(driver.action("live-preview")), "live-preview").isChecked()
    second.close()
    second.deleteLater()
    driver.click("filter-preview")
    assert driver.action("live-preview").isChecked()
    driver.wait(lambda: on_the_canvas(driver) is not None)


def test_another_method_stays_chosen_from_stack_to_stack(
    driver: Driver, waves: Path, passes: list[tuple[int, ...]]
) -> None:
    driver.method("median")
    driver.drop(waves)
    session = driver.window.session
    driver.wait(lambda: session.snapshot.preview is not None)
    assert session.snapshot.preview.label == "Median (preview)"
    assert not passes


def pane_labels(driver: Driver) -> list[str]:
    return [c.picture.faces[0].label for c in driver.window.viewer.group.shown if c.picture]


def test_the_next_stack_replaces_what_is_computed_for_the_last(driver: Driver, tmp_path: Path) -> None:
    held, free = threading.Event(), threading.Event()

    def hold(shape: tuple[int, ...]) -> None:
        if shape[-1] > 400:  # the first stack is being computed until the second one is open
            held.set()
            free.wait(30)

    first = write(tmp_path / "first.tif", stack((600, 700), "YX"))
    second = write(tmp_path / "second.tif", stack((1, 64, 80)))
    seen: list[tuple[int, ...]] = []
    driver.window.session.changed.connect(
        lambda new, old: (
            new.preview and new.preview is not old.preview and seen.append(new.preview.pixels.shape)
        )
    )
    with before_each_run(hold):
        driver.window.open_paths([first])
        driver.qtbot.waitUntil(held.is_set, timeout=30_000)
        assert pane_labels(driver) == ["raw", "raw (computing Instant…)"]
        driver.window.session.changed.connect(lambda new, old: new.source is not old.source and free.set())
        driver.drop(second)
        driver.wait(lambda: on_the_canvas(driver) is not None)
    assert set(seen) == {(64, 80)}
    assert pane_labels(driver) == ["raw", "Instant (preview)"]


def test_what_cannot_be_computed_is_not_awaited(driver: Driver, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "tiny.tif", np.full((8, 8), 3, np.uint8))
    driver.drop(tmp_path / "tiny.tif")
    driver.wait(lambda: bool(words(driver, "filter-problem")))
    assert pane_labels(driver) == ["raw", "raw (no result yet)"]


def test_a_preview_that_another_one_displaced_can_be_asked_for_again(driver: Driver, waves: Path) -> None:
    held, free = threading.Event(), threading.Event()

    def hold(_: tuple[int, ...]) -> None:
        held.set()
        free.wait(30)

    with before_each_run(hold):
        driver.window.open_paths([waves])
        driver.qtbot.waitUntil(held.is_set, timeout=30_000)
        driver.window.jobs.start("other", lambda job: None, channel="preview", quiet=True)
        free.set()
        driver.wait()
    assert on_the_canvas(driver) is None
    assert driver.widget("filter-status").text() == ""
    driver.window.filter_panel.methods.edited.emit()
    driver.wait(lambda: on_the_canvas(driver) is not None)


def test_on_the_command_line(tmp_path: Path, waves: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "quiet.tif"
    line = f"denoise {waves} -o {target} --method instant --dtype float32 --quiet --strength 0.8"
    assert main(line.split()) == 0
    assert json.loads(capsys.readouterr().out)["pixels"] == 2 * 64 * 80
    expected = evaluate(stack(), Instant(strength=0.8))[0]
    np.testing.assert_allclose(tifffile.imread(target), expected, atol=1e-2)
    assert expected.std() < 0.95 * stack().read().std()


def test_the_expected_error_is_one_key_away_and_a_result_of_its_own(driver: Driver, waves: Path) -> None:
    driver.drop(waves)
    driver.wait(lambda: on_the_canvas(driver) is not None)
    driver.trigger("layout-curtain")
    driver.key(Qt.Key.Key_E)
    session = driver.window.session
    denoised, error = evaluate(stack(), Instant(uncertainty=True))
    driver.wait(lambda: session.snapshot.preview is not None and len(session.snapshot.preview.outputs) == 2)
    assert shows(driver, denoised[0])
    assert session.snapshot.preview is not None
    np.testing.assert_allclose(session.snapshot.preview.outputs[1][1], error[0], rtol=1e-3)
    assert driver.action("expected-error").isChecked()
    assert driver.widget("instant-uncertainty").isChecked()
    labels = [c.picture.faces[0].label for c in driver.window.viewer.group.shown if c.picture]
    assert labels == ["raw", "Instant (preview)", "expected error (counts)"]
    driver.shot("instant-error")
    driver.click("filter-apply")
    driver.wait(lambda: len(session.snapshot.results) == 3)
    made = session.snapshot.results[2]
    assert made.label == "Instant, expected error"
    np.testing.assert_allclose(made.stack.read(), error, rtol=1e-3)
    session.set_reference("frames", "mean", stack())
    driver.wait(lambda: session.snapshot.results[1].key in session.snapshot.measures)
    assert made.key not in session.snapshot.measures, "an error is no image to be compared"
    driver.key(Qt.Key.Key_E)
    assert not driver.widget("instant-uncertainty").isChecked()
    driver.wait(lambda: session.snapshot.preview is not None and len(session.snapshot.preview.outputs) == 1)


def test_best_and_neighbours_are_in_the_form_where_the_stack_has_them(driver: Driver, waves: Path) -> None:
    driver.drop(waves)
    driver.wait(lambda: on_the_canvas(driver) is not None)
    items = driver.widget("instant-neighbours").model()
    assert [items.item(i).isEnabled() for i in range(4)] == [True, False, True, True]
    assert "depth (Z)" in items.item(1).toolTip()
    driver.choose("instant-neighbours", "Frames")
    expected = evaluate(stack(), Instant(neighbours="T"))[0]
    driver.wait(lambda: shows(driver, expected[0]))
    driver.choose("instant-neighbours", "Mean of frames")
    expected = evaluate(stack(), Instant(neighbours="mean"))[0]
    driver.wait(lambda: shows(driver, expected[0]))
    driver.choose("instant-neighbours", "None")
    driver.choose("instant-quality", "Best")
    best = evaluate(stack(), Instant(quality="best"))[0]
    driver.wait(lambda: shows(driver, best[0]))


def test_shots_of_one_scene_are_offered_their_mean_and_what_moves_is_told_of(
    driver: Driver, tmp_path: Path
) -> None:
    still = stack((4, 96, 96))
    driver.drop(write(tmp_path / "still.tif", still))
    driver.wait(lambda: "Mean of frames" in words(driver, "filter-findings"))
    driver.click("filter-frames-still")
    assert driver.widget("instant-neighbours").currentText() == "Mean of frames"
    expected = evaluate(still, Instant(neighbours="mean"))[0]
    driver.wait(lambda: shows(driver, expected[0]))
    driver.wait(lambda: words(driver, "filter-findings") == "")
    assert not driver.widget("filter-frames-still").isVisible()
    driver.click("filter-apply")
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    made = driver.window.session.snapshot.results[1]
    assert made.step is not None
    assert made.step.params["neighbours"] == "mean"
    np.testing.assert_allclose(made.stack.read(), expected, atol=1e-2)
    moving = np.stack([np.roll(plane, 5 * i, 1) for i, plane in enumerate(still.read())])
    driver.drop(write(tmp_path / "moving.tif", Stack.of(moving, "TYX")))
    alone = evaluate(Stack.of(moving, "TYX"), Instant())[0]
    driver.wait(lambda: shows(driver, alone[0]))
    assert driver.widget("instant-neighbours").currentText() == "None", "the next scene may move"
    driver.choose("instant-neighbours", "Mean of frames")
    driver.wait(lambda: "of frame 1 differs from the mean of the frames" in words(driver, "filter-findings"))
    driver.shot("instant-smeared")


def test_a_median_filter_is_offered_for_single_pixels_that_stand_out(driver: Driver, tmp_path: Path) -> None:
    pixels = stack((128, 128), "YX").read()
    pixels[np.random.default_rng(0).random(pixels.shape) < 0.02] = 2000
    driver.drop(write(tmp_path / "hot.tif", Stack.of(pixels, "YX")))
    driver.wait(lambda: driver.widget("filter-pixels-outlying").isVisible())
    driver.click("filter-pixels-outlying")
    session = driver.window.session
    driver.wait(lambda: session.snapshot.preview is not None and not session.snapshot.preview.unfinished)
    assert session.snapshot.preview.label == "Median (preview)"
    assert not driver.widget("filter-pixels-outlying").isVisible()


def test_doubts_are_said_once_and_stay_from_plane_to_plane(driver: Driver, tmp_path: Path) -> None:
    pixels = np.minimum(stack((3, 128, 128)).read(), 30)  # a third of it is saturated
    tifffile.imwrite(tmp_path / "bright.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    driver.drop(tmp_path / "bright.tif")
    driver.wait(lambda: "saturated" in words(driver, "filter-findings"))
    said: list[str] = []
    label = driver.widget("filter-findings")
    real = label.say
    label.say = lambda text: (said.append(text), real(text))
    driver.keys(">", "stack-viewer")
    driver.wait(lambda: on_the_canvas(driver) is not None)
    assert not said or said == [words(driver, "filter-findings")]
    driver.shot("instant-doubts")
    driver.method("gaussian")
    assert not words(driver, "filter-findings")
