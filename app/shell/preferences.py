"""Preferences that the window keeps between starts."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import platformdirs
from PySide6.QtCore import QObject, Signal

from app.shell.schemes import SCHEMES, Scheme
from core.errors import QuietfieldError
from core.paths import there
from core.reading import parse_json, read_text

NAME = "Quietfield"
FILE = "preferences.json"
RECENT = 10
"""Number of files in "Open Recent"."""

ANSWERS = 200
"""Number of stacks whose axes are remembered."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """User settings that are kept between starts.

    Attributes
    ----------
    geometry, state : str
        Position and size of the window, and layout of its docks, in Qt's format as base 64.
    theme : {"system", "light", "dark"}
        Colour scheme.
    recent : tuple of str
        Recently opened files and folders, newest first.
    folder : str
        Folder of the last file dialog.
    export_format, export_type : str
        Last choices of the export dialog: a format of `save_stack`, and "source" or "float32".
    export_sidecar : bool
        Whether recipe and metrics are written beside an exported stack.
    live_preview : bool
        Whether the chosen method is previewed automatically when a stack is open.
    axes : tuple of str
        Answers to the question about the axes of stacks, newest first: SHA-256 of the fingerprint of a stack,
        a colon, and the letter of its first axis.
    """

    geometry: str = ""
    state: str = ""
    theme: Scheme = "system"
    recent: tuple[str, ...] = ()
    folder: str = ""
    export_format: str = "imagej"
    export_type: str = "source"
    export_sidecar: bool = True
    live_preview: bool = True
    axes: tuple[str, ...] = ()

    def axis_of(self, key: str) -> str:
        """Return the letter that was answered for the first axis of a stack; "" if none was."""
        found = [answer.rpartition(":")[2] for answer in self.axes if answer.startswith(f"{key}:")]
        return found[0] if key and found else ""

    def answered(self, key: str, letter: str) -> Preferences:
        """Return preferences with an answer added to the remembered ones."""
        rest = tuple(answer for answer in self.axes if not answer.startswith(f"{key}:"))
        return replace(self, axes=(f"{key}:{letter}", *rest)[:ANSWERS])

    def opened(self, path: Path) -> Preferences:
        """Return preferences with a path added to the recent ones."""
        rest = tuple(p for p in self.recent if p != str(path))
        return replace(self, recent=(str(path), *rest)[:RECENT], folder=str(path.parent))


def config_folder() -> Path:
    """Return the folder of the preferences; the variable ``QUIETFIELD_CONFIG`` overrides it."""
    given = os.environ.get("QUIETFIELD_CONFIG", "")
    return Path(given) if given else Path(platformdirs.user_config_dir(NAME, appauthor=False))


def log_folder() -> Path:
    """Return the folder of the log files."""
    given = os.environ.get("QUIETFIELD_CONFIG", "")
    return Path(given) / "log" if given else Path(platformdirs.user_log_dir(NAME, appauthor=False))


def load() -> Preferences:
    """Read the preferences; missing or invalid values have their defaults."""
    path = config_folder() / FILE
    try:
        if not there(path):
            return Preferences()
        read = parse_json(read_text(path))
    except (QuietfieldError, ValueError) as error:
        _log.warning("preferences could not be read, defaults are used: %s", error)
        return Preferences()
    return _checked(read) if isinstance(read, dict) else Preferences()


LONGEST = {"recent": RECENT, "axes": ANSWERS}
"""Most entries of each list."""


def _checked(read: dict[str, object]) -> Preferences:
    default = Preferences()
    good: dict[str, object] = {}
    for field in fields(Preferences):
        value, known = read.get(field.name), getattr(default, field.name)
        if isinstance(known, tuple) and isinstance(value, list):
            good[field.name] = tuple(v for v in value if isinstance(v, str))[: LONGEST[field.name]]
        elif type(value) is type(known):
            good[field.name] = value
    if good.get("theme") not in SCHEMES:
        good.pop("theme", None)
    return replace(default, **good)  # type: ignore[arg-type]


def save(preferences: Preferences) -> None:
    """Write the preferences; errors are only logged."""
    from core.files import atomic  # imported on demand, for a fast start

    try:
        config_folder().mkdir(parents=True, exist_ok=True)
        atomic.write_text(config_folder() / FILE, json.dumps(asdict(preferences), indent=1))
    except (OSError, QuietfieldError) as error:
        _log.warning("preferences could not be written: %s", error)


class PreferenceStore(QObject):
    """The preferences of the user: read at creation, and written after every change.

    Attributes
    ----------
    changed : Signal of Preferences
        The preferences changed.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current = load()

    def keep(self, preferences: Preferences) -> None:
        """Replace the preferences, and write them."""
        if preferences != self.current:
            self.current = preferences
            save(preferences)
            self.changed.emit(preferences)
