"""What a network looks like, as data; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEPTHS = (2, 5)
"""Least and greatest number of levels of a U-Net."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a network looks like.

    Attributes
    ----------
    kind : {"unet", "instant", "best"}
        A U-Net, or the network of Instant of a quality, to which the rest does not apply.
    width, depth : int
        Channels of the first level, and number of levels.
    pooling : {"max", "blur"}
        How images are made smaller: the largest of four pixels, or that without aliasing.
    top_skip : bool
        Whether the first level is handed to the last one, past all others.
    inputs : int
        Planes or frames that a U-Net sees: the one it denoises, then its neighbours.
    """

    kind: Literal["unet", "instant", "best"] = "unet"
    width: int = 64
    depth: int = 3
    pooling: Literal["max", "blur"] = "max"
    top_skip: bool = True
    inputs: int = 1
