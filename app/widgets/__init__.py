"""Widgets that several parts of the window share, and forms made from parameters."""
