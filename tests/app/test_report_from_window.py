"""The report of the Compare panel, written by a click."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from tests.app.test_compare_panel import compare, opened, why_not
from tests.driver import Driver

__all__ = ["opened"]


class Browser(QObject):
    """Receives the pages that would be opened in a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[QUrl] = []

    @Slot(QUrl)
    def take(self, page: QUrl) -> None:
        self.pages.append(page)


def test_a_report_is_written_and_opened(opened: Driver, tmp_path: Path) -> None:
    compare(opened, "Gaussian", "Median")
    opened.wait(lambda: opened.widget("compare-report").isEnabled())
    opened.answers.paths["save"] = tmp_path
    opened.click("compare-report")
    page = tmp_path / "noisy_report" / "report.html"
    opened.wait(page.exists)
    opened.wait(lambda: "The report is in" in opened.widget("message-text").text())
    text = page.read_text(encoding="utf-8")
    assert opened.window.compare_panel.found.verdict.text in text
    made = {path.name for path in page.parent.iterdir()}
    assert made >= {"comparison.csv", "comparison.json", "gaussian.json"}
    browser = Browser()
    QDesktopServices.setUrlHandler("file", browser, "take")
    try:
        opened.click("message-action")
        assert browser.pages == [QUrl.fromLocalFile(str(page))]
    finally:
        QDesktopServices.unsetUrlHandler("file")
    # a second one gets a folder of its own
    opened.click("compare-report")
    opened.wait((tmp_path / "noisy_report-2" / "report.html").exists)


def test_a_report_that_cannot_be_written_says_so(opened: Driver, tmp_path: Path) -> None:
    compare(opened, "Gaussian", "Median")
    opened.wait(lambda: opened.widget("compare-report").isEnabled())
    blocked = tmp_path / "blocked"
    blocked.write_text("a file", encoding="utf-8")
    opened.answers.paths["save"] = blocked
    opened.click("compare-report")
    opened.wait(lambda: "could not be written" in opened.widget("message-text").text())
    assert opened.window.compare_panel.found is not None
    assert blocked.read_text(encoding="utf-8") == "a file"


def test_without_a_result_there_is_no_report(opened: Driver) -> None:
    assert opened.widget("compare-report").isHidden()
    assert "no result" in why_not(opened, "compare-report")
