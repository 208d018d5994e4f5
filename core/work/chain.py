"""Steps of a recipe as one method, so that all of them can be judged or computed together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.methods.apply import compute
from core.methods.base import WHOLE, Bindable, Block, Operation
from core.methods.outputs import Output, Quantity
from core.methods.single import to_single
from core.model_file import FindModel
from core.progress import Context
from core.stack import Region, Stack
from core.work.recipe import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Methods that are applied one after another, each to one output of the one before.

    Attributes
    ----------
    methods : tuple of Bindable
        Methods in their order, at least one.
    positions : tuple of int
        Index of the output of each method that is used.
    """

    methods: tuple[Bindable, ...]
    positions: tuple[int, ...]

    @property
    def label(self) -> str:
        """Names of all methods."""
        return ", ".join(method.label for method in self.methods)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The output of the last method that is used."""
        return (self.methods[-1].outputs[self.positions[-1]],)

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if one of the methods cannot be applied to a stack with these axes."""
        for method in self.methods:
            method.check(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Bind every method to the result of the one before; what it has to know is computed on demand."""
        bound = []
        for method, position in zip(self.methods, self.positions, strict=True):
            operation = method.bind(stack, context)
            bound.append(operation)
            stack = Stack(_Computed(stack, operation, position), stack.axes, stack.meta)
        return _Chained(tuple(bound), self.positions)


def chain_of(steps: Sequence[Step], find_network: FindModel | None = None) -> Bindable:
    """Return the steps that lead to a result as one method.

    Parameters
    ----------
    steps : sequence of Step
        At least one step.
    find_network : callable, optional
        Finds the prediction of a trained network.

    Raises
    ------
    QuietfieldError
        If a step cannot be repeated, or the result is no denoised image of the source.
    """
    last = steps[-1].produces
    if last.quantity is not Quantity.INTENSITY:
        what = "the object before the blur" if last.quantity is Quantity.OBJECT else "an error"
        raise QuietfieldError(
            f"This result shows {what}, not the denoised image: it cannot be compared with the noisy one."
        )
    methods = tuple(step.method_for(find_network) for step in steps)
    positions = tuple(step.position(method) for step, method in zip(steps, methods, strict=True))
    return (
        methods[0] if len(methods) == 1 and positions == (0,) else Chain(methods=methods, positions=positions)
    )


@dataclass(frozen=True, slots=True)
class _Chained(Operation):
    """Bound operations, one after another on the same block; its halo is the sum of theirs."""

    operations: tuple[Operation, ...]
    positions: tuple[int, ...]

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return math.lcm(*(operation.alignment for operation in self.operations))

    @property
    def parallel(self) -> bool:  # type: ignore[override]
        return all(operation.parallel for operation in self.operations)

    @property
    def label(self) -> str:
        return self.operations[-1].label

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (self.operations[-1].outputs[self.positions[-1]],)

    def halo(self, axes: str) -> Mapping[str, int]:
        each = [operation.halo(axes) for operation in self.operations]
        return {axis: min(sum(halo.get(axis, 0) for halo in each), WHOLE) for axis in axes}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        pixels = block.pixels
        for number, (operation, position) in enumerate(zip(self.operations, self.positions, strict=True)):
            last = number == len(self.operations) - 1
            part = context.part(number / len(self.operations), (number + 1) / len(self.operations))
            # neighbours of the last method have to be computed by the ones before
            given = replace(block, pixels=pixels, kept=block.kept if last else None)
            pixels = to_single(operation.compute(given, part)[position])
        return (pixels,)


@dataclass(frozen=True, slots=True, eq=False)
class _Computed:
    """Pixels that an operation computes when they are read."""

    stack: Stack
    operation: Operation
    position: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stack.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def read(self, region: Region) -> NDArray[np.floating]:
        return compute(self.stack, self.operation, region, Context())[self.position]
