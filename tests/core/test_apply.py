"""Blocks and regions give the same pixels as the whole; failures leave no files."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import create, methods
from core.errors import QuietfieldError
from core.machine import processor_count
from core.methods.apply import apply, blocks, evaluate
from core.methods.base import WHOLE, Block, BlockMethod, Operation
from core.progress import Cancelled, Context
from core.recorded import Recorded
from core.stack import ArraySource, Stack, region_shape

OPERATIONS = [m for m in methods() if issubclass(m, BlockMethod) and m.group in ("filter", "noise")]
AXES = ["YX", "TYX", "ZYX", "TZYX", "TCYX"]


def drawn(data: st.DataObject, axes: str) -> BlockMethod:
    """Return a registered operation, sometimes with other parameters."""
    able = [m for m in OPERATIONS if not m.name.endswith("-3d") or set(axes) & set("ZT")]
    cls = data.draw(st.sampled_from(able))
    given_: dict[str, Any] = {}
    if "gaussian" in cls.name and cls.group == "filter":
        given_["sigma"] = data.draw(st.sampled_from([0.0, 0.8, 2.0, 5.0]))
    elif cls.group == "filter":
        given_["size"] = data.draw(st.sampled_from([1, 3, 7]))
    else:
        given_["seed"] = data.draw(st.integers(0, 3))
    operation = create(cls.name, given_)
    assert isinstance(operation, BlockMethod)
    return operation


def random_stack(data: st.DataObject) -> Stack:
    axes = data.draw(st.sampled_from(AXES))
    shape = tuple(data.draw(st.integers(1, 200 if a in "YX" else 6), label=a) for a in axes)
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "float32"]))
    seed = data.draw(st.integers(0, 99))
    return Stack.of(np.random.default_rng(seed).integers(0, 250, shape).astype(dtype), axes)


def plain(name: str = "box", **given_: Any) -> BlockMethod:
    operation = create(name, given_)
    assert isinstance(operation, BlockMethod)
    return operation


def test_there_are_operations_to_test() -> None:
    assert len(OPERATIONS) >= 10


@settings(max_examples=120, deadline=None)
@given(data=st.data(), limit=st.integers(1, 300_000))
def test_blocks_give_the_pixels_of_the_whole(data: st.DataObject, limit: int) -> None:
    stack = random_stack(data)
    operation = drawn(data, stack.axes)
    whole = evaluate(stack, operation)[0]
    result = np.full(stack.shape, np.nan, np.float32)
    for region in blocks(stack, operation, limit):
        result[region] = evaluate(stack, operation, region)[0]
    np.testing.assert_array_equal(result, whole)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_region_is_a_crop_of_the_whole(data: st.DataObject) -> None:
    stack = random_stack(data)
    operation = drawn(data, stack.axes)
    region = []
    for size in stack.shape:
        start = data.draw(st.integers(0, size - 1))
        region.append(slice(start, data.draw(st.integers(start + 1, size))))
    whole = evaluate(stack, operation)[0]
    np.testing.assert_array_equal(evaluate(stack, operation, tuple(region))[0], whole[tuple(region)])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), limit=st.integers(1, 10**6))
def test_blocks_cover_every_pixel_once(data: st.DataObject, limit: int) -> None:
    stack = random_stack(data)
    operation = drawn(data, stack.axes)
    seen = np.zeros(stack.shape, int)
    for region in blocks(stack, operation, limit):
        assert min(region_shape(region)) > 0
        seen[region] += 1
    assert (seen == 1).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Operation):
    """Adds one, and calls back for every block."""

    label = "Probe"

    hook: Callable[[Block, Context], None] | None = None

    def halo(self, axes: str) -> dict[str, int]:
        return {}

    def compute(self, block: Block, context: Context) -> tuple[np.ndarray, ...]:
        if self.hook is not None:
            self.hook(block, context)
        return (block.pixels + 1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial(Probe):
    """The same, one block after the other."""

    parallel = False


LIMIT = 4096
"""Bytes of a block that cut the small stack into 24."""


@pytest.fixture
def small() -> Iterator[Stack]:
    """A small stack, which is never modified."""
    pixels = np.arange(24 * 32 * 32, dtype=np.uint16).reshape(24, 32, 32)
    before = pixels.copy()
    yield Stack.of(pixels, "TYX")
    np.testing.assert_array_equal(pixels, before)
    assert not [t for t in threading.enumerate() if t.name.startswith("filter")]


@pytest.mark.parametrize("operation", [Probe(), Serial()])
def test_progress_only_grows_and_ends_at_one(small: Stack, operation: Probe) -> None:
    seen: list[float] = []
    (result,) = apply(small, operation, Context(lambda fraction, text: seen.append(fraction)), limit=LIMIT)
    np.testing.assert_array_equal(result.read(), small.read() + 1.0)
    assert seen[0] == 0
    assert seen[-1] == 1
    assert seen == sorted(seen)


@pytest.mark.parametrize("operation", [Probe(), Serial()])
@pytest.mark.parametrize("at", [0, 1, 7, 23])
def test_cancelling_at_any_block_leaves_nothing(small: Stack, operation: Probe, at: int) -> None:
    context, count = Context(), iter(range(1000))

    def cancel(block: Block, inner: Context) -> None:
        if next(count) == at:
            context.cancel()

    with pytest.raises(Cancelled):
        apply(small, dataclasses.replace(operation, hook=cancel), context, limit=LIMIT)
    assert next(count) <= at + 1 + processor_count()


@pytest.mark.parametrize("operation", [Probe(), Serial()])
def test_an_error_in_one_block_stops_the_others(small: Stack, operation: Probe) -> None:
    context = Context()

    def fail(block: Block, inner: Context) -> None:
        if block.origin[0] == 3:
            raise ZeroDivisionError
        end = time.monotonic() + 60
        while block.origin[0] > 3 and time.monotonic() < end:  # a long block, which asks whether to go on
            inner.check()
            time.sleep(0.001)

    start = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        apply(small, dataclasses.replace(operation, hook=fail), context, limit=LIMIT)
    assert time.monotonic() - start < 30
    assert not context.cancelled


def test_a_stack_that_suits_no_filter_is_refused_at_once() -> None:
    stack = Stack.of(np.zeros((4, 4)), "YX")
    with pytest.raises(QuietfieldError):
        evaluate(stack, plain("median-3d"))
    with pytest.raises(QuietfieldError):
        apply(stack, plain("median-3d"))


class Counted:
    """Pixels that remember how much of them was read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.dtype, self.pixels = shape, np.dtype(np.uint16), 0

    def read(self, region: tuple[slice, ...]) -> np.ndarray:
        self.pixels += int(np.prod(region_shape(region)))
        return np.random.default_rng(0).integers(0, 2**16, region_shape(region), self.dtype)


