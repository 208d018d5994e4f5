"""Collects what tifffile only logs: it reads truncated files and missing parts without an exception."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_DAMAGE = re.compile(
    r"corrupted|invalid (page )?offset|missing data are zeroed|is missing|failed to read|could not read"
    r"|invalid value offset|out of range|circular reference|incompletely written"
    r"|expected \d+ (segments|frames)"
    r"|incorrect Strip|cannot handle|invalid data type|missing files|contains no pages",
    re.IGNORECASE,
)
_LOST = re.compile(r"failed to read '([^']+)'")
_CUT = re.compile("page offset|out of range|is missing")


class _Filter(logging.Filter):
    """Keeps the records of threads that listen from all handlers; records of other threads pass."""

    def __init__(self) -> None:
        super().__init__()
        self.local = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a record for the thread that listens."""
        heard: list[str] | None = getattr(self.local, "heard", None)
        if heard is None:
            return True
        if record.levelno >= logging.WARNING:
            heard.append(record.getMessage())
        return False


# One filter for the life of the program: adding and removing one while other threads log would
# skip records, since the logger iterates over its list of filters without a lock.
_filter = _Filter()
logging.getLogger("tifffile").addFilter(_filter)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect the warnings and errors that tifffile logs in this thread, and keep them off the screen."""
    before = getattr(_filter.local, "heard", None)
    heard: list[str] = []
    _filter.local.heard = heard
    try:
        yield heard
    finally:
        _filter.local.heard = before


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Missing or damaged pixels that tifffile logged.

    Attributes
    ----------
    cause : str
        The first message.
    lost : str
        Name of a file that belongs to the image and could not be read; "" for none.
    cut : bool
        Whether planes are missing at the end of the file.
    """

    cause: str
    lost: str = ""
    cut: bool = False


def damage(heard: Sequence[str]) -> Damage | None:
    """Return what the messages of tifffile say of missing or damaged pixels; None if nothing is wrong.

    tifffile gives no codes for its warnings, so that this is the one place that reads their words.
    """
    found = [message for message in heard if _DAMAGE.search(message)]
    if not found:
        return None
    lost = next((match[1] for message in found if (match := _LOST.search(message))), "")
    cause = re.sub(r"<[^>]*> ?", "", found[0])[:120]
    return Damage(cause=cause, lost=lost, cut=any(_CUT.search(message) for message in found))
