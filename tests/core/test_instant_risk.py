"""How much noise the network is told: a closed form, recorded images, and where it stays as it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from core.instant import risk
from core.instant.denoiser import Denoiser
from core.instant.measuring import StackNoise, measure
from core.instant.method import Instant
from core.instant.risk import correlated, share, shares
from core.instant.weights import load_network
from core.methods.apply import derive, evaluate
from core.noise.model import NoiseEstimate
from core.stack import Stack
from tests.core.test_instant import _one_thread, frames, noise  # noqa: F401  (a fixture for every test)
from tests.core.test_instant_network import wild
from tests.data import DATA, needs_data


@pytest.mark.parametrize("along", [0.0, 0.4])
def test_random_changes_have_the_correlation_of_the_noise(along: float) -> None:
    shared = np.zeros((7, 7))
    shared[3, 3], shared[3, 2], shared[3, 4], shared[2, 3] = 1.0, along, along, 0.01
    field = correlated(shared, (200, 240), np.random.default_rng(1))
    assert field.var() == pytest.approx(1, abs=0.03)
    assert np.mean(field * np.roll(field, 1, 1)) == pytest.approx(along, abs=0.02)
    assert np.mean(field * np.roll(field, 1, 0)) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("signal", [0.6, 1.5, 4.0])
def test_the_share_is_that_of_least_error(signal: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of white light of variance S in noise of variance 1, S / (S + 1) of each pixel is the best estimate."""
    full, less = 0.5, 0.85
    best = signal / (signal + 1)
    rng = np.random.default_rng(3)
    image = np.sqrt(signal + 1) * rng.standard_normal((400, 400))
    monkeypatch.setattr(risk, "_both", lambda _network, seen, _noise: (full * seen, less * seen))
    monkeypatch.setattr(risk, "DOUBT", 0.0)
    monkeypatch.setattr(risk, "LEAST", risk.LESS)
    wanted = np.clip(1 - (1 - risk.LESS) * (best - full) / (less - full), risk.LESS, 1)
    assert share(wild(), [image], noise(0.0, 1.0)) == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("along", [0.0, 0.4])
