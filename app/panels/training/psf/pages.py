"""The pages of the PSF dialog, one for each source of a PSF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.panels.training.psf.grid import ParameterGrid
from app.shell import file_kinds
from app.widgets.common import pass_drops_on
from core.errors import QuietfieldError
from core.params import param
from core.psf import Psf
from core.psf.request import Request

if TYPE_CHECKING:
    from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Sigmas:
    """Standard deviations of a Gaussian PSF."""

    x: float = param(
        1.0, "Sigma along X", unit="px", ge=0.0, le=32.0, step=0.1,
        help="Standard deviation of the Gaussian along X.",
    )  # fmt: skip
    y: float = param(
        1.0, "Sigma along Y", unit="px", ge=0.0, le=32.0, step=0.1,
        help="Standard deviation of the Gaussian along Y.",
    )  # fmt: skip
    z: float = param(
        0.0, "Sigma along Z", unit="planes", ge=0.0, le=32.0, step=0.1,
        help="Standard deviation of the Gaussian along Z; 0 for a PSF of a single plane.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bead:
    """Properties of beads."""

    diameter: float = param(
        0.0, "Bead diameter", unit="µm", ge=0.0, le=20.0, step=0.01,
        help="Diameter of the beads, which is removed from their image; 0 for beads much smaller than the "
        "PSF.",
    )  # fmt: skip


class Page(QWidget):
    """Settings of one source.

    Attributes
    ----------
    changed : Signal
        The user changed a setting.
    waits : bool
        Whether the PSF is only computed when the user asks for it.
    """

    changed = Signal()
    waits = False

    def __init__(self, words: str) -> None:
        super().__init__()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        about = QLabel(words)
        about.setWordWrap(True)
        about.setProperty("class", "muted")
        self.column.addWidget(about)

    def show_request(self, text: str, request: Request, stack: Stack | None) -> None:
        """Show the settings of an earlier request."""

    def request(self, stack: Stack | None) -> str:
        """Return the text that asks for the PSF; "" while something is missing.

        Raises
        ------
        QuietfieldError
            If the settings are not allowed.
        """
        raise NotImplementedError

    def show_psf(self, psf: Psf | None) -> None:
        """Show what is known of the computed PSF."""


class GaussianPage(Page):
    """Standard deviations."""

    def __init__(self) -> None:
        super().__init__(
            "A Gaussian with these standard deviations. For a widefield microscope, 0.225 × wavelength / NA, "
            "divided by the pixel size (Zhang et al. 2007)."
        )
        self.grid = ParameterGrid(Sigmas, "psf-sigma")
        self.grid.changed.connect(self.changed)
        self.column.addWidget(self.grid)
        self.column.addStretch(1)

    def show_request(self, text: str, request: Request, stack: Stack | None) -> None:  # noqa: ARG002
        if request.whole is not None and request.whole.sigmas:
            sigmas = request.whole.sigmas
            self.grid.set_values(dict(zip("xyz", (*sigmas[::-1], 0.0), strict=False)))

    def request(self, stack: Stack | None) -> str:  # noqa: ARG002
        given = self.grid.values()
        x, y, z = (float(given[axis]) for axis in "xyz")
        if not z and x == y:
            return f"gaussian:{x:.10g}"
        return f"gaussian:x={x:.10g},y={y:.10g}" + (f",z={z:.10g}" if z else "")


class FilePage(Page):
    """A file, for an image of beads or for a PSF."""

    def __init__(self, words: str, name: str, title: str) -> None:
        super().__init__(words)
        self._title, self._kept, self._taken = title, "", ""
        self.path = QLineEdit()
        self.path.setObjectName(f"psf-{name}-path")
        self.path.setAccessibleName(title)
        self.path.setPlaceholderText("drop a file here, or choose it")
        self.path.editingFinished.connect(self._on_edited)
        self.choose = QPushButton("Choose…")
        self.choose.setObjectName(f"psf-{name}-choose")
        self.choose.setAutoDefault(False)
        for widget in (self.path, self.choose):
            widget.setToolTip(f"<p>{title}. A file can also be dropped on this dialog.</p>")
        self.choose.clicked.connect(self._on_choose)
        line = QGridLayout()
        line.addWidget(self.path, 0, 0)
        line.addWidget(self.choose, 0, 1)
        self.column.addLayout(line)

    def ask(self) -> str:
        """Ask for a file; "" if the user cancels."""
        kinds = f"{file_kinds.images()};;PSF of Quietfield (*.json)"
        return QFileDialog.getOpenFileName(self, self._title, "", kinds)[0]

    def take_file(self, path: Path) -> None:
        """Use a file."""
        self.path.setText(str(path))
        self._on_edited()

    @Slot()
    def _on_edited(self) -> None:
        text = self.path.text().strip()
        if text != self._taken:  # not whenever the focus leaves the line
            self._taken = text
            self.changed.emit()

    @Slot()
    def _on_choose(self) -> None:
        if path := self.ask():
            self.take_file(Path(path))

    def show_request(self, text: str, request: Request, stack: Stack | None) -> None:  # noqa: ARG002
        self.path.setText(request.path)
        self._taken = request.path
        if request.source == "whole":
            self._kept = text
            self.path.setPlaceholderText("stored in the trained network")

    def request(self, stack: Stack | None) -> str:  # noqa: ARG002
        path = self.path.text().strip()
        return f"file:{path}" if path else self._kept


class BeadsPage(FilePage):
    """An image of beads, with their diameter."""

    def __init__(self) -> None:
        super().__init__(
            "An image or a Z stack of separate fluorescent beads, recorded like the specimen. Beads are "
            "found, centred, averaged and resampled to the pixels of the open stack.",
            "beads", "Image of beads",
        )  # fmt: skip
        self.grid = ParameterGrid(Bead, "psf-bead")
        self.grid.changed.connect(self.changed)
        self.found = QLabel()
        self.found.setObjectName("psf-beads-found")
        self.found.setWordWrap(True)
        self.column.addWidget(self.grid)
        self.column.addWidget(self.found)
        self.column.addStretch(1)

    def show_request(self, text: str, request: Request, stack: Stack | None) -> None:
        super().show_request(text, request, stack)
        self.grid.set_values({"diameter": request.numbers.get("diameter", 0.0)})

    def request(self, stack: Stack | None) -> str:  # noqa: ARG002
        path, diameter = self.path.text().strip(), float(self.grid.values()["diameter"])
        if not path:
            return ""
        return f"beads:diameter={diameter:.10g},{path}" if diameter else f"beads:{path}"

    def show_psf(self, psf: Psf | None) -> None:
        if psf is None:
            self.found.setText("")
            return
        used, points = (float(psf.facts.get(name, 0)) for name in ("beads", "points"))
        self.found.setText(f"{used:.0f} of {points:.0f} bright points are used as beads.")


class EstimatePage(Page):
    """The estimate from the pixels of the open stack."""

    waits = True

    def __init__(self) -> None:
        super().__init__(
            "Estimates the sigma of a Gaussian from the open stack: which one predicts hidden pixels best "
            "after a deconvolution. It is too large where the specimen itself has no sharp details; beads "
            "or optics are more reliable."
        )
        self.run = QPushButton("Estimate")
        self.run.setObjectName("psf-estimate")
        self.run.setAutoDefault(False)
        self.found = QLabel()
        self.found.setObjectName("psf-estimate-found")
        self.found.setWordWrap(True)
        line = QGridLayout()
        line.addWidget(self.run, 0, 0)
        line.setColumnStretch(1, 1)
        self.column.addLayout(line)
        self.column.addWidget(self.found)
        self.column.addStretch(1)

    def request(self, stack: Stack | None) -> str:
        if stack is None:
            raise QuietfieldError("No stack is open to estimate from. Open one, or choose another source.")
        return "estimate"

    def show_psf(self, psf: Psf | None) -> None:
        if psf is None:
            self.found.setText("")
            return
        error = psf.facts.get("error")
        words = f"sigma {psf.sigmas[-1]:.3g} px"
        self.found.setText(f"{words}, standard error {float(error):.2g} px" if error is not None else words)


def file_page() -> FilePage:
    """Return the page for a saved PSF."""
    page = FilePage(
        "A PSF saved by Quietfield (.json), or an image of a single point (TIFF, YX or ZYX). It is resampled "
        "to the pixels of the open stack.",
        "file", "File of a PSF",
    )  # fmt: skip
    page.column.addStretch(1)
    pass_drops_on(page)
    return page
