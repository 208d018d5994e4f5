"""The source and everything made from it."""

from app.panels.results.panel import ResultsPanel

__all__ = ["ResultsPanel"]
