"""Cameras, look-up tables and colours: parts of the viewer that need no window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.shell.view_state import LUTS
from app.viewer import luts
from app.viewer.camera import MAX_SCALE, Camera, fitted
from app.viewer.rendering import Layer, blend, colours

GRAYS = luts.pack(luts.table("Grays"))
places = st.floats(0, 500)


def _gray(layer: Layer) -> NDArray[np.uint8]:
    whole = slice(None)
    return (colours(layer, whole, whole) & 0xFF).astype(np.uint8)


@given(places, places, st.floats(0.1, 20), places, places, st.floats(0.3, 3))
def test_zoom_keeps_what_lies_under_the_pointer(
    x: float, y: float, scale: float, px: float, py: float, factor: float
) -> None:
    camera = Camera(x, y, scale)
    size = (640.0, 480.0)
    zoomed = camera.zoomed(factor, px, py, *size, (10**6, 10**6))
    if zoomed.within((10**6, 10**6)) == zoomed and min(zoomed.x, zoomed.y) > 0:
        assert zoomed.to_plane(px, py, *size) == pytest.approx(camera.to_plane(px, py, *size), abs=1e-6)
    assert camera.to_canvas(*camera.to_plane(px, py, *size), *size) == pytest.approx((px, py), abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (300, 400), (8192, 8192)])
def test_fitting_shows_all_and_views_are_never_empty(shape: tuple[int, int]) -> None:
    camera = fitted(shape, 640, 480)
    view = camera.visible(640, 480, shape)
    assert (view.top, view.left, view.bottom, view.right) == (0, 0, *shape)
    assert camera.scale <= MAX_SCALE
    for moved in (camera.panned(1e6, -1e6, shape), camera.zoomed(1e9, 0, 0, 640, 480, shape)):
        view = moved.visible(640, 480, shape)
        assert 0 <= view.top < view.bottom <= shape[0]
        assert 0 <= view.left < view.right <= shape[1]


def test_panning_moves_the_picture_with_the_pointer() -> None:
    before, after = Camera(50, 50, 2.0), Camera(50, 50, 2.0).panned(10, -6, (100, 100))
    x, y = before.to_canvas(20, 30, 200, 200)
    assert after.to_canvas(20, 30, 200, 200) == (x + 10, y - 6)


def test_tables_are_well_formed() -> None:
    for name in (*LUTS, "difference"):
        table = luts.table(name)
        assert table.shape == (256, 3)
        assert table.dtype == np.uint8
    assert len({luts.table(n).tobytes() for n in LUTS}) == len(LUTS)


def test_tables_have_their_published_colours() -> None:
    assert luts.table("Grays")[[0, 128, 255]].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    assert luts.table("Fire")[[0, 8, 16, 128]].tolist() == [[0, 0, 0], [0, 0, 61], [1, 0, 96], [240, 79, 0]]
    assert luts.table("Ice")[[0, 64, 255]].tolist() == [[0, 156, 140], [50, 171, 234], [230, 0, 27]]
    hilo = luts.table("HiLo")
    assert hilo[[0, 1, 254, 255]].tolist() == [[0, 0, 255], [1] * 3, [254] * 3, [255, 0, 0]]


@pytest.mark.parametrize("name", ["viridis", "magma"])
def test_maps_agree_with_the_ones_pyqtgraph_ships(name: str) -> None:
    from pyqtgraph import colormap

    published = colormap.get(name).getLookupTable(nPts=256).astype(int)
    assert np.abs(luts.table(name).astype(int) - published).max() <= 2


def test_a_difference_grows_lighter_from_end_to_end() -> None:
    table = luts.table("difference").astype(float)
    lightness = table @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) >= -0.01).all()
    assert np.ptp(table[127]) <= 3  # no change is grey


def test_a_table_from_a_file() -> None:
    lut = np.arange(768).reshape(3, 256).astype(np.uint8)
    assert luts.pack(luts.from_file(lut))[1] == 0xFF000000 | (1 << 16) | (1 << 8) | 1


@pytest.mark.parametrize("dtype", ["u1", "u2", "i1", "i2", "u4", "i4", "f4", "f8"])
def test_every_type_gets_the_same_shades(dtype: str) -> None:
    low = -100 if np.dtype(dtype).kind != "u" else 20
    values = np.linspace(low, 120, 60).round().reshape(6, 10).astype(dtype)
    expected = np.clip((values.astype(float) - 0) * 256 / 100, 0, 255).astype(np.uint8)
    assert _gray(Layer(pixels=values, levels=(0, 100), table=GRAYS)).tolist() == expected.tolist()


def test_what_is_no_number_is_shown_as_the_lowest() -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 3e38, -3e38, 50]], np.float32)
    assert _gray(Layer(pixels=values, levels=(0, 100), table=GRAYS)).tolist() == [[0, 255, 0, 255, 0, 128]]


def test_equal_levels_make_a_step() -> None:
    for dtype in ("u2", "f4"):
        values = np.array([[6, 7, 8]], dtype)
        assert _gray(Layer(pixels=values, levels=(7, 7), table=GRAYS)).tolist() == [[0, 0, 255]]


def test_a_difference_is_centred_on_its_levels() -> None:
    raw = np.array([[10, 20, 30]], np.uint16)
    result = np.array([[10, 10, 50]], np.float32)
    layer = Layer(pixels=result, minus=raw, levels=(-20, 20), table=GRAYS)
    assert _gray(layer).tolist() == [[128, 64, 255]]


def test_parts_and_steps_are_taken_from_the_plane() -> None:
    values = np.arange(100, dtype=np.uint8).reshape(10, 10)
    layer = Layer(pixels=values, levels=(0, 256), table=GRAYS)
    part = colours(layer, slice(2, 8, 3), slice(1, 9, 2)) & 0xFF
    assert part.tolist() == values[2:8:3, 1:9:2].tolist()
    assert part.flags.c_contiguous


def test_a_mixture_lies_between_its_parts_and_needs_numbers() -> None:
    pixels = np.array([[10.0, 20.0, 30.0, 40.0]], np.float32)
    below = np.array([[0.0, np.nan, np.inf, 80.0]], np.float32)
    np.testing.assert_array_equal(blend(pixels, below, 0.25), [[2.5, 20, 30, 70]])
    table = luts.pack(luts.table("Grays"))
    layer = Layer(pixels=pixels, levels=(0.0, 256.0), table=table, below=below, share=0.25)
    np.testing.assert_array_equal(_gray(layer), [[2, 20, 30, 70]])
