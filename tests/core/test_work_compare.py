"""Comparing methods is applying them one by one; what does not fit into memory is left out, and said."""

from __future__ import annotations

import numpy as np
import pytest

from core.catalogue import create
from core.errors import QuietfieldError
from core.findings import kinds
from core.methods.apply import apply
from core.methods.base import BlockMethod
from core.methods.outputs import EXPECTED_ERROR, RESULT
from core.progress import Cancelled, Context
from core.stack import Stack
from core.work.compare import Budget, compare, plan, suitable
from tests.core.learning_data import scene, small

PIXELS = np.random.default_rng(0).integers(0, 900, (4, 20, 24)).astype(np.uint16)
STACK = Stack.of(PIXELS, "TYX", name="cells.tif", spacing={"X": 0.1})
PLANE, VOLUME = ["box", "gaussian", "median"], ["box-3d", "gaussian-3d", "median-3d"]


def names(operations: tuple[BlockMethod, ...]) -> list[str]:
    return [operation.name for operation in operations]


def test_filters_for_volumes_are_for_stacks_with_depth_or_time() -> None:
    assert names(suitable(STACK, "filter")) == PLANE + VOLUME
    assert names(suitable(Stack.of(PIXELS, "ZYX"), "filter")) == PLANE + VOLUME
    assert names(suitable(Stack.of(PIXELS[0], "YX"), "filter")) == PLANE
    assert names(suitable(Stack.of(PIXELS[:1], "TYX"), "filter")) == PLANE
    assert names(suitable(Stack.of(PIXELS, "CYX"), "filter")) == PLANE


def test_every_result_is_what_applying_alone_gives() -> None:
    operations = suitable(STACK, "filter")
    seen = []
    for operation, one in zip(operations, compare(STACK, operations), strict=True):
        assert one.method is operation
        (alone,) = apply(STACK, operation)
        np.testing.assert_array_equal(one.stacks[0].read(), alone.read())
        assert one.stacks[0].meta.spacing == {"X": 0.1}
        assert one.seconds > 0
        seen.append(one)
    assert len(seen) == 6


def test_a_region_is_cut_from_what_the_whole_gives() -> None:
    region = STACK.region(T=slice(1, 3), Y=slice(5, 16), X=slice(0, 9))
    for one in compare(STACK, suitable(STACK, "filter"), region=region):
        (whole,) = apply(STACK, one.method)
        np.testing.assert_array_equal(one.stacks[0].read(), whole.read(region))


def test_results_come_one_by_one_with_progress_and_can_be_cancelled() -> None:
    told: list[tuple[float, str]] = []
    context = Context(lambda fraction, text: told.append((fraction, text)))
    operations = suitable(STACK, "filter")
    running = compare(STACK, operations, context=context)
    next(running)
    first = told[-1][0]
    assert first == pytest.approx(1 / 6)
    next(running)
    assert told[-1] == (pytest.approx(2 / 6), operations[1].label)
    assert [f for f, _ in told] == sorted(f for f, _ in told)
    context.cancel()
    with pytest.raises(Cancelled):
        next(running)


def test_what_has_no_room_is_left_out_and_named() -> None:
    operations = suitable(STACK, "filter")
    size = PIXELS.size * 4
    assert plan(STACK, operations, memory=12 * size) == plan(STACK, operations)
    assert plan(STACK, operations, memory=12 * size).findings == ()
    some = plan(STACK, operations, memory=4 * size)
    assert names(some.methods) == ["box", "gaussian"]
    (finding,) = some.findings
    assert finding.kind is kinds.COMPARISON_CUT
    assert finding.value == size / 1e9
    assert finding.text.endswith(f"left out: {', '.join(o.label for o in operations[2:])}.")
    with pytest.raises(QuietfieldError, match="nothing was compared"):
        plan(STACK, operations, memory=2 * size - 1)
    # a region needs less
    region = STACK.region(T=0)
    assert len(plan(STACK, operations, region=region, memory=3 * size).methods) == 6
    assert plan(STACK, (), memory=0).methods == ()


def test_two_outputs_take_twice_the_room() -> None:
    class Two(type(create("box", {}))):  # type: ignore[misc]
        possible = (RESULT, EXPECTED_ERROR)

    size = PIXELS.size * 4
    two, box = Two(), create("box", {})
    assert isinstance(box, BlockMethod)
    assert plan(STACK, (two, box), memory=5 * size).methods == (two,)


def test_networks_are_trained_within_the_budget_and_looked_at_on_the_way() -> None:
    stack, _ = scene(2, 48)
    methods = (create("box", {}), small(steps=0, seconds=60.0))
    box, *course = compare(
        stack, methods, budget=Budget(seconds=0.6, moments=(0.2,), device="cpu", threads=1)
    )
    assert box.method is methods[0]
    assert box.model is None
    assert len(course) == 2
    early, late = (one.model for one in course)
    assert early is not None
    assert late is not None
    assert 0 < early.record.steps <= late.record.steps
    assert late.method.steps == 0
    assert late.method.seconds == 0.6
    (again,) = apply(stack, late.prediction("cpu"))
    np.testing.assert_array_equal(course[-1].stacks[0].read(), again.read())
    assert course[-1].seconds >= late.record.seconds > 0


def test_every_method_on_the_list_can_be_compared_that_suits_a_stack() -> None:
    stack, truth = scene(2, 48)
    wanted = [*suitable(stack, "filter"), *suitable(stack, "instant"), small(steps=2)]
    made = list(compare(stack, wanted, budget=Budget(seconds=0, device="cpu", threads=1)))
    assert [one.method.name for one in made] == [method.name for method in wanted]
    errors = {one.method.name: np.mean((one.stacks[0].read() - truth) ** 2) for one in made}
    assert errors["instant"] < np.mean((stack.read() - truth) ** 2)
