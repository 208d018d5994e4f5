"""Makes a source of the missing pixels of another source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from core.stack import Pixels, Region


class Partial(Protocol):
    """Source of pixels that knows which of them are missing."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    def missing_in(self, region: Region) -> Pixels:
        """Return which pixels of a region are missing, as an array of bool."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Missing pixels of a source, as a source of bool; see `core.stack.Stack.missing`."""

    source: Partial

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels: bool."""
        return np.dtype(bool)

    def read(self, region: Region) -> Pixels:
        """Return which pixels of a region are missing."""
        return self.source.missing_in(region)
