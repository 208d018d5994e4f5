"""Files made to trap a reader: circles of pages, pipes, links, and files written while they are read."""

import os
import struct
import threading

import numpy as np
import pytest
import tifffile

from core.errors import QuietfieldError
from core.files import list_series, open_stack, read_recipe
from core.findings import kinds
from core.progress import Cancelled, Context

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes as on Linux and macOS")


def circle(path, shapes, to, *, big=False, order="<"):
    """Write pages of these shapes; the last one names page `to` as the next one."""
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as writer:
        for number, shape in enumerate(shapes):
            writer.write(np.full(shape, number, np.uint8), metadata=None, contiguous=False)
    with tifffile.TiffFile(path) as file:
        offsets = [page.offset for page in file.pages]
        end = file.pages.next_page_offset
    data = bytearray(path.read_bytes())
    form = order + ("Q" if big else "I")
    data[end : end + struct.calcsize(form)] = struct.pack(form, offsets[to])
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("count", "to"), [(1, 0), (3, 0), (3, -1), (99, 0), (150, 120), (150, -1), (150, 0)])
def test_pages_that_lead_back_to_one_of_them_are_opened_once(tmp_path, count, to, big, order):
    path = circle(tmp_path / "a.tif", [(4, 5)] * count, to, big=big, order=order)
    stack = open_stack(path)
    assert stack.planes == count
    np.testing.assert_array_equal(stack.read().reshape(count, -1)[:, 0], np.arange(count))
    (finding,) = [f for f in stack.meta.findings if f.kind is kinds.DAMAGED]
    assert "leads back" in finding.text


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_file_that_ends_within_its_last_directory_is_opened_without_it(tmp_path, big, kept):
    path = circle(tmp_path / "a.tif", [(4, 5)] * 3, 0, big=big)
    with tifffile.TiffFile(path) as file:
        last, end = file.pages[2].offset, len(file.pages[2].tags)
    form = (8, 20) if big else (2, 12)
    # the directory moves to the end of the file, which is cut within the place of the next one
    data = bytearray(path.read_bytes())
    directory = data[last : last + form[0] + end * form[1]]
    with tifffile.TiffFile(path) as file:
        _ = file.pages[1].offset
        link = file.pages[1].offset + form[0] + len(file.pages[1].tags) * form[1]
    data[link : link + (8 if big else 4)] = struct.pack("<Q" if big else "<I", len(data))
    path.write_bytes(data + directory + bytes(kept))
    stack = open_stack(path)
    assert stack.planes == 2
    (finding,) = [f for f in stack.meta.findings if f.kind == kinds.DAMAGED]
    assert "ends within the list of planes" in finding.text
    path.write_bytes(data[: 8 if big else 4] + bytes(2))
    with pytest.raises(QuietfieldError):
        open_stack(path)


def test_circles_of_pages_of_several_shapes_are_several_series(tmp_path):
    path = circle(tmp_path / "a.tif", [(8, 8), (9, 9), (10, 10)], 0)
    assert [series.shape for series in list_series(path)] == [(8, 8), (9, 9), (10, 10)]
    assert read_recipe(path) == ""


def test_a_circle_in_a_file_that_belongs_to_an_ome_tiff_is_refused(tmp_path):
    circle(tmp_path / "b.ome.tif", [(8, 8), (9, 9)], 0)
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="P:0" '
        'DimensionOrder="XYZCT" Type="uint8" SizeX="8" SizeY="8" SizeZ="1" SizeC="1" SizeT="2">'
        '<TiffData FirstT="0" IFD="0"><UUID FileName="a.ome.tif">urn:uuid:a</UUID></TiffData>'
        '<TiffData FirstT="1" IFD="0"><UUID FileName="b.ome.tif">urn:uuid:b</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((8, 8), np.uint8), description=xml, metadata=None)
    with pytest.raises(QuietfieldError, match=r"b\.ome\.tif, which belongs to a\.ome\.tif, is damaged"):
        open_stack(tmp_path / "a.ome.tif")


def test_directories_that_overlap_are_refused(tmp_path):
    """Each of 10 000 directories without entries takes 6 bytes, and begins 4 bytes after the one before."""
    count = 10_000
    data = bytearray(8 + 4 * count + 6)
    data[:8] = struct.pack("<2sHI", b"II", 42, 8)
    for number in range(count):  # the upper half of an offset, 0, is the number of entries of the next one
        data[8 + 4 * number : 14 + 4 * number] = struct.pack("<HI", 0, 12 + 4 * number)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(QuietfieldError, match="more planes than fit into"):
        open_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("cancelled", [0, 5, 500])
def test_opening_can_be_cancelled(tmp_path, cancelled):
    """A context that is cancelled when it is asked for the n-th time."""

    class Impatient(Context):
        asked = 0

        @property
        def cancelled(self):
            self.asked += 1
            return self.asked > cancelled

    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for _ in range(2000):
            writer.write(np.zeros((4, 5), np.uint8), metadata=None, contiguous=False)
    with pytest.raises(Cancelled):
        list_series(tmp_path / "a.tif", Impatient())


def test_pixels_are_read_whatever_becomes_of_the_job_that_opened_them(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((5, 8, 8), np.uint8), compression="zlib")
    context = Context()
    stack = open_stack(tmp_path / "a.tif", context=context)
    context.cancel()
    assert stack.read().sum() == 5 * 64


@posix
def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.tif")
    for path in (tmp_path / "pipe.tif", type(tmp_path)("/dev/zero")):
        with pytest.raises(QuietfieldError, match="a device or a pipe"):
            open_stack(path)
    (tmp_path / "one.tif").symlink_to(tmp_path / "two.tif")
    (tmp_path / "two.tif").symlink_to(tmp_path / "one.tif")
    with pytest.raises(QuietfieldError, match="cannot be read"):
        open_stack(tmp_path / "one.tif")


@posix
def test_a_link_to_the_folder_that_holds_it_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 8), np.uint8))
    assert open_stack(tmp_path).planes == 1
    (tmp_path / "self").symlink_to(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "up").symlink_to(tmp_path)
    for path in (tmp_path / "self", tmp_path / "inner" / "up"):
        with pytest.raises(QuietfieldError, match="folder that holds it"):
            open_stack(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_that_is_written_while_it_is_read_is_noticed(tmp_path, compression):
    path = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (5, 64, 64), np.uint8)
    tifffile.imwrite(path, pixels, compression=compression, metadata={"axes": "ZYX"})
    stack = open_stack(path)
    np.testing.assert_array_equal(stack.plane(Z=1), pixels[1])
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size - 100)
        file.write(bytes(50))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    with pytest.raises(QuietfieldError, match="has changed since it was opened"):
        stack.plane(Z=2)
    assert open_stack(path).planes == 5


def test_many_threads_read_one_file(tmp_path):
    path = circle(tmp_path / "a.tif", [(64, 64)] * 40, 0)
    stack = open_stack(path)
    wrong = []

    def read(first):
        for plane in range(first, 40):
            if not (stack.read(stack.region(**{stack.axes[0]: plane})) == plane).all():
                wrong.append(plane)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
