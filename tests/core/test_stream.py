"""Results computed on demand equal those computed at once, and every block is computed once."""

from __future__ import annotations

import math
import threading
import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.methods.apply import apply, blocks
from core.methods.base import Block, Operation
from core.methods.stream import streaming
from core.progress import Cancelled, Context
from core.stack import Stack, plane_regions

COUNT_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur(Operation):
    """A blur over Z, Y and X that counts its blocks."""

    calls: ClassVar[list[tuple[int, ...]]] = []

    def halo(self, axes: str) -> Mapping[str, int]:
        return {a: 4 for a in axes if a in "ZYX"}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        with COUNT_LOCK:
            self.calls.append(block.origin)
        sigma = [1.0 if a in "ZYX" else 0.0 for a in block.axes]
        return (ndimage.gaussian_filter(block.pixels, sigma),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(Blur):
    """An operation that fails."""

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        raise QuietfieldError("No.")


@pytest.fixture
def stack():
    pixels = np.random.default_rng(0).normal(100, 20, (3, 2, 12, 20, 24)).astype(np.float32)
    return Stack.of(pixels, "TCZYX")


@pytest.mark.parametrize("limit", [1, 40_000, 2**30])
@pytest.mark.parametrize("order", ["file", "depth first", "backwards"])
def test_planes_in_any_order_are_those_of_the_whole(stack, limit, order):
    wanted = apply(stack, Blur())[0].read()
    regions = plane_regions(stack.shape)
    if order == "depth first":
        regions.sort(key=lambda r: (r[0].start, r[2].start, r[1].start))
    if order == "backwards":
        regions.reverse()
    Blur.calls.clear()
    with streaming(stack, Blur(), limit=limit) as lazy:
        assert lazy.shape == stack.shape
        assert lazy.dtype == np.float32
        for region in regions:
            np.testing.assert_array_equal(lazy.read(region), wanted[region])
    assert len(Blur.calls) == len(list(blocks(stack, Blur(), limit)))


def test_regions_across_blocks(stack):
    wanted = apply(stack, Blur())[0].read()
    with streaming(stack, Blur(), limit=40_000) as lazy:
        region = stack.region(T=slice(0, 3), Z=slice(2, 9), Y=slice(3, 17), X=slice(5, 24))
        np.testing.assert_array_equal(lazy.read(region), wanted[region])
        np.testing.assert_array_equal(lazy.read(), wanted)


def test_blocks_are_let_go_when_all_of_them_was_read(stack):
    large = Stack.of(np.tile(stack.read(), (16, 1, 1, 2, 2)), stack.axes)
    half = math.prod(large.shape) * 4 // 2
    tracemalloc.start()
    try:
        with streaming(large, Blur(), limit=160_000) as lazy:
            for region in plane_regions(large.shape):
                lazy.read(region)
                assert tracemalloc.get_traced_memory()[0] < half
            assert tracemalloc.get_traced_memory()[0] < half // 10
    finally:
        tracemalloc.stop()


def test_dropped_blocks_are_computed_again(stack):
    wanted = apply(stack, Blur())[0].read()
    with streaming(stack, Blur(), limit=1, kept=1) as lazy:
        for region in plane_regions(stack.shape) * 2:
            np.testing.assert_array_equal(lazy.read(region), wanted[region])


def test_progress_counts_blocks_and_cancelling_stops(stack):
    seen = []
    context = Context(lambda fraction, text: seen.append(fraction))
    with streaming(stack, Blur(), limit=40_000, context=context) as lazy:
        for region in plane_regions(stack.shape):
            lazy.read(region)
        assert seen == sorted(seen)
        assert seen[-1] == 1.0
        assert len(set(seen)) == len(list(blocks(stack, Blur(), 40_000)))
        context.cancel()
        with pytest.raises(Cancelled):
            lazy.plane()


def test_errors_reach_the_reader_and_threads_end(stack):
    with streaming(stack, Broken()) as lazy, pytest.raises(QuietfieldError, match="No"):
        lazy.read()
    with streaming(stack, Blur(), limit=1) as lazy:
        lazy.plane()
    assert not [t for t in threading.enumerate() if t.name.startswith("stream")]
