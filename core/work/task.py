"""Tasks: steps, input and output of a piece of work, and the function that runs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files import Format, Saved, open_stack, save_stack
from core.findings import Finding
from core.fingerprint import fingerprint
from core.level import Level
from core.methods.apply import apply
from core.methods.base import Operation
from core.methods.stream import streaming
from core.noise.cameras import load_camera, with_camera
from core.progress import Context
from core.selection import leave_out
from core.stack import Stack
from core.work.networks import Networks
from core.work.recipe import Recipe, Step

Notify = Callable[["Task", Finding], None]
"""Receives findings as soon as they are known, with their task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A stack in a file, a folder of planes, or several files.

    Attributes
    ----------
    path : Path or tuple of Path
        File or folder, or several files in order.
    series : int
        Index of the image series.
    axes : str or None
        Axes of the stack, if the file does not specify them.
    camera : str
        Name of the saved calibration of its camera; "" to measure the noise in the stack.
    without_frames, without_planes : tuple of int
        Indices along T and along Z that are left out, from 0.
    """

    path: Path | tuple[Path, ...]
    series: int = 0
    axes: str | None = None
    camera: str = ""
    without_frames: tuple[int, ...] = ()
    without_planes: tuple[int, ...] = ()

    def open(self, context: Context | None = None) -> Stack:
        """Open the stack; see `core.files.open_stack`, `load_camera` and `leave_out`."""
        camera = load_camera(self.camera) if self.camera else None
        stack = open_stack(self.path, series=self.series, axes=self.axes, context=context)
        for axis, indices in (("T", self.without_frames), ("Z", self.without_planes)):
            stack = leave_out(stack, axis, indices) if indices else stack
        return with_camera(stack, camera)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Output file of a result.

    Attributes
    ----------
    path : Path
        TIFF file or OME-Zarr to write.
    format : {"imagej", "ome", "zarr", "zarr-sharded"} or None
        Kind of file; None to derive it from the file name.
    dtype : str
        Type of the pixels; "source" for the type of the source for images, and float32 for errors.
    overwrite : bool
        Whether to replace an existing file.
    """

    path: Path
    format: Format | None = None
    dtype: str = "source"
    overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Processing of a stack. A task can be pickled and run in another process with the same result.

    Attributes
    ----------
    recipe : Recipe
        At least one step; each is applied to the result of the one before.
    source : Source or Stack
        Input; it is not modified.
    target : Target or None
        File for the result of the last step; None to keep results in memory.
    networks : tuple of Path
        Folders that are searched for trained networks of the steps.
    device : str
        Device of networks, or "auto".
    every_output : bool
        Whether to keep all outputs of the last step, instead of the one named by the step.
    """

    recipe: Recipe
    source: Source | Stack
    target: Target | None = None
    networks: tuple[Path, ...] = ()
    device: str = "auto"
    every_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """A result in memory: its step, its stack, and the computing time of the step."""

    step: Step
    stack: Stack
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Done:
    """Outcome of a task.

    Attributes
    ----------
    task : Task
        The task.
    made : tuple of Made
        One for each step except the last, then one for each kept output of the last step; empty if the
        result was written to a file.
    saved : Saved or None
        The written file.
    findings : tuple of Finding
        Findings about the source and the last step.
    seconds : float
        Total time.
    fingerprint : dict
        Fingerprint of the source, if the result was written.
    """

    task: Task
    made: tuple[Made, ...] = ()
    saved: Saved | None = None
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    fingerprint: Mapping[str, Any] = field(default_factory=dict)

    def by_step(self) -> Iterator[tuple[Made, ...]]:
        """Yield the results in memory grouped by step, in the order of the recipe."""
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
        Task to run.
    context : Context, optional
        Progress and cancellation.
    networks : Networks, optional
        Source of trained networks, instead of the folders of the task.
    notify : callable, optional
        Receives every finding as soon as it is known.

    Returns
    -------
    Done
        Results in memory, or the written file.

    Raises
    ------
    QuietfieldError
        If the stack cannot be opened, a step cannot be computed, or the result cannot be written; no
        incomplete file is left.
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
    source = task.source.open(context.silent()) if isinstance(task.source, Source) else task.source
    findings = list(source.meta.findings)
    made: list[Made] = []
    stack = source
    for number, (step, method) in enumerate(zip(steps[:-1], methods, strict=False)):
        part = context.part(number / len(steps), (number + 1) / len(steps))
        one = _keep(step, stack, method.bind(Level.of(stack).stack, part.part(0.0, 0.0)), part)[0]
        if task.target is None:
            made.append(one)
        stack = one.stack
    last = context.part((len(steps) - 1) / len(steps), 1.0)
    operation = methods[-1].bind(Level.of(stack).stack, last.part(0.0, 0.0))
    findings += noticed(operation, Level.of(stack).stack)
    for finding in findings:
        if notify is not None:
            notify(task, finding)
    if task.target is None:
        made += _keep(steps[-1], stack, operation, last, every=task.every_output)
        saved, identity = None, {}
    else:
        identity = fingerprint(source)
        recipe = Recipe(steps=steps, source=identity)
        saved = _save(task.target, stack, operation, steps[-1], source.dtype.name, recipe, last)
    return Done(
        task=task, made=tuple(made), saved=saved, findings=tuple(findings),
        seconds=time.perf_counter() - began, fingerprint=identity,
    )  # fmt: skip


def noticed(operation: Operation, stack: Stack) -> list[Finding]:
    """Examine the middle plane of every channel; a finding about some channels only includes the channel."""
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
    """Compute a step in memory; return the output that it names, or all outputs."""
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
    if dtype == "source":  # rounding to integers would lose most digits of an error
        dtype = source_dtype if step.produces.is_image else "float32"
    with streaming(stack, operation, step.position(operation), context=context) as result:
        return save_stack(
            target.path, result, format=target.format, dtype=dtype, recipe=recipe.to_json(),
            context=context.silent(), taken="replace" if target.overwrite else "refuse",
        )  # fmt: skip
