"""A cropped stack equals the numpy slice, and is read on demand."""

from __future__ import annotations

import numpy as np

from core.stack import Stack


def test_a_crop_of_a_crop_is_numpys_slice_of_a_slice() -> None:
    pixels = np.arange(4 * 9 * 8, dtype=np.uint16).reshape(4, 9, 8)
    whole = Stack.of(pixels, "TYX", name="counted", spacing={"X": 0.1})
    outer = whole.crop(whole.region(T=slice(1, 4), Y=slice(2, 9)))
    inner = outer.crop(outer.region(T=slice(1, 2), Y=slice(1, 3), X=slice(3, 7)))
    assert (outer.shape, inner.shape) == ((3, 7, 8), (1, 2, 4))
    assert inner.meta == whole.meta
    np.testing.assert_array_equal(outer.read(), pixels[1:4, 2:9])
    np.testing.assert_array_equal(inner.read(), pixels[2:3, 3:5, 3:7])
    np.testing.assert_array_equal(inner.plane(), pixels[2, 3:5, 3:7])
