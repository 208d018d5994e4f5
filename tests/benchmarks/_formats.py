"""Files of microscopes' own formats, their mutants, and what reads them."""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.benchmarks._mutants import NUMBERS, document
from tests.data import DATA

VENDOR = DATA / "vendor"
NAMES = {
    "nd2": ("timelapse.nd2", "cerevisiae.nd2"),
    "czi": ("compressed.czi", "two_images_zyx.czi", "three_scenes_mosaic.czi", "sem_fov.czi", "airyscan.czi"),
    "lif": ("wavelength_sweep.lif",),
}  # fmt: skip
"""Real files of each format; without them there is nothing to mutate."""


def vendors(kind: str) -> list[tuple[str, bytes]]:
    """Return endings and contents of the real files of a format."""
    return [(f".{kind}", (VENDOR / name).read_bytes()) for name in NAMES[kind]]


def mrcs() -> list[tuple[str, bytes]]:
    """Return endings and contents of MRC files."""
    import mrcfile

    found = []
    pixels = np.random.default_rng(0).normal(0, 9, (3, 12, 14))
    with tempfile.TemporaryDirectory() as folder:
        for number, dtype in enumerate(("float32", "int16", "uint16", "int8", "float16")):
            path = Path(folder) / f"{number}.mrc"
            with mrcfile.new(path) as file:
                file.set_data(pixels.astype(dtype))
                file.voxel_size = 2.0
                if number % 2:
                    file.set_volume()
            found.append((".mrc", path.read_bytes()))
    return found


def oibs() -> list[tuple[str, bytes]]:
    """Return ending and content of an OIB file."""
    from tests.core.test_formats_olympus import oib

    with tempfile.TemporaryDirectory() as folder:
        return [(".oib", oib(Path(folder) / "a.oib").read_bytes())]


def hdf5s() -> list[tuple[str, bytes]]:
    """Return endings and contents of an Imaris and another HDF5 file."""
    import h5py

    from tests.core.test_formats_hdf5 import PIXELS, imaris

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with h5py.File(folder / "b.h5", "w") as file:
            file["raw/cells"] = PIXELS[0, 0]
            file.create_dataset("packed", data=PIXELS[0], chunks=True, compression="gzip", shuffle=True)
        return [(".ims", imaris(folder / "a.ims").read_bytes()), (".h5", (folder / "b.h5").read_bytes())]


def zarrs() -> list[dict[str, bytes]]:
    """Return the files of small OME-Zarrs and plain ones."""
    import zarr

    from core.files import save_stack
    from core.stack import Stack

    found = []
    pixels = np.random.default_rng(0).integers(0, 99, (3, 2, 20, 24)).astype(np.uint16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stack = Stack.of(pixels, "TCYX", spacing={"X": 0.1, "Y": 0.1, "T": 2.0}, channel_names=("a", "b"))
        save_stack(folder / "a.zarr", stack)
        save_stack(folder / "b.zarr", stack, format="zarr-sharded")
        old = zarr.create_group(str(folder / "c.zarr"), zarr_format=2)
        old.create_array("0", shape=pixels.shape, chunks=(1, 1, 10, 10), dtype="u2")[:] = pixels
        axes = [{"name": a, "type": "space" if a in "yx" else "time"} for a in "tcyx"]
        scale = [{"type": "scale", "scale": [1, 1, 0.5, 0.5]}]
        datasets = [{"path": "0", "coordinateTransformations": scale}]
        old.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
        zarr.create_array(str(folder / "d.zarr"), shape=pixels.shape, dtype="u2")[:] = pixels
        for path in sorted(folder.iterdir()):
            inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
            found.append({file.relative_to(path).as_posix(): file.read_bytes() for file in inside})
    return found


def mutate(seed: tuple[str, bytes], draw: Random) -> tuple[str, bytes]:
    """Return a file with one to four changes, most of them where formats keep what they say of themselves."""
    ending, content = seed
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4))):
        if len(data) <= 64:
            break
        at = _place(data, draw)
        change = draw.random()
        if change < 0.35:
            number = struct.pack(draw.choice(("<I", "<Q", "<H", "<B")), draw.choice(NUMBERS) & 0xFF)
            number = struct.pack("<I", draw.choice(NUMBERS)) if draw.random() < 0.6 else number
            data[at : at + len(number)] = number
        elif change < 0.6:
            data[at] ^= 1 << draw.randrange(8)
        elif change < 0.75:
            del data[draw.randrange(64, len(data)) :]
        elif change < 0.85:
            size = draw.choice((1, 4, 64, 512))
            data[at : at + size] = bytes(size)
        elif change < 0.95:
            size, source = draw.choice((4, 8, 32, 256)), _place(data, draw)
            data[at : at + size] = data[source : source + size]
        else:
            del data[at : at + draw.choice((1, 2, 16))]
    return ending, bytes(data)


def _place(data: bytearray, draw: Random) -> int:
    """Return a place in a file: near its ends, in a text, or anywhere."""
    where = draw.random()
    if where < 0.3:
        return draw.randrange(min(len(data), 4096))
    if where < 0.6:
        return draw.randrange(max(len(data) - 8192, 0), len(data))
    if where < 0.8:
        mark = draw.choice((b"DV", b"ZISRAW", b"ImageDataSeq", b"Size", b"Dimension", b"<", b"="))
        start = data.find(mark, draw.randrange(len(data)))
        return min(start + draw.randrange(64), len(data) - 1) if start >= 0 else draw.randrange(len(data))
    return draw.randrange(len(data))


def mutate_zarr(seed: dict[str, bytes], draw: Random) -> tuple[str, bytes]:
    """Return a Zarr, as a ZIP archive, in which a file is changed, damaged or gone."""
    files = dict(seed)
    for _ in range(draw.choice((1, 1, 2))):
        about = [name for name in files if name.endswith((".json", ".zarray", ".zattrs", ".zgroup"))]
        name = draw.choice(about if about and draw.random() < 0.75 else list(files))
        change = draw.random()
        if change < 0.15:
            del files[name]
        elif change < 0.75 and name in about:
            try:
                files[name] = document(json.loads(files[name]), draw).encode("utf-8", "surrogatepass")
            except (ValueError, IndexError, RecursionError):
                files[name] = b"{"
        else:
            files[name] = mutate(("", files[name].ljust(80, b" ")), draw)[1]
        if not files:
            break
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return ".zip", out.getvalue()


def read(path: Path, draw: Random) -> list[str]:
    """Open a file, read its first and last plane of one series, and return the sentences of its findings."""
    from core.files import list_series, open_series

    listed = list_series(path)
    stack = open_series(listed, draw.randrange(len(listed)))
    part = {axis: slice(0, 300) for axis in "YX"}
    stack.read(stack.region(**dict.fromkeys(stack.axes[:-2], 0), **part))
    last: dict[str, Any] = {axis: size - 1 for axis, size in stack.sizes.items() if axis not in "YX"}
    region = stack.region(**last, **part)
    stack.read(region)
    if stack.missing is not None:
        stack.missing.read(region)
    return [finding.text for finding in stack.meta.findings]


def read_zarr(path: Path, draw: Random) -> list[str]:
    """Unpack a Zarr and read it."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name) / "mutant.zarr"
        folder.mkdir()
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        return read(folder, draw)
