"""Opening of all kinds of TIFF files, written by tifffile."""

import logging
import resource
import struct
import sys

import numpy as np
import pytest
import tifffile

from core.errors import QuietfieldError
from core.files import list_series, open_stack, reinterpret
from core.files.raw_source import RawSource
from core.files.readers.tiff_pages import OPEN_FILES
from core.findings import Level, kinds, worst
from core.recorded import Recorded
from core.stack import Stack
from tests.data import DATA, needs_data

RNG = np.random.default_rng(7)
OME = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
PIXELS = 'DimensionOrder="XYZCT" Type="uint16" SizeX="7" SizeY="6" SizeC="1"'


def ramp(*shape, dtype="uint16"):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


def kinds_of(stack):
    return [finding.kind for finding in stack.meta.findings]


def write(path, array, **options):
    options.setdefault("photometric", "minisblack")
    tifffile.imwrite(path, array, **options)
    return path


def test_imagej_hyperstack_has_its_axes_calibration_and_display(tmp_path):
    array = ramp(3, 2, 4, 8, 9)  # TZCYX
    luts = [np.stack([np.arange(256)] * 3).astype(np.uint8) for _ in range(4)]
    path = write(
        tmp_path / "a.tif", array, imagej=True, resolution=(1 / 0.1083, 1 / 0.2), resolutionunit=1,
        metadata={
            "axes": "TZCYX", "unit": "\\u00B5m", "spacing": 0.3, "finterval": 0.5, "Ranges": tuple(range(8)),
            "LUTs": luts, "Labels": [f"p{i}" for i in range(24)],
        },
    )  # fmt: skip
    stack = open_stack(path)
    assert (stack.axes, stack.shape, stack.dtype) == ("TCZYX", (3, 4, 2, 8, 9), np.uint16)
    np.testing.assert_array_equal(stack.read(), array.transpose(0, 2, 1, 3, 4))
    np.testing.assert_array_equal(stack.plane(T=2, C=3, Z=1), array[2, 1, 3])
    assert stack.meta.spacing == pytest.approx({"X": 0.1083, "Y": 0.2, "Z": 0.3, "T": 0.5}, rel=1e-6)
    assert stack.meta.display_ranges == ((0, 1), (2, 3), (4, 5), (6, 7))
    assert len(stack.meta.luts) == 4
    assert stack.meta.labels[5] == "p5"
    assert (stack.meta.unit, stack.meta.format, stack.meta.axes_certain) == ("µm", "ImageJ TIFF", True)
    assert stack.meta.findings == ()
    assert stack.meta.path == path


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("micron", 1.0), ("um", 1.0), ("µm", 1.0), ("nm", 1e-3), ("mm", 1e3), ("cm", 1e4), ("inch", 25400.0)],
)
def test_imagej_units(tmp_path, unit, factor):
    escaped = unit.replace("µ", "\\u00B5")
    path = write(
        tmp_path / "a.tif", ramp(4, 5), imagej=True, resolution=(factor / 0.25,) * 2, resolutionunit=1,
        metadata={"axes": "YX", "unit": escaped},
    )  # fmt: skip
    assert open_stack(path).meta.spacing == pytest.approx({"X": 0.25, "Y": 0.25}, rel=1e-5)


def test_unknown_unit_gives_no_pixel_size(tmp_path):
    path = write(tmp_path / "a.tif", ramp(4, 5), imagej=True, resolution=(2, 2), metadata={"unit": "pixel"})
    assert open_stack(path).meta.spacing == {}
    assert open_stack(path).meta.unit == "pixel"


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((1e4 / 0.2, 1e4 / 0.4), "CENTIMETER", {"X": 0.2, "Y": 0.4}),
        ((25400 / 0.5, 25400 / 0.5), "INCH", {"X": 0.5, "Y": 0.5}),
        ((72, 72), "INCH", {}),  # a screen's resolution
        ((300, 300), "INCH", {}),  # a printer's
        ((5e4, 5e4), "NONE", {}),
    ],
)
def test_plain_resolution_counts_only_where_it_can_be_a_microscope(tmp_path, resolution, unit, expected):
    path = write(tmp_path / "a.tif", ramp(4, 5), resolution=resolution, resolutionunit=unit, metadata=None)
    assert open_stack(path).meta.spacing == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int8", "int16", "int32"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (16, 16)}])
