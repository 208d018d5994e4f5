"""The full list of methods: import this module and the registry holds them all."""

from core.methods import filters  # first, so that a list of methods begins with the simple ones

# isort: split
from core.instant import method as instant
from core.learning import methods as learned
from core.noise import simulate

__all__ = ["filters", "instant", "learned", "simulate"]
