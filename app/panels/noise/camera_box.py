"""Choice of the calibrated camera that a stack was recorded with."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from core.noise.cameras import saved_cameras
from core.noise.survey import Survey
from core.stack import Stack


class CameraBox(QWidget):
    """List of the saved cameras, and a button to calibrate another one.

    Attributes
    ----------
    chosen : Signal of str
        The user chose a camera by its name; "" to measure the noise in the stack.
    calibrate_wanted : Signal
        The user wants to calibrate a camera.
    """

    chosen = Signal(str)
    calibrate_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.list = QComboBox()
        self.list.setObjectName("noise-camera")
        self.list.setToolTip(
            "<p>Gain, offset and read noise: measured in this stack, or those of a calibrated camera. "
            "Previews, Instant and training use them too.</p>"
        )
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.activated.connect(self._on_activated)
        label = QLabel("Ca&mera")
        label.setBuddy(self.list)
        self.calibrate = QPushButton("Calibrate…")
        self.calibrate.setObjectName("noise-calibrate")
        self.calibrate.setToolTip("<p>Measure a camera once, from dark frames, a flat stack or repeats.</p>")
        self.calibrate.clicked.connect(self.calibrate_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(self.list, 1)
        row.addWidget(self.calibrate)

    def refresh(self, stack: Stack | None) -> None:
        """List the saved cameras, and select that of a stack."""
        used = Survey.of(stack).camera if stack is not None else None
        names = list(saved_cameras())
        if used is not None and used.name not in names:
            names.append(used.name)
        self.list.clear()
        self.list.addItem("as measured", "")
        for name in names:
            self.list.addItem(name, name)
        self.list.setCurrentIndex(self.list.findData(used.name if used is not None else ""))
        self.list.setEnabled(stack is not None)

    @Slot(int)
    def _on_activated(self, index: int) -> None:
        self.chosen.emit(self.list.itemData(index))
