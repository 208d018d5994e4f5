"""The first bytes of a file, and what they say of files that no reader opens."""

from __future__ import annotations

import errno
from pathlib import Path

from core.errors import QuietfieldError
from core.paths import is_folder
from core.reading import check_regular

_OTHERS = {
    b"\x89HDF": "an HDF5 file", b"PK\x03\x04": "a ZIP archive", b"\x70\x00\x00\x00": "a Leica LIF file",
    b"%PDF": "a PDF document",
    b"GIF8": "a GIF picture", b"BM": "a BMP picture", b"\xd0\xcf\x11\xe0": "an Olympus OIB or Office file",
    b"\x93NUMPY": "a NumPy array", b"<?xml": "an XML text, not the images it describes",
}  # fmt: skip


def first_bytes(path: Path) -> bytes:
    """Return the first 512 bytes of a file; b"" for a folder.

    Raises
    ------
    QuietfieldError
        If it is missing, empty or unreadable.
    """
    if is_folder(path):
        return b""
    try:
        check_regular(path)
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
    return head


def refusal(path: Path, head: bytes) -> QuietfieldError:
    """Return the error for a file that no reader supports; it names the format if that is known."""
    known = next((what for magic, what in _OTHERS.items() if head.startswith(magic)), None)
    if known is None and all(b in b"\t\n\r\f" or 32 <= b < 127 for b in head):
        known = "a text"
    what = f"it is {known}" if known else "it begins with other bytes"
    return QuietfieldError(
        f"{path} is not an image of a known format: {what}. Open it in Fiji and save it as TIFF."
    )
