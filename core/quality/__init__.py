"""Metrics of image quality."""
