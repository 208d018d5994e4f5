"""Detectors: mean, variance and correlation of recordings agree with many repeats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats

from core.instant.making.detectors import random_detector, random_kernel
from core.noise.noise_estimate import LAGS
from core.simulation.clipping import clipped_moments
from core.simulation.detection import Detector, record
from core.simulation.filtering import filter_axes, interpolation, kernel_matrix, noise_of
from core.simulation.scenes import scene

REPEATS = 160
PHOTONS = 12 + 9 * np.sin(np.arange(56)[:, None] / 9) * np.cos(np.arange(64) / 11)
"""Gentle light, 3 to 21 photons."""

DETECTORS = {
    "pulses": Detector(pulse=0.8, read_noise=0.3),
    "exposures": Detector(frames=5, read_noise=2.0, excess=True),
    "gains": Detector(response=0.2, read_noise=1.0),
    "amplifiers": Detector(amplifiers=0.2, kernels=((), (0.2, 0.6, 0.2))),
    "pattern": Detector(pattern=1.5, read_noise=1.0, uneven=0.3),
    "rows": Detector(stripes=(2.0, 0.0)),
    "columns, smooth": Detector(stripes=(0.0, 2.0), smoothing=(0.7, 0.5)),
    "tail": Detector(kernels=((), (0.1, 0.2, 0.7, 0.0, 0.0)), pulse=2.0),
    "sharpened": Detector(kernels=((-0.1, 1.2, -0.1), (0.2, 0.6, 0.2))),
    "linear": Detector(coarser=1.7, read_noise=1.0),
    "cubic": Detector(coarser=1.4, cubic=True, stripes=(1.0, 0.0)),
    "mosaic": Detector(mosaic=True, read_noise=1.0),
    "photomultiplier": Detector(pulse=1.5, read_noise=0.2, levels=256, step=3.0, dark=5.0),
    "floor": Detector(floor=0.0, read_noise=1.0, smoothing=(0.5, 0.5)),
}


def correlation(noise: np.ndarray, y: int, x: int) -> float:
    """Correlation of pixels at a distance along both axes, over (repeats, Y, X)."""
    rows, columns = noise.shape[1:]
    first, second = noise[:, : rows - y, : columns - x], noise[:, y:, x:]
    return float(np.mean(first * second) / np.mean(noise**2))


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS.keys())
def test_recordings_are_true(detector: Detector) -> None:
    rng = np.random.default_rng(5)
    recordings = [record(PHOTONS, detector, rng) for _ in range(REPEATS)]
    first = recordings[0]
    noise = np.stack([r.noisy.astype(float) for r in recordings]) - first.mean
    line = first.noise.variance(first.mean)
    error = noise.mean(axis=0) / np.sqrt(line / REPEATS)
    smooth = ndimage.gaussian_filter(error, 3)
    assert np.abs(smooth).max() < 2.5  # no place is wrong
    assert error.mean() == pytest.approx(0, abs=0.15 if max(*detector.stripes, detector.amplifiers) else 0.05)
    uneven = detector.response or detector.amplifiers  # then its square grows with that of the light
    median = np.median(first.mean)
    for part in [first.mean > 0] if uneven else [first.mean < median, first.mean >= median]:
        assert np.mean(noise[:, part] ** 2) == pytest.approx(line[part].mean(), rel=0.04)
    for lag, told in zip(LAGS, first.correlation, strict=True):
        assert correlation(noise, *lag) == pytest.approx(told, abs=0.02)


def test_stripes_are_the_same_along_their_line() -> None:
    rng = np.random.default_rng(0)
    noisy = record(np.full((50, 400), 100.0), Detector(stripes=(4.0, 0.0)), rng).noisy
    assert noisy.mean(axis=1).std() == pytest.approx(4.0, rel=0.3)
    assert noisy.mean(axis=0).std() < 2.0


@pytest.mark.parametrize("pulse", [np.inf, 1.0])
@pytest.mark.parametrize(("floor", "read_noise"), [(0.0, 1.5), (1.0, 0.5), (0.5, 0.0), (-1.0, 1.0)])
def test_a_floor_lifts_the_mean_and_lowers_the_variance_as_computed(
    pulse: float, floor: float, read_noise: float
) -> None:
    rng = np.random.default_rng(1)
    light = np.array([0.0, 0.3, 1.0, 3.0, 12.0, 60.0])
    mean, variance = clipped_moments(light, floor, read_noise, pulse)
    electrons = rng.poisson(light, (200000, 6)).astype(float)
    if np.isfinite(pulse):
        electrons = np.where(electrons > 0, rng.standard_gamma(np.maximum(electrons * pulse, 0.1)) / pulse, 0)
    shown = np.maximum(electrons + read_noise * rng.standard_normal(electrons.shape), floor)
    np.testing.assert_allclose(mean, shown.mean(axis=0), rtol=0.01, atol=0.01)
    np.testing.assert_allclose(variance, shown.var(axis=0), rtol=0.03, atol=0.02)


def test_a_floor_gives_many_pixels_of_one_value() -> None:
    rng = np.random.default_rng(2)
    detector = Detector(pulse=1.2, floor=0.0, levels=256, step=8.0, dark=3.0)
    noisy = record(np.full((200, 200), 0.7), detector, rng).noisy
    assert np.mean(noisy == 3) == pytest.approx(stats.poisson.pmf(0, 0.7), abs=0.1)
    assert noisy.min() == 3
    assert noisy.max() <= 255


def test_few_pixels_pass_the_last_level() -> None:
    rng = np.random.default_rng(3)
    noisy = record(
        300 * scene(1, (128, 128)).astype(float), Detector(levels=256, step=20.0, dark=4.0), rng
    ).noisy
    assert np.mean(noisy == 255) <= 0.004
    assert noisy.max() > 200


@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize("factor", [1.0, 1.5, 2.3])
def test_interpolation_keeps_a_slope(factor: float, cubic: bool) -> None:
    sensor, back = interpolation(60, factor, cubic=cubic)
    line = np.linspace(3, 9, 60, dtype=np.float32)
    np.testing.assert_allclose((back @ sensor @ line)[6:-6], line[6:-6], atol=0.01)
    np.testing.assert_allclose(back.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(sensor.sum(axis=1), 1, atol=1e-5)
    if factor == 1:
        np.testing.assert_allclose(back @ sensor, np.eye(60), atol=1e-5)


def test_filters_are_those_of_scipy_and_their_noise_is_known() -> None:
    image = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    across = kernel_matrix(40, (0.2, 0.5, 0.3))
    expected = ndimage.correlate1d(image, [0.2, 0.5, 0.3], axis=1, mode="reflect")
    np.testing.assert_allclose(filter_axes(image, None, across), expected, rtol=1e-5)
    noise = noise_of(kernel_matrix(2000, (0.2, 0.5, 0.3)))
    assert noise.variance == pytest.approx(0.38, rel=2e-3)
    assert noise.covariance == pytest.approx(0.25, rel=2e-3)
    assert noise_of(None).variance == 1


def test_random_kernels_add_up_to_one_and_contain_long_and_negative_tails() -> None:
    rng = np.random.default_rng(0)
    found = [noise_of(kernel_matrix(400, random_kernel(rng))) for _ in range(200)]
    correlations = [noise.covariance / noise.variance for noise in found]
    assert min(correlations) < -0.05
    assert max(correlations) > 0.55
    assert all(sum(random_kernel(rng)) == pytest.approx(1) for _ in range(50))


def test_impossible_detectors_are_refused() -> None:
    with pytest.raises(ValueError, match="one filter"):
        Detector(mosaic=True, coarser=2.0)
    with pytest.raises(ValueError, match="floor"):
        Detector(floor=0.0, stripes=(1.0, 0.0))


def test_random_detectors_record_scenes_without_bias() -> None:
    """For all detectors, noise normalised by the recording's model has mean 0 and variance 1."""
    rng = np.random.default_rng(11)
    variances, means = [], []
    for seed in range(150):
        light = scene((4, seed % 10), (64, 64)).astype(float) + 0.1
        recording = record(light * np.exp(rng.uniform(0, 5)), random_detector(rng), rng)
        line = recording.noise.variance(recording.mean)
        unit = (recording.noisy - recording.mean) / np.sqrt(np.maximum(line, 0.05 * line.mean()))
        means.append(np.median(unit))
        variances.append(np.clip(unit, -6, 6).var())
        assert np.isfinite(unit).all()
    assert np.median(variances) == pytest.approx(1, abs=0.06)
    assert np.percentile(variances, 5) > 0.5
    assert np.percentile(variances, 95) < 1.6
