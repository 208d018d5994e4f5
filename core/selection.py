"""Leave frames or planes out of a stack, without reading or copying pixels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.stack import AXIS_NAMES, Pixels, PixelSource, Region, Stack


@dataclass(frozen=True, slots=True)
class SelectedSource:
    """Source that reads some indices of another source along one axis, in ascending order."""

    source: PixelSource
    axis: int
    indices: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        whole = list(self.source.shape)
        whole[self.axis] = len(self.indices)
        return tuple(whole)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        return self.source.dtype

    @property
    def missing(self) -> PixelSource | None:
        """Pixels missing from the file; see `core.stack.Stack.missing`."""
        found: PixelSource | None = getattr(self.source, "missing", None)
        return None if found is None else SelectedSource(found, self.axis, self.indices)

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region; runs of consecutive indices are read at once."""
        chosen = self.indices[region[self.axis]]
        if not chosen:
            return self.source.read((*region[: self.axis], slice(0, 0), *region[self.axis + 1 :]))
        parts = [
            self.source.read((*region[: self.axis], slice(run[0], run[-1] + 1), *region[self.axis + 1 :]))
            for run in _runs(chosen)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=self.axis)


def leave_out(stack: Stack, axis: str, indices: Collection[int]) -> Stack:
    """Return a stack without some frames or planes.

    Parameters
    ----------
    stack : Stack
        Stack.
    axis : {"T", "Z"}
        Axis of the frames or planes.
    indices : collection of int
        Indices that are left out, from 0.

    Raises
    ------
    QuietfieldError
        If the stack does not have the axis or an index, or if nothing would remain.
    """
    things = "frames" if axis == "T" else "planes"
    count = stack.sizes.get(axis, 0)
    if axis not in "TZ" or not count:
        name = AXIS_NAMES.get(axis, axis)
        raise QuietfieldError(
            f"{stack.meta.name} has no axis of {name}, so that no {things} can be left out."
        )
    unknown = sorted(index for index in indices if not 0 <= index < count)
    if unknown:
        raise QuietfieldError(
            f"{stack.meta.name} has {count} {things}; number {unknown[0] + 1} does not exist. Name others."
        )
    kept = tuple(index for index in range(count) if index not in indices)
    if not kept:
        raise QuietfieldError(f"Without all of its {things}, {stack.meta.name} would be empty. Keep some.")
    if len(kept) == count:
        return stack
    numbers = ", ".join(str(index + 1) for index in sorted(set(indices)))
    finding = Finding(
        kind=kinds.FRAMES_LEFT_OUT, value=float(count - len(kept)),
        details={"things": things, "numbers": numbers, "axis": axis},
    )  # fmt: skip
    source = SelectedSource(stack.source, stack.axes.index(axis), kept)
    meta = replace(stack.meta, findings=(*stack.meta.findings, finding), labels=())
    return Stack(source, stack.axes, meta)


def _runs(indices: Sequence[int]) -> list[list[int]]:
    """Split ascending indices into runs of consecutive ones."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs
