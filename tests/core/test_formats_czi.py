"""CZI files of Zeiss: what is read of real ones, and what becomes of damaged ones."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import list_series, open_series, open_stack
from core.findings import format_kinds, kinds
from core.psf.metadata import find_optics
from tests.data import DATA, needs_data

VENDOR = DATA / "vendor"
pytest.importorskip("czifile")


@needs_data
@pytest.mark.parametrize(
    ("name", "series", "axes", "shape", "dtype", "mean"),
    [
        ("compressed", 0, "YX", (512, 512), "uint16", 148.56162643432617),
        ("sem_fov", 0, "YX", (512, 512), "uint8", 12.269229888916016),
        ("tzcyx_zstd", 0, "TZYX", (3, 6, 200, 300), "uint16", 300.3061666666667),
        ("two_images_zyx", 0, "ZYX", (2, 251, 251), "uint16", 13716.464056126093),
        ("two_images_zyx", 1, "ZYX", (2, 251, 251), "uint16", 12475.748146854812),
        ("three_scenes_mosaic", 0, "YX", (122, 295), "uint16", 1124.4929702695192),
        ("three_scenes_mosaic", 1, "YX", (64, 64), "uint16", 952.828857421875),
        ("three_scenes_mosaic", 2, "YX", (237, 352), "uint16", 760.7936205408515),
        ("airyscan", 0, "CYX", (8, 36, 38), "uint16", 0.21271929824561403),
        ("airyscan", 2, "CYX", (4, 36, 38), "uint16", 0.2675438596491228),
    ],
)
def test_a_real_file_has_its_axes_and_pixels(
    name: str, series: int, axes: str, shape: tuple[int, ...], dtype: str, mean: float
) -> None:
    # mean of the first plane as pylibCZIrw 6.1.0 reads it: open_czi(path).read(plane=..., scene=series)
    stack = open_stack(VENDOR / f"{name}.czi", series=series)
    assert (stack.axes, stack.shape, stack.dtype.name) == (axes, shape, dtype)
    assert stack.plane().mean() == pytest.approx(mean, rel=1e-12)
    assert stack.meta.axes_certain


@needs_data
def test_spacing_names_and_optics_are_kept() -> None:
    meta = open_stack(VENDOR / "tzcyx_zstd.czi").meta
    # Scaling, Offsets "0 60.075 120.151" and the objective in the XML of the file
    expected = {"X": 0.0905767, "Y": 0.0905767, "Z": 0.32, "T": 60.0755}
    assert meta.spacing == pytest.approx(expected, rel=1e-5)
    assert meta.channel_names == ("LED555",)
    optics = find_optics(meta)
    assert (optics["na"], optics["n"], optics["emission"]) == (1.2, 1.33, 568.0)
    assert (optics["excitation"], optics["kind"]) == (553.0, "widefield")
    assert meta.luts[0][:, -1].tolist() == [0xFF, 0x7E, 0]


@needs_data
def test_scenes_and_phases_are_series() -> None:
    assert [s.name for s in list_series(VENDOR / "two_images_zyx.czi")] == ["scene 1", "scene 2"]
    names = [s.name for s in list_series(VENDOR / "three_scenes_mosaic.czi")]
    assert names == ["scene 1 TR1", "scene 2 P1", "scene 3 TR2"]
    phases = list_series(VENDOR / "airyscan.czi")
    assert len(phases) == 32
    assert phases[31].name == "phase 32"


@needs_data
def test_the_tiles_of_a_mosaic_are_put_together_and_the_rest_is_missing() -> None:
    listed = list_series(VENDOR / "three_scenes_mosaic.czi")
    stack = open_series(listed, 0)
    assert [f.value for f in stack.meta.findings if f.kind == format_kinds.MOSAIC_JOINED] == [10]
    single = open_series(listed, 1)
    assert not [f for f in single.meta.findings if f.kind == format_kinds.MOSAIC_JOINED]
    whole = stack.read()
    part = stack.read(stack.region(Y=slice(40, 90), X=slice(50, 131)))
    np.testing.assert_array_equal(part, whole[40:90, 50:131])
    lost = np.zeros(stack.shape, bool) if stack.missing is None else stack.missing.read(stack.region())
    assert not whole[lost].any()


@needs_data
@pytest.mark.parametrize("name", ["tzcyx_zstd", "three_scenes_mosaic", "airyscan"])
@pytest.mark.parametrize("part", [0.0005, 0.1, 0.5, 0.9])
def test_a_half_copied_file_opens_with_what_it_has_or_ends_in_a_sentence(
    tmp_path: Path, name: str, part: float
) -> None:
    # ZEN writes the list of contents at the end, other programs at the beginning
    whole = (VENDOR / f"{name}.czi").read_bytes()
    path = tmp_path / "half.czi"
    path.write_bytes(whole[: int(len(whole) * part)])
    if part < (0.9 if name == "three_scenes_mosaic" else 0.5):  # before the first block
        with pytest.raises(QuietfieldError, match=r"half\.czi .*cut off"):
            open_stack(path)
        return
    there, stack = open_stack(VENDOR / f"{name}.czi"), open_stack(path)
    assert stack.shape == there.shape
    lost = np.zeros(stack.shape, bool) if stack.missing is None else stack.missing.read(stack.region())
    was_lost = 0 if there.missing is None else there.missing.read(there.region()).sum()
    assert part >= 0.9 or lost.sum() > was_lost
    np.testing.assert_array_equal(stack.read(), np.where(lost, 0, there.read()))
    if name == "tzcyx_zstd":
        assert [f.value for f in stack.meta.findings if f.kind == kinds.PLANES_MISSING]


@needs_data
def test_an_unknown_compression_ends_in_a_sentence(tmp_path: Path) -> None:
    whole = bytearray((VENDOR / "compressed.czi").read_bytes())
    for place in _entries(whole):
        whole[place + 18 : place + 22] = struct.pack("<i", 77)
    path = tmp_path / "newer.czi"
    path.write_bytes(whole)
    with pytest.raises(QuietfieldError, match="compression 77 is not known"):
        open_stack(path)


@needs_data
def test_blocks_at_lower_resolution_are_left_out(tmp_path: Path) -> None:
    whole = bytearray((VENDOR / "two_images_zyx.czi").read_bytes())
    places = _directory(whole)
    for place in places[-2:]:
        whole[place + 22] = 1
    path = tmp_path / "pyramid.czi"
    path.write_bytes(whole)
    stack = open_stack(path)
    assert [f.value for f in stack.meta.findings if f.kind == format_kinds.REDUCED_LEFT_OUT] == [2]


@needs_data
def test_planes_in_another_file_are_missing(tmp_path: Path) -> None:
    whole = bytearray((VENDOR / "tzcyx_zstd.czi").read_bytes())
    place = _directory(whole)[-1]
    whole[place + 14 : place + 18] = struct.pack("<i", 1)
    path = tmp_path / "first.czi"
    path.write_bytes(whole)
    stack = open_stack(path)
    found = {f.kind.code: f.value for f in stack.meta.findings}
    assert found == {format_kinds.BLOCKS_ELSEWHERE.code: 1, kinds.PLANES_MISSING.code: 1}
    assert stack.missing is not None
    assert stack.missing.read(stack.region()).all((2, 3)).sum() == 1


def _entries(whole: bytearray) -> list[int]:
    """Return the places of all directory entries: each begins with DV and a type of pixels."""
    places, at = [], whole.find(b"DV")
    while at >= 0 and at + 32 <= len(whole):
        kind, dimensions = (struct.unpack_from("<i", whole, at + n)[0] for n in (2, 28))
        if kind in (0, 1) and 0 < dimensions < 12:
            places.append(at)
        at = whole.find(b"DV", at + 1)
    return places


def _directory(whole: bytearray) -> list[int]:
    """Return the places of the entries in the directory of a file, without the copies at each block."""
    start = struct.unpack_from("<q", whole, 84)[0]
    count = struct.unpack_from("<i", whole, start + 32)[0]
    return [place for place in _entries(whole) if place >= start + 32 + 128][:count]
