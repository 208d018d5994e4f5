"""How much of the noise the network is told, so that it smooths no more than the image bears.

The network knows simulated microscopy. Where recorded structures are finer than those, it takes some of them
for noise, and does better told of less noise than there is. How much less is found without a clean image:
Stein's unbiased risk estimates the squared error of what a network makes of an image from the noise alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.instant.denoiser import Denoiser
from core.instant.measuring import StackNoise, some_planes
from core.instant.network import InstantNetwork
from core.methods.apply import evaluate
from core.noise.model import NoiseEstimate
from core.stack import Stack, middle

LESS = 0.8
"""Share of the noise's standard deviation that the network is told for comparison."""

LEAST = 0.9
"""Least share that it is told in the end."""

PLANES = 2
"""Planes of each channel that are looked at."""

SIDE = 512
"""Side in pixels of the part of them that is looked at."""

STEP = 0.1
"""Size of the change of the image, in standard deviations of its noise, by which the result is probed."""

STRANGE = 5.0
"""Pixels that the network changes by more standard deviations than this do not count: they are no noise."""

DOUBT = 0.03
"""Share by which the variance of the noise may exceed the estimate; what is gained must be so then, too."""

NEGLIGIBLE = 0.02
"""Correlations of the noise up to this size count as none."""

Image = NDArray[np.float64]


def shares(network: InstantNetwork, stack: Stack, noise: StackNoise) -> tuple[float, ...]:
    """Share of the noise's standard deviation that the network is best told, for each channel of a stack.

    1 where there is no noise, and where the estimate is not to be relied on; none at all where noise is
    measured plane by plane.
    """
    if noise.each_plane:
        return ()
    found = []
    for channel, one in enumerate(noise.channels):
        known = one.reliable and (one.gain > 0 or one.floor > 0)
        found.append(share(network, _parts(stack, channel), one) if known else 1.0)
    return tuple(found)


def share(network: InstantNetwork, images: Sequence[NDArray[np.generic]], noise: NoiseEstimate) -> float:
    """Share of the noise's standard deviation that the network is best told.

    What the network makes of an image is compared, told of all noise and of less, and the mixture of both of
    the least risk is found, which is a quotient of two sums.

    Parameters
    ----------
    network : InstantNetwork
        The network.
    images : sequence of ndarray, shape (Y, X)
        Parts of a stack.
    noise : NoiseEstimate
        Their noise; there must be some.

    Returns
    -------
    float
        `LEAST` to 1.

    Notes
    -----
    C. M. Stein, "Estimation of the mean of a multivariate normal distribution", Ann. Statist. 9, 1135 (1981),
    doi:10.1214/aos/1176345632; the divergence from one random change: S. Ramani, T. Blu, M. Unser,
    IEEE Trans. Image Process. 17, 1540 (2008), doi:10.1109/TIP.2008.2001404. The change has the noise's
    variance and correlation.
    """
    top, bottom = 0.0, 0.0
    rng = np.random.default_rng(0)
    for image in images:
        seen = np.asarray(image, np.float64)
        known = np.isfinite(seen)
        seen = np.where(known, seen, noise.mean)
        full, less = _both(network, seen, noise)
        deviation = np.sqrt(noise.variance(full))
        change = deviation * correlated(noise.autocorrelation, seen.shape, rng)
        changed_full, changed_less = _both(network, seen + STEP * change, noise)
        apart, left = less - full, seen - full
        divergence = change * ((changed_less - less) - (changed_full - full)) / STEP
        counts = known & (np.abs(left) < STRANGE * deviation)
        top += float((apart * left - (1 + DOUBT) * divergence)[counts].sum())
        bottom += float(np.square(apart)[counts].sum())
    mixed = 1 - (1 - LESS) * top / max(bottom, 1e-30)
    return float(np.clip(mixed, LEAST, 1))


def correlated(autocorrelation: Image, shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Random numbers (Y, X) of mean 0 and variance 1 with an autocorrelation (7, 7), as of a torus."""
    shared = np.where(np.abs(autocorrelation) > NEGLIGIBLE, autocorrelation, 0.0)
    reach = len(shared) // 2
    wrapped = np.zeros(shape)
    around = np.arange(-reach, reach + 1)
    np.add.at(wrapped, (around[:, None] % shape[0], around[None, :] % shape[1]), shared)
    spectrum = np.maximum(np.fft.fft2(wrapped).real, 0)
    white = np.fft.fft2(rng.standard_normal(shape))
    field: Image = np.fft.ifft2(white * np.sqrt(spectrum / spectrum.mean())).real
    return field


def _both(network: InstantNetwork, image: Image, noise: NoiseEstimate) -> tuple[Image, Image]:
    """What the network makes of an image, told of all its noise and of less."""
    stack, results = Stack.of(image.astype(np.float32), "YX"), []
    for told in (1.0, LESS):
        known = StackNoise(channels=(noise,), each_plane=False)
        operation = Denoiser(network=network, noise=known, shares=(told,))
        results.append(evaluate(stack, operation)[0].astype(np.float64))
    return results[0], results[1]


def _parts(stack: Stack, channel: int) -> list[NDArray[np.generic]]:
    rows, columns = (middle(stack.sizes[axis], SIDE) for axis in "YX")
    return list(some_planes(stack, channel, PLANES)[:, rows, columns])
