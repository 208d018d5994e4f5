"""Instant on stacks: tiles, units, noise estimation and quality."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.instant.constants import REACH
from core.instant.denoiser import FARTHEST, Denoiser
from core.instant.method import Instant
from core.methods.apply import apply, evaluate
from core.methods.base import WHOLE
from core.methods.stream import streaming
from core.noise.estimate import estimate
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import StackNoise, Survey
from core.progress import Context
from core.simulation.scenes import scene
from core.stack import Stack
from tests.core.test_instant_network import wild
from tests.network_runs import short_of_memory


def frames(count: int = 3, height: int = 96, width: int = 112, photons: float = 40.0) -> NDArray[np.uint16]:
    light = scene((1, 5), (height, width)) * photons + 3
    rng = np.random.default_rng(6)
    return np.stack([rng.poisson(light) for _ in range(count)]).astype(np.uint16)


def noise(gain: float, constant: float, y: float = 0.0, x: float = 0.0) -> NoiseEstimate:
    patch = np.zeros((7, 7))
    patch[3, 3], patch[3, [2, 4]], patch[[2, 4], 3] = 1, x, y
    return NoiseEstimate(
        model=PoissonGaussian(gain=gain, constant=constant, floor=constant), dark=0.0, gain_error=0.0,
        constant_error=0.0, mean=20.0, autocorrelation=patch,
    )  # fmt: skip


def with_noise(one: NoiseEstimate, **given: object) -> Denoiser:
    return Denoiser(networks=(wild(),), noise=StackNoise(channels=(one,), each_plane=False), **given)  # type: ignore[arg-type]


def denoised(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network with random weights makes of an image whose noise is measured."""
    stack = Stack.of(pixels, "YX")
    return evaluate(stack, Denoiser(networks=(wild(),), noise=Survey.of(stack).noise()))[0]


def test_tiles_give_the_same_as_the_whole() -> None:
    """On a device with too little memory for tiles of more than 128 pixels and their margins."""
    stack = Stack.of(frames(1, 600, 510)[0], "YX")
    operation = with_noise(noise(1.0, 2.0))
    whole = evaluate(stack, operation)[0]
    with short_of_memory(128 + 2 * REACH) as seen:
        np.testing.assert_allclose(evaluate(stack, operation)[0], whole, atol=1e-3)
    assert len(seen) >= 5 * 4


def test_a_region_gives_the_same_as_the_whole() -> None:
    stack = Stack.of(frames(2, 400, 380), "TYX")
    operation = with_noise(noise(1.0, 2.0))
    whole = apply(stack, operation)[0].read()
    region = (slice(1, 2), slice(180, 219), slice(200, 251))
    np.testing.assert_allclose(evaluate(stack, operation, region)[0], whole[region], atol=1e-3)


@pytest.mark.parametrize(("gain", "offset"), [(7.0, 0.0), (1.0, 100.0), (0.01, -3.0), (25.0, 500.0)])
def test_units_do_not_matter(gain: float, offset: float) -> None:
    pixels = frames(1, 128, 128)[0].astype(np.float32)
    first = denoised(pixels)
    other = denoised((gain * pixels + offset).astype(np.float32))
    np.testing.assert_allclose((other - offset) / gain, first, atol=0.02 * first.std())


def test_the_offset_does_not_matter_where_noise_is_constant() -> None:
    rng = np.random.default_rng(0)
    pixels = (scene((1, 5), (128, 128)) * 40 + 3 * rng.standard_normal((128, 128))).astype(np.float32)
    first, other = (denoised(pixels + offset) for offset in (-20, 4000))
    np.testing.assert_allclose(other - 4020, first, atol=0.1)


@pytest.mark.parametrize("gain", [1e-7, 1e-5, 1e-3])
def test_noise_that_hardly_grows_with_light_is_as_good_as_constant(gain: float) -> None:
    pixels = frames(1, 96, 96)[0].astype(np.float32)
    constant = evaluate(Stack.of(pixels, "YX"), with_noise(noise(0.0, 9.0)))[0]
    other = evaluate(Stack.of(pixels, "YX"), with_noise(noise(gain, 9.0)))[0]
    np.testing.assert_allclose(other, constant, atol=0.15)


def test_eight_orientations_make_the_orientation_of_the_image_irrelevant() -> None:
    pixels = frames(1, 96, 96)[0].astype(np.float32)
    for turn in (lambda a: np.rot90(a), lambda a: a[:, ::-1], lambda a: a.T):
        first = evaluate(Stack.of(pixels, "YX"), with_noise(noise(1, 2, y=0.4, x=0.1), eightfold=True))[0]
        swapped = (0.4, 0.1) if turn(np.zeros((2, 3))).shape == (2, 3) else (0.1, 0.4)
        turned = with_noise(noise(1, 2, *swapped), eightfold=True)
        second = evaluate(Stack.of(np.ascontiguousarray(turn(pixels)), "YX"), turned)[0]
        np.testing.assert_allclose(second, turn(first), atol=2e-3)


