"""Rare and broken TIFFs of other test suites: each is opened or rejected with a message."""

import csv
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.errors import QuietfieldError
from core.files import list_series, open_stack
from tests.data import DATA, needs_data

RNG = np.random.default_rng(11)
FOLDER = DATA / "tiff_torture"
ROOT = Path(__file__).parents[2]


def refusal(action, *given):
    """Sentence with which a file is refused, or None; any other exception fails the test."""
    try:
        action(*given)
    except QuietfieldError as error:
        return str(error)
    return None


def look(path):
    stack = open_stack(path)
    plane = stack.plane()
    assert plane.shape == stack.shape[-2:]
    assert np.isfinite(float(plane.mean(dtype=np.float64))) or stack.dtype.kind == "f"


def manifest():
    with (FOLDER / "MANIFEST.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


MEASURE = """
from tests.core.test_files_torture import FOLDER, look, manifest, peak, refusal
for row in manifest():
    refusal(look, FOLDER / row["file"])
print(peak())
"""


def peak():
    """Most memory this process ever had, in bytes."""
    status = Path("/proc/self/status")  # where `getrusage` counts what the process that started it had, too
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@needs_data
@pytest.mark.timeout(120)
def test_memory_stays_bounded_whatever_the_files_claim():
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, cwd=ROOT
    )  # a process of its own: what others before needed does not count
    assert int(done.stdout.splitlines()[-1]) < 2e9


@needs_data
@pytest.mark.timeout(120)
def test_each_file_opens_or_is_refused(capfd):
    rows = manifest()
    assert len(rows) == 376
    said = {row["file"]: refusal(look, FOLDER / row["file"]) for row in rows}
    wrong = [
        row["file"] for row in rows if (said[row["file"]] is None) != (row["tifffile+imagecodecs"] == "ok")
    ]
    # exactly those open whose pixels tifffile and imagecodecs can decode at all
    assert wrong == []
    refused = {name: text for name, text in said.items() if text is not None}
    assert len(refused) == 23
    assert all(name.rpartition("/")[2] in text and text.endswith(".") for name, text in refused.items())
    assert capfd.readouterr() == ("", "")


@needs_data
def test_series_of_each_file_are_listed_or_refused():
    for row in manifest():
        path = FOLDER / row["file"]
        text = refusal(list_series, path)
        assert path.name in text if text is not None else list_series(path)


@needs_data
def test_the_claim_of_terabytes_is_named():
    with pytest.raises(QuietfieldError, match=r"3\.87 TB.*only 262 bytes"):
        open_stack(FOLDER / "pillow" / "libtiff_segfault.tif")


@needs_data
def test_shapes_are_those_of_the_manifest():
    for row in manifest():
        if row["tifffile+imagecodecs"] != "ok":
            continue
        shape = tuple(int(n) for n in row["shape"].strip("()").split(",") if n.strip())
        stack = open_stack(FOLDER / row["file"])
        size = np.prod(stack.shape[-3:]) if "C" in stack.axes else np.prod(stack.shape[-2:])
        assert size == np.prod(shape), row["file"]
        assert stack.dtype == (np.uint8 if row["dtype"] == "bool" else np.dtype(row["dtype"]))


@pytest.mark.parametrize("flavour", ["imagej", "ome", "plain", "zlib", "tiles", "shaped"])
def test_files_with_flipped_bytes(tmp_path, flavour):
    array = RNG.integers(0, 4000, (6, 32, 32)).astype(np.uint16)
    options = {
        "imagej": {"imagej": True, "metadata": {"axes": "TYX", "unit": "um", "Labels": list("abcdef")}},
        "ome": {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 0.1}},
        "plain": {"metadata": None},
        "zlib": {"compression": "zlib", "imagej": True, "metadata": {"axes": "ZYX", "spacing": 0.5}},
        "tiles": {"tile": (16, 16), "compression": "lzw", "metadata": None},
        "shaped": {"metadata": {"axes": "CYX"}},
    }[flavour]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, photometric="minisblack", **options)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        spots = [t.offset + i for p in file.pages for t in p.tags for i in range(12)]
        spots += [i for t in file.pages.first.tags for i in range(t.valueoffset, t.valueoffset + 64)]
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole)
        for spot in RNG.choice(spots, RNG.integers(1, 5)):
            data[min(spot, len(data) - 1)] = RNG.integers(256)
        path.write_bytes(data)
        text = refusal(lambda p: open_stack(p).read(), path)
        assert text is None or "a.tif" in text
        outcomes.add(text is None)
    assert outcomes == {True, False}
