"""Put noise on a stack, from a seed, so that a denoised result can be compared with the truth.

Every plane has a random generator of its own, made from the seed and the plane's place in the
stack: a preview of one plane shows the very noise the whole stack gets. Results are float32
and not clipped; that happens when a stack is saved in the type of a camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.methods.base import WHOLE, Block, Operation, named
from core.noise.models import PoissonGaussian
from core.params import param
from core.progress import Context

_SEED_HELP = "The same seed gives the same noise."
_GAIN_HELP = "How many counts one detected photon adds; more counts for a photon is more noise."
_OFFSET_HELP = "What the camera reads in the dark; it carries no photon noise."


class _Noise(Operation):
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
        """Put noise on one plane (Y, X), in counts."""
        raise NotImplementedError


@named("gaussian-noise", label="Gaussian noise", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianNoise(_Noise):
    """Add noise of the same strength everywhere, as the electronics of a camera do."""

    sigma: float = param(
        10.0, "Sigma", unit="counts", ge=0, step=1, help="Standard deviation of the noise; 0 for none."
    )
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        return PoissonGaussian.camera(gain=0.0, read_noise=self.sigma).sample(plane, draw)


@named("poisson-noise", label="Photon (Poisson) noise", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonNoise(_Noise):
    """Count photons: replace the expected signal by a Poisson number of photons.

    A pixel of s counts stands for (s - offset) / gain photons on average; below the offset it
    stands for none. The noise has the variance gain * (s - offset).
    """

    gain: float = param(1.0, "Gain", unit="counts/photon", gt=0, step=0.1, help=_GAIN_HELP)
    offset: float = param(0.0, "Offset", unit="counts", ge=0, step=1, help=_OFFSET_HELP)
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        return PoissonGaussian.camera(gain=self.gain, offset=self.offset).sample(plane, draw)


@named("salt-and-pepper", label="Salt and pepper", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class SaltAndPepper(_Noise):
    """Replace a random share of the pixels by the lowest and the highest value."""

    salt: float = param(
        0.01, "Salt", ge=0, le=1, step=0.01, help="Share of pixels set to the high value, 0 to 1."
    )
    pepper: float = param(
        0.01, "Pepper", ge=0, le=1, step=0.01,
        help="Share of pixels set to the low value; where both shares exceed the whole, salt wins.",
    )  # fmt: skip
    low: float = param(0.0, "Low value", unit="counts", step=1, help="What a pepper pixel becomes.")
    high: float = param(
        65535.0, "High value", unit="counts", step=1,
        help="What a salt pixel becomes; 65535 is the most that 16 bits hold.",
    )  # fmt: skip
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        chance = draw.random(plane.shape)
        pepper = np.where(chance >= 1 - self.pepper, self.low, plane)
        return np.where(chance < self.salt, self.high, pepper)


@named("mixed-noise", label="Camera noise (mixed)", group="noise")
@dataclass(frozen=True, slots=True, kw_only=True)
class MixedNoise(_Noise):
    """Count photons and read them out, as a scientific camera does.

    A pixel of s counts stands for (s - offset) / gain photons on average. The noise has the
    variance gain * (s - offset) + read_noise**2.
    """

    gain: float = param(1.0, "Gain", unit="counts/photon", gt=0, step=0.1, help=_GAIN_HELP)
    offset: float = param(100.0, "Offset", unit="counts", ge=0, step=1, help=_OFFSET_HELP)
    read_noise: float = param(
        5.0, "Read noise", unit="counts", ge=0, step=0.5, help="Standard deviation of the read-out."
    )
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help=_SEED_HELP)

    def _noisy(self, plane: NDArray[np.float64], draw: np.random.Generator) -> NDArray[np.floating]:
        camera = PoissonGaussian.camera(gain=self.gain, offset=self.offset, read_noise=self.read_noise)
        return camera.sample(plane, draw)
