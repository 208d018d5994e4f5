"""What a file says of its pixels: calibration functions, spacing and units.

What ImageJ makes of a file is known from ImageJ 1.53t: the files were opened by `ij.io.Opener`, and their
dimensions, calibrated values, display ranges and voxel sizes printed. Descriptions are those it writes.
"""

import numpy as np
import pytest
import tifffile

from core.files import list_series, open_stack, save_stack
from core.findings import Finding, kinds
from core.stack import Stack

RNG = np.random.default_rng(5)
SIGNED = "cf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"


def write(path, array, text="", **options):
    """Write a TIFF with a description of ImageJ."""
    options = {"photometric": "minisblack", "metadata": None, **options}
    tifffile.imwrite(path, array, description=f"ImageJ=1.53t\n{text}", **options)
    return path


def kinds_of(found):
    return [finding.kind for finding in getattr(found, "meta", found).findings]


def only(stack, kind) -> Finding:
    (found,) = [finding for finding in stack.meta.findings if finding.kind is kind]
    return found


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"rowsperstrip": 5}])
def test_signed_pixels_of_fiji_have_their_own_values(tmp_path, byteorder, options):
    values = RNG.integers(-32768, 32768, (6, 20, 33)).astype(np.int16)
    values[0, 0, :3] = -32768, 0, 32767
    stored = (values.astype(np.int32) + 32768).astype(np.uint16)
    text = f"images=6\nslices=6\nspacing=0.5\n{SIGNED}min=32668.0\nmax=32968.0\n"
    path = write(tmp_path / "a.tif", stored, text, byteorder=byteorder, **options)
    stack = open_stack(path)
    assert (stack.dtype, list_series(path)[0].dtype) == (np.int16, np.int16)
    np.testing.assert_array_equal(stack.read(), values)
    np.testing.assert_array_equal(stack.plane(Z=3)[4:7, 2:9], values[3, 4:7, 2:9])
    assert stack.meta.display_ranges == ((-100.0, 200.0),)
    assert stack.meta.findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "c0=-32768.0\nc1=1.0\nvunit=Gray Value\n",  # without cf, ImageJ assumes a straight line
        "cf=1\nc0=-32768.0\nc1=1.0\nc2=0.0\nvunit=Gray Value\n",
        "cf=0\nc0=-32768\nc1=1\nvunit=\n",
    ],
)
def test_other_descriptions_of_signed_pixels(tmp_path, text):
    stack = open_stack(write(tmp_path / "a.tif", np.full((6, 7), 32468, np.uint16), text))
    assert stack.plane()[0, 0] == -300


@pytest.mark.parametrize("name", ["o.tif", "o.ome.tif"])
@pytest.mark.parametrize("dtype", [None, "int16", "float32"])
def test_exports_of_signed_pixels_have_the_values_that_fiji_shows(tmp_path, name, dtype):
    values = RNG.integers(-400, 900, (4, 9, 8)).astype(np.int16)
    text = f"images=4\nframes=4\n{SIGNED}min=32668.0\nmax=32968.0\n"
    stack = open_stack(write(tmp_path / "a.tif", (values.astype(int) + 32768).astype(np.uint16), text))
    path = save_stack(tmp_path / name, stack, dtype=dtype).path
    with tifffile.TiffFile(path) as file:
        np.testing.assert_array_equal(file.asarray(), values)
        about = file.imagej_metadata or {}
    assert not {"cf", "c0", "c1", "vunit"} & about.keys()
    again = open_stack(path)
    np.testing.assert_array_equal(again.read(), values)
    assert again.dtype == np.dtype(dtype or "int16")
    if name == "o.tif":
        assert again.meta.display_ranges == ((-100.0, 200.0),)
        # ImageJ adds 32768 to signed pixels, and compares the sum with the range
        assert about["min"] == (-100.0 if dtype == "float32" else 32668.0)


def test_display_ranges_of_signed_files(tmp_path):
    array = np.zeros((3, 6, 7), np.int16)
    path = write(tmp_path / "a.tif", array, "images=3\nslices=3\nmin=32468.0\nmax=32868.0\n")
    assert open_stack(path).meta.display_ranges == ((-300.0, 100.0),)
    path = write(tmp_path / "b.tif", array, "images=3\nslices=3\nmin=-300.0\nmax=100.0\n")
    assert open_stack(path).meta.display_ranges == ((-300.0, 100.0),)  # another program's


