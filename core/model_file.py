"""Reference to the file of a trained network in a recipe."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core import stored
from core.methods.base import Bindable


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """Name of the file of a trained network, and the SHA-256 of its content in hexadecimal."""

    file: str
    sha256: str

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ModelFile:
        """Return the reference that a dictionary from JSON describes; ValueError if it describes none."""
        digest = stored.text(given, "sha256", most=64)
        if not set(digest) <= set(string.hexdigits):
            raise ValueError(f"sha256 is {stored.brief(digest)} instead of hexadecimal digits")
        return cls(file=stored.file_name(given, "file"), sha256=digest)


FindModel = Callable[[ModelFile], Bindable]
"""Returns the prediction of a trained network; raises `QuietfieldError` if the network is not found."""
