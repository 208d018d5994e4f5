"""Comparisons of the self-test with other programs, the ground truth, and written pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.shell.snapshot import Snapshot
from core.stack import Stack

Codec = tuple[str, bool, str]

CODECS: tuple[Codec, ...] = (
    ("lzw", True, "uint16"), ("zstd", True, "uint16"), ("zstd", False, "float32"), ("zlib", True, "uint16"),
    ("deflate", False, "uint8"), ("lzma", False, "uint16"), ("packbits", False, "uint8"),
    ("png", False, "uint8"), ("jpeg2000", False, "uint16"), ("jpegxl", False, "uint8"),
    ("lerc", False, "float32"), ("webp", False, "rgb"), ("jpeg", False, "uint8"),
)  # fmt: skip
"""Compression, predictor and pixel type of the TIFF files that are written and read."""

LOSSY = ("jpeg", "webp")


class Failure(Exception):
    """A result differs from what is expected."""


def check(condition: bool, problem: str) -> None:
    """Raise `Failure` with `problem` unless `condition` is true."""
    if not condition:
        raise Failure(problem)


def check_instant(snapshot: Snapshot) -> None:
    """Check that Instant started automatically and reduces the error against the ground truth."""
    preview, truth = snapshot.preview, snapshot.truth
    if preview is None or truth is None:
        raise Failure("Instant did not show itself on the sample")
    clean = truth.plane().astype(np.float64)
    noisy = snapshot.results[0].stack.plane()
    gain = np.mean((noisy - clean) ** 2) / np.mean((preview.pixels - clean) ** 2)
    check(bool(gain > 10), f"Instant is nearer to the truth by a factor of {gain:.1f} only")


def check_filter(source: Stack, result: Stack) -> None:
    """Compare one plane with the Gaussian filter of scipy."""
    from scipy import ndimage

    wanted = ndimage.gaussian_filter(source.plane().astype(np.float64), 1.0, mode="reflect")
    check(np.allclose(result.plane(), wanted, rtol=1e-4), "the Gaussian blur differs from scipy's")


def check_codecs(folder: Path, codecs: Sequence[Codec] = CODECS) -> None:
    """Write small TIFF files with common compressions, and read them."""
    import tifffile

    from core.files import open_stack

    ramp = np.arange(64 * 64).reshape(64, 64)
    for compression, predictor, kind in codecs:
        path = folder / f"{compression}-{predictor}-{kind}.tif"
        options: dict[str, Any] = {"compression": compression, "predictor": predictor or None}
        if kind == "rgb":
            pixels = np.stack([ramp % 251, ramp % 127, ramp % 63], axis=-1).astype(np.uint8)
            options["photometric"] = "rgb"
        else:
            pixels = (ramp % 251).astype(kind)
            options["photometric"] = "minisblack"
        tifffile.imwrite(path, pixels, **options)
        stack = open_stack(path)
        read = stack.read()
        wanted = np.moveaxis(pixels, -1, 0) if kind == "rgb" else pixels
        check(read.shape == wanted.shape, f"{path.name} came back as {stack.axes} {read.shape}")
        if compression not in LOSSY:
            check(np.array_equal(read, wanted), f"{path.name} came back with other pixels")