def test_the_share_is_that_of_least_error_where_neighbours_share_noise(
    along: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixtures of a wide and a narrow filter of smooth light, compared with the light itself."""
    known = noise(0.0, 1.0, x=along)
    rng = np.random.default_rng(4)
    light = 5 * ndimage.gaussian_filter(rng.standard_normal((500, 500)), 0.8, mode="wrap")
    image = light + correlated(known.autocorrelation, light.shape, rng)

    def both(_network: object, seen: np.ndarray, _noise: object) -> tuple[np.ndarray, np.ndarray]:
        wide, narrow = (
            ndimage.convolve1d(seen, (side, 1 - 2 * side, side), axis=1, mode="wrap") for side in (0.33, 0.1)
        )
        return wide, narrow

    wide, narrow = both(None, image, None)
    apart = narrow - wide
    best = float((apart * (light - wide)).sum() / np.square(apart).sum())
    monkeypatch.setattr(risk, "_both", both)
    monkeypatch.setattr(risk, "DOUBT", 0.0)
    monkeypatch.setattr(risk, "LEAST", 0.0)
    assert 0.05 < best < 0.95
    assert share(wild(), [image], known) == pytest.approx(1 - (1 - risk.LESS) * best, abs=0.01)


def test_pixels_that_are_no_numbers_and_outliers_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "LEAST", 0.0)
    network, _ = load_network()
    image = frames(1, 256, 256)[0].astype(np.float32)
    known = noise(0.8, 0.0)
    strange = image.copy()
    strange[60:64] = np.nan
    strange[100, 40], strange[200, 130] = 3000, np.inf
    found = share(network, [image], known)
    assert 0 < found < 1
    assert share(network, [strange], known) == pytest.approx(found, abs=0.02)


def test_noise_is_told_as_it_is_where_it_is_not_known_well() -> None:
    stack = Stack.of(frames(2), "TYX")
    known = noise(1.0, 2.0)
    assert shares(wild(), stack, StackNoise(channels=(known,), each_plane=True)) == ()
    for one in (dataclasses.replace(known, problem="No."), noise(0.0, 0.0)):
        assert shares(wild(), stack, StackNoise(channels=(one,), each_plane=False)) == (1.0,)


def test_every_channel_has_a_share_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = frames(2, 96, 96).astype(np.float32)
    stack = Stack.of(pixels * np.array([1, 3], np.float32)[:, None, None], "CYX")
    known = StackNoise(channels=(noise(1.0, 2.0), noise(3.0, 18.0)), each_plane=False)
    seen = []

    def counting(_network: object, images: list[np.ndarray], one: NoiseEstimate) -> float:
        seen.append((one.gain, float(images[0].mean())))
        return 0.9 + one.gain / 100

    monkeypatch.setattr(risk, "share", counting)
    told = shares(wild(), stack, known)
    assert told == pytest.approx((0.91, 0.93))
    assert [mean for _, mean in seen] == pytest.approx([pixels[0].mean(), 3 * pixels[1].mean()], rel=1e-5)
    network, _ = load_network()
    both = evaluate(stack, Denoiser(network=network, noise=known, shares=told))[0]
    for channel, (one, less) in enumerate(zip(known.channels, told, strict=True)):
        scaled = StackNoise(channels=(one.scaled(less),), each_plane=False)
        alone = evaluate(Stack.of(stack.plane(C=channel), "YX"), Denoiser(network=network, noise=scaled))[0]
        np.testing.assert_allclose(both[channel], alone, rtol=1e-4, atol=1e-3)


def test_the_expected_error_is_that_of_all_the_noise() -> None:
    stack = Stack.of(frames(1, photons=100.0)[0], "YX")
    known = StackNoise(channels=(noise(1.0, 2.0),), each_plane=False)
    network, _ = load_network()

    def error(strength: float, told: tuple[float, ...]) -> np.ndarray:
        operation = Denoiser(network=network, noise=known, uncertain=True, strength=strength, shares=told)
        return evaluate(stack, operation)[1]

    raw, full = error(0.0, (0.9,)), error(1.0, (0.9,))
    light = evaluate(stack, Denoiser(network=network, noise=known, shares=(0.9,)))[0]
    np.testing.assert_allclose(raw, np.sqrt(known.channels[0].variance(light)), rtol=1e-3)
    assert np.median(full) == pytest.approx(np.median(error(1.0, ())), rel=0.1)


def test_scaled_noise_has_another_deviation_and_the_same_correlation() -> None:
    known = noise(2.0, 3.0, y=0.2)
    less = known.scaled(0.5)
    np.testing.assert_allclose(np.sqrt(less.variance([0, 7, 90])), 0.5 * np.sqrt(known.variance([0, 7, 90])))
    assert less.correlations == known.correlations


def test_only_the_best_quality_looks_and_does_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counting(_network: object, _images: object, one: object) -> float:
        calls.append(one)
        return 0.95

    monkeypatch.setattr(risk, "share", counting)
    pixels = frames(2, 512, 512, photons=300.0)
    stack = Stack.of(pixels, "TYX")
    measured = measure(stack, "auto")
    assert measured.channels[0].reliable
    for given in ({"quality": "instant"}, {"quality": "best", "neighbours": "T"}):
        assert Instant(**given).prepare(stack).shares == ()  # type: ignore[arg-type, attr-defined]
    assert calls == []
    for _ in range(2):
        prepared = Instant(quality="best").prepare(stack)
        assert isinstance(prepared, Denoiser)
        assert prepared.noise == measured
        assert prepared.shares == (0.95,)
    assert len(calls) == 1
    region = (slice(0, 1), slice(0, 64), slice(0, 64))
    assert derive(stack, Instant(quality="best")).read(region).shape == (1, 64, 64)


@needs_data
@pytest.mark.timeout(120)
def test_recorded_tissue_finer_than_anything_simulated_is_smoothed_less_and_comes_out_better() -> None:
    noisy = tifffile.imread(DATA / "fmd" / "confocal_mice_4frames_noisy.tif")[0]
    truth = np.squeeze(tifffile.imread(DATA / "fmd" / "confocal_mice_4frames_clean.tif")).astype(np.float64)
    stack = Stack.of(noisy, "YX")
    network, _ = load_network()
    measured = measure(stack, "auto")
    told = shares(network, stack, measured)
    assert told[0] < 0.96

    def error(told: tuple[float, ...]) -> float:
        result = evaluate(stack, Denoiser(network=network, noise=measured, shares=told))[0]
        return float(np.mean((result - truth) ** 2))

    assert error(told) < 0.99 * error(())
    blurred = ndimage.gaussian_filter(noisy.astype(np.float64), 1.0)
    assert error(()) < np.mean((blurred - truth) ** 2)
