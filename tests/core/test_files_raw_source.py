"""Pixels read from a file that may shrink or vanish while it is open."""

from __future__ import annotations

import gc
import os
import sys
import threading

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import QuietfieldError
from core.files import open_stack, raw_source
from core.files.raw_source import RawSource


@st.composite
def arrays_and_regions(draw):
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    region = []
    for size in shape:
        start = draw(st.integers(0, size))
        region.append(slice(start, draw(st.integers(start, size))))
    kind = draw(st.sampled_from(["<u2", ">u2", "u1", ">f4", "<f8"]))
    return shape, tuple(region), kind


@settings(max_examples=150, deadline=None)
@given(
    arrays_and_regions(), st.integers(0, 9), st.sampled_from([0, 8, 2**16]), st.sampled_from([0, 16, 2**26])
)
def test_any_region_is_what_numpy_cuts_out(tmp_path_factory, found, offset, least, most):
    shape, region, kind = found
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    path = tmp_path_factory.mktemp("raw") / "pixels.bin"
    path.write_bytes(b"x" * offset + array.tobytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_source, "LEAST_BYTES", least)
        patch.setattr(raw_source, "MOST_BYTES", most)
        pixels = RawSource(path, np.dtype(kind), offset, shape).read(region)
    assert pixels.dtype == np.dtype(kind).newbyteorder("=")
    np.testing.assert_array_equal(pixels, array[region])


def test_without_preadv_threads_take_turns(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "preadv", raising=False)
    array = np.arange(40 * 64 * 64, dtype=np.uint16).reshape(40, 64, 64)
    (tmp_path / "pixels.bin").write_bytes(array.tobytes())
    source = RawSource(tmp_path / "pixels.bin", array.dtype, 0, array.shape)
    wrong: list[int] = []

    def read(plane):
        if not np.array_equal(
            source.read((slice(plane, plane + 1), slice(3, 60), slice(1, 9))), array[plane, 3:60, 1:9][None]
        ):
            wrong.append(plane)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut an open file")
def test_a_file_cut_off_while_it_is_open_is_an_error_and_not_the_end(tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.ones((50, 64, 64), np.uint16), imagej=True, metadata={"axes": "TYX"})
    stack = open_stack(path)
    os.truncate(path, 100_000)
    assert stack.plane(T=3).min() == 1
    with pytest.raises(QuietfieldError, match=r"stack\.tif has become shorter since it was opened"):
        stack.plane(T=40)
    with pytest.raises(QuietfieldError, match="shorter"):
        stack.read()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody delete an open file")
def test_a_file_deleted_while_it_is_open_can_still_be_read(tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.ones((5, 64, 64), np.uint16), imagej=True, metadata={"axes": "TYX"})
    stack = open_stack(path)
    path.unlink()
    assert stack.read().min() == 1


def test_a_disk_that_goes_away_is_named(tmp_path, monkeypatch):
    (tmp_path / "pixels.bin").write_bytes(bytes(100))
    source = RawSource(tmp_path / "pixels.bin", np.dtype("u1"), 0, (10, 10))

    def gone(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", gone, raising=False)
    with pytest.raises(QuietfieldError, match=r"pixels\.bin can no longer be read \(Input/output error\)"):
        source.read((slice(0, 10), slice(0, 10)))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are only listed by Linux")  # noqa: PTH112
def test_the_file_is_closed_with_the_stack(tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.ones((5, 64, 64), np.uint16), imagej=True, metadata={"axes": "TYX"})

    def handles():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = handles()
    stacks = [open_stack(path) for _ in range(10)]
    assert handles() == before + 10
    del stacks
    assert handles() == before
