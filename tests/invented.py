"""A file format that nobody has, and a reader for it as someone outside Quietfield would write it."""

import io
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from core.files import READERS
from core.files.readers.base import Series
from core.files.readers.tiff import TiffReader
from core.stack import Stack

MAGIC = b"INVENTED"


def write(path: Path, *images: np.ndarray) -> Path:
    """Write images with time as their first axis, each of which is a series."""
    content = io.BytesIO()
    np.savez(content, **{f"image{i}": image for i, image in enumerate(images)})
    path.write_bytes(MAGIC + content.getvalue())
    return path


class InventedReader:
    name = "Invented"
    endings = (".inv",)
    priority = 50

    def __init__(self):
        self.parsed = []

    def supports(self, path, head):
        return head.startswith(MAGIC)

    def series(self, path, context):
        self.parsed.append(path)
        with np.load(io.BytesIO(path.read_bytes()[len(MAGIC) :])) as file:
            images = [(name, file[name]) for name in file.files]
        return tuple(
            Series(path=path, index=i, name=name, axes="TYX", shape=a.shape, dtype=a.dtype, origin=a)
            for i, (name, a) in enumerate(images)
        )

    def open(self, series):
        return Stack.of(
            series.origin, series.axes, name=series.path.name, path=series.path, format="Invented"
        )


class CountingReader(TiffReader):
    """Reads TIFF files and keeps a list of those it parsed."""

    priority = 50

    def __init__(self):
        self.parsed = []

    def series(self, path, context):
        self.parsed.append(path)
        return super().series(path, context)


@contextmanager
def added(reader):
    """Add a reader for a while."""
    READERS.add(reader)
    try:
        yield reader
    finally:
        READERS.remove(reader)
