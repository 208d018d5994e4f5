from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.shell.jobs import Jobs, Outcome
from app.shell.session import Session
from app.shell.view_state import LAYOUTS, View, difference_limit
from app.viewer import luts
from app.viewer.canvas import Canvas
from app.viewer.hover import Hover
from app.viewer.painting import Legend
from app.viewer.viewer import StackViewer
from core.errors import QuietfieldError
from core.methods.outputs import EXPECTED_ERROR
from core.stack import Stack
from tests.app.viewer_tools import (
    SlowSource,
    add_result,
    drag,
    hover,
    mouse,
    preview,
    screenshot,
    seen,
    wheel,
)
from tests.data import DATA, needs_data

LEVELS = {0: (0.0, 256.0)}


@pytest.fixture
def viewer(session: Session, jobs: Jobs, qtbot: QtBot) -> Iterator[StackViewer]:
    viewer = StackViewer(session, jobs)
    qtbot.addWidget(viewer)
    viewer.resize(900, 600)
    viewer.show()
    qtbot.waitExposed(viewer)
    yield viewer
    qtbot.wait(80)  # the last throttled report


def _open(session: Session, qtbot: QtBot, frames: int = 1, shape: tuple[int, int] = (100, 120)) -> np.ndarray:
    """Open noise, different in each frame, all above 40 and below 200."""
    pixels = np.random.default_rng(5).integers(40, 200, (frames, *shape)).astype(np.uint16)
    session.open(Stack.of(pixels, "TYX", spacing={"X": 0.5, "Y": 0.25}), LEVELS)
    qtbot.wait(80)
    return pixels


def _gray(value: float) -> tuple[int, int, int]:
    return (int(value),) * 3


