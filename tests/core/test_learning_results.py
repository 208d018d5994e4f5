"""Short trainings on simulated stacks: what sets one method apart from another is seen in the result."""

import numpy as np
from scipy import ndimage

from core.learning.methods import Noise2Void, Noise2Void2
from core.methods.apply import evaluate
from core.stack import Stack
from tests.core.learning_data import one_thread, small, trained  # noqa: F401


def few_photons(seed, frames=4, side=96, light=3.0):
    """Smooth scene (T, Y, X) at few photons a pixel, with read noise: the noisy stack and the truth."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(frames, side, side)), (0, 3, 3), mode="wrap")
    truth = light * np.exp(0.7 * smooth / smooth.std())
    noisy = rng.poisson(truth) + rng.normal(0, 0.5, truth.shape)
    return Stack.of((10 * noisy).astype(np.float32), "TYX"), 10 * truth


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
