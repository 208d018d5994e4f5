"""Contest of methods on a part of a stack, judged against a reference or without one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core import params
from core.errors import QuietfieldError
from core.findings import Finding
from core.learning.base import Learned
from core.machine import MemoryWatch
from core.memory import ADVICE, ran_out
from core.methods.base import Method
from core.progress import Context
from core.quality.judge import Judge
from core.quality.judgement import Judgement
from core.quality.metric import Measures
from core.quality.references import find_other_scale
from core.quality.stacks import matching_axes, measure_stack
from core.stack import Region, Stack, middle
from core.work.compare import Budget, Compared, compare
from core.work.timetable import Timetable
from core.work.tuning import tunable, tune

SIDE = 1024
"""Maximum side of the part that is compared by default, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Result of one method.

    Attributes
    ----------
    method : Method
        Method with its parameters.
    judged : Judgement or None
        Estimated error without a reference; None if it cannot be estimated.
    measures : Measures or None
        Metrics against the reference, if there is one.
    seconds : float
        Time of training and of applying the method to the part that is compared.
    memory : int
        Additional memory that the method needed at most, in bytes; 0 if it is unknown.
    failure : str
        Why the method has no result; "" if it has one.
    result : Compared or None
        Outputs of the method on the part that is compared, and its trained network.
    """

    method: Method
    judged: Judgement | None = None
    measures: Measures | None = None
    seconds: float = 0.0
    memory: int = 0
    failure: str = ""
    result: Compared | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """Name of the method with the parameters that distinguish it."""
        brief = type(self.method).in_brief(params.values(self.method))
        return f"{self.method.label} ({brief})" if brief else self.method.label

    @property
    def loss(self) -> float:
        """Number by which entries are ordered, lower is better; infinite without a result or an estimate."""
        if self.measures is not None:
            return -self.measures["psnr"]
        return self.judged.share if self.judged is not None else math.inf


def part_of(stack: Stack) -> Region:
    """Return the part that is compared by default: all channels, in the middle of all other axes."""
    at: dict[str, slice | int] = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    return stack.region(**at, **{axis: middle(stack.sizes[axis], SIDE) for axis in "YX"})


def contest(
    stack: Stack,
    methods: Sequence[Method],
    *,
    region: Region | None = None,
    reference: Stack | None = None,
    affine: bool = False,
    tune: bool = True,
    seconds: float = 60.0,
    seed: int = 0,
    judge: Judge | None = None,
    context: Context | None = None,
) -> Iterator[Entry]:
    """Run methods on a part of a stack, and judge each result as soon as it is complete.

    Parameters
    ----------
    stack : Stack
        Noisy stack.
    methods : sequence of Method
        Methods; those that learn share the time that the others leave.
    region : tuple of slice, optional
        Part to compare; see `part_of` for the default.
    reference : Stack, optional
        Clean stack of the size of `stack`, or one clean plane.
    affine : bool
        Whether to fit results to the reference first (scale and offset).
    tune : bool
        Whether to choose the size of filters by the estimated error.
    seconds : float
        Time of the whole comparison in seconds, if there are networks. Each is trained for at least a quarter
        of an even share of it; see `Timetable`.
    seed : int
        Seed of the estimates and of the networks.
    judge : Judge, optional
        Judge of this part of the stack; by default it is made here.
    context : Context, optional
        Progress and cancellation.

    Yields
    ------
    Entry
        One for each method, as soon as it is complete: first those without training, in their order. A method
        that fails has a `failure`.

    Raises
    ------
    QuietfieldError
        If the reference does not match the stack.
    """
    context = context or Context()
    region = part_of(stack) if region is None else region
    if reference is not None:
        matching_axes(stack, reference)
        matching_axes(stack.crop(region), reference.crop(matching_region(region, stack, reference)))
    judge = judge or make_judge(stack, region, seed, context.part(0.0, 0.0))
    trained = [method for method in methods if isinstance(method, Learned)]
    quick = [method for method in methods if not isinstance(method, Learned)]
    timetable = Timetable(seconds, quick=len(quick), learned=len(trained))
    for method in (*quick, *trained):
        learned = isinstance(method, Learned)
        slot = timetable.begin(learned=learned)
        parts = context.part(slot.start, slot.applied), context.part(slot.applied, slot.stop)
        parts[0].step(0.0, method.label)
        budget = Budget(seconds=slot.training)
        entry = _entry(stack, method, region, reference, affine, tune, budget, seed, judge, parts)
        timetable.end(learned=learned)
        yield entry


def check_reference(stack: Stack, reference: Stack, region: Region) -> tuple[Finding, ...]:
    """Return a finding if a reference has another scale or offset than the stack.

    Raises
    ------
    QuietfieldError
        If the reference does not match the stack.
    """
    matching_axes(stack, reference)
    found = find_other_scale(stack, reference, region, matching_region(region, stack, reference))
    return () if found is None else (found,)


def make_judge(stack: Stack, region: Region, seed: int, context: Context) -> Judge | None:
    """Return the judge of a part of a stack; None if results cannot be judged there without a reference."""
    try:
        return Judge(stack, region=region, seed=seed, context=context)
    except QuietfieldError:
        return None


def _entry(
    stack: Stack,
    method: Method,
    region: Region,
    reference: Stack | None,
    affine: bool,
    tuned: bool,
    budget: Budget,
    seed: int,
    judge: Judge | None,
    parts: tuple[Context, Context],
) -> Entry:
    """Return the entry of a method, also if it fails."""
    before, after = parts
    try:
        if tuned and judge is not None and method.group == "filter":
            size = [p.name for p in tunable(method)][:1]
            method = tune(method, judge, names=size, context=before).method if size else method
        if isinstance(method, Learned) and "seed" in params.values(method):
            method = params.build(type(method), {**params.values(method), "seed": seed})
        with MemoryWatch() as watch:
            done = next(compare(stack, [method], region=region, budget=budget, context=before))
        measures = score(done.stacks[0], stack, region, reference, affine=affine)
        judged = None
        if judge is not None:
            user = done.model.prediction(budget.device) if done.model is not None else done.method
            judged = judge.judge(user, 2, after)
    except QuietfieldError as error:
        return Entry(method=method, failure=str(error))
    except Exception as error:
        if not ran_out(error):
            raise
        return Entry(method=method, failure=f"There is not enough memory for {method.label}. {ADVICE}")
    return Entry(
        method=done.method, judged=judged, measures=measures, seconds=done.seconds, memory=watch.peak,
        result=done,
    )  # fmt: skip


def score(
    result: Stack, stack: Stack, region: Region, reference: Stack | None, *, affine: bool
) -> Measures | None:
    """Return the metrics of a result against the reference; None without a reference.

    Parameters
    ----------
    result : Stack
        Result on the region.
    stack : Stack
        Whole noisy stack.
    region : tuple of slice
        Region that is compared.
    reference : Stack or None
        Clean stack.
    affine : bool
        Whether to fit scale and offset to the reference first.
    """
    if reference is None:
        return None
    clean = reference.crop(matching_region(region, stack, reference))
    return measure_stack(result, clean, affine=affine).mean


def matching_region(region: Region, stack: Stack, reference: Stack) -> Region:
    """Return the region of the reference; axes that it lacks, or has once, are repeated."""
    if stack.shape == reference.shape:  # plane by plane, whatever the names of the axes
        return region
    parts = dict(zip(stack.axes, region, strict=True))
    found = {axis: parts[axis] for axis, size in reference.sizes.items() if size > 1 and axis in parts}
    return reference.region(**found)
