"""Descriptions of networks as data, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEPTHS = (2, 5)
"""Smallest and largest number of levels of a U-Net."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Description of a network.

    Attributes
    ----------
    kind : {"unet", "instant", "best"}
        A U-Net, or a network of Instant, for which the other values are ignored.
    width, depth : int
        Channels of the first level, and number of levels.
    pooling : {"max", "blur"}
        Downsampling: maximum of four pixels, or the same without aliasing.
    top_skip : bool
        Whether there is a skip connection at the first level.
    inputs : int
        Number of input planes or frames of a U-Net: the one to denoise, then its neighbours.
    samples : int
        Number of samples of the prior that a network of Instant emits for every pixel; 0 for none.
    variational : bool
        Whether it is a variational network, which begins with the network of Instant; `width` is that of its
        other layers, and `depth` its number of levels.
    space : {"2D", "3D"}
        Whether a U-Net processes planes or volumes.
    deep : int
        Number of poolings of a network for volumes that also halve the number of planes; these are the last
        ones.
    """

    kind: Literal["unet", "instant", "best"] = "unet"
    width: int = 64
    depth: int = 3
    pooling: Literal["max", "blur"] = "max"
    top_skip: bool = True
    inputs: int = 1
    samples: int = 0
    variational: bool = False
    space: Literal["2D", "3D"] = "2D"
    deep: int = 0

    @property
    def strides(self) -> tuple[int, ...]:
        """Factor by which each pooling reduces the number of planes, from the first level down."""
        flat = self.depth - 1 - self.deep
        return (1,) * flat + (2,) * self.deep
