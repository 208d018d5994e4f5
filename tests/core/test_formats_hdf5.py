"""HDF5 and Imaris files, written by the library h5py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import list_series, open_stack
from core.findings import format_kinds, kinds
from core.psf.metadata import find_optics

h5py = pytest.importorskip("h5py")

PIXELS = np.random.default_rng(0).integers(0, 4000, (2, 2, 3, 20, 30)).astype(np.uint16)


def characters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), "S1")


def imaris(path: Path) -> Path:
    """Write a file as the description of the Imaris 5.5 format says, padded to chunks, at two resolutions."""
    with h5py.File(path, "w") as file:
        for t in range(2):
            for c in range(2):
                group = file.create_group(f"DataSet/ResolutionLevel 0/TimePoint {t}/Channel {c}")
                for axis, size in zip("ZYX", PIXELS.shape[2:], strict=True):
                    group.attrs[f"ImageSize{axis}"] = characters(str(size))
                padded = np.zeros((4, 32, 32), np.uint16)
                padded[:3, :20, :30] = PIXELS[t, c]
                group.create_dataset("Data", data=padded, chunks=(2, 16, 16), compression="gzip")
        file.create_group("DataSet/ResolutionLevel 1")
        about = file.create_group("DataSetInfo/Image").attrs
        extents = {"Min0": 0, "Max0": 3, "Min1": 0, "Max1": 4, "Min2": -1, "Max2": 0.5}
        for name, value in extents.items():
            about[f"Ext{name}"] = characters(str(value))
        about["Unit"] = characters("um")
        about["NumericalAperture"] = characters("1.4")
        for c, name in enumerate(("DAPI", "GFP")):
            channel = file.create_group(f"DataSetInfo/Channel {c}").attrs
            channel["Name"] = characters(name)
            channel["Color"] = characters("0.000 1.000 0.500")
            channel["LSMEmissionWavelength"] = characters(str(461 + 50 * c))
    return path


def test_an_imaris_file_has_its_axes_voxels_and_channels(tmp_path: Path) -> None:
    stack = open_stack(imaris(tmp_path / "a.ims"))
    assert (stack.axes, stack.shape, stack.dtype) == ("TCZYX", PIXELS.shape, np.uint16)
    np.testing.assert_array_equal(stack.read(), PIXELS)
    crop = stack.region(T=1, C=slice(0, 2), Y=slice(3, 9), X=slice(25, 30))
    np.testing.assert_array_equal(stack.read(crop), PIXELS[crop])
    assert stack.meta.spacing == pytest.approx({"X": 0.1, "Y": 0.2, "Z": 0.5})
    assert stack.meta.channel_names == ("DAPI", "GFP")
    assert stack.meta.luts[0][:, -1].tolist() == [0, 255, 128]
    assert find_optics(stack.meta, 1)["emission"] == 511.0
    assert find_optics(stack.meta)["na"] == 1.4
    assert [f.value for f in stack.meta.findings if f.kind == kinds.MORE_RESOLUTIONS] == [2]


def test_datasets_are_series_that_ask_for_their_axes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw/cells"] = PIXELS[0, 0]
        file["raw/cells"].attrs["note"] = "x"
        file["named"] = PIXELS[0, 0]
        for dim, label in zip(file["named"].dims, "zyx", strict=True):
            dim.label = label
        file["times"] = np.arange(5.0)
        file["name"] = "not an image"
    listed = list_series(tmp_path / "a.h5")
    assert [s.name for s in listed] == ["named", "raw/cells"]
    named, unknown = (open_stack(tmp_path / "a.h5", series=k) for k in (0, 1))
    assert (named.axes, named.meta.axes_certain) == ("ZYX", True)
    assert not unknown.meta.axes_certain
    np.testing.assert_array_equal(unknown.read(), PIXELS[0, 0])


@pytest.mark.parametrize("part", [0.01, 0.3, 0.9])
def test_a_half_copied_file_ends_in_a_sentence(tmp_path: Path, part: float) -> None:
    path = imaris(tmp_path / "a.ims")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(QuietfieldError, match=r"a\.ims"):
        open_stack(path)


def test_a_file_without_images_ends_in_a_sentence(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["times"] = np.arange(5.0)
    with pytest.raises(QuietfieldError, match="holds no dataset with rows and columns"):
        open_stack(tmp_path / "a.h5")


def test_chunks_that_were_never_written_count_as_not_recorded(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stopped = file.create_dataset("x", (5, 30, 40), "u2", chunks=(2, 16, 40), fillvalue=7)
        stopped[:2] = 100
    stack = open_stack(tmp_path / "a.h5")
    found = [f for f in stack.meta.findings if f.kind == format_kinds.CHUNKS_MISSING]
    assert [(f.value, f.details) for f in found] == [(4, {"total": 6, "fill": "7"})]
    assert stack.missing is not None
    lost = stack.missing.read(stack.region())
    assert lost.all((1, 2)).tolist() == [False, False, True, True, True]
    assert not lost[:2].any()
    np.testing.assert_array_equal(stack.read(), np.where(lost, 7, 100))


def test_an_imaris_file_that_lacks_a_time_point_counts_it_as_not_recorded(tmp_path: Path) -> None:
    path = imaris(tmp_path / "a.ims")
    with h5py.File(path, "r+") as file:
        group = file["DataSet/ResolutionLevel 0/TimePoint 1/Channel 0"]
        del group["Data"]
        group.create_dataset("Data", (4, 32, 32), np.uint16, chunks=(2, 16, 16), compression="gzip")
    stack = open_stack(path)
    assert stack.missing is not None
    lost = stack.missing.read(stack.region())
    assert lost.all((2, 3, 4)).tolist() == [[False, False], [True, False]]
    np.testing.assert_array_equal(stack.read(), np.where(lost, 0, PIXELS))


def test_a_virtual_dataset_needs_the_files_that_hold_its_pixels(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["x"] = PIXELS[0, 0]
    layout = h5py.VirtualLayout((3, 20, 30), "u2")
    layout[:] = h5py.VirtualSource("part.h5", "x", (3, 20, 30))
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    stack = open_stack(tmp_path / "whole.h5")
    np.testing.assert_array_equal(stack.read(), PIXELS[0, 0])
    assert stack.missing is None
    (tmp_path / "part.h5").unlink()
    with pytest.raises(QuietfieldError, match=r"part\.h5, which is missing"):
        open_stack(tmp_path / "whole.h5")
