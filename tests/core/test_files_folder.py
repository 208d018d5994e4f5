"""Folders and lists of files as one stack, and reading from several threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from core.errors import QuietfieldError
from core.files import list_series, open_stack, save_stack
from core.files.readers import folder
from core.findings import kinds
from core.recorded import Recorded
from core.stack import ArraySource, Stack
from tests.core.test_files_opening import kinds_of

RNG = np.random.default_rng(3)
OPEN = Path("/proc/self/fd")


def planes(path, count, shape=(6, 7), dtype=np.uint16, name="img{}.tif", **options):
    array = RNG.integers(0, 250, (count, *shape)).astype(dtype)
    for i, plane in enumerate(array):
        tifffile.imwrite(path / name.format(i + 1), plane, photometric="minisblack", **options)
    return array


def test_planes_stand_in_natural_order(tmp_path):
    array = planes(tmp_path, 12)
    (tmp_path / ".hidden.tif").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("x")
    stack = open_stack(tmp_path)
    assert (stack.axes, stack.shape, stack.meta.axes_certain) == ("TYX", (12, 6, 7), False)
    np.testing.assert_array_equal(stack.read(), array)
    assert stack.meta.labels[9] == "img10"
    assert (stack.meta.name, stack.meta.path) == (tmp_path.name, tmp_path)
    assert "12 files, from img1.tif to img12.tif." in [f.text for f in stack.meta.findings]
    assert open_stack(tmp_path, axes="ZYX").axes == "ZYX"
    assert [series.text for series in list_series(tmp_path)] == ["TYX 12 x 6 x 7, uint16"]


def test_a_list_of_files_keeps_its_order(tmp_path):
    array = planes(tmp_path, 3)
    files = [tmp_path / f"img{i}.tif" for i in (3, 1, 2)]
    np.testing.assert_array_equal(open_stack(files).read(), array[[2, 0, 1]])


@pytest.mark.skipif(not OPEN.exists(), reason="open files are only listed by Linux")
def test_files_are_opened_when_needed_and_few_at_once(tmp_path):
    array = planes(tmp_path, folder.OPEN_FILES + 5, compression="zlib")
    before = len(list(OPEN.iterdir()))
    stack = open_stack(tmp_path)
    for i in (*range(len(array)), 8, 0, 4, 8, 1):
        np.testing.assert_array_equal(stack.plane(T=i), array[i])
        assert len(list(OPEN.iterdir())) <= before + folder.OPEN_FILES


@pytest.mark.parametrize(
    ("axes", "expected"), [("TYX", "TYX"), ("ZYX", "TZYX"), ("CYX", "TCYX"), ("TZYX", "TZYX")]
)
def test_stacks_in_files_follow_each_other_in_time(tmp_path, axes, expected):
    shape = tuple({"T": 2, "Z": 3, "C": 2, "Y": 6, "X": 7}[a] for a in axes)
    array = planes(tmp_path, 4, shape, imagej=True, metadata={"axes": axes})
    stack = open_stack(tmp_path)
    assert stack.axes == expected
    np.testing.assert_array_equal(stack.read(), array.reshape(stack.shape))
    part = stack.region(T=slice(1, 4), Y=slice(2, 5))
    np.testing.assert_array_equal(stack.read(part), array.reshape(stack.shape)[part])


@pytest.mark.parametrize(("shape", "dtype"), [((6, 8), np.uint16), ((6, 7), np.uint8)])
def test_unequal_files_are_refused_by_name(tmp_path, shape, dtype):
    planes(tmp_path, 3)
    tifffile.imwrite(tmp_path / "img4.tif", np.zeros(shape, dtype))
    with pytest.raises(QuietfieldError, match=r"img4\.tif has 6 x"):
        open_stack(tmp_path)


def test_a_file_with_more_planes_than_the_others_is_refused_when_read(tmp_path):
    planes(tmp_path, 2)
    tifffile.imwrite(tmp_path / "img3.tif", np.zeros((2, 6, 7), np.uint16), photometric="minisblack")
    stack = open_stack(tmp_path)
    with pytest.raises(QuietfieldError, match=r"img3\.tif has 2 x 6 x 7"):
        stack.plane(T=2)


def test_a_broken_file_in_a_folder_is_named(tmp_path):
    planes(tmp_path, 2)
    (tmp_path / "img3.tif").write_bytes(b"")
    with pytest.raises(QuietfieldError, match=r"img3\.tif is empty"):
        open_stack(tmp_path)


def test_a_sequence_can_be_saved(tmp_path):
    (tmp_path / "in").mkdir()
    array = planes(tmp_path / "in", 5, imagej=True, metadata={"unit": "um"}, resolution=(4, 4))
    for name in ("a.tif", "a.ome.tif"):
        save_stack(tmp_path / name, open_stack(tmp_path / "in"))
        again = open_stack(tmp_path / name)
        assert (again.axes, again.meta.spacing) == ("TYX", {"X": 0.25, "Y": 0.25})
        np.testing.assert_array_equal(again.read(), array)


def test_pictures(tmp_path):
    grey = RNG.integers(0, 60000, (5, 6)).astype(np.uint16)
    colour = RNG.integers(0, 250, (5, 6, 3)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(grey))
    (tmp_path / "b.png").write_bytes(imagecodecs.png_encode(colour))
    (tmp_path / "c.jpg").write_bytes(imagecodecs.jpeg_encode(colour))
    np.testing.assert_array_equal(open_stack(tmp_path / "a.png").read(), grey)
    stack = open_stack(tmp_path / "b.png")
    assert (stack.axes, stack.meta.format) == ("CYX", "PNG picture")
    np.testing.assert_array_equal(stack.read(), np.moveaxis(colour, -1, 0))
    assert kinds_of(open_stack(tmp_path / "c.jpg")) == [kinds.JPEG_COMPRESSION]
    (tmp_path / "d.png").write_bytes((tmp_path / "a.png").read_bytes()[:50])
    with pytest.raises(QuietfieldError, match=r"d\.png cannot be decoded"):
        open_stack(tmp_path / "d.png")
    with pytest.raises(QuietfieldError, match=r"b\.png has 3 x 5 x 6"):
        open_stack([tmp_path / "a.png", tmp_path / "b.png"]).read()


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16), "compression": "zstd"}])
def test_threads_read_the_same_pixels(tmp_path, options):
    array = RNG.integers(0, 4000, (24, 40, 48)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", **options)
    stack = open_stack(tmp_path / "a.tif")
    order = RNG.permutation(np.repeat(np.arange(24), 8))
    with ThreadPoolExecutor(8) as pool:
        for i, plane in zip(order, pool.map(lambda i: stack.plane(T=int(i)), order), strict=True):
            np.testing.assert_array_equal(plane, array[i])


def test_what_is_read_may_be_changed_without_harm(tmp_path):
    for options in ({}, {"compression": "zlib"}):
        tifffile.imwrite(
            tmp_path / "a.tif", np.ones((2, 4, 5), np.uint8), photometric="minisblack", **options
        )
        stack = open_stack(tmp_path / "a.tif")
        stack.read()[:] = 7
        assert stack.read().max() == 1


def test_planes_that_one_file_lacks_are_missing_in_the_sequence(tmp_path):
    class Lacking(ArraySource):
        @property
        def missing(self):
            lost = np.zeros(self.shape, bool)
            lost[1] = True
            return ArraySource(lost)

    pixels = np.ones((3, 4, 5), np.uint16)
    stacks = {Path("a"): Stack.of(pixels, "ZYX"), Path("b"): Stack(Lacking(pixels), "ZYX")}
    source = folder.FilesSource([Path("a"), Path("b")], stacks.__getitem__, stacks[Path("a")])
    stack = Stack(source, "TZYX")
    assert stack.missing is not None
    assert stack.missing.read(stack.region()).all((2, 3)).tolist() == [[False] * 3, [False, True, False]]
    _, recorded = Recorded.of(stack).read(stack.region(T=1))
    assert recorded is not None
    assert recorded.all((0, 2, 3)).tolist() == [True, False, True]
    assert Recorded.of(stack).read(stack.region(T=0))[1] is None
