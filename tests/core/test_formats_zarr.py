"""Zarr: what is read of files that the library and other programs write, and what is written."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import list_series, open_stack, read_recipe, save_stack
from core.findings import format_kinds
from core.progress import Cancelled, Context
from core.psf.metadata import find_optics
from core.stack import Stack
from tests.data import DATA, needs_data

zarr = pytest.importorskip("zarr")

PIXELS = np.random.default_rng(0).integers(0, 60000, (2, 3, 4, 70, 90)).astype(np.uint16)
AXES = [
    {"name": "t", "type": "time", "unit": "millisecond"}, {"name": "c", "type": "channel"},
    *({"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"),
]  # fmt: skip


def image(path: Path, version: str, pixels: np.ndarray[Any, Any] = PIXELS, **options: Any) -> Path:
    """Write an OME-Zarr with the library, as its specification describes it."""
    group = zarr.create_group(str(path), zarr_format=3 if version == "0.5" else 2)
    _fill(group, version, pixels, **options)
    return path


def _fill(group: Any, version: str, pixels: np.ndarray[Any, Any], **options: Any) -> None:
    more: dict[str, Any] = {"dimension_names": list("tczyx")} if version == "0.5" else {}
    if version == "0.4":
        more["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    array = group.create_array(
        "0", shape=pixels.shape, chunks=(1, 1, 1, 32, 64), dtype=pixels.dtype, **more, **options
    )
    array[:] = pixels
    half = group.create_array("1", shape=pixels[..., ::2, ::2].shape, dtype=pixels.dtype, **more)
    half[:] = pixels[..., ::2, ::2]
    scales = [[1.0, 1.0, 0.5, 0.1, 0.2], [1.0, 1.0, 0.5, 0.2, 0.4]]
    datasets = [
        {"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": s}]}
        for k, s in enumerate(scales)
    ]
    times = [{"type": "scale", "scale": [250.0, 1.0, 1.0, 1.0, 1.0]}]
    whole = {"version": version, "axes": AXES, "datasets": datasets, "coordinateTransformations": times}
    channels = [{"label": f"dye {c}", "color": "FF8000"} for c in range(3)]
    about = {"multiscales": [whole], "omero": {"channels": channels}}
    group.attrs.update({"ome": {"version": version, **about}} if version == "0.5" else about)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_ome_zarr_has_its_axes_scale_and_channels_at_full_resolution(tmp_path: Path, version: str) -> None:
    stack = open_stack(image(tmp_path / "a.zarr", version))
    assert (stack.axes, stack.shape, stack.dtype) == ("TCZYX", PIXELS.shape, np.uint16)
    np.testing.assert_array_equal(stack.read(), PIXELS)
    crop = stack.region(T=1, C=slice(1, 3), Y=slice(20, 50), X=slice(60, 70))
    np.testing.assert_array_equal(stack.read(crop), PIXELS[crop])
    assert stack.meta.spacing == pytest.approx({"T": 0.25, "Z": 0.5, "Y": 0.1, "X": 0.2})
    assert stack.meta.channel_names == ("dye 0", "dye 1", "dye 2")
    assert stack.meta.luts[0][:, -1].tolist() == [255, 128, 0]
    assert stack.meta.format == f"OME-Zarr {version}"
    assert stack.missing is None


def test_shards_are_read(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", "0.5", shards=(1, 1, 1, 96, 128))
    np.testing.assert_array_equal(open_stack(path).read(), PIXELS)


def test_missing_chunks_count_as_not_recorded(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    (path / "0" / "c" / "0" / "1" / "2" / "1" / "0").unlink()
    stack = open_stack(path)
    found = [f for f in stack.meta.findings if f.kind == format_kinds.CHUNKS_MISSING]
    assert [f.value for f in found] == [1]
    assert found[0].details["total"] == 2 * 3 * 4 * 3 * 2
    assert stack.missing is not None
    lost = stack.missing.read(stack.region())
    expected = np.zeros(PIXELS.shape, bool)
    expected[0, 1, 2, 32:64, :64] = True
    np.testing.assert_array_equal(lost, expected)
    np.testing.assert_array_equal(stack.read(), np.where(expected, 0, PIXELS))


def test_chunks_that_vanish_later_end_in_a_sentence(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    stack = open_stack(path)
    shutil.rmtree(path / "0" / "c" / "1")
    stack.plane(T=0)
    with pytest.raises(QuietfieldError, match="vanished since"):
        stack.plane(T=1)


def test_planes_in_one_chunk_are_decoded_together(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    pixels = PIXELS.reshape(24, 70, 90)
    array = zarr.create_array(
        path, shape=pixels.shape, chunks=(10, 32, 64), dtype="u2", dimension_names=["z", "y", "x"]
    )
    array[:] = pixels
    stack = open_stack(path)
    for z in (11, 3, 23, 0, 19, 20):
        np.testing.assert_array_equal(stack.plane(Z=z), pixels[z])
    for crop in (stack.region(Z=slice(8, 13), Y=slice(30, 40)), stack.region(Z=12, X=slice(60, 70))):
        np.testing.assert_array_equal(stack.read(crop), pixels[crop])
    stack.plane(Z=4)[:] = 0  # what is kept is not handed out
    shutil.rmtree(path / "c" / "0")
    np.testing.assert_array_equal(stack.plane(Z=5), pixels[5])
    np.testing.assert_array_equal(stack.plane(Z=12), pixels[12])
    with pytest.raises(QuietfieldError, match="vanished since"):
        stack.plane(Z=5)


def test_damaged_chunks_end_in_a_sentence(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    (path / "0" / "c" / "1" / "0" / "0" / "0" / "0").write_bytes(b"damaged")
    stack = open_stack(path)
    with pytest.raises(QuietfieldError, match=r"A chunk of .* cannot be read"):
        stack.plane(T=1)


@pytest.mark.parametrize("gone", ["zarr.json", "0/zarr.json"])
def test_a_zarr_without_metadata_ends_in_a_sentence(tmp_path: Path, gone: str) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    (path / gone).unlink()
    with pytest.raises(QuietfieldError, match=r"a\.zarr"):
        open_stack(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"zarr_format": 9, "node_type": "group"}'])
def test_damaged_metadata_end_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    (path / "zarr.json").write_text(text)
    with pytest.raises(QuietfieldError, match=r"a\.zarr"):
        open_stack(path)


def test_absurd_shapes_end_in_a_sentence(tmp_path: Path) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    about = json.loads((path / "0" / "zarr.json").read_text())
    about["shape"] = [2, 3, 4, 10**6, 10**6]
    (path / "0" / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(QuietfieldError, match="claims to hold"):
        open_stack(path)


def test_the_fields_of_a_plate_are_series(tmp_path: Path) -> None:
    plate = zarr.create_group(str(tmp_path / "p.zarr"), zarr_format=3)
    plate.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}
    for number, place in enumerate(("A/1", "B/2")):
        well = plate.create_group(place)
        well.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}]}}
        _fill(well.create_group("0"), "0.5", PIXELS + number)
    listed = list_series(tmp_path / "p.zarr")
    assert [s.name for s in listed] == ["A/1/0", "B/2/0"]
    second = open_stack(tmp_path / "p.zarr", series=1)
    np.testing.assert_array_equal(second.plane(), PIXELS[0, 0, 0] + 1)


def test_plain_arrays_ask_for_their_axes(tmp_path: Path) -> None:
    pixels = PIXELS[0, 0]
    array = zarr.create_array(str(tmp_path / "plain"), shape=pixels.shape, dtype=pixels.dtype)
    array[:] = pixels
    stack = open_stack(tmp_path / "plain")  # known by what it holds, not by its name
    np.testing.assert_array_equal(stack.read(), pixels)
    assert not stack.meta.axes_certain
    named = zarr.create_array(
        str(tmp_path / "named.zarr"), shape=pixels.shape, dtype="u2", dimension_names=["z", "y", "x"]
    )
    named[:] = pixels
    stack = open_stack(tmp_path / "named.zarr")
    assert stack.axes == "ZYX"
    assert stack.meta.axes_certain


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("dtype", ["<u2", "|O"])
@pytest.mark.parametrize("place", ["compressor", "filters"])
def test_pickled_code_in_a_zarr_is_not_run(tmp_path: Path, dtype: str, place: str) -> None:
    about: dict[str, Any] = {
        "zarr_format": 2,
        "shape": [8, 8],
        "chunks": [8, 8],
        "dtype": dtype,
        "order": "C",
    }
    codec = {"id": "pickle", "protocol": 5}
    about |= {"fill_value": 0, "compressor": None, "filters": None}
    about[place] = [codec] if place == "filters" else codec
    path = tmp_path / "a.zarr"
    path.mkdir()
    (path / ".zarray").write_text(json.dumps(about))
    (path / "0.0").write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    with pytest.raises(QuietfieldError, match=r"a\.zarr"):
        open_stack(path)
    assert not (tmp_path / "ran").exists()


# writing


def sample(**known: Any) -> Stack:
    pixels = np.random.default_rng(1).integers(0, 4000, (2, 3, 300, 530)).astype(np.uint16)
    spacing = {"T": 0.5, "Y": 0.1, "X": 0.2}
    return Stack.of(pixels, "TCYX", name="s", spacing=spacing, channel_names=("a", "b", "c"), **known)


@pytest.mark.parametrize("form", ["zarr", "zarr-sharded"])
def test_a_written_zarr_is_read_back_with_all_it_had(tmp_path: Path, form: Any) -> None:
    stack = sample()
    saved = save_stack(tmp_path / "a.ome.zarr", stack, format=form)
    assert (saved.format, saved.path, saved.dtype) == (form, tmp_path / "a.ome.zarr", "uint16")
    again = open_stack(saved.path)
    assert (again.axes, again.meta.spacing) == (stack.axes, pytest.approx(stack.meta.spacing))
    assert again.meta.channel_names == ("a", "b", "c")
    np.testing.assert_array_equal(again.read(), stack.read())
    assert again.missing is None
    assert not list(tmp_path.glob(".*"))


def test_lower_resolutions_are_means_and_the_metadata_fit_the_specification(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "a.ome.zarr", sample()).path
    group = zarr.open_group(str(path), mode="r")
    about = group.attrs["ome"]
    assert about["version"] == "0.5"
    multiscale = about["multiscales"][0]
    assert [a["name"] for a in multiscale["axes"]] == ["t", "c", "y", "x"]
    scales = [d["coordinateTransformations"][0]["scale"] for d in multiscale["datasets"]]
    assert scales == [[0.5, 1.0, 0.1, 0.2], [0.5, 1.0, 0.2, 0.4], [0.5, 1.0, 0.4, 0.8]]
    assert group["2"].shape == (2, 3, 75, 133)
    whole = sample().read()[1, 2].astype(float)
    blocks = (whole[0::2, 0::2] + whole[0::2, 1::2] + whole[1::2, 0::2] + whole[1::2, 1::2]) / 4
    np.testing.assert_array_equal(group["1"][1, 2], np.rint(blocks))
    assert group["1"].metadata.dimension_names == ("t", "c", "y", "x")


def test_shards_make_fewer_files(tmp_path: Path) -> None:
    counts = {}
    for form in ("zarr", "zarr-sharded"):
        path = save_stack(tmp_path / f"{form}.ome.zarr", sample(), format=form).path  # type: ignore[arg-type]
        counts[form] = sum(1 for p in (path / "0").rglob("*") if p.is_file())
    assert counts == {"zarr": 2 * 3 * 2 + 1, "zarr-sharded": 2 * 3 + 1}


def test_recipe_and_optics_survive(tmp_path: Path) -> None:
    recipe = json.dumps({"schema": 1, "steps": []})
    path = save_stack(tmp_path / "a.zarr", sample(), recipe=recipe).path
    assert json.loads(read_recipe(path)) == json.loads(recipe)


@needs_data
def test_what_a_vendors_file_says_of_its_optics_survives(tmp_path: Path) -> None:
    pytest.importorskip("nd2")
    stack = open_stack(DATA / "vendor" / "multichannel.nd2")
    again = open_stack(save_stack(tmp_path / "a.ome.zarr", stack).path)
    assert find_optics(again.meta, 1) == find_optics(stack.meta, 1)
    np.testing.assert_array_equal(again.read(), stack.read())


def test_float_pixels_keep_what_is_not_a_number(tmp_path: Path) -> None:
    pixels = np.linspace(-1, 1, 70 * 300, dtype=np.float32).reshape(70, 300)
    pixels[3, 4] = np.nan
    again = open_stack(save_stack(tmp_path / "a.zarr", Stack.of(pixels, "YX")).path)
    np.testing.assert_array_equal(again.read(), pixels)


def test_what_is_there_is_refused_replaced_or_left(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.zarr"
    save_stack(path, sample())
    with pytest.raises(QuietfieldError, match="exists already"):
        save_stack(path, sample())
    assert save_stack(path, sample(), taken="rename").path == tmp_path / "a-2.ome.zarr"
    other = Stack.of(np.zeros((9, 9), np.uint8), "YX")
    save_stack(path, other, taken="replace")
    assert open_stack(path).shape == (9, 9)
    folder = tmp_path / "mine.zarr"
    folder.mkdir()
    (folder / "letter.txt").write_text("keep me")
    with pytest.raises(QuietfieldError, match="is not a Zarr"):
        save_stack(folder, other, taken="replace")
    assert (folder / "letter.txt").read_text() == "keep me"
    assert not list(tmp_path.glob(".*"))


def test_a_cancelled_export_leaves_nothing(tmp_path: Path) -> None:
    context = Context(lambda fraction, text: context.cancel() if fraction > 0.3 else None)
    with pytest.raises(Cancelled):
        save_stack(tmp_path / "a.zarr", sample(), context=context)
    assert not list(tmp_path.iterdir())


def test_the_source_is_never_replaced(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "a.zarr", sample()).path
    with pytest.raises(QuietfieldError, match="never overwritten"):
        save_stack(path, open_stack(path), taken="replace")


@pytest.mark.parametrize(("source", "target"), [("0", ""), ("", "0"), ("", "0/c/0")])
def test_neither_a_zarr_around_the_source_nor_a_part_of_it_is_replaced(
    tmp_path: Path, source: str, target: str
) -> None:
    path = image(tmp_path / "a.zarr", "0.5")
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with pytest.raises(QuietfieldError, match="never overwritten"):
        save_stack(path / target, open_stack(path / source), format="zarr", taken="replace")
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


def test_a_folder_that_another_program_makes_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"

    def intrude(fraction: float, text: str) -> None:
        if fraction > 0.5:  # the work has begun
            path.mkdir(exist_ok=True)
            (path / "letter.txt").write_text("keep me")

    with pytest.raises(QuietfieldError, match="is not a Zarr"):
        save_stack(path, sample(), taken="replace", context=Context(intrude))
    assert [p.name for p in tmp_path.rglob("*")] == ["a.zarr", "letter.txt"]


def test_what_a_crash_left_of_the_former_zarr_stays(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "a.zarr", sample()).path
    former = tmp_path / ".a.zarr.former"
    former.mkdir()
    (former / "zarr.json").write_text("the only copy")
    save_stack(path, Stack.of(np.zeros((9, 9), np.uint8), "YX"), taken="replace")
    assert open_stack(path).shape == (9, 9)
    assert (former / "zarr.json").read_text() == "the only copy"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.zarr.former", "a.zarr"]


def test_room_for_the_lower_resolutions_is_checked_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = sample()
    free = stack.nbytes + stack.planes * 512 + 2**20  # enough for the full resolution alone
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))
    with pytest.raises(QuietfieldError, match="are free on that disk"):
        save_stack(tmp_path / "a.zarr", stack)
    save_stack(tmp_path / "a.tif", stack)
