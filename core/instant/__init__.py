"""Instant: denoising with a network trained on simulated microscopy images only."""
