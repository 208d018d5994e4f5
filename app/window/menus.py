"""The commands of each menu and of the toolbar, and all keys in the order of the menus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

from app.documents.opening import SAMPLES
from app.shell.schemes import SCHEMES
from app.shell.view_state import LAYOUTS, LUTS
from app.viewer.luts import FROM_FILE
from app.window.commands import COMMANDS
from app.window.help_pages import KeyGroup


@dataclass(frozen=True, slots=True)
class Submenu:
    """A submenu: its items, or the name of a submenu that the window fills."""

    title: str
    items: tuple[str, ...]
    icon: str = ""
    help: str = ""


Item = str | Submenu
SEPARATOR = "-"
RECENT, PANELS = "@recent", "@panels"
"""Places of items that change while the program runs: recent files, and panel switches."""

_TABLES = tuple(f"lut-{name}" for name in (*LUTS, FROM_FILE))
_SAMPLE_IDS = tuple(f"sample-{n}" for n in SAMPLES)
_STUDY_IDS = tuple(f"study-{n}" for n in SAMPLES)
_LAYOUT_IDS = tuple(f"layout-{name}" for name in LAYOUTS)

MENUS: Mapping[str, tuple[Item, ...]] = {
    "&File": (
        "open", "open-folder", Submenu("Open Recent", (RECENT,)),
        Submenu("Sample", _SAMPLE_IDS, "sample"), "simulate", SEPARATOR,
        "file-next", "file-previous", SEPARATOR, "export", "export-metrics", SEPARATOR, "quit",
    ),
    "&Edit": ("undo", "redo", SEPARATOR, "copy-recipe", "copy-methods"),
    "&Image": (
        "auto", "contrast", Submenu("Look-up Table", _TABLES, "lut"),
        Submenu("Axes", ("axis-T", "axis-Z", "axis-C")), SEPARATOR,
        "plane-next", "plane-previous", "play",
    ),
    "&Process": ("show-filters", "live-preview", SEPARATOR, "run-recipe"),
    "&Train": ("show-train", SEPARATOR, "apply-network", "save-network"),
    "&Measure": ("show-compare", "show-noise", "show-metrics", "compare-filters", "export-metrics"),
    "&View": (
        *_LAYOUT_IDS, "expected-error", SEPARATOR, "zoom-in", "zoom-out", "fit", "actual-size", SEPARATOR,
        Submenu("Panels", (PANELS, SEPARATOR, "toggle-panels")), "reset-panels", "full-screen",
        Submenu("Theme", tuple(f"theme-{n}" for n in SCHEMES)),
    ),
    "&Help": (
        "help", "keys", "show-log", SEPARATOR, Submenu("Replay the Study", _STUDY_IDS, "compare"),
        SEPARATOR, "copy-report", "about",
    ),
}  # fmt: skip

TOOLBAR: tuple[Item, ...] = (
    "open", Submenu("Sample", (*_SAMPLE_IDS, "simulate"), "sample", "Open a sample"), "export", SEPARATOR,
    "undo", "redo", SEPARATOR, *_LAYOUT_IDS, SEPARATOR, "auto", "fit", "actual-size",
    Submenu("LUT", _TABLES, "lut", "Select the look-up table"),
)  # fmt: skip

OTHER_KEYS = (
    ("1 … 9 in the results list", "Show the result of this number"),
    ("R (held)", "Show the source instead of the result, in the single layout"),
)
"""Keys without commands."""


def keys() -> tuple[KeyGroup, ...]:
    """Return all keys: those of the commands of each menu, then those without commands."""
    commands = {command.id: command for command in COMMANDS}
    groups: list[KeyGroup] = []
    seen: set[str] = set()
    for title, items in MENUS.items():
        here = [commands[i] for i in _flat(items) if i in commands and commands[i].keys and i not in seen]
        seen.update(command.id for command in here)
        if here:
            lines = tuple((tuple(map(_native, c.keys)), c.text.rstrip("…")) for c in here)
            groups.append(KeyGroup(title=title.replace("&", ""), lines=lines))
    return (*groups, KeyGroup(title="Elsewhere", lines=tuple(((key,), words) for key, words in OTHER_KEYS)))


def _flat(items: tuple[Item, ...]) -> list[str]:
    names: list[str] = []
    for item in items:
        names += _flat(item.items) if isinstance(item, Submenu) else [item] if item != SEPARATOR else []
    return names


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
