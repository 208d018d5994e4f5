"""MicroSSIM, errors from repeats, Fourier ring correlation and residuals, against known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from core.errors import QuietfieldError
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate
from core.quality.fourier import ring_correlation, split
from core.quality.metrics import measure
from core.quality.microssim import microssim
from core.quality.recorruption import correlated
from core.quality.repeats import unbiased_mse
from core.quality.residual import analyse


def white(variance: float) -> NoiseEstimate:
    patch = np.zeros((7, 7))
    patch[3, 3] = 1.0
    model = PoissonGaussian(gain=0.0, constant=variance, floor=variance)
    return NoiseEstimate(
        model=model, dark=0.0, gain_error=0.0, constant_error=0.0, mean=0.0, autocorrelation=patch
    )


@pytest.mark.parametrize(
    ("seed", "expected"),
    [(0, 0.84980006), (1, 0.69122957), (2, 0.49120440), (3, 0.43952733)],
)
def test_microssim_equals_the_program_of_its_authors(seed: int, expected: float) -> None:
    """Values of the package microssim 0.0.5."""
    rng = np.random.default_rng(seed)
    reference = 200 + 3000 * ndimage.gaussian_filter(rng.random((96, 80)), 2)
    image = 0.4 * reference + rng.normal(0, 15 * (seed + 1), reference.shape) + 50
    assert microssim(image, reference) == pytest.approx(expected, abs=3e-6)


def test_microssim_ignores_offset_and_scale_and_knows_its_limits() -> None:
    rng = np.random.default_rng(0)
    reference = ndimage.gaussian_filter(rng.random((64, 64)), 2)
    image = reference + rng.normal(0, 0.01, reference.shape)
    assert microssim(7 * image + 500, reference) == pytest.approx(microssim(image, reference), abs=1e-6)
    assert microssim(reference, reference) == pytest.approx(1.0)
    assert measure(image, reference)["microssim"] == microssim(image, reference)
    assert np.isnan(microssim(image[:10], reference[:10]))
    assert np.isnan(microssim(image, np.full_like(image, 3.0)))


def test_the_error_from_repeats_is_the_true_one_whatever_the_noise() -> None:
    rng = np.random.default_rng(1)
    truth = 50 + 200 * ndimage.gaussian_filter(rng.random((128, 128)), 3)
    repeats = rng.poisson(truth, (6, *truth.shape)).astype(float)
    for image in (ndimage.gaussian_filter(repeats[0], 1.5), truth + 4):
        found = unbiased_mse(image, repeats[1:])
        assert found.mse == pytest.approx(np.mean((image - truth) ** 2), abs=4 * found.error)
        assert 0 < found.error < 5
    # a repeat that was used to make the image hides the error
    assert unbiased_mse(repeats[0], repeats).mse < 0.9 * np.mean((repeats[0] - truth) ** 2)


def test_repeats_that_do_not_suffice_say_so() -> None:
    image = np.zeros((32, 32))
    with pytest.raises(QuietfieldError, match="3 or more repeated images, and there are 2"):
        unbiased_mse(image, np.zeros((2, 32, 32)))
    with pytest.raises(QuietfieldError, match="32 x 32 pixels and the repeats 30 x 32"):
        unbiased_mse(image, np.zeros((3, 30, 32)))


def test_ring_correlation_of_known_spectra() -> None:
    """Two images with signal power S and noise power N correlate by S / (S + N) at every frequency."""
    rng = np.random.default_rng(2)
    signal = rng.normal(0, 1, (256, 256))
    pair = [signal + rng.normal(0, 2, signal.shape) for _ in range(2)]
    found = ring_correlation(*pair)
    assert found.correlation[20:].mean() == pytest.approx(1 / 5, abs=0.02)
    assert found.frequency[-1] == pytest.approx(0.5, abs=0.01)
    assert ring_correlation(signal, signal).correlation == pytest.approx(np.ones_like(found.correlation))


def test_resolution_is_where_signal_and_noise_cross() -> None:
    """Of a Gaussian blur and white noise: S / (S + N) = 1/7 where S = N / 6."""
    rng = np.random.default_rng(3)
    sigma, noise = 2.0, 0.03
    signal = ndimage.gaussian_filter(rng.normal(0, 1, (512, 512)), sigma, mode="wrap")
    pair = [signal + rng.normal(0, noise, signal.shape) for _ in range(2)]
    # power of the blurred signal: exp(-(2 pi f sigma)^2) = noise^2 / 6
    expected = 2 * np.pi * sigma / np.sqrt(-np.log(noise**2 / 6))
    assert ring_correlation(*pair).resolution == pytest.approx(expected, rel=0.05)
    assert ring_correlation(*pair, spacing=(0.1, 0.1)).resolution == pytest.approx(expected / 10, rel=0.05)
    assert ring_correlation(*rng.normal(0, 1, (2, 64, 64))).resolution == np.inf
    assert ring_correlation(signal, signal).resolution == pytest.approx(2.0, abs=0.02)


def test_volumes_are_correlated_in_shells_and_one_image_is_split() -> None:
    rng = np.random.default_rng(4)
    volume = ndimage.gaussian_filter(rng.normal(0, 1, (16, 64, 64)), (1, 2, 2), mode="wrap")
    pair = [volume + rng.normal(0, 0.02, volume.shape) for _ in range(2)]
    shells = ring_correlation(*pair, spacing=(0.3, 0.1, 0.1))
    assert shells.correlation[0] > 0.95
    assert shells.correlation[-1] < 0.2
    first, second = split(pair[0])
    assert first.shape == (16, 32, 32)
    noise = [part - whole for part, whole in zip((first, second), split(volume), strict=True)]
    assert abs(np.corrcoef(*(n.ravel() for n in noise))[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (np.ones((64, 64)), np.ones((64, 32)), "64 x 64 and 64 x 32"),
        (np.ones((16, 64)), np.ones((16, 64)), "at least 32 x 32"),
        (np.ones((64, 64)), np.ones((64, 64)), "constant"),
    ],
)
def test_what_cannot_be_correlated_says_so(first: np.ndarray, second: np.ndarray, words: str) -> None:
    with pytest.raises(QuietfieldError, match=words):
        ring_correlation(first, second)


def test_a_residual_of_noise_has_the_statistics_of_the_model() -> None:
    rng = np.random.default_rng(5)
    truth = np.tile(np.linspace(100, 900, 256), (256, 1))
    model = PoissonGaussian.camera(gain=2.0, offset=100.0, read_noise=3.0)
    noise = white(1.0)
    noise = NoiseEstimate(
        model=model, dark=100.0, gain_error=0.0, constant_error=0.0, mean=500.0,
        autocorrelation=noise.autocorrelation,
    )  # fmt: skip
    found = analyse(model.sample(truth, rng), truth, noise)
    assert found.variance == pytest.approx(found.expected, rel=0.1)
    assert np.all(np.abs(found.mean) < 4 * found.mean_error)
    assert found.only_noise
    assert np.abs(found.structure).max() < 6
    assert abs(found.autocorrelation[3, 4]) < 0.02
    assert found.intensity == pytest.approx(np.linspace(133, 867, 12), rel=0.02)


def test_structure_and_bias_in_a_residual_are_found() -> None:
    rng = np.random.default_rng(6)
    truth = 500 + 200 * (ndimage.gaussian_filter(rng.random((256, 256)), 2) - 0.5) * 20
    noisy = truth + rng.normal(0, 20, truth.shape)
    over = analyse(noisy, ndimage.gaussian_filter(truth, 6), white(400.0))
    assert not over.only_noise
    assert over.share > 0.5
    assert over.variance.mean() > 1.5 * over.expected.mean()
    assert over.autocorrelation[3, 4] > 0.2
    darker = analyse(noisy, truth - 10, white(400.0))
    assert darker.mean == pytest.approx(np.full(12, 10.0), abs=2)


def test_correlated_noise_is_not_taken_for_structure() -> None:
    rng = np.random.default_rng(7)
    line = np.array([0.0, 0.05, 0.45, 1.0, 0.45, 0.05, 0.0])
    patch = np.outer(line, line)
    noise = white(400.0)
    known = NoiseEstimate(
        model=noise.model, dark=0.0, gain_error=0.0, constant_error=0.0, mean=0.0, autocorrelation=patch
    )
    noisy = 500 + 20 * correlated(patch, (256, 256), rng)
    assert analyse(noisy, np.full((256, 256), 500.0), known).only_noise
    assert not analyse(noisy, np.full((256, 256), 500.0), noise).only_noise
