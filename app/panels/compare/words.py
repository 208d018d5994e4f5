"""Figures of a comparison as texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.report import Comparison
    from core.work.contest import Entry


def value(entry: Entry) -> str:
    """Return the PSNR that the entry is ranked by, such as "34.6 dB"; "" without one."""
    if entry.measures is not None:
        return f"{entry.measures['psnr']:.1f} dB"
    if entry.judged is None:
        return ""
    if math.isfinite(entry.judged.psnr):
        return f"{entry.judged.psnr:.1f} dB"
    low = entry.judged.interval[0]
    return f"> {low:.1f} dB" if math.isfinite(low) else "?"


def note(entry: Entry) -> str:
    """Return interval or further metrics, time and memory of an entry."""
    return " · ".join(part for part in (_spread(entry), duration(entry.seconds), _memory(entry)) if part)


def legend(found: Comparison) -> str:
    """Return what the numbers of the list are."""
    what = "PSNR and SNR against the reference" if found.with_reference else "Estimated PSNR, 95 % interval"
    return f"{what} · time · memory"


def spoken(place: int, entry: Entry) -> str:
    """Return all that a row shows, for screen readers and tooltips."""
    if entry.failure:
        return f"{entry.label}: {entry.failure}"
    what = "PSNR" if entry.measures is not None else "Estimated PSNR"
    return f"{place}. {entry.label}. {what} {value(entry)}, {note(entry)}"


def duration(seconds: float) -> str:
    """Format a computing time."""
    if seconds >= 100:
        return f"{seconds:.0f} s"
    if seconds < 0.1:
        return "< 0.1 s"
    return f"{seconds:.1f} s"


def _spread(entry: Entry) -> str:
    if entry.measures is not None:
        return f"SNR {entry.measures['snr']:.1f} dB"
    if entry.judged is None:
        return ""
    low, high = (f"{edge:.1f}" if math.isfinite(edge) else "?" for edge in entry.judged.interval)
    return f"{low}–{high} dB"


def _memory(entry: Entry) -> str:
    if not entry.memory:
        return ""
    return f"{entry.memory / 1e9:.1f} GB" if entry.memory >= 1e9 else f"{max(1, entry.memory // 10**6)} MB"
