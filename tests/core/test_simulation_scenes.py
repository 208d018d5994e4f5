"""Random scenes and detectors: reproducible, in range, and consistent with their noise model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import special, stats

from core.instant.making.detectors import random_detector
from core.simulation import optics
from core.simulation.detection import Detector, record
from core.simulation.drawing import band, fractal
from core.simulation.scenes import FILLING, FLUORESCENT, scene


@pytest.mark.parametrize("draw", FLUORESCENT + FILLING, ids=lambda draw: draw.__name__)
def test_every_specimen_is_light_that_varies(draw: object) -> None:
    for seed in range(3):
        light = draw((96, 130), np.random.default_rng(seed))  # type: ignore[operator]
        assert light.shape == (96, 130)
        assert np.isfinite(light).all()
        assert light.min() >= 0
        np.testing.assert_array_equal(light, draw((96, 130), np.random.default_rng(seed)))  # type: ignore[operator]
    assert light.std() > 0.005


def test_scenes_are_reproducible_scaled_and_different() -> None:
    scenes = [scene((7, index), (128, 128)) for index in range(12)]
    for found in scenes:
        assert found.dtype == np.float32
        assert found.min() >= 0
        assert found.max() <= 3
        assert np.isfinite(found).all()
    np.testing.assert_array_equal(scenes[3], scene((7, 3), (128, 128)))
    close = [abs(stats.pearsonr(a.ravel(), b.ravel()).statistic) for a, b in itertools.pairwise(scenes)]
    assert max(close) < 0.7


@pytest.mark.parametrize(
    "detector",
    [
        Detector(), Detector(read_noise=3.0), Detector(excess=True, read_noise=1.0),
        Detector(read_noise=1.0, smoothing=(0.0, 0.7)), Detector(read_noise=2.0, levels=256),
    ],
)  # fmt: skip
def test_noise_has_the_variance_and_correlation_it_claims(detector: Detector) -> None:
    """Steps of light: in the middle of each, mean, variance and correlation are compared."""
    rng = np.random.default_rng(1)
    levels = np.array([10.0, 40.0, 90.0])
    recording = record(np.repeat(levels, 300)[:, None] * np.ones((1, 400)), detector, rng)
    for step in range(3):
        rows = slice(300 * step + 10, 300 * step + 290)
        noisy, mean = recording.noisy[rows].astype(float), recording.mean[rows].astype(float)
        expected = recording.noise.variance(mean.mean())
        assert noisy.var() == pytest.approx(expected, rel=0.03)
        assert noisy.mean() - mean.mean() == pytest.approx(0, abs=0.03 * expected**0.5)
        residual = noisy - mean
        for axis, correlation in enumerate(recording.correlation[:2]):
            first, second = np.delete(residual, -1, axis).ravel(), np.delete(residual, 0, axis).ravel()
            assert stats.pearsonr(first, second).statistic == pytest.approx(correlation, abs=0.02)


def test_hot_pixels_and_saturation() -> None:
    rng = np.random.default_rng(2)
    recording = record(np.full((200, 200), 20.0), Detector(hot=0.01, saturation=60.0), rng)
    assert recording.noisy.max() <= 60
    assert 0.001 < np.mean(recording.noisy > 45) < 0.02
    assert recording.mean.max() == 20


def test_detectors_vary() -> None:
    rng = np.random.default_rng(3)
    chosen = [random_detector(rng) for _ in range(300)]
    filters = [max(d.smoothing) > 0 or any(map(len, d.kernels)) or d.coarser > 1 or d.mosaic for d in chosen]
    assert 0.2 < np.mean(filters) < 0.5
    assert 0.15 < np.mean([d.pulse < 10 for d in chosen]) < 0.4
    assert 0.2 < np.mean([d.levels > 0 for d in chosen]) < 0.5
    ordinary = [d for d in chosen if d == Detector(read_noise=d.read_noise)]
    assert len(ordinary) > 30
    assert any(d.excess for d in chosen)
    assert any(d.hot for d in chosen)


def test_an_airy_disc_has_the_radius_of_the_textbook() -> None:
    """The first dark ring lies at 1.22 / cutoff pixels (1.22 wavelength / (2 NA)); in focus only."""
    light = np.zeros((256, 256))
    light[128, 128] = 1
    spread = optics.pupil(light, 0.2, 0.0)
    line = spread[128, 128:]
    assert spread.sum() == pytest.approx(1, rel=1e-6)
    assert np.argmin(line[:9]) == pytest.approx(special.jn_zeros(1, 1)[0] / np.pi / 0.2, abs=0.6)
    assert optics.pupil(light, 0.2, 6.0).max() < 0.5 * spread.max()


def test_haze_adds_its_share_of_light() -> None:
    light = np.random.default_rng(0).random((64, 80))
    assert optics.with_haze(light, 0.3, 8).sum() == pytest.approx(1.3 * light.sum(), rel=0.02)
    np.testing.assert_allclose(optics.gaussian(np.full((9, 9), 2.0), 1.3), 2.0)


def test_textures_have_the_scale_they_are_asked_for() -> None:
    rng = np.random.default_rng(0)
    for noise in (fractal((128, 128), 1.5, rng), band((128, 128), 4, 1, rng)):
        assert noise.std() == pytest.approx(1, rel=1e-3)
        assert abs(noise.mean()) < 0.1

    def neighbours(size: float) -> float:
        noise = band((256, 256), size, 1, rng)
        return float(np.mean(noise[:, 1:] * noise[:, :-1]))

    assert neighbours(1.5) < neighbours(3) < neighbours(8)


def test_dead_pixels_show_no_light() -> None:
    recording = record(np.full((200, 200), 50.0), Detector(dead=0.01), np.random.default_rng(3))
    assert (recording.noisy == 0).mean() == pytest.approx(0.01, rel=0.3)
    assert recording.mean.min() == 50.0
