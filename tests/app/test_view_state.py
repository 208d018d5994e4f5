from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shell.snapshot import Result, Snapshot
from app.shell.view_state import (
    Preview,
    apart,
    auto_choices,
    auto_levels,
    difference_limit,
    full_range,
    length_text,
    next_auto,
    nice_length,
    own_limit,
)
from app.viewer.display import levels_of, resolve
from core.methods.outputs import DECONVOLVED, EXPECTED_ERROR, RESULT, Output
from core.stack import Stack
from core.work.recipe import Step


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_levels_always_have_something_between_them(low: float, high: float) -> None:
    first, last = apart(low, high)
    assert first == low
    assert last > first
    assert high <= low or last == high


def test_auto_levels_saturate_what_they_say() -> None:
    pixels = np.arange(10_000).reshape(100, 100)
    low, high = auto_levels(pixels, 1.0)
    assert np.mean(pixels < low) == pytest.approx(0.005, abs=2e-4)
    assert np.mean(pixels > high) == pytest.approx(0.005, abs=2e-4)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((4, 4), 7, np.uint16),
        np.full((4, 4), np.nan, np.float32),
        np.zeros((1, 1), np.float32),
        np.array([[np.inf, -np.inf, np.nan, 3.0]], np.float32),
    ],
)
def test_levels_are_always_finite_and_apart(pixels: np.ndarray) -> None:
    for low, high in (auto_levels(pixels), full_range(pixels)):
        assert np.isfinite([low, high]).all()
        assert low < high


def test_next_auto_goes_on_from_the_current_levels_and_round() -> None:
    choices = auto_choices(np.random.default_rng(1).normal(100, 10, (200, 200)))
    assert len(set(choices)) == 4
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(choices))
    levels = None
    found = []
    for _ in range(5):
        levels = next_auto(choices, levels)
        found.append(levels)
    assert found == [*choices, choices[0]]
    assert next_auto(choices, (1.0, 2.0)) == choices[0]


def test_every_press_of_auto_saturates_more_of_an_image_that_is_saturated_already() -> None:
    rng = np.random.default_rng(2)
    pixels = np.clip(rng.gamma(0.7, 120, (300, 300)) - 5, 1, 255).astype(np.uint8)
    assert min(np.mean(pixels == 1), np.mean(pixels == 255)) > 0.03, (
        "more than Auto saturates at its last press"
    )
    levels, outside = None, []
    for _ in range(4):
        levels = next_auto(auto_choices(pixels), levels)
        outside.append(float(np.mean((pixels <= levels[0]) | (pixels >= levels[1]))))
    assert all(later > earlier for earlier, later in pairwise(outside))


def test_next_auto_passes_equal_choices() -> None:
    same, last = (0.0, 9.0), (1.0, 8.0)
    assert next_auto((same, same, last), same) == last


def test_full_range_of_8_bits_is_the_type() -> None:
    assert full_range(np.full((2, 2), 9, np.uint8)) == (0, 255)
    assert full_range(np.array([[3, 90]], np.uint16)) == (3, 90)


@given(st.floats(1e-3, 1e6))
def test_nice_length_is_1_2_or_5_and_at_least_two_fifths_of_the_room(limit: float) -> None:
    length = nice_length(limit)
    assert limit * 0.3999 <= length <= limit * 1.0001
    assert f"{length:e}"[0] in "125"
    assert float(f"{length:e}".split("e")[0]) in (1, 2, 5)


def test_length_text() -> None:
    found = [length_text(v) for v in (0.2, 1, 50, 2000)]
    assert found == ["200 nm", "1 µm", "50 µm", "2 mm"]
    assert length_text(50, "px") == "50 px"


@pytest.mark.parametrize("sigma", [2.0, 30.0])
def test_difference_limit_is_four_sigma_in_spite_of_structure(sigma: float) -> None:
    rng = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(600) * 5.0, np.arange(700) * 3.0)
    assert difference_limit(ramp + rng.normal(0, sigma, ramp.shape)) == pytest.approx(4 * sigma, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (8, 8)])
def test_difference_limit_of_images_without_noise(shape: tuple[int, int]) -> None:
    assert difference_limit(np.full(shape, 5, np.uint16)) == 1.0
    assert difference_limit(np.full(shape, np.nan, np.float32)) == 1.0


def _snapshot() -> Snapshot:
    source = Stack.of(np.zeros((3, 2, 8, 8), np.uint16), "TCYX")
    results = (
        Result(key=4, label="raw", details="", stack=source, parent=4),
        Result(key=5, label="Median", details="", stack=source, parent=4),
    )
    return Snapshot(results=results, shown=5, position={"T": 1, "C": 0}, levels={0: (1.0, 2.0)})


def _preview(time: int = 1, second: Output | None = None) -> Preview:
    region = (slice(time, time + 1), slice(0, 1), slice(2, 5), slice(3, 7))
    pixels = np.ones((3, 4), np.float32)
    outputs = ((RESULT, pixels), *(((second, pixels),) if second else ()))
    return Preview(label="try", region=region, outputs=outputs)


