"""Simulated microscopy whose truth is known: specimens, optics, detection, and scenes made of them.

Every piece is a function of its arguments and of a numpy random generator, so that the same seed
gives the same pixels.
"""

from core.simulation.detection import Camera, detect, expected
from core.simulation.drawing import splat
from core.simulation.example import FRAMES, SEED, Sample, sample, specimen

__all__ = ["FRAMES", "SEED", "Camera", "Sample", "detect", "expected", "sample", "specimen", "splat"]
