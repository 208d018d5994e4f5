"""Clean stacks to learn from: found beside the noisy ones by name, and checked against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.stack import Pixels, PixelSource, Region, Stack, region_shape


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """Pixels without time as if they were the same at every time point.

    Parameters
    ----------
    base : PixelSource
        What is repeated along a new first axis.
    count : int
        How often.
    """

    base: PixelSource
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return (self.count, *self.base.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.base.dtype

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region."""
        return np.broadcast_to(self.base.read(region[1:]), region_shape(region))


def fitted(target: Stack, stack: Stack) -> Stack:
    """Clean stack with the axes and the shape of the noisy one.

    A clean stack without time stands for every time point of a noisy one.

    Raises
    ------
    QuietfieldError
        If the shapes do not fit.
    """
    if target.shape == stack.shape:
        return Stack(target.source, stack.axes, target.meta)
    if stack.axes[0] == "T" and target.shape == stack.shape[1:] and "T" not in target.axes:
        return Stack(Repeated(target.source, stack.shape[0]), stack.axes, target.meta)
    raise QuietfieldError(
        f"{target.meta.name} has {_words(target)}, but {stack.meta.name} has {_words(stack)}. "
        "A noisy and a clean stack must show the same pixels in the same order."
    )


def _words(stack: Stack) -> str:
    return f"{stack.axes} {' x '.join(map(str, stack.shape))} pixels"
