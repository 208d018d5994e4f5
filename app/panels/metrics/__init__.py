"""The Metrics panel."""

from app.panels.metrics.panel import MetricsPanel

__all__ = ["MetricsPanel"]
