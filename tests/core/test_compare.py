"""Comparing methods is applying them one by one; what does not fit into memory is left out, and said."""

from __future__ import annotations

import numpy as np
import pytest

from core.catalogue import create
from core.compare import classic_filters, compare, plan
from core.errors import QuietfieldError
from core.methods.apply import apply
from core.methods.base import Operation
from core.methods.outputs import EXPECTED_ERROR, RESULT
from core.progress import Cancelled, Context
from core.stack import Stack

PIXELS = np.random.default_rng(0).integers(0, 900, (4, 20, 24)).astype(np.uint16)
STACK = Stack.of(PIXELS, "TYX", name="cells.tif", spacing={"X": 0.1})
PLANE, VOLUME = ["box", "gaussian", "median"], ["box-3d", "gaussian-3d", "median-3d"]


def names(operations: tuple[Operation, ...]) -> list[str]:
    return [operation.name for operation in operations]


def test_filters_for_volumes_are_for_stacks_with_depth_or_time() -> None:
    assert names(classic_filters(STACK)) == PLANE + VOLUME
    assert names(classic_filters(Stack.of(PIXELS, "ZYX"))) == PLANE + VOLUME
    assert names(classic_filters(Stack.of(PIXELS[0], "YX"))) == PLANE
    assert names(classic_filters(Stack.of(PIXELS[:1], "TYX"))) == PLANE
    assert names(classic_filters(Stack.of(PIXELS, "CYX"))) == PLANE


def test_every_result_is_what_applying_alone_gives() -> None:
    operations = classic_filters(STACK)
    seen = []
    for operation, one in zip(operations, compare(STACK, operations), strict=True):
        assert one.operation is operation
        (alone,) = apply(STACK, operation)
        np.testing.assert_array_equal(one.stacks[0].read(), alone.read())
        assert one.stacks[0].meta.spacing == {"X": 0.1}
        assert one.seconds > 0
        seen.append(one)
    assert len(seen) == 6


def test_a_region_is_cut_from_what_the_whole_gives() -> None:
    region = STACK.region(T=slice(1, 3), Y=slice(5, 16), X=slice(0, 9))
    for one in compare(STACK, classic_filters(STACK), region=region):
        (whole,) = apply(STACK, one.operation)
        np.testing.assert_array_equal(one.stacks[0].read(), whole.read(region))


def test_results_come_one_by_one_with_progress_and_can_be_cancelled() -> None:
    told: list[tuple[float, str]] = []
    context = Context(lambda fraction, text: told.append((fraction, text)))
    operations = classic_filters(STACK)
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
    operations = classic_filters(STACK)
    size = PIXELS.size * 4
    assert plan(STACK, operations, memory=12 * size) == plan(STACK, operations)
    assert plan(STACK, operations, memory=12 * size).note == ""
    some = plan(STACK, operations, memory=4 * size)
    assert names(some.operations) == ["box", "gaussian"]
    assert some.note.endswith(f"left out: {', '.join(o.label for o in operations[2:])}.")
    with pytest.raises(QuietfieldError, match="nothing was compared"):
        plan(STACK, operations, memory=2 * size - 1)
    # a region needs less
    region = STACK.region(T=0)
    assert len(plan(STACK, operations, region=region, memory=3 * size).operations) == 6
    assert plan(STACK, (), memory=0).operations == ()


def test_two_outputs_take_twice_the_room() -> None:
    class Two(type(create("box", {}))):  # type: ignore[misc]
        possible = (RESULT, EXPECTED_ERROR)

    size = PIXELS.size * 4
    two, box = Two(), create("box", {})
    assert isinstance(box, Operation)
    assert plan(STACK, (two, box), memory=5 * size).operations == (two,)
