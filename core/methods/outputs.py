"""What a method gives: names, labels and units of its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.errors import QuietfieldError


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

    @property
    def is_image(self) -> bool:
        """Whether it shows the specimen, and so shares grey levels and data type with the source."""
        return self.quantity in (Quantity.INTENSITY, Quantity.OBJECT)


RESULT = Output(name="result", label="denoised")
"""Result of methods that give only one."""

DENOISED = Output(name="denoised", label="denoised")
"""Denoised image of a trained network."""

DECONVOLVED = Output(name="deconvolved", label="deconvolved", quantity=Quantity.OBJECT)
"""Image before the PSF of a trained network that ends in one."""

EXPECTED_ERROR = Output(name="expected error", label="expected error", quantity=Quantity.ERROR)
"""Standard error that a network predicts for every pixel of its denoised image."""


def position(outputs: Sequence[Output], name: str, label: str) -> int:
    """Return the index of the output with this name, or with this name on the command line.

    Parameters
    ----------
    outputs : sequence of Output
        Outputs of a method.
    name : str
        Name to look for.
    label : str
        Label of the method, for the error.

    Raises
    ------
    QuietfieldError
        If there is none.
    """
    for index, output in enumerate(outputs):
        if name in (output.name, output.option):
            return index
    known = ", ".join(output.option for output in outputs)
    raise QuietfieldError(f"{label} gives no output called {name!r}. There are: {known}.")
