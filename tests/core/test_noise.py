"""Simulated noise against the closed forms of its mean, variance and shares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.catalogue import create, methods
from core.errors import QuietfieldError
from core.methods.apply import apply, evaluate
from core.methods.base import BlockMethod
from core.noise import simulate
from core.stack import Stack

SHAPE = (4, 250, 250)
NUMBER = math.prod(SHAPE)
NAMES = ["gaussian-noise", "poisson-noise", "salt-and-pepper", "mixed-noise"]


def noisy(pixels: np.ndarray, name: str, **given: Any) -> np.ndarray:
    operation = create(name, given)
    assert isinstance(operation, BlockMethod)
    return apply(Stack.of(pixels, "TYX"), operation)[0].read()


def assert_moments(sample: np.ndarray, mean: float, variance: float, excess: float) -> None:
    """Mean and variance within five standard errors; `excess` is the kurtosis beyond a Gaussian's."""
    n = sample.size
    assert abs(sample.mean(dtype=float) - mean) < 5 * math.sqrt(variance / n)
    assert abs(sample.var(dtype=float) - variance) < 5 * variance * math.sqrt((2 + excess) / n)


def test_the_list_of_noises() -> None:
    assert [m.name for m in methods("noise") if m.__module__ == simulate.__name__] == NAMES


@pytest.mark.parametrize("sigma", [0.5, 10.0, 300.0])
def test_gaussian(sigma: float) -> None:
    sample = noisy(np.full(SHAPE, 1000, np.uint16), "gaussian-noise", sigma=sigma)
    assert_moments(sample, 1000, sigma**2, 0)
    assert stats.kstest((sample.ravel()[:20000] - 1000) / sigma, "norm").pvalue > 1e-4


@pytest.mark.parametrize(("gain", "offset", "photons"), [(1, 0, 3), (2.5, 100, 20), (0.2, 50, 400)])
def test_poisson(gain: float, offset: float, photons: float) -> None:
    clean = np.full(SHAPE, offset + gain * photons, np.float32)
    sample = noisy(clean, "poisson-noise", gain=gain, offset=offset)
    assert_moments(sample, offset + gain * photons, gain**2 * photons, 1 / photons)
    counted = (sample - offset) / gain
    np.testing.assert_allclose(counted, np.round(counted), atol=1e-3)


def test_shares_of_photon_counts_are_those_of_poisson() -> None:
    sample = noisy(np.full(SHAPE, 2.0, np.float32), "poisson-noise")
    for photons in range(6):
        share = stats.poisson.pmf(photons, 2.0)
        spread = math.sqrt(share * (1 - share) / NUMBER)
        assert abs((sample == photons).mean() - share) < 5 * spread


def test_camera_adds_both_variances() -> None:
    sample = noisy(np.full(SHAPE, 300, np.uint16), "mixed-noise", gain=2.0, offset=100.0, read_noise=7.0)
    variance = 2.0 * 200 + 49
    assert_moments(sample, 300, variance, 2.0**3 * 200 / variance**2)


def test_below_the_offset_there_are_no_photons() -> None:
    sample = noisy(np.full(SHAPE, 80, np.uint16), "poisson-noise", offset=100.0)
    assert (sample == 100).all()


@pytest.mark.parametrize(("salt", "pepper"), [(0.05, 0.02), (0, 0.1), (1, 0), (0, 0), (0.5, 0.5)])
def test_salt_and_pepper(salt: float, pepper: float) -> None:
    given = {"salt": salt, "pepper": pepper, "low": -3.0, "high": 900.0}
    sample = noisy(np.full(SHAPE, 100, np.uint16), "salt-and-pepper", **given)
    for value, share in ((900, salt), (-3, pepper), (100, 1 - salt - pepper)):
        spread = math.sqrt(share * (1 - share) / NUMBER)
        assert abs((sample == value).mean() - share) <= 5 * spread + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name: str) -> None:
    clean = np.full((2, 40, 40), 200, np.uint16)
    first, again, other = (noisy(clean, name, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize("name", NAMES)
def test_one_plane_shows_the_noise_of_the_whole(name: str) -> None:
    clean = np.random.default_rng(0).integers(0, 900, (3, 2, 30, 40)).astype(np.uint16)
    stack = Stack.of(clean, "TZYX")
    operation = create(name, {"seed": 5})
    assert isinstance(operation, BlockMethod)
    whole = apply(stack, operation)[0].read()
    region = stack.region(T=2, Z=1, Y=slice(7, 20), X=slice(3, 9))
    np.testing.assert_array_equal(evaluate(stack, operation, region)[0], whole[region])


def test_results_are_not_clipped() -> None:
    sample = noisy(np.zeros(SHAPE, np.uint8), "gaussian-noise", sigma=400.0)
    assert sample.min() < -400
    assert sample.max() > 400


@pytest.mark.parametrize("name", NAMES)
def test_bad_pixels_neither_stop_the_noise_nor_spread(name: str) -> None:
    clean = np.full((1, 9, 9), 100, np.float32)
    clean[0, 0, :4] = np.nan, np.inf, -np.inf, 3e38
    sample = noisy(clean, name)
    assert np.isfinite(sample[0, 1:]).all()
    if name != "salt-and-pepper":
        assert np.isnan(sample[0, 0, 0])


def test_no_photon_costs_nothing_is_refused() -> None:
    with pytest.raises(QuietfieldError, match="Gain"):
        create("poisson-noise", {"gain": 0})
