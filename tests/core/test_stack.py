"""Stacks: axes, regions, lazily read pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import QuietfieldError
from core.stack import AXES, ArraySource, Metadata, Stack, middle, plane_regions, region_shape

PIXELS = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)


def test_what_a_stack_knows() -> None:
    stack = Stack.of(PIXELS, "TZYX", name="cells", spacing={"X": 0.1})
    assert stack.sizes == {"T": 2, "Z": 3, "Y": 4, "X": 5}
    assert (stack.planes, stack.nbytes, stack.dtype) == (6, 240, np.uint16)
    assert stack.meta.name == "cells"
    assert stack.replace(name="other").meta == Metadata(name="other", spacing={"X": 0.1})


@pytest.mark.parametrize("axes", ["YXT", "ZTYX", "TZXY", "TTYX", "TZY", "ZYX", "QZYX", ""])
def test_axes_that_do_not_fit_are_a_defect(axes: str) -> None:
    with pytest.raises(ValueError, match="axes"):
        Stack.of(PIXELS, axes)


@given(axes=st.sets(st.sampled_from(AXES)).map(lambda s: "".join(a for a in AXES if a in s)))
def test_every_subset_that_ends_in_yx_is_a_stack(axes: str) -> None:
    pixels = np.zeros((1,) * len(axes))
    if axes.endswith("YX"):
        assert Stack.of(pixels, axes).axes == axes
    else:
        with pytest.raises(ValueError, match="axes"):
            Stack.of(pixels, axes)


def test_no_pixels_are_refused_with_a_sentence() -> None:
    with pytest.raises(QuietfieldError, match=r"empty\.tif holds no pixels"):
        Stack.of(np.zeros((0, 5, 5)), "TYX", name="empty.tif")


@given(data=st.data())
def test_regions_are_those_of_numpy(data: st.DataObject) -> None:
    stack = Stack.of(PIXELS, "TZYX")
    only: dict[str, Any] = {}
    index: list[Any] = []
    for axis, size in stack.sizes.items():
        start = data.draw(st.integers(-size, size - 1))
        stop = data.draw(st.one_of(st.none(), st.integers(-size, 2 * size)))
        only[axis] = slice(start, stop)
        index.append(slice(start, stop))
    region = stack.region(**only)
    np.testing.assert_array_equal(stack.read(region), PIXELS[tuple(index)])
    assert region_shape(region) == PIXELS[tuple(index)].shape


def test_planes() -> None:
    stack = Stack.of(PIXELS, "TZYX")
    np.testing.assert_array_equal(stack.plane(T=1, Z=2), PIXELS[1, 2])
    np.testing.assert_array_equal(stack.plane(), PIXELS[0, 0])
    np.testing.assert_array_equal(stack.plane(Z=1), PIXELS[0, 1])
    planes = [stack.read(r) for r in plane_regions(stack.shape)]
    np.testing.assert_array_equal(np.concatenate([p.reshape(-1) for p in planes]), PIXELS.reshape(-1))


def test_what_was_read_is_a_copy_in_native_byte_order() -> None:
    swapped = np.arange(6, dtype=">u2").reshape(2, 3)
    stack = Stack(ArraySource(swapped), "YX")
    read = stack.read()
    assert stack.dtype == read.dtype == np.dtype("u2")
    assert read.dtype.isnative
    read[:] = 0
    assert swapped.tolist() == [[0, 1, 2], [3, 4, 5]]


@given(size=st.integers(1, 400), most=st.integers(1, 300), step=st.integers(1, 16), start=st.integers(0, 50))
def test_middle_lies_in_the_middle(size: int, most: int, step: int, start: int) -> None:
    found = middle(slice(start, start + size), most, step)
    before, after = found.start - start, start + size - found.stop
    assert found.stop - found.start == min(size, most)
    assert before % step == 0
    assert 0 <= after - before <= 2 * step + 1
    assert middle(size, most, step) == slice(found.start - start, found.stop - start)
