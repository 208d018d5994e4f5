"""The sorting network of the median against independent medians."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from core.methods.median import SLAB_PIXELS, median
from core.methods.slabs import Slabs, reflected_indices, shape_of
from core.methods.sorting import network
from core.progress import Cancelled, Context
from tests.core.pieces import filtered_by_pieces

WINDOWS = [(3, 3), (1, 5), (7, 1), (5, 3), (3, 9), (7, 7), (11, 5), (13, 13)]
VOLUMES = [(3, 3, 3), (5, 1, 1), (3, 5, 5), (5, 3, 3), (1, 3, 7), (7, 3, 1), (7, 11, 11)]
DTYPES = ["uint8", "int16", "uint16", "uint32", "int32", "float16", "float32", "float64"]


def image(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 120, shape).astype(dtype)


@pytest.mark.parametrize("window", WINDOWS + VOLUMES, ids=str)
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_equals_scipy_exactly(window: tuple[int, ...], dtype: str) -> None:
    pixels = image((9, 23, 31)[-len(window) :], dtype)
    expected = ndimage.median_filter(pixels, window, mode="reflect")
    np.testing.assert_array_equal(median(pixels, window), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_exact(dtype: str) -> None:
    pixels = image((6, 17, 19), dtype)
    if dtype.startswith("float"):
        pixels = pixels / np.asarray(7, dtype) - 5
    expected = ndimage.median_filter(pixels.astype("float64"), (3, 3, 3), mode="reflect")
    np.testing.assert_array_equal(median(pixels, (3, 3, 3)), expected.astype("float32"))


def test_extremes_of_a_type_survive() -> None:
    pixels = np.array([[0, 2**32 - 1, 2**32 - 1]], np.uint32)
    assert median(pixels, (1, 3)).tolist() == [[0, 2.0**32, 2.0**32]]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_equals_numpy_for_any_shape_and_window(data: st.DataObject) -> None:
    dims = data.draw(st.integers(2, 4))
    shape = tuple(data.draw(st.integers(1, 9)) for _ in range(dims))
    window = tuple(data.draw(st.sampled_from([1, 3, 5])) for _ in range(dims))
    if np.prod(window) > 200:
        window = (*window[:-2], 1, 3)
    pixels = image(shape, "int16", data.draw(st.integers(0, 99)))
    padded = np.pad(pixels, [(w // 2, w // 2) for w in window], mode="symmetric")
    views = np.lib.stride_tricks.sliding_window_view(padded, window)
    expected = np.median(views, axis=tuple(range(dims, 2 * dims)))
    np.testing.assert_array_equal(median(pixels, window), expected)


@pytest.mark.parametrize("window", [(1, 3, 3), (1, 7, 5), (3, 3, 3), (5, 1, 1), (1, 1, 5)], ids=str)
def test_slabs_leave_no_seams(window: tuple[int, ...]) -> None:
    pixels = image((11, 500, 510), "uint16")
    assert pixels.size > 20 * SLAB_PIXELS
    expected = filtered_by_pieces(pixels, [w // 2 for w in window], lambda piece: median(piece, window))
    np.testing.assert_array_equal(median(pixels, window), expected)


@pytest.mark.parametrize(
    ("window", "published"), [((3, 3), 24), ((5, 5), 113), ((3, 3, 3), 126), ((5, 5, 5), 1184)], ids=str
)
def test_shared_networks_need_fewer_comparisons_than_a_pruned_one(
    window: tuple[int, ...], published: int
) -> None:
    assert network(window).cost < published


def test_a_median_depends_on_every_pixel_of_its_window_and_no_other() -> None:
    pixels = np.zeros((15, 15), np.float32)
    pixels[7, 6] = np.nan
    expected = np.zeros((15, 15), bool)
    expected[5:10, 5:8] = True
    np.testing.assert_array_equal(np.isnan(median(pixels, (5, 3))), expected)


def test_infinities_are_numbers() -> None:
    pixels = np.zeros((9, 9), np.float32)
    pixels[4, 4], pixels[4, 5] = np.inf, -np.inf
    assert not median(pixels, (3, 3)).any()


def test_pixels_are_not_modified() -> None:
    pixels = image((20, 20), "uint16")
    before = pixels.copy()
    median(pixels, (5, 5))
    np.testing.assert_array_equal(pixels, before)


def test_cancelled_before_the_next_slab() -> None:
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        median(image((20, 20), "uint16"), (3, 3), context)


@given(size=st.integers(1, 7), start=st.integers(-30, 10), length=st.integers(1, 40))
def test_reflection_is_that_of_numpy(size: int, start: int, length: int) -> None:
    wide = np.pad(np.arange(size), 80, mode="symmetric")
    np.testing.assert_array_equal(
        reflected_indices(start, start + length, size), wide[80 + start : 80 + start + length]
    )


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 60), st.integers(1, 300)),
    radius=st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9)),
    pixels=st.integers(1, 10_000),
    separable=st.booleans(),
)
def test_slabs_cover_every_pixel_once(
    shape: tuple[int, ...], radius: tuple[int, ...], pixels: int, separable: bool
) -> None:
    slabs = Slabs.plan(shape, radius, pixels, separable=separable)
    seen = np.zeros(shape, int)
    for box in slabs:
        seen[box] += 1
        assert all(n + 2 * r <= p for n, r, p in zip(shape_of(box), radius, slabs.padded, strict=True))
    assert (seen == 1).all()
