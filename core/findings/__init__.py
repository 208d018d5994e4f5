"""Findings about data and methods: a code, values, a message, and what to do."""

from core.findings.finding import Finding, Kind, Level, Proposal, worst

__all__ = ["Finding", "Kind", "Level", "Proposal", "worst"]
