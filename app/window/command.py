"""A command of the window, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.shell.snapshot import Snapshot
from app.window.reasons import always
from app.window.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of the window.

    Attributes
    ----------
    id : str
        Name of the action.
    text : str
        Text in menus.
    run : callable
        Executes the command; its result is ignored.
    help : str
        Tooltip.
    keys : tuple of str
        Shortcuts; the first one is displayed.
    icon : str
        Name of an icon. A command with an icon and without `short` has no text in the toolbar.
    short : str
        Text in the toolbar.
    why_not : callable
        Returns the reason why the command is disabled, or "".
    on : callable or None
        Whether the command is checked, for checkable commands.
    group : str
        Among commands of the same group, exactly one is checked.
    """

    id: str
    text: str
    run: Callable[[Services], object]
    help: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    short: str = ""
    why_not: Callable[[Snapshot], str] = always
    on: Callable[[Services], bool] | None = None
    group: str = ""
