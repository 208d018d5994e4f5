"""Reference to the file of a trained network in a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.methods.base import Bindable


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """Name of the file of a trained network, and the SHA-256 of its content in hexadecimal."""

    file: str
    sha256: str


FindModel = Callable[[ModelFile], Bindable]
"""Returns the prediction of a trained network; raises `QuietfieldError` if the network is not found."""
