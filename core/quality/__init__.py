"""Measures of how well a stack was denoised."""
