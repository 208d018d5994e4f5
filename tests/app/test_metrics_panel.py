"""The metrics panel: metrics of the engine against the chosen reference."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QStandardItemModel
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.panels.metrics import MetricsPanel
from app.panels.metrics.columns import Row, best, metric_cells, metric_columns
from app.panels.metrics.references import frames_in
from app.panels.metrics.table import BEST
from app.shell.jobs import Jobs
from app.shell.session import Session
from core.catalogue import create
from core.methods.apply import apply
from core.methods.base import BlockMethod
from core.model_file import ModelFile
from core.quality.metric import Measures
from core.quality.metrics import measure, metrics
from core.simulation import sample
from core.stack import Stack
from core.work.recipe import Step

MADE = sample(frames=4, shape=(48, 64))
WAIT = 30_000


@pytest.fixture
def panel(qtbot: QtBot, session: Session, jobs: Jobs) -> Iterator[MetricsPanel]:
    panel = MetricsPanel(session, jobs)
    qtbot.addWidget(panel)
    panel.resize(900, 260)
    panel.show()
    qtbot.waitExposed(panel)
    yield panel
    qtbot.waitUntil(lambda: not jobs.running, timeout=WAIT)


def add(session: Session, name: str, **values: object) -> None:
    method = create(name, values)
    assert isinstance(method, BlockMethod)
    source = session.snapshot.results[0]
    session.add(source.key, [Step.of(method)], apply(source.stack, method), 0.25)


def settle(qtbot: QtBot, session: Session, panel: MetricsPanel, jobs: Jobs) -> None:
    def quiet() -> bool:
        return not jobs.running and panel.table.rowCount() == len(session.snapshot.results)

    qtbot.waitUntil(quiet, timeout=WAIT)


def cell(panel: MetricsPanel, key: int, heading: str) -> str:
    return item(panel, key, heading).text()


def item(panel: MetricsPanel, key: int, heading: str):  # type: ignore[no-untyped-def]
    headers = [panel.table.horizontalHeaderItem(i) for i in range(panel.table.columnCount())]
    columns = [h.text().replace("\n", " ") for h in headers]
    return panel.table.item(panel.table.order().index(key), columns.index(heading))


def choose(panel: MetricsPanel, words: str) -> None:
    """Choose the first reference whose name begins with these words, by keyboard."""
    box = panel.reference.box
    index = next(i for i in range(box.count()) if box.itemText(i).startswith(words))
    box.setCurrentIndex(index)
    box.activated.emit(index)


def expected(stack: Stack, reference: Stack, *, affine: bool = False) -> Measures:
    return measure(stack.read(), reference.read(), affine=affine)


def assert_row(panel: MetricsPanel, session: Session, key: int, wanted: Measures) -> None:
    for metric in metrics():
        name = metric.heading
        text = cell(panel, key, name).removeprefix(BEST).strip()
        assert text == metric.show(wanted[metric.name]), metric.name
    stored = session.snapshot.measures[key]
    for metric in metrics():
        assert stored[metric.name] == pytest.approx(wanted[metric.name], rel=1e-6)


def test_the_truth_of_a_simulation_fills_the_table_by_itself(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    session.open(MADE.noisy, {}, truth=MADE.clean)
    add(session, "gaussian", sigma=1.5)
    settle(qtbot, session, panel, jobs)
    assert panel.reference.box.currentText() == "Truth of the sample"
    for result in session.snapshot.results:
        assert_row(panel, session, result.key, expected(result.stack, MADE.clean))


def test_the_mean_of_a_static_stack(qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel) -> None:
    session.open(MADE.noisy, {})
    choose(panel, "Mean of the 4 frames")
    qtbot.waitUntil(lambda: session.snapshot.reference is not None, timeout=WAIT)
    settle(qtbot, session, panel, jobs)
    reference = session.snapshot.reference
    assert reference is not None
    assert reference.kind == "frames"
    np.testing.assert_allclose(reference.stack.read(), MADE.noisy.read().mean(axis=0), rtol=1e-6)
    key = session.snapshot.results[0].key
    assert_row(panel, session, key, expected(MADE.noisy, reference.stack))
    assert "part of this mean" in panel.about.text()
    choose(panel, "none")
    settle(qtbot, session, panel, jobs)
    assert session.snapshot.reference is None


def test_a_single_frame_has_no_mean(qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel) -> None:
    session.open(MADE.clean, {})
    box = panel.reference.box
    index = next(i for i in range(box.count()) if box.itemText(i).startswith("Mean of"))
    model = box.model()
    assert isinstance(model, QStandardItemModel)
    assert not model.item(index).isEnabled()
    assert "single time point" in box.itemData(index, Qt.ItemDataRole.ToolTipRole)
    settle(qtbot, session, panel, jobs)


def test_a_file_as_reference_fitted_or_not(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel, tmp_path: Path
) -> None:
    import tifffile

    path = tmp_path / "clean.tif"
    dimmed = (MADE.clean.read() * 0.5 + 20).astype(np.float32)
    tifffile.imwrite(path, dimmed, imagej=True)
    panel.reference.ask_open = lambda: str(path)
    session.open(MADE.noisy, {})
    add(session, "median")
    choose(panel, "File…")
    qtbot.waitUntil(lambda: session.snapshot.reference is not None, timeout=WAIT)
    settle(qtbot, session, panel, jobs)
    assert panel.reference.box.currentText() == "clean.tif"
    reference = Stack.of(dimmed, "YX")
    key = session.snapshot.results[1].key
    plain = expected(session.snapshot.results[1].stack, reference)
    assert_row(panel, session, key, plain)
    qtbot.mouseClick(panel.reference.affine, Qt.MouseButton.LeftButton)
    assert not session.snapshot.measures, "old measures are gone at once"
    qtbot.waitUntil(lambda: len(session.snapshot.measures) == 2, timeout=WAIT)
    settle(qtbot, session, panel, jobs)
    fitted = expected(session.snapshot.results[1].stack, reference, affine=True)
    assert_row(panel, session, key, fitted)
    assert fitted["psnr"] > plain["psnr"] + 1


def test_a_reference_that_cannot_be_read_is_a_sentence(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel, tmp_path: Path
) -> None:
    path = tmp_path / "letter.tif"
    path.write_text("Dear Sir or Madam")
    panel.reference.ask_open = lambda: str(path)
    session.open(MADE.noisy, {})
    choose(panel, "File…")
    qtbot.waitUntil(lambda: panel.problem.isVisible(), timeout=WAIT)
    assert "letter.tif" in panel.problem.text()
    assert panel.reference.box.currentText() == "none"
    settle(qtbot, session, panel, jobs)


def test_a_reference_that_does_not_fit_is_explained(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    session.open(MADE.noisy, {})
    session.set_reference("file", "other.tif", Stack.of(np.eye(9, dtype=np.float32), "YX", name="other.tif"))
    settle(qtbot, session, panel, jobs)
    qtbot.waitUntil(lambda: "other.tif cannot be the reference" in panel.about.text(), timeout=WAIT)
    assert cell(panel, session.snapshot.results[0].key, "PSNR (dB)") == "–"


def test_simulated_noise_offers_what_it_was_added_to(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    clean = Stack.of(np.stack([MADE.clean.read()] * 2), "TYX", name="clean")
    session.open(clean, {})
    add(session, "gaussian-noise", sigma=5.0)
    assert session.snapshot.reference is None, "it is offered, not chosen"
    choose(panel, "Truth: raw before Gaussian noise")
    qtbot.waitUntil(lambda: len(session.snapshot.measures) == 2, timeout=WAIT)
    settle(qtbot, session, panel, jobs)
    raw, noisy = session.snapshot.results
    assert_row(panel, session, noisy.key, expected(noisy.stack, clean))
    assert cell(panel, raw.key, "PSNR (dB)") == "–", "the reference is not compared with itself"
    error = noisy.stack.read() - clean.read()
    assert float(cell(panel, noisy.key, "PSNR (dB)")) == pytest.approx(
        20 * math.log10(np.ptp(MADE.clean.read())) - np.mean([10 * math.log10((e**2).mean()) for e in error]),
        abs=0.006,
    )
    session.undo()
    assert panel.reference.box.currentText() == "Truth: raw before Gaussian noise", "it stays until changed"
    settle(qtbot, session, panel, jobs)


def test_the_best_is_marked_by_more_than_colour(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    session.open(MADE.noisy, {}, truth=MADE.clean)
    add(session, "gaussian", sigma=1.2)
    settle(qtbot, session, panel, jobs)
    raw, blurred = session.snapshot.results
    for name in ("PSNR (dB)", "SSIM", "NRMSE", "SNR (dB)"):
        assert item(panel, blurred.key, name).text().startswith(BEST)
        assert item(panel, blurred.key, name).font().bold()
        assert not item(panel, raw.key, name).font().bold()
    assert not item(panel, blurred.key, "Mean/std").font().bold(), "which cannot rank methods"


def test_best_leaves_out_what_is_not_finite() -> None:
    columns = metric_columns(metrics())

    def row(key: int, psnr: float) -> Row:
        values = Measures({m.name: psnr if m.name == "psnr" else math.nan for m in metrics()})
        cells = metric_cells(metrics(), values, "")
        return Row(key=key, label="", details="", frames=math.nan, cells=cells, seconds=0, note="")

    assert best(columns, [row(1, 30.0), row(2, math.inf), row(3, 31.0), row(4, math.nan)])[0] == {3}
    assert best(columns, [row(1, 30.0)])[0] == set()


def test_columns_sort_by_number_and_a_row_shows_its_result(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    session.open(MADE.noisy, {}, truth=MADE.clean)
    for sigma in (0.3, 1.5, 0.8):
        add(session, "gaussian", sigma=sigma)
    settle(qtbot, session, panel, jobs)
    header = panel.table.horizontalHeader()
    column = 2 + [m.name for m in metrics()].index("psnr")
    place = header.sectionViewportPosition(column) + header.sectionSize(column) // 2
    for order in (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder):  # the best on top first
        qtbot.mouseClick(
            header.viewport(), Qt.MouseButton.LeftButton,
            pos=header.viewport().rect().center().__class__(place, header.height() // 2),
        )  # fmt: skip
        values = [session.snapshot.measures[key]["psnr"] for key in panel.table.order()]
        assert values == sorted(values, reverse=order == Qt.SortOrder.DescendingOrder)
    target = panel.table.item(2, 0)
    qtbot.mouseClick(
        panel.table.viewport(), Qt.MouseButton.LeftButton, pos=panel.table.visualItemRect(target).center()
    )
    assert session.snapshot.shown == panel.table.order()[2]
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    assert session.snapshot.shown == panel.table.order()[3]
    session.show(panel.table.order()[0])
    assert panel.table.currentRow() == 0


def test_copy_and_csv_hold_the_table_with_its_reference(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel, tmp_path: Path
) -> None:
    session.open(MADE.noisy, {}, truth=MADE.clean)
    add(session, "gaussian-3d", sigma=1.0, depth=0.2)
    settle(qtbot, session, panel, jobs)
    path = tmp_path / "table.csv"
    panel.ask_save = lambda suggested: str(path)
    button = panel.findChild(QPushButton, "metrics-export")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    settle(qtbot, session, panel, jobs)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [r["Result"] for r in rows] == ["raw", "Gaussian blur 3D"]
    wanted = expected(session.snapshot.results[1].stack, MADE.clean)
    assert float(rows[1]["PSNR (dB)"]) == pytest.approx(wanted["psnr"], rel=1e-6)
    assert float(rows[1]["Range"]) == pytest.approx(wanted["data_range"], rel=1e-6)
    assert [rows[1][n] for n in ("Time (s)", "Reference", "Fit")] == ["0.25", "Truth of the sample", "none"]
    assert rows[1]["Measured on"] == "all 4 planes"
    assert (rows[0]["Frames in"], rows[1]["Frames in"]) == ("1", "3")
    qtbot.mouseClick(panel.findChild(QPushButton, "metrics-copy"), Qt.MouseButton.LeftButton)
    copied = list(csv.DictReader(io.StringIO(QGuiApplication.clipboard().text()), delimiter="\t"))
    assert copied == rows


def test_frames_that_go_into_a_result_add_up(session: Session) -> None:
    frames = Stack.of(np.zeros((20, 8, 8), np.float32), "TYX")
    session.open(frames, {})
    add(session, "box-3d", size=3, depth=5)
    add(session, "median", size=3)
    first, second = session.snapshot.results[1:]
    assert [frames_in(session.snapshot, r.key) for r in session.snapshot.results] == [1, 5, 1]
    method = create("box-3d", {"size": 1, "depth": 3})
    session.add(first.key, [Step.of(method)], [first.stack], 0.1)
    assert frames_in(session.snapshot, session.snapshot.results[3].key) == 7
    kinds = (("n2v", "none", 1), ("n2v", "Z", 1), ("n2v", "T", 5), ("quietfield", "mean", 17))
    for kind, neighbours, wanted in kinds:
        network = Step.of(create(kind, {"neighbours": neighbours}), ModelFile(file="n", sha256="0" * 64))
        session.add(session.snapshot.results[0].key, [network], [frames], 0.1)
        assert frames_in(session.snapshot, session.snapshot.results[-1].key) == wanted
    session.open(MADE.clean, {})
    assert math.isnan(frames_in(session.snapshot, session.snapshot.results[0].key)), "no time, no frames"
    assert second.parent != first.key


def press(qtbot: QtBot, panel: MetricsPanel, name: str) -> None:
    button = panel.findChild(QPushButton, name)
    assert button.isVisible()
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_one_click_compares_the_classic_filters(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    button = panel.findChild(QPushButton, "metrics-compare")
    assert not button.isEnabled()
    assert "No stack is open" in button.toolTip()
    session.open(MADE.noisy, {}, truth=MADE.clean)
    add(session, "gaussian")
    assert "Run 5 filters" in button.toolTip(), "what the table holds already is not run again"
    press(qtbot, panel, "metrics-compare")
    assert not button.isEnabled()
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 7, timeout=WAIT)
    settle(qtbot, session, panel, jobs)
    made = session.snapshot.results[2:]
    steps = [r.step for r in made if r.step is not None]
    assert [s.method for s in steps] == ["box", "median", "box-3d", "gaussian-3d", "median-3d"]
    assert all(r.seconds > 0 for r in made)
    for result, step in zip(made, steps, strict=True):
        (alone,) = apply(MADE.noisy, step.method_for())  # type: ignore[arg-type]
        np.testing.assert_array_equal(result.stack.read(), alone.read())
    psnr = {r.key: session.snapshot.measures[r.key]["psnr"] for r in session.snapshot.results}
    winner = max(psnr, key=lambda key: psnr[key] or 0.0)
    assert [key for key in psnr if cell(panel, key, "PSNR (dB)").startswith(BEST)] == [winner]
    assert session.snapshot.shown == winner, "the best filter is shown, not the first"
    assert not button.isEnabled()
    assert "already contains every classic filter" in button.toolTip()
    assert not panel.progress.isVisible()
    session.undo()
    assert len(session.snapshot.results) == 2, "one action"
    assert button.isEnabled()
    settle(qtbot, session, panel, jobs)


def test_comparing_needs_no_reference(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    session.open(Stack.of(MADE.noisy.plane(), "YX", name="plane.tif"), {})
    press(qtbot, panel, "metrics-compare")
    qtbot.waitUntil(lambda: len(session.snapshot.results) == 4, timeout=WAIT)
    settle(qtbot, session, panel, jobs)
    assert session.snapshot.reference is None
    assert cell(panel, session.snapshot.results[1].key, "PSNR (estimated)") == "–"
    assert "from 64 x 64 on" in panel.about.text(), "48 x 64 pixels are too few to estimate errors"


def test_a_comparison_that_is_cancelled_or_replaced_adds_nothing(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel
) -> None:
    session.open(MADE.noisy, {})
    press(qtbot, panel, "metrics-compare")
    panel.progress.cancel_button.click()
    settle(qtbot, session, panel, jobs)
    assert len(session.snapshot.results) == 1
    assert panel.compare.isEnabled()
    press(qtbot, panel, "metrics-compare")
    session.open(MADE.noisy.replace(name="another"), {})
    settle(qtbot, session, panel, jobs)
    assert len(session.snapshot.results) == 1


@pytest.mark.parametrize(("room", "rows"), [(5, 3), (1, 1)])
def test_what_memory_does_not_allow_is_left_out_with_a_sentence(
    qtbot: QtBot, session: Session, jobs: Jobs, panel: MetricsPanel, monkeypatch: pytest.MonkeyPatch,
    room: int, rows: int,
) -> None:  # fmt: skip
    size = int(np.prod(MADE.noisy.shape)) * 4
    monkeypatch.setattr("core.work.compare.available_memory", lambda: room * size)
    session.open(MADE.noisy, {})
    press(qtbot, panel, "metrics-compare")
    settle(qtbot, session, panel, jobs)
    assert len(session.snapshot.results) == rows
    assert panel.problem.isVisible()
    assert "of memory are free" in panel.problem.text()
    assert ("left out: Median" in panel.problem.text()) == (rows == 3)
