"""The list of all methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import params
from core.errors import QuietfieldError
from core.instant.method import Instant
from core.learning.methods import (
    Care,
    DecoNoising,
    DivNoising,
    Noise2Noise,
    Noise2Void,
    Noise2Void2,
    Noise2VoidConvolved,
    ProbabilisticNoise2Void,
    Quietfield,
    StructNoise2Void,
)
from core.methods.base import Group, Method
from core.methods.filters import Box, Box3D, Gaussian, Gaussian3D, Median, Median3D
from core.noise.simulate import GaussianNoise, MixedNoise, PoissonNoise, SaltAndPepper

METHODS: tuple[type[Method], ...] = (
    Box, Gaussian, Median, Box3D, Gaussian3D, Median3D,
    Instant,
    Quietfield, Noise2Void, Noise2Void2, StructNoise2Void, Noise2VoidConvolved, DecoNoising,
    ProbabilisticNoise2Void, DivNoising, Noise2Noise, Care,
    GaussianNoise, PoissonNoise, SaltAndPepper, MixedNoise,
)  # fmt: skip
"""Built-in methods, in the order in which they are listed."""

_added: dict[str, type[Method]] = {}


def methods(group: Group | None = None) -> tuple[type[Method], ...]:
    """Return all methods, or those of one group: built-in ones, then added ones."""
    return tuple(m for m in (*METHODS, *_added.values()) if group is None or m.group == group)


def find(name: str) -> type[Method]:
    """Return the class of the method with this name.

    Raises
    ------
    QuietfieldError
        If there is none; the message suggests the nearest name.
    """
    known = {method.name: method for method in methods()}
    try:
        return known[name]
    except KeyError:
        raise QuietfieldError(params.unknown("method", name, known)) from None


def create(name: str, given: Mapping[str, Any]) -> Method:
    """Return a method with the given name and parameters.

    Raises
    ------
    QuietfieldError
        If the method or a parameter does not exist, or a value is not allowed.
    """
    return params.build(find(name), given)


def add(method: type[Method]) -> None:
    """Register another method; window, command line and recipes then include it.

    Raises
    ------
    ValueError
        If a method with this name exists.
    """
    if any(method.name == other.name for other in methods()):
        raise ValueError(f"two methods are called {method.name}")
    _added[method.name] = method


def remove(name: str) -> None:
    """Remove a registered method."""
    del _added[name]
