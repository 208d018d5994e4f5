"""A strip below the image to browse the mean, the deviation and single samples of a generative network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.preview.live import LivePreview
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.viewer.navigation import StepSlider
from core.methods.base import Bindable
from core.methods.outputs import DENOISED, DEVIATION, Output

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.model import Model

HELP = (
    "Step through single possible images of the network, computed for the visible region. Where they differ, "
    "the data do not determine the image. The samples are those that are exported."
)


class SampleStrip(QWidget):
    """Offers mean, standard deviation and single samples of the shown result; hidden for other results.

    Parameters
    ----------
    session, jobs : Session, Jobs
        Document, and jobs for the computation.
    """

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self.setObjectName("samples")
        self._session = session
        self._model: Model | None = None
        self._number = 0
        self._live = LivePreview(session, jobs, self)
        self._live.failed.connect(self._on_failed)
        self._live.status.connect(self._on_status)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 4)
        row.setSpacing(8)
        self.mean = self._button("&Mean", "samples-mean", "Show the mean of all samples.")
        self.deviation = self._button(
            "&Deviation", "samples-deviation",
            "Show the standard deviation of the samples: how uncertain each pixel is.",
        )  # fmt: skip
        self.slider = StepSlider()
        self.slider.setObjectName("samples-slider")
        self.slider.setAccessibleName("Sample")
        self.slider.setPageStep(1)
        self.slider.setToolTip(f"<p>{HELP}</p>")
        self.words = QLabel()
        self.words.setObjectName("samples-words")
        self.words.setMinimumWidth(self.words.fontMetrics().horizontalAdvance("sample 1000 of 1000 …"))
        for widget in (self.mean, self.deviation, self.slider, self.words):
            row.addWidget(widget, 1 if widget is self.slider else 0)
        self.slider.valueChanged.connect(self._on_moved)
        self.mean.clicked.connect(self._on_mean)
        self.deviation.clicked.connect(self._on_deviation)
        session.changed.connect(self._on_session)
        self.hide()

    def _button(self, text: str, name: str, help: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setCheckable(True)
        button.setAutoDefault(False)
        button.setToolTip(f"<p>{help}</p>")
        return button

    # -- following the document

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if (new.results, new.shown, new.models) != (old.results, old.shown, old.models):
            self._choose(0)
            self._model = model_of(new)
            self.setVisible(self._model is not None)
            self._show()
        elif self._number and (new.position, new.view) != (old.position, old.view):
            self._request()
        elif self._number and new.preview is not old.preview and self._live.replaced:
            self._choose(0)  # another panel shows its preview
            self._show()

    def _show(self) -> None:
        """Show which of them is displayed."""
        model, snapshot = self._model, self._session.snapshot
        if model is None:
            return
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, model.method.drawn)
            self.slider.setValue(self._number)
        shown = snapshot.result
        output = shown.step.produces if shown is not None and shown.step is not None else None
        for button, one in ((self.mean, DENOISED), (self.deviation, DEVIATION)):
            button.setChecked(self._number == 0 and output == one)
            button.setEnabled(sibling(snapshot, one) is not None)
        if self._number:
            self.words.setText(f"sample {self._number} of {model.method.drawn}")
        else:
            self.words.setText(f"{model.method.drawn} samples")
        self.words.setToolTip("")  # why a sample failed

    # -- actions

    @Slot()
    def _on_mean(self) -> None:
        self._show_result(DENOISED)

    @Slot()
    def _on_deviation(self) -> None:
        self._show_result(DEVIATION)

    def _show_result(self, output: Output) -> None:
        result = sibling(self._session.snapshot, output)
        self._choose(0)
        if result is not None:
            self._session.show(result.key)
        self._show()

    @Slot(int)
    def _on_moved(self, number: int) -> None:
        if number == 0:
            self._show_result(DENOISED)
            return
        self._choose(number)
        self._show()
        self._request()

    def _choose(self, number: int) -> None:
        self._number = number
        if number == 0:
            self._live.leave()

    def _request(self) -> None:
        snapshot, model = self._session.snapshot, self._model
        shown = snapshot.result
        source = snapshot.find(shown.parent) if shown is not None else None
        if model is None or source is None:
            return
        label = f"{model.method.label}, sample {self._number} of {model.method.drawn}"
        make = partial(_prediction, model, self._number)
        self._live.request(label, make, source, key=(id(model), self._number))

    @Slot(str)
    def _on_status(self, status: str) -> None:
        if self._number and self._model is not None:
            words = f"sample {self._number} of {self._model.method.drawn}"
            self.words.setText(f"{words} …" if status else words)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._number = 0
        self._show()
        self.words.setText("failed")
        self.words.setToolTip(f"<p>{error}</p>")


def model_of(snapshot: Snapshot) -> Model | None:
    """Return the generative network of the shown result; None for other results."""
    result = snapshot.result
    file = result.step.model if result is not None and result.step is not None else None
    model = snapshot.models.get(file.sha256) if file is not None else None
    return model if model is not None and model.method.drawn else None


def sibling(snapshot: Snapshot, output: Output) -> Result | None:
    """Return the result of the same network and input as the shown one that is another output."""
    shown = snapshot.result
    if shown is None or shown.step is None:
        return None
    wanted = shown.step.model, shown.parent, output
    for result in snapshot.results:
        step = result.step
        if step is not None and (step.model, result.parent, step.produces) == wanted:
            return result
    return None


def _prediction(model: Model, number: int) -> Bindable:
    """Return the prediction of one sample alone."""
    from core.learning.parts.sampled_prediction import SampledPrediction

    prediction = model.prediction()
    return replace(prediction, only=number) if isinstance(prediction, SampledPrediction) else prediction