@pytest.mark.parametrize(
    ("dtype", "text", "words"),
    [
        ("uint16", "cf=0\nc0=-100.0\nc1=0.5\nvunit=nM\n", "straight line (-100, 0.5), to nM"),
        ("uint16", "cf=0\nc0=-100.0\nc1=1.0\nvunit=photons\n", "straight line (-100, 1), to photons"),
        ("uint16", f"{SIGNED}zeroclip=true\n", "straight line (-32768, 1), to Gray Value"),
        ("uint8", "cf=21\nvunit=OD\n", "uncalibrated optical density, to OD"),
        ("uint8", "cf=7\nc0=1\nc1=2\nc2=3\nc3=4\nvunit=OD\n", "Rodbard (1, 2, 3, 4), to OD"),
        ("int16", "cf=0\nc0=5.0\nc1=1.0\nvunit=x\n", "straight line (5, 1), to x"),
    ],
)
def test_other_calibration_functions_are_said_and_not_applied(tmp_path, dtype, text, words):
    array = np.arange(42).reshape(6, 7).astype(dtype)
    stack = open_stack(write(tmp_path / "a.tif", array, text))
    np.testing.assert_array_equal(stack.read(), array)
    assert words in only(stack, kinds.CALIBRATION_NOT_APPLIED).text


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        ("uint16", "cf=0\nc0=-32768.0\nc1=1.0\n"),  # without a unit of values, ImageJ ignores the function
        ("uint16", "cf=0\nc0=0.0\nc1=1.0\nvunit=Gray Value\n"),
        ("uint16", "cf=20\nvunit=Gray Value\n"),
        ("uint16", "cf=0\nc0=-32768.0\nvunit=Gray Value\n"),
        ("uint16", "cf=21\nvunit=OD\n"),  # it has optical densities of 8-bit pixels only
        ("uint16", "cf=none\nc0=-32768.0\nc1=many\nvunit=Gray Value\n"),
        ("int16", SIGNED),  # says what ImageJ does with signed pixels anyway
        ("float32", SIGNED),
    ],
)
def test_functions_that_imagej_does_not_apply(tmp_path, dtype, text):
    array = np.full((6, 7), 100, dtype)
    stack = open_stack(write(tmp_path / "a.tif", array, text))
    np.testing.assert_array_equal(stack.read(), array)
    assert (stack.dtype.name, stack.meta.findings) == (dtype, ())


def test_a_function_is_written_only_with_the_pixels_that_it_belongs_to(tmp_path):
    array = np.arange(42, dtype=np.uint16).reshape(6, 7)
    stack = open_stack(write(tmp_path / "a.tif", array, "cf=0\nc0=-100.0\nc1=0.5\nvunit=nM\n"))
    computed = Stack.of(array.astype(np.float32), "YX", stack.meta)

    def written(name, source, dtype=None):
        save_stack(tmp_path / name, source, dtype=dtype)
        with tifffile.TiffFile(tmp_path / name) as file:
            return {key: file.imagej_metadata.get(key) for key in ("cf", "c0", "c1", "vunit")}

    assert written("b.tif", stack) == {"cf": 0, "c0": -100.0, "c1": 0.5, "vunit": "nM"}
    for name, source, dtype in (
        ("c.tif", stack, "float32"), ("d.tif", stack, "uint8"), ("e.tif", computed, "uint16"),
        ("f.tif", computed, None),
    ):  # fmt: skip
        assert set(written(name, source, dtype).values()) == {None}


def test_eight_bit_pixels_with_half_the_range_subtracted(tmp_path):
    array = np.array([[0, 128, 255]], np.uint8)
    stack = open_stack(write(tmp_path / "a.tif", array, "cf=0\nc0=-128\nc1=1\nvunit=Gray Value\n"))
    assert stack.dtype == np.int8
    np.testing.assert_array_equal(stack.read(), [[-128, 0, 127]])


def test_a_stage_that_moves_down_has_a_spacing(tmp_path):
    text = "images=4\nslices=4\nunit=micron\nspacing=-0.5\n"
    stack = open_stack(write(tmp_path / "a.tif", np.zeros((4, 6, 7), np.uint8), text, resolution=(10, 10)))
    assert stack.meta.spacing == pytest.approx({"X": 0.1, "Y": 0.1, "Z": 0.5})  # ImageJ: 0.1, 0.1, 0.5
    assert "negative in the file (-0.5 µm)" in only(stack, kinds.SPACING_NEGATIVE).text
    for name in ("b.tif", "b.ome.tif"):
        again = open_stack(save_stack(tmp_path / name, stack).path)
        assert again.meta.spacing == pytest.approx(stack.meta.spacing)
        assert again.meta.findings == ()


