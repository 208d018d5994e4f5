"""Metadata is written where it still describes the pixels, and only there."""

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.files import open_stack, reinterpret, save_stack
from core.methods.outputs import DECONVOLVED, EXPECTED_ERROR, RESULT
from core.stack import Metadata, Stack

SIZES = {"T": 3, "C": 2, "Z": 4}
POSITIONED = {"ROI", "Overlays", "Plot"}


def rich(path, axes="TZCYX"):
    """Write an ImageJ hyperstack with an overlay, a selection, labels, and a note on the image."""
    array = np.arange(np.prod([SIZES.get(a, 6) for a in axes]), dtype=np.uint16)
    array = array.reshape([SIZES.get(a, 6) for a in axes])
    planes = array.size // 36
    about = {
        "axes": axes, "unit": "um", "spacing": 0.5, "finterval": 2.0, "fps": 5.0, "loop": True,
        "Labels": [f"label {n}" for n in range(planes)], "Info": "NA = 1.4\n",
        "Overlays": b"Iout" + bytes(60), "ROI": b"Iout" + bytes(range(60)), "min": 3.0, "max": 99.0,
    }  # fmt: skip
    options = {"resolution": (4, 4), "resolutionunit": 1, "photometric": "minisblack"}
    tifffile.imwrite(path, array, imagej=True, metadata=about, **options)
    return open_stack(path)


def saved(path, stack, **options):
    """ImageJ metadata of a stack that is saved."""
    save_stack(path, stack, **options)
    with tifffile.TiffFile(path) as file:
        return dict(file.imagej_metadata)


ranges = st.tuples(st.integers(-30000, 30000), st.integers(1, 30000)).map(
    lambda r: (float(r[0]), float(sum(r)))
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)


@settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    axes=st.sets(st.sampled_from("TCZ")),
    dtype=st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    data=st.data(),
)
def test_what_is_written_is_read_back_by_us_and_by_tifffile(tmp_path, axes, dtype, data):
    letters = "".join(a for a in "TCZ" if a in axes) + "YX"
    sizes = [SIZES.get(a, 6) for a in letters]
    channels, planes = (SIZES["C"] if "C" in axes else 1), int(np.prod(sizes[:-2]))
    pixels = np.random.default_rng(3).integers(-90, 90, sizes).astype(dtype)
    limits = (-32768, 32767) if dtype == "int16" else (0, 65535)
    shown = [(max(a, limits[0]), min(b, limits[1])) for a, b in (data.draw(ranges) for _ in range(channels))]
    labelled = planes > 1 and data.draw(st.booleans())
    drawn = [data.draw(texts) for _ in range(planes if labelled else 0)]
    meta = Metadata(
        name="a", spacing={"X": 0.25, "Y": 0.5, "Z": 1.5, "T": 3.0},
        labels=tuple(drawn),
        display_ranges=tuple(shown) if all(a < b for a, b in shown) else (),
        luts=tuple(np.full((3, 256), n + 1, np.uint8) for n in range(channels)) if channels > 1 else (),
    )  # fmt: skip
    path = tmp_path / "a.tif"
    save_stack(path, Stack.of(pixels, letters, meta), taken="replace")
    again = open_stack(path)
    assert (again.axes, again.dtype, again.meta.findings) == (letters, np.dtype(dtype), ())
    np.testing.assert_array_equal(again.read(), pixels)
    assert again.meta.spacing == pytest.approx({a: v for a, v in meta.spacing.items() if a in letters})
    assert (again.meta.labels, again.meta.display_ranges) == (meta.labels, meta.display_ranges)
    np.testing.assert_array_equal(again.meta.luts, meta.luts)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        found = series.asarray()
        order = [series.axes.index(axis) for axis in letters]
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found.transpose(order), pixels)


def test_results_keep_what_lies_on_the_image(tmp_path):
    stack = rich(tmp_path / "a.tif", "TZYX")
    result = Stack.of(stack.read().astype(np.float32), stack.axes, RESULT.describe(stack.meta))
    about = saved(tmp_path / "b.tif", result, dtype="uint16")
    assert about["Labels"] == list(stack.meta.labels)
    assert {"ROI", "Overlays", "Info"} <= about.keys()
    assert (about["min"], about["max"]) == (3.0, 99.0)


