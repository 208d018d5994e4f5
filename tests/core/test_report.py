"""The report of a comparison: what it says, and how it is written."""

from __future__ import annotations

import base64
import csv
import errno
import json
import math
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from core import __version__, catalogue
from core.errors import QuietfieldError
from core.noise.estimate import estimate
from core.progress import Cancelled, Context
from core.quality.repeats import unbiased_mse
from core.quality.residual import analyse
from core.report import Comparison, names, write_report
from core.report.analysis import analyse_channels
from core.report.pictures import data_uri, detailed_window, signed
from core.report.repeating import usual_networks
from core.report.scales import Scale, number
from core.report.shots import judged_residual, removed
from core.stack import Metadata, Stack
from core.work.contest import Entry, contest, part_of
from core.work.recipe import Recipe
from tests.core.report_data import HOSTILE, WHEN, clean_stack, compared, frames, noisy_stack, truth


class Page(HTMLParser):
    """Collects the elements of a page, and checks that every one is closed."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def written(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A report without a reference, of a single image."""
    comparison = compared(noisy_stack(name=HOSTILE, path=Path("/home/somebody/secret") / "cells.tif"))
    folder = tmp_path_factory.mktemp("report") / "made"
    write_report(folder, comparison)
    return comparison, folder


def test_a_page_stands_alone_and_names_no_folder(one):
    text = (one[1] / "report.html").read_text(encoding="utf-8")
    bare = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", bare)
    assert "somebody" not in text
    assert "secret" not in text
    page = written(one[1])
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "iframe", "object", "form"})
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.all("img"))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {(link["href"] or "")[1:] for link in page.all("a")} <= ids


