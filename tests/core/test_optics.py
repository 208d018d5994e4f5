"""The Gaussian kernel against scipy and its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from core.optics import convolve, gaussian_kernel


@given(sigma=st.floats(0, 30), truncate=st.floats(1, 6))
def test_kernel_is_symmetric_and_adds_up_to_one(sigma: float, truncate: float) -> None:
    kernel = gaussian_kernel(sigma, truncate)
    assert len(kernel) == 2 * int(truncate * sigma + 0.5) + 1
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(kernel, kernel[::-1])
    assert kernel.argmax() == len(kernel) // 2


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5, 8.0])
def test_kernel_is_that_of_scipy(sigma: float) -> None:
    radius = int(4 * sigma + 0.5)
    point = np.zeros(2 * radius + 1)
    point[radius] = 1
    expected = ndimage.gaussian_filter1d(point, sigma, mode="constant")
    np.testing.assert_allclose(gaussian_kernel(sigma), expected, atol=1e-15)


def test_second_moment_is_sigma_squared() -> None:
    kernel = gaussian_kernel(3.0, truncate=8)
    position = np.arange(len(kernel)) - len(kernel) // 2
    assert (kernel * position**2).sum() == pytest.approx(9, rel=1e-9)


def test_sigma_zero_changes_nothing() -> None:
    assert gaussian_kernel(0).tolist() == [1.0]
    image = np.random.default_rng(0).random((4, 5)).astype(np.float32)
    blurred = convolve(image, 0)
    np.testing.assert_array_equal(blurred, image)
    assert blurred is not image


@pytest.mark.parametrize(("sigma", "truncate"), [(-1, 4), (np.nan, 4), (np.inf, 4), (1, -1), (1, np.nan)])
def test_nonsense_is_refused(sigma: float, truncate: float) -> None:
    with pytest.raises(ValueError, match="sigma"):
        gaussian_kernel(sigma, truncate)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
def test_convolve_equals_scipy(dtype: str) -> None:
    image = np.random.default_rng(0).integers(0, 500, (3, 20, 30)).astype(dtype)
    expected = ndimage.gaussian_filter(image.astype(float), (0, 1.3, 1.3))
    np.testing.assert_allclose(convolve(image, 1.3), expected, rtol=1e-6)
