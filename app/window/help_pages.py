"""The help pages as Markdown: shipped text, and tables generated from the program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from PySide6.QtWidgets import QWidget

from app.widgets.parameter_words import allowed, in_words
from core import params
from core.catalogue import methods
from core.learning.base import Learned
from core.learning.methods import BlindSpot
from core.methods.base import Group, summary
from core.params import Param
from resources import FOLDER

PAGES: Mapping[str, str] = {
    "tour": "A quick tour",
    "viewer": "Viewer and keys",
    "filters": "Filters",
    "training": "Training",
    "psf": "PSF and sweep",
    "compare": "Compare",
    "noise": "Noise",
    "metrics": "Metrics",
    "simulate": "Simulate",
    "export": "Export and recipes",
    "command-line": "Command line",
}
"""Names of the pages (and of their files) with their titles, in the order of the contents."""

PROPERTY = "helpPage"
"""Qt property of a panel that holds the name of its help page."""


def page_of(widget: QWidget | None) -> str:
    """Return the help page of a widget; by default the tour."""
    while widget is not None:
        name = widget.property(PROPERTY)
        if name in PAGES:
            return str(name)
        widget = widget.parentWidget()
    return "tour"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGroup:
    """The keys of one menu: its title, and for each line the keys and their effect."""

    title: str
    lines: tuple[tuple[tuple[str, ...], str], ...]


def markdown(page: str, keys: Sequence[KeyGroup]) -> str:
    """Return the text of a page, with its tables.

    Parameters
    ----------
    page : str
        Name of the page.
    keys : sequence of KeyGroup
        All keys of the program, for the page that lists them.

    Raises
    ------
    KeyError
        If the page, or a table that it needs, does not exist.
    """
    if page not in PAGES:
        raise KeyError(page)
    text = (FOLDER / "help" / f"{page}.md").read_text(encoding="utf-8")
    tables: dict[str, Callable[[str], str]] = {**_TABLES, "keys": lambda _: _key_table(keys)}
    return re.sub(r"^\{\{(\w+) ?(\w*)\}\}$", lambda found: tables[found[1]](found[2]), text, flags=re.M)


def _parameters(group: str) -> str:
    """Return the methods of a group as headings, each with a table of its parameters."""
    parts: list[str] = []
    shared: tuple[Param, ...] = ()
    if group == "learned":
        shared = params.describe(Learned)
        parts += ["### All networks", "", *_rows(shared), ""]
    for method in methods(cast(Group, group)):
        own = [p for p in params.describe(method) if p not in shared]
        parts += [f"### {method.label}", "", summary(method), ""]
        parts += [*_rows(own), ""] if own else ["It has no parameters of its own.", ""]
        parts += [f"*{_text(citation)}*\n" for citation in method.citations]
    return "\n".join(parts)


def _rows(described: Sequence[Param]) -> list[str]:
    lines = ["| Parameter | Default | Range | Meaning |", "|---|---|---|---|"]
    for p in described:
        default = f"{in_words(p, p.default)} {p.unit}".strip() or "–"
        lines.append("| " + " | ".join(map(_text, (p.label, default, _range(p), p.help or "–"))) + " |")
    return lines


def _range(p: Param) -> str:
    if p.kind == "choice":
        return "; ".join(p.choices.values())
    if p.kind == "bool":
        return "on, off"
    return allowed(p) or "–"


def _presets(_: str) -> str:
    lines = ["| Preset | What it is for |", "|---|---|"]
    lines += [f"| {_text(p.label)} | {_text(p.help)} |" for p in BlindSpot.presets.values()]
    return "\n".join(lines)


def _metrics(_: str) -> str:
    from core.quality.metrics import metrics  # imports scipy, which the first window does not need

    lines = ["| Measure | Unit | Better | Definition |", "|---|---|---|---|"]
    for m in metrics():
        cells = (m.label, m.unit or "–", m.better, m.definition)
        lines.append("| " + " | ".join(map(_text, cells)) + " |")
    return "\n".join(lines)


def _key_table(keys: Sequence[KeyGroup]) -> str:
    lines = ["| Key | What it does |", "|---|---|"]
    for group in keys:
        lines.append(f"| *{_text(group.title)}* | |")
        lines += [
            f"| **{'** or **'.join(map(_text, names))}** | {_text(words)} |" for names, words in group.lines
        ]
    return "\n".join(lines)


def _text(words: str) -> str:
    """Escape characters that Markdown interprets."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", words)


_TABLES: Mapping[str, Callable[[str], str]] = {
    "parameters": _parameters,
    "presets": _presets,
    "metrics": _metrics,
}