def test_integers_in_both_byte_orders_and_layouts(tmp_path, dtype, byteorder, options):
    array = RNG.integers(0, 120, (5, 20, 33)).astype(dtype)
    path = write(tmp_path / "a.tif", array, byteorder=byteorder, **options)
    stack = open_stack(path)
    assert stack.dtype == np.dtype(dtype)
    assert stack.dtype.isnative
    np.testing.assert_array_equal(stack.read(), array)
    assert stack.read().dtype.isnative


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "packbits"])
def test_floats_and_compressions(tmp_path, dtype, compression):
    array = RNG.normal(size=(3, 7, 11)).astype(dtype)
    stack = open_stack(write(tmp_path / "a.tif", array, compression=compression))
    np.testing.assert_array_equal(stack.read(), array)
    assert (stack.axes, stack.meta.axes_certain) == ("TYX", False)


def test_bilevel_is_read_as_zero_and_one(tmp_path):
    array = RNG.random((2, 9, 13)) < 0.5
    stack = open_stack(write(tmp_path / "a.tif", array))
    assert stack.dtype == np.uint8
    np.testing.assert_array_equal(stack.read(), array.astype(np.uint8))
    assert kinds_of(stack) == [kinds.BLACK_AND_WHITE]


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
def test_colours_are_channels(tmp_path, planarconfig):
    array = ramp(4, 6, 7, 3, dtype="uint8")
    stored = array if planarconfig == "contig" else np.moveaxis(array, -1, 1)
    path = write(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planarconfig)
    stack = open_stack(path)
    assert (stack.axes, stack.shape) == ("TCYX", (4, 3, 6, 7))
    np.testing.assert_array_equal(stack.read(), np.moveaxis(array, -1, 1))


def test_channels_of_colours_are_merged_lazily(tmp_path):
    array = ramp(2, 3, 6, 7, 3, dtype="uint8")
    path = write(tmp_path / "a.ome.tif", array, photometric="rgb", metadata={"axes": "TCYXS"})
    stack = open_stack(path)
    assert (stack.axes, stack.shape) == ("TCYX", (2, 9, 6, 7))
    expected = np.moveaxis(array, -1, 2).reshape(2, 9, 6, 7)
    np.testing.assert_array_equal(stack.read(), expected)
    part = stack.region(T=1, C=slice(2, 7), Y=slice(1, 4), X=slice(3, 6))
    np.testing.assert_array_equal(stack.read(part), expected[part])


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1, 1), "YX"),
        ((1, 9), "YX"),
        ((9, 1), "YX"),
        ((1, 1, 4, 5), "YX"),
        ((6, 1, 4, 5), "TYX"),
    ],
)
def test_small_images_and_axes_of_length_one(tmp_path, shape, axes):
    array = ramp(*shape)
    stack = open_stack(write(tmp_path / "a.tif", array))
    assert stack.axes == axes
    np.testing.assert_array_equal(stack.read(), array.reshape(stack.shape))


def test_several_unknown_axes_are_folded_into_time(tmp_path):
    array = ramp(3, 4, 5, 6)
    stack = open_stack(write(tmp_path / "a.tif", array))
    assert (stack.axes, stack.shape, stack.meta.axes_certain) == ("TYX", (12, 5, 6), False)
    np.testing.assert_array_equal(stack.read(), array.reshape(12, 5, 6))
    np.testing.assert_array_equal(stack.plane(T=7), array.reshape(12, 5, 6)[7])
    assert kinds_of(stack) == [kinds.AXIS_AS_TIME]


def test_axes_in_any_order_and_positions(tmp_path):
    array = ramp(2, 3, 4, 5, 6)
    path = write(tmp_path / "a.tif", array, metadata={"axes": "ZRTYX"})
    stack = open_stack(path)
    assert (stack.axes, stack.shape, stack.meta.axes_certain) == ("TZYX", (12, 2, 5, 6), False)
    np.testing.assert_array_equal(stack.read(), array.transpose(1, 2, 0, 3, 4).reshape(12, 2, 5, 6))
    assert kinds_of(stack) == [kinds.AXIS_JOINED_TO_TIME]
    assert stack.meta.findings[0].details["axis"] == "position (3)"


