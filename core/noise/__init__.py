"""Noise: estimation, models, variance stabilisation and simulation."""
