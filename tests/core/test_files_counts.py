"""Files with more, fewer or other planes than they describe."""

import numpy as np
import pytest
import tifffile

from core.files import list_series, open_stack
from core.files.raw_source import RawSource
from core.findings import kinds
from tests.core.test_files_opening import kinds_of

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def numbered(count, shape=(64, 64), dtype="uint16"):
    """Planes in which every pixel is the number of the plane."""
    return np.stack([np.full(shape, n, dtype) for n in range(count)])


def imagej(path, planes, text, *, between=False, **options):
    """Write planes with a description of ImageJ; `between` puts a directory between planes."""
    options = {"photometric": "minisblack", "metadata": None, **options}
    text = text if text.startswith("SCIFIO") else f"ImageJ=1.53t\n{text}"
    if not between:
        tifffile.imwrite(path, planes, description=text, **options)
        return path
    byteorder = options.pop("byteorder", None)
    with tifffile.TiffWriter(path, byteorder=byteorder) as writer:
        for number, plane in enumerate(planes):
            writer.write(plane, description=None if number else text, contiguous=False, **options)
    return path


def ome(path, planes, sizes, data, order="XYZCT"):
    """Write an OME-TIFF; `data` are its TiffData elements."""
    given = {"T": 1, "C": 1, "Z": 1, "Y": planes.shape[-2], "X": planes.shape[-1], **sizes}
    lengths = " ".join(f'Size{axis}="{length}"' for axis, length in given.items())
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{NAMESPACE}"><Image ID="Image:0"><Pixels'
        f' ID="Pixels:0" DimensionOrder="{order}" Type="{planes.dtype}"'
        f" {lengths}>"
        + "".join(f'<Channel ID="Channel:0:{c}" SamplesPerPixel="1"/>' for c in range(given["C"]))
        + f"{data}</Pixels></Image></OME>"
    )
    options = {"photometric": "minisblack", "metadata": None, "ome": False}
    tifffile.imwrite(path, planes, description=xml.encode(), **options)
    return path


def in_file_order(stack):
    """Planes in ImageJ's order."""
    order = [stack.axes.index(axis) for axis in "TZCYX" if axis in stack.axes]
    return stack.read().transpose(order).reshape(-1, *stack.shape[-2:])


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_all_pages_are_opened_where_the_description_counts_fewer(tmp_path, between, options):
    planes = numbered(12)
    path = imagej(tmp_path / "a.tif", planes, "images=5\nframes=5\n", between=between, **options)
    stack = open_stack(path)
    assert (stack.axes, stack.shape, stack.meta.axes_certain) == ("TYX", (12, 64, 64), False)
    assert list_series(path)[0].shape == (12, 64, 64)
    np.testing.assert_array_equal(stack.read(), planes)
    (found,) = stack.meta.findings
    assert (found.kind, found.value, found.limit) == (kinds.COUNTS_DIFFER, 12, 5)
    assert isinstance(stack.source, RawSource) == (not between and "compression" not in options)


@pytest.mark.parametrize(
    ("text", "axes", "shape", "kind"),
    [
        ("images=12\nslices=4\nframes=2\nhyperstack=true\n", "TZYX", (3, 4), kinds.COUNTS_DIFFER),
        ("images=6\nchannels=2\nframes=3\nhyperstack=true\n", "TCYX", (6, 2), kinds.COUNTS_DIFFER),
        ("images=10\nchannels=2\nframes=5\nhyperstack=true\n", "TCYX", (6, 2), kinds.COUNTS_DIFFER),
        ("images=5\nframes=5\nchannels=5\n", "TCYX", (2, 5), kinds.CUT_SHORT),
        ("images=12\nslices=5\nframes=3\nhyperstack=true\n", "TYX", (12,), kinds.COUNTS_DIFFER),
        ("images=1\n", "TYX", (12,), kinds.COUNTS_DIFFER),
        ("images=20\nslices=20\n", "ZYX", (12,), kinds.FEWER_PLANES),
        ("images=20\n", "TYX", (12,), kinds.FEWER_PLANES),
        ("images=20\nslices=12\n", "ZYX", (12,), kinds.FEWER_PLANES),
        ("images=24\nslices=5\nframes=4\n", "TZYX", (2, 5), kinds.CUT_SHORT),
        ("images=12\n", "TYX", (12,), None),
        ("images=12\nslices=12\n", "ZYX", (12,), None),
        ("", "TYX", (12,), None),
        ("slices=-3\nframes=zero\nchannels=1e300\nimages=nan\n", "TYX", (12,), kinds.DAMAGED),
    ],
)
@pytest.mark.parametrize("between", [False, True])
def test_counts_that_contradict_each_other_or_the_pages(tmp_path, text, axes, shape, kind, between):
    planes = numbered(12)
    stack = open_stack(imagej(tmp_path / "a.tif", planes, text, between=between))
    assert (stack.axes, stack.shape[:-2]) == (axes, shape)
    assert kinds_of(stack) == ([] if kind is None else [kind])
    np.testing.assert_array_equal(in_file_order(stack), planes[: stack.planes])