def test_pixels_have_their_colours_at_their_places(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    pixels = _open(session, qtbot, frames=2)
    session.set_layout("single")
    canvas = viewer.group.canvases[0]
    for frame in (0, 1):
        session.move(T=frame)
        for x, y in ((60, 50), (31, 77), (100, 40)):
            assert seen(viewer, canvas, x + 0.5, y + 0.5) == _gray(pixels[frame, y, x])
    session.set_levels((0.0, 512.0))
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(pixels[1, 50, 60] / 2)
    session.set_lut("Green")
    assert seen(viewer, canvas, 60.5, 50.5) == (0, pixels[1, 50, 60] // 2, 0)


def test_canvases_share_zoom_and_pan(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot)
    add_result(session, 255 - pixels.astype(np.float32))
    left, right = viewer.group.shown
    at = QPointF(130, 210)
    before = right.to_plane(at)
    wheel(right, at, 5)
    assert right.to_plane(at) == pytest.approx(before)
    assert left.camera == right.camera
    place = left.to_plane(at)
    drag(left, at, at + QPointF(30, -20))
    assert left.to_plane(at + QPointF(30, -20)) == pytest.approx(place)
    assert left.camera == right.camera
    x, y = (int(v) for v in left.to_plane(QPointF(200, 200)))
    assert seen(viewer, left, x + 0.5, y + 0.5) == _gray(pixels[0, y, x])
    assert seen(viewer, right, x + 0.5, y + 0.5) == _gray(255 - int(pixels[0, y, x]))


def test_arrow_keys_move_the_view(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    _open(session, qtbot)
    viewer.zoom(6)
    canvas, before = viewer.group.canvases[0], viewer.group.camera
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Up)
    moved = viewer.group.camera
    assert moved.x - before.x == pytest.approx(canvas.width() / 10 / before.scale)
    assert moved.y - before.y == pytest.approx(-canvas.height() / 10 / before.scale)


def test_what_is_visible_is_told_to_the_session(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    _open(session, qtbot)
    assert session.snapshot.view == View(0, 100, 0, 120)
    wheel(viewer.group.canvases[0], QPointF(100, 100), 8)
    qtbot.waitUntil(lambda: session.snapshot.view == viewer.group.view())
    view = session.snapshot.view
    assert view is not None
    assert view.bottom - view.top < 100
    mouse(viewer.group.canvases[0], QEvent.Type.MouseButtonDblClick, QPointF(60, 60))
    qtbot.waitUntil(lambda: session.snapshot.view == View(0, 100, 0, 120))


def test_nothing_jumps(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot, frames=3)
    viewer.zoom(4)
    drag(viewer.group.canvases[0], QPointF(100, 100), QPointF(140, 90))
    camera = viewer.group.camera
    add_result(session, pixels.astype(np.float32))
    for layout in (*LAYOUTS, "single"):
        session.set_layout(layout)
        session.move(T=(session.snapshot.position["T"] + 1) % 3)
        qtbot.wait(20)
        assert viewer.group.camera == camera
    session.undo()
    assert viewer.group.camera == camera
    assert session.snapshot.levels == LEVELS
    _open(session, qtbot)  # of the same size: the place can be followed from file to file
    assert viewer.group.camera == camera
    assert session.snapshot.view == viewer.group.view() != View(0, 100, 0, 120)
    _open(session, qtbot, shape=(90, 120))  # of another size: it is shown whole
    assert viewer.group.view() == session.snapshot.view == View(0, 90, 0, 120)


def _is_fitted(viewer: StackViewer, rows: int = 100, columns: int = 120) -> bool:
    """Whether every canvas shows the whole plane, as large as it fits."""
    canvas, camera = viewer.group.canvases[0], viewer.group.camera
    scale = min(canvas.width() / columns, canvas.height() / rows)
    return (camera.x, camera.y) == (columns / 2, rows / 2) and abs(camera.scale / scale - 1) < 0.01


def test_a_fitted_plane_stays_fitted(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    _open(session, qtbot)
    scales = {}
    for layout in ("single", "split", "curtain", "split", "single"):
        session.set_layout(layout)
        qtbot.wait(20)
        assert _is_fitted(viewer), layout
        scales[layout] = viewer.group.camera.scale
    assert scales["single"] > 1.2 * scales["split"]
    viewer.resize(1300, 900)
    qtbot.waitUntil(lambda: _is_fitted(viewer) and viewer.group.camera.scale > scales["single"] * 1.2)
    assert viewer.group.view() == View(0, 100, 0, 120)
    _open(session, qtbot, shape=(50, 70))
    assert _is_fitted(viewer, 50, 70)
    viewer.resize(700, 500)
    qtbot.waitUntil(lambda: _is_fitted(viewer, 50, 70))


def test_zoom_and_centre_chosen_by_a_person_stay_until_fit(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    _open(session, qtbot)
    viewer.zoom(2)
    camera = viewer.group.camera
    session.set_layout("single")
    viewer.resize(900, 700)
    qtbot.wait(50)
    assert viewer.group.camera == camera
    viewer.fit()
    assert _is_fitted(viewer)
    session.set_layout("split")
    qtbot.wait(20)
    assert _is_fitted(viewer)


def test_actual_size_is_one_pixel_for_one(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    _open(session, qtbot)
    viewer.actual_size()
    assert viewer.group.camera.scale * viewer.devicePixelRatioF() == pytest.approx(1)
    viewer.fit()
    assert viewer.group.view() == View(0, 100, 0, 120)


def test_the_curtain_shows_raw_left_and_result_right(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    pixels = _open(session, qtbot)
    add_result(session, np.full(pixels.shape, 222, np.float32))
    session.set_layout("curtain")
    viewer.fit()
    (canvas,) = viewer.group.shown
    y = 20
    handle = canvas.to_plane(QPointF(canvas.width() / 2, 0))[0]
    assert seen(viewer, canvas, handle - 10, y + 0.5) == _gray(pixels[0, y, int(handle - 10)])
    assert seen(viewer, canvas, handle + 10, y + 0.5) == _gray(222)
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)
    camera = viewer.group.camera
    drag(canvas, middle, middle + QPointF(150, 40))
    assert viewer.group.camera == camera  # the handle moved, not the picture
    assert canvas.handle == pytest.approx((middle.x() + 150) / canvas.width())
    assert seen(viewer, canvas, handle + 10, y + 0.5) == _gray(pixels[0, y, int(handle + 10)])
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.handle == pytest.approx((middle.x() + 150) / canvas.width() + 0.02)
    drag(canvas, QPointF(canvas.handle * canvas.width(), 100), QPointF(-500, 100))
    assert canvas.handle == 0


def test_a_preview_lies_exactly_over_its_region(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot)
    session.set_preview(preview(session, slice(30, 50), slice(40, 70), 222))
    canvas = viewer.group.shown[1]
    for x, y in ((42, 32), (67, 47), (55, 40)):
        assert seen(viewer, canvas, x + 0.5, y + 0.5) == _gray(222)
    for x, y in ((30, 40), (75, 40), (55, 20), (55, 60)):  # dimmed round it
        dimmed = seen(viewer, canvas, x + 0.5, y + 0.5)[0]
        assert 0.4 * pixels[0, y, x] < dimmed < 0.75 * pixels[0, y, x]
    assert seen(viewer, viewer.group.shown[0], 55.5, 40.5) == _gray(pixels[0, 40, 55])
    x, y = canvas.to_canvas(40, 30).x(), canvas.to_canvas(0, 40).y()
    image = screenshot(canvas)
    edge = image[round(y) - 12 : round(y) + 12, round(x) - 1 : round(x) + 1].max(axis=(1, 2))
    assert edge.max() > 235  # the light dashes of the frame are brighter than image and preview
    session.set_preview(None)
    assert seen(viewer, canvas, 55.5, 40.5) == _gray(pixels[0, 40, 55])


def test_a_preview_of_another_plane_is_not_shown(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot, frames=2)
    stale = preview(session, slice(30, 50), slice(40, 70), 222)
    session.move(T=1)
    session.set_preview(stale)
    assert seen(viewer, viewer.group.shown[1], 55.5, 40.5) == _gray(pixels[1, 40, 55])


def test_a_difference_has_levels_of_its_own(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot)
    add_result(session, pixels.astype(np.float32))
    session.set_layout("difference")
    canvas = viewer.group.shown[0]
    zero = seen(viewer, canvas, 60.5, 50.5)
    assert max(zero) - min(zero) <= 3  # grey
    session.set_levels((50.0, 60.0))
    assert seen(viewer, canvas, 60.5, 50.5) == zero
    limit = difference_limit(pixels[0])
    legend = canvas_legend(canvas)
    assert legend.texts == (f"−{limit:g}", "0", f"+{limit:g}")
    add_result(session, pixels + np.float32(limit))
    lighter = seen(viewer, canvas, 60.5, 50.5)
    assert lighter == (255, 240, 207)
    assert canvas_legend(canvas).texts == legend.texts
    session.set_preview(preview(session, slice(45, 55), slice(55, 65), -1e6))
    assert seen(viewer, canvas, 60.5, 50.5) == (22, 58, 107)


def test_limits_of_differences_stay_from_plane_to_plane(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    rng = np.random.default_rng(1)
    pixels = np.stack([rng.normal(0, 1, (64, 64)), rng.normal(0, 50, (64, 64))]).astype(np.float32)
    session.open(Stack.of(pixels, "TYX"), LEVELS)
    session.set_layout("difference")
    limits = []
    for frame in (0, 1):
        session.move(T=frame)
        limits.append(canvas_legend(viewer.group.canvases[0]).texts[2])
    assert limits == [f"+{difference_limit(pixels[0]):g}"] * 2


def canvas_legend(canvas: Canvas) -> Legend:
    assert canvas.picture is not None
    legend = canvas.picture.faces[-1].legend
    assert legend is not None
    return legend


def test_an_expected_error_has_colours_and_a_scale_of_its_own(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    pixels = _open(session, qtbot)
    whole = preview(session, slice(0, pixels.shape[1]), slice(0, pixels.shape[2]), 222)
    error = np.full(whole.pixels.shape, 2.0, np.float32)
    error[:, : error.shape[1] // 2] = 4.0
    session.set_preview(replace(whole, outputs=(*whole.outputs, (EXPECTED_ERROR, error))))
    raw, result, third = viewer.group.shown
    assert canvas_legend(third).texts == ("0", "2", "4")
    assert seen(viewer, result, 60.5, 50.5) == _gray(222)
    assert seen(viewer, third, 3.5, 3.5) == tuple(luts.table("magma")[255])
    assert seen(viewer, third, pixels.shape[2] - 3.5, 3.5) == tuple(luts.table("magma")[128])
    session.set_levels((50.0, 60.0))
    assert seen(viewer, third, 3.5, 3.5) == tuple(luts.table("magma")[255])
    assert raw.picture is not None
    assert raw.picture.faces[0].legend is None


def test_a_preview_is_mixed_with_what_lies_below(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot)
    rows, columns = slice(30, 80), slice(40, 90)
    part = replace(preview(session, rows, columns, 222), below=pixels[0, rows, columns].astype(np.float32))
    under = float(pixels[0, 50, 60])
    _, right = viewer.group.shown
    told: list[Hover | None] = []
    viewer.hovered.connect(told.append)
    for share in (0.0, 0.25, 1.0):
        session.set_preview(replace(part, share=share))
        wanted = under + share * (222 - under)
        assert seen(viewer, right, 60.5, 50.5) == _gray(np.float32(wanted))
        hover(right, right.to_canvas(60.5, 50.5))
        qtbot.waitUntil(lambda wanted=wanted: bool(told and told[-1] and told[-1].shown == wanted))


def test_raw_is_shown_while_the_key_is_held(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot)
    add_result(session, np.full(pixels.shape, 222, np.float32))
    session.set_layout("single")
    canvas = viewer.group.canvases[0]
    QTest.keyPress(canvas, Qt.Key.Key_R)
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(pixels[0, 50, 60])
    QTest.keyRelease(canvas, Qt.Key.Key_R)
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(222)
    button = viewer.findChild(object, "hold-raw")
    assert button.isVisible()
    QTest.mousePress(button, Qt.MouseButton.LeftButton)
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(pixels[0, 50, 60])
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(222)
    session.set_layout("split")
    assert not button.isVisible()


def test_hover_tells_the_intensities_of_the_arrays(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    pixels = _open(session, qtbot, frames=2)
    add_result(session, pixels * np.float32(1.5))
    session.move(T=1)
    told: list[Hover | None] = []
    viewer.hovered.connect(told.append)
    left, right = viewer.group.shown
    hover(right, right.to_canvas(33.5, 44.5))
    qtbot.waitUntil(lambda: bool(told))
    expected = Hover(
        x=33, y=44, x_um=16.5, y_um=11.0, raw=float(pixels[1, 44, 33]),
        shown=float(pixels[1, 44, 33]) * 1.5, label="Gaussian blur",
    )  # fmt: skip
    assert told[-1] == expected
    assert expected.position == "16.5, 11 µm"
    session.set_preview(preview(session, slice(40, 50), slice(30, 40), 7))
    qtbot.waitUntil(lambda: told[-1] is not None and told[-1].shown == 7)
    session.set_layout("difference")
    (only,) = viewer.group.shown
    hover(only, only.to_canvas(33.5, 44.5))
    qtbot.waitUntil(lambda: told[-1] is not None and told[-1].shown == 7 - float(pixels[1, 44, 33]))
    QTest.qWait(0)
    hover(left, QPointF(2, 2))
    left.leaveEvent(QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: told[-1] is None)


def test_the_pointer_is_marked_in_the_other_canvas(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    _open(session, qtbot)
    left, right = viewer.group.shown
    before = screenshot(right)
    hover(left, left.to_canvas(60.5, 50.5))
    changed = np.argwhere((screenshot(right) != before).any(axis=2))
    at = right.to_canvas(60.5, 50.5)
    assert np.abs(changed.mean(axis=0) - (at.y(), at.x())).max() < 2


def test_a_result_that_is_undone_is_no_longer_shown(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    pixels = _open(session, qtbot)
    add_result(session, np.full(pixels.shape, 222, np.float32))
    canvas = viewer.group.shown[1]
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(222)
    session.undo()
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(pixels[0, 50, 60])
    session.redo()
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(222)


@pytest.mark.parametrize(
    "pixels",
    [
        np.array([[9]], np.uint8),
        np.full((50, 60), 7, np.uint16),
        np.full((20, 30), np.nan, np.float32),
        np.arange(5000, dtype=np.uint16).reshape(1, 5000),
        np.arange(5000, dtype=np.float64).reshape(5000, 1),
        np.array([[np.inf, -np.inf], [1e38, -1e38]], np.float32),
        np.zeros((3, 40, 50), np.uint8),
        np.zeros((8, 8), bool),
    ],
    ids=["one pixel", "constant", "no number", "a row", "a column", "infinite", "colour", "binary"],
)
def test_odd_images_are_shown_in_every_layout(
    pixels: np.ndarray, viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    session.open(Stack.of(pixels, "CYX"[-pixels.ndim :]), {0: (7.0, 7.0)})
    add_result(session, pixels.astype(np.float32))
    for layout in LAYOUTS:
        session.set_layout(layout)
        viewer.fit()
        wheel(viewer.group.canvases[0], QPointF(99, 99), 3)
        hover(viewer.group.canvases[0], QPointF(100, 100))
        viewer.grab()
        qtbot.wait(50)
    assert viewer.group.canvases[0].picture is not None


def test_slow_planes_keep_the_old_picture_and_the_newest_wins(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    array = np.stack([np.full((40, 50), 60 + 20 * t, np.uint16) for t in range(6)])
    source = SlowSource(array)
    source.gate.set()
    session.open(Stack(source, "TYX"), LEVELS)
    session.set_layout("single")
    canvas = viewer.group.canvases[0]
    qtbot.waitUntil(lambda: canvas.picture is not None)
    source.gate.clear()
    for frame in (1, 2, 3, 4):
        session.move(T=frame)
    assert seen(viewer, canvas, 25, 20) == _gray(60)
    source.gate.set()
    qtbot.waitUntil(lambda: seen(viewer, canvas, 25, 20) == _gray(140))
    assert [r[0].start for r in source.reads] == [0, 1, 4]  # what nobody waits for is not read
    session.move(T=0)
    assert seen(viewer, canvas, 25, 20) == _gray(60)  # remembered
    assert len(source.reads) == 3


def test_unreadable_planes_are_reported_once_and_the_picture_stays(
    viewer: StackViewer, session: Session, jobs: Jobs, qtbot: QtBot
) -> None:
    source = SlowSource(np.stack([np.full((40, 50), 60 + 20 * t, np.uint16) for t in range(3)]))
    source.gate.set()
    session.open(Stack(source, "TYX"), LEVELS)
    session.set_layout("single")
    canvas = viewer.group.canvases[0]
    qtbot.waitUntil(lambda: canvas.picture is not None)
    failures: list[tuple[str, Outcome]] = []
    jobs.failed.connect(lambda label, outcome: failures.append((label, outcome)))
    source.error = QuietfieldError("Frame 2 cannot be read.")
    viewer.navigation.toggle_play()
    session.move(T=1)
    qtbot.waitUntil(lambda: len(failures) == 1)
    assert str(failures[0][1].error) == "Frame 2 cannot be read."
    assert not viewer.navigation.playing
    assert seen(viewer, canvas, 25, 20) == _gray(60)
    session.set_levels((0.0, 512.0))
    qtbot.wait(50)
    assert len(failures) == 1
    source.error = None
    session.move(T=2)
    qtbot.waitUntil(lambda: seen(viewer, canvas, 25, 20) == _gray(50))


def test_another_document_is_shown_while_the_old_one_still_reads(
    viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    stuck = SlowSource(np.full((2, 40, 50), 99, np.uint16))
    session.open(Stack(stuck, "TYX"), LEVELS)
    pixels = _open(session, qtbot)
    canvas = viewer.group.canvases[0]
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(pixels[0, 50, 60])
    stuck.gate.set()
    qtbot.wait(100)
    assert seen(viewer, canvas, 60.5, 50.5) == _gray(pixels[0, 50, 60])


def test_the_viewer_writes_nothing_but_the_view(viewer: StackViewer, session: Session, qtbot: QtBot) -> None:
    pixels = _open(session, qtbot, frames=2)
    changes: list[set[str]] = []

    def compare(new: object, old: object) -> None:
        names = new.__dataclass_fields__  # type: ignore[attr-defined]
        changes.append({n for n in names if getattr(new, n) is not getattr(old, n)})

    add_result(session, pixels.astype(np.float32))
    qtbot.wait(80)
    session.changed.connect(compare)
    session.move(T=1)
    session.set_levels((1.0, 2.0))
    session.set_lut("Fire")
    session.set_layout("curtain")
    qtbot.wait(120)
    assert changes[:4] == [{"position"}, {"levels"}, {"lut"}, {"layout"}]
    assert all(c == {"view"} for c in changes[4:])


@needs_data
@pytest.mark.parametrize("name", ["convallaria_one_frame", "cryo_tomogram_zyx", "timelapse_tyx", "sem_n2v"])
def test_real_stacks_have_their_colours(
    name: str, viewer: StackViewer, session: Session, qtbot: QtBot
) -> None:
    import tifffile

    from app.shell.view_state import auto_levels

    pixels = tifffile.imread(DATA / "stacks" / f"{name}.tif").squeeze()
    low, high = auto_levels(pixels)
    session.open(Stack.of(pixels, "ZYX"[-pixels.ndim :]), {0: (low, high)})
    session.set_layout("single")
    viewer.group.set_scale(4)
    plane = pixels if pixels.ndim == 2 else pixels[0]
    y, x = plane.shape[0] // 2, plane.shape[1] // 2
    expected = np.clip((float(plane[y, x]) - low) * 256 / (high - low), 0, 255)
    assert seen(viewer, viewer.group.canvases[0], x + 0.5, y + 0.5)[0] == pytest.approx(expected, abs=1)
