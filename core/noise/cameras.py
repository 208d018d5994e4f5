"""Calibrations of cameras: saved by name in the user's data folder, and used for stacks."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import QuietfieldError
from core.files.atomic import write_text
from core.noise.calibration import Calibration
from core.noise.survey import Survey
from core.params import unknown
from core.paths import data_folder, there
from core.reading import parse_json, read_text
from core.recorded import Recorded
from core.stack import Stack

FOLDER = "cameras"
ENDING = ".json"
LONGEST = 80
"""Longest name, in characters."""

_FORBIDDEN = '<>:"/\\|?*'


def saved_cameras(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of all saved calibrations, sorted.

    Parameters
    ----------
    folder : Path, optional
        Folder of the calibrations; by default that of the user.
    """
    where = _folder(folder)
    try:
        return tuple(sorted(path.stem for path in where.glob(f"*{ENDING}")))
    except OSError:
        return ()


def load_camera(name: str, folder: Path | None = None) -> Calibration:
    """Return a saved calibration.

    Raises
    ------
    QuietfieldError
        If there is none with this name (the message suggests the nearest), or if its file is damaged.
    """
    path = _path(name, folder)
    if not there(path):
        known = saved_cameras(folder)
        hint = "" if known else " Calibrate one with 'quietfield camera NAME --dark DARK --flat FLAT'."
        raise QuietfieldError(unknown("camera", name, known) + hint)
    text = read_text(path)
    try:
        given = parse_json(text)
        if not isinstance(given, dict):
            raise ValueError("no object")
    except ValueError as error:
        raise QuietfieldError(
            f"{path} is damaged: it holds no calibration. Calibrate the camera again."
        ) from error
    try:
        return Calibration.from_dict(given)
    except QuietfieldError as error:
        raise QuietfieldError(f"{path}: {error}") from error


def save_camera(calibration: Calibration, folder: Path | None = None, *, overwrite: bool = False) -> Path:
    """Save a calibration by its name; return its file.

    Raises
    ------
    QuietfieldError
        If the name is not allowed, is taken (without `overwrite`), or if the folder cannot be written.
    """
    path = check_name(calibration.name, folder, overwrite=overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QuietfieldError(f"{path.parent} cannot be created ({error.strerror}).") from error
    text = json.dumps(calibration.to_dict(), indent=1) + "\n"
    return write_text(path, text, "replace" if overwrite else "refuse")


def check_name(name: str, folder: Path | None = None, *, overwrite: bool = False) -> Path:
    """Return the file of a calibration with this name.

    Raises
    ------
    QuietfieldError
        If the name is not allowed, or is taken (without `overwrite`).
    """
    path = _path(name, folder)
    if there(path) and not overwrite:
        raise QuietfieldError(
            f"There is already a camera called {name!r}. Choose another name, or replace it (--overwrite)."
        )
    return path


def remove_camera(name: str, folder: Path | None = None) -> None:
    """Remove a saved calibration.

    Raises
    ------
    QuietfieldError
        If there is none with this name, or if it cannot be removed.
    """
    load_camera(name, folder)
    try:
        _path(name, folder).unlink()
    except OSError as error:
        raise QuietfieldError(f"The camera {name!r} cannot be removed ({error.strerror}).") from error


def with_camera(stack: Stack, camera: Calibration | None) -> Stack:
    """Return a stack whose noise is that of a calibrated camera; the same stack without a calibration.

    Parameters
    ----------
    stack : Stack
        Stack; no pixels are read.
    camera : Calibration or None
        Calibration of its camera; None to measure the noise in the stack.
    """
    if Survey.of(stack).camera == camera:
        return stack
    fresh = Stack(stack.source, stack.axes, stack.meta)
    fresh.attached(Recorded, lambda: Recorded.of(stack))
    fresh.attached(Survey, lambda: Survey(fresh, camera=camera))
    return fresh


def _folder(folder: Path | None) -> Path:
    return data_folder() / FOLDER if folder is None else folder


def _path(name: str, folder: Path | None) -> Path:
    plain = name.strip()
    odd = not plain or len(plain) > LONGEST or plain.startswith(".") or not plain.isprintable()
    if odd or any(letter in _FORBIDDEN for letter in plain):
        raise QuietfieldError(
            f"{name!r} cannot be the name of a camera. Use 1 to {LONGEST} letters, digits, spaces, dashes "
            "and dots."
        )
    return _folder(folder) / f"{plain}{ENDING}"