def test_nothing_is_shown_without_a_document() -> None:
    assert resolve(Snapshot()) is None
    assert levels_of(Snapshot()) == (0.0, 1.0)


def test_what_each_layout_shows() -> None:
    one = replace(_snapshot(), layout="single")
    found = {}
    for layout in ("single", "split", "curtain", "difference"):
        now = resolve(replace(one, layout=layout))
        assert now is not None
        found[layout] = [(p.label, p.key, p.minus) for p in now.panes], now.curtain
    assert found == {
        "single": ([("Median", 5, None)], False),
        "split": ([("raw", 4, None), ("Median", 5, None)], False),
        "curtain": ([("raw", 4, None), ("Median", 5, None)], True),
        "difference": ([("Median − raw", 5, 4)], False),
    }
    held = resolve(one, raw_held=True)
    assert held is not None
    assert [p.key for p in held.panes] == [4]


def test_raw_in_place_of_a_result_says_why() -> None:
    alone = replace(_snapshot(), results=_snapshot().results[:1], shown=4, layout="split")
    labels = []
    for snapshot in (alone, replace(alone, awaited="Instant"), replace(_snapshot(), shown=4)):
        now = resolve(snapshot)
        assert now is not None
        labels.append(now.panes[1].label)
    assert labels == ["raw (no result yet)", "raw (computing Instant…)", "raw"]
    ready = resolve(replace(alone, awaited="Instant", preview=_preview()))
    assert ready is not None
    assert ready.panes[1].label == "try"


def test_a_preview_lies_at_its_pixels_and_only_on_its_plane() -> None:
    now = resolve(replace(_snapshot(), preview=_preview()))
    assert now is not None
    excerpt = now.panes[1].excerpt
    assert excerpt is not None
    assert (excerpt.top, excerpt.left, now.panes[1].label) == (2, 3, "try")
    assert now.panes[0].excerpt is None
    other = resolve(replace(_snapshot(), preview=_preview(time=2)))
    assert other is not None
    assert other.panes[1].excerpt is None
    assert other.panes[1].label == "Median"


def test_a_deconvolved_preview_gets_a_pane_of_its_own() -> None:
    now = resolve(replace(_snapshot(), preview=_preview(second=DECONVOLVED)))
    assert now is not None
    assert [p.label for p in now.panes] == ["raw", "try", "deconvolved"]


def test_the_expected_error_says_its_unit_and_whether_it_is_that_of_a_mixture() -> None:
    preview = _preview(second=EXPECTED_ERROR)
    now = resolve(replace(_snapshot(), preview=preview))
    assert now is not None
    assert [p.label for p in now.panes] == ["raw", "try", "expected error (counts)"]
    assert now.panes[2].excerpt is not None
    assert now.panes[2].excerpt.output == EXPECTED_ERROR
    mixed = resolve(replace(_snapshot(), preview=replace(preview, below=preview.pixels, share=0.5)))
    assert mixed is not None
    assert mixed.panes[2].label == "error at strength 1 (counts)"


def test_a_result_that_is_an_expected_error_is_no_image_to_subtract_or_preview_on() -> None:
    step = Step(method="instant", version=1, params={}, output=EXPECTED_ERROR.name)
    both = _snapshot()
    results = both.results[0], replace(both.results[1], step=step, label="Median, expected error")
    both = replace(both, results=results)
    found = []
    for layout in ("single", "split", "curtain", "difference"):
        now = resolve(replace(both, layout=layout))
        assert now is not None
        found.append([(p.label, p.output, p.minus) for p in now.panes])
    error = ("Median, expected error (counts)", EXPECTED_ERROR, None)
    assert found == [[error], [("raw", None, None), error], [("raw", None, None), error], [error]]
    previewed = resolve(replace(both, preview=_preview()))
    assert previewed is not None
    assert [(p.label, p.key, p.output) for p in previewed.panes] == [("raw", 4, None), ("try", 4, None)]


def test_the_scale_of_an_error_leaves_out_what_is_rare() -> None:
    pixels = np.full((100, 100), 4.04, np.float32)
    pixels[0, :5] = 1000
    pixels[1, 0] = np.nan
    assert own_limit(pixels) == 4.0
    assert own_limit(np.full((8, 8), np.nan, np.float32)) == 0.0


def test_levels_nobody_set_are_those_of_the_file_or_type() -> None:
    snapshot = replace(_snapshot(), position={"T": 0, "C": 1})
    assert levels_of(snapshot) == (0, 65535)
    raw = snapshot.results[0]
    described = replace(raw, stack=raw.stack.replace(display_ranges=((0.0, 1.0), (5.0, 90.0))))
    assert levels_of(replace(snapshot, results=(described,))) == (5, 90)
