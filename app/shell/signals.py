"""System signals that end the program, with one message and exit code each."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl+C, a request to end, and a closed terminal (not on Windows)."""

PATIENCE = 2.0
"""Time in seconds after a signal in which further signals are ignored, because the program is ending."""


class Ended(KeyboardInterrupt):
    """A signal requested the end of the program; incomplete files are removed while unwinding."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number

    @property
    def code(self) -> int:
        """Exit code, as in shells."""
        return 128 + self.number

    @property
    def sentence(self) -> str:
        """Message for the user."""
        word = "Interrupted" if self.number == signal.SIGINT else "Terminated"
        return f"{word}; no incomplete file is left."


def numbers() -> tuple[int, ...]:
    """Return the signals that end the program, except those that the parent process ignores (nohup)."""
    found = (getattr(signal, name) for name in NAMES if hasattr(signal, name))
    return tuple(number for number in found if signal.getsignal(number) != signal.SIG_IGN)


@contextmanager
def raising() -> Iterator[None]:
    """Raise `Ended` in the main thread when a signal arrives; during an import, end the process at once.

    Imported modules may catch the exception, or fail in the middle of their initialisation.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: float | None = None

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal first
        before, now = first, time.monotonic()
        first = now if first is None else first
        if before is not None and now - before < PATIENCE:
            return
        if before is not None or _importing(frame):
            say(Ended(number).sentence)
            leave(Ended(number).code)
        raise Ended(number)

    former = {number: signal.signal(number, end) for number in numbers()}
    try:
        yield
    finally:
        if first is None:  # else the process ends, and a further signal must not interrupt that
            for number, handler in former.items():
                signal.signal(number, handler)


def leave(code: int) -> NoReturn:
    """End the process without waiting for its threads; only what they are writing is removed."""
    drafts = sys.modules.get("core.files.drafts")
    if drafts is not None and hasattr(drafts, "remove_own"):  # it may be what is being imported
        drafts.remove_own()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    os._exit(code)


def say(text: str) -> None:
    """Print a message on stderr; a closed terminal receives nothing."""
    with suppress(OSError):
        if sys.stderr is not None:
            print(text.rstrip(), file=sys.stderr, flush=True)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
