"""Shared widgets, and forms generated from parameters."""
