"""Formatting of times."""

from __future__ import annotations

import math


def clock(seconds: float) -> str:
    """Format a time as ``0:07``, ``2:10`` or ``1:02:10``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def clock_left(seconds: float) -> str:
    """Format a remaining time as ``0:07 left``; "" if it is NaN, that is unknown."""
    return f"{clock(seconds)} left" if math.isfinite(seconds) else ""
