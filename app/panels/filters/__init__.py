"""The Filters panel: Instant, classic filters and simulated noise."""

from app.panels.filters.panel import FilterPanel

__all__ = ["FilterPanel"]
