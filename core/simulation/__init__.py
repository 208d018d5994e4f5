"""Simulate microscopy images with known ground truth: specimens, optics, detection, and scenes of them.

Every function depends only on its arguments and a numpy random generator, so the same seed gives the same
pixels.
"""

from core.simulation.detection import Camera, detect, mean_counts
from core.simulation.drawing import splat
from core.simulation.example import FRAMES, SEED, Sample, sample, specimen

__all__ = ["FRAMES", "SEED", "Camera", "Sample", "detect", "mean_counts", "sample", "specimen", "splat"]
