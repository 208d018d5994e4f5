"""Computation of previews, starting with the centre of the region if the whole region takes long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from app.shell.view_state import Preview
from core.findings import Finding
from core.methods.apply import evaluate
from core.methods.base import Bindable, Operation
from core.progress import Context
from core.stack import Region, Stack, middle, region_shape

FIRST = 720
"""Side of the central region that is computed first, in pixels; a network processes it as one tile."""

PATIENCE = 0.4
"""Time in seconds after which a partial preview is shown."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computed:
    """A complete preview, and the findings about its plane."""

    preview: Preview
    findings: tuple[Finding, ...] = ()


def compute(
    label: str,
    stack: Stack,
    operation: Operation,
    region: Region,
    context: Context,
    tell: Callable[[Preview], None],
    *,
    mixed: bool = False,
) -> Preview:
    """Compute an operation on a region of a single plane.

    Parameters
    ----------
    label : str
        Label of the preview.
    stack : Stack
        Input.
    operation : Operation
        Operation bound to the stack.
    region : tuple of slice
        Region of a single plane.
    context : Context
        Cancellation.
    tell : callable
        Called with partial previews of the central region, if the whole region takes long.
    mixed : bool
        Whether previews also contain the input, to be blended with the result.

    Returns
    -------
    Preview
        Preview of the whole region.
    """
    began = time.monotonic()
    for part in middles(stack, operation, region):
        preview = preview_of(label, stack, operation, part, context, mixed=mixed)
        if time.monotonic() - began > PATIENCE:
            tell(replace(preview, unfinished=True))
    return preview_of(label, stack, operation, region, context, mixed=mixed)


def preview_of(
    label: str, stack: Stack, method: Bindable, region: Region, context: Context, *, mixed: bool = False
) -> Preview:
    """Compute a method on a region of a single plane, and return it as a preview."""
    planes = [result.reshape(result.shape[-2:]) for result in evaluate(stack, method, region, context)]
    below = stack.read(region).reshape(planes[0].shape).astype(planes[0].dtype) if mixed else None
    outputs = tuple(zip(method.outputs, planes, strict=True))
    return Preview(label=label, region=region, outputs=outputs, below=below)


def middles(stack: Stack, operation: Operation, region: Region) -> Iterator[Region]:
    """Yield central parts of a region, each twice as wide as the one before.

    All of them together cost at most a third of the region; there are none if each would cost more than
    that.
    """
    halo = operation.halo(stack.axes)
    sizes = dict(zip(stack.axes, region_shape(region), strict=True))
    if any(halo.get(axis, 0) >= FIRST for axis in "YX"):
        return
    side = FIRST
    while sizes["Y"] * sizes["X"] >= 4 * side * side:
        yield tuple(
            middle(part, side) if axis in "YX" else part
            for axis, part in zip(stack.axes, region, strict=True)
        )
        side *= 2


def covers(outer: Region, inner: Region) -> bool:
    """Whether a region contains another one."""
    return len(outer) == len(inner) and all(
        a.start <= b.start and b.stop <= a.stop for a, b in zip(outer, inner, strict=True)
    )