@pytest.mark.parametrize("name", ["box", "gaussian", "median", "box-3d", "gaussian-3d", "median-3d"])
def test_a_preview_reads_little_more_than_it_shows(name: str) -> None:
    source = Counted((50, 2000, 2000))
    stack = Stack(source, "TYX")
    assert Recorded.of(stack).rules  # found once, from a few planes
    source.pixels = 0
    evaluate(stack, plain(name), stack.region(T=25, Y=slice(900, 1000), X=slice(900, 1000)))
    assert source.pixels <= 9 * 108 * 108


def test_one_large_plane_is_shared_by_the_processors() -> None:
    stack = Stack.of(np.zeros((2048, 2048), np.uint16), "YX")
    seen: set[tuple[int, ...]] = set()

    def note(block: Block, inner: Context) -> None:
        seen.add(block.pixels.shape)

    apply(stack, Probe(hook=note), processors=2)
    assert len(list(blocks(stack, Probe(), 2048 * 2048))) >= 2
    assert all(rows < 2048 for rows, _ in seen)


def test_whole_axes_are_never_cut() -> None:
    stack = Stack.of(np.zeros((3, 300, 300), np.uint16), "TYX")
    operation = plain("gaussian-noise")
    assert operation.halo("TYX")["Y"] == WHOLE
    assert {region_shape(r)[1:] for r in blocks(stack, operation, 1)} == {(300, 300)}


def test_a_large_result_goes_to_a_file_that_vanishes(
    small: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (result,) = apply(small, Probe(), memory=1000)
    assert isinstance(result.source, ArraySource)
    assert isinstance(result.source.array, np.memmap)
    np.testing.assert_array_equal(result.read(), small.read() + 1.0)
    del result
    assert not list(tmp_path.iterdir())


def test_no_room_for_a_large_result_is_said(small: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(QuietfieldError, match="no room"):
        apply(small, Probe(), memory=1000)


@pytest.mark.parametrize("name", ["gaussian", "median", "gaussian-noise"])
def test_memory_stays_bounded_however_long_the_stack(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory-mapped stack of 64 MB streams through in less than a quarter of its result's size."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mapped = np.memmap(tmp_path / "stack.raw", np.uint16, "w+", shape=(128, 512, 512))
    tracemalloc.start()
    try:
        apply(Stack.of(mapped, "TYX"), plain(name), limit=2**20, memory=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 128 * 512 * 512 * 4 / 4