def test_an_imagej_order_that_is_not_the_usual_one(tmp_path):
    array = ramp(4, 3, 8, 9)  # stored with Z slower than T
    path = write(tmp_path / "a.tif", array, description="ImageJ=1.53t\nimages=12\nslices=4\nframes=3\n"
                 "hyperstack=true\norder=ctz\n", metadata=None)  # fmt: skip
    stack = open_stack(path)
    assert (stack.axes, stack.shape) == ("TZYX", (3, 4, 8, 9))
    np.testing.assert_array_equal(stack.read(), array.swapaxes(0, 1))


def test_a_plain_imagej_stack_is_not_certain_to_be_depth(tmp_path):
    text = "ImageJ=1.53t\nimages=5\nslices=5\nloop=false\n"
    stack = open_stack(write(tmp_path / "a.tif", ramp(5, 8, 9), description=text, metadata=None))
    assert (stack.axes, stack.meta.axes_certain) == ("ZYX", False)


def test_ome_metadata(tmp_path):
    array = ramp(3, 2, 4, 8, 9)
    path = write(
        tmp_path / "a.ome.tif", array, compression="zlib",
        metadata={
            "axes": "TCZYX", "PhysicalSizeX": 108.3, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.2,
            "PhysicalSizeYUnit": "µm", "PhysicalSizeZ": 0.003, "PhysicalSizeZUnit": "mm",
            "TimeIncrement": 500, "TimeIncrementUnit": "ms",
            "Channel": {"Name": ["GFP", "mCherry"], "Color": [0x00FF00FF, -16776961]},
        },
    )  # fmt: skip
    stack = open_stack(path)
    assert (stack.axes, stack.meta.format) == ("TCZYX", "OME-TIFF")
    np.testing.assert_array_equal(stack.read(), array)
    assert stack.meta.spacing == pytest.approx({"X": 0.1083, "Y": 0.2, "Z": 3.0, "T": 0.5})
    assert stack.meta.channel_names == ("GFP", "mCherry")
    np.testing.assert_array_equal(stack.meta.luts[0][:, -1], (0, 255, 0))
    np.testing.assert_array_equal(stack.meta.luts[1][:, -1], (255, 0, 0))
    assert stack.meta.ome_xml.startswith("<?xml")


def test_the_frame_interval_follows_from_the_times_of_planes(tmp_path):
    path = write(
        tmp_path / "a.ome.tif", ramp(3, 8, 9),
        metadata={"axes": "TYX", "Plane": {"DeltaT": [0.0, 0.5, 1.0], "DeltaTUnit": ["min"] * 3}},
    )  # fmt: skip
    assert open_stack(path).meta.spacing == pytest.approx({"T": 30.0})


def multifile(folder, count=3):
    """Write an OME-TIFF of `count` time points, one in each file; XML by the OME specification."""
    array = ramp(count, 6, 7)
    names = [f"part{i}.ome.tif" for i in range(count)]
    uuids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{i}" for i in range(count)]
    data = "".join(
        f'<TiffData FirstT="{i}" IFD="0" PlaneCount="1"><UUID FileName="{n}">{u}</UUID></TiffData>'
        for i, (n, u) in enumerate(zip(names, uuids, strict=True))
    )
    for i, name in enumerate(names):
        xml = (
            f'{OME} UUID="{uuids[i]}"><Image ID="Image:0"><Pixels ID="Pixels:0" {PIXELS} SizeZ="1"'
            f' SizeT="{count}"><Channel ID="Channel:0:0"/>{data}</Pixels></Image></OME>'
        )
        write(folder / name, array[i], description=xml.encode(), metadata=None, ome=False)
    return array, [folder / n for n in names]


