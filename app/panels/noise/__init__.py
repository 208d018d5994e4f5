"""The Noise panel."""

from app.panels.noise.panel import NoisePanel

__all__ = ["NoisePanel"]
