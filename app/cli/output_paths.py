"""Output files of the command line, without overwriting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import QuietfieldError
from core.paths import (
    OME_ENDINGS,
    TIFF_ENDINGS,
    ZARR_ENDINGS,
    is_folder,
    is_zarr_name,
    shorten,
    split_ending,
    there,
)


def targets(
    stacks: Sequence[Path], out: Path, suffix: str, format: str | None
) -> Iterator[tuple[Path, Path]]:
    """Yield every source with its output file.

    One stack is written to the file `out`, or into `out` if it is a folder. Several stacks are written to the
    folder `out`, which is created, as ``<name>_<suffix>.tif``.

    Raises
    ------
    QuietfieldError
        If two sources have the same output file, or the folder cannot be created.
    """
    ending = {"ome": OME_ENDINGS, "zarr": ZARR_ENDINGS, "zarr-sharded": ZARR_ENDINGS}.get(
        format or "", TIFF_ENDINGS
    )[0]
    if len(stacks) == 1 and (not is_folder(out) or is_zarr_name(out)):
        yield stacks[0], out
        return
    named: dict[Path, Path] = {}
    for stack in stacks:
        target = out / shorten(_stem(stack), f"_{suffix}{ending}")
        if target in named:
            raise QuietfieldError(
                f"{named[target]} and {stack} would both be written to {target}. Write them to "
                "different folders, one after the other."
            )
        named[target] = stack
    make_folder(out)
    for target, stack in named.items():
        yield stack, target


def make_folder(folder: Path) -> None:
    """Make the folder of several results, unless there is one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise QuietfieldError(
            f"{folder} is a file; several results need a folder to be written to. Name another with -o."
        ) from error
    except OSError as error:
        raise QuietfieldError(
            f"The folder {folder} could not be made: {error.strerror}. Name another with -o."
        ) from error


def refuse_to_replace(target: Path, *, overwrite: bool, sources: Sequence[Path] = ()) -> None:
    """Raise a `QuietfieldError` before any work if a file would be replaced or cannot be written."""
    from core.files.atomic import destination  # reads no files, unlike its package

    if not there(target):
        if not is_folder(target.parent):
            raise QuietfieldError(
                f"The folder {target.parent} does not exist. Make it, or name another with -o."
            )
        destination(target)
        return
    if any(there(source) and source.samefile(target) for source in sources):
        raise QuietfieldError(
            f"{target} is the source itself, which is never changed. Name another file with -o."
        )
    if is_folder(target) and not is_zarr_name(target):
        raise QuietfieldError(f"{target} is a folder. Name a file with -o.")
    if not overwrite:
        raise QuietfieldError(
            f"{target} exists. Name another file with -o, or add --overwrite to replace it."
        )
    if not is_folder(target):
        destination(target)


def _stem(path: Path) -> str:
    return path.resolve().name if is_folder(path) and not is_zarr_name(path) else split_ending(path)[0]
