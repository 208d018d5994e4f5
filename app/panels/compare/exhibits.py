"""The images of a comparison for the contact sheet."""

from __future__ import annotations

from app.panels.compare import words
from app.panels.compare.run import Compared
from app.viewer.sheet import Exhibit
from core.stack import Pixels, Region, Stack

RAW = -1
"""Key of the source."""


def exhibits(found: Compared) -> tuple[Exhibit, ...]:
    """Return the results of a comparison, best first, then source and reference."""
    made = []
    for place, entry in enumerate(found.ordered):
        if entry.result is None:
            continue
        pixels = entry.result.stacks[0].read()
        note = " · ".join(part for part in (words.value(entry), words.note(entry)) if part)
        made.append(
            Exhibit(
                key=place, badge="1 · best" if place == 0 else str(place + 1), title=entry.label, note=note,
                pixels=pixels.reshape(pixels.shape[-2:]),
            )
        )  # fmt: skip
    raw = _plane(found.stack, found.region)
    return (*made, Exhibit(key=RAW, badge="raw", title="Source", note=found.stack.meta.name, pixels=raw))


def _plane(stack: Stack, region: Region) -> Pixels:
    pixels = stack.read(region)
    return pixels.reshape(pixels.shape[-2:])
