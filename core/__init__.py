"""The engine of Quietfield: stacks, filters, networks, measures and recipes, without a window."""

__version__ = "0.1.0"
