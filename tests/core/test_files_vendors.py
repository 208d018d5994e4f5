"""TIFF files of Micro-Manager, Zeiss and MetaMorph: what they say is reconciled with what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.errors import QuietfieldError
from core.files import list_series, open_stack
from core.findings import kinds
from core.stack import Stack
from tests import vendors

SUMMARY: dict[str, Any] = {
    "Frames": 2, "Slices": 3, "Channels": 2, "Positions": 1, "SlicesFirst": True, "TimeFirst": False,
    "PixelSize_um": 0.5, "z-step_um": 2.0, "Interval_ms": 1500.0, "ChNames": ["GFP", "RFP"],
}  # fmt: skip


def numbered(number: int) -> np.ndarray[Any, Any]:
    return np.full((5, 6), number, np.uint16)


IMAGES = {(c, z, t, 0): numbered(100 * t + 10 * z + c) for t in range(2) for z in range(3) for c in range(2)}
INDICES = np.array([[[100 * t + 10 * z + c for z in range(3)] for c in range(2)] for t in range(2)])


def found(stack: Stack) -> list[tuple[Any, ...]]:
    """Kinds, values and limits of the findings, but those on further series."""
    listed = [(f.kind, f.value, f.limit) for f in stack.meta.findings]
    return [one for one in listed if one[0] != kinds.MORE_SERIES]


def test_micromanager(tmp_path: Path) -> None:
    stack = open_stack(vendors.micromanager(tmp_path / "a_MMStack.tif", IMAGES, SUMMARY))
    assert (stack.axes, stack.meta.format) == ("TCZYX", "Micro-Manager TIFF")
    np.testing.assert_array_equal(stack.read()[..., 0, 0], INDICES)
    assert stack.meta.spacing == {"X": 0.5, "Y": 0.5, "Z": 2.0, "T": 1.5}
    assert stack.meta.channel_names == ("GFP", "RFP")
    assert found(stack) == []


def test_micromanager_that_was_stopped_early(tmp_path: Path) -> None:
    stack = open_stack(vendors.micromanager(tmp_path / "a_MMStack.tif", IMAGES, SUMMARY | {"Frames": 5}))
    np.testing.assert_array_equal(stack.read()[..., 0, 0], INDICES)
    assert found(stack) == [(kinds.FEWER_PLANES, 12, 30)]


@pytest.mark.parametrize("frames", [10**9, 10**13])
def test_micromanager_that_planned_more_than_fits_anywhere(tmp_path: Path, frames: int) -> None:
    path = vendors.micromanager(tmp_path / "a_MMStack.tif", IMAGES, SUMMARY | {"Frames": frames})
    np.testing.assert_array_equal(open_stack(path).read()[..., 0, 0], INDICES)
    assert found(open_stack(path)) == [(kinds.FEWER_PLANES, 12, 6 * frames)]


def test_images_that_micromanager_skipped_are_missing(tmp_path: Path) -> None:
    some = {place: pixels for place, pixels in IMAGES.items() if place != (1, 1, 0, 0)}
    stack = open_stack(vendors.micromanager(tmp_path / "a_MMStack.tif", some, SUMMARY))
    assert found(stack) == [(kinds.PLANES_MISSING, 1, None)]
    missing = stack.missing
    assert missing is not None
    region = stack.region(T=0, C=1, Z=1)
    assert missing.read(region).all()
    assert missing.read(stack.region()).sum() == 30


def test_a_summary_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    path = vendors.micromanager(tmp_path / "a_MMStack.tif", IMAGES, SUMMARY | {"Frames": "many"})
    stack = open_stack(path)
    np.testing.assert_array_equal(stack.read().reshape(12, -1)[:, 0], [p[0, 0] for p in IMAGES.values()])
    assert [kind for kind, _, _ in found(stack)] == [kinds.DAMAGED]


@pytest.mark.parametrize("cut", [100, 300, 900])
def test_micromanager_that_was_cut_off(tmp_path: Path, cut: int) -> None:
    stack = open_stack(vendors.micromanager(tmp_path / "a_MMStack.tif", IMAGES, SUMMARY, cut=cut))
    assert stack.planes == (12 if cut < 900 else 9)
    assert found(stack) != []
    order = [p[0, 0] for p in IMAGES.values()]
    np.testing.assert_array_equal(stack.read().reshape(stack.planes, -1)[:, 0], order[: stack.planes])


# ------------------------------------------------------------------------------ LSM

PIXELS = (np.arange(18)[:, None, None] * np.ones((1, 8, 9))).reshape(2, 3, 3, 8, 9).astype(np.uint16)
SIZES = {"VoxelSizeX": 1e-7, "VoxelSizeY": 2e-7, "VoxelSizeZ": 5e-7, "TimeIntervall": 3.0}


@pytest.mark.parametrize(
    ("part", "axes"),
    [((slice(None),), "TCZYX"), ((slice(0, 1),), "CZYX"), ((slice(None), slice(0, 1), slice(0, 1)), "TYX")],
)
def test_lsm(tmp_path: Path, part: tuple[slice, ...], axes: str) -> None:
    pixels = PIXELS[part]
    stack = open_stack(vendors.lsm(tmp_path / "a.lsm", pixels, **SIZES))
    assert (stack.axes, stack.meta.format) == (axes, "Zeiss LSM")
    np.testing.assert_array_equal(stack.read(), np.moveaxis(pixels, 2, 1).reshape(stack.shape))
    known = {"X": 0.1, "Y": 0.2, "Z": 0.5, "T": 3.0}
    assert stack.meta.spacing == pytest.approx({axis: v for axis, v in known.items() if axis in axes})
    assert found(stack) == []
    assert list_series(tmp_path / "a.lsm")[0].shape == (
        stack.shape if axes == "TYX" else pixels.squeeze().shape
    )


@pytest.mark.parametrize(("claimed", "kind"), [(5, kinds.FEWER_PLANES), (2, kinds.COUNTS_DIFFER)])
def test_lsm_that_counts_other_planes(tmp_path: Path, claimed: int, kind: object) -> None:
    stack = open_stack(vendors.lsm(tmp_path / "a.lsm", PIXELS[:1], DimensionZ=claimed))
    assert stack.sizes == {"C": 3, "Z": 3, "Y": 8, "X": 9}
    np.testing.assert_array_equal(stack.read(), np.moveaxis(PIXELS[0], 1, 0))
    assert found(stack) == [(kind, 3, claimed)]


@pytest.mark.parametrize(
    "wrong", [{"DimensionZ": 10**9}, {"DimensionChannels": 4}, {"DimensionX": 4}, {"DimensionY": -8}]
)
def test_lsm_whose_pages_are_others_is_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(QuietfieldError, match=r"a\.lsm"):
        open_stack(vendors.lsm(tmp_path / "a.lsm", PIXELS[:1], **wrong))


# ------------------------------------------------------------------------------ STK


def test_stk_volume(tmp_path: Path) -> None:
    pixels = PIXELS.reshape(18, 8, 9)
    path = vendors.stk(tmp_path / "a.stk", pixels, distances=[0.3] * 18, calibration=0.065, unit="um")
    stack = open_stack(path)
    assert (stack.axes, stack.meta.format) == ("ZYX", "MetaMorph STK")
    np.testing.assert_array_equal(stack.read(), pixels)
    assert stack.meta.spacing == pytest.approx({"X": 0.065, "Y": 0.065, "Z": 0.3})
    assert found(stack) == []


def test_stk_time_lapse(tmp_path: Path) -> None:
    times = [36_000_000 + 500 * n for n in range(6)]
    stack = open_stack(
        vendors.stk(
            tmp_path / "a.stk", PIXELS.reshape(18, 8, 9)[:6], distances=[0.0] * 6, calibration=1.0,
            unit="pixel", times=times,
        )
    )  # fmt: skip
    assert stack.axes == "TYX"
    assert stack.meta.spacing == {"T": 0.5}


@pytest.mark.parametrize(("claimed", "cut", "whole"), [(20, 0, 18), (0, 300, 15), (40, 144, 17)])
def test_stk_that_holds_fewer_planes_than_it_claims(
    tmp_path: Path, claimed: int, cut: int, whole: int
) -> None:
    pixels = PIXELS.reshape(18, 8, 9)
    stack = open_stack(
        vendors.stk(
            tmp_path / "a.stk",
            pixels,
            distances=[0.3] * 18,
            calibration=0.065,
            unit="um",
            planes=claimed,
            cut=cut,
        )
    )
    np.testing.assert_array_equal(stack.read(), pixels[:whole])
    assert found(stack) == [(kinds.CUT_SHORT, whole, claimed or 18)]


@pytest.mark.parametrize(
    ("regions", "field"),
    [("false", {"X": 10.0, "Y": 10.0}), ("true", {})],  # several regions of interest lie in one image
)
def test_scanimage_gives_its_time_and_field_of_view(
    tmp_path: Path, regions: str, field: dict[str, float]
) -> None:
    # the Software tag of ScanImage 2019: two frames were averaged, and the field is 200 x 160 µm wide
    about = {
        "VERSION_MAJOR": "2019", "hRoiManager.scanFramePeriod": "0.0334", "hScan2D.logAverageFactor": "2",
        "hStackManager.stackZStepSize": "2.5", "hChannels.channelSave": "1",
        "hRoiManager.mroiEnable": regions,
        "hRoiManager.imagingFovUm": "[-100 -80;100 -80;100 80;-100 80]",
    }  # fmt: skip
    software = "".join(f"SI.{name} = {value}\n" for name, value in about.items())
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for number in range(4):
            writer.write(
                np.full((16, 20), number, np.int16), metadata=None, software=software, contiguous=False
            )
    stack = open_stack(path)
    assert stack.meta.format == "ScanImage TIFF"
    assert stack.meta.spacing == pytest.approx({"T": 0.0668, **field})
