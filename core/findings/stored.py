"""Findings that were written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core import stored
from core.findings import format_kinds, kinds, noise_kinds, psf_kinds, training_kinds
from core.findings.finding import Finding, Kind, Level, Proposal

MOST_WORDS = 5000
"""Maximum length of a message in characters."""

_KNOWN = {
    kind.code: kind
    for words in (kinds, format_kinds, noise_kinds, psf_kinds, training_kinds)
    for kind in vars(words).values()
    if isinstance(kind, Kind)
}


def read_finding(given: object) -> Finding:
    """Return a finding that `Finding.to_dict` wrote.

    A kind that this version does not have, or whose message needs other details, keeps its written message.

    Raises
    ------
    ValueError
        If `given` does not describe a finding.
    """
    whole = stored.mapping(given, "a finding")
    level = stored.text(whole, "level").upper()
    if level not in Level.__members__:
        raise ValueError(f"the level of a finding is {stored.brief(level)}")
    words = stored.text(whole, "text", most=MOST_WORDS).replace("{", "{{").replace("}", "}}")
    written = Kind(code=stored.text(whole, "code"), level=Level[level], words=words)
    proposal = stored.entry(whole, "proposal")
    finding = Finding(
        kind=_KNOWN.get(written.code, written),
        value=_number(whole, "value"),
        limit=_number(whole, "limit"),
        unit=stored.text(whole, "unit"),
        details=_details(whole),
        proposal=None if proposal is None else _proposal(stored.mapping(proposal, "a proposal")),
    )
    try:
        finding.text  # noqa: B018
    except (LookupError, TypeError, ValueError, OverflowError):
        return replace(finding, kind=written, details={})
    return finding


def _details(whole: Mapping[str, Any]) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {}
    for name, value in stored.mapping(stored.entry(whole, "details"), "details").items():
        if isinstance(value, str):
            found[name] = stored.text({name: value}, name)
        else:
            stored.real(value, stored.brief(name))
            found[name] = value
    return found


def _proposal(given: Mapping[str, Any]) -> Proposal:
    values = stored.mapping(stored.entry(given, "params"), "params")
    for name, value in values.items():
        if isinstance(value, str):
            stored.text(values, name, most=stored.MOST_VALUE)
        elif not isinstance(value, bool):
            stored.finite(value, stored.brief(name))
    return Proposal(
        label=stored.text(given, "label"), method=stored.text(given, "method", ""), params=dict(values),
        preset=stored.text(given, "preset", ""), action=stored.text(given, "action", ""),
    )  # fmt: skip


def _number(given: Mapping[str, Any], name: str) -> float | None:
    value = stored.entry(given, name)
    return None if value is None else stored.finite(value, name)
