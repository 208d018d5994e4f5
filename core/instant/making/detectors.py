"""Random detectors for training the networks of Instant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.simulation.detection import Detector
from core.simulation.filtering import Kernel, cubic_weights


def random_detector(rng: np.random.Generator) -> Detector:
    """Return a random detector; most are ordinary cameras with some read noise."""
    if rng.random() < 0.28:
        return _photomultiplier(rng)
    detector = Detector(
        read_noise=4 * rng.random() ** 2 if rng.random() < 0.8 else 0.0,
        excess=rng.random() < 0.08,
        levels=256 if rng.random() < 0.25 else 0,
    )
    if rng.random() < 0.05:
        detector = replace(detector, floor=detector.read_noise * rng.uniform(-2, 1))
    else:
        uneven = rng.uniform(0, 0.4) if rng.random() < 0.15 else 0.0
        faulty = 10 ** rng.uniform(-5, -3) if rng.random() < 0.1 else 0.0
        detector = replace(
            detector,
            uneven=uneven,
            hot=faulty,
            dead=faulty,
            frames=int(rng.integers(2, 17)) if rng.random() < 0.1 else 1,
            pattern=rng.uniform(0, 1.5) if rng.random() < 0.1 else 0.0,
            response=rng.uniform(0, 0.02) if rng.random() < 0.1 else 0.0,
            amplifiers=rng.uniform(0, 0.01) if rng.random() < 0.05 else 0.0,
            stripes=(rng.uniform(0, 0.6) ** 2, rng.uniform(0, 0.8) ** 2)
            if rng.random() < 0.07
            else (0.0, 0.0),
        )
    return _with_filter(detector, rng) if rng.random() < 0.38 else detector


def random_kernel(rng: np.random.Generator) -> Kernel:
    """Return a random short filter: one-sided tail, subpixel shift, smoothing or sharpening."""
    chance = rng.random()
    if chance < 0.3:  # electronics along a scanned line
        tail = rng.uniform(0.03, 0.6) ** np.arange(6.0)
        kernel = np.concatenate([np.zeros(5), tail])[::-1]
    elif chance < 0.5:  # linear and cubic interpolation between two pixels
        part = rng.uniform(0.05, 0.5)
        kernel = np.array([0, 1 - part, part])
        if rng.random() < 0.5:
            kernel = cubic_weights(np.abs(np.arange(-2, 3) - part))
    else:
        beside = rng.uniform(-0.06, 0.27)
        kernel = np.array([beside, 1 - 2 * beside, beside])
        if rng.random() < 0.5:
            sharp = rng.uniform(-0.12, 0.1)
            kernel = np.convolve(kernel, [sharp, 1 - 2 * sharp, sharp])
    return tuple(float(weight) for weight in kernel / kernel.sum())


def _photomultiplier(rng: np.random.Generator) -> Detector:
    """Return a scanning detector: broad pulses, low read noise, few grey levels, a filter along lines."""
    read_noise = 0.5 * rng.random() ** 2 if rng.random() < 0.7 else 0.0
    digital = rng.random() < 0.75
    return Detector(
        read_noise=read_noise,
        pulse=float(np.exp(rng.uniform(np.log(0.7), np.log(4)))),
        floor=read_noise * rng.uniform(-2, 2) if rng.random() < 0.25 else -np.inf,
        kernels=((), random_kernel(rng)) if rng.random() < 0.3 else ((), ()),
        levels=256 if digital else 0,
        step=float(np.exp(rng.uniform(np.log(2), np.log(25)))) if digital and rng.random() < 0.8 else 0.0,
        dark=rng.uniform(2, 10),
    )


def _with_filter(detector: Detector, rng: np.random.Generator) -> Detector:
    """Add a filter that correlates the noise of neighbouring pixels."""
    chance, along = rng.random(), rng.random()
    if chance < 0.33:
        width = rng.uniform(0.3, 0.95)
        widths = (width, width) if along < 0.6 else (width * rng.choice([0.0, 0.6]), width)
        return replace(detector, smoothing=widths if rng.random() < 0.6 else widths[::-1])
    if chance < 0.55:
        kernel = random_kernel(rng)
        return replace(detector, kernels=(kernel, kernel) if along < 0.5 else ((), kernel))
    if chance < 0.95:
        return replace(detector, coarser=rng.uniform(1.05, 2.2), cubic=rng.random() < 0.5)
    return replace(detector, mosaic=True, stripes=(0.0, 0.0), amplifiers=0.0)
