"""The Compare panel."""

from app.panels.compare.panel import ComparePanel

__all__ = ["ComparePanel"]