def test_further_pages_of_another_size_are_named(tmp_path):
    planes = numbered(4)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        options = {"photometric": "minisblack", "metadata": None, "contiguous": False}
        for number, plane in enumerate([*planes, planes[0, :32], planes[1, :32]]):
            text = None if number else "ImageJ=1.53t\nimages=3\nslices=3\n"
            writer.write(plane, description=text, **options)
    stack = open_stack(path)
    np.testing.assert_array_equal(stack.read(), planes)
    assert [(f.kind, f.value) for f in stack.meta.findings] == [
        (kinds.COUNTS_DIFFER, 4), (kinds.PAGES_LEFT_OUT, 2),
    ]  # fmt: skip


def test_ome_xml_that_counts_fewer_images(tmp_path):
    planes = numbered(12)
    for data in ('<TiffData IFD="0" PlaneCount="5"/>', "<TiffData/>"):
        stack = open_stack(ome(tmp_path / "a.ome.tif", planes, {"T": 5}, data))
        np.testing.assert_array_equal(stack.read(), planes[:5])
        assert [(f.kind, f.value) for f in stack.meta.findings] == [(kinds.PAGES_LEFT_OUT, 7)]


def test_ome_xml_that_counts_more_images(tmp_path):
    planes = numbered(5)
    data = '<TiffData IFD="0" PlaneCount="12"/>'
    stack = open_stack(ome(tmp_path / "a.ome.tif", planes, {"T": 4, "Z": 3}, data))
    assert (stack.axes, stack.shape[:-2]) == ("ZYX", (3,))
    np.testing.assert_array_equal(stack.read(), planes[:3])
    assert [(f.kind, f.value, f.limit, f.details["opened"]) for f in stack.meta.findings] == [
        (kinds.CUT_SHORT, 5, 12, 3)
    ]


