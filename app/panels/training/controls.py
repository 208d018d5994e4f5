"""Controls and progress of the training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QWidget,
)

from app.panels.training.pace import progress
from app.shell.durations import clock_left
from core.learning.base import Learned
from core.methods.outputs import SAMPLES, Output

if TYPE_CHECKING:  # imports torch, which takes seconds
    from app.panels.training.run import TrainingRun
    from core.learning.trainer import Report


class TrainingControls(QWidget):
    """Buttons that control the training, and its progress as text."""

    def __init__(self) -> None:
        super().__init__()
        self.preview = QCheckBox("P&review")
        self.preview.setObjectName("training-preview")
        self.preview.setChecked(True)
        self.preview.setToolTip(
            "<p>Show the prediction of the network for the visible region: every few seconds during "
            "training, and when the checkpoint is changed.</p>"
        )
        self.rests = QLabel()
        self.rests.setObjectName("training-preview-state")
        self.rests.setProperty("class", "muted")
        self.shows = QComboBox()
        self.shows.setObjectName("training-shows")
        watch = QHBoxLayout()
        watch.addWidget(self.preview)
        watch.addWidget(self.rests, 1)
        watch.addWidget(self.shows)
        self.sample = QSlider(Qt.Orientation.Horizontal)
        self.sample.setObjectName("training-sample")
        self.sample.setAccessibleName("Sample")
        self.sample.setPageStep(1)
        self.sample.setToolTip(
            "<p>Step through single possible images in the preview; the leftmost position is their mean. "
            "Where they differ, the data do not determine the image.</p>"
        )
        self.sample_label = QLabel("Samples")
        self.sample_label.setBuddy(self.sample)
        browse = QHBoxLayout()
        browse.addWidget(self.sample_label)
        browse.addWidget(self.sample, 1)
        self.sample.valueChanged.connect(self._on_sample)
        self.shows.currentIndexChanged.connect(self._follow)
        self.bar = QProgressBar()
        self.bar.setObjectName("training-progress")
        self.bar.setRange(0, 1000)
        self.facts = QLabel()
        self.facts.setObjectName("training-facts")
        self.facts.setWordWrap(True)
        self.start = self._button("&Start", "training-start")
        self.start.setProperty("class", "primary")
        self.pause = self._button("Pa&use", "training-pause")
        self.stop = self._button("St&op and keep", "training-stop")
        self.cancel = self._button("&Cancel", "training-cancel")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addLayout(watch, 0, 0, 1, 2)
        grid.addLayout(browse, 1, 0, 1, 2)
        grid.addWidget(self.bar, 2, 0, 1, 2)
        grid.addWidget(self.facts, 3, 0, 1, 2)
        row = QHBoxLayout()
        self.copy = self._button("Copy co&mmand", "training-copy-command")
        for button in (self.copy, self.start, self.pause, self.stop, self.cancel):
            row.addWidget(button, 1)
        grid.addLayout(row, 4, 0, 1, 2)
        self.bar.hide()
        self.facts.hide()
        self._outputs: tuple[Output, ...] = ()
        self.offer(Learned.possible)

    def _button(self, text: str, name: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        return button

    def allow(self, reason: str, *, training: bool, paused: bool) -> None:
        """Enable the possible actions; `reason` is why training cannot start, or ""."""
        idle = "" if training else "No training is running."
        self.pause.setText("Res&ume" if paused else "Pa&use")
        waits = "Continue training." if paused else "Pause after this step; the clock is stopped too."
        starts = "Training is running." if training else reason
        for button, usual, why in (
            (self.start, "Train a network on the open stack.", starts),
            (self.pause, waits, idle),
            (self.stop, "End training now and keep the current network.", idle),
            (self.cancel, "End training and discard the network; nothing is changed.", idle),
        ):
            button.setEnabled(not why)
            button.setVisible(training != (button is self.start))
            button.setToolTip(f"<p>{why or usual}</p>")
        self.copy.setVisible(not training)
        self.copy.setEnabled(not reason)
        usual = "Copy the commands that train and apply the same network on the file without this window."
        self.copy.setToolTip(f"<p>{reason or usual}</p>")

    @property
    def output(self) -> Output | None:
        """Output that is previewed alone; None for all outputs, the first one first."""
        index = self.shows.currentIndex()
        return self._outputs[index] if index > 0 else None

    def offer(self, outputs: tuple[Output, ...]) -> None:
        """Offer the outputs of a network for the preview, keeping the current choice if possible."""
        chosen = self.output
        with QSignalBlocker(self.shows):
            self.shows.clear()
            self.shows.addItems([output.label for output in outputs])
            self.shows.setCurrentIndex(outputs.index(chosen) if chosen in outputs else 0)
        self._outputs = outputs
        singles = [output for output in outputs if output in SAMPLES]
        for widget in (self.sample, self.sample_label):
            widget.setVisible(bool(singles))
        with QSignalBlocker(self.sample):
            self.sample.setRange(0, len(singles))
        self._follow()
        several = len(outputs) > 1
        self.shows.setEnabled(several)
        self.shows.setToolTip(
            "<p>Output of the network in the preview: the first one with all others, or another one "
            "alone.</p>"
            if several
            else "<p>This method has only one output.</p>"
        )

    @Slot(int)
    def _on_sample(self, number: int) -> None:
        self.shows.setCurrentIndex(self._outputs.index(SAMPLES[number - 1]) if number else 0)

    @Slot()
    def _follow(self) -> None:
        """Move the slider to the sample that is shown."""
        output = self.output
        with QSignalBlocker(self.sample):
            self.sample.setValue(SAMPLES.index(output) + 1 if output in SAMPLES else 0)

    def begin(self) -> None:
        """Show that training is running."""
        self.bar.setValue(0)
        self.bar.setFormat("Preparing…")
        self.bar.show()
        self.facts.setText("")
        self.facts.show()

    def tell(self, run: TrainingRun) -> None:
        """Show the newest report of a training."""
        report = run.report
        if report is None:
            return
        fraction, words = progress(report, run.method)
        self.bar.setValue(round(1000 * fraction))
        self.bar.setFormat(words)
        if report.step:
            self.facts.setText(" · ".join(_facts(report, clock_left(run.seconds_left), paused=run.paused)))

    def ending(self, words: str) -> None:
        """Show that the end was requested."""
        self.bar.setFormat(words)

    def end(self, words: str) -> None:
        """Show the outcome."""
        self.bar.hide()
        self.facts.setText(words)
        self.facts.setVisible(bool(words))


def _facts(report: Report, left: str, *, paused: bool) -> list[str]:
    facts = []
    if math.isfinite(report.loss):
        facts.append(f"loss {report.loss:.4g}")
    if report.validation is not None and math.isfinite(report.validation):
        facts.append(f"held out {report.validation:.4g}")
    if paused:
        facts.append("paused")
    else:
        facts += [f"{report.pixels_per_second / 1e6:.2g} Mpx/s", *([left] if left else [])]
    return [*facts, *([report.note] if report.note else [])]
