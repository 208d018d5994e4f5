"""Difficult stacks and interrupted trainings: a sensible result, or a message."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.method import Instant
from core.learning.base import Learned
from core.learning.methods import (
    DecoNoising,
    Noise2Void,
    Noise2Void2,
    Noise2VoidConvolved,
    Quietfield,
    StructNoise2Void,
)
from core.learning.model import Model
from core.learning.obstacles import obstacles
from core.learning.trainer import Report, Trainer
from core.methods.apply import evaluate
from core.noise.survey import StackNoise, Survey
from core.progress import Context
from core.stack import Stack
from tests.core.learning_data import kinds_in, only, scene, small, trained

BOTH = (Noise2Void, Quietfield)
PLAIN = (Noise2Void, Noise2Void2, Noise2VoidConvolved, DecoNoising)

Pixels = NDArray[Any]


def method_of(cls: type[Learned], **changes: Any) -> Learned:
    """Method that takes four steps; Quietfield in as few pixels as its network can take."""
    given: dict[str, Any] = {"steps": 4, "epoch": 2}
    if cls is Quietfield:
        given |= {"patch": 64, "batch": 2, "quality": "instant", "validation_patches": 2}
    return small(cls, **{**given, **changes})


def noisy(frames: int = 3, side: int = 64, noise: float = 20.0) -> Pixels:
    """Counts about 400, (T, Y, X) uint16; where Instant sees little structure."""
    pixels: Pixels = scene(frames=frames, side=side, noise=noise)[0].read()
    return pixels


def stack_of(pixels: Pixels, axes: str = "TYX") -> Stack:
    return Stack.of(pixels, axes, name="it")


def result(stack: Stack, cls: type[Learned], **changes: Any) -> tuple[Pixels, Model, Report]:
    """Denoised stack, the network, and the last report."""
    model, reports = trained(stack, method_of(cls, **changes))
    assert all(bool(torch.isfinite(tensor).all()) for tensor in model.weights.values())
    assert all(math.isfinite(value) for point in model.record.curve for value in point)
    return evaluate(stack, model.prediction("cpu"))[0], model, reports[-1]


def rough(pixels: Pixels) -> float:
    """Return the median difference between neighbours in a row, a measure of noise."""
    return float(np.median(np.abs(np.diff(pixels.astype(np.float64)))))


def near(denoised: Pixels, pixels: Pixels, share: float = 1.0) -> bool:
    """Whether a result is finite, as bright as its source, and no rougher than it."""
    pixels = pixels.astype(np.float64)
    moved = abs(float(np.median(denoised)) - float(np.median(pixels)))
    return bool(
        np.isfinite(denoised).all() and moved < 0.5 * pixels.std() and rough(denoised) < share * rough(pixels)
    )


# ---------------------------------------------------------------------- stacks


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("side", [20, 40])
def test_stack_smaller_than_a_patch(cls: type[Learned], side: int) -> None:
    pixels = noisy()[:, :side, :side]
    denoised, model, last = result(stack_of(pixels), cls, patch=64)
    assert near(denoised, pixels)
    if cls is Noise2Void:
        assert only(last.findings, kinds.PATCHES_SMALLER).value == side
    else:
        small = only(last.findings, kinds.PLANES_TOO_SMALL)
        assert (small.details["width"], small.details["height"], small.limit) == (side, side, 64)
        assert kinds.PATCHES_SMALLER not in kinds_in(last.findings)
        assert model.record.steps == 0


def test_too_small_for_training_that_is_insisted_on_is_a_sentence() -> None:
    stack = stack_of(noisy()[:, :40])
    with pytest.raises(QuietfieldError, match=r"64 x 40 pixels.*Noise2Void"):
        next(Trainer(stack, method_of(Quietfield, train="yes"), device="cpu").run())
    with pytest.raises(QuietfieldError, match="64 x 10 pixels; a network needs at least 16 x 16"):
        next(Trainer(stack_of(noisy()[:, :10]), method_of(Quietfield), device="cpu").run())


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize(("axes", "at"), [("YX", 0), ("TYX", slice(1))])
def test_one_frame(cls: type[Learned], axes: str, at: int | slice) -> None:
    pixels = noisy()[at]
    denoised, model, last = result(stack_of(pixels, axes), cls)
    assert denoised.shape == pixels.shape
    assert near(denoised, pixels)
    assert model.record.steps == 4
    if cls is Quietfield:  # whose patches are twice as large
        assert kinds.NOTHING_HELD_OUT in kinds_in(last.findings)


@pytest.mark.parametrize("cls", BOTH)
def test_constant_frames_among_others(cls: type[Learned]) -> None:
    pixels = noisy(frames=5)
    pixels[1], pixels[3] = 7, 0
    denoised, _, _ = result(stack_of(pixels), cls)
    assert np.isfinite(denoised).all()
    if cls is Quietfield:
        assert np.abs(denoised[1] - 7).max() < 1
        assert all(near(denoised[frame], pixels[frame]) for frame in (0, 2, 4))
        return
    longer, _, last = result(stack_of(pixels), cls, steps=80, epoch=10, width=16)
    np.testing.assert_array_equal(longer[[1, 3]], pixels[[1, 3]])
    assert all(near(longer[frame], pixels[frame]) for frame in (0, 2, 4))
    assert only(last.findings, kinds.FRAMES_OUTLYING).details["numbers"] == "2, 4"


def test_only_frame_with_noise_is_denoised_all_the_same() -> None:
    pixels = np.full((4, 64, 64), 300, np.uint16)
    pixels[1] = noisy()[1]
    denoised, model, last = result(stack_of(pixels), Quietfield)
    assert kinds.NEIGHBOURS_USELESS in kinds_in(last.findings)  # the others are blank
    assert model.record.steps == 4
    assert near(denoised[1], pixels[1])
    np.testing.assert_array_equal(denoised[[0, 2, 3]], 300)


def test_stack_that_is_constant_everywhere_is_left_as_it_is() -> None:
    # Noise2Void refuses it: tests/core/test_learning_trainer.py
    denoised, model, last = result(stack_of(np.full((2, 64, 64), 7, np.uint8)), Quietfield)
    assert (denoised == 7).all()
    assert model.record.steps == 0
    assert kinds_in(last.findings) == {kinds.TRAINING_NOISELESS, kinds.NETWORK_UNTRAINED}
    denoised, model, last = result(stack_of(np.full((2, 64, 64), 7, np.uint8)), Quietfield, train="yes")
    assert (denoised == 7).all()
    assert model.record.steps == 4
    assert kinds_in(last.findings) == {kinds.TRAINING_NOISELESS, kinds.NOTHING_HELD_OUT}


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("value", [5.0, math.nan])
def test_channel_that_is_constant_or_holds_nothing(cls: type[Learned], value: float) -> None:
    pixels = np.stack([noisy(), np.full((3, 64, 64), value, np.float32)], axis=1).astype(np.float32)
    denoised, model, last = result(stack_of(pixels, "TCYX"), cls)
    assert near(denoised[:, 0], pixels[:, 0])
    assert only(last.findings, kinds.TRAINING_NOISELESS).details["where"] == "channel 2 of it"
    assert model.record.steps == 4
    if cls is Quietfield:  # as with Instant, what was not measured stays so
        np.testing.assert_array_equal(denoised[:, 1], pixels[:, 1])


def test_channel_without_noise_does_not_change_what_the_others_teach() -> None:
    alone = noisy(frames=4)
    clean = 100 * scene(frames=4, noise=0.0)[1].astype(np.float32)
    both = np.stack([alone.astype(np.float32), clean], axis=1)
    last = [result(stack_of(*args), Quietfield)[2] for args in ((alone,), (both, "TCYX"))]
    assert last[1].validation == pytest.approx(last[0].validation, rel=1e-4)


@pytest.mark.parametrize("cls", BOTH)
def test_saturated_and_dead_pixels(cls: type[Learned]) -> None:
    pixels, truth = scene(frames=3)[0].read().copy(), scene(frames=3)[1]
    drawn = np.random.default_rng(0).random(pixels.shape)
    pixels[drawn < 0.003], pixels[drawn > 0.997] = 4095, 0
    pixels[:, 20:28, 20:30] = 4095
    near_them = ndimage.binary_dilation((pixels == 4095) | (pixels == 0), np.ones((1, 5, 5)))
    stack = stack_of(pixels)
    denoised, _, last = result(stack, cls, steps=4 if cls is Quietfield else 60)
    assert np.isfinite(denoised).all()
    assert -0.5 * 4095 < denoised.min() <= denoised.max() < 1.5 * 4095
    assert kinds.PIXELS_OUTLYING in kinds_in(last.findings)
    if cls is Quietfield:
        # the frames are of different fields, whatever they share
        assert kinds_in(last.findings) & {kinds.NEIGHBOURS_USELESS, kinds.NEIGHBOURS_LEFT_OUT}
        error, instant = (
            float(np.abs(image - truth)[~near_them].mean())
            for image in (denoised, evaluate(stack, Instant())[0])
        )
        assert error < 1.1 * instant < 20


def test_pixels_that_are_not_finite_stay_so_and_spoil_no_others() -> None:
    # the same with Noise2Void: tests/core/test_learning_trainer.py
    pixels = noisy().astype(np.float32)
    pixels[0, :10], pixels[1, 30, 30], pixels[2, 7, 7] = np.nan, np.inf, -np.inf
    holes = ~np.isfinite(pixels)
    denoised, model, _ = result(stack_of(pixels), Quietfield)
    np.testing.assert_array_equal(denoised[holes], pixels[holes])
    assert near(denoised[1:][~holes[1:]], pixels[1:][~holes[1:]])
    assert np.isfinite(denoised[~holes]).all()
    assert model.record.steps == 4


def test_stack_of_nothing_finite_is_given_back() -> None:
    pixels = np.full((2, 64, 64), np.nan, np.float32)
    denoised, _, last = result(stack_of(pixels), Quietfield)
    np.testing.assert_array_equal(denoised, pixels)
    assert kinds.TRAINING_NOISELESS in kinds_in(last.findings)


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize(("offset", "dtype"), [(59_600, np.uint16), (-2000, np.float32), (-2000, np.int16)])
def test_offsets_change_nothing_but_the_level(cls: type[Learned], offset: int, dtype: type) -> None:
    pixels = noisy().astype(np.int64)
    moved = (pixels + offset).astype(dtype)
    there, model, _ = result(stack_of(moved), cls)
    here, _, _ = result(stack_of(pixels.astype(np.uint16)), cls)
    assert near(there, moved)
    # float32 holds 60 000 to 0.004; weights of float32 go apart a little in four steps of Adam
    np.testing.assert_allclose(there - offset, here, atol=1.0)
    assert model.record.steps == 4


@pytest.mark.parametrize("cls", BOTH)
def test_colours(cls: type[Learned]) -> None:
    one = noisy()
    pixels = np.stack([one, one // 2, one // 4], axis=1)
    denoised, _, _ = result(stack_of(pixels, "TCYX"), cls)
    for channel in range(3):
        assert near(denoised[:, channel], pixels[:, channel])


def test_enormous_values() -> None:
    pixels = noisy().astype(np.float32) * 1e15
    denoised, _, last = result(stack_of(pixels), Noise2Void)
    assert near(denoised, pixels)
    assert last.findings == ()
    denoised, _, _ = result(stack_of(pixels), Quietfield)
    assert near(denoised, pixels)


# ---------------------------------------------------------------------- what is said before training


def correlated(side: int = 96, sigma: float = 0.5) -> Pixels:
    """Noise of deviation 20 whose neighbours correlate by about 0.26, on a smooth scene, (T, Y, X)."""
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(4, side, side)), (0, sigma, sigma))
    scene = ndimage.gaussian_filter(rng.normal(size=(side, side)), 8)
    pixels: Pixels = (500 + 100 * scene / scene.std() + 20 * noise / noise.std()).astype(np.float32)
    return pixels


@pytest.mark.parametrize("cls", PLAIN)
def test_correlated_noise_is_told_of_before_training(cls: type[Learned]) -> None:
    first = next(Trainer(stack_of(correlated()), method_of(cls), device="cpu").run())
    assert first.step == 0
    value = only(first.findings, kinds.NOISE_CORRELATED).value
    assert value is not None
    assert 0.2 <= value < 0.3


@pytest.mark.parametrize("cls", PLAIN)
def test_clean_stacks_are_told_of_before_training(cls: type[Learned]) -> None:
    first = next(Trainer(stack_of(scene()[1].astype(np.float32)), method_of(cls), device="cpu").run())
    assert kinds_in(first.findings) == {kinds.TRAINING_NOISELESS}
    assert "Almost no noise of single pixels was found in it;" in first.note


@pytest.mark.parametrize("cls", PLAIN)
def test_nothing_is_said_of_independent_noise(cls: type[Learned]) -> None:
    stack = stack_of(correlated(sigma=0.0))
    assert next(Trainer(stack, method_of(cls), device="cpu").run()).findings == ()


def test_channels_are_told_apart() -> None:
    pixels = np.stack([correlated(sigma=0.0), correlated(), correlated(sigma=0.7)], axis=1)
    (found,) = obstacles(stack_of(pixels[:, :2], "TCYX"))
    assert (found.kind, found.details["channel"]) == (kinds.CHANNEL_NOISE_CORRELATED, 1)
    assert found.text.startswith("In channel 2, the noise of neighbouring pixels is correlated")
    assert found.proposal is not None
    assert found.proposal.method == StructNoise2Void.name
    clean = ndimage.gaussian_filter(pixels, (0, 0, 3, 3))
    findings = obstacles(stack_of(np.concatenate([clean[:, :2], pixels[:, :1]], axis=1), "TCYX"))
    assert only(findings, kinds.TRAINING_NOISELESS).details["where"] == "channels 1 and 2 of it"


def test_estimates_that_are_not_reliable_do_not_warn() -> None:
    stack = stack_of(correlated())
    (known,) = Survey.of(stack).noise().channels
    assert known.reliable
    doubted = replace(known, problem=Finding(kind=kinds.NOISE_STRUCTURE))
    noise = StackNoise(channels=(doubted,), each_plane=False)
    other = stack_of(correlated())
    other.attached(Survey, lambda: Survey(other, noise))
    assert obstacles(other) == ()


def test_lines_that_are_measured_are_not_warned_of() -> None:
    stack = stack_of(correlated())
    found = kinds_in(StructNoise2Void().resolve(stack, Context()).findings)
    assert kinds.LINES_MASKED in found
    assert kinds.NOISE_CORRELATED not in found


# ---------------------------------------------------------------------- stopping, seeds


def test_quietfield_stopped_at_any_moment_is_usable() -> None:
    stack = stack_of(noisy())
    trainer = Trainer(stack, method_of(Quietfield, epoch=1), device="cpu")
    instant = evaluate(stack, Instant())[0]
    seen = []
    for report in trainer.run():
        if report.doing:
            continue
        model = trainer.model()
        denoised = evaluate(stack, model.prediction("cpu"))[0]
        assert near(denoised, stack.read())
        assert np.abs(denoised - instant).mean() < 0.5 * 20  # half the noise
        assert model.record.steps == report.step
        seen.append(report.step)
    assert {0, 1, 2, 3, 4} == set(seen)


def test_quietfield_same_seed_same_weights_also_when_stopped() -> None:
    stack = stack_of(noisy(noise=60.0))
    method = method_of(Quietfield, epoch=1, learning_rate=1e-3, warmup=0)
    whole, _ = trained(stack, method)
    again, _ = trained(stack_of(stack.read()), method)
    first = Trainer(stack, method, device="cpu")
    run = first.run()
    while next(run).step < 2:
        pass
    run.close()
    second = Trainer(stack, method, device="cpu")
    second.restore(first.model())
    resumed = (list(second.run()), second.model())[1]
    other, _ = trained(stack, replace(method, seed=5))
    latest = []
    for model in (whole, again, resumed, other):
        assert model.resume is not None
        latest.append({**model.weights, **{f"now {k}": v for k, v in model.resume["network"].items()}})
    for name, weights in latest[0].items():
        assert torch.equal(weights, latest[1][name])
        assert torch.equal(weights, latest[2][name])
    assert any(not torch.equal(weights, latest[3][name]) for name, weights in latest[0].items())


@pytest.mark.parametrize("cls", BOTH)
def test_broken_off_before_the_first_step(cls: type[Learned]) -> None:
    stack = stack_of(noisy())
    trainer = Trainer(stack, method_of(cls), device="cpu")
    run = trainer.run()
    next(report for report in run if not report.doing)
    run.close()
    denoised = evaluate(stack, trainer.model().prediction("cpu"))[0]
    assert np.isfinite(denoised).all()
    if cls is Quietfield:
        np.testing.assert_allclose(denoised, evaluate(stack, Instant())[0], atol=1e-3)
