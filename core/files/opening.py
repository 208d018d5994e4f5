"""Opens files, folders and lists of files as stacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import QuietfieldError
from core.files.axes import reinterpret
from core.files.readers.base import Series
from core.files.readers.czi import CziReader
from core.files.readers.folder import FolderReader
from core.files.readers.hdf5 import Hdf5Reader
from core.files.readers.leica import LeicaReader
from core.files.readers.mrc import MrcReader
from core.files.readers.nd2 import Nd2Reader
from core.files.readers.olympus import OlympusReader
from core.files.readers.picture import PictureReader
from core.files.readers.registry import Readers
from core.files.readers.tiff import TiffReader
from core.files.readers.zarr import ZarrReader
from core.paths import is_folder
from core.progress import Context
from core.stack import Stack

READERS = Readers(
    TiffReader(),
    Nd2Reader(),
    CziReader(),
    LeicaReader(),
    OlympusReader(),
    ZarrReader(),
    MrcReader(),
    Hdf5Reader(),
    PictureReader(),
)
"""Every reader; one for another format is added by ``READERS.add(reader)``."""

_FOLDER = FolderReader(READERS)
READERS.add(_FOLDER)


def list_series(path: Path, context: Context | None = None) -> tuple[Series, ...]:
    """List the images in a file, or the one that the files of a folder make up.

    The file is parsed; `open_series` does not parse it again.

    Raises
    ------
    QuietfieldError
        If it cannot be read: one sentence names the file, the cause and the cure.
    """
    return READERS.series(Path(path), context)


def open_series(series: Sequence[Series], index: int = 0, *, axes: str | None = None) -> Stack:
    """Open one of the series of a file; its pixels are read when they are asked for.

    Parameters
    ----------
    series : sequence of Series
        All series of the file, as `list_series` gives them.
    index : int
        Index of the series to open.
    axes : str, optional
        Axes of the stack, as in `open_stack`.

    Raises
    ------
    QuietfieldError
        If there is no such series, or it cannot be opened.
    """
    stack = READERS.open(series, index)
    return stack if axes is None else reinterpret(stack, axes)


def open_stack(
    path: Path | Sequence[Path], *, series: int = 0, axes: str | None = None, context: Context | None = None
) -> Stack:
    """Open a stack; its pixels are read when they are asked for.

    Parameters
    ----------
    path : Path or sequence of Path
        A file of any format in `READERS`, a Zarr, a folder of equal images, or several equal files in the
        order they are to stand in.
    series : int
        Index of the series in the file.
    axes : str, optional
        Axes of the stack, if the file does not specify them or is wrong; see `reinterpret`.
    context : Context, optional
        Cancellation.

    Returns
    -------
    Stack
        Axes are a subset of TCZYX without axes of length 1 (but with rows and columns), colours are
        channels. `Metadata.findings` reports missing, damaged or omitted parts.

    Raises
    ------
    QuietfieldError
        If nothing can be opened: one sentence names the file, the cause and the cure.
    """
    if isinstance(path, str | Path):
        return open_series(list_series(Path(path), context), series, axes=axes)
    files = [Path(p) for p in path]
    if not files:
        raise QuietfieldError("There are no files to open.")
    for file in files:
        READERS.find(file)
    found = list_series(files[0], context)
    stack = open_series(found, series)
    if not found[series].covers(files):
        stack = join_files(files, stack, series=series, context=context)
    return stack if axes is None else reinterpret(stack, axes)


def join_files(
    files: Sequence[Path], first: Stack, *, series: int = 0, context: Context | None = None
) -> Stack:
    """Join equal files to one stack, in the order given; they follow each other in time.

    Parameters
    ----------
    files : sequence of Path
        The files.
    first : Stack
        The first of them, opened.
    series : int
        Index of the series to open in the other files.
    context : Context, optional
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If one of them is unlike the first.
    """
    return _FOLDER.join(files, first, series, files[0].parent, context)


def images_in(folder: Path) -> list[Path]:
    """List the images in a folder in natural order, without hidden ones.

    Raises
    ------
    QuietfieldError
        If there are none, or the folder cannot be read.
    """
    return READERS.files_in(folder)


def is_collection(path: Path) -> bool:
    """Return whether a path is a folder of images, and not a format that is a folder itself."""
    return is_folder(path) and READERS.find(path) is _FOLDER
