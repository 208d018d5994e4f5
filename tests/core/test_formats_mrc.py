"""MRC files, written by the library mrcfile."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import open_stack
from core.findings import kinds

mrcfile = pytest.importorskip("mrcfile")

NUMBERS = [*range(24), 27, 38, 39, 49, 50, 51, 54, 55]
"""Words of the header that are numbers."""

VOLUME = np.random.default_rng(0).normal(0, 1, (5, 20, 30)).astype(np.float32)


def written(path: Path, pixels: np.ndarray[Any, Any], *, stack: bool = False) -> Path:
    with mrcfile.new(path) as file:
        file.set_data(pixels)
        file.voxel_size = (10.8, 10.8, 21.6)
        if stack:
            file.set_image_stack()
        elif pixels.ndim == 3:
            file.set_volume()
    return path


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32", "float16"])
def test_a_volume_has_depth_and_spacing(tmp_path: Path, dtype: str) -> None:
    pixels = (VOLUME * 10).astype(dtype)
    stack = open_stack(written(tmp_path / "a.mrc", pixels))
    assert (stack.axes, stack.shape, stack.dtype.name) == ("ZYX", VOLUME.shape, dtype)
    np.testing.assert_array_equal(stack.read(), pixels)
    assert stack.meta.spacing == pytest.approx({"Z": 0.00216, "Y": 0.00108, "X": 0.00108})
    assert stack.meta.axes_certain


def test_an_image_stack_asks_for_its_axis(tmp_path: Path) -> None:
    stack = open_stack(written(tmp_path / "a.mrcs", VOLUME, stack=True))
    assert stack.axes == "TYX"
    assert not stack.meta.axes_certain
    np.testing.assert_array_equal(stack.read(), VOLUME)


def test_a_file_is_known_by_what_it_holds(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mrc", VOLUME[0])
    moved = path.rename(tmp_path / "a.bin")
    np.testing.assert_array_equal(open_stack(moved).read(), VOLUME[0])


@pytest.mark.parametrize("planes", [1, 3])
def test_a_half_copied_file_opens_with_the_planes_it_has(tmp_path: Path, planes: int) -> None:
    path = written(tmp_path / "a.mrc", VOLUME)
    whole = path.read_bytes()
    path.write_bytes(whole[: 1024 + planes * 20 * 30 * 4 + 7])
    stack = open_stack(path)
    np.testing.assert_array_equal(stack.read(), VOLUME[:planes].reshape(stack.shape))
    found = [f for f in stack.meta.findings if f.kind == kinds.CUT_SHORT]
    assert [(f.value, f.limit) for f in found] == [(planes, 5)]


@pytest.mark.parametrize("length", [300, 1023, 1024, 3000])
def test_a_file_without_a_plane_ends_in_a_sentence(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "a.mrc", VOLUME)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(QuietfieldError, match=r"a\.mrc"):
        open_stack(path)


def test_complex_pixels_end_in_a_sentence(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mrc", VOLUME.astype(np.complex64))
    with pytest.raises(QuietfieldError, match="Save real numbers"):
        open_stack(path)


@pytest.mark.parametrize(("flags", "dtype"), [(0, "uint8"), (1, "int8")])
@pytest.mark.parametrize("order", ["<", ">"])
def test_bytes_of_imod_have_the_sign_that_its_flags_say(
    tmp_path: Path, flags: int, dtype: str, order: str
) -> None:
    pixels = np.arange(5 * 6 * 8, dtype=np.uint8).reshape(5, 6, 8)
    path = written(tmp_path / "a.mrc", pixels.view(np.int8))
    whole = bytearray(path.read_bytes())
    if order == ">":  # all numbers of the header but texts; the pixels are bytes
        words = np.frombuffer(whole, "<i4", 256).copy()
        words[NUMBERS] = words[NUMBERS].byteswap()
        whole[:1024] = words.tobytes()
        whole[212:216] = b"\x11\x11\0\0"
    struct.pack_into(f"{order}2i", whole, 152, 1146047817, flags)
    path.write_bytes(whole)
    stack = open_stack(path)
    assert stack.dtype == dtype
    np.testing.assert_array_equal(stack.read(), pixels.view(dtype))


def test_the_spacing_follows_the_order_of_the_axes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mrc", VOLUME)
    with mrcfile.open(path, mode="r+") as file:
        file.voxel_size = (1, 2, 3)
        file.header.mapc, file.header.mapr, file.header.maps = 3, 2, 1
    assert open_stack(path).meta.spacing == pytest.approx({"X": 3e-4, "Y": 2e-4, "Z": 1e-4})