def test_the_display_range_of_an_image_is_not_that_of_its_error(tmp_path):
    stack = rich(tmp_path / "a.tif", "TYX")
    error = Stack.of(np.ones(stack.shape, np.float32), stack.axes, EXPECTED_ERROR.describe(stack.meta))
    assert not {"min", "max", "Ranges"} & saved(tmp_path / "b.tif", error).keys()
    assert DECONVOLVED.describe(stack.meta).display_ranges == ((3.0, 99.0),)


def test_a_region_has_its_own_channels_and_no_labels_of_others(tmp_path):
    meta = Metadata(
        channel_names=("GFP", "RFP"), display_ranges=((0.0, 1.0), (2.0, 3.0)), labels=tuple("abcdef"),
        imagej=rich(tmp_path / "a.tif").meta.imagej, spacing={"X": 0.25, "Z": 0.5},
    )  # fmt: skip
    stack = Stack.of(np.zeros((2, 3, 6, 6), np.uint16), "CZYX", meta)
    part = stack.crop(stack.region(C=1, Y=slice(2, 5)))
    assert part.meta.channel_names == ("RFP",)
    assert part.meta.display_ranges == ((2.0, 3.0),)
    about = saved(tmp_path / "b.tif", part)
    assert not {"Labels", *POSITIONED} & about.keys()
    assert about["spacing"] == 0.5
    assert stack.crop(stack.region()).meta is stack.meta


def test_time_points_that_are_depths_keep_their_labels_but_not_their_interval(tmp_path):
    stack = reinterpret(rich(tmp_path / "a.tif", "TYX"), "ZYX")
    about = saved(tmp_path / "b.tif", stack)
    assert about["Labels"] == ["label 0", "label 1", "label 2"]
    assert {"ROI", "Overlays"} <= about.keys()
    assert not {"finterval", "fps"} & about.keys()
    assert open_stack(tmp_path / "b.tif").meta.spacing == {"X": 0.25, "Y": 0.25}


def test_planes_in_another_order_lose_their_labels_and_overlays(tmp_path):
    stack = rich(tmp_path / "a.tif")
    swapped = reinterpret(stack, "ZCTYX")
    assert swapped.meta.labels == ()
    assert not {"Labels", *POSITIONED} & saved(tmp_path / "b.tif", swapped).keys()
    save_stack(tmp_path / "c.ome.tif", stack)
    xml = reinterpret(open_stack(tmp_path / "c.ome.tif"), "ZCTYX").meta.ome_xml
    assert xml == ""


def test_overlays_of_the_first_file_are_not_those_of_a_folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("1.tif", "2.tif"):
        rich(folder / name, "YX")
    about = saved(tmp_path / "b.tif", open_stack(folder))
    assert not POSITIONED & about.keys()
    assert about["Info"] == "NA = 1.4\n"


def test_lists_of_scifio_are_not_written_but_what_they_say(tmp_path):
    text = (
        "SCIFIO=0.42.0\naxes=X,Y,Z,Channel\nlengths=6,6,4,3\nscales=0.25,0.25,1.5,1.0\n"
        "units=\\u00B5m,\\u00B5m,\\u00B5m,null\nbitsPerPixel=12\nimages=12\nchannels=3\nslices=4\nframes=1\n"
        "hyperstack=true\nmode=composite\nunit=\\u00B5m\n"
    )
    pixels = np.arange(12 * 36, dtype=np.uint16).reshape(3, 4, 6, 6)
    options = {
        "photometric": "minisblack",
        "metadata": None,
        "resolution": (40000, 40000),
        "resolutionunit": 3,
    }
    tifffile.imwrite(tmp_path / "a.tif", pixels.reshape(12, 6, 6), description=text, **options)
    stack = open_stack(tmp_path / "a.tif")
    about = saved(tmp_path / "b.tif", stack)
    assert not {"SCIFIO", "axes", "lengths", "scales", "units", "bitsPerPixel", "bitsperpixel"} & about.keys()
    again = open_stack(tmp_path / "b.tif")
    np.testing.assert_array_equal(again.read(), pixels)
    assert again.meta.spacing == pytest.approx({"X": 0.25, "Y": 0.25, "Z": 1.5})
    assert (again.axes, again.meta.findings) == ("CZYX", ())