OME_UNITS = {  # https://docs.openmicroscopy.org/ome-model/6.3.1/developers/ome-units.html
    "Ym": 1e30, "Zm": 1e27, "Em": 1e24, "Pm": 1e21, "Tm": 1e18, "Gm": 1e15, "Mm": 1e12, "km": 1e9, "hm": 1e8,
    "dam": 1e7, "m": 1e6, "dm": 1e5, "cm": 1e4, "mm": 1e3, "µm": 1.0, "nm": 1e-3, "pm": 1e-6, "fm": 1e-9,
    "am": 1e-12, "zm": 1e-15, "ym": 1e-18, "Å": 1e-4, "thou": 25.4, "li": 25400 / 12, "in": 25400.0,
    "ft": 304800.0, "yd": 914400.0, "mi": 1609.344e6, "ua": 149597870700e6, "ly": 9.4607304725808e21,
    "pc": 3.0856776e22, "pt": 25400 / 72,
}  # fmt: skip
OME_TIMES = {
    "Ys": 1e24, "Ps": 1e15, "Ms": 1e6, "ks": 1e3, "hs": 1e2, "das": 10.0, "s": 1.0, "ds": 0.1, "cs": 1e-2,
    "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12, "ys": 1e-24, "min": 60.0, "h": 3600.0, "d": 86400.0,
}  # fmt: skip


def ome(path, attributes, dtype=np.uint16, more=""):
    """Write an OME-TIFF with three planes along each of T and Z."""
    array = np.zeros((9, 6, 7), dtype)
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="7" SizeY="6"'
        f' SizeC="1" SizeZ="3" SizeT="3" {attributes}><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        f'<TiffData IFD="0" PlaneCount="9"/>{more}</Pixels></Image></OME>'
    )
    options = {"photometric": "minisblack", "metadata": None, "ome": False}
    tifffile.imwrite(path, array, description=xml.encode(), **options)
    return path


@pytest.mark.parametrize("unit", OME_UNITS)
def test_every_unit_of_length_of_the_ome_schema(tmp_path, unit):
    value = 0.25 / OME_UNITS[unit]
    path = ome(tmp_path / "a.ome.tif", f'PhysicalSizeZ="{value!r}" PhysicalSizeZUnit="{unit}"')
    stack = open_stack(path)
    assert stack.meta.spacing == pytest.approx({"Z": 0.25})
    assert stack.meta.findings == ()


@pytest.mark.parametrize("unit", OME_TIMES)
def test_every_unit_of_time_of_the_ome_schema(tmp_path, unit):
    value = 2.5 / OME_TIMES[unit]
    path = ome(tmp_path / "a.ome.tif", f'TimeIncrement="{value!r}" TimeIncrementUnit="{unit}"')
    assert open_stack(path).meta.spacing == pytest.approx({"T": 2.5})


@pytest.mark.parametrize("unit", ["pixel", "reference frame"])
def test_units_of_the_ome_schema_that_are_no_lengths(tmp_path, unit):
    given = f'PhysicalSizeX="2" PhysicalSizeXUnit="{unit}" PhysicalSizeZ="3" PhysicalSizeZUnit="{unit}"'
    stack = open_stack(ome(tmp_path / "a.ome.tif", given))
    assert (stack.meta.spacing, stack.meta.findings) == ({}, ())


def test_a_negative_spacing_in_ome_xml(tmp_path):
    stack = open_stack(ome(tmp_path / "a.ome.tif", 'PhysicalSizeZ="-500" PhysicalSizeZUnit="nm"'))
    assert (stack.meta.spacing, kinds_of(stack)) == ({"Z": 0.5}, [kinds.SPACING_NEGATIVE])
    again = open_stack(save_stack(tmp_path / "b.ome.tif", stack).path)
    assert (again.meta.spacing, again.meta.findings) == ({"Z": 0.5}, ())


@pytest.mark.parametrize(
    ("given", "axis", "words"),
    [
        ('PhysicalSizeZ="2" PhysicalSizeZUnit="furlong"', "Z", "2 furlong"),
        ('PhysicalSizeZ="2" PhysicalSizeZUnit="km"', "Z", "2 km"),
        ('PhysicalSizeZ="half" PhysicalSizeZUnit="µm"', "Z", "half µm"),
        ('TimeIncrement="-3" TimeIncrementUnit="s"', "T", "-3 s"),
    ],
)
def test_a_spacing_that_cannot_be_used_is_said(tmp_path, given, axis, words):
    stack = open_stack(ome(tmp_path / "a.ome.tif", given))
    found = only(stack, kinds.SPACING_UNUSABLE)
    assert (stack.meta.spacing, found.details["axis"], found.details["given"]) == ({}, axis, words)


