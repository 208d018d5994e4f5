"""Choice of what a noise model is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import cast

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.documents.noise_models import KINDS, Origin, Wanted
from app.shell.snapshot import Result
from core.learning.noise_knowledge import brief, is_content

ORIGINS: Mapping[Origin, tuple[str, str]] = MappingProxyType(
    {
        "measured": (
            "As &measured on this stack",
            "Poisson-Gaussian noise of the Noise tab: counts per photon, offset and read noise. It always "
            "exists.",
        ),
        "calibration": (
            "From &calibration frames",
            "Repeated frames of any static scene, recorded with the same camera settings; best with a closed "
            "field diaphragm and a range of intensities. Files can be dropped here.",
        ),
        "repeats": (
            "From &repeats",
            "The frames of this stack, if all of them show the same static scene. Their mean is the signal.",
        ),
        "denoised": (
            "From a first &denoising",
            "Bootstrapping: the denoised stack is the signal. The variance is the measured one.",
        ),
        "file": ("From a &file", "A noise model that was saved before."),
    }
)
"""Label and help of each origin."""

PLACE_WIDTH = 190
"""Width of what is chosen, in pixels at 100 %."""


class ModelChoice(QWidget):
    """Origin and kind of a noise model.

    Parameters
    ----------
    channels : int
        Number of channels of the stack.
    ask_frames, ask_model : callable
        Ask for calibration frames, and for the file of a model; empty if the user cancels.

    Attributes
    ----------
    wanted : Signal of Wanted
        The user chose another model.
    channel : QComboBox
        Displayed channel.
    """

    wanted = Signal(object)

    def __init__(
        self, channels: int, ask_frames: Callable[[], Sequence[Path]], ask_model: Callable[[], Sequence[Path]]
    ) -> None:
        super().__init__()
        self._ask: Mapping[str, Callable[[], Sequence[Path]]] = {"calibration": ask_frames, "file": ask_model}
        self._current = Wanted()
        self._results: dict[int, Result] = {}
        self._group = QButtonGroup(self)
        self.names: dict[str, QLabel] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for number, (origin, (label, help)) in enumerate(ORIGINS.items()):
            button = QRadioButton(label)
            button.setObjectName(f"noise-model-{origin}")
            button.setToolTip(f"<p>{help}</p>")
            self._group.addButton(button, number)
            column.addWidget(button)
            if origin in self._ask:
                column.addLayout(self._files_row(origin, help))
            elif origin == "denoised":
                column.addLayout(self._denoised_row())
        self._group.idClicked.connect(self._on_origin)
        column.addSpacing(8)
        column.addLayout(self._bottom(channels))
        self.show_wanted(self._current)

    def _files_row(self, origin: str, help: str) -> QGridLayout:
        choose = QPushButton("Choose…")
        choose.setObjectName(f"noise-model-choose-{origin}")
        choose.setProperty("origin", origin)
        choose.setToolTip(f"<p>{help}</p>")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._on_choose)
        name = self.names[origin] = QLabel("none chosen")
        name.setObjectName(f"noise-model-{origin}-name")
        name.setProperty("class", "muted")
        name.setWordWrap(True)
        name.setFixedWidth(PLACE_WIDTH - 80)
        return _indented(choose, name)

    def _denoised_row(self) -> QGridLayout:
        self.denoised = QComboBox()
        self.denoised.setObjectName("noise-model-denoised-by")
        self.denoised.setToolTip("<p>Result whose pixels are the signal.</p>")
        self.denoised.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.denoised.setFixedWidth(PLACE_WIDTH)
        self.offer(())
        self.denoised.activated.connect(self._on_denoised)
        return _indented(self.denoised)

    def _bottom(self, channels: int) -> QGridLayout:
        self.kind = QComboBox()
        self.kind.setObjectName("noise-model-kind")
        for kind, label in KINDS.items():
            self.kind.addItem(label, kind)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.channel = QComboBox()
        self.channel.setObjectName("noise-model-channel")
        self.channel.setToolTip("<p>Channel that is shown; every channel has its own model.</p>")
        self.channel.addItems([str(number + 1) for number in range(channels)])
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        for row, (text, box) in enumerate((("&Kind", self.kind), ("C&hannel", self.channel))):
            words = QLabel(text)
            words.setBuddy(box)
            grid.addWidget(words, row, 0)
            grid.addWidget(box, row, 1)
            if box is self.channel:
                words.setVisible(channels > 1)
                box.setVisible(channels > 1)
        return grid

    def offer(self, results: Sequence[Result]) -> None:
        """Offer Instant and these denoised results for bootstrapping."""
        chosen = self.denoised.currentData()
        self._results = {result.key: result for result in results}
        with QSignalBlocker(self.denoised):
            self.denoised.clear()
            self.denoised.addItem("Instant", 0)
            for result in results:
                self.denoised.addItem(result.label, result.key)
            self.denoised.setCurrentIndex(max(0, self.denoised.findData(chosen)))

    def show_current(self, text: str) -> Wanted:
        """Select the model that a value of the parameter ``noise_model`` names, and return it."""
        if not text:
            wanted = Wanted()
        elif is_content(text):
            wanted = Wanted(origin="file", text=text)
        else:
            wanted = Wanted(origin="file", files=(Path(text),))
        self.show_wanted(wanted)
        return wanted

    def show_wanted(self, wanted: Wanted) -> None:
        """Select a model, without the signal."""
        self._current = wanted
        self._group.button(list(ORIGINS).index(wanted.origin)).setChecked(True)
        with QSignalBlocker(self.kind):
            self.kind.setCurrentIndex(self.kind.findData(wanted.kind))
        if wanted.origin in self.names:
            words = brief(wanted.text) if wanted.text else _names(wanted.files)
            self.names[wanted.origin].setText(words)
        fits = wanted.origin not in ("measured", "file")
        self.kind.setEnabled(fits)
        self.kind.setToolTip(
            "<p>Mixture as in PN2V; histogram for large calibrations; or the straight line of photon "
            "noise.</p>"
            if fits
            else "<p>This model is not fitted here; it is of the kind that it is.</p>"
        )

    def take_files(self, paths: Sequence[Path]) -> None:
        """Take a noise model, or calibration frames."""
        if len(paths) == 1 and paths[0].suffix.lower() == ".json":
            self._want(replace(self._current, origin="file", files=tuple(paths), text=""))
        else:
            self._want(replace(self._current, origin="calibration", files=tuple(paths), text=""))

    def _want(self, wanted: Wanted) -> None:
        self.show_wanted(wanted)
        self.wanted.emit(wanted)

    @Slot(int)
    def _on_origin(self, number: int) -> None:
        origin = list(ORIGINS)[number]
        if origin in self._ask:
            self._choose(origin)
            return
        key = self.denoised.currentData() if origin == "denoised" else 0
        denoised = self._results[key].stack if key else None
        self._want(replace(self._current, origin=origin, files=(), text="", denoised=denoised))

    @Slot()
    def _on_choose(self) -> None:
        self._choose(cast(Origin, self.sender().property("origin")))

    def _choose(self, origin: Origin) -> None:
        paths = tuple(self._ask[origin]())
        if paths:
            self._want(replace(self._current, origin=origin, files=paths, text=""))
        else:
            self.show_wanted(self._current)

    @Slot()
    def _on_denoised(self) -> None:
        self._on_origin(list(ORIGINS).index("denoised"))

    @Slot()
    def _on_kind(self) -> None:
        self._want(replace(self._current, kind=self.kind.currentData()))


def _indented(*widgets: QWidget) -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(22, 0, 0, 4)
    for column, widget in enumerate(widgets):
        grid.addWidget(widget, 0, column)
    grid.setColumnStretch(len(widgets), 1)
    return grid


def _names(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{len(paths)} files, from {paths[0].name}"