FLAVOURS = {
    "plain": {"metadata": None},
    "shaped": {"metadata": {"axes": "TYX"}},
    "ome": {"ome": True, "metadata": {"axes": "TYX"}},
    "imagej": {"imagej": True, "metadata": {"axes": "TYX"}},
    "bigtiff": {"bigtiff": True, "metadata": None},
    "big-endian": {"byteorder": ">", "metadata": None},
}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("kept", [0.3, 0.93, 0.985])
def test_planes_in_a_row_are_read_to_the_end_of_a_file_that_was_cut(tmp_path, flavour, kept):
    planes = numbered(8, (128, 128)) + np.uint16(100)
    path = tmp_path / ("a.ome.tif" if flavour == "ome" else "a.tif")
    tifffile.imwrite(path, planes, photometric="minisblack", **FLAVOURS[flavour])
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[0]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    whole = min((int(len(data) * kept) - offset) // planes[0].nbytes, 8)
    stack = open_stack(path)
    assert stack.axes == "TYX"
    np.testing.assert_array_equal(stack.read(), planes[:whole])
    assert [(f.kind, f.value, f.limit) for f in stack.meta.findings] == [(kinds.CUT_SHORT, whole, 8)]


@pytest.mark.parametrize("flavour", ["plain", "ome", "imagej"])
@pytest.mark.parametrize("lost", [1, 100, 400, 900])
def test_a_file_cut_in_its_last_directories_has_all_planes(tmp_path, flavour, lost):
    planes = numbered(8, (128, 128))
    path = tmp_path / ("a.ome.tif" if flavour == "ome" else "a.tif")
    tifffile.imwrite(path, planes, photometric="minisblack", **FLAVOURS[flavour])
    path.write_bytes(path.read_bytes()[:-lost])
    np.testing.assert_array_equal(open_stack(path).read(), planes)


@pytest.mark.parametrize(
    ("count", "axes", "shape"),
    [
        (23, "TCZYX", (3, 2, 3)),
        (12, "TCZYX", (2, 2, 3)),
        (7, "CZYX", (2, 3)),
        (5, "CZYX", (2, 2)),
        (3, "CYX", (2,)),
    ],
)
def test_a_hyperstack_that_was_cut_keeps_whole_blocks(tmp_path, count, axes, shape):
    planes = numbered(24)  # ImageJ's order: channels vary fastest, frames slowest
    text = "images=24\nchannels=2\nslices=3\nframes=4\nhyperstack=true\n"
    path = imagej(tmp_path / "a.tif", planes, text)
    with tifffile.TiffFile(path) as file:
        end = file.pages.first.dataoffsets[0] + count * planes[0].nbytes + 5
    path.write_bytes(path.read_bytes()[:end])
    stack = open_stack(path)
    assert (stack.axes, stack.shape[:-2]) == (axes, shape)
    opened = int(np.prod(shape))
    assert [(f.kind, f.value, f.limit, f.details["opened"]) for f in stack.meta.findings] == [
        (kinds.CUT_SHORT, count, 24, opened)
    ]
    np.testing.assert_array_equal(in_file_order(stack), planes[:opened])


def scifio(axes, lengths, **more):
    """Description by SCIFIO of the same axes as its writer gives them."""
    lines = {"SCIFIO": "0.42.0", "axes": axes, "lengths": lengths, **more, "bitsPerPixel": 16, "images": 12}
    return "".join(f"{key}={value}\n" for key, value in lines.items()) + "hyperstack=true\nmode=composite\n"


@pytest.mark.parametrize(
    ("axes", "lengths", "expected", "shape"),
    [
        ("X,Y,Z,Channel", "64,64,4,3", "CZYX", (3, 4)),  # here Z varies faster than in ImageJ's order
        ("X,Y,Channel,Z", "64,64,3,4", "ZCYX", (4, 3)),
        ("X,Y,Time,Channel", "64,64,6,2", "CTYX", (2, 6)),
        ("X,Y,Z,Channel,Time", "64,64,2,3,2", "TCZYX", (2, 3, 2)),
        ("X,Y,Z", "64,64,12", "ZYX", (12,)),
    ],
)
def test_axes_listed_by_scifio(tmp_path, axes, lengths, expected, shape):
    planes = numbered(12)
    names = dict(zip(axes.split(","), lengths.split(","), strict=True))
    counts = {
        "channels": names.get("Channel", 1),
        "slices": names.get("Z", 1),
        "frames": names.get("Time", 1),
    }
    stack = open_stack(imagej(tmp_path / "a.tif", planes, scifio(axes, lengths, **counts)))
    order = [stack.axes.index(letter) for letter in expected]
    np.testing.assert_array_equal(stack.read().transpose(order)[..., 0, 0], np.arange(12).reshape(shape))
    assert (stack.meta.axes_certain, stack.meta.findings) == (True, ())


def test_spacing_listed_by_scifio(tmp_path):
    text = scifio(
        "X,Y,Z,Time",
        "64,64,4,3",
        scales="0.1,0.2,-0.5,2.0",
        units="\\u00B5m,\\u00B5m,\\u00B5m,sec",
        unit="\\u00B5m",
    )
    options = {"resolution": (100000, 50000), "resolutionunit": "CENTIMETER"}
    stack = open_stack(imagej(tmp_path / "a.tif", numbered(12), text, **options))
    assert stack.meta.spacing == {"X": 0.1, "Y": 0.2, "Z": 0.5, "T": 2.0}
    assert kinds_of(stack) == [kinds.SPACING_NEGATIVE]
    nothing = scifio("X,Y,Z", "64,64,12", scales="1.0,1.0,1.0", units="null,null,null", unit="null")
    stack = open_stack(imagej(tmp_path / "b.tif", numbered(12), nothing))
    assert (stack.meta.spacing, stack.meta.findings) == ({}, ())


@pytest.mark.parametrize("lengths", ["64,64,4", "128,64,4,3", "64,64,x,3", "64,64,0,3"])
def test_lists_of_scifio_that_do_not_fit_are_ignored(tmp_path, lengths):
    text = scifio("X,Y,Z,Channel", lengths, channels=3, slices=4)
    stack = open_stack(imagej(tmp_path / "a.tif", numbered(12), text))
    assert (stack.axes, stack.shape[:-2]) == ("CZYX", (3, 4))
    assert kinds_of(stack) == [kinds.DESCRIPTION_UNFIT]
