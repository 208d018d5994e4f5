"""Writes small TIFF files with the structure of those that microscopes' own programs write."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

Frame = tuple[int, int, int, int]
"""Channel, slice, frame and position of an image of Micro-Manager."""


def micromanager(
    path: Path, images: Mapping[Frame, np.ndarray[Any, Any]], summary: Mapping[str, Any], *, cut: int = 0
) -> Path:
    """Write a stack of Micro-Manager 1.4 or 2.0; the last `cut` bytes are missing.

    As described on https://micro-manager.org/Micro-Manager_File_Formats: behind the header of the TIFF lie
    the places of an index map, display settings and comments, and the summary; each directory has 13 entries,
    and its pixels follow at once.
    """
    told = json.dumps({"MicroManagerVersion": "1.4.22", **summary}).encode()
    start = 40 + len(told)
    place = start + start % 2
    body, rows = bytearray(bytes(place - start)), []
    for number, (frame, pixels) in enumerate(images.items()):
        height, width = pixels.shape
        details = json.dumps({"FrameIndex": frame[2], "Channel": "x"}).encode()
        pixels_at = place + 162
        ratios_at = pixels_at + pixels.nbytes
        details_at = ratios_at + 16
        end = details_at + len(details) + len(details) % 2
        entries = [
            (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8 * pixels.itemsize), (259, 3, 1, 1),
            (262, 3, 1, 1), (273, 4, 1, pixels_at), (277, 3, 1, 1), (278, 4, 1, height),
            (279, 4, 1, pixels.nbytes), (282, 5, 1, ratios_at), (283, 5, 1, ratios_at + 8), (296, 3, 1, 3),
            (51123, 2, len(details), details_at),
        ]  # fmt: skip
        following = end if number + 1 < len(images) else 0
        body += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
        body += struct.pack("<I", following) + pixels.tobytes() + struct.pack("<4I", 1, 1, 1, 1) + details
        body += bytes(len(details) % 2)
        rows.append((*frame, place))
        place = end
    settings = b"[]"
    heads = (54773648, place, 483765892, place + 8 + 20 * len(rows), 99384722)
    index = struct.pack("<2I", 3453623, len(rows)) + b"".join(struct.pack("<5I", *row) for row in rows)
    display = struct.pack("<2I", 347834724, len(settings)) + settings
    comments = struct.pack("<2I", 84720485, 2) + b"{}"
    head = struct.pack("<2sHI", b"II", 42, start + start % 2)
    head += struct.pack("<8I", *heads, heads[3] + len(display), 2355492, len(told))
    data = head + told + body + index + display + comments
    path.write_bytes(data[: len(data) - cut])
    return path


def lsm(path: Path, pixels: np.ndarray[Any, Any], *, names: Sequence[str] = (), **info: float) -> Path:
    """Write an LSM file of Zeiss: images (T, Z, C, Y, X), each with a thumbnail behind it.

    `info` are fields of CZ_LSMINFO (the fields of LSM 510, as tifffile reads them).
    """
    times, depths, channels, height, width = pixels.shape
    scan = 6 if times > 1 and depths > 1 else 3 if times > 1 else 0
    known: dict[str, float] = {
        "MagicNumber": 67127628, "DimensionX": width, "DimensionY": height, "DimensionZ": depths,
        "DimensionChannels": channels, "DimensionTime": times, "DataType": pixels.itemsize, "ScanType": scan,
        "ThumbnailX": 4, "ThumbnailY": 4, **info,
    }  # fmt: skip
    fields = np.zeros((), np.dtype([("MagicNumber", "<u4"), ("StructureSize", "<i4"), *_LSM]))
    for name, value in known.items():
        fields[name] = value
    fields["StructureSize"] = fields.dtype.itemsize
    content = fields.tobytes()
    with tifffile.TiffWriter(path, byteorder="<") as writer:
        for number, image in enumerate(pixels.reshape(-1, channels, height, width)):
            tag = [(34412, 1, len(content), content, True)] if number == 0 else []
            options: dict[str, Any] = {"photometric": "minisblack", "metadata": None, "contiguous": False}
            planar = {"planarconfig": "separate"} if channels > 1 else {}
            writer.write(image if channels > 1 else image[0], extratags=tag, **options, **planar)
            writer.write(np.zeros((4, 4), np.uint8), subfiletype=1, **options)
    return path


_LSM = [
    *[(f"Dimension{axis}", "<i4") for axis in ("X", "Y", "Z", "Channels", "Time")], ("DataType", "<i4"),
    ("ThumbnailX", "<i4"), ("ThumbnailY", "<i4"), *[(f"VoxelSize{axis}", "<f8") for axis in "XYZ"],
    *[(f"Origin{axis}", "<f8") for axis in "XYZ"], ("ScanType", "<u2"), ("SpectralScan", "<u2"),
    ("TypeOfData", "<u4"), ("OffsetVectorOverlay", "<u4"), ("OffsetInputLut", "<u4"),
    ("OffsetOutputLut", "<u4"), ("OffsetChannelColors", "<u4"), ("TimeIntervall", "<f8"),
    ("OffsetChannelDataTypes", "<u4"), ("OffsetScanInformation", "<u4"), ("OffsetKsData", "<u4"),
    ("OffsetTimeStamps", "<u4"), ("OffsetEventList", "<u4"), ("OffsetRoi", "<u4"), ("OffsetBleachRoi", "<u4"),
    ("OffsetNextRecording", "<u4"),
]  # fmt: skip


def stk(
    path: Path,
    pixels: np.ndarray[Any, Any],
    *,
    distances: Sequence[float],
    calibration: float,
    unit: str,
    times: Sequence[int] = (),
    planes: int = 0,
    cut: int = 0,
) -> Path:
    """Write an STK file of MetaMorph: one directory, and planes (N, Y, X) that follow each other.

    Parameters
    ----------
    distances : sequence of float
        Distance of each plane from the one before, in the unit.
    calibration : float
        Side of a pixel in the unit.
    times : sequence of int
        Milliseconds since midnight at which each plane was recorded.
    planes : int
        Number of planes that the file claims, if it is another one.
    cut : int
        Number of bytes that are missing at the end.
    """
    count, height, width = pixels.shape
    claimed = planes or count
    times = times or (0,) * count
    entries, extra = [], bytearray()
    extra_at = 8 + 2 + 12 * 12 + 4
    pixels_at = 2048

    def put(data: bytes) -> int:
        place = extra_at + len(extra)
        extra.extend(data + bytes(len(data) % 2))
        return place

    text = unit.encode() + b"\0"
    unit_at = put(struct.pack("<I", len(text)) + text)
    ratio_at = put(struct.pack("<2I", round(calibration * 10**6), 10**6))
    uic1 = put(struct.pack("<6I", 4, ratio_at, 5, ratio_at, 6, unit_at))
    each = [(round(d * 1000), 1000, 2458000, t, 2458000, t) for d, t in zip(distances, times, strict=True)]
    each += [(0, 1000, 2458000, 0, 2458000, 0)] * (claimed - count)
    uic2 = put(b"".join(struct.pack("<6I", *one) for one in each))
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8 * pixels.itemsize), (259, 3, 1, 1),
        (262, 3, 1, 1), (273, 4, 1, pixels_at), (277, 3, 1, 1), (278, 4, 1, height),
        (279, 4, 1, pixels[0].nbytes), (296, 3, 1, 1), (33628, 4, 3, uic1), (33629, 5, claimed, uic2),
    ]  # fmt: skip
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    data = (head + bytes(extra)).ljust(pixels_at, b"\0") + pixels.tobytes()
    path.write_bytes(data[: len(data) - cut])
    return path
