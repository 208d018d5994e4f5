"""What a method gives: names, labels and units of its results."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quantity(StrEnum):
    """What the pixels of a result are."""

    INTENSITY = "intensity"
    """The image itself, in the counts of the source."""
    OBJECT = "object"
    """The image before the blur of the microscope (deconvolved), in counts."""
    ERROR = "error"
    """Standard error of another result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One result of a method.

    Attributes
    ----------
    name : str
        Name in recipes and programs; never changes.
    label : str
        What to call it in words.
    quantity : Quantity
        What its pixels are.
    unit : str
        Unit of its pixels.
    """

    name: str
    label: str
    quantity: Quantity = Quantity.INTENSITY
    unit: str = "counts"

    @property
    def option(self) -> str:
        """Name on the command line, with dashes."""
        return self.name.replace(" ", "-")


RESULT = Output(name="result", label="denoised")
"""Result of methods that give only one."""

DENOISED = Output(name="denoised", label="denoised")
"""Denoised image of a trained network."""

DECONVOLVED = Output(name="deconvolved", label="deconvolved", quantity=Quantity.OBJECT)
"""Image before the PSF of a trained network that ends in one."""

EXPECTED_ERROR = Output(name="expected error", label="expected error", quantity=Quantity.ERROR)
"""Standard error that a network predicts for every pixel of its denoised image."""
