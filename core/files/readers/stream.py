"""An open file for the libraries that parse a format: cancellable, and never mapped into memory."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

from core.files.unchanged import Unchanged
from core.progress import Context


class FileStream:
    """A binary file object that reads with system calls.

    Libraries map files that they open themselves into memory. If such a file becomes shorter or its disk
    disappears, a memory map ends the program (SIGBUS); reading this raises an `OSError`.

    Parameters
    ----------
    path : Path
        The file; it is closed when the stream is no longer used.
    context : Context
        Cancels reading, until `release`.

    Attributes
    ----------
    size : int
        Length of the file in bytes when it was opened.
    unchanged : Unchanged
        Notices that another program writes the file.
    """

    mode = "rb"

    def __init__(self, path: Path, context: Context) -> None:
        self.name = str(path)
        self._file = path.open("rb")
        self._context = context
        self.size = os.fstat(self._file.fileno()).st_size
        self.unchanged = Unchanged(path, self._file.fileno())
        weakref.finalize(self, self._file.close)

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def release(self) -> None:
        """Let pixels be read from now on, whatever becomes of the context."""
        self._context = Context()

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes of the file."""
        self._context.check()
        wanted = -1 if size is None else size
        data = self._file.read(wanted)
        self._check_length(whole=len(data) == wanted)
        return data

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill a buffer with bytes of the file; return their number."""
        self._context.check()
        count = self._file.readinto(buffer)
        self._check_length(whole=count == memoryview(buffer).nbytes)
        return count

    def _check_length(self, *, whole: bool) -> None:
        """Check that a read ended early only at the end that the file had when it was opened."""
        if not whole and self._file.tell() < self.size:
            raise OSError("it has become shorter since it was opened")

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to another place in the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place in the file."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def flush(self) -> None:
        """Do nothing: the file is only read."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return False."""
        return False
