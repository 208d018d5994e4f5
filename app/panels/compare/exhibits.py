"""The images of a comparison for the contact sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.panels.compare import words
from app.panels.compare.run import ordered
from app.viewer.sheet import Exhibit
from core.stack import Pixels, Region, Stack

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.report import Comparison

RAW = -1
"""Key of the source."""


def exhibits(found: Comparison) -> tuple[Exhibit, ...]:
    """Return the results of a comparison, best first, then source and reference."""
    made = []
    ranked = len(found.verdict.ranking)
    for place, entry in enumerate(ordered(found)):
        if entry.result is None:
            continue
        badge = "–" if place >= ranked else "1 · best" if place == 0 else str(place + 1)
        pixels = entry.result.stacks[0].read()
        made.append(
            Exhibit(
                key=place, badge=badge, title=entry.label,
                value=words.value(entry), note=words.note(entry), pixels=pixels.reshape(pixels.shape[-2:]),
            )
        )  # fmt: skip
    raw = _plane(found.stack, found.region)
    source = Exhibit(key=RAW, badge="raw", title="Source", note=found.stack.meta.name, pixels=raw)
    return (*made, source)


def _plane(stack: Stack, region: Region) -> Pixels:
    pixels = stack.read(region)
    return pixels.reshape(pixels.shape[-2:])
