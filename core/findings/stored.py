"""Findings that were written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.findings import kinds, noise_kinds
from core.findings.finding import Finding, Kind, Level, Proposal

_KNOWN = {
    kind.code: kind
    for words in (kinds, noise_kinds)
    for kind in vars(words).values()
    if isinstance(kind, Kind)
}


def read_finding(given: Mapping[str, Any]) -> Finding:
    """Return a finding that `Finding.to_dict` wrote.

    A kind that this version does not have, or whose message needs other details, keeps its written message.

    Raises
    ------
    KeyError, TypeError, ValueError
        If `given` does not describe a finding.
    """
    words = str(given["text"]).replace("{", "{{").replace("}", "}}")
    written = Kind(code=str(given["code"]), level=Level[str(given["level"]).upper()], words=words)
    proposal = given["proposal"]
    finding = Finding(
        kind=_KNOWN.get(written.code, written),
        value=_number(given["value"]),
        limit=_number(given["limit"]),
        unit=str(given["unit"]),
        details=dict(given["details"]),
        proposal=None if proposal is None else Proposal(**proposal),
    )
    try:
        finding.text  # noqa: B018
    except (LookupError, TypeError, ValueError):
        return replace(finding, kind=written)
    return finding


def _number(given: float | None) -> float | None:
    return None if given is None else float(given)
