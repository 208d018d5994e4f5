"""The page of the PSF dialog for the optics of a microscope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.panels.training.psf.grid import ParameterGrid
from app.panels.training.psf.pages import Page
from core import params
from core.errors import QuietfieldError
from core.params import Value
from core.psf.optics import Optics, nyquist
from core.psf.request import Request

if TYPE_CHECKING:
    from core.stack import Stack

WIDEFIELD = "A widefield microscope has no laser spot and no pinhole."

GRIDS = ("pixel", "step")
"""Parameters that follow the stack as long as the user does not change them."""

FORMULAS = {
    "scalar": "h(r, z) = | ∫₀<sup>α</sup> √cos θ J₀(k n r sin θ) exp(i k n z cos θ) sin θ dθ |², with "
    "sin α = NA / n and k = 2π / wavelength: the scalar Debye integral of an aplanatic lens",
    "gaussian": "Gaussian with the curvature of the scalar Debye integral at the focus",
}  # fmt: skip
SOURCE = '<a href="https://doi.org/10.1364/AO.46.001819">Zhang et al. 2007, doi:10.1364/AO.46.001819</a>'
PIXELS = "A camera averages over its pixels; a confocal PSF is excitation × (emission * pinhole)."


class OpticsPage(Page):
    """Objective, wavelengths and pixel size, from the metadata of the stack where they are there."""

    def __init__(self) -> None:
        super().__init__("Computed from the optics of the microscope.")
        self._known: dict[str, Value] = {}
        self.origin = QLabel()
        self.origin.setObjectName("psf-optics-origin")
        self.origin.setWordWrap(True)
        self.origin.setProperty("class", "muted")
        self.grid = ParameterGrid(Optics, "psf-optics")
        self.formula = QLabel()
        self.formula.setObjectName("psf-optics-formula")
        self.formula.setWordWrap(True)
        self.formula.setOpenExternalLinks(True)
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.sampling = QLabel()
        self.sampling.setObjectName("psf-optics-sampling")
        self.sampling.setWordWrap(True)
        for part in (self.origin, self.grid, self.sampling, self.formula):
            self.column.addWidget(part)
        self.column.addStretch(1)
        self.grid.changed.connect(self._on_changed)
        self._refresh()

    def prefill(self, stack: Stack | None, channel: int) -> None:
        """Take what the metadata of a stack give, and say what they do not."""
        from core.psf.metadata import find_optics  # imports readers, which the first window does not need

        self._known = find_optics(stack.meta, channel) if stack is not None else {}
        self.grid.set_values(self._known)
        if stack is None:
            self.origin.setText("No stack is open; nothing is filled in from metadata.")
        else:
            labels = {p.name: p.label.lower() for p in params.describe(Optics)}
            there = [labels[name] for name in self._known]
            missing = [labels[name] for name in ("na", "n", "emission", "pixel") if name not in self._known]
            words = [f"From the metadata: {', '.join(there)}."] if there else []
            words += [f"Not in the metadata, so enter them: {', '.join(missing)}."] if missing else []
            self.origin.setText(" ".join(words))
        self._refresh()

    def show_request(self, text: str, request: Request, stack: Stack | None) -> None:  # noqa: ARG002
        self.grid.set_values(request.numbers)
        self._refresh()

    def request(self, stack: Stack | None) -> str:  # noqa: ARG002
        given = self.grid.values()
        params.build(Optics, given)  # refuses an aperture above the refractive index
        names = ["na", "n", "emission", "kind"]
        if given["kind"] == "confocal":
            names += ["excitation", "pinhole"]
        # what the stack gives anyway stays open, so that the same text fits stacks with other pixels
        names += [name for name in GRIDS if given[name] != self._known.get(name, 0.0)]
        names += ["model"] if given["model"] != "scalar" else []
        return "optics:" + ",".join(f"{name}={_word(given[name])}" for name in names)

    def _on_changed(self) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        given = self.grid.values()
        for name in ("excitation", "pinhole"):
            self.grid.allow(name, WIDEFIELD if given["kind"] == "widefield" else "")
        self.formula.setText(f"<small>{FORMULAS[str(given['model'])]} ({SOURCE}). {PIXELS}</small>")
        try:
            optics = params.build(Optics, given)
        except QuietfieldError:  # said by the dialog
            self.sampling.setText("")
            return
        most = nyquist(optics)
        words = f"Pixels of at most {most['X']:.3g} µm sample all details"
        words += f", and Z steps of {most['Z']:.3g} µm." if optics.step else "."
        coarse = optics.pixel > most["X"] * 1.001 or (optics.step > most["Z"] * 1.001)
        self.sampling.setText(f"⚠ {words} This stack is undersampled." if coarse else words)


def _word(value: Value) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
