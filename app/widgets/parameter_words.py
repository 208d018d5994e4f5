"""Parameters in words: values, ranges and tooltips."""

from __future__ import annotations

import html

from core.params import Param, Value

UNLIMITED = 1e12
"""A limit from here on counts as none."""


def in_words(p: Param, value: Value) -> str:
    """Write a value as a person would, without its unit."""
    if p.kind == "choice":
        return p.choices[str(value)]
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def allowed(p: Param) -> str:
    """Range of a number, such as "above 0 to 50, odd"; "" where there is none."""
    low, over = (p.gt, "above") if p.gt is not None else (p.ge, "from")
    words = [f"{over} {low:.10g}"] if low is not None else []
    if p.le is not None and p.le < UNLIMITED:
        words.append(f"{'to' if words else 'up to'} {p.le:.10g}")
    return ", ".join(part for part in (" ".join(words), "odd" if p.odd else "") if part)


def tooltip(p: Param) -> str:
    """Explain a parameter: what it does, its unit, its range and its default, as rich text."""
    facts = [f"in {p.unit}" if p.unit else "", allowed(p), f"default {in_words(p, p.default) or 'empty'}"]
    words = html.escape(", ".join(fact for fact in facts if fact))
    return f"<p>{html.escape(p.help or p.label)}</p><p>{words[0].upper()}{words[1:]}.</p>"
