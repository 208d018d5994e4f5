"""Hot and dead pixels of a camera: far from their neighbours, in most planes of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.noise.hot_pixels import find_hot_pixels
from core.noise.noise_estimate import NoiseEstimate
from core.noise.report.samples import Samples

MOST = 5000
"""Maximum number of positions that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defects:
    """Pixels far brighter (hot) or darker (dead) than all their neighbours.

    Attributes
    ----------
    hot, dead : tuple of (int, int)
        Row and column in the stack; at most `MOST` of each.
    hot_count, dead_count : int
        Their numbers.
    examined : int
        Number of examined pixels of a plane.
    """

    hot: tuple[tuple[int, int], ...] = ()
    dead: tuple[tuple[int, int], ...] = ()
    hot_count: int = 0
    dead_count: int = 0
    examined: int = 0

    @property
    def count(self) -> int:
        """Number of hot and dead pixels."""
        return self.hot_count + self.dead_count


def find_defects(samples: Samples, noise: NoiseEstimate) -> Defects:
    """Return the pixels that are hot or dead in more than half of the planes.

    Parameters
    ----------
    samples : Samples
        Planes of a channel, spread over the stack.
    noise : NoiseEstimate
        Noise of the channel.
    """
    shape = samples.planes.shape[1:]
    balance = np.zeros((2, *shape), np.int32)
    for plane in samples.planes:
        finite = np.isfinite(plane)
        image = np.where(finite, plane, np.median(plane[finite]) if finite.any() else 0.0).astype(np.float32)
        where, level = find_hot_pixels(image, noise)
        brighter = image.ravel()[where] > level
        for number, chosen in enumerate((brighter, ~brighter)):
            balance[number].ravel()[where[chosen]] += 1
    hot, dead = (np.argwhere(2 * one > len(samples.planes)) + samples.origin for one in balance)
    return Defects(
        hot=_places(hot), dead=_places(dead), hot_count=len(hot), dead_count=len(dead),
        examined=int(np.prod(shape)),
    )  # fmt: skip


def _places(found: np.ndarray) -> tuple[tuple[int, int], ...]:
    return tuple((int(y), int(x)) for y, x in found[:MOST])
