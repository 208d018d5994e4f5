"""Order of the results list."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

from app.shell.snapshot import Result, Snapshot

Order = Literal["made", "name", "time", "psnr"]

ORDERS: Mapping[Order, tuple[str, str]] = {
    "made": ("Order of Creation", "as created"),
    "name": ("Name", "by name"),
    "time": ("Computing Time", "by time"),
    "psnr": ("PSNR, Best First", "by PSNR"),
}
"""Words of the menu, and of the button."""


def arrange(snapshot: Snapshot, order: Order) -> list[tuple[int, Result]]:
    """Return the results with their numbers, counted from 1 in the order of creation; the source is first."""

    def psnr(result: Result) -> float:
        measures = snapshot.measures.get(result.key)
        found = measures["psnr"] if measures is not None else math.nan
        return math.inf if math.isnan(found) else -found  # results without a PSNR are last

    keys: Mapping[Order, Callable[[tuple[int, Result]], tuple[float | str, ...]]] = {
        "made": lambda row: (row[0],),
        "name": lambda row: (row[1].label.casefold(), row[0]),
        "time": lambda row: (row[1].seconds, row[0]),
        "psnr": lambda row: (psnr(row[1]), row[0]),
    }
    rows = list(enumerate(snapshot.results, 1))
    return rows[:1] + sorted(rows[1:], key=keys[order])


def reason(snapshot: Snapshot, order: Order) -> str:
    """Return why the results cannot be sorted like this, or ""."""
    if order == "psnr" and not snapshot.measures:
        return "PSNR needs a reference; choose one in the Metrics panel"
    return ""
