"""Foundations of the window: document, jobs, preferences, colours, defects."""
