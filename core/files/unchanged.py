"""Notices that another program writes a file while it is being read."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import QuietfieldError

LEEWAY = 0.002
"""Seconds by which two readings of a time of writing may differ; network folders round it."""


class Unchanged:
    """An open file, as it was when this was made.

    Parameters
    ----------
    path : Path
        The file, for messages.
    descriptor : int
        Descriptor of the open file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        known = os.fstat(descriptor)
        self._written, self._size = known.st_mtime, known.st_size

    def check(self) -> None:
        """Check that the file has not been written since; what was read before this is as it was.

        A file that was only cut off still has the pixels that are left.

        Raises
        ------
        QuietfieldError
            If it has.
        """
        now = os.fstat(self._descriptor)
        if abs(now.st_mtime - self._written) > LEEWAY and now.st_size >= self._size:
            raise QuietfieldError(
                f"{self._path} has changed since it was opened: another program writes it. "
                "Open it again when that has finished."
            )
