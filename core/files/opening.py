"""Opens files, folders and lists of files as stacks."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files import tiff
from core.files.axes import reinterpret
from core.files.folder import PICTURE_ENDINGS, images_in, open_files
from core.files.listening import listening
from core.findings import Finding, kinds
from core.paths import is_folder
from core.stack import Stack

_OTHERS = {
    b"ZISRAWFILE": "a Zeiss CZI file", b"\xda\xce\xbe\x0a": "a Nikon ND2 file", b"\x89HDF": "an HDF5 file",
    b"PK\x03\x04": "a ZIP archive", b"\x70\x00\x00\x00": "a Leica LIF file", b"%PDF": "a PDF document",
    b"GIF8": "a GIF picture", b"BM": "a BMP picture", b"\xd0\xcf\x11\xe0": "an Olympus OIB or Office file",
    b"\x93NUMPY": "a NumPy array", b"<?xml": "an XML text, not the images it describes",
}  # fmt: skip


def open_stack(path: Path | Sequence[Path], *, series: int = 0, axes: str | None = None) -> Stack:
    """Open a stack; its pixels are read when they are asked for.

    Parameters
    ----------
    path : Path or sequence of Path
        A TIFF file of any kind (ImageJ, OME-TIFF, BigTIFF, LSM, STK, ...), a PNG or JPEG picture, a
        folder of equal images, or several equal files in the order they are to stand in.
    series : int
        Which of several series in the file to open.
    axes : str, optional
        What the axes mean, where the file does not say it or is wrong; see `reinterpret`.

    Returns
    -------
    Stack
        Axes are a subset of TCZYX without axes of length 1 (but with rows and columns), colours are
        channels. `Metadata.findings` says what is missing, damaged or was left out.

    Raises
    ------
    QuietfieldError
        If nothing can be opened: one sentence names the file, the cause and the cure.
    """
    if isinstance(path, str | Path):
        stack = _open(Path(path), series)
    else:
        files = [Path(p) for p in path]
        if not files:
            raise QuietfieldError("There are no files to open.")
        for file in files:
            check(file)
        stack = open_files(files, lambda p: _open(p, series), _header, files[0].parent)
    return stack if axes is None else reinterpret(stack, axes)


def list_series(path: Path) -> tuple[str, ...]:
    """Give a line on each series of a file: axes, shape, type of pixels, and name.

    Raises
    ------
    QuietfieldError
        If the file cannot be read.
    """
    path = Path(path)
    if is_folder(path) or path.suffix.lower() in PICTURE_ENDINGS:
        stack = _open(path, 0)
        return (f"{stack.axes} {' x '.join(map(str, stack.shape))}, {stack.dtype}",)
    check(path)
    return tiff.describe_series(path)


def _open(path: Path, series: int) -> Stack:
    if is_folder(path):
        return open_files(images_in(path), lambda p: _open(p, series), _header, path)
    head = check(path)
    if head[:4] == b"\x89PNG" or head[:3] == b"\xff\xd8\xff":
        return _open_picture(path)
    return tiff.open_tiff(path, series)


def check(path: Path) -> bytes:
    """Return the first bytes of a file that can be an image.

    Raises
    ------
    QuietfieldError
        If it is missing, empty, unreadable or something else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError as error:
        raise QuietfieldError(f"{path} does not exist. Check the name, or whether it was moved.") from error
    except PermissionError as error:
        raise QuietfieldError(f"{path} may not be read. Ask its owner for permission, or copy it.") from error
    except OSError as error:
        cause = error.strerror or errno.errorcode.get(error.errno or 0, "unknown cause")
        raise QuietfieldError(f"{path} cannot be read ({cause}). Copy it to this computer first.") from error
    if not head:
        raise QuietfieldError(f"{path} is empty (0 bytes): it was not written completely. Copy it again.")
    if head[:2] in (b"II", b"MM", b"EP") or head[:4] == b"\x89PNG" or head[:3] == b"\xff\xd8\xff":
        return head
    known = next((what for magic, what in _OTHERS.items() if head.startswith(magic)), None)
    if known is None and all(b in b"\t\n\r\f" or 32 <= b < 127 for b in head):
        known = "a text"
    what = f"it is {known}" if known else "it begins with other bytes"
    raise QuietfieldError(f"{path} is not a TIFF image: {what}. Open it in Fiji and save it as TIFF.")


def _header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """Shape and type of the first page of a TIFF file, quickly; None for other files."""
    if path.suffix.lower() in PICTURE_ENDINGS:
        return None
    import tifffile

    check(path)
    try:
        with listening(), tifffile.TiffFile(path) as file:
            page = file.pages.first
            return tuple(map(int, page.shape)), np.dtype(page.dtype)
    except Exception as error:
        raise QuietfieldError(
            f"{path} cannot be read as TIFF ({error}). Take it out of the folder, or export it again."
        ) from error


def _open_picture(path: Path) -> Stack:
    """Open a PNG or JPEG picture; colours become channels."""
    import imagecodecs

    try:
        data = path.read_bytes()
        decode = imagecodecs.png_decode if data.startswith(b"\x89PNG") else imagecodecs.jpeg_decode
        array = np.asarray(decode(data))
    except Exception as error:
        raise QuietfieldError(f"{path} cannot be decoded ({error}). Copy or export it again.") from error
    axes = "YX"
    if array.ndim == 3:
        array, axes = np.moveaxis(array, -1, 0), "CYX"
    kind = "PNG" if data.startswith(b"\x89PNG") else "JPEG"
    findings = (Finding(kind=kinds.JPEG_COMPRESSION),) if kind == "JPEG" else ()
    return Stack.of(array, axes, name=path.name, path=path, format=f"{kind} picture", findings=findings)
