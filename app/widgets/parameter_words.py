"""Text about parameters: values, ranges and tooltips."""

from __future__ import annotations

import html

from core.params import Param, Value

UNLIMITED = 1e12
"""Limits from this value on are not displayed."""


def in_words(p: Param, value: Value) -> str:
    """Format a value without its unit."""
    if p.kind == "choice":
        return p.choices[str(value)]
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def allowed(p: Param) -> str:
    """Return the range of a number, such as "above 0 to 50, odd"; "" if it is unlimited."""
    low, over = (p.gt, "above") if p.gt is not None else (p.ge, "from")
    words = [f"{over} {low:.10g}"] if low is not None else []
    if p.le is not None and p.le < UNLIMITED:
        words.append(f"{'to' if words else 'up to'} {p.le:.10g}")
    return ", ".join(part for part in (" ".join(words), "odd" if p.odd else "") if part)


def tooltip(p: Param) -> str:
    """Return a tooltip as rich text: effect, unit, range and default of a parameter."""
    facts = [f"in {p.unit}" if p.unit else "", allowed(p), f"default {in_words(p, p.default) or 'empty'}"]
    words = html.escape(", ".join(fact for fact in facts if fact))
    return f"<p>{html.escape(p.help or p.label)}</p><p>{words[0].upper()}{words[1:]}.</p>"