def test_strength_mixes_the_raw_image_in() -> None:
    stack = Stack.of(frames(1)[0], "YX")
    full, half, none = (evaluate(stack, with_noise(noise(1, 2), strength=s))[0] for s in (1.0, 0.5, 0.0))
    np.testing.assert_array_equal(none, stack.read())
    np.testing.assert_allclose(half, (full + none) / 2, atol=1e-3)


def test_noise_is_measured_once_for_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack.of(frames(6), "TYX")
    planes = [evaluate(stack, Instant(), stack.region(T=t))[0] for t in range(6)]
    with streaming(stack, Instant(), limit=2**15) as made:
        np.testing.assert_allclose(made.read(), np.concatenate(planes), atol=1e-3)
    np.testing.assert_allclose(apply(stack, Instant())[0].read(), np.concatenate(planes), atol=1e-3)
    first, again = (Instant().bind(stack, Context()) for _ in range(2))
    assert isinstance(first, Denoiser)
    assert isinstance(again, Denoiser)
    assert first.noise is again.noise
    assert Instant(noise="plane").bind(stack, Context()).noise.each_plane  # type: ignore[attr-defined]
    assert not Instant(noise="stack").bind(stack, Context()).noise.each_plane  # type: ignore[attr-defined]


def test_every_channel_has_its_own_noise() -> None:
    pixels = np.stack([frames(2), 5 * frames(2, photons=10)], axis=1)
    found = Survey.of(Stack.of(pixels, "TCYX")).noise()
    assert len(found.channels) == 2
    assert not found.each_plane
    assert found.channels[1].model.gain / found.channels[0].model.gain == pytest.approx(5, rel=0.3)
    operation = Denoiser(networks=(wild(),), noise=found)
    both = evaluate(Stack.of(pixels, "TCYX"), operation)[0]
    for channel in range(2):
        alone = Denoiser(
            networks=(wild(),), noise=StackNoise(channels=(found.channels[channel],), each_plane=False)
        )
        expected = evaluate(Stack.of(pixels[:, channel], "TYX"), alone)[0]
        np.testing.assert_allclose(both[:, channel], expected, atol=1e-3)


def test_planes_that_differ_are_measured_one_by_one() -> None:
    light = np.broadcast_to(np.linspace(5, 50, 256), (4, 256, 256))
    alike = np.random.default_rng(0).poisson(light).astype(np.uint16)
    unlike = alike * np.array([1, 3, 1, 3], np.uint16)[:, None, None]
    assert not Survey.of(Stack.of(alike, "TYX")).noise().each_plane
    found = Survey.of(Stack.of(unlike, "ZYX")).noise()
    assert found.each_plane
    operation = Denoiser(networks=(wild(),), noise=found)
    assert operation.halo("ZYX") == {"Y": WHOLE, "X": WHOLE}
    results = evaluate(Stack.of(unlike, "ZYX"), operation)[0]
    alone = Stack.of(unlike[1], "YX")
    np.testing.assert_allclose(
        results[1],
        evaluate(alone, Denoiser(networks=(wild(),), noise=Survey.of(alone).noise()))[0],
        atol=1e-3,
    )


def test_planes_whose_noise_is_doubtful_are_not_told_apart() -> None:
    pixels = frames(4) * np.array([1, 3, 1, 3], np.uint16)[:, None, None]
    assert not estimate(pixels[0]).reliable
    assert not Survey.of(Stack.of(pixels, "ZYX")).noise().each_plane


def test_what_is_not_a_number_stays_and_does_not_spread() -> None:
    pixels = frames(1)[0].astype(np.float32)
    pixels[40, 50], pixels[3, 3] = np.nan, np.inf
    result = evaluate(Stack.of(pixels, "YX"), with_noise(noise(1, 2)))[0]
    assert np.isnan(result[40, 50])
    assert np.isposinf(result[3, 3])
    assert np.isfinite(result).sum() == result.size - 2


@pytest.mark.parametrize("shape", [(12, 12), (13, 200), (31, 17)])
def test_small_images(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).poisson(20, shape).astype(np.uint16)
    result = evaluate(Stack.of(pixels, "YX"), with_noise(noise(1, 2)))[0]
    assert result.shape == shape
    assert np.isfinite(result).all()


def test_without_noise_nothing_changes_and_without_pixels_a_sentence() -> None:
    flat = Stack.of(np.full((64, 64), 7, np.uint8), "YX")
    np.testing.assert_array_equal(evaluate(flat, Instant())[0], flat.read())
    with pytest.raises(QuietfieldError, match="5 x 5"):
        evaluate(Stack.of(np.zeros((5, 5), np.uint8), "YX"), Instant())


def test_whatever_a_network_says_no_pixel_changes_by_more_than_noise_can() -> None:
    pixels = frames(1, 96, 96, photons=900.0)[0].astype(np.float32) + 300
    mad = wild()
    torch.nn.init.constant_(mad.end.bias, 1e4)
    operation = Denoiser(networks=(mad,), noise=StackNoise(channels=(noise(1, 2),), each_plane=False))
    change = evaluate(Stack.of(pixels, "YX"), operation)[0] - pixels
    np.testing.assert_allclose(np.abs(change) / np.sqrt(pixels + 2), FARTHEST, rtol=0.3)
