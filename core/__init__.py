"""The engine of Quietfield: stacks, filters, networks, metrics and recipes, without a window."""

__version__ = "0.1.0"
