"""Saving and reading of stacks."""

import dataclasses
import errno
import importlib.util
import json
import os

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import QuietfieldError
from core.files import open_stack, read_recipe, save_stack, saving, write_text
from core.files.convert import Converter
from core.files.readers.tiff import TiffReader
from core.findings import kinds
from core.progress import Cancelled, Context
from core.stack import ArraySource, Stack
from tests.data import DATA, needs_data

SIZES = {"T": 4, "C": 3, "Z": 2}
RECIPE = '{"quietfield": "0.1.0", "schema": 1, "source": {"name": "a \\u00b5"}, "steps": [' \
    '{"method": "median", "version": 1, "params": {"radius": 2}, "output": "result"}]}'  # fmt: skip
IMAGEJ_NOT = {
    "uint32": "float32", "int8": "int16", "int32": "float32", "float16": "float32", "float64": "float32",
    "bool": "uint8",
}  # fmt: skip
OME_NOT = {"bool": "uint8", "float16": "float32"}


def parsed(xml):
    """OME-XML read by ome-types, and checked against the schema where a validator is installed."""
    ome_types = pytest.importorskip("ome_types")
    return ome_types.from_xml(xml, validate=any(map(importlib.util.find_spec, ("lxml", "xmlschema"))))


def same_json(a, b):
    return json.loads(a) == json.loads(b)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    axes=st.sets(st.sampled_from("TCZ")),
    dtype=st.sampled_from(["uint8", "uint16", "int16", "float32", *IMAGEJ_NOT]),
    form=st.sampled_from(["imagej", "ome"]),
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    limit=st.sampled_from([1, 100, 2**26]),
)
def test_every_stack_comes_back(tmp_path, monkeypatch, axes, dtype, form, rows, columns, limit):
    letters = "".join(a for a in "TCZ" if a in axes) + "YX"
    shape = (*(SIZES[a] for a in letters[:-2]), rows, columns)
    array = (np.random.default_rng(rows * columns).random(shape) * 100).astype(dtype)
    stack = Stack.of(
        array, letters, name="a", spacing={"X": 0.1083, "Y": 0.2, "Z": 0.5, "T": 2.5},
        channel_names=("GFP", "mCherry", "µ") if "C" in axes else (),
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(saving.slabs, "__defaults__", (limit,))
        saved = save_stack(tmp_path / "a.tif", stack, format=form, recipe=RECIPE, taken="replace")
    assert saved.dtype == {**(IMAGEJ_NOT if form == "imagej" else OME_NOT)}.get(dtype, dtype)
    assert bool(saved.findings) == (saved.dtype != dtype)
    assert (saved.clipped, saved.total, saved.format) == (0, array.size, form)
    back = open_stack(tmp_path / "a.tif")
    assert (back.axes, back.shape, back.dtype.name) == (letters, shape, saved.dtype)
    np.testing.assert_array_equal(back.read(), array.astype(saved.dtype))
    known = {a: v for a, v in stack.meta.spacing.items() if a in letters}
    assert back.meta.spacing == pytest.approx(known, rel=1e-6)
    assert back.meta.channel_names == stack.meta.channel_names
    assert same_json(read_recipe(tmp_path / "a.tif"), RECIPE)
    assert back.meta.findings == ()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tif"]


def full_imagej(path, dtype="uint16"):
    """An ImageJ hyperstack with all metadata of ImageJ."""
    array = (np.arange(3 * 2 * 2 * 8 * 9) % 199).reshape(3, 2, 2, 8, 9).astype(dtype)  # TZCYX
    ramp = np.arange(256, dtype=np.uint8)
    black = np.zeros(256, np.uint8)
    metadata = {
        "axes": "TZCYX", "unit": "\\u00B5m", "spacing": 0.3, "finterval": 0.5, "loop": True,
        "mode": "composite", "xorigin": 3.5, "min": 10.0, "max": 300.0, "Ranges": (10.0, 300.0, 5.0, 99.0),
        "LUTs": [np.stack([black, ramp, black]), np.stack([ramp, black, ramp])],
        "Labels": [f"label {i} µ" for i in range(12)], "Info": "Microscope = µManager\nNA = 1.4\n",
        "Overlays": b"Iout" + bytes(60), "ROI": b"Iout" + bytes(range(60)), "Properties": {"key": "value"},
    }  # fmt: skip
    tifffile.imwrite(
        path, array, imagej=True, photometric="minisblack", metadata=metadata,
        resolution=(1 / 0.1083, 1 / 0.1083), resolutionunit=1,
    )  # fmt: skip
    return array


def imagej_facts(path):
    with tifffile.TiffFile(path) as file:
        facts = dict(file.imagej_metadata)
        tags = file.pages.first.tags
        facts["tags"] = [tags[t].value for t in ("XResolution", "YResolution", "ResolutionUnit")]
        facts["axes"] = file.series[0].axes
    facts["LUTs"] = [lut.tolist() for lut in facts["LUTs"]]
    return facts


@pytest.mark.parametrize("dtype", [None, "float32"])
def test_all_that_imagej_knows_survives(tmp_path, dtype):
    full_imagej(tmp_path / "a.tif")
    stack = open_stack(tmp_path / "a.tif")
    save_stack(tmp_path / "b.tif", stack, dtype=dtype)
    before, after = imagej_facts(tmp_path / "a.tif"), imagej_facts(tmp_path / "b.tif")
    assert after == before
    again = open_stack(tmp_path / "b.tif")
    for field in dataclasses.fields(stack.meta):
        if field.name not in ("name", "path", "imagej", "luts"):
            assert getattr(again.meta, field.name) == getattr(stack.meta, field.name), field.name
    np.testing.assert_array_equal(again.meta.luts, stack.meta.luts)
    np.testing.assert_array_equal(again.read(), stack.read())


def test_the_history_is_added_to_the_information_on_the_image(tmp_path):
    full_imagej(tmp_path / "a.tif")
    save_stack(tmp_path / "b.tif", open_stack(tmp_path / "a.tif"), recipe=RECIPE)
    info = imagej_facts(tmp_path / "b.tif")["Info"]
    assert info.startswith("Microscope = µManager\nNA = 1.4\nProcessed with Quietfield")
    assert "median(radius=2)" in info
    assert same_json(read_recipe(tmp_path / "b.tif"), RECIPE)
    second = RECIPE.replace("median", "gaussian")
    save_stack(tmp_path / "c.tif", open_stack(tmp_path / "b.tif"), recipe=second)
    assert same_json(read_recipe(tmp_path / "c.tif"), second)
    assert read_recipe(tmp_path / "a.tif") == ""


def test_the_colours_of_a_single_channel_survive(tmp_path):
    colours = np.zeros((3, 256), np.uint16)
    colours[1] = np.arange(256) << 8
    for dtype in (np.uint8, np.uint16):
        array = np.arange(60, dtype=dtype).reshape(3, 4, 5)
        tifffile.imwrite(
            tmp_path / "a.tif",
            array,
            imagej=True,
            colormap=colours,
            metadata={"axes": "TYX", "min": 1.0, "max": 50.0},
        )
        stack = open_stack(tmp_path / "a.tif")
        np.testing.assert_array_equal(stack.meta.luts[0][1], np.arange(256))
        assert stack.meta.display_ranges == ((1.0, 50.0),)
        save_stack(tmp_path / "b.tif", stack, taken="replace")
        again = open_stack(tmp_path / "b.tif")
        assert (again.axes, again.meta.display_ranges) == ("TYX", ((1.0, 50.0),))
        np.testing.assert_array_equal(again.meta.luts, stack.meta.luts)
        with tifffile.TiffFile(tmp_path / "b.tif") as file:
            np.testing.assert_array_equal(file.pages.first.colormap, colours)


def test_changed_calibration_and_axes_are_written_not_the_old_ones(tmp_path):
    full_imagej(tmp_path / "a.tif")
    stack = open_stack(tmp_path / "a.tif").replace(spacing={"X": 0.25, "Y": 0.25, "Z": 1.0})
    for name in ("b.tif", "b.ome.tif"):
        save_stack(tmp_path / name, stack)
        assert open_stack(tmp_path / name).meta.spacing == pytest.approx({"X": 0.25, "Y": 0.25, "Z": 1.0})


def rich_ome(path):
    array = (np.arange(3 * 2 * 8 * 9) % 199).reshape(3, 2, 8, 9).astype(np.uint16)
    xml = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"
 UUID="urn:uuid:11111111-1111-1111-1111-111111111111">
<Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="1.4"/></Instrument>
<Image ID="Image:0" Name="cells µ"><Description>two colours</Description><InstrumentRef ID="Instrument:0"/>
<ObjectiveSettings ID="Objective:0"/>
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SignificantBits="12" BigEndian="false"
 SizeX="9" SizeY="8" SizeZ="1" SizeC="2" SizeT="3" PhysicalSizeX="108.3" PhysicalSizeXUnit="nm"
 PhysicalSizeY="108.3" PhysicalSizeYUnit="nm" TimeIncrement="500" TimeIncrementUnit="ms">
<Channel ID="Channel:0:0" Name="GFP" Color="16711935" EmissionWavelength="510"/>
<Channel ID="Channel:0:1" Name="RFP"/>
<TiffData IFD="0" PlaneCount="6"/>
<Plane TheZ="0" TheC="0" TheT="0" DeltaT="0.0" ExposureTime="0.1"/></Pixels>
<AnnotationRef ID="Annotation:0"/></Image>
<StructuredAnnotations><MapAnnotation ID="Annotation:0"><Value><M K="gain">3</M></Value></MapAnnotation>
</StructuredAnnotations>
<ROI ID="ROI:0"><Union><Point ID="Shape:0" X="1" Y="2"/></Union></ROI></OME>"""
    tifffile.imwrite(
        path,
        array.reshape(6, 8, 9),
        photometric="minisblack",
        metadata=None,
        ome=False,
        description=xml.encode(),
    )
    return array


def test_what_ome_xml_says_survives_and_stays_valid(tmp_path):
    array = rich_ome(tmp_path / "a.ome.tif")
    stack = open_stack(tmp_path / "a.ome.tif")
    assert (stack.axes, stack.meta.channel_names) == ("TCYX", ("GFP", "RFP"))
    np.testing.assert_array_equal(stack.read(), array)
    result = Stack(ArraySource(stack.read().astype(np.float32)), stack.axes, stack.meta)
    save_stack(tmp_path / "b.ome.tif", result, recipe=RECIPE)
    save_stack(
        tmp_path / "c.ome.tif", open_stack(tmp_path / "b.ome.tif"), recipe=RECIPE.replace("median", "box")
    )
    again = open_stack(tmp_path / "b.ome.tif")
    assert (again.meta.spacing, again.meta.channel_names) == (stack.meta.spacing, stack.meta.channel_names)
    np.testing.assert_array_equal(again.read(), array.astype(np.float32))
    assert same_json(read_recipe(tmp_path / "b.ome.tif"), RECIPE)
    assert '"box"' in read_recipe(tmp_path / "c.ome.tif")
    for name in ("b.ome.tif", "c.ome.tif"):
        with tifffile.TiffFile(tmp_path / name) as file:
            ome = parsed(file.ome_metadata)
        pixels = ome.images[0].pixels
        assert (pixels.type.value, pixels.dimension_order.value) == ("float", "XYZCT")
        assert pixels.significant_bits is None
        assert pixels.channels[0].emission_wavelength == 510
        assert pixels.physical_size_x == 108.3
        assert pixels.planes[0].exposure_time == 0.1
        assert ome.instruments[0].objectives[0].lens_na == 1.4
        assert ome.images[0].description == "two colours"
        assert ome.rois[0].union[0].x == 1
        assert ome.structured_annotations.map_annotations[0].value.ms[0].k == "gain"
        assert ome.creator.startswith("Quietfield")


def test_new_ome_xml_is_valid(tmp_path):
    array = np.zeros((3, 2, 4, 5, 6), np.int32)
    luts = tuple(np.outer(c, np.arange(256)).astype(np.uint8) for c in ([1, 0, 0], [0, 1, 1]))
    stack = Stack.of(
        array, "TCZYX", name="cells\x00 & <µ>", spacing={"X": 0.1, "Y": 0.1, "Z": 0.5, "T": 2.0}, luts=luts,
        channel_names=("a", "b"),
    )  # fmt: skip
    save_stack(tmp_path / "a.ome.tif", stack, recipe=RECIPE)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        ome = parsed(file.ome_metadata)
        assert file.series[0].axes == "TCZYX"
    pixels = ome.images[0].pixels
    assert (pixels.size_t, pixels.size_c, pixels.size_z, pixels.type.value) == (3, 2, 4, "int32")
    assert (pixels.time_increment, pixels.physical_size_z_unit.value) == (2.0, "µm")
    assert [c.color.as_rgb_tuple()[:3] for c in pixels.channels] == [(255, 0, 0), (0, 255, 255)]
    assert open_stack(tmp_path / "a.ome.tif").meta.channel_names == ("a", "b")


def test_one_image_of_a_file_with_several_is_kept(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        for name, shape in (("first", (4, 8, 9)), ("second", (5, 6, 7))):
            writer.write(
                np.ones(shape, np.uint8), photometric="minisblack", metadata={"axes": "TYX", "Name": name}
            )
    save_stack(tmp_path / "b.ome.tif", open_stack(tmp_path / "a.ome.tif", series=1))
    again = open_stack(tmp_path / "b.ome.tif")
    assert (again.shape, again.meta.findings) == ((5, 6, 7), ())
    assert 'Name="second"' in again.meta.ome_xml
    assert "first" not in again.meta.ome_xml


def test_colours_are_written_as_channels(tmp_path):
    array = np.arange(4 * 6 * 7 * 3, dtype=np.uint8).reshape(4, 6, 7, 3)
    tifffile.imwrite(tmp_path / "a.ome.tif", array, photometric="rgb", metadata={"axes": "TYXS"})
    stack = open_stack(tmp_path / "a.ome.tif")
    for name in ("b.tif", "b.ome.tif"):
        save_stack(tmp_path / name, stack)
        again = open_stack(tmp_path / name)
        assert again.axes == "TCYX"
        np.testing.assert_array_equal(again.read(), np.moveaxis(array, -1, 1))


@pytest.mark.parametrize("form", ["imagej", "ome"])
def test_files_past_4_gb_take_the_layout_made_for_them(tmp_path, monkeypatch, form):
    monkeypatch.setattr(saving, "CLASSIC_BYTES", 1000)
    array = np.arange(6 * 20 * 30, dtype=np.uint16).reshape(6, 20, 30)
    path = save_stack(tmp_path / "a.tif", Stack.of(array, "ZYX", spacing={"Z": 2.0}), format=form).path
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == (form == "ome")
        assert len(file.pages) == (6 if form == "ome" else 1)
    again = open_stack(path)
    assert (again.axes, again.meta.spacing, again.meta.findings) == ("ZYX", {"Z": 2.0}, ())
    np.testing.assert_array_equal(again.read(), array)


@pytest.mark.parametrize(
    ("dtype", "values", "expected", "clipped"),
    [
        ("uint8", [-1.0, -0.5, 0.5, 1.5, 2.5, 255.4, 256.0, np.inf], [0, 0, 0, 2, 2, 255, 255, 255], 3),
        ("uint16", [65535.4, 65536.0, -np.inf, 7.0], [65535, 65535, 0, 7], 2),
        ("int16", [-32768.4, -32769.0, 32767.0, 40000.0], [-32768, -32768, 32767, 32767], 2),
        ("uint32", [4294967040.0, 4294967296.0, -3.0], [4294967040, 4294967295, 0], 2),
        ("int32", [2147483520.0, 2147483648.0, -2147483648.0], [2147483520, 2147483647, -2147483648], 1),
    ],
)
def test_rounding_half_to_even_and_clipping(dtype, values, expected, clipped):
    convert = Converter(np.dtype(dtype))
    out = convert(np.array(values, np.float32))
    assert out.dtype == np.dtype(dtype)
    assert out.tolist() == expected
    assert (convert.clipped, convert.total) == (clipped, len(values))


def test_what_did_not_fit_is_counted_and_said(tmp_path):
    array = np.zeros((2, 4, 5), np.float32)
    array[0, 0, :3], array[1, 1, :2] = 70000, np.nan
    saved = save_stack(tmp_path / "a.tif", Stack.of(array, "TYX"), dtype="uint16")
    assert (saved.clipped, saved.total, saved.dtype) == (3, 40, "uint16")
    assert [(f.kind, f.value, f.details["total"]) for f in saved.findings] == [
        (kinds.PIXELS_CLIPPED, 3, 40), (kinds.UNDEFINED_AS_ZERO, 2, 40),
    ]  # fmt: skip
    assert "3 of 40 pixels were outside 0 to 65535" in saved.findings[0].text
    back = open_stack(tmp_path / "a.tif").read()
    assert back[0, 0, 0] == 65535
    assert back[1, 1, 0] == 0


@given(
    source=st.sampled_from(
        ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "bool"]
    ),
    target=st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32"]),
    data=st.data(),
)
@settings(deadline=None, derandomize=True)
def test_integers_between_types(source, target, data):
    dtype = np.dtype(source)
    low, high = (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    values = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=8))
    convert = Converter(np.dtype(target))
    limits = np.iinfo(target)
    expected = [min(max(v, limits.min), limits.max) for v in values]
    assert convert(np.array(values, dtype)).tolist() == expected
    assert convert.clipped == sum(a != b for a, b in zip(values, expected, strict=True))


def test_doubles_too_large_for_float32_are_clipped():
    convert = Converter(np.dtype(np.float32))
    out = convert(np.array([1e300, -1e300, np.inf, np.nan, 1.5]))
    limit = np.finfo(np.float32).max
    np.testing.assert_array_equal(out, np.array([limit, -limit, np.inf, np.nan, 1.5], np.float32))
    assert convert.clipped == 2


def stack_of(shape=(6, 8, 9)):
    return Stack.of(np.arange(np.prod(shape), dtype=np.uint16).reshape(shape), "TYX", name="a.tif")


def test_existing_files_are_replaced_only_on_request(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"old")
    with pytest.raises(QuietfieldError, match="exists already"):
        save_stack(path, stack_of())
    assert path.read_bytes() == b"old"
    save_stack(path, stack_of(), taken="replace")
    assert open_stack(path).shape == (6, 8, 9)


def test_originals_are_never_overwritten(tmp_path):
    path = save_stack(tmp_path / "a.tif", stack_of()).path
    before = path.read_bytes()
    (tmp_path / "b").symlink_to(path)
    (tmp_path / "folder").mkdir()
    first = save_stack(tmp_path / "folder" / "1.tif", stack_of()).path
    save_stack(tmp_path / "folder" / "2.tif", stack_of())
    for stack, target in (
        (open_stack(path), path),
        (open_stack(tmp_path / "b"), path),
        (open_stack(tmp_path / "folder"), first),
    ):
        with pytest.raises(QuietfieldError, match="never overwritten"):
            save_stack(target, stack, taken="replace", format="imagej")
    assert path.read_bytes() == before


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("stop", [0.0, 0.3, 0.97, 0.98])
def test_cancelled_at_any_stage_leaves_nothing(tmp_path, stop, existing):
    path = tmp_path / "a.tif"
    if existing:
        path.write_bytes(b"old")
    context = Context(lambda fraction, text: context.cancel() if fraction >= stop else None)
    with pytest.raises(Cancelled):
        save_stack(path, stack_of(), context=context, taken="replace")
    assert list(tmp_path.iterdir()) == ([path] if existing else [])
    assert not existing or path.read_bytes() == b"old"


class Failing:
    """Pixels that cannot be computed beyond some plane."""

    shape, dtype = (40, 1024, 1024), np.dtype(np.uint16)

    def read(self, region):
        if region[0].stop > 30:
            raise ZeroDivisionError
        return np.zeros([s.stop - s.start for s in region], self.dtype)


def test_failing_computations_leave_nothing(tmp_path):
    assert len(list(saving.slabs(Stack(Failing(), "TYX"), "T"))) > 2
    with pytest.raises(ZeroDivisionError):
        save_stack(tmp_path / "a.tif", Stack(Failing(), "TYX"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "not permitted"), (errno.EROFS, "write-protected")],
)
@pytest.mark.parametrize("where", ["tifffile.FileHandle.write_array", "os.fsync"])
def test_a_disk_that_refuses_leaves_nothing(tmp_path, monkeypatch, code, words, where):
    def refuse(*_args, **_options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(where, refuse)
    if where != "os.fsync":
        monkeypatch.setattr("tifffile.FileHandle.write_empty", refuse)
        monkeypatch.setattr("tifffile.FileHandle.write", refuse)
    with pytest.raises(QuietfieldError, match=words) as caught:
        save_stack(tmp_path / "a.tif", stack_of())
    assert str(tmp_path / "a.tif") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(QuietfieldError, match="are free on that disk"):
        save_stack(tmp_path / "a.tif", stack_of())
    assert list(tmp_path.iterdir()) == []


def test_targets_that_cannot_be(tmp_path, monkeypatch):
    with pytest.raises(QuietfieldError, match="folder does not exist"):
        save_stack(tmp_path / "no" / "a.tif", stack_of())
    with pytest.raises(QuietfieldError, match="does not end in"):
        save_stack(tmp_path / "a.png", stack_of())
    (tmp_path / "d.tif").mkdir()
    with pytest.raises(QuietfieldError, match="is a folder"):
        save_stack(tmp_path / "d.tif", stack_of(), taken="replace")
    with pytest.raises(QuietfieldError, match="complex64"):
        save_stack(tmp_path / "a.tif", stack_of(), dtype="complex64")
    with pytest.raises(QuietfieldError, match="nonsense"):
        save_stack(tmp_path / "a.tif", stack_of(), dtype="nonsense")


def test_a_target_that_is_open_elsewhere_on_windows(tmp_path, monkeypatch):
    def refuse(*_args):
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(QuietfieldError, match="open in another program"):
        save_stack(tmp_path / "a.tif", stack_of(), taken="replace")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_reads_back_differently_is_not_kept(tmp_path, monkeypatch):
    def spoil(self, pixels):
        out = pixels.astype(self.dtype)
        self.total += 1
        return out

    monkeypatch.setattr(Converter, "__call__", spoil)
    opened = TiffReader.open
    monkeypatch.setattr(TiffReader, "open", lambda *given: Stack.of(opened(*given).read() + 1, "TYX"))
    with pytest.raises(QuietfieldError, match="not written correctly"):
        save_stack(tmp_path / "a.tif", stack_of())
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(tmp_path):
    seen = []
    save_stack(tmp_path / "a.tif", stack_of(), context=Context(lambda f, t: seen.append(f)))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)


def test_recipes_beside_files(tmp_path):
    write_text(tmp_path / "a.json", RECIPE)
    write_text(tmp_path / "b.json", "[1, 2]")
    assert read_recipe(tmp_path / "a.json") == RECIPE
    assert read_recipe(tmp_path / "b.json") == ""
    with pytest.raises(QuietfieldError, match="cannot be read"):
        read_recipe(tmp_path / "no.json")
    with pytest.raises(QuietfieldError, match="does not exist"):
        read_recipe(tmp_path / "no.tif")


@needs_data
@pytest.mark.parametrize("name", ["lysosomes_live_tyx", "convallaria_one_frame", "two_photon_tyx"])
def test_real_stacks_keep_what_imagej_wrote(tmp_path, name):
    stack = open_stack(DATA / "stacks" / f"{name}.tif")
    save_stack(tmp_path / "a.tif", stack)
    again = open_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(again.read(), stack.read())
    skipped = {"images", "frames", "slices", "channels", "ImageJ", "hyperstack", "mode", "loop"}
    skipped |= {"quietfield resolution"}  # the same ratio in lowest terms
    for key in stack.meta.imagej.keys() - skipped:
        np.testing.assert_equal(again.meta.imagej[key], stack.meta.imagej[key])
    assert again.meta.spacing == pytest.approx(stack.meta.spacing)
    assert again.meta.display_ranges == stack.meta.display_ranges


def test_what_single_precision_cannot_hold_is_said(tmp_path):
    pixels = np.array([[1.0, 2.0**24, 2.0**24 + 2, -3e9]], np.float32)
    saved = save_stack(tmp_path / "a.ome.tif", Stack.of(pixels, "YX"), dtype="int32")
    assert "2 of 4 pixels are above 16,777,216" in saved.findings[-1].text
    assert save_stack(tmp_path / "b.ome.tif", Stack.of(pixels[:, :2], "YX"), dtype="int32").findings == ()


def test_infinite_pixels_in_a_file_are_said(tmp_path):
    pixels = np.array([[np.nan, np.inf, 1.0, 2.0]], np.float32)
    saved = save_stack(tmp_path / "a.tif", Stack.of(pixels, "YX"))
    assert [f.text for f in saved.findings] == ["2 of 4 pixels are infinite or NaN."]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)
