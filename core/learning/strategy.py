"""The few places in which learned methods differ from each other, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Supervision = Literal["hidden", "frames", "target"]
"""What the network learns to predict: hidden pixels, another frame of the scene, a clean stack."""

Direction = Literal["", "x", "y", "both"]
"""Along which axes lines of pixels are covered: none, rows, columns, or both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """Where one learned method differs from another.

    Attributes
    ----------
    supervision : {"hidden", "frames", "target"}
        What the network learns to predict.
    replacement : {"pixel", "median", "surroundings"}
        What a hidden pixel shows: the value of another pixel of its neighbourhood, or its median, or the mean
        of the nearest pixels that are not hidden.
    line : {"", "x", "y", "both"}
        Along which axes the neighbours of a hidden pixel are covered too.
    reach : int
        How many of them on each side, in pixels.
    training_sigma : float
        Standard deviation in pixels of the PSF between network and loss; 0 for none.
    prediction_sigma : float
        The same between network and denoised image.
    positivity : float
        Weight of the penalty on negative values of the network's output.
    offset : float or None
        Camera offset in counts, subtracted before anything else; None to estimate it.
    adapts : bool
        Whether the network of Instant is trained on, instead of a new one.
    idle : bool
        Whether there is nothing to be learned, so that it stays as it is.
    eightfold : bool
        Whether the result is the mean over eight orientations.
    along : {"", "Z", "T"}
        Axis along which the network sees neighbouring planes or frames, if any.
    still : bool
        Whether means of the frames of a scene that stands still are trained on and denoised.
    """

    supervision: Supervision = "hidden"
    replacement: Literal["pixel", "median", "surroundings"] = "pixel"
    line: Direction = ""
    reach: int = 0
    training_sigma: float = 0.0
    prediction_sigma: float = 0.0
    positivity: float = 0.0
    offset: float | None = 0.0
    adapts: bool = False
    idle: bool = False
    eightfold: bool = False
    along: str = ""
    still: bool = False

    @property
    def exchange(self) -> bool:
        """Whether patches may be turned so that rows become columns, which turns lines too."""
        return self.line in ("", "both")


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
        Planes or frames that a U-Net sees: the one it denoises, then those beside it.
    """

    kind: Literal["unet", "instant", "best"] = "unet"
    width: int = 64
    depth: int = 3
    pooling: Literal["max", "blur"] = "max"
    top_skip: bool = True
    inputs: int = 1
