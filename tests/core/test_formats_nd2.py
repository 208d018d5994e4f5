"""ND2 files of Nikon: what is read of real ones, and what becomes of damaged ones."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.errors import QuietfieldError
from core.files import list_series, open_stack
from core.findings import kinds
from core.psf.metadata import find_optics
from tests.data import DATA, needs_data

VENDOR = DATA / "vendor"
nd2 = pytest.importorskip("nd2")


@needs_data
@pytest.mark.parametrize(
    ("name", "axes", "shape", "pixel", "channels"),
    [
        ("cerevisiae", "CYX", (2, 256, 256), 0.10833, ("DIC", "FITC BP")),
        ("multichannel", "CYX", (4, 256, 256), 0.32339, ("Mono", "DAPI", "FITC BP", "TRITC BP")),
        ("timelapse", "TYX", (53, 64, 64), 0.325, ("GFP 488 nm",)),
    ],
)
def test_a_real_file_has_its_axes_pixels_and_names(
    name: str, axes: str, shape: tuple[int, ...], pixel: float, channels: tuple[str, ...]
) -> None:
    path = VENDOR / f"{name}.nd2"
    stack = open_stack(path)
    assert (stack.axes, stack.shape, stack.dtype) == (axes, shape, np.uint16)
    assert stack.meta.spacing["X"] == pytest.approx(pixel, rel=1e-4)
    assert stack.meta.spacing["Y"] == pytest.approx(pixel, rel=1e-4)
    assert stack.meta.channel_names == channels
    assert stack.meta.axes_certain
    assert not stack.meta.findings
    # the library's own way to read all pixels at once, which maps the file into memory
    np.testing.assert_array_equal(stack.read(), nd2.imread(path))
    crop = stack.region(Y=slice(10, 20), X=slice(5, 9), **{axes[0]: slice(1, 2)})
    np.testing.assert_array_equal(stack.read(crop), nd2.imread(path)[1:2, 10:20, 5:9])


@needs_data
def test_interval_and_optics_are_kept() -> None:
    stack = open_stack(VENDOR / "timelapse.nd2")
    assert stack.meta.spacing["T"] == pytest.approx(0.50016)  # recorded mean: 500.16 ms
    optics = find_optics(stack.meta)
    assert optics["na"] == 0.95
    assert optics["emission"] == 512.0
    assert optics["kind"] == "widefield"
    assert stack.meta.luts[0][:, -1].tolist() == [7, 255, 0]


@needs_data
def test_the_file_is_closed_when_nothing_reads_it_any_more() -> None:
    def held() -> bool:
        return any(Path(one.path).name == "timelapse.nd2" for one in psutil.Process().open_files())

    stack = open_stack(VENDOR / "timelapse.nd2")
    assert held()
    stack.plane()
    del stack
    gc.collect()
    assert not held()


@needs_data
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.97, 0.9999])
def test_a_half_copied_file_ends_in_a_sentence(tmp_path: Path, part: float) -> None:
    whole = (VENDOR / "timelapse.nd2").read_bytes()
    path = tmp_path / "half.nd2"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(QuietfieldError, match=r"half\.nd2 .*cut off"):
        open_stack(path)


@needs_data
def test_frames_that_the_file_lacks_are_missing(tmp_path: Path) -> None:
    # an acquisition that was stopped: the list of contents does not name some frames
    whole = bytearray((VENDOR / "timelapse.nd2").read_bytes())
    start = whole.rfind(b"ND2 FILEMAP SIGNATURE")
    for frame in (7, 52):
        place = whole.find(f"ImageDataSeq|{frame}!".encode(), start)
        whole[place : place + 12] = b"UnknownData|"
    path = tmp_path / "stopped.nd2"
    path.write_bytes(whole)
    stack = open_stack(path)
    assert [f.value for f in stack.meta.findings if f.kind == kinds.PLANES_MISSING] == [2]
    assert stack.missing is not None
    lost = stack.missing.read(stack.region())
    assert np.flatnonzero(lost.all((1, 2))).tolist() == [7, 52]
    assert not stack.plane(T=7).any()
    np.testing.assert_array_equal(stack.plane(T=8), open_stack(VENDOR / "timelapse.nd2").plane(T=8))


@needs_data
def test_a_file_that_shrinks_while_it_is_open_ends_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "shrinks.nd2"
    path.write_bytes((VENDOR / "timelapse.nd2").read_bytes())
    stack = open_stack(path)
    with path.open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(QuietfieldError, match=r"shrinks\.nd2"):
        stack.read()


@needs_data
def test_without_the_library_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nd2", None)  # as if it were not installed
    with pytest.raises(QuietfieldError, match=r'pip install "quietfield\[nd2\]"'):
        list_series(VENDOR / "timelapse.nd2")
