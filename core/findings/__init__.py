"""What the program noticed about data or a method: a code, values, words, and what to do about it."""

from core.findings.finding import Finding, Kind, Level, Proposal, worst

__all__ = ["Finding", "Kind", "Level", "Proposal", "worst"]
