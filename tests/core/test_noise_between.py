"""Noise shared by neighbouring planes or frames: detection and consequences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.findings import kinds
from core.instant.method import Instant
from core.learning.methods import Noise2Noise, Noise2Void, Quietfield
from core.noise.between import LIMIT, correlation
from core.noise.estimate import estimate, estimate_frames
from core.noise.survey import Survey, find_shared_noise
from core.progress import Context
from core.simulation.detection import Detector, record
from core.simulation.sequences import time_lapse, volume
from core.stack import Stack
from tests.core.learning_data import kinds_in
from tests.core.test_learning_adapter import recorded
from tests.data import DATA, needs_data

Frames = NDArray[np.float64]


def shots(count: int = 12, side: int = 128, seed: int = 0) -> Frames:
    """Frames of one scene with independent noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((side, side)) / 9
    light = 40 + 25 * np.sin(rows) * np.cos(columns)
    return rng.poisson(light, (count, side, side)) + rng.normal(100, 2, (count, side, side))


def running(frames: Frames, length: int) -> Frames:
    """Running mean over frames."""
    return np.stack([frames[i : i + length].mean(0) for i in range(len(frames) - length + 1)])


def kalman(frames: Frames, memory: float) -> Frames:
    """Recursive average, as confocal microscopes offer it, after it has settled."""
    made = [frames[0]]
    for frame in frames[1:]:
        made.append(memory * made[-1] + (1 - memory) * frame)
    return np.stack(made[-8:])


@given(
    seed=st.integers(0, 1000), level=st.sampled_from([0.0, 6e4]), scale=st.sampled_from([0.01, 1.0, 300.0])
)
@settings(max_examples=15, deadline=None)
def test_independent_shots_share_nothing(seed: int, level: float, scale: float) -> None:
    assert correlation(scale * shots(6, seed=seed) + level) < 0.1


@pytest.mark.parametrize("memory", [0.5, 0.7, 0.9])
def test_of_a_recursive_average_the_correlation_is_its_memory(memory: float) -> None:
    """The noise of such an average is autoregressive: neighbours correlate by the share that is kept."""
    assert correlation(kalman(shots(48, side=96), memory)) == pytest.approx(memory, abs=0.06)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_running_means_share_noise(length: int) -> None:
    assert correlation(running(shots(), length)) > 0.9


@pytest.mark.parametrize("make", [time_lapse, volume])
def test_scenes_that_move_and_volumes_are_not_taken_for_it(make) -> None:  # type: ignore[no-untyped-def]
    for seed in range(6):
        light = make(seed, 6, (128, 128)) + 0.05
        for photons in (5.0, 300.0):
            noisy = record(
                (light * photons).reshape(-1, 128), Detector(read_noise=1), np.random.default_rng(1)
            )
            assert correlation(noisy.noisy.reshape(light.shape)) < LIMIT / 2


def test_what_says_nothing_is_no_correlation() -> None:
    assert correlation(shots(2)) == 0
    assert correlation(np.full((6, 40, 40), 7.0)) == 0
    assert correlation(shots(6)[:, :40, :40]) == 0
    huge = np.full((4, 32, 32), 1e300)
    huge[1] = -1e300
    assert correlation(huge) == 0
    holes = shots(6)
    holes[:, 10:20] = np.nan
    assert correlation(holes) < 0.1


def test_copies_of_a_frame_share_all_of_its_noise() -> None:
    copies = np.repeat(shots(1), 5, axis=0)
    assert correlation(copies) == 1
    copies[:, 10:20] = np.nan
    assert correlation(copies) == 1
    even = np.full((5, 96, 96), 7.0)
    even[:, 10:20] = np.nan
    assert correlation(even) == 0


def test_the_worst_channel_counts() -> None:
    frames = shots(9)
    both = np.stack([frames[3:], running(frames, 4)], 1)
    assert Survey.of(Stack.of(both, "TCYX")).shared_noise("T") > 0.9
    assert Survey.of(Stack.of(frames[0], "YX")).shared_noise("T") == 0
    assert Survey.of(Stack.of(frames, "ZYX")).shared_noise("T") == 0
    assert find_shared_noise(Stack.of(both, "TCYX"), "", kinds.NEIGHBOURS_SHARE_NOISE) is None
    finding = find_shared_noise(Stack.of(both, "TCYX"), "T", kinds.NEIGHBOURS_LEFT_OUT)
    assert finding is not None
    assert finding.value > 0.9 > finding.limit == LIMIT
    assert finding.proposal is None


def test_noise_is_measured_on_single_frames_then() -> None:
    frames = running(shots(12, side=192), 4)
    alone = estimate(frames[0])
    assert estimate_frames(frames[:4]) is None
    assert estimate_frames(shots(4, side=192)) is not None
    survey = Survey.of(Stack.of(frames, "TYX"))
    found = survey.noise().channels[0]
    assert found.method == "plane"
    assert found.model.variance(140) == pytest.approx(float(alone.model.variance(140)), rel=0.1)
    assert found.model.variance(140) == pytest.approx(44 / 4, rel=0.15)
    assert not survey.stands_still()


def averaged() -> Stack:
    """Running mean over four frames of simulated tubules."""
    frames, _ = recorded((1,) * 9, side=128)
    return Stack.of(running(frames.read().astype(np.float64), 4).astype(np.float32), "TYX", name="averaged")


def test_nothing_is_learned_from_frames_that_share_noise() -> None:
    stack = averaged()
    resolved = Quietfield().resolve(stack, Context())
    assert resolved.method.neighbours == "none"  # type: ignore[attr-defined]
    assert kinds.NEIGHBOURS_LEFT_OUT in kinds_in(resolved.findings)
    for chosen in (Quietfield(neighbours="T"), Quietfield(neighbours="mean"), Noise2Void(neighbours="T")):
        assert kinds.NEIGHBOURS_SHARE_NOISE in kinds_in(chosen.resolve(stack, Context()).findings)
    assert kinds.TARGETS_SHARE_NOISE in kinds_in(Noise2Noise().resolve(stack, Context()).findings)
    alone_kinds = kinds_in(Noise2Void().resolve(stack, Context()).findings)
    assert not alone_kinds & {kinds.NEIGHBOURS_SHARE_NOISE, kinds.NEIGHBOURS_LEFT_OUT}
    for neighbours in ("T", "mean"):
        told = Instant(neighbours=neighbours).bind(stack, Context()).findings(stack, stack.region(T=2))
        shares = next(f for f in told if f.kind == kinds.NEIGHBOURS_SHARE_NOISE)
        assert shares.proposal is not None
        assert Instant(**shares.proposal.params) == Instant()
    alone = Instant().bind(stack, Context()).findings(stack, stack.region(T=2))
    assert all(f.kind != kinds.NEIGHBOURS_SHARE_NOISE for f in alone)


@needs_data
@pytest.mark.parametrize("name", ["nuclei_zyx", "timelapse_tyx", "cryo_tomogram_zyx", "lysosomes_live_tyx"])
def test_recorded_stacks_have_noise_of_their_own_in_every_plane(name: str) -> None:
    import tifffile

    axis = name[-3].upper()
    stack = Stack.of(tifffile.imread(DATA / "stacks" / f"{name}.tif"), f"{axis}YX")
    assert Survey.of(stack).shared_noise(axis) < LIMIT / 2
