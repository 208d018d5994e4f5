"""A report in a real browser: everything is there, nothing is asked for, and nothing sticks out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.report import write_report
from tests import browser
from tests.core.report_data import HOSTILE, clean_stack, compared, noisy_stack


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A report with all of its sections, of a stack with a hostile name."""
    browser.find()
    comparison = compared(noisy_stack(5, name=HOSTILE), "gaussian", "median-3d", reference=clean_stack())
    return write_report(tmp_path_factory.mktemp("report"), comparison)[0]


@pytest.fixture(scope="module")
def seen(page, tmp_path_factory) -> browser.Seen:
    return browser.look_at(page, (1280, 800, 400), tmp_path_factory.mktemp("profile"))


def test_there_are_no_errors_and_no_scripts(seen):
    assert seen.faults == []
    assert seen.console == []
    assert [one["scripts"] for one in seen.pages] == [0, 0, 0]
    assert HOSTILE.replace("\u2028", "") in seen.pages[0]["title"].replace("\u2028", "")
    assert "<script>alert(1)</script>" in seen.pages[0]["text"]


def test_all_images_decode_and_all_plots_are_drawn(seen):
    for one in seen.pages:
        assert len(one["images"]) >= 6
        assert min(one["images"]) > 0
        assert len(one["plots"]) >= 8
        assert min(one["plots"]) > 10


def test_nothing_is_requested_but_the_page(seen):
    assert set(seen.requests) == {"/probe.html", "/report.html"}
    for one in seen.pages:
        assert all(name.startswith("data:") for name in one["resources"])


def test_nothing_sticks_out_at_any_width(seen):
    assert [one["width"] for one in seen.pages] == [1280, 800, 400]
    for one in seen.pages:
        assert one["overflow"] <= 0
        assert one["wide"] == []


def test_light_and_dark_are_legible(page, seen, tmp_path):
    dark = browser.look_at(page, (1280,), tmp_path, "--blink-settings=preferredColorScheme=0").pages[0]
    light = seen.pages[0]
    assert contrast(light["ink"], light["paper"]) > 7
    assert contrast(dark["ink"], dark["paper"]) > 7
    assert luminance(dark["paper"]) < 0.1 < 0.8 < luminance(light["paper"])


def test_it_prints_on_several_pages(page, tmp_path):
    target = tmp_path / "report.pdf"
    browser.run(tmp_path / "profile", "--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri())
    data = target.read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) >= 3


def luminance(colour: str) -> float:
    """Return the relative luminance of ``rgb(r, g, b)`` (WCAG 2.2)."""
    parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
