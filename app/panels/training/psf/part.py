"""What the training panel does about the PSF: its description, and its dialogs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from app.panels.training.data import TrainingData
from app.panels.training.psf.field import PsfField
from app.panels.training.psf.sweeping import Sweeping, SweepPlan
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result
from app.widgets.common import failure
from app.widgets.form import Form
from core.errors import QuietfieldError
from core.learning.base import Learned
from core.learning.methods.blurred import Blurred
from core.params import Value
from core.psf import Psf, gaussian
from core.psf.request import known_psf, parse, resolve
from core.psf.value import gaussian_text

if TYPE_CHECKING:
    from app.panels.training.psf.sweep_dialog import SweepDialog
    from core.stack import Stack

CHANNEL = "psf"
MOST_SIGMA = 10.0
"""Largest sigma of the field for a Gaussian PSF; wider ones are kept as text."""

OWN = "The PSF below is used instead. Choose a Gaussian there to set its sigma here."


class PsfPart(QObject):
    """Describes the PSF of the selected method, and opens the dialog that chooses it.

    Attributes
    ----------
    sweeping : Sweeping
        Runs sweeps.
    method, device, data : callable
        Return the selected method (None if its settings are not allowed), device, and training data.
    help_wanted : Signal
        The user wants help in a dialog.
    """

    help_wanted = Signal()

    def __init__(self, session: Session, jobs: Jobs, panel: QWidget) -> None:
        super().__init__(panel)
        self._session, self._jobs, self._panel = session, jobs, panel
        self._form: Form | None = None
        self.sweeping = Sweeping(session, jobs, self)
        self.method: Callable[[], Learned | None] = lambda: None
        self.device: Callable[[], str] = lambda: "auto"
        self.data: Callable[[Result], TrainingData] = lambda source: TrainingData.of(source, None)
        self._why_not = ""
        self._connected: list[PsfField] = []
        self._known: dict[tuple[int, str], Psf] = {}
        self._shown: tuple[object, ...] = ()

    def refresh(self, form: Form, reason: str) -> None:
        """Describe the PSF of a form, if it has one, and say why there can be no sweep now, or ""."""
        field = form.field("psf")
        if not isinstance(field, PsfField):
            return
        self._form = form
        if field not in self._connected:
            self._connected.append(field)
            field.asked.connect(self._on_asked)
            field.sweep_asked.connect(self._on_sweep_asked)
        field.allow_sweep(reason)
        self._why_not = reason
        dialog = self._sweep_dialog()
        if dialog is not None:
            dialog.refresh()
        values, source = form.values(), self._session.snapshot.source
        text, sigma = str(values["psf"]), float(values["sigma"])
        form.allow("sigma", OWN if text else "")
        key = (form, text, sigma, source.key if source else 0)
        if key != self._shown:
            self._shown = key
            self._describe(field, text, sigma, source.stack if source else None, key[3])

    def _describe(self, field: PsfField, text: str, sigma: float, stack: Stack | None, source: int) -> None:
        self._jobs.cancel(CHANNEL)
        try:
            known = known_psf(text) if text else gaussian(sigma) if sigma else None
        except QuietfieldError as error:
            field.show_words("No PSF", problem=str(error))
            return
        spacing = stack.meta.spacing if stack is not None else {}
        known = known or self._known.get((source, text))
        if known is not None:
            field.show_psf(known, spacing)
        elif not text:
            field.show_words("None: with a sigma of 0 px, the method is Noise2Void.")
        elif parse(text).source == "estimate":
            field.show_words("Estimated from the stack when training starts.")
        elif stack is None:
            field.show_words(f"From {_ORIGINS[parse(text).source]}; open a stack to see it.")
        else:
            field.show_words("Computing…")
            self._resolve(field, text, stack, source)

    def _resolve(self, field: PsfField, text: str, stack: Stack, source: int) -> None:
        def work(job: Job) -> Psf:
            return resolve(text, stack, job.context)

        def end(outcome: Outcome) -> None:
            if outcome.state == "succeeded":
                self._known[source, text] = outcome.value
                field.show_psf(outcome.value, stack.meta.spacing)
            elif outcome.state == "failed":
                field.show_words("No PSF", problem=failure(outcome, "Computing the PSF"))

        self._jobs.start("Computing the PSF", work, end=end, channel=CHANNEL, quiet=True)

    # -- the dialog

    @Slot()
    def _on_asked(self) -> None:
        if self._form is None:
            return
        from app.panels.training.psf.dialog import PsfDialog  # imported on demand, for a fast start

        values = self._form.values()
        sigma = float(values["sigma"])
        text = str(values["psf"]) or (gaussian_text("YX", (sigma, sigma)) if sigma else "gaussian:1")
        dialog = PsfDialog(self._session, self._jobs, text, int(values["patch"]), self._panel.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._on_chosen)
        dialog.help_wanted.connect(self.help_wanted)
        dialog.open()

    @Slot(str, object)
    def _on_chosen(self, text: str, psf: Psf) -> None:
        source = self._session.snapshot.source
        self._known = {(source.key if source else 0, text): psf}
        self.set_values(as_values(text, psf))

    # -- the sweep

    def _sweep_dialog(self) -> SweepDialog | None:
        return self._panel.window().findChild(QDialog, "sweep-dialog")  # type: ignore[return-value]

    @Slot()
    def _on_sweep_asked(self) -> None:
        from app.panels.training.psf.sweep_dialog import SweepDialog  # imported on demand, for a fast start

        dialog = self._sweep_dialog()
        if dialog is None:
            dialog = SweepDialog(
                self._session, self._jobs, self.sweeping, lambda: self._why_not, self._panel.window()
            )
            dialog.wanted.connect(self._on_sweep)
            dialog.chosen.connect(self._on_sigma)
            dialog.help_wanted.connect(self.help_wanted)
        dialog.show()
        dialog.activateWindow()

    @Slot(object, float)
    def _on_sweep(self, sigmas: tuple[float, ...], seconds: float) -> None:
        method, source = self.method(), self._session.snapshot.source
        if isinstance(method, Blurred) and source is not None:
            self.sweeping.start(
                SweepPlan(
                    method=method, sigmas=sigmas, seconds=seconds, device=self.device(),
                    data=self.data(source),
                )
            )  # fmt: skip

    @Slot(float)
    def _on_sigma(self, sigma: float) -> None:
        self.set_values({"sigma": sigma, "psf": ""})

    def set_values(self, values: dict[str, Value]) -> None:
        """Put a sigma or a PSF into the form."""
        if self._form is not None:
            self._form.set_values(values)
            self._form.changed.emit()


def as_values(text: str, psf: Psf) -> dict[str, Value]:
    """Return the parameters of a method for a PSF: a sigma where that is enough, else the text."""
    if psf.source == "gaussian" and len(set(psf.sigmas)) == 1 and len(psf.sigmas) == 2:
        sigma = psf.sigmas[0]
        if sigma <= MOST_SIGMA:
            return {"sigma": sigma, "psf": ""}
    return {"psf": text}


_ORIGINS = {"optics": "the optics", "beads": "beads", "file": "a file"}
