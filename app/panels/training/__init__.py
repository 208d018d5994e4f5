"""The Train panel."""

from app.panels.training.panel import TrainingPanel

__all__ = ["TrainingPanel"]
