"""A piece of work as a value: which steps, on which stack, written where; and the one way to run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import QuietfieldError
from core.files import Format, Saved, open_stack, save_stack
from core.findings import Finding
from core.fingerprint import fingerprint
from core.methods.apply import apply
from core.methods.base import Operation
from core.methods.stream import streaming
from core.progress import Context
from core.stack import Stack
from core.work.networks import Networks
from core.work.recipe import Recipe, Step

Notify = Callable[["Task", Finding], None]
"""Receives findings as soon as they are made, with the task that they belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A stack that lies in a file, a folder of planes, or several files.

    Attributes
    ----------
    path : Path or tuple of Path
        The file or folder, or files in the order they stand in.
    series : int
        Which of several series to open.
    axes : str or None
        What the axes mean, where the file does not say so.
    """

    path: Path | tuple[Path, ...]
    series: int = 0
    axes: str | None = None

    def open(self) -> Stack:
        """Open the stack; see `core.files.open_stack`."""
        return open_stack(self.path, series=self.series, axes=self.axes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a result is written.

    Attributes
    ----------
    path : Path
        TIFF file to write.
    format : {"imagej", "ome"} or None
        Kind of TIFF; None follows the name of the file.
    dtype : str
        Type of the pixels, or "source": that of the source for images, float32 for errors.
    overwrite : bool
        Whether an existing file is replaced.
    """

    path: Path
    format: Format | None = None
    dtype: str = "source"
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Steps to do to a stack. It can be pickled and run in another process with the same result.

    Attributes
    ----------
    recipe : Recipe
        Steps, each done to the result of the one before; one at least.
    source : Source or Stack
        What to begin with; it is not modified.
    target : Target or None
        File for the result of the last step; None keeps results in memory.
    networks : tuple of Path
        Folders in which trained networks that steps name are looked for.
    device : str
        Where networks compute, or "auto".
    every_output : bool
        Whether all outputs of the last step are kept, instead of the one that the step names.
    """

    recipe: Recipe
    source: Source | Stack
    target: Target | None = None
    networks: tuple[Path, ...] = ()
    device: str = "auto"
    every_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """A result that is kept in memory: the step that made it, its stack, and how long the step took."""

    step: Step
    stack: Stack
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Done:
    """What came of a task.

    Attributes
    ----------
    task : Task
        What was asked for.
    made : tuple of Made
        One for each step but the last, then one for each output kept of the last one; empty where the
        result was written.
    saved : Saved or None
        The file that was written.
    findings : tuple of Finding
        What was noticed about the source and the last step.
    seconds : float
        How long everything took.
    """

    task: Task
    made: tuple[Made, ...] = ()
    saved: Saved | None = None
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    def by_step(self) -> Iterator[tuple[Made, ...]]:
        """Give the results in memory grouped by the step that made them, in the order of the recipe."""
        last = len(self.task.recipe.steps) - 1
        yield from ((made,) for made in self.made[:last])
        yield self.made[last:]


def run(
    task: Task,
    context: Context | None = None,
    *,
    networks: Networks | None = None,
    notify: Notify | None = None,
) -> Done:
    """Run a task.

    Parameters
    ----------
    task : Task
        What to do.
    context : Context, optional
        Progress and cancellation.
    networks : Networks, optional
        Where to find trained networks, instead of in the folders of the task.
    notify : callable, optional
        Receives every finding as soon as it is made.

    Returns
    -------
    Done
        Results in memory, or the file written.

    Raises
    ------
    QuietfieldError
        If the stack cannot be opened, a step cannot be done, or the result cannot be written; nothing
        half-written is left.
    """
    began = time.perf_counter()
    context = context or Context()
    networks = networks or Networks(folders=task.networks, device=task.device)
    steps = task.recipe.steps
    if not steps:
        raise QuietfieldError("The recipe has no steps; there is nothing to do.")
    methods = [step.method_for(networks.prediction) for step in steps]
    for step, method in zip(steps, methods, strict=True):
        step.position(method)
    source = task.source.open() if isinstance(task.source, Source) else task.source
    findings = list(source.meta.findings)
    made, stack = [], source
    for number, (step, method) in enumerate(zip(steps[:-1], methods, strict=False)):
        part = context.part(number / len(steps), (number + 1) / len(steps))
        one = _keep(step, stack, method.bind(stack, part.part(0.0, 0.0)), part)[0]
        made.append(one)
        stack = one.stack
    last = context.part((len(steps) - 1) / len(steps), 1.0)
    operation = methods[-1].bind(stack, last.part(0.0, 0.0))
    findings += noticed(operation, stack)
    for finding in findings:
        if notify is not None:
            notify(task, finding)
    if task.target is None:
        made += _keep(steps[-1], stack, operation, last, every=task.every_output)
        saved = None
    else:
        recipe = Recipe(steps=steps, source=fingerprint(source))
        saved = _save(task.target, stack, operation, steps[-1], source.dtype.name, recipe, last)
        made = []
    return Done(
        task=task, made=tuple(made), saved=saved, findings=tuple(findings),
        seconds=time.perf_counter() - began,
    )  # fmt: skip


def noticed(operation: Operation, stack: Stack) -> list[Finding]:
    """Examine the middle plane of every channel; a finding that not all channels have names its channel."""
    at = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    places = [at | {"C": channel} for channel in range(stack.sizes["C"])] if "C" in stack.axes else [at]
    each = [operation.findings(stack, stack.region(**place)) for place in places]
    found = []
    for channel, findings in enumerate(each):
        for finding in findings:
            if any(finding not in others for others in each):
                finding = replace(finding, details={**finding.details, "channel": channel})
            found.append(finding)
    return list(dict.fromkeys(found))


def _keep(
    step: Step, stack: Stack, operation: Operation, context: Context, *, every: bool = False
) -> list[Made]:
    """Compute a step in memory; give the output that it names, or all of them."""
    began = time.perf_counter()
    stacks = apply(stack, operation, context)
    seconds = time.perf_counter() - began
    if not every:
        return [Made(step=step, stack=stacks[step.position(operation)], seconds=seconds)]
    return [
        Made(step=replace(step, output=output.name), stack=result, seconds=seconds)
        for output, result in zip(operation.outputs, stacks, strict=True)
    ]


def _save(
    target: Target, stack: Stack, operation: Operation, step: Step, source_dtype: str, recipe: Recipe,
    context: Context,
) -> Saved:  # fmt: skip
    """Compute the last step while its result is written, a few blocks at a time."""
    dtype = target.dtype
    if dtype == "source":  # an error of some counts would hardly be left of whole ones
        dtype = source_dtype if step.produces.is_image else "float32"
    with streaming(stack, operation, step.position(operation), context=context) as result:
        return save_stack(
            target.path, result, format=target.format, dtype=dtype, recipe=recipe.to_json(),
            context=context.silent(), overwrite=target.overwrite,
        )  # fmt: skip
