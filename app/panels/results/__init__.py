"""The list of the source and all results."""

from app.panels.results.panel import ResultsPanel

__all__ = ["ResultsPanel"]