def test_ome_tiff_in_several_files(tmp_path):
    array, files = multifile(tmp_path, 5)
    for stack in (open_stack(files[0]), open_stack(tmp_path), open_stack(files)):
        assert (stack.axes, stack.shape, stack.meta.axes_certain) == ("TYX", (5, 6, 7), True)
        np.testing.assert_array_equal(stack.read(), array)
        np.testing.assert_array_equal(stack.plane(T=4), array[4])


def test_more_files_than_may_be_open_at_once(tmp_path):
    array, files = multifile(tmp_path, OPEN_FILES + 4)
    stack = open_stack(files[0])
    for i in (*range(len(array)), 7, 0, 3, 3, 1, 7):
        np.testing.assert_array_equal(stack.plane(T=i), array[i])


@pytest.mark.parametrize("lost", [1, 2])
def test_missing_part_of_an_ome_tiff_is_named(tmp_path, lost):
    array, files = multifile(tmp_path)
    files[lost].unlink()
    stack = open_stack(files[0])
    assert f"part{lost}.ome.tif" in [f.details.get("file") for f in stack.meta.findings]
    np.testing.assert_array_equal(stack.plane(T=0), array[0])
    if lost == 1:  # in the middle: zeros; at the end the stack is shorter instead
        np.testing.assert_array_equal(stack.plane(T=2), array[2])
        assert not stack.plane(T=1).any()
        recorded = Recorded.of(stack).read(stack.region())[1]
        assert recorded.all((1, 2)).tolist() == [True, False, True]
        assert not recorded[1].any()
    else:
        assert stack.shape == (2, 6, 7)


def test_bigtiff_series_and_pyramids(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for shape in ((3, 32, 40), (5, 16, 20)):
            writer.write(ramp(*shape), photometric="minisblack", metadata={"axes": "TYX"})
    assert len(list_series(path)) == 2
    assert "32 x 40" in list_series(path)[0].text
    first, second = open_stack(path), open_stack(path, series=1)
    assert (first.shape, second.shape, first.meta.format) == ((3, 32, 40), (5, 16, 20), "BigTIFF")
    assert [(f.kind, f.value) for f in first.meta.findings] == [(kinds.MORE_SERIES, 2)]
    with pytest.raises(QuietfieldError, match="no series 2"):
        open_stack(path, series=2)
    pyramid = tmp_path / "p.tif"
    with tifffile.TiffWriter(pyramid) as writer:
        writer.write(ramp(64, 64), subifds=1, tile=(16, 16), photometric="minisblack")
        writer.write(ramp(32, 32), subfiletype=1, tile=(16, 16), photometric="minisblack")
    stack = open_stack(pyramid)
    assert stack.shape == (64, 64)
    assert [(f.kind, f.value) for f in stack.meta.findings] == [(kinds.MORE_RESOLUTIONS, 2)]


def test_palette_and_white_is_zero_are_said(tmp_path):
    colours = np.zeros((3, 256), np.uint16)
    path = write(tmp_path / "a.tif", ramp(4, 5, dtype="uint8"), photometric="palette", colormap=colours)
    assert kinds_of(open_stack(path)) == [kinds.COLOUR_TABLE]
    path = write(tmp_path / "b.tif", ramp(4, 5, dtype="uint8"), photometric="miniswhite")
    assert kinds_of(open_stack(path)) == [kinds.ZERO_IS_WHITE]


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("flavour", ["imagej", "ome", "plain"])
@pytest.mark.parametrize("kept", [0.03, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_opens_with_a_note_or_is_refused(tmp_path, flavour, compression, kept):
    array = RNG.integers(0, 4000, (20, 64, 64)).astype(np.uint16)
    options = {
        "imagej": {"imagej": True, "metadata": {"axes": "TYX"}},
        "ome": {"metadata": {"axes": "TYX"}},
        "plain": {"metadata": None},
    }[flavour]
    whole = write(
        tmp_path / ("a.ome.tif" if flavour == "ome" else "a.tif"), array, compression=compression, **options
    )
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * kept)])
    if kept < 0.05:
        with pytest.raises(QuietfieldError, match=whole.name):
            open_stack(whole)
        return
    stack = open_stack(whole)
    planes = 1 if stack.axes == "YX" else stack.shape[0]
    np.testing.assert_array_equal(stack.read().reshape(planes, 64, 64), array[:planes])
    assert planes == 20 or worst(stack.meta.findings) is Level.CAUTION
    if not compression:
        assert stack.axes == "TYX"
        assert planes >= min(int(20 * kept), 20)


