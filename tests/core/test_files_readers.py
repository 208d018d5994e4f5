"""Readers from outside, and how often a file is parsed."""

import json

import numpy as np
import pytest
import tifffile

from app.cli.main import main
from core.errors import QuietfieldError
from core.files import READERS, images_in, is_collection, list_series, open_series, open_stack
from core.files.readers.base import Series
from core.findings import kinds
from core.stack import Stack
from tests.invented import CountingReader, InventedReader, added, write

FILM = np.random.default_rng(5).poisson(40, (3, 16, 20)).astype(np.uint16)


@pytest.fixture
def invented():
    with added(InventedReader()) as reader:
        yield reader


@pytest.fixture
def counting():
    with added(CountingReader()) as reader:
        yield reader


def test_an_invented_format_opens(tmp_path, invented):
    path = write(tmp_path / "a.inv", FILM, FILM[:, ::2])
    assert [series.text for series in list_series(path)] == [
        "TYX 3 x 16 x 20, uint16 (image0)", "TYX 3 x 8 x 20, uint16 (image1)",
    ]  # fmt: skip
    stack = open_stack(path, series=1)
    np.testing.assert_array_equal(stack.read(), FILM[:, ::2])
    assert [(f.kind, f.details["opened"]) for f in stack.meta.findings] == [(kinds.MORE_SERIES, 1)]
    assert open_stack(path, axes="ZYX").axes == "ZYX"
    with pytest.raises(QuietfieldError, match="no series 2; there are 2"):
        open_stack(path, series=2)


def test_a_folder_of_an_invented_format_is_one_stack(tmp_path, invented):
    for number in range(3):
        write(tmp_path / f"part{number}.inv", FILM + number)
    stack = open_stack(tmp_path)
    assert (stack.axes, stack.shape) == ("TYX", (9, 16, 20))
    np.testing.assert_array_equal(stack.plane(T=7), FILM[1] + 2)


def test_a_damaged_file_of_an_invented_format_is_refused_in_a_sentence(tmp_path, invented):
    path = write(tmp_path / "a.inv", FILM)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(QuietfieldError, match=r"a\.inv cannot be read as Invented .*export it again\."):
        open_stack(path)


def test_the_command_line_takes_an_invented_format(tmp_path, invented, capsys):
    path, out = write(tmp_path / "a.inv", FILM), tmp_path / "out.tif"
    assert main(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["format"], facts["shape"]) == ("Invented", [3, 16, 20])
    assert main(["denoise", str(path), "-o", str(out), "--method", "median", "-q"]) == 0
    assert open_stack(out).shape == FILM.shape


def test_without_its_reader_the_format_is_refused(tmp_path):
    path = write(tmp_path / "a.inv", FILM)
    with pytest.raises(QuietfieldError, match="is not an image of a known format"):
        open_stack(path)
    with pytest.raises(QuietfieldError, match="holds no image of a known format"):
        open_stack(tmp_path)


class StoreReader:
    """Reads folders whose names end in .store, as OME-Zarr is a folder."""

    name, endings, priority = "Store", (".store",), 10

    def supports(self, path, head):
        return head == b"" and path.suffix == ".store"

    def series(self, path, context):
        return (Series(path=path, axes="YX", shape=(16, 20), dtype=np.dtype(np.uint16)),)

    def open(self, series):
        return Stack.of(FILM[0], "YX", path=series.path)


def test_a_format_that_is_a_folder_is_no_folder_of_images(tmp_path):
    for name in ("a.store", "b.store"):
        (tmp_path / name).mkdir()
    with added(StoreReader()):
        assert (is_collection(tmp_path), is_collection(tmp_path / "a.store")) == (True, False)
        assert [p.name for p in images_in(tmp_path)] == ["a.store", "b.store"]
        assert open_stack(tmp_path).shape == (2, 16, 20)


def test_of_two_readers_the_one_of_higher_priority_opens(tmp_path, invented):
    class Earlier(InventedReader):
        priority = 60

        def open(self, series):
            return super().open(series).replace(format="Earlier")

    path = write(tmp_path / "a.inv", FILM)
    with added(Earlier()):
        assert open_stack(path).meta.format == "Earlier"
    assert open_stack(path).meta.format == "Invented"
    assert READERS.endings[:2] == (".inv", ".tif")


def test_opening_what_was_listed_parses_nothing_again(tmp_path, counting):
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(FILM, photometric="minisblack", compression="zlib")
        writer.write(FILM[:, ::2], photometric="minisblack")
    listed = list_series(path)
    first, second = (open_series(listed, index) for index in (0, 1))
    del listed
    np.testing.assert_array_equal(first.read(), FILM)
    np.testing.assert_array_equal(second.read(), FILM[:, ::2])
    assert counting.parsed == [path]


def test_a_folder_is_listed_and_opened_with_one_parse_of_each_file_that_is_read(tmp_path, counting):
    for number, plane in enumerate(FILM):
        tifffile.imwrite(tmp_path / f"{number}.tif", plane)
    stack = open_series(list_series(tmp_path))
    np.testing.assert_array_equal(stack.read(), FILM)
    assert sorted(counting.parsed) == sorted(tmp_path.iterdir())


def test_info_parses_a_file_once(tmp_path, counting, capsys):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, FILM, photometric="minisblack")
    assert main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"] is None
    assert counting.parsed == [path]
