"""Progress of the command line, as one line on stderr."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from app.shell.durations import clock
from core.progress import Context

TTY_INTERVAL = 0.1
LINE_INTERVAL = 5.0
"""Minimum time between two lines if stderr is not a terminal, in seconds."""

FIRST = 1.0
"""Time before the first of these lines, in seconds; fast work shows none."""


def size(count: float) -> str:
    """Format a number of bytes with a suitable unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


class Progress:
    """Progress with remaining time on stderr: one updated line in a terminal, else occasional lines.

    Parameters
    ----------
    quiet : bool
        Whether to show only messages of `say`.
    stream : text file, optional
        Output stream; by default stderr.
    now : callable
        Returns the time in seconds.
    """

    def __init__(
        self, *, quiet: bool = False, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._now = now
        self._quiet = quiet
        self._tty = bool(self._stream is not None and self._stream.isatty())
        self._shown = 0
        self._started = self._now()
        self._last = self._started - (0 if self._tty else LINE_INTERVAL - FIRST)
        self._prefix = self._text = ""

    def context(self, prefix: str = "", text: str = "") -> Context:
        """Restart with a context whose reports appear after `prefix`, and as `text` if it is given."""
        self._prefix = f"{prefix}: " if prefix else ""
        self._text = text
        self._started = self._now()
        return Context(self._report)

    def _report(self, fraction: float, text: str) -> None:
        elapsed = self._now() - self._started
        left = f", {clock(elapsed / fraction * (1 - fraction))} left" if fraction > 0.01 else ""
        self.show(f"{self._prefix}{self._text or text} {fraction:4.0%}{left}")

    def show(self, line: str) -> None:
        """Replace the last line, if enough time has passed."""
        now = self._now()
        if self._quiet or now - self._last < (TTY_INTERVAL if self._tty else LINE_INTERVAL):
            return
        self._last = now
        if self._tty:
            self._write("\r" + line.ljust(self._shown))
            self._shown = len(line)
        else:
            self._write(line + "\n")

    def say(self, line: str) -> None:
        """Print a permanent line, even if quiet."""
        self.clear()
        self._write(line + "\n")

    def clear(self) -> None:
        """Remove the line that is being updated."""
        if self._shown:
            self._write("\r" + " " * self._shown + "\r")
            self._shown = 0

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()


def table(rows: Sequence[tuple[str, ...]], *, right: bool = True, width: int = 0) -> str:
    """Return aligned columns.

    Parameters
    ----------
    rows : sequence of tuple of str
        Cells; the first row may be the heading.
    right : bool
        Whether to align all columns but the first to the right.
    width : int
        Line width; the last column is wrapped to it. 0 for no limit.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    start = sum(widths[:-1]) + 2 * len(widths[:-1])
    lines = []
    for row in rows:
        cells = [
            cell.rjust(wide) if right and i else cell.ljust(wide)
            for i, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        folded = textwrap.wrap(row[-1], width - start) if width > start + 20 else []
        if len(folded) > 1:
            cells[-1] = f"\n{' ' * start}".join(folded)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def line_width() -> int:
    """Return the line width of the terminal; 0 if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
