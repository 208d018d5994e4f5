"""OIF and OIB files of Olympus, with the structure that FluoView gives them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.errors import QuietfieldError
from core.files import open_stack
from core.findings import kinds
from core.psf.metadata import find_optics

pytest.importorskip("oiffile")

PIXELS = np.random.default_rng(0).integers(0, 4000, (2, 3, 20, 30)).astype(np.uint16)
SETTINGS = """[ProfileSaveInfo]
Name="a"
Version="1"
[Axis Parameter Common]
AxisOrder="XYCZ"
[Axis 2 Parameters Common]
AxisCode="C"
MaxSize=2
[Axis 3 Parameters Common]
AxisCode="Z"
MaxSize=3
StartPosition=1000.0
EndPosition=0.0
UnitName="nm"
[Reference Image Parameter]
ValidBitCounts=12
WidthConvertValue=0.207
WidthUnit="um"
HeightConvertValue=0.207
HeightUnit="um"
[Channel 1 Parameters]
DyeName="Alexa Fluor 488"
EmissionWavelength=520
ExcitationWavelength=488
[Channel 2 Parameters]
DyeName="Cy3"
EmissionWavelength=570
[Acquisition Parameters Common]
ObjectiveLens NAValue=1.2
""".replace("\n", "\r\n")


def planes() -> dict[str, bytes]:
    found = {}
    for c in range(2):
        for z in range(3):
            out = io.BytesIO()
            tifffile.imwrite(out, PIXELS[c, z])
            found[f"s_C{c + 1:03}Z{z + 1:03}.tif"] = out.getvalue()
    return found


def oif(folder: Path, *, without: str = "") -> Path:
    (folder / "a.oif.files").mkdir()
    for name, content in planes().items():
        if name != without:
            (folder / "a.oif.files" / name).write_bytes(content)
    (folder / "a.oif").write_bytes(b"\xff\xfe" + SETTINGS.encode("utf-16-le"))
    return folder / "a.oif"


def oib(path: Path) -> Path:
    """Write a compound file (MS-CFB, version 3) with the streams of an OIB, too long for the mini stream."""
    inside = {"a.oif": b"\xff\xfe" + SETTINGS.encode("utf-16-le")}
    inside |= {f"Storage00001/{name}": content for name, content in planes().items()}
    listed = ["[OibSaveInfo]", 'Name="a"', 'Version="2.0.0.0"', 'MainFileName="Stream00000"']
    listed += [f'Stream{k:05}="{name}"' for k, name in enumerate(inside)] + ['Storage00001="a.files"']
    text = ("\r\n".join(listed) + "\r\n").encode("utf-16-le")
    streams = {"OibInfo.txt": b"\xff\xfe" + text}
    streams |= {f"Stream{k:05}": content for k, content in enumerate(inside.values())}
    streams = {k: v.ljust(4608, b"\0") if "tif" in k else v for k, v in streams.items()}
    body, entries, table = bytearray(), [], []
    for name, content in streams.items():
        padded = content
        if len(padded) < 4096:  # texts end in empty lines, TIFF files in what nobody reads
            pad = "\r\n".encode("utf-16-le") if padded[:2] == b"\xff\xfe" else b"\0\0\0\0"
            padded += pad * ((4100 - len(padded)) // 4)
        count = -(-len(padded) // 512)
        first = len(table)
        table += [*range(first + 1, first + count), 0xFFFFFFFE]
        body += padded.ljust(count * 512, b"\0")
        entries.append((name, 2, first, len(padded)))
    directory = [("Root Entry", 5, 0xFFFFFFFE, 0), *entries]
    sectors = -(-len(directory) * 128 // 512)
    start = len(table)
    table += [*range(start + 1, start + sectors), 0xFFFFFFFE]
    for k, (name, kind, first, size) in enumerate(directory):
        raw = (name + "\0").encode("utf-16-le")
        right = k + 1 if 0 < k < len(directory) - 1 else 0xFFFFFFFF
        child = 1 if k == 0 else 0xFFFFFFFF
        body += raw.ljust(64, b"\0") + struct.pack("<HBB3I", len(raw), kind, 1, 0xFFFFFFFF, right, child)
        body += bytes(16 + 4 + 16) + struct.pack("<IQ", first, size)
    body += bytes(-len(body) % 512)
    lists = -(-(len(table) + 4) // 128)
    place = len(table)
    table += [0xFFFFFFFD] * lists
    table += [0xFFFFFFFF] * (lists * 128 - len(table))
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    )
    head += struct.pack("<9I", 0, lists, start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", *range(place, place + lists), *[0xFFFFFFFF] * (109 - lists))
    path.write_bytes(head + bytes(body) + struct.pack(f"<{len(table)}I", *table))
    return path


@pytest.mark.parametrize("kind", ["oif", "oib"])
def test_axes_pixels_spacing_and_optics(tmp_path: Path, kind: str) -> None:
    stack = open_stack(oif(tmp_path) if kind == "oif" else oib(tmp_path / "a.oib"))
    assert (stack.axes, stack.shape, stack.dtype) == ("CZYX", PIXELS.shape, np.uint16)
    np.testing.assert_array_equal(stack.read(), PIXELS)
    assert stack.meta.spacing == pytest.approx({"Z": 0.5, "Y": 0.207, "X": 0.207})
    assert stack.meta.channel_names == ("Alexa Fluor 488", "Cy3")
    optics = find_optics(stack.meta, 1)
    assert (optics["na"], optics["emission"], optics["kind"]) == (1.2, 570.0, "confocal")


def test_a_missing_plane_counts_as_not_recorded(tmp_path: Path) -> None:
    stack = open_stack(oif(tmp_path, without="s_C002Z002.tif"))
    assert [f.value for f in stack.meta.findings if f.kind == kinds.PLANES_MISSING] == [1]
    assert stack.missing is not None
    lost = stack.missing.read(stack.region())
    assert lost[1, 1].all()
    assert lost.sum() == 20 * 30


def test_a_missing_folder_ends_in_a_sentence(tmp_path: Path) -> None:
    path = oif(tmp_path)
    (tmp_path / "a.oif.files").rename(tmp_path / "elsewhere")
    with pytest.raises(QuietfieldError, match=r"a\.oif.*a\.oif\.files"):
        open_stack(path)


@pytest.mark.parametrize("length", [40, 600, 5000, 20000])
def test_a_half_copied_file_ends_in_a_sentence(tmp_path: Path, length: int) -> None:
    path = oib(tmp_path / "a.oib")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(QuietfieldError, match=r"a\.oib"):
        open_stack(path)


def test_a_chain_of_sectors_without_end_ends_in_a_sentence(tmp_path: Path) -> None:
    path = oib(tmp_path / "a.oib")
    whole = bytearray(path.read_bytes())
    table = 512 + struct.unpack_from("<I", whole, 76)[0] * 512
    struct.pack_into("<I", whole, table + 4 * 3, 1)  # sector 3 leads back to sector 1
    path.write_bytes(whole)
    with pytest.raises(QuietfieldError, match="leads back to itself"):
        open_stack(path)
