"""Hears what tifffile only logs: truncated files and missing parts raise no exception there."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_DAMAGE = re.compile(
    r"corrupted|invalid (page )?offset|missing data are zeroed|is missing|failed to read|could not read"
    r"|invalid value offset|out of range|circular reference|incompletely written"
    r"|expected \d+ (segments|frames)"
    r"|incorrect Strip|cannot handle|invalid data type|missing files|contains no pages",
    re.IGNORECASE,
)


class _Filter(logging.Filter):
    """Takes the records of threads that listen, so that they reach no handler; lets others pass."""

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


def damage(heard: list[str]) -> list[str]:
    """Those of the messages that mean missing or damaged pixels, without repetitions."""
    return list(dict.fromkeys(m for m in heard if _DAMAGE.search(m)))
