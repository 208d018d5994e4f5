"""Motion estimates of simulated frames that are static, bleach, drift, or change locally."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.noise.estimate import estimate
from core.noise.motion import Change, Course, compare, mean_variance
from core.noise.survey import CHANGED
from tests.core.test_instant import noise

LIGHT = 40 + 60 * np.hypot(*np.indices((256, 256))) / 256


def shots(count: int, light: NDArray[np.float64] = LIGHT, seed: int = 1) -> NDArray[np.float64]:
    """Frames of Poisson noise, whose gain is 1."""
    return np.random.default_rng(seed).poisson(light, (count, *light.shape)).astype(np.float64)


def test_still_frames_differ_by_what_noise_explains() -> None:
    first, second = shots(2)
    known = estimate(first)
    assert compare(first, second, known).excess == pytest.approx(1.0, abs=0.1)
    assert compare(first, 0.7 * second, known).excess < 1.5  # brightness does not count
    assert compare(first, second + 500, known).excess == pytest.approx(1.0, abs=0.1)  # nor does an offset
    moved = shots(1, np.roll(LIGHT, 30, axis=1), seed=3)[0]
    assert compare(first, moved, known).excess > 10


@pytest.mark.parametrize("count", [2, 8])
def test_a_frame_shares_noise_with_the_mean_it_is_part_of(count: int) -> None:
    frames = shots(count)
    found = [compare(frames.mean(0), frame, noise(1.0, 0.0), frames=count).excess for frame in frames]
    assert np.mean(found) == pytest.approx(1.0, abs=0.05)


def test_one_block_that_changes_is_a_share_and_hardly_an_excess() -> None:
    frames, one = shots(8), noise(1.0, 0.0)
    assert compare(frames.mean(0), frames[2], one, frames=8).share < CHANGED
    fading = np.concatenate([frames[:7], shots(1, 0.8 * LIGHT, seed=4)])
    assert compare(fading.mean(0), fading[7], one, frames=8).share < CHANGED
    frames[2, 104:120, 64:80] += np.random.default_rng(2).poisson(30, (16, 16))
    change = compare(frames.mean(0), frames[2], one, frames=8)
    assert change.share == pytest.approx(4 / 1024, abs=1.1 / 1024)


def test_a_faint_change_everywhere_is_an_excess_and_no_share() -> None:
    ripple = 4 * np.where(np.indices(LIGHT.shape)[0] // 8 % 2, 1, -1)
    first, second = shots(1)[0], shots(1, LIGHT + ripple, seed=5)[0]
    change = compare(first, second, noise(1.0, 0.0))
    assert change.excess > 5
    assert change.share < 0.05


def test_places_that_are_not_finite_are_left_out() -> None:
    first, second = shots(2)
    second[10:14, 20:30] = np.nan
    assert compare(first, second, noise(1.0, 0.0)).excess == pytest.approx(1.0, abs=0.1)


def test_where_there_is_nothing_to_compare() -> None:
    flat = np.full((64, 64), 7.0)
    for change in (
        compare(flat, flat, noise(1.0, 0.0)),
        compare(flat[:8, :8], flat[:8, :8], noise(1.0, 0.0)),
    ):
        assert (change.excess, change.share) == (0.0, 0.0)
    assert Change(difference=np.zeros(3), variance=0.0).excess == 0


def test_the_mean_of_a_block_of_correlated_noise() -> None:
    """White noise: 1. Neighbours in a row that share half of it: 7 of 8 pixels have one on either side."""
    white, pairs = np.zeros((7, 7)), np.zeros((7, 7))
    white[3, 3], pairs[3, 2:5] = 1, (0.5, 1, 0.5)
    assert mean_variance(white) == 1
    assert mean_variance(pairs) == pytest.approx(1 + 2 * 0.5 * 7 / 8)


def test_the_course_of_frames_shows_drift_and_unlike_scenes() -> None:
    def course(frames: NDArray[np.float64]) -> Course:
        found = Course(frames=len(frames))
        for frame in frames:
            found.add(frame)
        return found

    still = course(shots(9))
    assert still.drift == pytest.approx(1.0, abs=0.15)
    assert still.structure == pytest.approx(1.0, abs=0.15)
    light = 100 + 80 * np.sin(np.arange(96) / 7)[:, None] * np.sin(np.arange(96) / 9)
    bleaching = np.concatenate([shots(1, light * 0.97**t, seed=t) for t in range(20)])
    drifting = np.concatenate([shots(1, np.roll(light, t, axis=1), seed=t) for t in range(20)])
    fields = np.concatenate([shots(1, np.roll(light, 37 * t, axis=t % 2), seed=t) for t in range(20)])
    assert course(bleaching).drift > 100
    assert course(drifting).drift > 100
    assert course(fields).structure > 20
    nothing = course(np.zeros((4, 5, 9)))
    assert (nothing.drift, nothing.structure) == (1.0, 1.0)
