"""Several methods on one stack, one after the other, as many as memory allows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.catalogue import methods
from core.errors import QuietfieldError
from core.machine import available_memory
from core.methods.apply import apply, evaluate
from core.methods.base import Operation
from core.progress import Context
from core.stack import Region, Stack, region_shape

SHARE = 0.5
"""Share of the free memory that results may take together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """What one method made of a stack: a stack for each of its outputs, and the seconds it took."""

    operation: Operation
    stacks: tuple[Stack, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Methods to compare, and a sentence on those that had to be left out, or ""."""

    operations: tuple[Operation, ...]
    note: str = ""


def classic_filters(stack: Stack) -> tuple[Operation, ...]:
    """Every filter with its default parameters that can work on this stack, in the order of the list."""
    found = []
    for cls in methods("filter"):
        method = cls()
        if not isinstance(method, Operation):
            continue
        try:
            halo = method.halo(stack.axes)
        except QuietfieldError:  # a filter for volumes has nothing to look along in a single plane
            continue
        if all(stack.sizes[axis] > 1 for axis, reach in halo.items() if reach and axis not in "YX"):
            found.append(method)
    return tuple(found)


def plan(
    stack: Stack, operations: Sequence[Operation], *, region: Region | None = None, memory: int | None = None
) -> Plan:
    """Keep as many methods, from the first on, as have room for their results.

    Parameters
    ----------
    stack : Stack
        What to work on.
    operations : sequence of Operation
        Methods to compare.
    region : tuple of slice, optional
        Where; all of the stack by default.
    memory : int, optional
        Free memory in bytes; by default what the system says.

    Raises
    ------
    QuietfieldError
        If there is not even room for the results of the first one.
    """
    memory = available_memory() if memory is None else memory
    if not operations:
        return Plan(operations=tuple(operations))
    size = math.prod(stack.shape if region is None else region_shape(region)) * 4
    room, kept = SHARE * memory, []
    for operation in operations:
        room -= size * len(operation.outputs)
        if room < 0:
            break
        kept.append(operation)
    left = operations[len(kept) :]
    if not left:
        return Plan(operations=tuple(kept))
    need = f"Each result takes {size / 1e9:.2g} GB, and {memory / 1e9:.2g} GB of memory are free"
    if not kept:
        raise QuietfieldError(
            f"{need}; half of that may be used, so nothing was compared. Close other programs, or crop the "
            "stack; a single filter can still be applied."
        )
    names = ", ".join(operation.label for operation in left)
    return Plan(operations=tuple(kept), note=f"{need}, so these were left out: {names}.")


def compare(
    stack: Stack,
    operations: Sequence[Operation],
    *,
    region: Region | None = None,
    context: Context | None = None,
) -> Iterator[Compared]:
    """Run methods on a stack one after the other, giving each result as soon as it is there.

    Parameters
    ----------
    stack : Stack
        What to work on; it is not modified.
    operations : sequence of Operation
        What to do to it; each starts from `stack` itself.
    region : tuple of slice, optional
        Compute this region only, exactly as on the whole stack.
    context : Context, optional
        Progress and cancellation, of all methods together.

    Raises
    ------
    QuietfieldError
        If a method cannot work on the stack; results given before remain good.
    """
    context = context or Context()
    for number, operation in enumerate(operations):
        part = context.part(number / len(operations), (number + 1) / len(operations))
        part.step(0.0, operation.label)
        began = time.perf_counter()
        if region is None:
            stacks = apply(stack, operation, part)
        else:
            computed = evaluate(stack, operation, region, part)
            stacks = tuple(Stack.of(pixels, stack.axes, stack.meta) for pixels in computed)
        yield Compared(operation=operation, stacks=stacks, seconds=time.perf_counter() - began)
