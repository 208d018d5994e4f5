"""A finding: something noticed, as a code and values for programs and as a sentence for a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from core.params import Value

PLACES = ("channel", "frame", "plane")
"""Details that are indices, counted from 0; sentences count from 1, as the window does."""


class Level(IntEnum):
    """How much a finding matters."""

    NOTE = 0
    """Good to know; nothing is wrong."""
    HINT = 1
    """A better result is possible."""
    CAUTION = 2
    """The result may be worse than usual, or something was left out."""
    OBSTACLE = 3
    """The method does not work on such data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that a button or a script can make.

    Attributes
    ----------
    label : str
        What a button that makes the change says, such as "Average frames".
    method : str
        Name of the method to choose; "" keeps the chosen one.
    params : dict of str to value
        Parameters to set; all others stay as they are.
    """

    label: str
    method: str = ""
    params: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, object]:
        """Return the proposal as a dictionary for JSON."""
        return {"label": self.label, "method": self.method, "params": dict(self.params)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of finding.

    Attributes
    ----------
    code : str
        Name for programs, lower case with dashes; never changes.
    level : Level
        How much it matters.
    words : str
        Sentence for a person. Fields in braces are filled by `str.format` with ``value``, ``limit``,
        ``unit`` and the details of the finding.
    """

    code: str
    level: Level
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something noticed about data, or about a method on these data.

    Programs compare `kind`; nothing reads `text` to decide anything.

    Attributes
    ----------
    kind : Kind
        What was noticed.
    value, limit : float or None
        The measured number, and the number beyond which it is noticed.
    unit : str
        Unit of both; "" for none.
    details : dict of str to str, int or float
        What else the sentence names, such as an axis, or an index named in `PLACES`.
    proposal : Proposal or None
        What can be done about it.
    """

    kind: Kind
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    details: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)
    proposal: Proposal | None = None

    @property
    def code(self) -> str:
        """Name of its kind for programs."""
        return self.kind.code

    @property
    def level(self) -> Level:
        """How much it matters."""
        return self.kind.level

    @property
    def text(self) -> str:
        """Return the finding as a sentence for a person."""
        counted = {name: int(self.details[name]) + 1 for name in PLACES if name in self.details}
        known = {**self.details, **counted}
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


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
