"""Short descriptions of results and stacks."""

from __future__ import annotations

import math
import textwrap

from app.shell.snapshot import Result, Snapshot
from core.stack import Stack

TOOLTIP_WIDTH = 72
"""Maximum line length of a tooltip, in characters."""


def note(result: Result, snapshot: Snapshot) -> str:
    """Return the PSNR of a result if it was measured, otherwise its computing time."""
    measures = snapshot.measures.get(result.key)
    if measures is not None and math.isfinite(psnr := measures["psnr"]):
        return f"{psnr:.2f} dB"
    return duration(result.seconds) if result.step is not None else ""


def tooltip(result: Result, snapshot: Snapshot) -> str:
    """Return all facts about a result, one per line."""
    lines = [result.label, result.details]
    if result.step is None:
        lines = ["The source as it was opened", result.details]
    else:
        model = snapshot.models.get(result.step.model.sha256) if result.step.model else None
        if model is not None:
            steps = model.record.steps
            words = f"trained {steps} step{'s' if steps != 1 else ''} in {duration(model.record.seconds)}"
            lines.append(words)
        if result.seconds:
            lines.append(f"took {duration(result.seconds)}")
    measures = snapshot.measures.get(result.key)
    if measures is not None and snapshot.reference is not None:
        lines.append(f"PSNR {measures['psnr']:.2f} dB against {snapshot.reference.label}")
    if result.step is not None and result.step.parameters != result.details:
        lines.append(textwrap.fill(f"With {result.step.parameters}", TOOLTIP_WIDTH))
    return "\n".join(line for line in lines if line)


def source_words(result: Result) -> str:
    """Return a short description of the source."""
    return result.stack.meta.format or "source"


def duration(seconds: float) -> str:
    """Format a time span: "0.4 s", "12 s", "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def describe(stack: Stack) -> str:
    """Return size, type and pixel size of a stack on one line."""
    sizes = " · ".join(f"{n} {a}" for a, n in stack.sizes.items() if a in "TCZ")
    rows, columns = stack.shape[-2:]
    words = [f"{columns} × {rows} px", stack.dtype.name]
    if sizes:
        words.insert(0, sizes)
    spacing = stack.meta.spacing
    if "X" in spacing:
        words.append(f"{spacing['X']:.4g} µm/px")
    return " · ".join(words)
