"""Calibrating cameras, and using their calibrations for the open stack, in jobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.shell.jobs import Job, Jobs
from app.shell.session import Session
from core.stack import Stack

CHANNEL = "calibrating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to calibrate a camera from.

    Attributes
    ----------
    name : str
        Name of the camera.
    dark, flat, repeats : Path or None
        Files of dark frames, of a flat stack, and of repeated frames.
    overwrite : bool
        Whether to replace a calibration of this name.
    """

    name: str
    dark: Path | None = None
    flat: Path | None = None
    repeats: Path | None = None
    overwrite: bool = False


class Calibrator(QObject):
    """Calibrates cameras, and selects them for the open stack.

    Attributes
    ----------
    calibrated : Signal of str
        A camera of this name was calibrated and saved.
    """

    calibrated = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs

    def calibrate(self, wanted: Wanted) -> None:
        """Calibrate a camera and save it."""

        def work(job: Job) -> str:
            from core.files import open_stack
            from core.noise.calibrating import calibrate
            from core.noise.cameras import save_camera

            named = (("dark", wanted.dark), ("flat", wanted.flat), ("repeats", wanted.repeats))
            stacks = {
                what: open_stack(path, context=job.context.silent())
                for what, path in named
                if path is not None
            }
            made = calibrate(wanted.name, **stacks, context=job.context)
            save_camera(made, overwrite=wanted.overwrite)
            return wanted.name

        self._jobs.start(f"Calibrating {wanted.name}", work, done=self.calibrated.emit, channel=CHANNEL)

    def use(self, name: str) -> None:
        """Use the calibration of this name for the open stack; "" measures the noise in the stack."""
        source = self._session.snapshot.source
        if source is None:
            return
        stack, key = source.stack, source.key

        def work(_: Job) -> Stack:
            from core.noise.cameras import load_camera, with_camera

            return with_camera(stack, load_camera(name) if name else None)

        def show(made: Stack) -> None:
            now = self._session.snapshot.source
            if now is not None and now.key == key and made is not stack:
                self._session.replace_source(made)

        self._jobs.start("Reading the calibration", work, done=show, channel="camera", quiet=True)
