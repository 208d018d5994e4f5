"""Noise: simulated, and added to stacks as a method like any other."""
