"""A finding: an observation about data, as code and values for programs and as a message for users."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from core import stored
from core.params import Value

PLACES = ("channel", "frame", "plane")
"""Details that are indices, counted from 0; messages count from 1, like the window."""


LONGEST = 1000
"""Maximum number of characters of a detail in a message."""


class Level(IntEnum):
    """Severity of a finding."""

    NOTE = 0
    """For information only."""
    HINT = 1
    """A better result is possible."""
    CAUTION = 2
    """The result may be worse than usual, or incomplete."""
    OBSTACLE = 3
    """The method cannot be used for these data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that a button or a script can make.

    Attributes
    ----------
    label : str
        Text of the button, such as "Average frames".
    method : str
        Name of the method to select; "" keeps the current one.
    params : dict of str to value
        Parameters to set; the others keep their values.
    preset : str
        Preset to select; "" keeps the current one.
    action : str
        Something else to do: "calibrate", "leave-out" or "noise-model"; "" for a change of method or
        parameters.
    """

    label: str
    method: str = ""
    params: Mapping[str, Value] = field(default_factory=dict, hash=False)
    preset: str = ""
    action: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the proposal as a dictionary for JSON, without an empty preset and action."""
        more = {"preset": self.preset, "action": self.action}
        told = {name: value for name, value in more.items() if value}
        return {"label": self.label, "method": self.method, "params": dict(self.params), **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of finding.

    Attributes
    ----------
    code : str
        Name for programs, lower case with dashes; it never changes.
    level : Level
        Severity.
    words : str
        Message for users. Fields in braces are filled by `str.format` with ``value``, ``limit``,
        ``unit`` and the details of the finding.
    """

    code: str
    level: Level
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An observation about data, or about a method applied to these data.

    Programs compare `kind`; no decision depends on `text`.

    Attributes
    ----------
    kind : Kind
        Kind of the finding.
    value, limit : float or None
        Measured value, and the limit that it exceeds.
    unit : str
        Unit of both; "" for none.
    details : dict of str to str, int or float
        Other values in the message, such as an axis, or an index named in `PLACES`.
    proposal : Proposal or None
        Proposed change.
    """

    kind: Kind
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    details: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)
    proposal: Proposal | None = None

    @property
    def code(self) -> str:
        """Code of the kind."""
        return self.kind.code

    @property
    def level(self) -> Level:
        """Severity of the kind."""
        return self.kind.level

    @property
    def text(self) -> str:
        """Message for users."""
        counted = {name: int(self.details[name]) + 1 for name in PLACES if name in self.details}
        known = {name: _printable(value) for name, value in self.details.items()} | counted
        return self.kind.words.format(value=self.value, limit=self.limit, unit=self.unit, **known)

    def to_dict(self) -> dict[str, object]:
        """Return the finding as a dictionary for JSON; null stands for a number that is not finite."""
        return {
            "code": self.code, "level": self.level.name.lower(), "text": self.text,
            "value": _finite(self.value), "limit": _finite(self.limit), "unit": self.unit,
            "details": dict(self.details),
            "proposal": None if self.proposal is None else self.proposal.to_dict(),
        }  # fmt: skip


def worst(findings: Iterable[Finding]) -> Level | None:
    """Return the highest level among findings; None if there are none."""
    return max((finding.level for finding in findings), default=None)


def _printable(value: str | float) -> str | float:
    """Return a detail for a message: files may contain any characters."""
    return stored.shorten(value, LONGEST) if isinstance(value, str) else value


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