def test_names_are_text_wherever_they_stand(one):
    text = (one[1] / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert HOSTILE.replace("\u2028", " ") in written(one[1]).text.replace("\u2028", " ")


def test_everybody_can_read_a_page(one):
    page = written(one[1])
    assert all(image["alt"] for image in page.all("img"))
    assert all(heading.get("scope") in ("col", "row") for heading in page.all("th"))
    assert all(picture.get("aria-label") for picture in page.all("svg") if picture.get("role") == "img")
    assert page.all("html")[0]["lang"] == "en"
    assert "prefers-color-scheme: dark" in page.text
    assert "@media print" in page.text


def test_a_page_says_what_was_found(one):
    comparison, folder = one
    page = written(folder)
    assert comparison.verdict.text in page.text
    best = comparison.verdict.ranking[0]
    assert f"1. {best.label}" in page.text
    (failed,) = comparison.failed
    assert failed.failure in page.text
    assert "2026-03-04 05:06" in page.text
    assert f"Quietfield {__version__}" in page.text
    assert (
        "quietfield compare cells.tif --methods gaussian median box-3d --seed 0 -o cells_report" in page.text
    )
    assert "quietfield denoise cells.tif -o cells_denoised.tif --method gaussian --sigma" in page.text
    assert "doi:10.1109/CVPR46437.2021.00208" in page.text
    assert "Gain" in page.text


def test_the_files_beside_it_hold_the_same(one):
    comparison, folder = one
    with (folder / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == [
        *(entry.label for entry in comparison.verdict.ranking), *(entry.label for entry in comparison.failed)
    ]  # fmt: skip
    assert rows[-1]["failure"] == comparison.failed[0].failure
    facts = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    assert facts["stack"] == "cells.tif"
    assert facts["verdict"] == comparison.verdict.text
    assert [found["place"] for found in facts["methods"]] == [1, 2, None]
    recipe = Recipe.from_json((folder / "gaussian.json").read_text(encoding="utf-8"))
    chosen = next(entry for entry in comparison.entries if entry.method.name == "gaussian")
    assert recipe.steps[0].params["sigma"] == chosen.method.sigma
    assert {path.name for path in folder.iterdir()} <= set(names([e.method for e in comparison.entries]))


def test_the_same_comparison_gives_the_same_page(one, tmp_path):
    comparison, folder = one
    write_report(tmp_path / "again", comparison)
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_reference_is_shown_and_named(tmp_path):
    comparison = compared(noisy_stack(), reference=clean_stack())
    write_report(tmp_path / "made", comparison)
    page = written(tmp_path / "made")
    best = comparison.verdict.ranking[0]
    assert best.measures is not None
    assert f"{best.measures['psnr']:.2f} dB" in page.text
    assert "against the reference clean.tif" in page.text
    assert any((image["alt"] or "").startswith("Reference.") for image in page.all("img"))
    # the noisy image has the PSNR of the textbook
    raw = comparison.raw()
    error = float(np.mean((frames(1)[0] - truth()) ** 2))
    assert raw is not None
    assert raw["psnr"] == pytest.approx(10 * math.log10(np.ptp(truth()) ** 2 / error), abs=1e-3)
    assert f"{raw['psnr']:.2f} dB" in page.text
    (channel,) = analyse_channels(comparison, Context())
    assert channel.raw_frequencies is not None
    first = channel.methods[0].frequencies
    assert first is not None
    # denoising cannot lower the agreement with the truth at the lowest frequencies
    assert first.correlation[:5].min() > 0.95


def test_a_reference_of_another_scale_is_shown_in_the_counts_of_the_image(tmp_path):
    scaled = Stack.of((3 * truth() - 7).astype(np.float32), "YX", Metadata(name="scaled.tif"))
    comparison = compared(noisy_stack(), reference=scaled, affine=True)
    (channel,) = analyse_channels(comparison, Context())
    assert channel.clean is not None
    # the fit is disturbed by noise alone: 160 x 160 pixels
    assert np.abs(channel.clean - truth()).max() < 2
    write_report(tmp_path / "made", comparison)
    assert "--affine" in written(tmp_path / "made").text


def test_repeated_frames_judge_methods_that_use_one(tmp_path):
    stack = noisy_stack(6)
    comparison = compared(stack, "gaussian", "median-3d")
    (channel,) = analyse_channels(comparison, Context())
    assert channel.repeats == 5
    assert channel.pair == "two frames of the scene"
    by_name = {found.entry.method.name: found for found in channel.methods}
    assert by_name["median-3d"].uses_frames
    assert by_name["median-3d"].repeats is None
    image = by_name["gaussian"].image
    found = by_name["gaussian"].repeats
    others = np.delete(frames(6), 3, axis=0).astype(np.float64)
    assert found == pytest.approx(unbiased_mse(image, others))
    true = float(np.mean((image - truth()) ** 2))
    assert found is not None
    assert abs(found.mse - true) < 3 * found.error
    write_report(tmp_path / "made", comparison)
    assert "5 repeated frames" in written(tmp_path / "made").text


def test_a_residual_tells_a_filter_that_blurs_from_one_that_does_not(tmp_path):
    stack = noisy_stack()
    pair = [catalogue.create("gaussian", {"sigma": sigma}) for sigma in (0.7, 6.0)]
    entries = tuple(contest(stack, pair, tune=False))
    comparison = Comparison(stack=stack, region=part_of(stack), entries=entries, when=WHEN)
    write_report(tmp_path / "made", comparison)
    (channel,) = analyse_channels(comparison, Context())
    lights = {
        one.entry.label: found.light for one, found in zip(channel.methods, removed(channel), strict=True)
    }
    assert lights == {"Gaussian blur (sigma 0.7 px)": "good", "Gaussian blur (sigma 6 px)": "caution"}
    assert "structure was removed too" in written(tmp_path / "made").text
    assert {path.name for path in (tmp_path / "made").iterdir()} >= {"gaussian.json", "gaussian-2.json"}


def test_a_residual_whose_mean_is_not_0_is_a_bias():
    rng = np.random.default_rng(5)
    clean = np.full((128, 128), 400.0)
    noise = estimate(clean + rng.normal(0, 10, clean.shape))
    lights = {}
    for offset in (0.0, 3.0):
        found = analyse(clean + offset + rng.normal(0, 10, clean.shape), clean, noise)
        lights[offset] = judged_residual(found)
    assert lights[0.0][0] == "good"
    assert lights[3.0][0] == "caution"
    assert re.search(r"(2\.\d|3|3\.\d+) counts darker than the image", lights[3.0][1])


def test_networks_are_described_by_what_was_trained(tmp_path):
    comparison = compared(noisy_stack(), "n2v", "gaussian", seconds=1.0)
    write_report(tmp_path / "made", comparison)
    text = written(tmp_path / "made").text
    assert "quietfield train cells.tif -o cells.quietfield --method n2v" in text
    assert "quietfield apply cells.quietfield cells.tif" in text
    assert re.search(r"Noise2Void was trained on this stack for \d+ steps", text)
    assert not (tmp_path / "made" / "n2v.json").exists()


def test_another_plane_than_the_middle_one_is_said(tmp_path):
    comparison = compared(noisy_stack(6), "gaussian")
    elsewhere = comparison.stack.region(T=0)
    entries = tuple(contest(comparison.stack, [catalogue.create("box", {})], region=elsewhere))
    write_report(tmp_path / "made", replace(comparison, region=elsewhere, entries=entries))
    text = written(tmp_path / "made").text
    assert "time point 1" in text
    assert "not the plane that was compared in the window" in text
    assert "--region" not in text
    (channel,) = analyse_channels(replace(comparison, region=elsewhere, entries=entries), Context())
    np.testing.assert_array_equal(channel.raw, frames(6)[0])


def test_channels_have_pictures_of_their_own(tmp_path):
    both = Stack.of(
        np.stack([frames(1)[0], frames(1)[0][::-1]]), "CYX",
        Metadata(name="two.tif", channel_names=("<b>DAPI</b>", "GFP")),
    )  # fmt: skip
    write_report(tmp_path / "made", compared(both, "gaussian"))
    page = written(tmp_path / "made")
    assert "Channel 1, <b>DAPI</b>" in page.text
    assert "Channel 2, GFP" in page.text


def test_pixels_that_were_not_recorded_do_not_stop_a_report(tmp_path):
    image = frames(1)[0]
    image[:20] = np.nan
    write_report(tmp_path / "made", compared(Stack.of(image, "YX", Metadata(name="hole.tif")), "gaussian"))
    page = written(tmp_path / "made")
    assert "hole.tif" in page.text
    assert "nan" not in page.text.lower().split()


def test_a_comparison_without_any_result_still_has_a_page(tmp_path):
    comparison = compared(noisy_stack(), "box-3d")
    write_report(tmp_path / "made", comparison)
    assert "No method has a result that can be judged." in written(tmp_path / "made").text


@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.write_text"])
def test_a_full_disk_leaves_nothing_and_keeps_what_was_there(one, tmp_path, monkeypatch, where):
    comparison, _ = one
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "report.html").write_text("old", encoding="utf-8")

    def refuse(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, refuse)
    for name in ("new", "old"):
        with pytest.raises(QuietfieldError, match="the disk is full") as caught:
            write_report(tmp_path / name, comparison, taken="replace")
        assert "report.html" in str(caught.value)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["report.html"]
    assert (tmp_path / "old" / "report.html").read_text(encoding="utf-8") == "old"


def test_existing_files_are_refused_and_nothing_is_written(one, tmp_path):
    (tmp_path / "comparison.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(QuietfieldError, match="exists already"):
        write_report(tmp_path, one[0])
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.csv"]


def test_a_cancelled_report_writes_nothing(one, tmp_path):
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        write_report(tmp_path / "made", one[0], context)
    assert not (tmp_path / "made").exists()


def test_pictures_are_lossless():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    uri = data_uri(pixels)
    assert np.array_equal(imagecodecs.png_decode(base64.b64decode(uri.partition(",")[2])), pixels)
    ends = imagecodecs.png_decode(base64.b64decode(signed(np.array([[-9.0, 0.0, 9.0]])).partition(",")[2]))
    assert ends[0].tolist() == [[33, 102, 172], [255, 255, 255], [179, 88, 6]]


def test_the_most_detailed_part_is_shown():
    image = np.zeros((600, 700))
    image[300:420:8, 400:600] = 100.0
    rows, columns = detailed_window(image)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (256, 256)
    assert rows.start <= 310
    assert rows.stop >= 410
    assert columns.start <= 432
    assert columns.stop >= 576


@pytest.mark.parametrize(
    ("low", "high", "log", "texts"),
    [
        (0.0, 1.0, False, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (-20.0, 30.0, False, ["−20", "−10", "0", "10", "20", "30"]),
        (0.0, 4e6, False, ["0", "10⁶", "2·10⁶", "3·10⁶", "4·10⁶"]),
        (0.01, 100.0, True, ["0.01", "0.1", "1", "10", "100"]),
        (0.4, 3.0, True, ["0.5", "1", "2"]),
    ],
)
def test_ticks_are_round(low, high, log, texts):
    scale = Scale(low=low, high=high, start=0.0, end=100.0, log=log)
    assert [text for _, text in scale.ticks()] == texts
    assert scale.at(low) == pytest.approx(0.0)
    assert scale.at(high) == pytest.approx(100.0)


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (-0.5, "−0.5"), (1e-7, "10⁻⁷"), (1.5e9, "1.5·10⁹")])
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_an_axis_has_room_for_equal_values():
    scale = Scale.of([3.0, 3.0, math.inf, math.nan], 0.0, 100.0)
    assert scale.low < 3.0 < scale.high
    assert 0 < scale.at(3.0) < 100


@pytest.mark.parametrize("shape", [(5, 5), (1, 200)])
def test_planes_without_measurable_noise_have_a_report_too(tmp_path, shape):
    """The noise of fewer than 12 rows or columns cannot be measured; the reference ranks nevertheless."""
    rng = np.random.default_rng(0)
    clean = np.add.outer(np.arange(shape[0]), np.arange(shape[1])).astype(np.float32)
    noisy = clean + rng.normal(0, 1, shape).astype(np.float32)
    comparison = compared(Stack.of(noisy, "YX"), "gaussian", "median", reference=Stack.of(clean, "YX"))
    write_report(tmp_path / "made", comparison)
    page = written(tmp_path / "made")
    assert comparison.verdict.text in page.text
    assert "The noise of this plane cannot be measured" in page.text
    assert len(page.all("img")) >= 4


def test_a_constant_reference_is_named_and_does_not_stop_a_report(tmp_path):
    constant = Stack.of(np.full((160, 160), 7.0, np.float32), "YX")
    comparison = compared(noisy_stack(), "gaussian", "median", reference=constant)
    write_report(tmp_path / "made", comparison)
    assert written(tmp_path / "made").text.count("Every pixel of the reference is 7") == 2


def test_a_result_that_equals_the_reference_is_the_best(tmp_path):
    """A median leaves wide stripes as they are."""
    stripes = np.repeat(np.tile(np.repeat([0.0, 50.0], 8), 4)[None], 64, 0).astype(np.float32)
    stack = Stack.of(stripes, "YX")
    comparison = compared(stack, "gaussian", "median", reference=stack)
    write_report(tmp_path / "made", comparison)
    verdict = comparison.verdict
    assert verdict.ranking[0].method.name == "median"
    assert len(verdict.ranking) == 2
    assert "by its PSNR against the reference, which it equals" in verdict.text
    text = (tmp_path / "made" / "comparison.json").read_text(encoding="utf-8")
    assert "Infinity" not in text


def test_networks_with_other_parameters_are_not_said_to_be_repeated():
    usual, other = (catalogue.create("deconoising", {"sigma": sigma} if sigma else {}) for sigma in (0, 1.5))
    for method, repeated in ((usual, True), (other, False)):
        made = replace(compared(noisy_stack(), "gaussian"), entries=(Entry(method=method, failure="None."),))
        assert usual_networks(made) is repeated
