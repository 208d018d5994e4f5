"""The network that ships: better than the best Gaussian blur, and harmless where there is no noise."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import ndimage

from core import simulation
from core.instant import validation
from core.instant.method import Instant
from core.instant.weights import load_network
from core.methods.apply import evaluate
from core.simulation.detection import Detector, record
from core.simulation.scenes import scene
from core.stack import Stack


def test_the_shipped_network_beats_the_best_gaussian() -> None:
    """From three photons on at every level; below, the weights that ship are level with it within 0.2 dB."""
    network, known = load_network()
    assert known["hours"] > 0.1
    for row in validation.evaluate(network):
        few = row.name in ("0.5 photons", "1 photons")
        assert row.network > row.gaussian - (0.2 if few else 0.0), row


def test_the_sample_gains_more_than_by_the_best_gaussian() -> None:
    sample = simulation.sample(frames=2)
    clean, frame = sample.clean.read(), sample.noisy.read()[0].astype(np.float32)
    found = evaluate(sample.noisy, Instant(), sample.noisy.region(T=0))[0][0]
    score = partial(validation.psnr, mean=clean)
    best = max(score(ndimage.gaussian_filter(frame, s)) for s in (0.8, 1.0, 1.2, 1.5))
    assert score(found) > best + 0.5


def test_a_clean_image_stays_what_it_is() -> None:
    light = (scene((1, 9)) * 2000 + 100).astype(np.float32)
    stack = Stack.of(light, "YX")
    found = evaluate(stack, Instant())[0]
    assert validation.psnr(found, light) > 50


def test_correlated_noise_is_removed_too() -> None:
    light = scene((2, 3)).astype(np.float64) * 60 + 5
    recording = record(light, Detector(smoothing=(0.7, 0.7)), np.random.default_rng(1))
    found = evaluate(Stack.of(recording.noisy, "YX"), Instant())[0]
    score = partial(validation.psnr, mean=recording.mean)
    assert score(found) > score(recording.noisy) + 2
