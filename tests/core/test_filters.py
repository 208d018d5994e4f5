"""The classic filters against scipy.ndimage, on every kind of stack."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from core.catalogue import create, find, methods
from core.errors import QuietfieldError
from core.methods import filters, separable
from core.methods.apply import apply, evaluate
from core.methods.base import BlockMethod
from core.optics import gaussian_kernel
from core.stack import Stack
from tests.core.pieces import filtered_by_pieces

DTYPES = ["uint8", "int16", "uint16", "uint32", "float32", "float64"]
AXES = ["YX", "TYX", "ZYX", "TZYX", "CYX", "TCZYX"]
PLANES = ["YX", "Y", "X"]
VOLUMES = ["auto", "ZYX", "TYX", "TZYX", "Z", "T"]


def make(name: str, **given: Any) -> BlockMethod:
    found = create(name, given)
    assert isinstance(found, BlockMethod)
    return found


def run(stack: Stack, name: str, **given: Any) -> np.ndarray:
    return apply(stack, make(name, **given))[0].read()


def along(choice: str, axes: str) -> str:
    return ("ZYX" if "Z" in axes else "TYX") if choice == "auto" else choice


def reference(name: str, pixels: np.ndarray, axes: str, given: dict[str, Any]) -> np.ndarray:
    """The filter by scipy, in double precision."""
    choice = along(given["axes"], axes)
    kind = name.removesuffix("-3d")
    plane = given["sigma" if kind == "gaussian" else "size"]
    none = 0 if kind == "gaussian" else 1
    extent = [(plane if a in "YX" else given["depth"]) if a in choice else none for a in axes]
    wide = pixels.astype(np.float64)
    if kind == "gaussian":
        return ndimage.gaussian_filter(wide, extent, mode="reflect", truncate=4.0)
    if kind == "box":
        return ndimage.uniform_filter(wide, extent, mode="reflect")
    return ndimage.median_filter(wide, extent, mode="reflect")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_equals_scipy(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([m.name for m in methods("filter")]))
    axes = data.draw(st.sampled_from(AXES))
    shape = tuple(data.draw(st.integers(1, 24 if a in "YX" else 5), label=a) for a in axes)
    dtype = data.draw(st.sampled_from(DTYPES))
    width: st.SearchStrategy[Any] = (
        st.floats(0, 4) if name.startswith("gaussian") else st.sampled_from([1, 3, 5])
    )
    key = "sigma" if name.startswith("gaussian") else "size"
    given_ = {key: data.draw(width), "axes": data.draw(st.sampled_from(PLANES))}
    if name.endswith("-3d"):
        given_ |= {"depth": data.draw(width), "axes": data.draw(st.sampled_from(VOLUMES))}
        choice = given_["axes"]
        if (choice == "auto" and not set(axes) & set("ZT")) or (
            choice != "auto" and not set(choice) <= set(axes)
        ):
            with pytest.raises(QuietfieldError):
                make(name, **given_).halo(axes)
            return
    pixels = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 250, shape).astype(dtype)
    result = run(Stack.of(pixels, axes), name, **given_)
    assert result.dtype == np.float32
    expected = reference(name, pixels, axes, given_)
    if name.startswith("median"):
        np.testing.assert_array_equal(result, expected)
    else:
        np.testing.assert_allclose(result, expected, rtol=2e-6, atol=2e-4)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5, 7.0, 20.0, 60.0])
def test_gaussian_of_any_width_equals_scipy(sigma: float) -> None:
    pixels = np.random.default_rng(0).poisson(300, (2, 90, 110)).astype(np.uint16)
    result = run(Stack.of(pixels, "TYX"), "gaussian", sigma=sigma)
    expected = ndimage.gaussian_filter(pixels.astype(float), (0, sigma, sigma))
    np.testing.assert_allclose(result, expected, rtol=2e-6)


@pytest.mark.parametrize("size", [1, 3, 15, 31, 101, 301])
def test_box_of_any_width_equals_scipy(size: int) -> None:
    pixels = np.random.default_rng(0).poisson(300, (2, 90, 110)).astype(np.uint16)
    result = run(Stack.of(pixels, "TYX"), "box", size=size)
    expected = ndimage.uniform_filter(pixels.astype(float), (1, size, size))
    np.testing.assert_allclose(result, expected, rtol=2e-6)


def test_integers_are_averaged_exactly() -> None:
    pixels = np.full((40, 50), 40000, np.uint16)
    assert np.unique(run(Stack.of(pixels, "YX"), "box", size=7)).tolist() == [40000.0]


@pytest.mark.parametrize(
    ("name", "given_"),
    [
        ("box", {"size": 1}), ("median", {"size": 1}), ("gaussian", {"sigma": 0}),
        ("box-3d", {"size": 1, "depth": 1}), ("median-3d", {"size": 1, "depth": 1}),
        ("gaussian-3d", {"sigma": 0, "depth": 0}),
    ],
)  # fmt: skip
def test_the_smallest_setting_changes_nothing(name: str, given_: dict[str, Any]) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (3, 8, 9)).astype(np.uint16)
    np.testing.assert_array_equal(run(Stack.of(pixels, "ZYX"), name, **given_), pixels)


@pytest.mark.parametrize("name", [m.name for m in methods("filter")])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_pixel_stays_and_does_not_count_for_its_neighbours(name: str, bad: float) -> None:
    pixels = np.random.default_rng(0).random((7, 40, 45)).astype(np.float32)
    clean = run(Stack.of(pixels, "TYX"), name)
    at = (3, 20, 22)
    pixels[at] = bad
    dirty = run(Stack.of(pixels, "TYX"), name)
    reach = make(name).halo("TYX")
    window = tuple(slice(max(i - reach[a], 0), i + reach[a] + 1) for a, i in zip("TYX", at, strict=True))
    inside = np.zeros(pixels.shape, bool)
    inside[window] = True
    np.testing.assert_array_equal(dirty[~inside], clean[~inside])
    np.testing.assert_array_equal(dirty[at], pixels[at])
    assert np.isfinite(dirty[pixels < 2]).all()


@pytest.mark.parametrize("name", [m.name for m in methods("filter")])
def test_a_stack_of_one_pixel_stays_what_it_is(name: str) -> None:
    result = run(Stack.of(np.full((1, 1, 1), 7, np.uint8), "TYX"), name)
    np.testing.assert_allclose(result, [[[7]]], rtol=1e-6)


@pytest.mark.parametrize("name", ["box-3d", "gaussian-3d", "median-3d"])
@pytest.mark.parametrize(("axes", "choice"), [("YX", "auto"), ("TYX", "Z"), ("ZYX", "TZYX"), ("CYX", "auto")])
def test_a_missing_axis_is_said(name: str, axes: str, choice: str) -> None:
    with pytest.raises(QuietfieldError, match=r"axis|neither") as caught:
        make(name, axes=choice).halo(axes)
    assert find(name).label in str(caught.value)


def test_auto_prefers_depth_to_time() -> None:
    assert make("box-3d", depth=5).halo("TZYX") == {"T": 0, "Z": 2, "Y": 1, "X": 1}
    assert make("box-3d", depth=5).halo("TCYX") == {"T": 2, "C": 0, "Y": 1, "X": 1}


def test_channels_never_mix() -> None:
    pixels = np.zeros((3, 2, 9, 9), np.float32)
    pixels[:, 1] = 100
    result = run(Stack.of(pixels, "TCYX"), "gaussian-3d", sigma=2, depth=2)
    assert not result[:, 0].any()
    np.testing.assert_allclose(result[:, 1], 100, rtol=1e-6)


@pytest.mark.parametrize("shape", [(9, 600, 500), (2, 900, 1600), (40, 150, 260)], ids=str)
def test_the_cut_into_slabs_does_not_change_a_bit(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    assert image.size > 5 * separable.SLAB_PIXELS
    kernels = [gaussian_kernel(s) for s in (0.6, 1.5, 1.5)]
    radius = [len(k) // 2 for k in kernels]
    expected = filtered_by_pieces(image, radius, lambda piece: separable.convolve(piece, kernels))
    np.testing.assert_array_equal(separable.convolve(image, kernels), expected)
    expected = filtered_by_pieces(image, (1, 3, 2), lambda piece: separable.mean(piece, (3, 7, 5)))
    np.testing.assert_array_equal(separable.mean(image, (3, 7, 5)), expected)


def test_numbers_too_large_for_single_precision_are_refused() -> None:
    stack = Stack.of(np.full((5, 5), 1e300), "YX")
    for name in ("box", "gaussian", "median"):
        with pytest.raises(QuietfieldError, match="Divide the stack by a constant"):
            evaluate(stack, make(name))


def test_choices_are_described_for_a_form() -> None:
    assert set(filters.PLANE) == set(PLANES)
    assert set(filters.VOLUME) == set(VOLUMES)
