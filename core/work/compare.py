"""Comparison of several methods on one stack; networks are trained within a time budget."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core import catalogue
from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.learning.base import Learned
from core.machine import available_memory
from core.methods.apply import apply, evaluate
from core.methods.base import Bindable, Group, Method, Operation
from core.progress import Context
from core.stack import Region, Stack, region_shape

if TYPE_CHECKING:  # imports torch, which classic filters do not need
    from core.learning.model import Model

SHARE = 0.5
"""Fraction of the free memory that all results together may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Resources of a learned method.

    Attributes
    ----------
    seconds : float
        Training time in seconds; 0 for the limits of the method.
    moments : tuple of float
        Additional training times in seconds, ascending, after which the network is applied.
    device : str
        Device for training and prediction, or "auto".
    threads : int or None
        Number of CPU threads; None for all cores.
    target : Stack or None
        Clean stack, for methods that need one.
    """

    seconds: float = 60.0
    moments: tuple[float, ...] = ()
    device: str = "auto"
    threads: int | None = None
    target: Stack | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Results of one method.

    Attributes
    ----------
    method : Method
        Method with its parameters.
    stacks : tuple of Stack
        One result for each output of the method.
    seconds : float
        Time of training and prediction together.
    model : Model or None
        Trained network.
    """

    method: Method
    stacks: tuple[Stack, ...]
    seconds: float
    model: Model | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Methods to compare, and findings about excluded methods."""

    methods: tuple[Method, ...]
    findings: tuple[Finding, ...] = ()


def suitable(stack: Stack, group: Group) -> tuple[Method, ...]:
    """Return all methods of a group, with default parameters, that can be applied to a stack."""
    found = []
    for cls in catalogue.methods(group):
        method = cls()
        try:
            method.check(stack.axes)
        except QuietfieldError:  # a filter for volumes has nothing to look along in a single plane
            continue
        halo = method.halo(stack.axes) if isinstance(method, Operation) else {}
        if all(stack.sizes[axis] > 1 for axis, reach in halo.items() if reach and axis not in "YX"):
            found.append(method)
    return tuple(found)


def plan(
    stack: Stack, methods: Sequence[Method], *, region: Region | None = None, memory: int | None = None
) -> Plan:
    """Select methods, from the first on, whose results fit into memory.

    Parameters
    ----------
    stack : Stack
        Input.
    methods : sequence of Method
        Methods to compare.
    region : tuple of slice, optional
        Region to compute; by default the whole stack.
    memory : int, optional
        Free memory in bytes; by default that of the system.

    Returns
    -------
    Plan
        Selected methods, and a finding about the others.

    Raises
    ------
    QuietfieldError
        If even the results of the first method do not fit into memory.
    """
    memory = available_memory() if memory is None else memory
    size = math.prod(stack.shape if region is None else region_shape(region)) * 4
    room, kept = SHARE * memory, []
    for method in methods:
        room -= size * len(method.outputs)
        if room < 0:
            break
        kept.append(method)
    left = methods[len(kept) :]
    if not left:
        return Plan(methods=tuple(kept))
    if not kept:
        raise QuietfieldError(
            f"Each result takes {size / 1e9:.2g} GB, and {memory / 1e9:.2g} GB of memory are free; half of "
            "that may be used, so nothing was compared. Close other programs, or crop the stack; a single "
            "filter can still be applied."
        )
    names = ", ".join(method.label for method in left)
    finding = Finding(
        kind=kinds.COMPARISON_CUT, value=size / 1e9, limit=memory / 1e9, unit="GB", details={"methods": names}
    )
    return Plan(methods=tuple(kept), findings=(finding,))


def compare(
    stack: Stack,
    methods: Sequence[Method],
    *,
    region: Region | None = None,
    budget: Budget | None = None,
    trained_on: Stack | None = None,
    context: Context | None = None,
) -> Iterator[Compared]:
    """Run methods on a stack one after another, yielding each result as soon as it is complete.

    Parameters
    ----------
    stack : Stack
        Input; it is not modified.
    methods : sequence of Method
        Methods; each is applied to `stack`.
    region : tuple of slice, optional
        Region to compute, with the same result as on the whole stack.
    budget : Budget, optional
        Resources of each learned method.
    trained_on : Stack, optional
        Training stack of learned methods; by default `stack`.
    context : Context, optional
        Progress of all methods together, and cancellation.

    Yields
    ------
    Compared
        One for each method; for a learned method also one for each moment of the budget.

    Raises
    ------
    QuietfieldError
        If a method cannot be applied to the stack; earlier results are not affected.
    """
    context = context or Context()
    for number, method in enumerate(methods):
        part = context.part(number / len(methods), (number + 1) / len(methods))
        part.step(0.0, method.label)
        if isinstance(method, Learned):
            yield from _trained(stack, method, region, budget or Budget(), trained_on or stack, part)
        else:
            began = time.perf_counter()
            stacks = use(stack, method, region, part)
            yield Compared(method=method, stacks=stacks, seconds=time.perf_counter() - began)


def use(stack: Stack, method: Bindable, region: Region | None, context: Context) -> tuple[Stack, ...]:
    """Compute all outputs of a method on a stack, or on a region of it."""
    if region is None:
        return apply(stack, method, context)
    computed = evaluate(stack, method, region, context)
    return tuple(Stack.of(pixels, stack.axes, stack.meta) for pixels in computed)


def _trained(
    stack: Stack,
    method: Learned,
    region: Region | None,
    budget: Budget,
    trained_on: Stack,
    context: Context,
) -> Iterator[Compared]:
    """Train a method, and apply the network at every moment of the budget and at the end."""
    from core.learning.trainer import Trainer

    if budget.seconds:
        method = replace(method, steps=0, seconds=budget.seconds)
    trainer = Trainer(trained_on, method, device=budget.device, threads=budget.threads, target=budget.target)
    training, using = context.part(0.0, 0.9), context.part(0.9, 1.0).silent()

    def used() -> Compared:
        model, began = trainer.model(), time.perf_counter()
        stacks = use(stack, model.prediction(budget.device), region, using)
        seconds = model.record.seconds + time.perf_counter() - began
        return Compared(method=method, stacks=stacks, seconds=seconds, model=model)

    left = list(budget.moments)
    for report in trainer.run(training.part(0.0, 0.05)):
        training.step(report.step / report.steps if report.steps else 0.0, method.label)
        if report.step and left and report.seconds >= left[0]:
            left = [moment for moment in left if moment > report.seconds]
            yield used()
    yield used()