def test_a_file_damaged_in_a_later_plane_is_refused_where_it_is_read(tmp_path):
    path = write(tmp_path / "a.tif", RNG.integers(0, 4000, (4, 64, 64)).astype(np.uint16), compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages[2].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(200))
    stack = open_stack(path)
    stack.plane(T=1)
    with pytest.raises(QuietfieldError, match=r"a\.tif, plane 3 of 4"):
        stack.plane(T=2)


def big_imagej(path, planes, size):
    """ImageJ's layout past 4 GB: one directory, then all planes in one piece, in a sparse file."""
    text = f"ImageJ=1.53t\nimages={planes}\nframes={planes}\nhyperstack=true\n\0".encode()
    tags = [(256, 4, 1, size), (257, 4, 1, size), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)]
    head = 8 + 2 + 12 * 9 + 4
    offset = head + len(text)
    tags += [(270, 2, len(text), head), (273, 4, 1, offset), (278, 4, 1, size), (279, 4, 1, size * size * 2)]
    with path.open("wb") as file:
        file.write(struct.pack("<2sHIH", b"II", 42, 8, len(tags)))
        for code, kind, count, value in tags:
            file.write(struct.pack("<HHII", code, kind, count, value))
        file.write(struct.pack("<I", 0) + text)
        file.seek(offset + (planes - 1) * size * size * 2)
        file.write(struct.pack("<H", 4321))
        file.truncate(offset + planes * size * size * 2)
    return path


def test_an_imagej_stack_past_4_gb_is_not_loaded(tmp_path):
    path = big_imagej(tmp_path / "a.tif", 2200, 1024)
    assert path.stat().st_size > 2**32
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stack = open_stack(path)
    assert (stack.axes, stack.shape, stack.meta.findings) == ("TYX", (2200, 1024, 1024), ())
    assert stack.plane(T=2199)[0, 0] == 4321
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 60e6
    assert isinstance(stack.source, RawSource)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.tif", b"", "empty"),
        ("text.tif", b"x,y,intensity\n1,2,3\n", "text"),
        ("picture.tif", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        ("noise.tif", bytes(range(200, 256)) * 10, "not an image of a known format"),
        ("cut.tif", b"II*\0", "copy or export it again"),
        ("nopages.tif", b"II*\0\0\0\0\0", "no image"),
        ("loop.tif", b"II*\0\x08\0\0\0" + bytes(20), "damaged|no image"),
    ],
)
def test_files_that_are_no_images_are_refused_in_a_sentence(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(QuietfieldError, match=words) as caught:
        open_stack(path)
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(QuietfieldError, match="does not exist"):
        open_stack(tmp_path / "no.tif")
    with pytest.raises(QuietfieldError, match="no image of a known format"):
        open_stack(tmp_path)
    with pytest.raises(QuietfieldError, match="no files"):
        open_stack([])


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tif", ramp(4, 5))

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(QuietfieldError, match="may not be read"):
        open_stack(path)


def test_complex_and_sizeless_images_are_refused(tmp_path):
    with pytest.raises(QuietfieldError, match="complex"):
        open_stack(write(tmp_path / "a.tif", ramp(4, 5, dtype="complex64")))
    path = tmp_path / "b.tif"
    with pytest.warns(UserWarning, match="zero-size"):
        tifffile.imwrite(path, np.zeros((0, 5, 6), np.uint8), photometric="minisblack")
    with pytest.raises(QuietfieldError, match=r"b\.tif"):
        open_stack(path)


@pytest.mark.parametrize("compression", [1, 8])
def test_a_claim_of_terabytes_is_refused_before_memory_is_asked_for(tmp_path, compression):
    path = big_imagej(tmp_path / "a.tif", 1, 16)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 10 + 8, 2_000_000)  # width
    struct.pack_into("<I", data, 22 + 8, 2_000_000)  # height
    struct.pack_into("<H", data, 46 + 8, compression)
    path.write_bytes(data)
    with pytest.raises(QuietfieldError, match="8 TB"):
        open_stack(path)


