"""Add noise to a stack, with a seed, so that denoised results can be compared with the ground truth.

Every plane has its own random generator, created from the seed and the index of the plane: a preview of one
plane shows exactly the noise of the whole stack. Results are float32 and not clipped; they are clipped when a
stack is saved in an integer type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.methods.base import WHOLE, Block, BlockMethod, named
from core.noise.models import PoissonGaussian
from core.params import param
from core.progress import Context

_SEED_HELP = "The same seed gives the same noise."
_GAIN_HELP = "Counts per detected photon; more counts per photon mean more noise."
_OFFSET_HELP = "Counts without light; the offset has no photon noise."


class _Noise(BlockMethod):
    """Noise that is drawn plane by plane."""

    __slots__ = ()
    seed: int

    def halo(self, axes: str) -> Mapping[str, int]:  # noqa: ARG002
        return {"Y": WHOLE, "X": WHOLE}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        result = np.empty(block.pixels.shape, np.float32)
        lead = block.shape[:-2]
        for index in np.ndindex(*block.pixels.shape[:-2]):
            context.check()
            place = tuple(o + i for o, i in zip(block.origin, index, strict=False))
            number = int(np.ravel_multi_index(place, lead)) if lead else 0
            draw = np.random.default_rng([self.seed, number])
            result[index] = self._noisy(block.pixels[index].astype(np.float64), draw)
        return (result,)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        """Add noise to one plane (Y, X), in counts."""
        raise NotImplementedError


@named("gaussian-noise", label="Gaussian noise", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianNoise(_Noise):
    """Add Gaussian noise of constant standard deviation, such as the read noise of a camera."""

    sigma: float = param(
        10.0, "Sigma", unit="counts", ge=0, step=1, help="Standard deviation of the noise; 0 for no noise."
    )
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        return PoissonGaussian.camera(gain=0.0, read_noise=self.sigma).sample(plane, draw)


@named("poisson-noise", label="Photon (Poisson) noise", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonNoise(_Noise):
    """Replace the expected signal by a Poisson-distributed number of photons.

    A pixel of s counts corresponds to (s - offset) / gain photons on average, or to none below the offset.
    The noise has the variance gain * (s - offset).
    """

    gain: float = param(1.0, "Gain", unit="counts/photon", gt=0, step=0.1, help=_GAIN_HELP)
    offset: float = param(0.0, "Offset", unit="counts", ge=0, step=1, help=_OFFSET_HELP)
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        return PoissonGaussian.camera(gain=self.gain, offset=self.offset).sample(plane, draw)


@named("salt-and-pepper", label="Salt and pepper", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class SaltAndPepper(_Noise):
    """Replace a random fraction of the pixels by the lowest and the highest value."""

    salt: float = param(
        0.01, "Salt", ge=0, le=1, step=0.01, help="Fraction of pixels set to the high value, 0 to 1."
    )
    pepper: float = param(
        0.01, "Pepper", ge=0, le=1, step=0.01,
        help="Fraction of pixels set to the low value, 0 to 1; if both add up to more than 1, salt wins.",
    )  # fmt: skip
    low: float = param(0.0, "Low value", unit="counts", step=1, help="Value of pepper pixels.")
    high: float = param(
        65535.0, "High value", unit="counts", step=1,
        help="Value of salt pixels; 65535 is the maximum of 16 bits.",
    )  # fmt: skip
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        chance = draw.random(plane.shape)
        pepper = np.where(chance >= 1 - self.pepper, self.low, plane)
        return np.where(chance < self.salt, self.high, pepper)


@named("mixed-noise", label="Camera noise (mixed)", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class MixedNoise(_Noise):
    """Add Poisson photon noise and Gaussian read noise, as in a scientific camera.

    A pixel of s counts corresponds to (s - offset) / gain photons on average. The noise has the
    variance gain * (s - offset) + read_noise**2.
    """

    gain: float = param(1.0, "Gain", unit="counts/photon", gt=0, step=0.1, help=_GAIN_HELP)
    offset: float = param(100.0, "Offset", unit="counts", ge=0, step=1, help=_OFFSET_HELP)
    read_noise: float = param(
        5.0, "Read noise", unit="counts", ge=0, step=0.5, help="Standard deviation of the read noise."
    )
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        camera = PoissonGaussian.camera(gain=self.gain, offset=self.offset, read_noise=self.read_noise)
        return camera.sample(plane, draw)
