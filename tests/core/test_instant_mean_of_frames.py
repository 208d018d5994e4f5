"""Static scenes: the mean of frames is denoised, and motion is reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.findings import Kind, kinds
from core.instant.constants import SPAN, around
from core.instant.mean_of_frames import MeanOfFrames, means
from core.instant.method import Instant
from core.instant.scene import find_motion, mean, propose_averaging
from core.learning.methods import Quietfield
from core.learning.trainer import Trainer
from core.learning.training_advice import levels
from core.methods.apply import apply, blocks, evaluate
from core.methods.base import Block
from core.noise.estimate import estimate
from core.noise.survey import CHANGED, Survey
from core.progress import Context
from core.stack import Stack
from tests.core.learning_data import kinds_in
from tests.core.test_instant import frames, noise, with_noise
from tests.core.test_learning_adapter import psnr, recorded
from tests.data import DATA, needs_data
from tests.network_runs import before_each_run


def still(count: int, **given: object) -> MeanOfFrames:
    return MeanOfFrames(single=with_noise(noise(1, 2), **given))


@given(count=st.integers(1, 60), data=st.data())
def test_frames_around_one_are_in_the_stack_and_near(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    found = around(index, count)
    assert index in found
    assert set(found) == {i for i in range(count) if abs(i - index) <= SPAN}


@given(
    dtype=st.sampled_from([np.uint8, np.int16, np.uint16, np.float32, np.float64]), seed=st.integers(0, 99)
)
@settings(max_examples=20, deadline=None)
def test_the_mean_is_that_of_what_is_finite(dtype: type, seed: int) -> None:
    rng = np.random.default_rng(seed)
    planes = rng.integers(0, 100, (5, 6, 7)).astype(dtype)
    if planes.dtype.kind == "f":
        planes[rng.random(planes.shape) < 0.2] = np.nan
        planes[:, 0, 0], planes[2, 1, 1] = np.nan, np.inf
    known = np.where(np.isfinite(planes), planes, np.nan).astype(np.float64)
    bare = np.isnan(known).all(0)
    expected = np.full(bare.shape, np.nan)
    expected[~bare] = np.nanmean(known[:, ~bare], 0)
    np.testing.assert_allclose(mean(list(planes)), expected, rtol=1e-6)


def test_every_frame_of_a_short_stack_shows_the_denoised_mean() -> None:
    pixels = frames(4, 80, 96)
    found = evaluate(Stack.of(pixels, "TYX"), still(4))[0]
    quarter = with_noise(noise(1, 2).averaged(4))
    expected = evaluate(Stack.of(pixels.mean(0, dtype=np.float64).astype(np.float32), "YX"), quarter)[0]
    assert found.shape == pixels.shape
    for image in found:
        np.testing.assert_allclose(image, expected, atol=1e-3)


def test_a_long_stack_takes_the_frames_around_each_one() -> None:
    pixels = frames(21, 80, 96)
    stack, operation = Stack.of(pixels, "TYX"), still(21)
    whole = apply(stack, operation)[0].read()
    for index in (0, 3, 10, 20):
        near = pixels[max(0, index - 8) : index + 9]
        part = with_noise(noise(1, 2).averaged(len(near)))
        expected = evaluate(Stack.of(near.mean(0, dtype=np.float64).astype(np.float32), "YX"), part)[0]
        np.testing.assert_allclose(whole[index], expected, atol=1e-3)
        alone = evaluate(stack, operation, stack.region(T=index))[0]
        np.testing.assert_allclose(alone[0], expected, atol=1e-3)


def test_channels_and_depth_keep_to_themselves() -> None:
    pixels = np.stack([frames(3, 80, 96) + 100 * i for i in range(4)], 1).reshape(3, 2, 2, 80, 96)
    stack = Stack.of(pixels, "TCZYX")
    channels = (noise(1, 2), noise(1, 40))
    single = with_noise(noise(1, 2))
    both = replace(single, noise=replace(single.noise, channels=channels))
    whole = evaluate(stack, MeanOfFrames(single=both))[0]
    for channel in range(2):
        for z in range(2):
            image = pixels[:, channel, z].mean(0).astype(np.float32)
            alone = evaluate(Stack.of(image, "YX"), with_noise(channels[channel].averaged(3)))[0]
            np.testing.assert_allclose(whole[1, channel, z], alone, atol=1e-3)


def test_means_are_denoised_once_and_only_what_is_kept() -> None:
    pixels = frames(5, 80, 96)
    asked: list[tuple[int, ...]] = []
    with before_each_run(asked.append):
        evaluate(Stack.of(pixels, "TYX"), still(5))
    assert asked == [(80, 96)]
    kept = (slice(2, 3), slice(0, 80), slice(0, 96))
    found = still(5).compute(
        Block(pixels=pixels, axes="TYX", origin=(0, 0, 0), shape=pixels.shape, kept=kept), Context()
    )
    assert np.all(found[0][[0, 1, 3, 4]] == 0)


def test_long_stacks_are_cut_into_blocks_of_few_planes() -> None:
    stack = Stack.of(np.broadcast_to(np.uint16(0), (60, 2048, 2048)), "TYX")
    parts = list(blocks(stack, still(60)))
    assert max(part[0].stop - part[0].start for part in parts) <= 8
    assert sum(part[0].stop - part[0].start for part in parts) == 60


def test_strength_mixes_with_the_frame_itself_and_what_is_not_finite_stays() -> None:
    pixels = frames(3, 80, 96).astype(np.float32)
    pixels[1, 5, 6], pixels[2, 7, 8] = np.nan, np.inf
    stack = Stack.of(pixels, "TYX")
    whole, half = (evaluate(stack, still(3, strength=s))[0] for s in (1.0, 0.5))
    finite = np.isfinite(pixels)
    np.testing.assert_allclose(half[finite], (0.5 * whole + 0.5 * pixels)[finite], atol=1e-3)
    np.testing.assert_array_equal(half[~finite], pixels[~finite])
    assert not np.isfinite(whole[~finite]).any()


def test_the_expected_error_is_that_of_the_mean() -> None:
    stack = Stack.of(frames(6, 96, 112), "TYX")
    errors = []
    for operation in (Instant(uncertainty=True), Instant(uncertainty=True, neighbours="mean")):
        result, error = evaluate(stack, operation)
        assert result.shape == error.shape == stack.shape
        errors.append(error.mean())
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("count", [4, 9])
def test_noise_of_a_mean_is_as_measured_on_the_mean(count: int) -> None:
    """Against the estimate from single planes of many means, which knows nothing of frames."""
    rng = np.random.default_rng(0)
    light = np.repeat(np.linspace(20, 200, 32), 12)[None, :] * np.ones((384, 1))
    shots = 3 * rng.poisson(light, (count, 384, 384)) + rng.normal(100, 6, (count, 384, 384))
    single = estimate(shots[0].astype(np.float32)).averaged(count)
    measured = estimate(shots.mean(0).astype(np.float32))
    for level in (200.0, 400.0, 600.0):
        assert single.model.variance(level) == pytest.approx(float(measured.model.variance(level)), rel=0.15)
        assert single.model.variance(level) == pytest.approx((3 * (level - 100) + 36) / count, rel=0.15)


def drifting(count: int = 6) -> Stack:
    """Frames of tubules that move by 3 px from each to the next."""
    truth = recorded((1,), side=128)[1]
    rng = np.random.default_rng(5)
    moved = np.stack([np.roll(truth[0], 3 * i, 1) for i in range(count)])
    return Stack.of(rng.poisson(np.maximum(moved - moved.min(), 0)).astype(np.uint16), "TYX")


def found_by(method: Instant, stack: Stack, time: int = 2) -> list[Kind]:
    """Kinds of what is found about a frame."""
    return [finding.kind for finding in method.bind(stack, Context()).findings(stack, stack.region(T=time))]


def test_what_moves_is_told_of_and_what_stands_is_offered_the_mean() -> None:
    standing, truth = recorded((1,) * 6, side=128)
    assert Survey.of(standing).stands_still()
    assert find_motion(standing) is None
    averaging = propose_averaging(standing)
    assert averaging in Instant().bind(standing, Context()).findings(standing, standing.region(T=2))
    assert averaging is not None
    assert averaging.proposal is not None
    assert Instant(**averaging.proposal.params) == Instant(neighbours="mean")
    assert found_by(Instant(neighbours="mean"), standing) == []
    found = {n: psnr(evaluate(standing, Instant(neighbours=n))[0], truth) for n in ("none", "T", "mean")}
    assert found["mean"] > found["T"] + 0.3 > found["none"] + 0.8
    drifted = drifting()
    assert not Survey.of(drifted).stands_still()
    assert kinds.FRAMES_STILL not in found_by(Instant(), drifted)
    finding = Instant(neighbours="mean").bind(drifted, Context()).findings(drifted, drifted.region(T=2))[0]
    assert (finding.kind, finding.details["frame"]) == (kinds.FRAME_DIFFERS, 2)
    assert finding.value > finding.limit == CHANGED
    assert "of frame 3 differs" in finding.text
    motion = find_motion(drifted)
    assert motion is not None
    assert motion.kind == kinds.FRAME_DIFFERS
    assert not Survey.of(Stack.of(standing.plane(T=0), "YX")).stands_still()


def test_a_stack_without_time_is_refused_and_a_single_frame_is_not() -> None:
    pixels = frames(3, 80, 96)
    with pytest.raises(QuietfieldError, match=r"time \(T\).*does not have"):
        evaluate(Stack.of(pixels, "ZYX"), Instant(neighbours="mean"))
    single = Stack.of(pixels[:1], "TYX")
    ours = evaluate(single, Instant(neighbours="mean"))[0]
    np.testing.assert_allclose(ours, evaluate(single, Instant())[0], atol=1e-3)


@pytest.mark.parametrize(("count", "groups"), [(4, 1), (17, 1), (25, 1), (26, 2), (60, 4)])
def test_training_sees_means_that_share_no_frame(count: int, groups: int) -> None:
    pixels = frames(count, 32, 48)
    stack = Stack.of(pixels, "TYX")
    found = means(stack)
    assert found.shape == (groups, 32, 48)
    counts = [len(part) for part in np.array_split(np.arange(count), groups)]
    np.testing.assert_allclose(
        found.read().mean(0), pixels.mean(0), atol=0.5 if len(set(counts)) > 1 else 1e-3
    )
    single, together = levels(stack)[0][1], levels(found)[0][1]
    assert together.model.gain == pytest.approx(single.model.gain * groups / count)
    part = (slice(groups - 1, groups), slice(3, 20), slice(5, 30))
    np.testing.assert_array_equal(found.read(part), found.read()[part])


def test_quietfield_learns_from_the_mean_and_goes_on_with_it(tmp_path: Path) -> None:
    stack, truth = recorded((1,) * 6, side=128)
    method = Quietfield(
        steps=3, seconds=0, patch=64, batch=1, quality="instant", neighbours="mean", validation_patches=8
    )
    trainer = Trainer(stack, method, device="cpu")
    *_, last = trainer.run()
    assert last.step == 3
    assert kinds.FRAME_DIFFERS not in kinds_in(last.findings)
    model = trainer.model()
    assert model.method == replace(method, psf=model.method.psf)  # type: ignore[attr-defined]
    save_model(tmp_path / "a.quietfield", model)
    again = load_model(tmp_path / "a.quietfield")
    result = evaluate(stack, again.prediction("cpu"))[0]
    np.testing.assert_array_equal(result, np.broadcast_to(result[0], result.shape))
    assert psnr(result, truth) > psnr(evaluate(stack, Instant(neighbours="T"))[0], truth) + 0.3
    with pytest.raises(QuietfieldError, match="neighbours along time"):
        evaluate(Stack.of(stack.plane(T=0), "YX"), again.prediction("cpu"))
    with pytest.raises(QuietfieldError, match="needs at least two"):
        next(Trainer(Stack.of(stack.plane(T=0), "YX"), method, device="cpu").run())
    begun = Trainer(stack, replace(method, steps=6, epoch=2), device="cpu")
    next(report for report in begun.run() if report.step)
    later = Trainer(stack, replace(method, steps=6, epoch=2), device="cpu")
    later.restore(begun.model())
    list(later.run())
    straight = Trainer(stack, replace(method, steps=6, epoch=2), device="cpu")
    list(straight.run())
    for name, weights in straight.model().weights.items():
        torch.testing.assert_close(later.model().weights[name], weights, rtol=0, atol=0)
    other = Trainer(stack, replace(method, steps=4, neighbours="none"), device="cpu")
    other.restore(again)
    *_, last = other.run()
    assert kinds.TRAINING_RESTARTED in kinds_in(last.findings)


def test_quietfield_says_what_the_mean_smears_and_where_it_would_gain() -> None:
    def found(method: Quietfield, stack: Stack) -> set[Kind]:
        return kinds_in(method.resolve(stack, Context()).findings)

    assert kinds.FRAME_DIFFERS in found(Quietfield(neighbours="mean"), drifting())
    standing, _ = recorded((1,) * 6)
    assert kinds.FRAMES_STILL in found(Quietfield(), standing)
    fields, _ = recorded((1, 2, 3, 4, 5, 6))
    assert kinds.FRAMES_STILL not in found(Quietfield(), fields)


@needs_data
@pytest.mark.parametrize(
    ("name", "least"), [("confocal_mice", 41.0), ("twophoton_bpae_g", 35.9), ("widefield_bpae_g", 35.8)]
)
def test_recorded_shots_of_one_field_gain_from_their_mean(name: str, least: float) -> None:
    """Better than the best filter along time, chosen with the ground truth: 40.27, 35.84 and 35.55 dB."""
    import tifffile

    from core.files import open_stack

    stack = open_stack(DATA / "fmd" / f"{name}_4frames_noisy.tif", axes="TYX")
    assert Survey.of(stack).stands_still()
    truth = np.squeeze(tifffile.imread(DATA / "fmd" / f"{name}_4frames_clean.tif")).astype(np.float64)
    truth = truth.reshape(-1, *truth.shape[-2:])[0]
    result = evaluate(stack, Instant(neighbours="mean"), stack.region(T=0))[0][0]
    assert 10 * np.log10(255**2 / np.mean((result - truth) ** 2)) > least


@needs_data
@pytest.mark.parametrize("name", ["timelapse_tyx", "lysosomes_live_tyx", "two_photon_tyx"])
def test_recorded_scenes_that_live_are_not_offered_their_mean(name: str) -> None:
    import tifffile

    stack = Stack.of(tifffile.imread(DATA / "stacks" / f"{name}.tif"), "TYX")
    assert not Survey.of(stack).stands_still()
    assert find_motion(stack) is not None
    assert kinds.FRAMES_STILL not in found_by(Instant(), stack, 3)
