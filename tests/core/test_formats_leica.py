"""LIF files of Leica: what is read of a real one, and what becomes of damaged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import list_series, open_series, open_stack
from core.findings import kinds
from core.psf.metadata import find_optics
from tests.data import DATA, needs_data

SWEEP = DATA / "vendor" / "wavelength_sweep.lif"
liffile = pytest.importorskip("liffile")


@needs_data
@pytest.mark.parametrize(
    ("series", "axes", "shape"),
    [(0, "CYX", (20, 64, 64)), (1, "CYX", (15, 64, 64)), (2, "TCZYX", (2, 10, 11, 64, 64))],
)
def test_images_are_series_and_wavelengths_are_channels(
    series: int, axes: str, shape: tuple[int, ...]
) -> None:
    stack = open_stack(SWEEP, series=series)
    assert (stack.axes, stack.shape, stack.dtype) == (axes, shape, np.uint8)
    # the library's own way to read the whole image at once
    np.testing.assert_array_equal(stack.read(), liffile.imread(SWEEP, series))


@needs_data
def test_spacing_wavelengths_and_optics_are_kept() -> None:
    listed = list_series(SWEEP)
    assert [s.name for s in listed] == ["x_y_lambdaEmi", "x_y_lambdaExc", "x_y_z_t_lambdaEmi"]
    whole = open_series(listed, 2).meta
    # DimensionDescription in the XML of the file: 5.002 µm in 11 planes, 80.91 s between 2 frames
    expected = {"X": 0.104814, "Y": 0.104814, "Z": 0.5002, "T": 80.91}
    assert whole.spacing == pytest.approx(expected, rel=1e-4)
    emitted, excited = open_series(listed, 0).meta, open_series(listed, 1).meta
    assert emitted.channel_names[:2] == ("550 nm", "560 nm")
    assert find_optics(emitted, 1)["emission"] == 560.0
    assert find_optics(excited, 1)["excitation"] == 495.0
    assert find_optics(emitted)["na"] == 1.3
    assert find_optics(emitted)["kind"] == "confocal"


@needs_data
@pytest.mark.parametrize(("part", "lost"), [(0.3, 197), (0.5, 141), (0.999, 1)])
def test_a_half_copied_file_opens_with_the_frames_it_has(tmp_path: Path, part: float, lost: int) -> None:
    whole = SWEEP.read_bytes()
    path = tmp_path / "half.lif"
    path.write_bytes(whole[: int(len(whole) * part)])
    stack = open_stack(path, series=2)
    assert [f.value for f in stack.meta.findings if f.kind == kinds.PLANES_MISSING] == [lost]
    assert stack.missing is not None
    missing = stack.missing.read(stack.region())
    assert missing.all((3, 4)).sum() == lost
    there = open_stack(SWEEP, series=2).read()
    np.testing.assert_array_equal(stack.read(), np.where(missing, 0, there))


@needs_data
@pytest.mark.parametrize("part", [0.0005, 0.02, 0.1])
def test_a_file_without_its_pixels_ends_in_a_sentence(tmp_path: Path, part: float) -> None:
    whole = SWEEP.read_bytes()
    path = tmp_path / "half.lif"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(QuietfieldError, match=r"half\.lif .*[Cc]opy"):
        open_stack(path)


def test_missing_companion_files_end_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.xlif"
    path.write_text(XLIF, encoding="utf-8")
    with pytest.raises(QuietfieldError, match=r"a\.xlif.*frame0\.tif"):
        open_stack(path)


XLIF = """<?xml version="1.0" encoding="UTF-8"?>
<LMSDataContainerHeader Version="2"><Element Name="a" UniqueID="x"><Data><Image>
<ImageDescription><Channels><ChannelDescription DataType="0" ChannelTag="0" Resolution="8"
NameOfMeasuredQuantity="" Min="0" Max="255" Unit="" LUTName="Gray" IsLUTInverted="0" BytesInc="0" BitInc="0"/>
</Channels><Dimensions><DimensionDescription DimID="1" NumberOfElements="8" Origin="0" Length="7e-6" Unit="m"
BitInc="0" BytesInc="1"/><DimensionDescription DimID="2" NumberOfElements="4" Origin="0" Length="3e-6"
Unit="m" BitInc="0" BytesInc="8"/></Dimensions></ImageDescription></Image></Data>
<Memory Size="32" MemoryBlockID="M_0"><Frame File="frame0.tif" UUID="y" Offset="0" Size="32"/></Memory>
</Element></LMSDataContainerHeader>"""


def test_images_in_companion_files_are_read(tmp_path: Path) -> None:
    import tifffile

    pixels = np.arange(32, dtype=np.uint8).reshape(4, 8)
    tifffile.imwrite(tmp_path / "frame0.tif", pixels)
    path = tmp_path / "a.xlif"
    path.write_text(XLIF, encoding="utf-8")
    stack = open_stack(path)
    np.testing.assert_array_equal(stack.read(), pixels)
    assert stack.meta.spacing == pytest.approx({"X": 1.0, "Y": 1.0})


def test_a_stage_that_moved_down_has_a_positive_step(tmp_path: Path) -> None:
    import tifffile

    planes = np.arange(64, dtype=np.uint8).reshape(2, 4, 8)
    for number, plane in enumerate(planes):
        tifffile.imwrite(tmp_path / f"frame{number}.tif", plane)
    depth = (
        '<DimensionDescription DimID="3" NumberOfElements="2" Origin="4e-6" Length="-5e-7" Unit="m" '
        'BitInc="0" BytesInc="32"/></Dimensions>'
    )
    second = '<Frame File="frame1.tif" UUID="z" Offset="32" Size="32"/></Memory>'
    text = XLIF.replace("</Dimensions>", depth).replace("</Memory>", second).replace('="32" Mem', '="64" Mem')
    (tmp_path / "a.xlif").write_text(text, encoding="utf-8")
    stack = open_stack(tmp_path / "a.xlif")
    np.testing.assert_array_equal(stack.read(), planes)
    assert stack.meta.spacing == pytest.approx({"X": 1.0, "Y": 1.0, "Z": 0.5})