def test_an_ome_claim_of_billions_of_planes_is_refused(tmp_path):
    xml = (
        f'{OME}><Image ID="Image:0"><Pixels ID="Pixels:0" {PIXELS} SizeZ="90000" SizeT="90000">'
        '<TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>'
    )
    path = write(tmp_path / "a.ome.tif", ramp(6, 7), description=xml.encode(), metadata=None, ome=False)
    with pytest.raises(QuietfieldError, match="more planes"):
        open_stack(path)


def test_nothing_reaches_the_log_or_the_screen(tmp_path, caplog, capfd):
    _, files = multifile(tmp_path)
    files[1].unlink()
    with caplog.at_level(logging.DEBUG):
        open_stack(files[0]).read()
    assert not [r for r in caplog.records if r.name == "tifffile"]
    assert capfd.readouterr() == ("", "")
    logging.getLogger("tifffile").warning("someone else's")
    assert "someone else's" in caplog.text


def test_reinterpret_changes_the_meaning_not_the_pixels():
    array = ramp(3, 4, 5, 6)
    stack = Stack.of(array, "TZYX", spacing={"T": 2.0, "Z": 0.3, "X": 0.1}, axes_certain=False, name="a.tif")
    swapped = reinterpret(stack, "ZTYX")
    assert (swapped.axes, swapped.shape) == ("TZYX", (4, 3, 5, 6))
    np.testing.assert_array_equal(swapped.read(), array.swapaxes(0, 1))
    assert swapped.meta.spacing == {"X": 0.1}
    assert swapped.meta.axes_certain
    assert reinterpret(stack, "tcyx").shape == (3, 4, 5, 6)
    for wrong in ("ZYX", "TTYX", "QZYX", "YXTZ"):
        with pytest.raises(QuietfieldError, match=r"[Aa]xes"):
            reinterpret(stack, wrong)


def test_axes_can_be_given_when_opening(tmp_path):
    stack = open_stack(write(tmp_path / "a.tif", ramp(5, 6, 7)), axes="ZYX")
    assert (stack.axes, stack.meta.axes_certain) == ("ZYX", True)


@needs_data
@pytest.mark.parametrize(
    ("name", "axes", "shape", "dtype", "certain"),
    [
        ("convallaria_one_frame", "YX", (1024, 1024), "uint16", True),
        ("cryo_tomogram_zyx", "TYX", (101, 135, 135), "float32", False),
        ("fmd_bpae_float32", "ZYX", (3, 512, 512), "float32", False),
        ("lysosomes_live_tyx", "TYX", (50, 128, 128), "uint16", True),
        ("nuclei_zyx", "TYX", (60, 256, 256), "uint16", False),
        ("pims_stuck", "TYX", (5, 512, 512), "uint16", False),
        ("sem_n2v", "YX", (471, 1690), "float32", True),
        ("timelapse_tyx", "TYX", (30, 511, 511), "uint8", False),
        ("two_photon_tyx", "TYX", (20, 128, 256), "uint16", False),
    ],
)
def test_real_stacks(name, axes, shape, dtype, certain):
    path = DATA / "stacks" / f"{name}.tif"
    stack = open_stack(path)
    found = (stack.axes, stack.shape, stack.dtype.name, stack.meta.axes_certain, stack.meta.findings)
    assert found == (axes, shape, dtype, certain, ())
    np.testing.assert_array_equal(stack.read(), tifffile.imread(path))


@needs_data
def test_the_calibration_of_a_real_time_lapse():
    meta = open_stack(DATA / "stacks" / "lysosomes_live_tyx.tif").meta
    assert meta.spacing == pytest.approx({"X": 1 / 7.739899, "Y": 1 / 7.739899})
    assert meta.display_ranges == ((71.0, 21831.0),)
    # 1 pixel a centimetre is what ImageJ leaves where nobody calibrated
    assert open_stack(DATA / "stacks" / "convallaria_one_frame.tif").meta.spacing == {}
