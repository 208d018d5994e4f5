"""Clean stacks for training: found by file name, and checked against the noisy stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files import images_in, is_collection, open_stack
from core.findings import Finding, kinds
from core.learning.data import Normalisation
from core.stack import Pixels, PixelSource, Region, Stack, region_shape

COARSE = 8.0
"""Standard deviation, in counts, below which rounding to integers is visible."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """Repeats pixels without time along a time axis.

    Parameters
    ----------
    base : PixelSource
        Pixels that are repeated along a new first axis.
    count : int
        Number of repetitions.
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

    @property
    def missing(self) -> PixelSource | None:
        """Pixels missing from the file; see `core.stack.Stack.missing`."""
        missing: PixelSource | None = getattr(self.base, "missing", None)
        return None if missing is None else Repeated(missing, self.count)

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region."""
        return np.broadcast_to(self.base.read(region[1:]), region_shape(region))


def fitted(target: Stack, stack: Stack) -> Stack:
    """Return the clean stack with the axes and the shape of the noisy one.

    A clean stack without time is used for every time point of the noisy one.

    Raises
    ------
    QuietfieldError
        If the shapes do not match.
    """
    if target.shape == stack.shape:
        return Stack(target.source, stack.axes, target.meta)
    if stack.axes[0] == "T" and target.shape == stack.shape[1:] and "T" not in target.axes:
        return Stack(Repeated(target.source, stack.shape[0]), stack.axes, target.meta)
    raise QuietfieldError(
        f"{target.meta.name} has {_words(target)}, but {stack.meta.name} has {_words(stack)}. "
        "A noisy and a clean stack must show the same pixels in the same order."
    )


def open_target(target: Path, source: Path | None, *, axes: str | None = None) -> Stack:
    """Open the clean stack that belongs to a noisy one.

    Parameters
    ----------
    target : Path
        A file; or a folder, which is searched for images with the same names as the file of the noisy stack,
        or as the files in its folder. File name endings are ignored.
    source : Path or None
        File or folder of the noisy stack, if any.
    axes : str, optional
        Axes of the stack, as in `open_stack`.

    Raises
    ------
    QuietfieldError
        If it cannot be opened, or an image has no partner.
    """
    if not is_collection(target) or source is None:
        return open_stack(target, axes=axes)
    clean = {path.stem.casefold(): path for path in images_in(target)}
    if not is_collection(source):
        return open_stack(_partner(source, clean, target), axes=axes)
    partners = [_partner(path, clean, target) for path in images_in(source)]
    return open_stack(partners, axes=axes)


def check_counts(stack: Stack, norm: Normalisation) -> Finding | None:
    """Return a finding if the intensity scale of the clean stack does not suit the type of the noisy one."""
    if stack.dtype.kind not in "iu" or not norm.target_mean:
        return None
    limits = np.iinfo(stack.dtype)
    for noisy, mean, std in zip(norm.std, norm.target_mean, norm.target_std, strict=True):
        if std < min(COARSE, 0.5 * noisy) or mean < limits.min or mean + 3 * std > limits.max:
            details: dict[str, str | int | float] = {"mean": mean, "std": std, "type": str(stack.dtype)}
            return Finding(kind=kinds.CLEAN_COUNTS, details=details)
    return None


def _partner(noisy: Path, clean: Mapping[str, Path], folder: Path) -> Path:
    found = clean.get(noisy.stem.casefold())
    if found is None:
        raise QuietfieldError(
            f"{folder} contains no image called {noisy.stem}. Clean images must have the names of the noisy "
            "ones: rename it, or choose the file itself."
        )
    return found


def _words(stack: Stack) -> str:
    return f"{stack.axes} {' x '.join(map(str, stack.shape))} pixels"
