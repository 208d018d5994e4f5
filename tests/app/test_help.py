"""The help: pages render, links have targets, and F1 opens the page of the current panel."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QTextTable
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox

from app.cli.arguments import COMMANDS
from app.shell import theme
from app.shell.session import Session
from app.window.help_pages import PAGES, markdown, page_of
from app.window.help_window import HelpWindow
from app.window.menus import keys
from core.catalogue import methods
from core.methods.base import Group
from core.params import describe
from resources import FOLDER
from tests.app.test_main_window import make


def test_the_contents_are_the_pages_that_ship() -> None:
    assert {f"{name}.md" for name in PAGES} == {p.name for p in (FOLDER / "help").iterdir()}


@pytest.fixture
def window(qtbot, qapp):
    theme.apply_theme(qapp, "light")
    made = HelpWindow(keys())
    qtbot.addWidget(made)
    return made


class Browser(QObject):
    """Stands in for the browser of the system."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


@pytest.fixture
def browser(qapp) -> Iterator[Browser]:
    found = Browser()
    QDesktopServices.setUrlHandler("https", found, "open")
    yield found
    QDesktopServices.unsetUrlHandler("https")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_reads(window: HelpWindow, page: str) -> None:
    source = markdown(page, keys())
    assert "{{" not in source
    assert max(map(len, (FOLDER / "help" / f"{page}.md").read_text("utf-8").splitlines())) <= 130
    window.show_page(page)
    shown = window.text.toPlainText()
    assert shown.startswith(PAGES[page]) or shown.startswith(source.splitlines()[0].lstrip("# "))
    assert "**" not in shown
    assert "](" not in shown
    assert window.contents.currentItem().text() == PAGES[page]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(window: HelpWindow, page: str, browser: Browser) -> None:
    for target in re.findall(r"\]\((\S+?)\)", markdown(page, keys())):
        window.show_page(page)
        window.text.anchorClicked.emit(QUrl(target))
        if target.startswith("https://"):
            assert browser.opened.pop() == target
        else:
            assert window.page == target.removesuffix(".md") != page


@pytest.mark.parametrize(
    ("page", "group"),
    [("filters", "filter"), ("filters", "instant"), ("filters", "noise"), ("training", "learned")],
)
def test_tables_hold_every_parameter_with_its_default(window: HelpWindow, page: str, group: Group) -> None:
    window.show_page(page)
    frames = window.text.document().rootFrame().childFrames()
    tables = [f for f in frames if isinstance(f, QTextTable)]
    rows = {tuple(_cell(t, row, c) for c in range(2)) for t in tables for row in range(t.rows())}
    for method in methods(group):
        assert method.label in window.text.toPlainText()
        for p in describe(method):
            default = p.choices.get(str(p.default), p.default)
            words = {True: "on", False: "off"}.get(default, default) if p.kind == "bool" else default
            wanted = f"{words:.10g}" if isinstance(words, float) else str(words)
            assert (p.label, f"{wanted} {p.unit}".strip() or "–") in rows, p.name


def _cell(table: QTextTable, row: int, column: int) -> str:
    return table.cellAt(row, column).firstCursorPosition().block().text()


def test_commands_on_the_page_exist() -> None:
    lines = [line for line in markdown("command-line", keys()).splitlines() if line.startswith("quietfield ")]
    assert len(lines) >= 8
    for line in lines:
        assert line.split()[1] in COMMANDS


def test_f1_opens_the_page_of_where_the_keyboard_is(driver, tmp_path) -> None:
    window = driver.window
    driver.drop(make(tmp_path / "cell.tif"))
    window.activateWindow()

    def page() -> str:
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_F1)
        found = window.findChild(HelpWindow)
        assert found is not None
        assert found.isVisible()
        assert not found.isModal()
        shown = found.page
        found.close()
        window.activateWindow()
        driver.qtbot.waitUntil(window.isActiveWindow)
        return shown

    for panel, wanted in (
        (window.filter_panel, "filters"), (window.training_panel, "training"),
        (window.metrics_panel, "metrics"), (window.contrast_panel, "viewer"),
        (window.results_panel, "viewer"), (window.log_panel, "tour"),
    ):  # fmt: skip
        window.arrangement.go_to(panel)
        assert panel.isAncestorOf(QApplication.focusWidget()), wanted
        assert page() == wanted
    window.viewer.group.canvases[0].setFocus()
    assert page() == "viewer"
    window.arrangement.go_to(window.filter_panel)
    window.filter_panel.findChild(QDoubleSpinBox, "instant-strength").setFocus()
    assert page() == "filters"
    assert len(window.findChildren(HelpWindow)) == 1


def test_f1_in_the_export_dialog(driver, tmp_path) -> None:
    from app.documents.export_dialog import ExportDialog

    driver.drop(make(tmp_path / "cell.tif"))
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    driver.trigger("export")
    dialog = driver.window.findChild(ExportDialog)
    dialog.activateWindow()
    driver.qtbot.waitUntil(dialog.isActiveWindow)
    dialog.result_box.setFocus()
    assert page_of(dialog.result_box) == "export"
    QTest.keyClick(dialog.result_box, Qt.Key.Key_F1)
    assert driver.window.findChild(HelpWindow).page == "export"


def test_no_page_means_the_tour(session: Session) -> None:
    assert page_of(None) == "tour"
    with pytest.raises(KeyError):
        markdown("no-such-page", keys())


def test_the_help_follows_the_theme(window: HelpWindow, qapp: QApplication) -> None:
    window.show_page("metrics")
    before = window.text.grab().toImage()
    theme.apply_theme(qapp, "dark")
    assert window.page == "metrics"
    assert window.text.grab().toImage() != before
    theme.apply_theme(qapp, "light")
