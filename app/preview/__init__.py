"""Previews: the result of a method on the visible pixels, computed in the background."""
