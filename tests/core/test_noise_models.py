"""The Poisson-Gaussian noise model against scipy, closed forms, and the moments of its samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from core.errors import QuietfieldError
from core.noise.models import NoiseModel, PoissonGaussian

CAMERAS = [(1.0, 0.0, 0.5), (4.0, 100.0, 6.0), (0.3, 20.0, 2.5), (2.5, -30.0, 1.0), (0.02, 5.0, 3.0)]
"""Gain, offset and read noise, in counts."""


def camera(gain: float, offset: float, read_noise: float) -> PoissonGaussian:
    return PoissonGaussian.camera(gain=gain, offset=offset, read_noise=read_noise)


def density(model: NoiseModel, mean: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Noisy counts, evenly spaced over all that is likely, and their densities."""
    spread = 12 * math.sqrt(float(model.variance(mean)))
    counts = np.linspace(mean - spread, mean + 2 * spread, 40_001)
    return counts, np.exp(model.log_likelihood(counts, mean))


@pytest.mark.parametrize(("gain", "offset", "read_noise"), CAMERAS)
@pytest.mark.parametrize("photons", [0.0, 0.4, 3.0, 50.0, 2000.0])
def test_the_density_has_the_moments_of_the_law(gain, offset, read_noise, photons):
    """Numeric integration gives 1, the mean, and gain * (mean - offset) + read_noise**2."""
    model, mean = camera(gain, offset, read_noise), offset + gain * photons
    counts, chance = density(model, mean)
    width = counts[1] - counts[0]
    assert chance.sum() * width == pytest.approx(1, abs=1e-6)
    assert (chance * counts).sum() * width == pytest.approx(mean, rel=1e-6, abs=1e-6 * read_noise)
    variance = gain**2 * photons + read_noise**2
    assert (chance * np.square(counts - mean)).sum() * width == pytest.approx(variance, rel=1e-4)
    assert float(model.variance(mean)) == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize(("gain", "offset", "read_noise"), CAMERAS[:4])
@pytest.mark.parametrize("photons", [0.2, 5.0, 200.0])
def test_the_likelihood_is_the_mixture_that_scipy_sums(gain, offset, read_noise, photons):
    number = np.arange(1000)
    noisy = offset + gain * np.array([-3.0, 0.0, 0.3, 4.5, 150.0, 210.0, 300.0])[:, None]
    terms = stats.poisson.logpmf(number, photons) + stats.norm.logpdf(
        noisy, offset + gain * number, read_noise
    )
    expected = np.logaddexp.reduce(terms, axis=1)
    found = camera(gain, offset, read_noise).log_likelihood(noisy[:, 0], offset + gain * photons)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_without_read_noise_it_is_that_of_photon_numbers():
    model = camera(2.0, 10.0, 0.0)
    found = model.log_likelihood(10 + 2.0 * np.arange(-1, 8), 10 + 2.0 * 3.5)
    np.testing.assert_allclose(found, stats.poisson.logpmf(np.arange(-1, 8), 3.5) - math.log(2), rtol=1e-12)


def test_without_photons_it_is_normal():
    model = camera(0.0, 0.0, 7.0)
    noisy, mean = np.array([80.0, 100.0, 130.0]), 104.0
    np.testing.assert_allclose(
        model.log_likelihood(noisy, mean), stats.norm.logpdf(noisy, mean, 7.0), rtol=1e-12
    )


@given(
    gain=st.floats(0.01, 50), offset=st.floats(-100, 100), read=st.floats(0, 20),
    photons=st.floats(0, 1e6), away=st.floats(-30, 30),
)  # fmt: skip
@example(gain=1.0, offset=0.0, read=9.473965368611673e-155, photons=1.0, away=1.0)
@settings(max_examples=60, deadline=None)
def test_likelihoods_are_never_more_than_the_narrowest_part_allows(gain, offset, read, photons, away):
    model, mean = camera(gain, offset, read), offset + gain * photons
    noisy = mean + away * math.sqrt(float(model.variance(mean)))
    found = float(model.log_likelihood(noisy, mean))
    assert not math.isnan(found)
    widest = max(1 / gain, 1 / (read * math.sqrt(2 * math.pi)) if read else 0.0)
    assert found <= math.log(widest) + 1e-9


@pytest.mark.parametrize(("gain", "offset", "read_noise"), [*CAMERAS, (3.0, 7.0, 0.0), (0.0, 0.0, 4.0)])
def test_samples_have_the_moments_of_the_law(gain, offset, read_noise):
    """Mean and variance within five standard errors, of which the Poisson law gives the kurtosis."""
    photons, count = 6.0, 400_000
    model, mean = camera(gain, offset, read_noise), offset + gain * photons
    drawn = model.sample(np.full(count, mean), np.random.default_rng(1))
    variance = gain**2 * photons + read_noise**2
    excess = gain**4 * photons / variance**2
    assert abs(drawn.mean() - mean) < 5 * math.sqrt(variance / count)
    assert abs(drawn.var() - variance) < 5 * variance * math.sqrt((2 + excess) / count)


@pytest.mark.parametrize(("gain", "offset", "read_noise"), CAMERAS)
def test_the_mean_of_frames_follows_the_averaged_law(gain, offset, read_noise):
    model, rng = camera(gain, offset, read_noise), np.random.default_rng(2)
    averaged = model.averaged(5)
    assert averaged.offset == pytest.approx(offset, abs=1e-9)
    mean = offset + 4 * gain
    drawn = model.sample(np.full((5, 200_000), mean), rng).mean(axis=0)
    assert drawn.var() == pytest.approx(float(averaged.variance(mean)), rel=0.02)
    moved = model.shifted(50.0)
    assert float(moved.variance(mean + 50)) == pytest.approx(float(model.variance(mean)))
    assert moved.offset == pytest.approx(offset + 50)


def test_a_variance_below_the_line_is_the_floor():
    model = PoissonGaussian(gain=2.0, constant=-150.0, floor=9.0)
    np.testing.assert_allclose(model.variance([0.0, 79.5, 100.0]), [9.0, 9.0, 50.0])
    assert (model.offset, model.read_noise) == (79.5, 3.0)


def test_pixels_that_no_photons_can_be_drawn_for():
    drawn = camera(1.0, 0.0, 0.0).sample(
        np.array([np.nan, np.inf, -np.inf, 3e38, 4.0]), np.random.default_rng(0)
    )
    assert np.isnan(drawn[0])
    np.testing.assert_array_equal(drawn[1:4], [np.inf, 0.0, 3e38])


@pytest.mark.parametrize(("gain", "offset", "read_noise"), CAMERAS[:4])
def test_the_stabiliser_makes_its_samples_uniform(gain, offset, read_noise):
    model = camera(gain, offset, read_noise)
    drawn = model.sample(np.full(200_000, offset + 20 * gain), np.random.default_rng(3))
    assert model.stabiliser().forward(drawn).var() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("gain", "constant"), [(-1.0, 5.0), (0.0, 0.0), (0.0, -3.0), (np.nan, 1.0), (1.0, np.inf)]
)
def test_noise_that_cannot_be_stabilised(gain, constant):
    with pytest.raises(QuietfieldError, match="cannot be stabilised"):
        PoissonGaussian(gain=gain, constant=constant, floor=constant).stabiliser()