def test_a_type_in_ome_xml_that_is_not_that_of_the_pixels_is_said(tmp_path):
    stack = open_stack(ome(tmp_path / "a.ome.tif", "", dtype=np.int16))
    assert "pixels of type uint16 (they are int16)" in only(stack, kinds.DESCRIPTION_UNFIT).text


def test_times_of_planes_in_units_of_their_own(tmp_path):
    planes = "".join(
        f'<Plane TheZ="0" TheC="0" TheT="{t}" DeltaT="{250 * t}" DeltaTUnit="ms"/>' for t in range(3)
    )
    assert open_stack(ome(tmp_path / "a.ome.tif", "", more=planes)).meta.spacing == {"T": 0.25}


@pytest.mark.parametrize(
    "unit",
    ["um", "micron", "microns", "Micron", "µm", "μm", "\\u00B5m", "\\u03BCm", "\\\\u00B5m", "Âµm", "?m",
     "µm/pixel", "micrometer", "micrometres", "um per pixel", "UM"],
)  # fmt: skip
def test_spellings_of_micrometres(tmp_path, unit):
    text = f"ImageJ=1.53t\nimages=3\nslices=3\nspacing=0.5\nunit={unit}\n"
    array = np.zeros((3, 6, 7), np.uint8)
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "metadata": None, "resolution": (4, 4), "resolutionunit": 1}
    tifffile.imwrite(path, array, description=text.encode(), **options)
    assert open_stack(path).meta.spacing == pytest.approx({"X": 0.25, "Y": 0.25, "Z": 0.5})


@pytest.mark.parametrize(
    ("unit", "interval", "seconds"),
    [("ms", 5, 5e-3), ("msec", 5, 5e-3), ("µs", 5, 5e-6), ("min", 2, 120), ("hours", 1, 3600), ("sec", 3, 3)],
)  # fmt: skip
def test_units_of_time_of_imagej(tmp_path, unit, interval, seconds):
    text = f"images=3\nframes=3\nfinterval={interval}\ntunit={unit.replace('µ', chr(92) + 'u00B5')}\n"
    stack = open_stack(write(tmp_path / "a.tif", np.zeros((3, 6, 7), np.uint8), text))
    assert stack.meta.spacing == pytest.approx({"T": seconds})
    again = open_stack(save_stack(tmp_path / "b.tif", stack).path)
    assert again.meta.spacing == pytest.approx(stack.meta.spacing)


@pytest.mark.parametrize(
    ("unit", "tag", "expected"),
    [
        ("um", 3, {"X": 10.0, "Y": 20.0, "Z": 0.5}),  # ImageJ: 10, 20, 0.5
        ("um", 1, {"X": 0.001, "Y": 0.002, "Z": 0.5}),
        ("micron", 3, {"X": 0.001, "Y": 0.002, "Z": 0.5}),
        ("pixel", 3, {}),
    ],
)
def test_resolution_tags_in_centimetres(tmp_path, unit, tag, expected):
    text = f"images=3\nslices=3\nspacing=0.5\nunit={unit}\n"
    array = np.zeros((3, 6, 7), np.uint8)
    path = write(tmp_path / "a.tif", array, text, resolution=(1000, 500), resolutionunit=tag)
    assert open_stack(path).meta.spacing == pytest.approx(expected)


def test_what_nobody_calibrated_has_no_spacing(tmp_path):
    text = "images=3\nslices=3\nspacing=1.0\nunit=inch\n"
    array = np.zeros((3, 6, 7), np.uint8)
    stack = open_stack(write(tmp_path / "a.tif", array, text, resolution=(72, 72), resolutionunit=2))
    assert (stack.meta.spacing, stack.meta.findings) == ({}, ())


def test_words_of_tifffile_in_json(tmp_path):
    about = {"axes": "ZYX", "spacing": 0.3, "unit": "um", "PhysicalSizeX": 108.0, "PhysicalSizeXUnit": "nm"}
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((3, 6, 7), np.uint8), metadata=about, photometric="minisblack"
    )
    assert open_stack(tmp_path / "a.tif").meta.spacing == pytest.approx({"X": 0.108, "Z": 0.3})
