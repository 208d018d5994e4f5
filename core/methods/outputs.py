"""Outputs of methods: names, labels and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.errors import QuietfieldError
from core.stack import Metadata
from core.stored import brief


class Quantity(StrEnum):
    """Physical meaning of the pixels of a result."""

    INTENSITY = "intensity"
    """Image, in the counts of the source."""
    OBJECT = "object"
    """Image before the blur of the microscope (deconvolved), in counts."""
    ERROR = "error"
    """Standard error of another result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a method.

    Attributes
    ----------
    name : str
        Name in recipes and code; it never changes.
    label : str
        Name for users.
    quantity : Quantity
        Meaning of its pixels.
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

    def describe(self, meta: Metadata) -> Metadata:
        """Return the metadata of this result of a stack; the display ranges of images fit only images."""
        ranges = meta.display_ranges if self.is_image else ()
        return replace(meta, findings=(), display_ranges=ranges)

    @property
    def is_image(self) -> bool:
        """Whether it shows the specimen, and has the grey levels and data type of the source."""
        return self.quantity in (Quantity.INTENSITY, Quantity.OBJECT)


RESULT = Output(name="result", label="denoised")
"""Result of methods with a single output."""

DENOISED = Output(name="denoised", label="denoised")
"""Denoised image of a trained network."""

DECONVOLVED = Output(name="deconvolved", label="deconvolved", quantity=Quantity.OBJECT)
"""Image before the PSF, of a trained network whose last layer is a PSF."""

PRIOR = Output(name="prior", label="prior")
"""Image that a network predicts from the surroundings of every pixel, without its own value."""

DEVIATION = Output(name="deviation", label="deviation of samples", quantity=Quantity.ERROR)
"""Standard deviation of possible images of a generative network, for every pixel."""


def sample_output(number: int) -> Output:
    """Return the output that is a single possible image of a generative network, numbered from 1."""
    return Output(name=f"sample {number}", label=f"sample {number}")


SAMPLES = tuple(map(sample_output, range(1, 17)))
"""Single possible images of a generative network that are results of their own."""

EXPECTED_ERROR = Output(name="expected error", label="expected error", quantity=Quantity.ERROR)
"""Standard error that a network predicts for every pixel of its denoised image."""


def position(outputs: Sequence[Output], name: str, label: str) -> int:
    """Return the index of the output with this name, or with this name on the command line.

    Parameters
    ----------
    outputs : sequence of Output
        Outputs of a method.
    name : str
        Name of the output.
    label : str
        Label of the method, for the error message.

    Raises
    ------
    QuietfieldError
        If there is no such output.
    """
    for index, output in enumerate(outputs):
        if name in (output.name, output.option):
            return index
    known = ", ".join(output.option for output in outputs)
    raise QuietfieldError(f"{label} has no output called {brief(name)}. There are: {known}.")
