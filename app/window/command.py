"""One thing the window can do, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.shell.snapshot import Snapshot
from app.window.reasons import always
from app.window.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing the window can do.

    Attributes
    ----------
    id : str
        Name of the action.
    text : str
        What menus call it.
    run : callable
        Does it; what it returns is ignored.
    help : str
        Tooltip.
    keys : tuple of str
        Shortcuts, the first of which is shown.
    icon : str
        Name of an icon; one with an icon and no `short` stands in the toolbar without words.
    short : str
        Words on the toolbar.
    why_not : callable
        Reason why it cannot be done now, or "".
    on : callable or None
        Whether it is switched on, for what can be switched.
    group : str
        Of several with the same word, one is on.
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
