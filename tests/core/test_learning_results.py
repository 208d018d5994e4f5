"""Short trainings on simulated stacks: the differences between methods are visible in the results."""

import numpy as np
from scipy import ndimage

from core.learning.methods import Care, Noise2Noise, Noise2Void, Noise2Void2, StructNoise2Void
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.stack import Stack
from tests.core.learning_data import small, trained


def few_photons(seed, frames=4, side=96, light=3.0):
    """Smooth scene (T, Y, X) at few photons a pixel, with read noise: the noisy stack and the truth."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(frames, side, side)), (0, 3, 3), mode="wrap")
    truth = light * np.exp(0.7 * smooth / smooth.std())
    noisy = rng.poisson(truth) + rng.normal(0, 0.5, truth.shape)
    return Stack.of((10 * noisy).astype(np.float32), "TYX"), 10 * truth


def shared_noise(seed, frames=4, side=96, span=4):
    """Smooth scene (T, Y, X) whose noise is shared by `span` pixels of a row: noisy stack and truth."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(frames, side, side)), (0, 2.5, 2.5), mode="wrap")
    truth = 400 + 60 * smooth / smooth.std()
    noise = ndimage.uniform_filter1d(rng.normal(size=truth.shape), span, axis=2, mode="wrap")
    return Stack.of((truth + 30 * noise / noise.std()).astype(np.float32), "TYX"), truth


def checkerboard(images):
    """Root mean square of the highest frequency along both axes."""
    kernel = np.outer([1, -2, 1], [1, -2, 1]) / 16
    return np.sqrt(np.mean(ndimage.correlate(images, kernel[None]) ** 2))


def test_n2v2_leaves_less_of_a_checkerboard_than_n2v():
    stack, truth = few_photons(seed=1)
    patterns = []
    for cls in (Noise2Void, Noise2Void2):
        method = small(cls, box=3, steps=200, learning_rate=2e-3, warmup=10, validation=0.0, seed=1)
        denoised = evaluate(stack, trained(stack, method)[0].prediction("cpu"))[0]
        assert np.mean((denoised - truth) ** 2) < 0.3 * np.mean((stack.read() - truth) ** 2)
        patterns.append(checkerboard(denoised))
    assert patterns[1] < 0.7 * patterns[0]
    assert checkerboard(truth) < 0.1 * patterns[1]  # none of it belongs to the scene


def test_structn2v_removes_noise_along_rows_that_n2v_keeps():
    stack, truth = shared_noise(seed=1)
    errors = []
    for cls in (Noise2Void, StructNoise2Void):
        given = {"reach": 4, "line": "x"} if cls is StructNoise2Void else {}
        method = small(cls, box=3, steps=300, learning_rate=2e-3, warmup=10, validation=0.0, seed=1, **given)
        model = trained(stack, method)[0]
        denoised = evaluate(stack, model.prediction("cpu"))[0]
        errors.append(np.mean((denoised - truth) ** 2))
    assert errors[1] < 0.85 * errors[0]


def test_noise2noise_learns_more_from_a_still_scene_than_n2v():
    rng = np.random.default_rng(1)
    smooth = ndimage.gaussian_filter(rng.normal(size=(96, 96)), 1.0, mode="wrap")
    truth = 400 + 60 * smooth / smooth.std()
    stack = Stack.of((truth + 30 * rng.normal(size=(8, 96, 96))).astype(np.float32), "TYX")
    errors = []
    for cls in (Noise2Void, Noise2Noise):
        method = small(cls, steps=200, learning_rate=2e-3, warmup=10, validation=0.0, seed=1)
        denoised = evaluate(stack, trained(stack, method)[0].prediction("cpu"))[0]
        errors.append(np.mean((denoised - truth) ** 2))
    assert errors[1] < 0.8 * errors[0]
    assert errors[1] < 0.7 * 30**2


def test_care_learns_the_clean_stack_in_its_own_counts():
    """Three noisy frames have clean partners of 40 times the light; the fourth frame was never seen."""
    rng = np.random.default_rng(1)
    smooth = ndimage.gaussian_filter(rng.normal(size=(4, 96, 96)), (0, 2, 2), mode="wrap")
    photons = 5 * np.exp(0.7 * smooth / smooth.std())
    noisy = Stack.of((10 * rng.poisson(photons) + 100).astype(np.uint16), "TYX")
    clean = Stack.of((400 * photons + 1000).astype(np.float32), "TYX")
    method = small(Care, steps=300, learning_rate=2e-3, warmup=10, validation=0.25, seed=1)
    trainer = Trainer(noisy, method, device="cpu", target=clean)
    list(trainer.run())
    unseen = evaluate(noisy, trainer.model().prediction("cpu"))[0][3]
    truth = clean.read()[3]
    raw = 40 * (noisy.read()[3] - 100.0) + 1000
    assert np.mean((unseen - truth) ** 2) < 0.35 * np.mean((raw - truth) ** 2)
